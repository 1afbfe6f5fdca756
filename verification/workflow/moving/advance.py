"""What a worker does with a step: prepare, look or judge; lapse, expire or weigh; destroy; clear.

1. Claim the step: lease, fence, one fault counted (`queue.claim`).
2. Read what it needs: the case, the attempt, its evidence.
3. Work outside any transaction: ask sources, measure, run the checks.
4. In one transaction whose first statement is the fence: evidence, results, the attempt, the status, the log.
5. A fault instead: the step is released with a backoff; after the last one the verification ends in `failed`. What
   nobody asked for, as time that ran out or frames to be destroyed, is put off instead, and stays owed.
"""

from dataclasses import replace
from datetime import timedelta

from verification import clock, transactions
from verification.audit import signatures
from verification.audit.compare_rows import require_as_said
from verification.core import events, scenarios
from verification.core.errors import ConsentPending, FenceLost, SourceUnavailable, TulgaError, Unavailable
from verification.core.keeping import inputs_mark
from verification.core.results import Outcome, decide
from verification.core.route import LOOK_AT, Evidence, Next, Stage
from verification.core.status import Move, Status
from verification.evidence import vault
from verification.models import Attempt, AuditEntry, Verification
from verification.workflow import cases, policy, stages
from verification.workflow.moving import (
    attempts,
    clearing,
    destruction,
    dossier,
    ending,
    leaving,
    onward,
    queue,
    transition,
)

_UNASKED = {
    queue.LAPSE: ending.lapse,
    queue.EXPIRE: ending.expire,
    queue.WEIGH: ending.weigh,
    queue.STOP: ending.stop,
    queue.LEAVE: ending.turn_away,
    queue.DOCUMENT: ending.document,
    queue.DESTROY: destruction.destroy_frames,
    queue.CLEAR: clearing.clear,
}
"""Steps that no answer of the borrower led to: they are owed until they are done."""
_LOST = "worker_lost"


def run(verification: Verification) -> None:
    """Does the claimed step. Any exception is a fault for `release`; `FenceLost` means another worker took over."""
    if (unasked := _UNASKED.get(verification.step)) is not None:
        if verification.faults > policy.FAULTS_MAX:  # the last worker died without a word
            return destruction.put_off(verification, cause=_LOST)
        return unasked(verification)
    tried = _tried(verification) + 1 if verification.faults > 1 else verification.faults
    if tried < verification.faults:  # the last worker died without a word, which is put on record
        if tried >= policy.FAULTS_MAX:
            verification.faults = policy.FAULTS_MAX
            return _give_up(verification, cause=_LOST)
        with transactions.writing():
            if not queue.correct(verification, faults=tried + 1):
                raise FenceLost(f"{verification.pk}: another worker has it")
            body = {"step": verification.step, "cause": _LOST, "faults": tried}
            transition.record(verification, "step.faulted", at=clock.now(), body=body)
    key = cases.key_beside(verification)
    if verification.step == queue.OPEN:
        # The attempt could not begin: the borrower was busy elsewhere, or had none left.
        stage, at = stages.of(verification.route, law=verification.profile_sha256)[verification.stage], clock.now()
        with transactions.writing():
            queue.require_fence(verification)
            onward.require_due(stage, require_as_said(verification))
            with transition.holding(verification):
                if (had := attempts.count_tries(verification, stage, at=at)).is_exhausted:
                    onward.exhaust(verification, had, key=key, at=at)
                else:
                    attempts.enter(verification, stage, key=key, at=at)
        return None
    attempt = attempts.current(verification)
    if attempt is None and Verification.objects.filter(pk=verification.pk, fence=verification.fence).exists():
        raise Unavailable("no attempt is being judged")
    if attempt is None:
        raise FenceLost(f"{verification.pk}: the attempt ended meanwhile")
    work = {queue.PREPARE: _prepare, queue.LOOK: _look, queue.JUDGE: _judge}[verification.step]
    stage = stages.of(attempt.route, law=verification.profile_sha256)[attempt.stage]
    return work(verification, attempt, stage, key=key)


