"""How long what is kept of a case must stay."""

from dataclasses import dataclass
from datetime import datetime

from verification.core import almaty
from verification.models import Verification


@dataclass(frozen=True)
class Retention:
    """The obligation as the lender told of it, and until when what is kept must stay: None while it
    is open.
    """

    obligation_opened_at: datetime | None
    obligation_closed_at: datetime | None
    until: datetime | None


def retention_of(row: Verification) -> Retention:
    """How long what is kept of a row must stay."""
    opened_at, closed_at = row.obligation_opened_at, row.obligation_closed_at
    until = almaty.kept_until(created_at=row.created_at, opened_at=opened_at, closed_at=closed_at)
    return Retention(opened_at, closed_at, until)
