"""Common parts of signature verification: canonical JSON, Ed25519, root-certified keys. Pure."""

import json
from base64 import b64decode, b64encode
from collections.abc import Mapping
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from tulga.errors import Refused
from tulga.narrowing import items, members


def require(holds: object, why: str) -> None:
    """Raises: `Refused` unless the condition holds."""
    if not holds:
        raise Refused(why)


def is_signed(public: bytes, signature: bytes, message: bytes, what: str) -> None:
    """Raises: `Refused` unless this key signed the message."""
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except (ValueError, InvalidSignature):
        raise Refused(
            f"the signature of the {what} is invalid: another key, or changed content"
        ) from None


def is_certified(key: Mapping[str, Any], public: bytes, *, kind: str, root: bytes | None) -> None:
    """Raises: `Refused` unless the key in root.pub certified a key for this purpose, or no root
    is given.
    """
    if root is None:
        return
    certifying = from_base64(parsed(root, "the root").get("public"), 32)
    mode, number = str(key.get("mode")), key.get("number")
    said = {
        "kind": kind,
        "mode": mode,
        "number": number if type(number) is int else None,
        "public": public.hex(),
    }
    message = json.dumps(
        {"context": "tulga-certificate-v1", **said}, sort_keys=True, separators=(",", ":")
    ).encode()
    is_signed(
        certifying,
        from_base64(key.get("certificate"), 64),
        message,
        f"root's certificate of the {kind} key",
    )


def key_set(keys: bytes, name: str) -> list[dict[str, Any]]:
    """The keys under a name in /.well-known/jwks.json."""
    listed = items(parsed(keys, "the key set").get(name))
    found = [key for key in map(members, listed or []) if key is not None]
    require(
        listed is not None and len(found) == len(listed), f"the keys are no set of ours with {name}"
    )
    return found


def parsed(untrusted: bytes, what: str, *, is_canonical: bool = False) -> dict[str, Any]:
    """A JSON object; a canonical one must be in canonical form, which is unique."""
    try:
        value = json.loads(untrusted)
        spelled = json.dumps(
            value, ensure_ascii=False, sort_keys=True, separators=(",", ":")
        ).encode()
    except (ValueError, RecursionError):
        value, spelled = None, b""
    fields = members(value)
    if fields is not None and (spelled == untrusted or not is_canonical):
        return fields
    raise Refused(f"{what} is no JSON object{' in canonical spelling' if is_canonical else ''}")


def from_base64(untrusted: object, length: int | None = None, *, url: bool = False) -> bytes:
    """So many bytes from base64, or base64url without padding, in canonical form."""
    text, alphabet = str(untrusted), b"-_" if url else None
    try:
        content = b64decode(text + "=" * (-len(text) % 4 if url else 0), alphabet, validate=True)
    except ValueError:
        content = b""
    spelled = b64encode(content, alphabet).decode()
    is_right = (spelled.rstrip("=") if url else spelled) == untrusted and length in (
        None,
        len(content),
    )
    require(is_right, f"no {length or ''} bytes of base64{'url' if url else ''}")
    return content
