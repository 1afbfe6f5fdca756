"""The borrower's actions on a verification: choose a route, answer, resume. Each is one
transaction.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from verification import clock, transactions
from verification.access import leaving
from verification.artifacts import making
from verification.case import attempts, contents, dossier, moving, policy, stages, steps
from verification.case.moving import History, lawful_combinations, read_sound, read_unverified
from verification.core.errors import BadInput, NotFound, NotYourTurn
from verification.core.route import PARTS, Next, Stage, Turn
from verification.core.status import TERMINAL, Status
from verification.course.access import live_session
from verification.course.state import OPEN
from verification.evidence import vault
from verification.models import Attempt, Verification


def choose_route(*, verification_id: str, route: str) -> None:
    """The borrower picks an offered combination by its first open route, or leaves for another."""
    at = clock.now()
    with transactions.writing():
        verification = _live(verification_id, at=at)
        history = read_unverified(verification)
        # From the law, not from the row: a changed row would send the borrower to a useless route.
        offered = {names[0]: names for names in lawful_combinations(history)}
        if route not in offered:
            raise BadInput("this route is not offered", code="bad_answer")
        if (
            verification.status != Status.REQUIRES_INPUT
            or verification.route == route
            or verification.passed_routes
        ):
            raise NotYourTurn("the route can no longer change")
        body = {"route": route, "combination": list(offered[route])}
        is_open, name = history.state.newest(OPEN) is not None, history.state.newest_name
        with moving.moving(history):
            if is_open and making.is_document_owed(history, name):
                # A worker ends the capture first; until then the borrower gets no question.
                moving.record(verification, "route.chosen", at=at, body=body | {"leaves": name})
                steps.schedule(verification, steps.LEAVE, due_at=at, queue=policy.ENDING_QUEUE)
                return
            moving.record(verification, "route.chosen", at=at, body=body)
            leaving.leave(history, at=at)
            # A worker with a step of it loses the fence and writes nothing; but takes back loans.
            if verification.step != steps.LEND:
                moving.write(verification, **moving.NO_STEP)
            attempts.enter_route(history, key=contents.key_of(verification), at=at)


def answer(
    *,
    verification_id: str,
    turn: int,
    untrusted: Mapping[str, Any],
    session: str,
    visited: Attempt | None = None,
) -> Next:
    """Takes one answer of the borrower, and returns who moves next.

    Of many posts for a turn one is taken; the others raise `NotYourTurn`.
    An answer may come in numbered parts, each stored; the last part takes the turn.

    session: the hash of the answering session.
    visited: the attempt with its verification and key, read before the session was verified. It is
    not read again unless something happened since.

    Raises: `BadInput` for an unreadable answer; then the turn stays open and nothing is stored.
    """
    at = clock.now()
    with transactions.writing():
        # The first statement takes the turn, so only one request does what follows.
        waiting = Verification.objects.filter(
            pk=verification_id, status=Status.REQUIRES_INPUT, turn=turn, expires_at__gt=at
        )
        attempt: Attempt | None = None
        history: History | None = None
        if (
            visited is not None
            and (visited.status, visited.turn) == (attempts.OPEN, turn)
            and visited.expires_at > at
        ):
            # Each change of an open attempt is an entry of its verification, and counted there.
            unmoved = waiting.filter(sequence=visited.verification.sequence)
            if unmoved.update(turn=turn + 1) == 1:
                visited.verification.turn, attempt = turn + 1, visited
        if attempt is None and waiting.update(turn=turn + 1) == 1:
            rows = Attempt.objects.filter(
                verification=verification_id,
                status=attempts.OPEN,
                turn=turn,
                expires_at__gt=at,
            )
            attempt = rows.select_related("verification__key").first()
            if attempt is not None:
                history = read_sound(attempt.verification)
                if live_session(history.state) != session:
                    raise NotYourTurn("another browser continues it")
        if attempt is None:
            raise NotYourTurn("this turn is already answered, or has not begun")
        verification = attempt.verification
        key = contents.key_beside(verification)
        if history is None or history.flaw:  # a worker judges later, and refuses a flawed history
            history = read_unverified(verification)
        history.keep(attempt)
        attempt = history.attempt(attempt.pk)
        stage = stages.of_route(attempt.route, law=verification.profile_sha256)[attempt.stage]
        commitment = history.state.attempts[attempt.pk].memory
        memory = attempts.memory_of(attempt, key=key, commitment=commitment)
        accepted = stage.accept(memory, untrusted, at)
        with moving.moving(history):
            return _write_turn(attempt, stage, accepted, session=session, key=key, at=at)


def _write_turn(
    attempt: Attempt, stage: Stage, accepted: Turn, *, session: str, key: vault.Key, at: datetime
) -> Next:
    verification = attempt.verification
    quota = stage.quota if accepted.next is Next.PREPARE else None
    if quota and not attempts.take_quota(verification, quota, key=key, at=at):
        # The earlier preparation stands: the sent code can still be typed in.
        memory = attempts.memory_of(attempt, key=key)
        accepted = Turn(next=Next.ASK, memory=memory, notice=quota.code)
    memory = dict(accepted.memory)
    if accepted.next is Next.PREPARE:
        memory = attempts.seeded(accepted.memory)
    if accepted.next is not Next.PART:
        memory.pop(PARTS, None)
    body = moving.place_of(attempt.pk, attempt) | {"turn": attempt.turn, "session": session}
    body |= attempts.remember(attempt, replace(accepted, memory=memory), key=key, at=at)
    body |= {"quota": quota.purpose} if quota and accepted.next is Next.PREPARE else {}
    body |= {
        "next": accepted.next,
        "evidence": dossier.put(attempt, accepted.evidence, key=key, at=at),
    }
    moving.record(verification, "attempt.answered", at=at, body=body)
    step = {Next.PREPARE: steps.PREPARE, Next.LOOK: steps.LOOK, Next.COLLECT: steps.JUDGE}.get(
        accepted.next
    )
    if step is not None:
        queue = policy.AWAITED_QUEUE if step == steps.LOOK else stage.queue
        steps.schedule(verification, step, due_at=at, queue=queue)
    return accepted.next


def resume(*, verification_id: str) -> None:
    """The borrower returns after a lapse: the stage starts again. Does nothing if it is open or
    in progress.
    """
    at = clock.now()
    with transactions.writing():
        verification = _live(verification_id, at=at)
        history = read_unverified(verification)
        is_idle = not verification.step and verification.status == Status.REQUIRES_INPUT
        # The row is locked: of two taps the second sees the first one's open attempt.
        if not is_idle or not verification.stage or history.state.newest(OPEN) is not None:
            return
        stage = stages.of_route(verification.route, law=verification.profile_sha256)[
            verification.stage
        ]
        with moving.moving(history):
            attempts.enter(history, stage, key=contents.key_of(verification), at=at)


def _live(verification_id: str, *, at: datetime) -> Verification:
    """The verification if it is still running.

    Raises: `NotFound`, or `NotYourTurn` after its end.
    """
    # Every transaction locks the verification's row before an attempt's, which prevents deadlocks.
    verification = Verification.objects.select_for_update().filter(pk=verification_id).first()
    if verification is None:
        raise NotFound("no such verification")
    if verification.status in TERMINAL or verification.expires_at <= at:
        raise NotYourTurn("this verification has ended")
    return verification
