"""Ends attempts without a judgement: the borrower stopped, left, or the case continues otherwise.

Call everything here inside `case.moving`. It makes the documents of the attempts it ends.
"""

from datetime import datetime

from verification.artifacts import making
from verification.case import moving, stages
from verification.case.moving import History
from verification.core import codes
from verification.course.state import LEFT, OPEN, REVIEW


def leave(history: History, *, at: datetime) -> None:
    """Ends the attempt that the borrower leaves. A begun one burns as after silence."""
    state = history.state
    attempt = state.newest(OPEN) or state.newest(LEFT)
    if attempt is not None and attempt.is_with_borrower:
        lapse(history, state.newest_name, at=at)
    drop_open(history, at=at)


def lapse(history: History, name: str, *, at: datetime) -> bool:
    """Ends an open attempt that the borrower abandons; returns whether it burns.

    It burns only if the borrower had begun ("ready") and the stage's timeout code burns.
    """
    burns = close(history, name, at=at)
    making.make_document(history, name, at=at)
    return burns


def close(history: History, name: str, *, at: datetime) -> bool:
    """As `lapse`, without the document, which a worker makes later."""
    attempt = history.state.attempts[name]
    stage = stages.find(attempt.route, attempt.stage, law=history.row.profile_sha256)
    code = stage.timeout_code if stage else "abandoned"
    burns = attempt.is_counted and codes.require(code).burns and attempt.is_begun
    body = moving.place_of(name, attempt) | {"code": code, "burnt": burns}
    moving.record(history.row, "attempt.lapsed", at=at, body=body)
    return burns


def drop_open(history: History, *, at: datetime) -> None:
    """Makes the documents of attempts left without an end because the verification continued.

    An attempt in review stays so. Call this before the entry that moves the verification, which
    states the reason.
    """
    counting = {entry.pk for entry in history.entries}
    dropped = [
        name
        for name, attempt in history.state.attempts.items()
        if attempt.opening.id in counting and (attempt.closing is None or attempt.phase == REVIEW)
    ]
    for name in dropped:
        making.make_document(history, name, at=at)
