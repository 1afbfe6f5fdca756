"""What a worker does with a step: prepare, look or judge; destroy. And where a verification goes after an attempt: the
next stage, another try, the next route, or the verdict. The only place that verifies or declines by checks.

1. Claim the step: lease, fence, one fault counted (`queue.claim`).
2. Read what it needs: the case, the attempt, its evidence.
3. Work outside any transaction: ask sources, measure, run the checks.
4. In one transaction whose first statement is the fence: evidence, results, the attempt, the status, the log.
5. A fault instead: the step is released with a backoff; after the last one the verification ends in `failed`. What is
   to be destroyed after the end is put off instead, and stays owed.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from verification import clock, transactions
from verification.core import profiles, reasons
from verification.core.errors import ConsentPending, FenceLost, SourceUnavailable, TulgaError, Unavailable
from verification.core.results import Decision, Outcome, decide
from verification.core.route import LOOK_AT, Evidence, Next, Stage
from verification.core.status import Move, Status
from verification.evidence import vault
from verification.models import Attempt, Verification
from verification.workflow import cases, policy, stages
from verification.workflow.moving import again, attempts, destruction, documents, dossier, queue, transition


def run(verification: Verification) -> None:
    """Does the claimed step. Any exception is a fault for `release`; `FenceLost` means another worker took over."""
    if verification.faults > policy.FAULTS_MAX:
        # The last worker died without a word, so nobody released the step: this claim only buries it.
        return _give_up(verification, cause="worker_lost")
    if verification.step == queue.DESTROY:
        return destruction.destroy_frames(verification)
    key = cases.key_beside(verification)
    if verification.step == queue.OPEN:
        # The attempt could not begin while the borrower was busy elsewhere.
        stage = stages.find(verification.route, verification.stage)
        with transactions.writing():
            queue.require_fence(verification)
            with transition.holding(verification):
                attempts.enter(verification, stage, key=key, at=clock.now())
        return None
    attempt = attempts.current(verification)
    if attempt is None and Verification.objects.filter(pk=verification.pk, fence=verification.fence).exists():
        raise Unavailable("no attempt is being judged")
    if attempt is None:
        raise FenceLost(f"{verification.pk}: the attempt ended meanwhile")
    work = {queue.PREPARE: _prepare, queue.LOOK: _look, queue.JUDGE: _judge}[verification.step]
    return work(verification, attempt, stages.find(attempt.route, attempt.stage), key=key)


def release(verification: Verification, fault: Exception) -> None:
    """Gives a faulted step back, due after a backoff; the last fault ends the verification in `failed`.

    Waiting for the person is no fault: it is not counted.
    """
    at = clock.now()
    cause = fault.code if isinstance(fault, TulgaError) else type(fault).__name__
    if verification.step == queue.DESTROY:
        return destruction.put_off(verification, cause=cause)
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


def _give_up(verification: Verification, *, cause: str) -> None:
    if verification.step == queue.DESTROY:
        return destruction.put_off(verification, cause=cause)
    at = clock.now()
    body = {"cause": cause, "faults": verification.faults}
    with transactions.writing():
        queue.require_fence(verification)
        with transition.holding(verification):
            transition.record(verification, "step.faulted", at=at, body=body)
            transition.move(verification, Move.FAIL, at=at, code="retries_exhausted")
            attempts.drop_open(verification, at=at)
    return None


def _prepare(verification: Verification, attempt: Attempt, stage: Stage, *, key: vault.Key) -> None:
    """Prepares within the attempt (a statement, a code, another code) and gives the borrower the turn and its time."""
    at = clock.now()
    evidence = dossier.load(verification, attempt, key=key, at=at)
    if stage.prepare is None:
        raise Unavailable(f"stage {stage.name} has nothing to prepare")
    case, memory = cases.read(verification, key).case, attempts.memory_of(attempt, key=key)
    transactions.rest()
    prepared = stage.prepare(case, evidence, memory)
    with transactions.writing():
        queue.require_fence(verification)
        with transition.holding(verification):
            dossier.keep(attempt, prepared.evidence, key=key, at=at)
            attempts.hand_over(attempt, stage, prepared, key=key, at=clock.now())
            if verification.status == Status.PROCESSING:
                transition.move(verification, Move.ASK, at=at)


def _look(verification: Verification, attempt: Attempt, stage: Stage, *, key: vault.Key) -> None:
    """Measures what came for one turn, and asks on by what it shows; or the dialogue is over and will be judged."""
    memory = attempts.memory_of(attempt, key=key)
    evidence = Evidence(items=dossier.beginning(attempt, memory[LOOK_AT], key=key), at=clock.now())
    if stage.look is None or stage.go_on is None:
        raise Unavailable(f"stage {stage.name} looks at nothing")
    transactions.rest()
    looked = stage.look(evidence, memory)
    at = clock.now()
    with transactions.writing():
        queue.require_fence(verification)
        with transition.holding(verification):
            turn = stage.go_on(memory, looked, at)
            kept = dossier.put(attempt, {**looked.evidence, **turn.evidence}, key=key)
            if stage.again is not None:
                again.remember(attempt, stage.again, looked.evidence)
            body = {"attempt": attempt.pk, "route": attempt.route, "stage": attempt.stage, "turn": attempt.turn - 1}
            body |= {"next": turn.next, "evidence": kept}
            transition.record(verification, "attempt.looked_at", at=at, body=body)
            attempts.ask_on(attempt, turn, key=key, at=at)
            if turn.next is Next.ASK:
                transition.move(verification, Move.ASK, at=at)
            else:
                queue.schedule(verification, queue.JUDGE, due_at=at, queue=stage.queue)


def _judge(verification: Verification, attempt: Attempt, stage: Stage, *, key: vault.Key) -> None:
    """Collects, measures, checks and decides one attempt, then writes all of it or nothing."""
    # 2. Read.
    case = cases.read(verification, key).case
    before = dossier.load(verification, attempt, key=key, at=clock.now())
    left = attempts.left(stage, attempts.failures(verification, stage, at=clock.now()))
    # 3. Work. No row is locked, and no transaction open, while a source takes its time.
    transactions.rest()
    collected = dict(stage.collect(case, before)) if stage.collect else {}
    if stage.again is not None:
        collected |= again.compared(attempt, stage.again, before.items)
    # Judged at the time the sources had answered: a list made a second ago is not from the future.
    evidence = replace(before, items={**before.items, **collected}, at=clock.now(), left=left)
    numbers = stage.policy_in_use()
    facts = stage.measure(case, evidence, numbers)
    results = stage.judge(facts, numbers)
    decision = decide(results, required=tuple(stage.checks))
    # A check that could not tell is tried again like a fault; after the last try the word stands.
    if decision.outcome is Outcome.RETRY and verification.faults < policy.FAULTS_MAX:
        raise Unavailable(decision.code, code=decision.code)
    collected |= dossier.judgement(stage, evidence, numbers, facts, results)
    # 4. All of it or nothing, and nothing at all by a worker whose lease ran out.
    at = clock.now()
    with transactions.writing():
        queue.require_fence(verification)
        with transition.holding(verification):
            kept = dossier.put(attempt, collected, key=key)
            # Of the facts the commitment of their terms: a plain hash of so few numbers could be found by trying.
            [terms] = [one["commitment"] for one in kept if one["kind"] == f"{attempt.stage}.terms"]
            checks = [{"check": one.check, "outcome": one.outcome, "code": one.code} for one in results]
            said = {"facts": terms, "checks": checks, "evidence": kept}
            known = {**evidence.items, **collected}
            go_on(verification, attempt, stage, decision, said=said, evidence=known, key=key, at=at)


def go_on(
    verification: Verification,
    attempt: Attempt,
    stage: Stage,
    decision: Decision,
    *,
    said: Mapping[str, Any],
    evidence: Mapping[str, bytes],
    key: vault.Key,
    at: datetime,
) -> None:
    """Closes the judged attempt and moves the verification. The transaction's fence was checked before.

    said: what the judgement's entry says beside its outcome: its checks, its facts, its evidence.
    evidence: all that it was judged by, and what the judgement left.
    """
    # What people look at is a try spent until they pass it, or another verification beside it would have as many again.
    burns = decision.burns or decision.outcome is Outcome.REVIEW
    if not attempts.close(attempt, outcome=decision.outcome, code=decision.code, burns=burns, at=at):
        raise FenceLost(f"{attempt.pk} ended meanwhile")
    word = {"outcome": decision.outcome, "code": decision.code, "burnt": attempt.burnt}
    body = {"attempt": attempt.pk, "route": attempt.route, "stage": attempt.stage, **word}
    transition.record(verification, "attempt.judged", at=at, body={**body, **said})
    if decision.outcome is not Outcome.REVIEW and stage.has_frames:
        documents.produce(attempt, key=key, at=at, known=evidence)
    if decision.outcome is Outcome.PASSED:
        after_pass(verification, stage, key=key, at=at)
    elif decision.outcome is Outcome.RETRY:
        # The last try could not tell either. What it found stands as evidence; about the person it says nothing.
        transition.move(verification, Move.FAIL, at=at, code="retries_exhausted", body={"cause": decision.code})
    elif decision.outcome is Outcome.REVIEW:
        transition.move(verification, Move.REVIEW, at=at, code=decision.code)
    else:
        after_failure(verification, stage, decision.code, key=key, at=at)


def after_failure(verification: Verification, stage: Stage, code: str, *, key: vault.Key, at: datetime) -> None:
    """After a failed attempt: declined at once, declined because none is left, or asked again."""
    transition.write(verification, last_failure=code)
    if reasons.require(code).final:
        transition.move(verification, Move.DECLINE, at=at, code=code)
    elif attempts.is_exhausted(verification, stage, at=at):
        transition.move(verification, Move.DECLINE, at=at, code="attempts_exhausted", body={"last_failure": code})
    else:
        _ask(verification, at=at)
        attempts.enter(verification, stage, key=key, at=at, notice=code)


def after_pass(verification: Verification, stage: Stage, *, key: vault.Key, at: datetime) -> None:
    """After a passed attempt: the next stage, the next route of the combination, or verified when that suffices."""
    transition.write(verification, last_failure="")
    following = stages.after(verification.route, stage.name)
    if following is not None:
        _ask(verification, at=at)
        attempts.enter(verification, following, key=key, at=at)
        return
    done = [*verification.passed_routes, verification.route]
    transition.write(verification, passed_routes=done)
    combinations = [tuple(combination) for combination in verification.combinations]
    if profiles.suffices(combinations, passed=done):
        transition.move(verification, Move.VERIFY, at=at, body={"routes": done})
        return
    following_route = profiles.next_route(tuple(verification.combination), passed=done)
    if following_route is None:
        # A chosen combination whose routes have all passed suffices by definition; anything else is refused.
        transition.move(verification, Move.DECLINE, at=at, code="check_missing")
        return
    _ask(verification, at=at)
    attempts.enter_route(verification, following_route, key=key, at=at)


def _ask(verification: Verification, *, at: datetime) -> None:
    if verification.status != Status.REQUIRES_INPUT:
        transition.move(verification, Move.ASK, at=at)
