"""Keys from a directory: one JSON file each, read once at start. Nothing replaces a key that is not there."""

import base64
import binascii
import json
import re
from dataclasses import dataclass, field, replace
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from verification.core.errors import Misconfigured

KEY_BYTES = 32
"""Length of every key: 256 bits, what AES-256, HMAC-SHA256 and an Ed25519 seed take."""

_NUMBER = "[1-9][0-9]{0,3}"
_NAME = re.compile(rf"django|(?:kek|index)-{_NUMBER}|log-(?:test|live)|(?:document|decision)-(?:test|live)-{_NUMBER}")
_PUBLIC_NAME = re.compile(rf"decision-(test|live)-({_NUMBER})")
_NAMES = (
    "django.key, kek-N.key, index-N.key, log-test.key, log-live.key, document-test-N.key, document-live-N.key, "
    "decision-test-N.key, decision-live-N.key"
)


@dataclass(frozen=True, kw_only=True)
class Keys:
    """What a directory of keys holds. Empty members mean that nothing which needs them can work."""

    secret_key: str = ""
    encryption: dict[int, bytes] = field(default_factory=dict)
    index: dict[int, bytes] = field(default_factory=dict)
    log: dict[str, bytes] = field(default_factory=dict)
    document: dict[str, dict[int, bytes]] = field(default_factory=dict)
    decision: dict[str, dict[int, bytes]] = field(default_factory=dict)
    deciders: dict[str, dict[int, bytes]] = field(default_factory=dict)
    """The public halves of decision keys, by mode and number: those of this host's workers, and of others."""
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
            case ["decision", mode, number]:
                keys.decision.setdefault(mode, {})[int(number)] = key
        if made_by == "demo":
            made_by_demo.add(path.name)
    for path in sorted(directory.glob("*.pub")):
        of, place, public = _read_public(path)
        keys.deciders.setdefault(of, {})[place] = public
    for of, seeds in keys.decision.items():
        for place, seed in seeds.items():
            own = Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()
            if keys.deciders.setdefault(of, {}).setdefault(place, own) != own:
                raise Misconfigured(f"decision-{of}-{place}.pub is not the public half of the key beside it")
    return replace(keys, secret_key=secret_key, made_by_demo=frozenset(made_by_demo))


def _read_public(path: Path) -> tuple[str, int, bytes]:
    """The mode, the number and the raw public key of a file that `manage.py make_keys` wrote beside a decision key."""
    named = _PUBLIC_NAME.fullmatch(path.stem)
    try:
        content = json.loads(path.read_bytes().decode("ascii"))
        kind, public = content["kind"], base64.b64decode(content["public"], validate=True)
    except (OSError, ValueError, KeyError, TypeError, binascii.Error):
        raise Misconfigured(f"{path} is no file of a public key: manage.py make_keys writes them") from None
    if named is None or kind != "decision-public" or len(public) != KEY_BYTES:
        raise Misconfigured(f"{path} is no decision-MODE-N.pub, or holds no public key of {KEY_BYTES} bytes")
    return named[1], int(named[2]), public


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