def release(verification: Verification, fault: Exception) -> None:
    """Gives a faulted step back, due after a backoff; the last fault ends the verification in `failed`.

    Waiting for the person is no fault: it is not counted.
    """
    at = clock.now()
    cause = fault.code if isinstance(fault, TulgaError) else type(fault).__name__
    if verification.step in _UNASKED:
        return destruction.put_off(verification, cause=cause)
    # A worker that died before it could say of an earlier one is told of by the next.
    verification.faults = min(verification.faults, _tried(verification) + 1)
    is_pending = isinstance(fault, ConsentPending)
    if is_pending:
        faults, wait = verification.faults - 1, policy.PENDING_SECONDS
    elif verification.faults >= policy.FAULTS_MAX:
        return _give_up(verification, cause=cause)
    else:
        faults, wait = verification.faults, policy.backoff(verification.faults)
    due = at + timedelta(seconds=wait)
    with transactions.writing():
        if not queue.release(verification, due_at=due, faults=faults):
            return None
        body = {"step": verification.step, "cause": cause, "faults": faults}
        if not is_pending:
            body["source"] = fault.source if isinstance(fault, SourceUnavailable) else ""
        # The borrower's page says what to do; while it says so already, nothing new is on record.
        judging = Attempt.objects.filter(verification=verification, status=attempts.JUDGING)
        if not is_pending or judging.exclude(notice=cause).update(notice=cause):
            transition.record(verification, "step.faulted", at=at, body=body)
    return None


def _tried(verification: Verification) -> int:
    """How often its step was tried in vain, by what workers signed: a row may count whatever it likes."""
    types = ("step.faulted", "attempt.opened", "route.chosen", *events.KEEPING)
    newest = AuditEntry.objects.filter(verification=verification, type__in=types).order_by("-verification_sequence")
    last = [one.body for one in signatures.sound(newest[:1]) if one.type == "step.faulted"]
    return next((int(body["faults"]) for body in last if body["step"] == verification.step), 0)


def _give_up(verification: Verification, *, cause: str) -> None:
    at = clock.now()
    body = {"step": verification.step, "cause": cause, "faults": verification.faults}
    with transactions.writing():
        queue.require_fence(verification)
        with transition.holding(verification):
            transition.record(verification, "step.faulted", at=at, body=body)
            onward.end(verification, Move.FAIL, at=at, code="retries_exhausted")
            leaving.drop_open(verification, at=at)
    return


def _prepare(verification: Verification, attempt: Attempt, stage: Stage, *, key: vault.Key) -> None:
    """Prepares within the attempt (a statement, a code, another code) and gives the borrower the turn and its time."""
    at = clock.now()
    of = dossier.on_record(verification, attempt)
    items = {one.kind: content for one, content in dossier.proven(of.evidence, key=key)}
    services = stages.services(of.combination, law=verification.profile_sha256)
    evidence = Evidence(items, at, secrets=vault.secrets_of(attempt.pk), services=services)
    if stage.prepare is None:
        raise Unavailable(f"stage {stage.name} has nothing to prepare")
    case, memory = cases.read(verification, key, commitment=of.case).case, attempts.memory_of(attempt, key=key)
    transactions.rest()
    prepared = stage.prepare(case, evidence, memory)
    with transactions.writing():
        queue.require_fence(verification)
        with transition.holding(verification):
            said = attempts.hand_over(attempt, stage, prepared, key=key, at=clock.now())
            dossier.keep(attempt, prepared.evidence, key=key, at=at, said=said)
            if verification.status == Status.PROCESSING:
                transition.move(verification, Move.ASK, at=at)


