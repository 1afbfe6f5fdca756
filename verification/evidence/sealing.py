"""Seals secrets that belong to no verification, such as a lender's webhook secret."""

from verification.evidence import vault


def seal(scope: str, plaintext: bytes) -> bytes:
    """Sealed under the current key-encryption key; opens only under the same scope."""
    return vault.seal_secret(plaintext, scope=scope)


def unseal(scope: str, sealed: bytes) -> bytes:
    """The plain bytes; raises `EvidenceUnreadable` under another scope or key."""
    return vault.unseal_secret(sealed, scope=scope)


def seal_for_sender(scope: str, plaintext: bytes) -> bytes:
    """The same under the key that the sender has as well, which opens nothing else."""
    return vault.seal_secret(plaintext, scope=scope, under=vault.WEBHOOK_KEYS)


def unseal_for_sender(scope: str, sealed: bytes) -> bytes:
    """What was sealed for the sender; raises `EvidenceUnreadable` under another scope or key."""
    return vault.unseal_secret(sealed, scope=scope, under=vault.WEBHOOK_KEYS)
