"""What the operator installed as files: trust anchors, each pinned by its SHA-256. A file is never trusted by name."""

import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Final

from verification.core.errors import Misconfigured
from verification.sources import configured, is_configured

SOURCE: Final = "trust_anchors"
PINS_FILE: Final = "pins.txt"
MODES: Final = ("test", "live")

_PIN = re.compile(r"(?P<digest>[0-9a-fA-F]{64})\s+(?P<role>anchor|intermediate|tsa)(\s+.*)?")
_MODE = re.compile(r"mode\s+(?P<mode>\w+)")
_MAX_FILE_BYTES: Final = 64 * 1024  # one certificate is about 2 KB; ours
_PEM = b"-----BEGIN CERTIFICATE-----"


@dataclass(frozen=True, kw_only=True)
class TrustSet:
    """DER certificates by role: anchors end a path, intermediates may only stand inside one.

    timestamping: time-stamp authorities, of role `tsa`, that are believed without a path.
    """

    anchors: tuple[bytes, ...]
    intermediates: tuple[bytes, ...]
    timestamping: tuple[bytes, ...] = ()


def trust_anchors(mode: str) -> TrustSet:
    """The pinned certificates of this mode, in the order pinned. Raises `Misconfigured` naming the file.

    The directory holds `pins.txt` and one certificate a file (DER or PEM). A line of `pins.txt` is
    `mode test|live` (once), `<SHA-256 of the DER> anchor|intermediate|tsa [comment]`, empty, or starts with `#`.
    A file without a pin, a pin without a file, no anchor at all, or anything shared by both modes refuses.
    """
    directory = _directory(mode)
    pins = _read_pins(directory, mode=mode)
    _refuse_mixing(mode, directory=directory, pins=pins)
    certificates = _read_certificates(directory, pins=pins)
    missing = [digest for digest in pins if digest not in certificates]
    if missing:
        raise Misconfigured(f"{directory / PINS_FILE} pins {missing[0]}, and no file there has that SHA-256")
    by_role = {
        role: tuple(certificates[digest] for digest, pinned in pins.items() if pinned == role)
        for role in ("anchor", "intermediate", "tsa")
    }
    if not by_role["anchor"]:
        raise Misconfigured(f"{directory / PINS_FILE} pins no anchor: nothing could be trusted")
    return TrustSet(anchors=by_role["anchor"], intermediates=by_role["intermediate"], timestamping=by_role["tsa"])


def _directory(mode: str) -> Path:
    written = configured(mode, SOURCE).get("directory")
    if not isinstance(written, str | Path) or not str(written):
        raise Misconfigured(f"TULGA_SOURCES[{mode!r}][{SOURCE!r}] needs a directory")
    return Path(written).resolve()


def _read_pins(directory: Path, *, mode: str) -> dict[str, str]:
    """Role by digest. The mode line keeps a directory of test anchors from being configured as the live one."""
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
        if other == mode or not is_configured(other, SOURCE):
            continue
        other_directory = _directory(other)
        if directory.is_relative_to(other_directory) or other_directory.is_relative_to(directory):
            raise Misconfigured(f"test and live trust anchors share {directory}")
        # A set that is not installed yet cannot share a pin; its own mode complains about it when it is used.
        if (other_directory / PINS_FILE).is_file() and pins.keys() & _read_pins(other_directory, mode=other).keys():
            raise Misconfigured(f"{directory / PINS_FILE} shares a pin with mode {other!r}")


def _read_certificates(directory: Path, *, pins: Mapping[str, str]) -> dict[str, bytes]:
    certificates = {}
    for path in sorted(directory.iterdir()):
        if path.name == PINS_FILE or path.name.startswith("."):
            continue
        der = _as_der(_read(path), path=path)
        digest = sha256(der).hexdigest()
        if digest not in pins:
            raise Misconfigured(f"{path} has SHA-256 {digest}, which {PINS_FILE} does not pin")
        certificates[digest] = der
    return certificates


def _as_der(content: bytes, *, path: Path) -> bytes:
    # Published fingerprints are over the DER, so a PEM file is turned into it before it is hashed.
    if not content.lstrip().startswith(_PEM):
        return content
    try:
        return ssl.PEM_cert_to_DER_cert(content.decode("ascii"))
    except ValueError as error:
        raise Misconfigured(f"{path} is not one certificate in PEM") from error


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            content = file.read(_MAX_FILE_BYTES + 1)
    except OSError as error:
        raise Misconfigured(f"{path} cannot be read: {error.strerror}") from error
    if len(content) > _MAX_FILE_BYTES:
        raise Misconfigured(f"{path} is larger than {_MAX_FILE_BYTES} bytes: not one certificate")
    return content
