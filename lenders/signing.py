"""Signs webhooks as Standard Webhooks says: `v1` is HMAC-SHA256 with a shared secret, `v1a` Ed25519 with our own key.

Source: the Standard Webhooks specification, "Signature scheme". What is signed is `<id>.<timestamp>.<body>`.
"""

import hmac
import secrets
from base64 import b64decode, b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from lenders import policy

SECRET_MARK = "whsec_"  # noqa: S105  # what a secret begins with, not a secret
PUBLIC_KEY_MARK = "whpk_"


@dataclass(frozen=True)
class SigningKey:
    """An Ed25519 key of one endpoint: the seed that stays here and the public key that its lender may check with."""

    seed: bytes
    public: str


def new_secret() -> bytes:
    """A fresh shared secret."""
    return secrets.token_bytes(policy.SECRET_BYTES)


def spell_secret(secret: bytes) -> str:
    """A secret as the lender gets it, once: `whsec_` and base64."""
    return SECRET_MARK + b64encode(secret).decode()


def new_signing_key() -> SigningKey:
    """A fresh Ed25519 key."""
    seed = secrets.token_bytes(32)
    public = Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()
    return SigningKey(seed, PUBLIC_KEY_MARK + b64encode(public).decode())


def read_secret(spelled: str) -> bytes:
    """The bytes of a secret as it was spelled; raises `ValueError` for anything else."""
    if not spelled.startswith(SECRET_MARK):
        raise ValueError("a secret begins with whsec_")
    return b64decode(spelled.removeprefix(SECRET_MARK), validate=True)


def headers(
    *, message_id: str, timestamp: int, body: bytes, shared_secrets: Sequence[bytes], seed: bytes
) -> Mapping[str, str]:
    """The three headers of a message. `timestamp`: seconds since 1970. Each shared secret gives one `v1`."""
    signed = f"{message_id}.{timestamp}.".encode() + body
    signatures = [f"v1,{_spell(hmac.digest(secret, signed, 'sha256'))}" for secret in shared_secrets]
    signatures.append(f"v1a,{_spell(Ed25519PrivateKey.from_private_bytes(seed).sign(signed))}")
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(signatures),
    }


def _spell(signature: bytes) -> str:
    return b64encode(signature).decode()
