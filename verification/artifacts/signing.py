"""Signs documents and receipts with their own key, and lists the public keys that verify them.

A document is a JSON Web Signature in flattened JSON form (RFC 7515 §7.2.2) with Ed25519 (RFC 8037),
as canonical JSON.
A receipt is one in compact form (§7.1). Their key is never the log's.
Of a mode's keys the highest number signs; all remain published, with the root's certificate.
"""

from base64 import b64encode
from functools import cache
from hashlib import sha256
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.conf import settings

from verification.core.certificates import Certified
from verification.core.errors import Misconfigured
from verification.core.stored import canonical_json, to_base64url

ALGORITHM: Final = "EdDSA"
TYPE: Final = "tulga-identification+jws"
RECEIPT_TYPE: Final = "tulga-receipt+jws"
"""Typed in the protected header, so that no other signature of ours passes for a document or
receipt.
"""
_SEED_BYTES: Final = 32


def sign(payload: bytes, *, mode: str) -> bytes:
    """The signed document.

    Raises: as `sign_compact`.
    """
    protected, body, signature = sign_compact(payload, mode=mode, type_=TYPE).split(".")
    return canonical_json({"payload": body, "protected": protected, "signature": signature})


def sign_compact(payload: bytes, *, mode: str, type_: str) -> str:
    """A signature in compact form, as for a receipt: header, payload and signature.

    type_: its purpose, in the header.

    Raises: `Misconfigured` without a key for this mode.
    """
    keys: dict[int, bytes] = settings.TULGA_DOCUMENT_KEYS.get(mode, {})
    if any(len(seed) != _SEED_BYTES for seed in keys.values()):
        raise Misconfigured(
            f"a key for {mode} documents must be an Ed25519 seed of {_SEED_BYTES} bytes"
        )
    if not keys:
        raise Misconfigured(
            f"TULGA_DOCUMENT_KEYS has no key for {mode} documents: only workers hold it"
        )
    # The highest number is the newest; public halves of older keys remain, to verify their
    # signatures.
    private = Ed25519PrivateKey.from_private_bytes(keys[max(keys)])
    key = _public(private.public_key().public_bytes_raw(), mode)
    # RFC 8725 §3.11 asks for an own type, so that one kind of token does not pass for another.
    header = {"alg": ALGORITHM, "kid": key["kid"], "typ": type_}
    signed_part = f"{to_base64url(canonical_json(header))}.{to_base64url(payload)}"
    return f"{signed_part}.{to_base64url(private.sign(signed_part.encode()))}"


def public_keys() -> list[dict[str, Any]]:
    """The certified public keys as JSON Web Keys, newest first. `mode`: whose documents a key
    may sign.
    """
    certified = [key for key in settings.TULGA_CERTIFIED if key.kind == "document"]
    in_order = sorted(certified, key=lambda key: (key.mode, -key.number))
    return [{**_public(key.public, key.mode), **_certificate(key)} for key in in_order]


def log_keys() -> list[dict[str, Any]]:
    """The certified public keys of the logs, which verify checkpoints and so the proof of a
    receipt.
    """
    certified = sorted(
        (key for key in settings.TULGA_CERTIFIED if key.kind == "log"), key=lambda key: key.mode
    )
    return [
        {"mode": key.mode, "x": to_base64url(key.public), **_certificate(key)} for key in certified
    ]


def _certificate(key: Certified) -> dict[str, Any]:
    """The root's certificate, by which a holder of the root's public key trusts the key."""
    return {"number": key.number, "certificate": b64encode(key.signature).decode()}


@cache
def _public(public: bytes, mode: str) -> dict[str, Any]:
    required = {"crv": "Ed25519", "kty": "OKP", "x": to_base64url(public)}
    # RFC 7638: the hash of the required members alone, in this order, without blanks.
    thumbprint = to_base64url(sha256(canonical_json(required)).digest())
    return {**required, "alg": ALGORITHM, "kid": thumbprint, "mode": mode, "use": "sig"}
