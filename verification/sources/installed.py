"""The operator's set-up for each mode: the adapter of every source, and trust anchors as files.

A missing item fails closed: there is no default source.
An anchor is pinned by its SHA-256; a file's name gives it no trust.
"""

import re
import shutil
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from django.conf import settings
from django.utils.module_loading import import_string

from verification.core.certificates import OFFICIAL, OfficialCertificate
from verification.core.errors import Misconfigured

SOURCE: Final = "trust_anchors"
PINS_FILE: Final = "pins.txt"
MODES: Final = ("test", "live")
HTTP: Final = "http"
"""The short name of our adapters that speak the protocol of docs/operator/sources.md."""

_PIN = re.compile(r"(?P<digest>[0-9a-fA-F]{64})\s+(?P<role>anchor|intermediate|tsa)(\s+.*)?")
_MODE = re.compile(r"mode\s+(?P<mode>\w+)")
_MAX_FILE_BYTES: Final = 64 * 1024  # one certificate is about 2 KB; ours
_PEM = b"-----BEGIN CERTIFICATE-----"
_SUFFIXES: Final = {".cer", ".crt", ".der", ".pem"}
_HEADING: Final = "# certificates of the national authority, written by manage.py install_anchors"


@dataclass(frozen=True, kw_only=True)
class TrustSet:
    """DER certificates by role: anchors end a path, intermediates only stand inside one.

    timestamping: time-stamp authorities, of role `tsa`, trusted without a path.
    """

    anchors: tuple[bytes, ...]
    intermediates: tuple[bytes, ...]
    timestamping: tuple[bytes, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Installation:
    """The result of `install_official`: the present live set, and the known certificates left
    out.
    """

    directory: Path
    installed: tuple[OfficialCertificate, ...]
    left_out: tuple[OfficialCertificate, ...]


def resolve(mode: str, name: str) -> Any:
    """A fresh instance of the adapter configured for this source in this mode.

    Raises: `Misconfigured` if it is missing, cannot be built, serves another source, or is insecure
    in live mode.
    """
    entry = written(mode).get(name)
    if not entry:
        raise Misconfigured(f"no source {name!r} is configured for mode {mode!r} (TULGA_SOURCES)")
    adapter, options = entry.get("adapter"), entry.get("options", {})
    if not isinstance(adapter, str) or not isinstance(options, Mapping):
        raise Misconfigured(
            f"TULGA_SOURCES[{mode!r}][{name!r}] needs an adapter (a name) and options (a dict)"
        )
    if mode == "live" and "insecure" in adapter.lower():
        raise Misconfigured(f"TULGA_SOURCES['live'][{name!r}] names an insecure adapter")
    build = find(name, adapter)
    try:
        instance = build(**options)
    except TypeError as error:
        raise Misconfigured(
            f"the adapter {adapter!r} of {name} cannot be built: {error}"
        ) from error
    if getattr(instance, "source", None) != name:
        raise Misconfigured(
            f"the adapter {adapter!r} does not say that it asks {name}: its `source` must be that",
            code="adapter_unknown",
        )
    return instance


def find(source: str, adapter: str) -> Any:
    """What builds this adapter: a class, or a part of one.

    Raises: `Misconfigured` (adapter_unknown).
    """
    try:
        return import_string(_path(source, adapter))
    except (ImportError, TypeError, ValueError) as error:  # ValueError: not a dotted path
        short = ", ".join(_short_names(source))
        raise Misconfigured(
            f"no adapter {adapter!r} of {source} can be found ({error}): name one of ours"
            f" ({short}), or the dotted path of your own",
            code="adapter_unknown",
        ) from error


def _path(source: str, adapter: str) -> str:
    """The path of an adapter: its own dotted path, or ours by a short name.

    `http` is beside its source; others have a file `<source>_<short name>.py`.
    """
    if "." in adapter:
        return adapter
    module = source if adapter == HTTP else f"{source}_{adapter}"
    return f"{__package__}.{module}.ADAPTER"


def _short_names(source: str) -> list[str]:
    """The short names of our adapters."""
    files = Path(__file__).parent.glob(f"{source}_*.py")
    return [HTTP, *sorted(file.stem.removeprefix(f"{source}_") for file in files)]


def adapters(mode: str) -> dict[str, str]:
    """The name of every adapter of this mode, by source; for deployment checks."""
    paths = {name: entry.get("adapter") for name, entry in written(mode).items()}
    return {name: path for name, path in paths.items() if isinstance(path, str)}


def written(mode: str) -> Mapping[str, Mapping[str, object]]:
    """The operator's settings for the sources of this mode, by source, unchecked.

    Raises: `Misconfigured` unless they are a dict.
    """
    sources = getattr(settings, "TULGA_SOURCES", None)
    if not isinstance(sources, Mapping):
        raise Misconfigured("TULGA_SOURCES is missing: no source may be asked")
    entries = sources.get(mode, {})
    if not isinstance(entries, Mapping) or not all(
        isinstance(entry, Mapping) for entry in entries.values()
    ):
        raise Misconfigured(f"TULGA_SOURCES[{mode!r}] must be a dict of sources, each a dict")
    return entries


def trust_anchors(mode: str) -> TrustSet:
    """The pinned certificates of this mode, in pin order.

    The directory holds `pins.txt` and one certificate per file (DER or PEM).
    A line of `pins.txt` is `mode test|live` (once), `<SHA-256 of the DER> anchor|intermediate|tsa
    [comment]`, empty, or starts with `#`.
    It refuses a file without a pin, a pin without a file, a set without an anchor, and anything
    shared by both modes.

    Raises: `Misconfigured` naming the file.
    """
    directory = _directory(mode)
    pins = _read_pins(directory, mode=mode)
    _refuse_mixing(mode, directory=directory, pins=pins)
    certificates = _read_certificates(directory, pins=pins)
    missing = [digest for digest in pins if digest not in certificates]
    if missing:
        raise Misconfigured(
            f"{directory / PINS_FILE} pins {missing[0]}, and no file there has that SHA-256"
        )
    by_role = {
        role: tuple(certificates[digest] for digest, pinned in pins.items() if pinned == role)
        for role in ("anchor", "intermediate", "tsa")
    }
    if not by_role["anchor"]:
        raise Misconfigured(f"{directory / PINS_FILE} pins no anchor, so it trusts no certificate")
    return TrustSet(
        anchors=by_role["anchor"],
        intermediates=by_role["intermediate"],
        timestamping=by_role["tsa"],
    )


def _directory(mode: str) -> Path:
    folder = written(mode).get(SOURCE, {}).get("directory")
    if not isinstance(folder, str | Path) or not str(folder):
        raise Misconfigured(f"TULGA_SOURCES[{mode!r}][{SOURCE!r}] needs a directory")
    return Path(folder).resolve()


def _read_pins(directory: Path, *, mode: str) -> dict[str, str]:
    """Role by digest. The mode line prevents the use of test anchors in live mode."""
    path = directory / PINS_FILE
    pins: dict[str, str] = {}
    modes: list[str] = []
    for number, line in enumerate(_read(path).decode("utf-8", "replace").splitlines(), start=1):
        text = line.strip()
        if not text or text.startswith("#"):
            continue
        if of_mode := _MODE.fullmatch(text):
            modes.append(of_mode["mode"])
        elif pin := _PIN.fullmatch(text):
            pins[pin["digest"].lower()] = pin["role"]
        else:
            raise Misconfigured(f"{path}, line {number}: neither a pin nor a mode")
    if modes != [mode]:
        raise Misconfigured(f"{path} must say `mode {mode}`, once")
    return pins


def _refuse_mixing(mode: str, *, directory: Path, pins: Mapping[str, str]) -> None:
    for foreign in MODES:
        if foreign == mode or not written(foreign).get(SOURCE):
            continue
        other_directory = _directory(foreign)
        if directory.is_relative_to(other_directory) or other_directory.is_relative_to(directory):
            raise Misconfigured(f"test and live trust anchors share {directory}")
        # A set that is not installed yet cannot share a pin; its own mode reports the defect on
        # use.
        if (other_directory / PINS_FILE).is_file() and pins.keys() & _read_pins(
            other_directory, mode=foreign
        ).keys():
            raise Misconfigured(f"{directory / PINS_FILE} shares a pin with mode {foreign!r}")


def _read_certificates(
    directory: Path, *, pins: Mapping[str, str] | None = None
) -> dict[str, bytes]:
    """By digest, one per file: every file but `pins.txt` must be pinned.

    Without `pins`: files that look like a certificate, and each must be a known one of the
    authority.
    """
    certificates = {}
    for path in sorted(directory.iterdir()):
        is_other = path.suffix.lower() not in _SUFFIXES if pins is None else path.name == PINS_FILE
        if is_other or path.name.startswith("."):
            continue
        der = _read(path)
        digest = sha256(der).hexdigest()
        if digest not in (OFFICIAL if pins is None else pins):
            why = (
                "is not a known certificate of the authority"
                if pins is None
                else f"{PINS_FILE} does not pin"
            )
            raise Misconfigured(f"{path} has SHA-256 {digest}, which {why}")
        certificates[digest] = der
    return certificates


def _read(path: Path) -> bytes:
    """A file's content. Published fingerprints cover the DER of a certificate, so PEM is
    converted.
    """
    try:
        with path.open("rb") as file:
            content = file.read(_MAX_FILE_BYTES + 1)
    except OSError as error:
        raise Misconfigured(f"{path} cannot be read: {error.strerror}") from error
    if len(content) > _MAX_FILE_BYTES:
        raise Misconfigured(f"{path} is larger than {_MAX_FILE_BYTES} bytes: not one certificate")
    try:
        return (
            ssl.PEM_cert_to_DER_cert(content.decode("ascii"))
            if content.lstrip().startswith(_PEM)
            else content
        )
    except ValueError as error:
        raise Misconfigured(f"{path} is not one certificate in PEM") from error


def install_official(source: Path) -> Installation:
    """Copies the national authority's certificates from `source` into the live set: all or none.

    1. Each certificate must be in our table; those under borrowers' signatures are taken.
    2. Each needs its issuer, here or in the live set.
    3. The live set must be empty or written by this function, and share nothing with the test set.
    4. A whole new directory replaces it.

    Raises: `Misconfigured`; then nothing changed.
    """
    # 1
    if not source.is_dir():
        raise Misconfigured(f"{source} is no directory")
    offered = _read_certificates(source)
    usable = {digest: der for digest, der in offered.items() if OFFICIAL[digest].role}
    if not usable:
        raise Misconfigured(
            f"{source} has no certificate that a borrower's signature could rest on"
        )
    # 3, the owner of the set; its content stays
    directory, certificates = _directory("live"), usable
    if directory.is_dir() and any(directory.iterdir()):
        pinned = _read_pins(directory, mode="live")
        if (
            not _read(directory / PINS_FILE).startswith(_HEADING.encode())
            or pinned.keys() - OFFICIAL.keys()
        ):
            raise Misconfigured(
                f"{directory} holds certificates from another source; nothing was written"
            )
        certificates = _read_certificates(directory, pins=pinned) | usable
    # 2
    names = {OFFICIAL[digest].name for digest in certificates}
    for official in (OFFICIAL[digest] for digest in certificates):
        if official.under and official.under not in names:
            raise Misconfigured(
                f"{official.name} is there without {official.under}: its path has no end"
            )
    _refuse_mixing(
        "live", directory=directory, pins={digest: OFFICIAL[digest].role for digest in certificates}
    )
    # 4
    in_order = [official for digest, official in OFFICIAL.items() if digest in certificates]
    pins = [
        _HEADING,
        "mode live",
        *(
            f"{official.sha256}  {official.role}  {official.name}, {official.address}"
            for official in in_order
        ),
    ]
    files = {f"{official.name}.cer": certificates[official.sha256] for official in in_order}
    _replace(directory, files=files | {PINS_FILE: ("\n".join(pins) + "\n").encode()})
    left_out = tuple(OFFICIAL[digest] for digest in offered if not OFFICIAL[digest].role)
    return Installation(directory=directory, installed=tuple(in_order), left_out=left_out)


def _replace(directory: Path, *, files: Mapping[str, bytes]) -> None:
    """Replaces the directory by these files. Between two renames it is absent: a fault, not a
    pass.
    """
    new, old = (directory.with_name(f".{directory.name}.{word}") for word in ("new", "old"))
    try:
        for left_over in (new, old):
            shutil.rmtree(left_over, ignore_errors=True)
        new.mkdir(parents=True)
        for name, content in files.items():
            (new / name).write_bytes(content)
        if directory.exists():
            directory.rename(old)
        try:
            new.rename(directory)
        except OSError:
            if old.exists():
                old.rename(directory)
            raise
    except OSError as error:
        raise Misconfigured(f"{directory} cannot be written: {error.strerror}") from error
    finally:
        shutil.rmtree(new, ignore_errors=True)
    shutil.rmtree(old, ignore_errors=True)
