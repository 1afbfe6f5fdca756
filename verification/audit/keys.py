"""The logs, their names and their signing keys, from the settings."""

from typing import Final

from django.conf import settings

from verification.audit.checkpoint import SigningKey, VerificationKey
from verification.core.errors import Misconfigured

LOGS: Final = ("test", "live")
_SEED_BYTES: Final = 32


def signing_key(log: str) -> SigningKey:
    """The key that signs this log, under the log's origin; raises `Misconfigured` if the operator has set none."""
    if log not in LOGS:
        raise ValueError(f"there is no log {log!r}")
    seed = settings.TULGA_LOG_KEYS.get(log)
    if seed is None:
        raise Misconfigured(f"TULGA_LOG_KEYS has no key for the {log} log")
    if len(seed) != _SEED_BYTES:
        raise Misconfigured(f"the key of the {log} log is no Ed25519 seed of {_SEED_BYTES} bytes")
    if not settings.TULGA_LOG_ORIGIN:
        raise Misconfigured("TULGA_LOG_ORIGIN names the log and is not set")
    return SigningKey(name=f"{settings.TULGA_LOG_ORIGIN}/{log}", seed=bytes(seed))


def verification_key(log: str) -> VerificationKey:
    """What verifies the checkpoints of this log; `str()` of it is what verifiers are given."""
    return signing_key(log).public
