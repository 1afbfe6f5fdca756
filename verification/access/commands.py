"""What edges may do to a verification: open, answer, choose a route, resume, cancel. Each is one
transaction.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import IntegrityError

from verification import clock, transactions
from verification.access import leaving, links
from verification.artifacts import documents
from verification.case import attempts, contents, dossier, moving, policy, quotas, stages, steps
from verification.case.history import History, read_sound, read_unverified
from verification.case.law import combinations
from verification.core import profiles, scenarios, stored
from verification.core.errors import BadInput, Conflict, NotFound, NotYourTurn
from verification.core.ids import secret_digest
from verification.core.keeping import reference_mark
from verification.core.lender import LenderFacts
from verification.core.opening import Opening
from verification.core.person import Renewal
from verification.core.route import PARTS, Next, Stage, Turn
from verification.core.status import OPEN as OPEN_STATUSES
from verification.core.status import TERMINAL, Status
from verification.course import access
from verification.course.state import OPEN
from verification.evidence import vault
from verification.log import log
from verification.models import Attempt, Verification

__all__ = ("Opened", "Opening", "answer", "cancel", "choose_route", "open_verification", "resume")


@dataclass(frozen=True)
class Opened:
    """An open verification with a fresh link. `created` is False where the reference was already
    open.

    `verification` and the attempt of `standing` are the rows as its transaction left them, for
    whoever shows it; `opening` is what its lender handed over when it was opened first.
    """

    verification: Verification = field(repr=False)
    opening: Opening = field(repr=False)
    standing: attempts.Standing = field(repr=False)
    token: str = field(repr=False)
    link_expires_at: datetime
    created: bool

    @property
    def verification_id(self) -> str:
        """Whose it is."""
        return self.verification.pk


def open_verification(
    *, lender: LenderFacts, mode: str, profile_id: str, opening: Opening
) -> Opened:
    """Opens a verification, or returns the one already open under the same client reference.

    Raises `BadInput` if the routes allowed cannot satisfy the profile, `Conflict` if another
    request has the reference.
    """
    if mode == "live":
        scenarios.refuse_test_person(opening.person.iin)
    # In live mode nobody is laxer than the law of the day, whatever the lender holds.
    profile = profiles.binding(profile_id, mode=mode, at=clock.now())
    combinations = profiles.usable(
        profile, installed=tuple(settings.TULGA_ROUTES), allowed_routes=opening.routes
    )
    verification = _fresh(
        lender, mode=mode, profile=profile, combinations=combinations, opening=opening
    )
    with suppress(
        IntegrityError
    ):  # one_open_verification_per_reference: of two openings at once one inserts
        return _insert(verification, contents.StoredCase(lender, opening))
    with transactions.writing():
        of_lender = Verification.objects.filter(lender_id=lender.id, mode=mode, renews=None)
        named = of_lender.filter(
            client_reference=opening.client_reference, status__in=sorted(OPEN_STATUSES)
        )
        if (found := named.first()) is None:
            raise Conflict(
                "the open verification under this reference ended meanwhile; send again",
                code="conflict",
            )
        kept = contents.read(found, contents.key_of(found)).opening
        if (kept.person, kept.loan, kept.purpose) != (
            opening.person,
            opening.loan,
            opening.purpose,
        ):
            raise Conflict(
                "this client_reference is open for another request", code="client_reference_in_use"
            )
        # Whoever opens it again gets a link to send.
        minted = links.mint_for(found, at=clock.now(), sender=links.named(opening.opened_by))
        standing = attempts.standing_of([found], at=clock.now())[found.pk]
        return Opened(found, kept, standing, minted.token, minted.expires_at, created=False)


def open_renewal(parent: Verification, sealed: contents.SealedCase, renewal: Renewal) -> Opened:
    """Opens the new consent to the loan of a verification, whose row the caller's transaction has
    locked.
    """
    law, opening, lender = profiles.RENEWAL, sealed.opening, sealed.case.lender
    verification = _fresh(
        lender, mode=parent.mode, profile=law, combinations=law.combinations, opening=opening
    )
    verification.renews = parent
    return _insert(verification, contents.StoredCase(lender, opening, renewal))


def _insert(verification: Verification, case: contents.StoredCase) -> Opened:
    at, combinations = verification.created_at, verification.combinations
    history, attempt = History(verification), None
    with transactions.writing():
        key = vault.make(verification_id=verification.pk, lender_id=verification.lender_id)
        sealed = key.seal(stored.to_bytes(case), **vault.CASE)
        verification.sealed_case = sealed.data
        minted = links.mint_for(verification, at=at)
        body = {"profile": verification.profile_id, "profile_sha256": verification.profile_sha256}
        body |= {"case": sealed.commitment, "expires_at": verification.expires_at.isoformat()}
        body |= {"combinations": combinations}
        body |= {"reference": reference_mark(verification.pk, verification.client_reference)}
        body |= {
            "link": secret_digest(minted.token).hex(),
            "link_expires_at": minted.expires_at.isoformat(),
        }
        if verification.renews_id:
            body["renews"] = verification.renews_id
        if len(combinations) == 1:
            body["route"] = combinations[0][0]
        # The row is inserted once all is known of it.
        with moving.moving(history):
            moving.record(verification, "verification.created", at=at, body=body)
            if len(combinations) == 1:
                attempt = attempts.enter_route(history, key=key, at=at)
        vault.keep(key)
    # It begins with the consent, of which no attempts are counted.
    standing = attempts.Standing(attempt, failures=0)
    return Opened(
        verification, case.opening, standing, minted.token, minted.expires_at, created=True
    )


def _fresh(
    lender: LenderFacts,
    *,
    mode: str,
    profile: profiles.Profile,
    combinations: Sequence[profiles.Combination],
    opening: Opening,
) -> Verification:
    """The row before anything has happened to it, not inserted yet."""
    at = clock.now()
    (version, index), *_ = vault.blind_index(
        purpose=vault.BORROWER, value=opening.person.iin.value
    ).items()
    return Verification(
        lender_id=lender.id,
        mode=mode,
        client_reference=opening.client_reference,
        created_at=at,
        expires_at=at + timedelta(seconds=policy.VERIFICATION_SECONDS),
        status=Status.REQUIRES_INPUT,
        locale=opening.locale,
        profile_id=profile.id,
        profile_sha256=profile.sha256,
        combinations=[list(combination) for combination in combinations],
        borrower_index=index,
        borrower_index_version=version,
    )


def choose_route(*, verification_id: str, route: str) -> None:
    """The borrower picks one of the combinations offered, by its first route still to do, or leaves
    for another.
    """
    at = clock.now()
    with transactions.writing():
        verification = _live(verification_id, at=at)
        history = read_unverified(verification)
        # Of its law, not of its row: a changed row would send the borrower round for nothing.
        offered = {names[0]: names for names in combinations(history)}
        if route not in offered:
            raise BadInput("this route is not offered", code="bad_answer")
        if (
            verification.status != Status.REQUIRES_INPUT
            or verification.route == route
            or verification.passed_routes
        ):
            raise NotYourTurn("the route is settled")
        left, body = (
            history.state.newest(OPEN),
            {"route": route, "combination": list(offered[route])},
        )
        name = history.state.newest_name
        with moving.moving(history):
            if left is not None and documents.is_owed(history, name):
                # A worker ends the capture first; until then the borrower is asked nothing.
                moving.record(verification, "route.chosen", at=at, body=body | {"leaves": name})
                steps.schedule(verification, steps.LEAVE, due_at=at, queue=policy.ENDING_QUEUE)
                return
            moving.record(verification, "route.chosen", at=at, body=body)
            leaving.leave(history, at=at)
            # A worker that holds a step of it loses the fence and writes nothing.
            moving.write(verification, **moving.NO_STEP)
            attempts.enter_route(history, key=contents.key_of(verification), at=at)


def answer(
    *,
    verification_id: str,
    turn: int,
    untrusted: Mapping[str, Any],
    session: str,
    known: Attempt | None = None,
) -> Next:
    """Takes one answer of the borrower, and gives who moves next.

    Of many posts of a turn one is taken, the others raise `NotYourTurn`. An answer may come in
    numbered parts, each of which is kept; the last takes the turn. Raises `BadInput` for an answer
    that cannot be read; then the turn is still open and nothing was kept. session: the hash of the
    one that answers. known: the attempt as it was read before that session was found to be the
    living one, with its verification and key; neither is read again if nothing has happened since.
    """
    at = clock.now()
    with transactions.writing():
        # The first statement takes the turn, so whatever follows is done by one request only.
        waiting = Verification.objects.filter(pk=verification_id, status=Status.REQUIRES_INPUT)
        waiting, attempt = waiting.filter(turn=turn, expires_at__gt=at), None
        history: History | None = None
        if (
            known is not None
            and (known.status, known.turn) == (attempts.OPEN, turn)
            and known.expires_at > at
        ):
            # Whatever happens to an open attempt is an entry of its verification, and counted
            # there.
            unmoved = waiting.filter(sequence=known.verification.sequence)
            if unmoved.update(turn=turn + 1) == 1:
                known.verification.turn, attempt = turn + 1, known
        if attempt is None and waiting.update(turn=turn + 1) == 1:
            own = Attempt.objects.filter(verification=verification_id, status=attempts.OPEN)
            asked = own.filter(turn=turn, expires_at__gt=at)
            attempt = asked.select_related("verification__key").first()
            if attempt is not None:
                history = read_sound(attempt.verification)
                if access.live_session(history.state) != session:
                    raise NotYourTurn("another browser goes on with it")
        if attempt is None:
            raise NotYourTurn("this turn was answered already, or has not begun")
        verification = attempt.verification
        key = contents.key_beside(verification)
        if history is None or history.flaw:  # a worker judges after, and refuses what has a flaw
            history = read_unverified(verification)
        history.keep(attempt)
        attempt = history.attempt(attempt.pk)
        stage = stages.of(attempt.route, law=verification.profile_sha256)[attempt.stage]
        commitment = history.state.attempts[attempt.pk].memory
        memory = attempts.memory_of(attempt, key=key, commitment=commitment)
        taken = stage.accept(memory, untrusted, at)
        with moving.moving(history):
            return _write_turn(attempt, stage, taken, session=session, key=key, at=at)


def _write_turn(
    attempt: Attempt, stage: Stage, taken: Turn, *, session: str, key: vault.Key, at: datetime
) -> Next:
    verification = attempt.verification
    quota = stage.quota if taken.next is Next.PREPARE else None
    if quota and not quotas.take(verification, quota, key=key, at=at):
        # The earlier preparation stands: the code already sent may still be typed in.
        kept = attempts.memory_of(attempt, key=key)
        taken = Turn(next=Next.ASK, memory=kept, notice=quota.code)
    memory = attempts.seeded(taken.memory) if taken.next is Next.PREPARE else dict(taken.memory)
    if taken.next is not Next.PART:
        memory.pop(PARTS, None)
    body = {
        "attempt": attempt.pk,
        "route": attempt.route,
        "stage": attempt.stage,
        "turn": attempt.turn,
    }
    body["session"] = session
    body |= attempts.remember(attempt, replace(taken, memory=memory), key=key, at=at)
    body |= {"quota": quota.purpose} if quota and taken.next is Next.PREPARE else {}
    body |= {"next": taken.next, "evidence": dossier.put(attempt, taken.evidence, key=key, at=at)}
    moving.record(verification, "attempt.answered", at=at, body=body)
    step = {Next.PREPARE: steps.PREPARE, Next.LOOK: steps.LOOK, Next.COLLECT: steps.JUDGE}.get(
        taken.next
    )
    if step is not None:
        queue = policy.AWAITED_QUEUE if step == steps.LOOK else stage.queue
        steps.schedule(verification, step, due_at=at, queue=queue)
    return taken.next


def resume(*, verification_id: str) -> None:
    """The borrower is back after a silence: the stage begins again. Does nothing if it is open or
    under way.
    """
    at = clock.now()
    with transactions.writing():
        verification = _live(verification_id, at=at)
        history = read_unverified(verification)
        is_idle = not verification.step and verification.status == Status.REQUIRES_INPUT
        # The row is locked: of two taps at once the second sees the open attempt of the first.
        if not is_idle or not verification.stage or history.state.newest(OPEN) is not None:
            return
        stage = stages.of(verification.route, law=verification.profile_sha256)[verification.stage]
        with moving.moving(history):
            attempts.enter(history, stage, key=contents.key_of(verification), at=at)


def cancel(*, lender_id: str, mode: str, verification_id: str) -> None:
    """The lender no longer needs it. Raises `NotFound`, or `Conflict` after the end, or while an
    answer is judged: no lender takes away what the borrower has just said.
    """
    at = clock.now()
    with transactions.writing():
        named = contents.of_lender(verification_id, lender_id=lender_id, mode=mode)
        verification = Verification.objects.select_for_update().get(pk=named.pk)
        if verification.step == steps.STOP:
            raise Conflict(
                "the borrower was being told what to press, and that ends it",
                code="illegal_transition",
            )
        if verification.step == steps.JUDGE:
            raise Conflict(
                "what the borrower has answered is not judged yet; send again",
                code="answer_not_judged",
            )
        history = read_unverified(verification)
        with moving.moving(history):
            word = moving.word(history, "canceled_by_lender")
            moving.record(verification, "verification.canceled", at=at, body=word)
            # No worker decided it: its receipt, and the documents of what was alive, a worker signs
            # next.
            steps.schedule(verification, steps.DOCUMENT, due_at=at, queue=policy.ENDING_QUEUE)


def record_endpoint_disabled(*, lender_id: str, mode: str, endpoint_id: str) -> None:
    """Logs that a lender's webhook endpoint no longer gets events."""
    log.append(
        log=mode,
        type="endpoint.disabled",
        lender=lender_id,
        body={"endpoint": endpoint_id},
        at=clock.now(),
    )


def _live(verification_id: str, *, at: datetime) -> Verification:
    """The verification if it still runs; raises `NotFound`, or `NotYourTurn` after its end."""
    # Every transaction locks the verification's row before an attempt's, so none waits for another
    # in a circle.
    verification = Verification.objects.select_for_update().filter(pk=verification_id).first()
    if verification is None:
        raise NotFound("no such verification")
    if verification.status in TERMINAL or verification.expires_at <= at:
        raise NotYourTurn("this verification has ended")
    return verification
