"""The judgement of an attempt, from its evidence to what follows."""

from dataclasses import replace

from verification import clock, transactions
from verification.artifacts import documents
from verification.case import attempts, contents, dossier, moving, policy, stages, voters
from verification.case.history import History
from verification.core import codes, scenarios
from verification.core.errors import Unavailable
from verification.core.keeping import inputs_mark
from verification.core.results import Outcome, decide
from verification.core.route import Evidence, Stage
from verification.core.status import Status
from verification.evidence import vault
from verification.models import Attempt
from verification.worker import outcome, queue


def judge(history: History, attempt: Attempt, stage: Stage, *, key: vault.Key) -> None:
    """Collects, measures, checks and decides one attempt, then writes all of it or nothing.

    Raises a fault of ours or of a source: the step is tried again.
    """
    row = history.row
    # 1 What entries list as evidence of it is opened, each piece by its commitment.
    record = dossier.on_record(history, attempt.pk)
    case = contents.read(row, key, commitment=record.case).case
    items = {claim.kind: content for claim, content in dossier.proven(record.evidence, key=key)}
    before = Evidence(items, clock.now(), secrets=vault.secrets_of(attempt.pk))
    left = attempts.count_tries(history, stage, at=clock.now()).left
    # 2 Sources are asked. No transaction is open while they take their time.
    transactions.rest()
    collected = dict(stage.collect(case, before)) if stage.collect else {}
    if stage.again is not None:
        collected |= dossier.compared(attempt, stage.again, items)
    # 3 Engines measure, checks judge: at the time the sources had answered.
    items, at = items | collected, clock.now()
    seen = dossier.presented_before(attempt, items, of=record)
    evidence = replace(
        before,
        items=items,
        presented=seen,
        at=at,
        attempts_left=left,
        handed_over=record.handed_over,
    )
    numbers = stage.policy_in_use()
    facts = stage.measure(case, evidence, numbers)
    results = stage.judge(facts, numbers)
    decision = decide(results, required=tuple(stage.checks))
    # 4 A check that could not tell is tried again like a fault; after the last try its result
    # stands.
    if decision.outcome is Outcome.RETRY and row.faults < policy.FAULTS_MAX:
        raise Unavailable(decision.code, code=decision.code)
    collected |= dossier.judgement(stage, evidence, numbers, facts, results)
    evidence_by_kind = items | collected
    # 5 The fence, and what came meanwhile; from here on all of it is written or nothing.
    with queue.finishing(history):
        at = clock.now()
        # 6 What people look at is a try spent until they pass it, or another verification beside
        #   it would have as many again. Too few of them could vote: then it fails, unspent.
        is_unsure = decision.outcome is Outcome.REVIEW
        is_for_people = is_unsure and not voters.are_too_few(row, key=key)
        burns = (decision.burns or is_for_people) and stage.attempts is not None
        # 7 Its entry: outcome, checks, what it was judged by and what was kept of it.
        played_by = {"engine": scenarios.engine(record.simulated)} if record.simulated else {}
        body = {
            "attempt": attempt.pk,
            "route": attempt.route,
            "stage": attempt.stage,
            "outcome": decision.outcome,
            "code": decision.code,
            "burnt": burns,
            "release": stages.release(attempt.route, law=row.profile_sha256).id,
            "checks": [
                {"check": result.check, "outcome": result.outcome, "code": result.code, **played_by}
                for result in results
            ],
            "inputs": inputs_mark(claim.digest for claim in record.evidence),
            "evidence": dossier.put(attempt, collected, key=key, at=at),
        }
        moving.record(row, "attempt.judged", at=at, body=body)
        # 8 Its signed document, where a camera looked and people need not look.
        if not is_unsure and stage.has_frames:
            documents.produce(history, attempt.pk, key=key, at=at, known=evidence_by_kind)
        # 9 What follows: the next stage or the verdict; another try or the refusal; people; our
        # fault.
        if decision.outcome is Outcome.PASSED:
            outcome.after_pass(history, stage, key=key, at=at)
        elif decision.outcome is Outcome.FAILED:
            outcome.after_failure(history, stage, decision.code, key=key, at=at)
        elif is_for_people:
            word = moving.word(history, decision.code)
            moving.record(row, "verification.in_review", at=at, body=word)
        else:
            # Our fault: the last try could not tell, or too few people could look.
            code = codes.REVIEW_UNAVAILABLE if is_unsure else "retries_exhausted"
            cause = {"cause": decision.code}
            outcome.end(history, Status.FAILED, at=at, code=code, body=cause, key=key)
            if is_unsure:
                documents.produce(history, attempt.pk, key=key, at=at, known=evidence_by_kind)
