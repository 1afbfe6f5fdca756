"""Requests to erase the personal data of a case, and the withdrawal of its consent. Law: O-82.

While retention runs, both only block the processing (`course/blocking.py`): they are recorded with
the day by which they must be answered. Workers erase the case on its day, as any other.
"""

from datetime import datetime, timedelta

from verification import clock, transactions
from verification.access import leaving
from verification.case import contents, freezing, moving, policy, steps
from verification.case.moving import History, read_sound
from verification.core.codes import CONSENT_WITHDRAWN
from verification.core.errors import Conflict, NotFound
from verification.core.events import BY_LENDER, BY_PERSON, REDACTED, RENEWED, REQUESTED, WITHDRAWN
from verification.core.status import TERMINAL
from verification.course import blocking
from verification.course.entry import text
from verification.course.state import OPEN
from verification.log import decided
from verification.models import Verification


def request(*, lender_id: str, mode: str, verification_id: str) -> None:
    """Records the lender's request, once, unless the case is erased already.

    Raises: `NotFound`, and `Conflict` (illegal_transition) before the log has ordered its end.
    """
    at = clock.now()
    with transactions.writing():
        row = contents.lock_of_lender(verification_id, lender_id=lender_id, mode=mode)
        if decided.status_of(row).status not in TERMINAL:
            raise Conflict("it has not ended", code="illegal_transition")
        _request(row, asked_by=BY_LENDER, at=at)


def request_of_person(verification_id: str, *, identified: str = "") -> None:
    """Records the request of the person in the case, whom the caller has identified; as `request`.

    identified: the worker's entry on their signature, if they signed.

    Raises: `NotFound`, and `Conflict` (illegal_transition) before the end: first withdraw.
    """
    at = clock.now()
    with transactions.writing():
        _request(_lock(verification_id), asked_by=BY_PERSON, at=at, identified=identified)


def withdraw(verification_id: str, *, session: str = "", identified: str = "") -> None:
    """Records that the person in the case, whom the caller has identified, withdraws the consent.

    It concerns the loan: the case, the one that it renews, and each renewed consent. An open case
    ends at once. A verified and unpaid one pays nothing any more. Of any other only the processing
    is blocked. Each case has it once; an erased one has none.

    session: the hash of the borrower's session in this case, if their page took it.
    identified: the worker's entry on their signature, if they signed.

    Raises: `NotFound`, and `Conflict` while a reported caller ends the case: send again.
    """
    at = clock.now()
    with transactions.writing():
        root = Verification.objects.filter(pk=verification_id).first()
        if root is None:
            raise NotFound("no such verification")
        renewed = text(read_sound(root).opening(), "renews")
        # The renewed verification is locked first, as everywhere.
        history = read_sound(_lock(renewed or verification_id))
        renewals = [str(entry.body["renewal"]) for entry in history.typed(RENEWED)]
        histories = [history, *(read_sound(_lock(name)) for name in sorted(renewals))]
        for history in histories:
            of_page = session if history.row.pk == verification_id else ""
            _withdraw(history, session=of_page, identified=identified, at=at)


def _lock(verification_id: str) -> Verification:
    row = Verification.objects.select_for_update().filter(pk=verification_id).first()
    if row is None:
        raise NotFound("no such verification")
    return row


def _request(row: Verification, *, asked_by: str, at: datetime, identified: str = "") -> None:
    history = read_sound(row)
    if not history.state.end:
        raise Conflict("it has not ended", code="illegal_transition")
    is_erased = REDACTED in history.state.standing.times
    if is_erased or blocking.is_requested(history.state, asked_by):
        return
    with moving.moving(history):
        body = {"due": _due(at), "asked_by": asked_by}
        body |= {"request": identified} if identified else {}
        moving.record(row, REQUESTED, at=at, body=body)


def _withdraw(history: History, *, session: str, identified: str, at: datetime) -> None:
    row, state = history.row, history.state
    if REDACTED in state.standing.times or blocking.is_withdrawn(state):
        return
    if state.is_stopped and not state.end:
        raise Conflict("a report of a caller ends it; send again", code="conflict")
    body = {"due": _due(at), "asked_by": BY_PERSON, "effect": blocking.effect(state)}
    body |= {"session": session} if session else {}
    body |= {"request": identified} if identified else {}
    with moving.moving(history):
        moving.record(row, WITHDRAWN, at=at, body=body)
        if state.end:
            freezing.freeze(row, at=at)
            return
        word = moving.word(history, CONSENT_WITHDRAWN)
        moving.record(row, "verification.canceled", at=at, body=word)
        # A begun attempt counts as after silence, so that a withdrawal wins no more attempts.
        if state.newest(OPEN) is not None:
            leaving.close(history, state.newest_name, at=at)
        # A worker makes the receipt, and the documents of live attempts.
        steps.schedule(row, steps.DOCUMENT, due_at=at, queue=policy.ENDING_QUEUE)


def _due(at: datetime) -> str:
    return (at + timedelta(days=policy.REQUEST_DAYS)).isoformat()
