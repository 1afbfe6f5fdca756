"""What the operator set up for each mode: the adapter of every source, and trust anchors as files.

Everything missing fails closed: there is no default source. An anchor is pinned by its SHA-256, and
a file is never trusted by name.
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

_PIN = re.compile(r"(?P<digest>[0-9a-fA-F]{64})\s+(?P<role>anchor|intermediate|tsa)(\s+.*)?")
_MODE = re.compile(r"mode\s+(?P<mode>\w+)")
_MAX_FILE_BYTES: Final = 64 * 1024  # one certificate is about 2 KB; ours
_PEM = b"-----BEGIN CERTIFICATE-----"
_SUFFIXES: Final = {".cer", ".crt", ".der", ".pem"}
_HEADING: Final = "# certificates of the national authority, written by manage.py install_anchors"


@dataclass(frozen=True, kw_only=True)
class TrustSet:
    """DER certificates by role: anchors end a path, intermediates may only stand inside one.

    timestamping: time-stamp authorities, of role `tsa`, that are believed without a path.
    """

    anchors: tuple[bytes, ...]
    intermediates: tuple[bytes, ...]
    timestamping: tuple[bytes, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Installation:
    """What `install_official` did: what the live set holds now, and which known certificates it
    will not hold.
    """

    directory: Path
    held: tuple[OfficialCertificate, ...]
    left_out: tuple[OfficialCertificate, ...]


def resolve(mode: str, name: str, kind: type = object) -> Any:
    """A fresh instance of the adapter configured for this source in this mode, which is of this
    kind.

    Raises `Misconfigured` where none is configured, where it cannot be built or is of another kind,
    and for an insecure one in live mode.
    """
    entry = written(mode).get(name)
    if not entry:
        raise Misconfigured(f"no source {name!r} is configured for mode {mode!r} (TULGA_SOURCES)")
    path, options = entry.get("adapter"), entry.get("options", {})
    if not isinstance(path, str) or not isinstance(options, Mapping):
        raise Misconfigured(
            f"TULGA_SOURCES[{mode!r}][{name!r}] needs an adapter (a dotted path) and options (a"
            " dict)"
        )
    if mode == "live" and "insecure" in path.lower():
        raise Misconfigured(f"TULGA_SOURCES['live'][{name!r}] names an insecure adapter")
    try:
        instance: object = import_string(path)(**options)
    except (ImportError, TypeError) as error:
        raise Misconfigured(
            f"the adapter of TULGA_SOURCES[{mode!r}][{name!r}] cannot be built: {error}"
        ) from error
    if not isinstance(instance, kind):
        raise Misconfigured(f"{type(instance).__name__} is no {kind.__name__}")
    return instance


def adapters(mode: str) -> dict[str, str]:
    """The dotted path of every adapter of this mode, by source; for deployment checks."""
    paths = {name: entry.get("adapter") for name, entry in written(mode).items()}
    return {name: path for name, path in paths.items() if isinstance(path, str)}


def written(mode: str) -> Mapping[str, Mapping[str, object]]:
    """All that the operator wrote about the sources of this mode, by source; says nothing about its
    being right.

    Raises `Misconfigured` for what is no dict.
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
    """The pinned certificates of this mode, in the order pinned. Raises `Misconfigured` naming the
    file.

    The directory holds `pins.txt` and one certificate a file (DER or PEM). A line of `pins.txt` is
    `mode test|live` (once), `<SHA-256 of the DER> anchor|intermediate|tsa [comment]`, empty, or
    starts with `#`. A file without a pin, a pin without a file, no anchor at all, or anything
    shared by both modes refuses.
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
        raise Misconfigured(f"{directory / PINS_FILE} pins no anchor: nothing could be trusted")
    return TrustSet(
        anchors=by_role["anchor"],
        intermediates=by_role["intermediate"],
        timestamping=by_role["tsa"],
    )


def _directory(mode: str) -> Path:
    named = written(mode).get(SOURCE, {}).get("directory")
    if not isinstance(named, str | Path) or not str(named):
        raise Misconfigured(f"TULGA_SOURCES[{mode!r}][{SOURCE!r}] needs a directory")
    return Path(named).resolve()


def _read_pins(directory: Path, *, mode: str) -> dict[str, str]:
    """Role by digest. The mode line keeps a directory of test anchors from being configured as the
    live one.
    """
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
    for other in MODES:
        if other == mode or not written(other).get(SOURCE):
            continue
        other_directory = _directory(other)
        if directory.is_relative_to(other_directory) or other_directory.is_relative_to(directory):
            raise Misconfigured(f"test and live trust anchors share {directory}")
        # A set that is not installed yet cannot share a pin; its own mode complains about it when
        # it is used.
        if (other_directory / PINS_FILE).is_file() and pins.keys() & _read_pins(
            other_directory, mode=other
        ).keys():
            raise Misconfigured(f"{directory / PINS_FILE} shares a pin with mode {other!r}")


def _read_certificates(
    directory: Path, *, pins: Mapping[str, str] | None = None
) -> dict[str, bytes]:
    """By digest, one a file: every file but `pins.txt` must be pinned. Without `pins`, those that
    look like a certificate, and each must be one of the authority's that we know.
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
                "is no certificate of the authority that we know"
                if pins is None
                else f"{PINS_FILE} does not pin"
            )
            raise Misconfigured(f"{path} has SHA-256 {digest}, which {why}")
        certificates[digest] = der
    return certificates


