"""Signs documents by a key of their own, and names the public keys they are verified by.

A document is a JSON Web Signature in the flattened JSON form (RFC 7515 §7.2.2) by Ed25519 (RFC 8037), as canonical
JSON. Its key is never the log's. Of a mode's keys the one with the highest number signs; all of them stay published.
"""

from base64 import urlsafe_b64encode
from functools import cache
from hashlib import sha256
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.conf import settings

from verification.core.errors import Misconfigured
from verification.core.stored import canonical_json

ALGORITHM: Final = "EdDSA"
TYPE: Final = "tulga-identification+jws"
"""Said in the protected header, so that nothing else we may ever sign can be taken for a document."""
_SEED_BYTES: Final = 32


def sign(payload: bytes, *, mode: str) -> bytes:
    """The signed document. Raises `Misconfigured` where the operator has set no key for this mode."""
    keys = _keys(mode)
    if not keys:
        raise Misconfigured(f"TULGA_DOCUMENT_KEYS has no key for {mode} documents: run manage.py make_keys")
    # The highest number is the newest; older ones stay, so that what they signed can be verified.
    seed = keys[max(keys)]
    header = {"alg": ALGORITHM, "kid": _public(seed, mode)["kid"], "typ": TYPE}
    protected, body = _spell(canonical_json(header)), _spell(payload)
    signature = Ed25519PrivateKey.from_private_bytes(seed).sign(f"{protected}.{body}".encode())
    return canonical_json({"payload": body, "protected": protected, "signature": _spell(signature)})


def public_keys() -> list[dict[str, str]]:
    """The public keys of both modes as JSON Web Keys, the newest first. `mode` says whose documents a key may sign."""
    return [_public(seed, mode) for mode in ("live", "test") for _, seed in sorted(_keys(mode).items(), reverse=True)]


def _keys(mode: str) -> dict[int, bytes]:
    keys: dict[int, bytes] = settings.TULGA_DOCUMENT_KEYS.get(mode, {})
    if any(len(seed) != _SEED_BYTES for seed in keys.values()):
        raise Misconfigured(f"a key for {mode} documents is no Ed25519 seed of {_SEED_BYTES} bytes")
    return keys


@cache
def _public(seed: bytes, mode: str) -> dict[str, Any]:
    public = Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()
    required = {"crv": "Ed25519", "kty": "OKP", "x": _spell(public)}
    # RFC 7638: the hash of the required members alone, in this order, without blanks.
    thumbprint = _spell(sha256(canonical_json(required)).digest())
    return {**required, "alg": ALGORITHM, "kid": thumbprint, "mode": mode, "use": "sig"}


def _spell(content: bytes) -> str:
    """Base64url without padding. Source: RFC 7515 §2."""
    return urlsafe_b64encode(content).rstrip(b"=").decode()
