"""The status of a verification. `course/fold.py` defines the transitions."""

from enum import StrEnum


class Status(StrEnum):
    """The status of a verification."""

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