def _read(path: Path) -> bytes:
    """What a file holds. Published fingerprints are over the DER of a certificate, so one in PEM is
    turned into it.
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
    """Copies the national authority's certificates from `source` into the live set: all of it or
    nothing.

    1 every certificate there is in our table, and those that borrowers' signatures rest on are
    taken · 2 each has its issuer beside it, here or in the live set · 3 the live set is empty or
    was written by this function, and shares nothing with the test set · 4 a whole new directory
    takes its place. Raises `Misconfigured`; then nothing changed.
    """
    # 1
    if not source.is_dir():
        raise Misconfigured(f"{source} is no directory")
    given = _read_certificates(source)
    taken = {digest: der for digest, der in given.items() if OFFICIAL[digest].role}
    if not taken:
        raise Misconfigured(
            f"{source} has no certificate that a borrower's signature could rest on"
        )
    # 3, whose set it is; what it holds stays
    directory, held = _directory("live"), taken
    if directory.is_dir() and any(directory.iterdir()):
        pinned = _read_pins(directory, mode="live")
        if (
            not _read(directory / PINS_FILE).startswith(_HEADING.encode())
            or pinned.keys() - OFFICIAL.keys()
        ):
            raise Misconfigured(
                f"{directory} holds certificates of somebody else; nothing was written"
            )
        held = _read_certificates(directory, pins=pinned) | taken
    # 2
    names = {OFFICIAL[digest].name for digest in held}
    for each in (OFFICIAL[digest] for digest in held):
        if each.under and each.under not in names:
            raise Misconfigured(
                f"{each.name} is there without {each.under}: nothing would end its path"
            )
    _refuse_mixing(
        "live", directory=directory, pins={digest: OFFICIAL[digest].role for digest in held}
    )
    # 4
    in_order = [each for digest, each in OFFICIAL.items() if digest in held]
    pins = [
        _HEADING,
        "mode live",
        *(f"{each.sha256}  {each.role}  {each.name}, {each.address}" for each in in_order),
    ]
    files = {f"{each.name}.cer": held[each.sha256] for each in in_order}
    _replace(directory, files=files | {PINS_FILE: ("\n".join(pins) + "\n").encode()})
    left_out = tuple(OFFICIAL[digest] for digest in given if not OFFICIAL[digest].role)
    return Installation(directory=directory, held=tuple(in_order), left_out=left_out)


def _replace(directory: Path, *, files: Mapping[str, bytes]) -> None:
    """Puts a directory of these files where `directory` was. Between two renames there is none: a
    fault, no pass.
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
