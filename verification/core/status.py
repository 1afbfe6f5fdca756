"""Where a verification stands. What may follow is the course's: `course/fold.py`."""

from enum import StrEnum


class Status(StrEnum):
    """Where a verification stands."""

    REQUIRES_INPUT = "requires_input"
    PROCESSING = "processing"
    IN_REVIEW = "in_review"
    VERIFIED = "verified"
    DECLINED = "declined"
    EXPIRED = "expired"
    CANCELED = "canceled"
    FAILED = "failed"


TERMINAL = frozenset(
    {Status.VERIFIED, Status.DECLINED, Status.EXPIRED, Status.CANCELED, Status.FAILED}
)
OPEN = frozenset(Status) - TERMINAL
