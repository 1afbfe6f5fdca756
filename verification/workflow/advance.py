"""What a worker does with a step: prepare or judge, and go on. The only place that verifies or declines by checks.

1. Claim the step: lease, fence, one fault counted (`transition.claim`).
2. Work outside any transaction: open the case, ask sources, run the checks.
3. In one transaction whose first statement is the fence: evidence, results, the attempt, the status, the log.
4. A fault instead: the step is released with a backoff; after the last one the verification ends in `failed`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from verification.core.decision import Decision, Outcome, decide
from verification.core.errors import ConsentPending, FenceLost, SourceUnavailable, TulgaError, Unavailable
from verification.core.results import Result
from verification.core.route import Evidence, Stage
from verification.core.status import Move, Status
from verification.evidence import vault
from verification.models import Attempt, Verification
from verification.routes import get
from verification.workflow import attempts, cases, dossier, policy, progress, stages, transition


@dataclass(frozen=True)
class Judgement:
    """All that one judging found, before any of it is written."""

    collected: Mapping[str, bytes]
    evidence: Evidence
    results: tuple[Result, ...]
    decision: Decision


def claim(verification_id: str) -> Verification | None:
    """The step that is due, now ours; None when there is none, or another worker has it."""
    return transition.claim(verification_id, at=timezone.now())


def run(verification: Verification) -> None:
    """Does the claimed step. Any exception is a fault for `release`; `FenceLost` means another worker took over."""
    if verification.faults > policy.FAULTS_MAX:
        # The last worker died without a word, so nobody released the step: this claim only buries it.
        return _give_up(verification, cause="worker_lost")
    key = cases.key_of(verification)
    steps = {attempts.STEP_OPEN: _open, attempts.STEP_PREPARE: _prepare, attempts.STEP_JUDGE: _judge}
    return steps[verification.step](verification, key)


def release(verification: Verification, fault: Exception) -> None:
    """Gives a faulted step back, due after a backoff; the last fault ends the verification in `failed`."""
    if isinstance(fault, ConsentPending):
        return _wait(verification, fault)
    cause = fault.code if isinstance(fault, TulgaError) else type(fault).__name__
    if verification.faults >= policy.FAULTS_MAX:
        return _give_up(verification, cause=cause)
    at = timezone.now()
    due = at + timedelta(seconds=policy.backoff(verification.faults))
    with transaction.atomic():
        mine = Verification.objects.filter(pk=verification.pk, fence=verification.fence).exclude(step="")
        if mine.update(fence="", lease_until=None, due_at=due, rung_until=due) != 1:
            return None
        source = fault.source if isinstance(fault, SourceUnavailable) else ""
        body = {"step": verification.step, "cause": cause, "source": source, "faults": verification.faults}
        transition.record(verification, "step.faulted", at=at, body=body)
    return None


def _wait(verification: Verification, pending: ConsentPending) -> None:
    """Gives a step back that waits for the person: no fault is counted, and the borrower's page says what to do."""
    at = timezone.now()
    due = at + timedelta(seconds=policy.PENDING_SECONDS)
    with transaction.atomic():
        mine = Verification.objects.filter(pk=verification.pk, fence=verification.fence).exclude(step="")
        if mine.update(fence="", lease_until=None, due_at=due, rung_until=due, faults=F("faults") - 1) != 1:
            return
        waiting = Attempt.objects.filter(verification=verification, status=attempts.JUDGING)
        if waiting.exclude(notice=pending.code).update(notice=pending.code):
            body = {"step": verification.step, "cause": pending.code, "faults": verification.faults - 1}
            transition.record(verification, "step.faulted", at=at, body=body)


def _give_up(verification: Verification, *, cause: str) -> None:
    at = timezone.now()
    with transaction.atomic():
        transition.held(verification)
        transition.record(verification, "step.faulted", at=at, body={"cause": cause, "faults": verification.faults})
        transition.move(verification, Move.FAIL, at=at, code="retries_exhausted")
        attempts.drop_open(verification, at=at)


def _open(verification: Verification, key: vault.Key) -> None:
    """Opens the attempt that could not begin while the borrower was busy elsewhere."""
    stage = stages.find(verification.route, verification.stage)
    with transaction.atomic():
        transition.held(verification)
        attempts.open_attempt(verification, stage, key=key, at=timezone.now())


def _prepare(verification: Verification, key: vault.Key) -> None:
    """Prepares within the attempt (a statement, a code, another code) and gives the borrower the turn and its time."""
    attempt = _attempt_in(verification)
    stage = attempts.stage_of(attempt)
    at = timezone.now()
    evidence = dossier.load(verification, attempt, key=key, at=at)
    if stage.prepare is None:
        raise Unavailable(f"stage {stage.name} has nothing to prepare")
    prepared = stage.prepare(cases.read(verification, key).case, evidence, attempts.memory_of(attempt, key=key))
    with transaction.atomic():
        transition.held(verification)
        dossier.keep(attempt, prepared.evidence, key=key, at=at)
        attempts.hand_over(attempt, stage, prepared, key=key, at=timezone.now())
        if verification.status == Status.PROCESSING:
            transition.move(verification, Move.ASK, at=at)


def _judge(verification: Verification, key: vault.Key) -> None:
    """Collects, checks and decides one attempt, then writes all of it or nothing."""
    attempt = _attempt_in(verification)
    stage = attempts.stage_of(attempt)
    try:
        found = _measure(verification, attempt, stage, key=key, at=timezone.now())
    finally:
        _forget(attempt.route)
    if found.decision.outcome is Outcome.RETRY and verification.faults < policy.FAULTS_MAX:
        raise Unavailable(found.decision.code, code=found.decision.code)
    at = timezone.now()
    with transaction.atomic():
        transition.held(verification)
        dossier.keep(attempt, found.collected, key=key, at=at)
        dossier.record_checks(attempt, found.results, key=key, at=at)
        progress.go_on(verification, attempt, stage, found.decision, key=key, at=at)


def _measure(verification: Verification, attempt: Attempt, stage: Stage, *, key: vault.Key, at: datetime) -> Judgement:
    case = cases.read(verification, key).case
    before = dossier.load(verification, attempt, key=key, at=at)
    collected = dict(stage.collect(case, before)) if stage.collect else {}
    # Judged at the time the sources had answered: a list made a second ago is not from the future.
    evidence = Evidence(items={**before.items, **collected}, at=timezone.now(), seen=before.seen)
    numbers = get(attempt.route).policy
    results = tuple(check(case, evidence, numbers) for check in stage.checks.values())
    decision = decide(results, required=tuple(stage.checks))
    collected[f"{stage.name}.terms"] = dossier.terms(evidence, numbers)
    if stage.report is not None:
        collected[f"{stage.name}.report"] = stage.report(case, evidence, numbers, results)
    return Judgement(collected, evidence, results, decision)


def _forget(route_name: str) -> None:
    """No picture and no embedding outlives its judgement in the process."""
    route = get(route_name)
    if route.forget is not None:
        route.forget()


def _attempt_in(verification: Verification) -> Attempt:
    attempt = attempts.current(verification)
    if attempt is None and Verification.objects.filter(pk=verification.pk, fence=verification.fence).exists():
        raise Unavailable("no attempt is being judged")
    if attempt is None:
        raise FenceLost(f"{verification.pk}: the attempt ended meanwhile")
    return attempt
