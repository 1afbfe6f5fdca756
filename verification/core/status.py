"""The only table of moves: which status a verification may leave for which."""

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


class Move(StrEnum):
    """What may happen to a verification."""

    SUBMIT = "submit"
    ASK = "ask"
    REVIEW = "review"
    VERIFY = "verify"
    DECLINE = "decline"
    EXPIRE = "expire"
    CANCEL = "cancel"
    FAIL = "fail"


TERMINAL = frozenset({Status.VERIFIED, Status.DECLINED, Status.EXPIRED, Status.CANCELED, Status.FAILED})
OPEN = frozenset(Status) - TERMINAL

# Not among them: that what is with us expires, for the borrower's time does not run then; and that what is before
# people fails, for no step of ours is tried there.
MOVES: dict[tuple[Status, Move], Status] = {
    (Status.REQUIRES_INPUT, Move.SUBMIT): Status.PROCESSING,
    (Status.REQUIRES_INPUT, Move.DECLINE): Status.DECLINED,
    (Status.REQUIRES_INPUT, Move.EXPIRE): Status.EXPIRED,
    (Status.REQUIRES_INPUT, Move.CANCEL): Status.CANCELED,
    (Status.REQUIRES_INPUT, Move.FAIL): Status.FAILED,
    (Status.PROCESSING, Move.ASK): Status.REQUIRES_INPUT,
    (Status.PROCESSING, Move.REVIEW): Status.IN_REVIEW,
    (Status.PROCESSING, Move.VERIFY): Status.VERIFIED,
    (Status.PROCESSING, Move.DECLINE): Status.DECLINED,
    (Status.PROCESSING, Move.CANCEL): Status.CANCELED,
    (Status.PROCESSING, Move.FAIL): Status.FAILED,
    (Status.IN_REVIEW, Move.ASK): Status.REQUIRES_INPUT,
    (Status.IN_REVIEW, Move.VERIFY): Status.VERIFIED,
    (Status.IN_REVIEW, Move.DECLINE): Status.DECLINED,
    (Status.IN_REVIEW, Move.EXPIRE): Status.EXPIRED,
    (Status.IN_REVIEW, Move.CANCEL): Status.CANCELED,
}
