"""Keys from a directory: one JSON file each, read once at start. Nothing replaces a key that is not there."""

import base64
import binascii
import json
import re
from dataclasses import dataclass, field, replace
from pathlib import Path

from verification.core.errors import Misconfigured

KEY_BYTES = 32
"""Length of every key: 256 bits, what AES-256, HMAC-SHA256 and an Ed25519 seed take."""

_NUMBER = "[1-9][0-9]{0,3}"
_NAME = re.compile(rf"django|(?:kek|index)-{_NUMBER}|log-(?:test|live)|document-(?:test|live)-{_NUMBER}")
_NAMES = "django.key, kek-N.key, index-N.key, log-test.key, log-live.key, document-test-N.key, document-live-N.key"


@dataclass(frozen=True, kw_only=True)
class Keys:
    """What a directory of keys holds. Empty members mean that nothing which needs them can work."""

    secret_key: str = ""
    encryption: dict[int, bytes] = field(default_factory=dict)
    index: dict[int, bytes] = field(default_factory=dict)
    log: dict[str, bytes] = field(default_factory=dict)
    document: dict[str, dict[int, bytes]] = field(default_factory=dict)
    made_by_demo: frozenset[str] = frozenset()


def read_keys(directory: Path) -> Keys:
    """The keys in this directory. Raises `Misconfigured` for a file that is not a key, or that others may read.

    A missing directory gives no keys: settings can be imported, and whatever needs a key refuses when it is used.
    """
    if not directory.is_dir():
        return Keys()
    keys, secret_key, made_by_demo = Keys(), "", set()
    for path in sorted(directory.glob("*.key")):
        key, made_by = _read(path)
        match path.stem.split("-"):
            case ["django"]:
                secret_key = key.hex()
            case ["kek", number]:
                keys.encryption[int(number)] = key
            case ["index", number]:
                keys.index[int(number)] = key
            case ["log", mode]:
                keys.log[mode] = key
            case ["document", mode, number]:
                keys.document.setdefault(mode, {})[int(number)] = key
        if made_by == "demo":
            made_by_demo.add(path.name)
    return replace(keys, secret_key=secret_key, made_by_demo=frozenset(made_by_demo))


def _read(path: Path) -> tuple[bytes, str]:
    """One file's key and maker. Never shows a byte of it: errors name the file only."""
    if _NAME.fullmatch(path.stem) is None:
        raise Misconfigured(f"{path} is not a key's name: {_NAMES}")
    try:
        can_others_read, spelled = path.stat().st_mode & 0o077, path.read_bytes()
    except OSError as error:
        raise Misconfigured(f"{path} cannot be read ({error.strerror}).\nMake it this process's user's own.") from None
    if can_others_read:
        raise Misconfigured(f"{path} can be read by others: chmod 600 {path}")
    try:
        content = json.loads(spelled.decode("ascii"))
        kind, made_by, key = content["kind"], content["made_by"], base64.b64decode(content["key"], validate=True)
    except (ValueError, KeyError, TypeError, binascii.Error):
        raise Misconfigured(f"{path} is not a key file: make one by `manage.py make_keys`") from None
    if kind != path.stem.partition("-")[0] or made_by not in ("demo", "operator") or len(key) != KEY_BYTES:
        raise Misconfigured(f"{path} holds another kind of key, no maker, or not {KEY_BYTES} bytes")
    return key, made_by