def _look(verification: Verification, attempt: Attempt, stage: Stage, *, key: vault.Key) -> None:
    """Measures what came for one turn, and asks on by what it shows; or the dialogue is over and will be judged."""
    memory, at = attempts.memory_of(attempt, key=key), clock.now()
    of = dossier.on_record(verification, attempt).evidence
    turned = [one for one in of if one.attempt == attempt.pk and one.kind.startswith(memory[LOOK_AT])]
    items = {one.kind: content for one, content in dossier.proven(turned, key=key)}
    evidence = Evidence(items, at, secrets=vault.secrets_of(attempt.pk))
    if stage.look is None or stage.go_on is None:
        raise Unavailable(f"stage {stage.name} looks at nothing")
    transactions.rest()
    looked = stage.look(evidence, memory)
    at = clock.now()
    with transactions.writing():
        queue.require_fence(verification)
        with transition.holding(verification):
            turn = stage.go_on(memory, looked, at)
            kept = dossier.put(attempt, {**looked.evidence, **turn.evidence}, key=key, at=at)
            columns, said = attempts.columns_of(attempt, turn, key=key, at=at)
            if Attempt.objects.filter(pk=attempt.pk, status=attempts.JUDGING).update(**columns) != 1:
                raise FenceLost(f"{attempt.pk} ended meanwhile")
            body = {"attempt": attempt.pk, "route": attempt.route, "stage": attempt.stage, "turn": attempt.turn - 1}
            body |= {"next": turn.next, "evidence": kept, **said}
            if stage.again is not None:
                body |= dossier.remember(attempt, stage.again, looked.evidence)
            transition.record(verification, "attempt.looked_at", at=at, body=body)
            if turn.next is Next.ASK:
                transition.move(verification, Move.ASK, at=at)
            else:
                queue.schedule(verification, queue.JUDGE, due_at=at, queue=stage.queue)


def _judge(verification: Verification, attempt: Attempt, stage: Stage, *, key: vault.Key) -> None:
    """Collects, measures, checks and decides one attempt, then writes all of it or nothing."""
    # 2. Read.
    of = dossier.on_record(verification, attempt)
    case = cases.read(verification, key, commitment=of.case).case
    items = {one.kind: content for one, content in dossier.proven(of.evidence, key=key)}
    before = Evidence(items, clock.now(), secrets=vault.secrets_of(attempt.pk))
    left = attempts.count_tries(verification, stage, at=clock.now()).left
    # 3. Work. No row is locked, and no transaction open, while a source takes its time.
    transactions.rest()
    collected = dict(stage.collect(case, before)) if stage.collect else {}
    collected |= dossier.compared(attempt, stage.again, items) if stage.again is not None else {}
    # Judged at the time the sources had answered: a list made a second ago is not from the future.
    items, at = items | collected, clock.now()
    seen = dossier.presented_before(attempt, items, of=of)
    evidence = replace(before, items=items, seen=seen, at=at, left=left, handed_over=of.handed_over)
    numbers = stage.policy_in_use()
    facts = stage.measure(case, evidence, numbers)
    results = stage.judge(facts, numbers)
    decision = decide(results, required=tuple(stage.checks))
    # A check that could not tell is tried again like a fault; after the last try the word stands.
    if decision.outcome is Outcome.RETRY and verification.faults < policy.FAULTS_MAX:
        raise Unavailable(decision.code, code=decision.code)
    collected |= dossier.judgement(stage, evidence, numbers, facts, results)
    # 4. All of it or nothing, and nothing at all by a worker whose lease ran out.
    with transactions.writing():
        queue.require_fence(verification)
        at = clock.now()
        if decision.outcome is not Outcome.PASSED or stages.is_last(stage, attempt.route):
            require_as_said(verification)  # this may end it, or leave it to people
        with transition.holding(verification):
            kept = dossier.put(attempt, collected, key=key, at=at)
            by = {"engine": scenarios.engine(of.simulated)} if of.simulated else {}
            checks = [{"check": one.check, "outcome": one.outcome, "code": one.code, **by} for one in results]
            said = {"checks": checks, "inputs": inputs_mark(one.digest for one in of.evidence), "evidence": kept}
            onward.go_on(verification, attempt, stage, decision, said=said, evidence=items | collected, key=key, at=at)
