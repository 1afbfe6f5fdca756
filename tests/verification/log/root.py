"""The operator's root of this session, and keys that it certifies."""

from django.conf import settings

from verification.core.certificates import Certified, public_of
from verification.management.commands.make_keys import ROOT_KEY, read_root


def seed() -> bytes:
    """The root's seed, which no process of the product has."""
    return read_root(settings.TULGA_KEYS_DIR / ROOT_KEY)


def certified(kind: str, number: int, of: bytes, *, mode: str = "test") -> Certified:
    """The public half of this seed, certified."""
    return Certified(kind, mode, number, public_of(of)).signed_by(seed())


def public(kind: str, *, mode: str = "test") -> bytes:
    """The public key of the session's own key of this kind."""
    return next(
        one.public for one in settings.TULGA_CERTIFIED if (one.kind, one.mode) == (kind, mode)
    )
