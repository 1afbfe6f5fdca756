"""What edges may do to a verification: open, answer, choose a route, resume, cancel. Each is one transaction."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils import timezone

from verification import routes
from verification.audit import log
from verification.core import profiles, scenarios
from verification.core.errors import BadInput, Conflict, NotFound, NotYourTurn
from verification.core.person import LenderFacts
from verification.core.route import Next, Stage, Turn
from verification.core.status import OPEN, TERMINAL, Move, Status
from verification.evidence import vault
from verification.models import Attempt, Verification
from verification.workflow import attempts, cases, dossier, links, policy, progress, quotas, stages, transition
from verification.workflow.cases import Opening

__all__ = ("Opened", "Opening", "answer", "cancel", "choose_route", "open_verification", "resume")


@dataclass(frozen=True)
class Opened:
    """An open verification with a fresh link. `created` is False where the reference was already open."""

    verification_id: str
    token: str = field(repr=False)
    link_expires_at: datetime
    created: bool


def open_verification(*, lender: LenderFacts, mode: str, profile_id: str, opening: Opening) -> Opened:
    """Opens a verification, or returns the one already open under the same client reference.

    Raises `BadInput` if the profile cannot be satisfied by the routes allowed, `Conflict` if the reference is in use
    for another person or loan.
    """
    if mode == "live":
        scenarios.refuse_test_person(opening.person.iin)
    profile = profiles.get(profile_id)
    combinations = profiles.usable(profile, installed=routes.names(), wanted=opening.routes)
    at = timezone.now()
    verification = Verification(
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
    )
    index = vault.blind_index(purpose="borrower", value=opening.person.iin.value)
    verification.borrower_index, verification.borrower_index_version = index.value, index.version
    try:
        with transaction.atomic():
            return _create(verification, lender, opening, at=at)
    except IntegrityError:
        return _already_open(verification, opening)


def _create(verification: Verification, lender: LenderFacts, opening: Opening, *, at: datetime) -> Opened:
    key = vault.make(verification_id=verification.pk, lender_id=lender.id)
    sealed = key.seal(cases.plain(lender, opening), table=cases.TABLE, field=cases.FIELD)
    verification.sealed_case = sealed.data
    verification.save(force_insert=True)
    vault.keep(key)
    body = {"profile": verification.profile_id, "profile_sha256": verification.profile_sha256}
    body |= {"case": sealed.commitment}
    transition.record(verification, "verification.created", at=at, body=body)
    if len(verification.combinations) == 1:
        _take(verification, tuple(verification.combinations[0]), key=key, at=at)
    minted = links.mint_for(verification, at=at)
    return Opened(verification.pk, minted.token, minted.expires_at, created=True)


def _already_open(wanted: Verification, opening: Opening) -> Opened:
    with transaction.atomic():
        found = Verification.objects.filter(
            lender_id=wanted.lender_id,
            mode=wanted.mode,
            client_reference=wanted.client_reference,
            status__in=sorted(OPEN),
        ).first()
        if found is None:
            raise Conflict("the open verification under this reference ended meanwhile; send again", code="conflict")
        if not cases.same_request(cases.read(found, cases.key_of(found)), opening):
            raise Conflict("this client_reference is open for another request", code="client_reference_in_use")
        # Whoever opens it again gets a link to send.
        minted = links.mint_for(found, at=timezone.now(), sender=links.named(opening.opened_by))
        return Opened(found.pk, minted.token, minted.expires_at, created=False)


def choose_route(*, verification_id: str, route: str) -> None:
    """The borrower picks one of the combinations offered, by its first route still to do, or leaves for another."""
    at = timezone.now()
    with transaction.atomic():
        verification = _live(verification_id, at=at)
        offered = {combination[0]: tuple(combination) for combination in verification.combinations}
        if route not in offered:
            raise BadInput("this route is not offered", code="bad_answer")
        if verification.status != Status.REQUIRES_INPUT or verification.route == route or verification.passed_routes:
            raise NotYourTurn("the route is settled")
        attempts.leave(verification, at=at)
        transition.settle(verification)
        _take(verification, offered[route], key=cases.key_of(verification), at=at)


def _take(verification: Verification, combination: profiles.Combination, *, key: vault.Key, at: datetime) -> None:
    Verification.objects.filter(pk=verification.pk).update(combination=list(combination))
    verification.combination = list(combination)
    progress.enter_route(verification, combination[0], key=key, at=at)


def answer(*, verification_id: str, turn: int, untrusted: Mapping[str, Any]) -> None:
    """Takes one answer of the borrower. Of many posts of a turn one is taken, the others raise `NotYourTurn`.

    Raises `BadInput` for an answer that cannot be read; then the turn is still open and nothing was kept.
    """
    at = timezone.now()
    with transaction.atomic():
        # The first statement takes the turn, so whatever follows is done by one request only.
        asked = Verification.objects.filter(
            pk=verification_id, turn=turn, status=Status.REQUIRES_INPUT, expires_at__gt=at
        )
        open_now = Attempt.objects.filter(
            verification_id=verification_id, turn=turn, status=attempts.OPEN, expires_at__gt=at
        )
        if asked.update(turn=turn + 1) != 1 or open_now.update(turn=turn + 1, notice="") != 1:
            raise NotYourTurn("this turn was answered already, or has not begun")
        verification = _live(verification_id, at=at)
        attempt = Attempt.objects.get(verification=verification, status=attempts.OPEN)
        attempt.verification = verification
        stage, key = attempts.stage_of(attempt), cases.key_of(verification)
        taken = stage.accept(attempts.memory_of(attempt, key=key), untrusted, at)
        _write_turn(attempt, stage, taken, key=key, at=at)


def _write_turn(attempt: Attempt, stage: Stage, taken: Turn, *, key: vault.Key, at: datetime) -> None:
    verification = attempt.verification
    if taken.next is Next.PREPARE and not quotas.take(verification, stage, key=key, at=at):
        # The earlier preparation stands: the code already sent may still be typed in.
        kept = attempts.memory_of(attempt, key=key)
        taken = Turn(next=Next.ASK, memory=kept, notice=quotas.code_of(stage))
    memory = attempts.seeded(taken.memory) if taken.next is Next.PREPARE else taken.memory
    columns: dict[str, Any] = {
        "sealed_memory": attempts.seal_memory(attempt, memory, key=key),
        "notice": taken.notice,
    }
    if taken.seconds is not None:
        columns["expires_at"] = min(at + timedelta(seconds=taken.seconds), verification.expires_at)
    if taken.evidence and taken.next is not Next.PREPARE:
        columns["answers"] = F("answers") + 1
    if taken.next is not Next.ASK:
        columns["status"] = attempts.JUDGING
    Attempt.objects.filter(pk=attempt.pk).update(**columns)
    body = {"attempt": attempt.pk, "route": attempt.route, "stage": attempt.stage, "turn": attempt.turn - 1}
    transition.record(verification, "attempt.answered", at=at, body=body | {"next": taken.next})
    dossier.keep(attempt, taken.evidence, key=key, at=at)
    if taken.next is not Next.ASK:
        transition.move(verification, Move.SUBMIT, at=at)
        step = attempts.STEP_JUDGE if taken.next is Next.COLLECT else attempts.STEP_PREPARE
        transition.owe(verification, step, due_at=at, queue=stage.queue)


def resume(*, verification_id: str) -> None:
    """The borrower is back after a silence: the stage begins again. Does nothing if it is open or under way."""
    at = timezone.now()
    with transaction.atomic():
        verification = _live(verification_id, at=at)
        idle = Verification.objects.filter(pk=verification.pk, step="", status=Status.REQUIRES_INPUT).exclude(stage="")
        # The update is the lock: of two taps at once the second sees the open attempt of the first.
        if idle.update(last_failure="") != 1 or attempts.current(verification) is not None:
            return
        verification.last_failure = ""
        stage = stages.find(verification.route, verification.stage)
        attempts.enter(verification, stage, key=cases.key_of(verification), at=at)


def cancel(*, lender_id: str, mode: str, verification_id: str) -> None:
    """The lender no longer needs it. Raises `NotFound`, or `Conflict` after the end."""
    at = timezone.now()
    with transaction.atomic():
        verification = Verification.objects.filter(pk=verification_id, lender_id=lender_id, mode=mode).first()
        if verification is None:
            raise NotFound("no such verification")
        transition.move(verification, Move.CANCEL, at=at, code="canceled_by_lender")
        attempts.drop_open(verification, at=at)


def record_endpoint_disabled(*, lender_id: str, mode: str, endpoint_id: str) -> None:
    """Logs that a lender's webhook endpoint no longer gets events."""
    log.append(log=mode, type="endpoint.disabled", lender=lender_id, body={"endpoint": endpoint_id}, at=timezone.now())


def _live(verification_id: str, *, at: datetime) -> Verification:
    """The verification if it still runs; raises `NotFound`, or `NotYourTurn` after its end."""
    # Every transaction locks the verification's row before an attempt's, so none waits for another in a circle.
    verification = Verification.objects.select_for_update().filter(pk=verification_id).first()
    if verification is None:
        raise NotFound("no such verification")
    if verification.status in TERMINAL or verification.expires_at <= at:
        raise NotYourTurn("this verification has ended")
    return verification
