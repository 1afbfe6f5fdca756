"""Ends attempts that no check judges: the borrower fell silent, went away, or the case goes on
without them.

Call everything here within `case.moving`. It makes the documents of what it ends.
"""

from datetime import datetime

from verification.artifacts import documents
from verification.case import moving, stages
from verification.case.history import History
from verification.core import codes
from verification.course.state import LEFT, OPEN, REVIEW


def leave(history: History, *, at: datetime) -> None:
    """Ends the attempt that the borrower goes away from. One that was begun burns as silence
    would.
    """
    state = history.state
    attempt = state.newest(OPEN) or state.newest(LEFT)
    if attempt is not None and attempt.is_with_borrower:
        lapse(history, state.newest_name, at=at)
    drop_open(history, at=at)


def lapse(history: History, name: str, *, at: datetime) -> bool:
    """Ends an open attempt that the borrower does not go on with; gives whether it burns.

    It burns only if the borrower had begun ("ready") and the stage's timeout code burns.
    """
    attempt = history.state.attempts[name]
    stage = stages.known(attempt.route, attempt.stage, law=history.row.profile_sha256)
    code = stage.timeout_code if stage else "abandoned"
    burns = attempt.is_counted and codes.require(code).burns and attempt.is_begun
    body = {"attempt": name, "route": attempt.route, "stage": attempt.stage, "code": code}
    moving.record(history.row, "attempt.lapsed", at=at, body=body | {"burnt": burns})
    documents.produce(history, name, at=at)
    return burns


def drop_open(history: History, *, at: datetime) -> None:
    """Makes the documents of attempts that stay without an end, because the verification went on.

    One that people were to decide stays so. Record before what moves the verification: it states
    why.
    """
    counting = {entry.pk for entry in history.entries}
    dropped = [
        name
        for name, attempt in history.state.attempts.items()
        if attempt.opening.id in counting and (attempt.closing is None or attempt.phase == REVIEW)
    ]
    for name in dropped:
        documents.produce(history, name, at=at)
