"""Who is behind this address, for anybody who asks: the lenders served, and the key that the log is
signed by.
"""

from dataclasses import dataclass
from hashlib import sha256

from django.apps import apps
from django.conf import settings

from verification import clock, transactions
from verification.core.errors import Misconfigured
from verification.log import keys


@dataclass(frozen=True)
class ServedLender:
    """A lender whose borrowers are sent here."""

    name: str
    bin: str
    phone: str


@dataclass(frozen=True)
class LogKey:
    """The public key of a log. `spelled`: as verifiers are given it; `fingerprint`: SHA-256 of its
    32 bytes, in hex.
    """

    spelled: str
    fingerprint: str


def mode_served() -> str:
    """The mode whose borrowers come here: of a live installation they are real."""
    return "live" if settings.TULGA_MODES_LIVE else "test"


def lenders_served() -> tuple[ServedLender, ...]:
    """The lenders that hold a key of that mode which works now, by name."""
    lenders = apps.get_model("lenders", "Lender").objects
    with transactions.looking_up("served"):
        found = lenders.filter(
            keys__mode=mode_served(), keys__revoked_at=None, keys__expires_at__gt=clock.now()
        )
        named = found.order_by("name", "id").distinct().values_list("name", "bin", "phone")
        return tuple(ServedLender(*facts) for facts in named)


def log_key() -> LogKey | None:
    """The key of that mode's log; None where no certified one is here."""
    try:
        key = keys.verification_key(mode_served())
    except Misconfigured:
        return None
    return LogKey(str(key), sha256(key.public).hexdigest())
