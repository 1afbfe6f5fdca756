"""Signs webhooks as Standard Webhooks says: `v1` is HMAC-SHA256 with a shared secret, `v1a` Ed25519
with our own key.

Source: the Standard Webhooks specification, "Signature scheme". What is signed is
    `<id>.<timestamp>.<body>`.
"""

import hmac
import secrets
from base64 import b64encode
from collections.abc import Sequence

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from lenders import policy


def new_secret() -> bytes:
    """A fresh shared secret."""
    return secrets.token_bytes(policy.SECRET_BYTES)


def spell_secret(secret: bytes) -> str:
    """A secret as the lender gets it, once: `whsec_` and base64."""
    return f"whsec_{b64encode(secret).decode()}"


def new_signing_key() -> tuple[bytes, str]:
    """A fresh Ed25519 key of one endpoint: the seed, which stays here, and the public key as its
    lender gets it.
    """
    seed = secrets.token_bytes(32)
    public = Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()
    return seed, f"whpk_{b64encode(public).decode()}"


def headers(
    *, message_id: str, timestamp: int, body: bytes, shared_secrets: Sequence[bytes], seed: bytes
) -> dict[str, str]:
    """The three headers of a message. `timestamp`: seconds since 1970. Each shared secret gives one
    `v1`.
    """
    # Id and time are signed with the body, or an old body could be sent under a new id.
    signed = f"{message_id}.{timestamp}.".encode() + body
    # A message may carry several signatures, blanks between them; one that verifies is enough, as
    # in a rotation.
    signatures = [("v1", hmac.digest(secret, signed, "sha256")) for secret in shared_secrets]
    signatures.append(("v1a", Ed25519PrivateKey.from_private_bytes(seed).sign(signed)))
    spelled = " ".join(
        f"{scheme},{b64encode(signature).decode()}" for scheme, signature in signatures
    )
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": spelled,
    }
