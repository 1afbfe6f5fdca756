"""An attempt in a worker's hands, from its evidence to the case's next step.

1. `prepare` and `look`: the worker's part in a dialogue, before and between turns.
2. `judge_attempt`: the judgement.
3. `after_pass`, `after_failure`, `end`: the case's next stage, try, route, or end. Only this module
   verifies or declines because of an attempt's content. All of it runs in the transaction that ends
   a worker's step.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from verification import clock, transactions
from verification.artifacts import making
from verification.case import (
    attempts,
    contents,
    dossier,
    freezing,
    moving,
    policy,
    stages,
    steps,
    votes,
)
from verification.case.moving import History, lawful_combinations
from verification.core import codes, profiles, scenarios
from verification.core.clearance import UNWANTED
from verification.core.errors import Unavailable
from verification.core.keeping import inputs_mark
from verification.core.results import Outcome, decide
from verification.core.route import LOOK_AT, Evidence, Next, Stage
from verification.core.status import Status
from verification.course.ends import unpassed
from verification.evidence import vault
from verification.models import Attempt, Verification
from verification.worker import queue


def prepare(history: History, attempt: Attempt, stage: Stage, *, key: vault.Key) -> None:
    """Prepares the attempt (a statement, a code) and gives the borrower the turn and its time."""
    at, row = clock.now(), history.row
    if stage.prepare is None:
        raise Unavailable(f"stage {stage.name} has nothing to prepare")
    record = dossier.on_record(history, attempt.pk)
    items = {claim.kind: content for claim, content in dossier.proven(record.evidence, key=key)}
    services = stages.services(record.combination, law=row.profile_sha256)
    evidence = Evidence(items, at, secrets=vault.secrets_of(attempt.pk), services=services)
    case = contents.read(row, key, commitment=record.case).case
    memory = attempts.memory_of(attempt, key=key, commitment=_memory(history, attempt))
    transactions.end_reading()
    prepared = stage.prepare(case, evidence, memory)
    with queue.finishing(history):
        body = attempts.hand_over(attempt, stage, prepared, key=key, at=clock.now())
        dossier.keep(attempt, prepared.evidence, key=key, at=at, stated=body)


def look(history: History, attempt: Attempt, stage: Stage, *, key: vault.Key) -> None:
    """Measures one turn's answer and asks the next question, or ends the dialogue for judgement."""
    if stage.look is None or stage.go_on is None:
        raise Unavailable(f"stage {stage.name} looks at nothing")
    at, row = clock.now(), history.row
    memory = attempts.memory_of(attempt, key=key, commitment=_memory(history, attempt))
    listed = dossier.on_record(history, attempt.pk).evidence
    turned = [
        claim
        for claim in listed
        if claim.attempt == attempt.pk and claim.kind.startswith(memory[LOOK_AT])
    ]
    items = {claim.kind: content for claim, content in dossier.proven(turned, key=key)}
    evidence = Evidence(items, at, secrets=vault.secrets_of(attempt.pk))
    transactions.end_reading()
    looked = stage.look(evidence, memory)
    at = clock.now()
    with queue.finishing(history):
        turn = stage.go_on(memory, looked, at)
        body = {
            **moving.place_of(attempt.pk, attempt),
            "turn": attempt.turn - 1,
            "next": turn.next,
            "evidence": dossier.put(attempt, {**looked.evidence, **turn.evidence}, key=key, at=at),
            **attempts.remember(attempt, turn, key=key, at=at),
        }
        if stage.again is not None:
            body |= dossier.remember(attempt, stage.again, looked.evidence)
        moving.record(row, "attempt.looked_at", at=at, body=body)
        if turn.next is not Next.ASK:
            steps.schedule(row, steps.JUDGE, due_at=at, queue=stage.queue)


def _memory(history: History, attempt: Attempt) -> str:
    """The commitment of the dialogue's memory, by its entries."""
    return history.state.attempts[attempt.pk].memory


def judge_attempt(history: History, attempt: Attempt, stage: Stage, *, key: vault.Key) -> None:
    """Collects, measures, checks and decides one attempt, then writes all of it or nothing.

    Raises: faults of ours or of a source: the step is tried again.
    """
    row = history.row
    # 1 Open the evidence that entries list, each item by its commitment.
    record = dossier.on_record(history, attempt.pk)
    case = contents.read(row, key, commitment=record.case).case
    items = {claim.kind: content for claim, content in dossier.proven(record.evidence, key=key)}
    evidence_before = Evidence(items, clock.now(), secrets=vault.secrets_of(attempt.pk))
    tries_left = attempts.count_tries(history, stage, at=clock.now()).remaining
    # 2 Ask sources. No transaction is open meanwhile.
    transactions.end_reading()
    collected = dict(stage.collect(case, evidence_before)) if stage.collect else {}
    if stage.again is not None:
        collected |= dossier.compared(attempt, stage.again, items)
    # 3 Engines measure, checks judge, at the time of the sources' answers.
    items, at = items | collected, clock.now()
    repeated = dossier.presented_before(attempt, items, record=record)
    evidence = replace(
        evidence_before,
        items=items,
        presented=repeated,
        at=at,
        attempts_left=tries_left,
        handed_over=record.handed_over,
    )
    numbers = stage.policy_in_use()
    facts = stage.measure(case, evidence, numbers)
    results = stage.judge(facts, numbers)
    decision = decide(results, required=tuple(stage.checks))
    # 4 An inconclusive check is retried like a fault; after the last try its result stands.
    if decision.outcome is Outcome.RETRY and row.faults < policy.FAULTS_MAX:
        raise Unavailable(decision.code, code=decision.code)
    collected |= dossier.judgement(stage, evidence, numbers, facts, results)
    evidence_by_kind = items | collected
    # 5 The fence, and the entries since the read; from here on all is written or nothing.
    with queue.finishing(history):
        at = clock.now()
        # 6 An attempt in review counts as spent until people pass it; else a parallel verification
        # would have as many tries again. With too few voters it fails, unspent.
        is_unsure = decision.outcome is Outcome.REVIEW
        is_for_people = is_unsure and not votes.are_too_few(row, key=key)
        burns = (decision.burns or is_for_people) and stage.attempts is not None
        # 7 Its entry: outcome, checks, their input and the stored evidence.
        played_by = {"engine": scenarios.engine(record.simulated)} if record.simulated else {}
        body = {
            **moving.place_of(attempt.pk, attempt),
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
        # 8 Its signed document, if it had a camera and is not in review.
        if not is_unsure and stage.has_frames:
            making.make_document(history, attempt.pk, key=key, at=at, evidence=evidence_by_kind)
        # 9 The next stage or the verdict; another try or the refusal; review; a fault of ours.
        if decision.outcome is Outcome.PASSED:
            after_pass(history, stage, key=key, at=at)
        elif decision.outcome is Outcome.FAILED:
            after_failure(history, stage, decision.code, key=key, at=at)
        elif is_for_people:
            word = moving.word(history, decision.code)
            moving.record(row, "verification.in_review", at=at, body=word)
        else:
            # A fault of ours: the last try was inconclusive, or too few people can review.
            code = codes.REVIEW_UNAVAILABLE if is_unsure else "retries_exhausted"
            cause = {"cause": decision.code}
            end(history, Status.FAILED, at=at, code=code, body=cause, key=key)
            if is_unsure:
                making.make_document(history, attempt.pk, key=key, at=at, evidence=evidence_by_kind)


def after_failure(
    history: History, stage: Stage, code: str, *, key: vault.Key, at: datetime
) -> None:
    """After a failed attempt: declined at once, declined without attempts left, or asked again."""
    if codes.require(code).final:
        end(history, Status.DECLINED, at=at, code=code, key=key)
    elif (tries := attempts.count_tries(history, stage, at=at)).is_exhausted:
        exhaust(history, tries, key=key, at=at)
    else:
        attempts.enter(history, stage, key=key, at=at, notice=code)


def exhaust(history: History, tries: attempts.Tries, *, key: vault.Key, at: datetime) -> None:
    """Declined without attempts left; its entry names the spent attempts."""
    release = stages.release(history.row.route, law=history.row.profile_sha256)
    body = {"spent": tries.by_case(history.row.pk), "release": release.id}
    end(history, Status.DECLINED, at=at, code=codes.ATTEMPTS_EXHAUSTED, body=body, key=key)


def after_pass(history: History, stage: Stage, *, key: vault.Key, at: datetime) -> None:
    """After a passed attempt: the next stage, the next route of the combination, or verified.

    A route has passed after a lawful pass of each of its stages, by entries.
    """
    row, law = history.row, history.row.profile_sha256
    # 1 the next stage of the route
    way = stages.of_route(row.route, law=law)
    ahead = list(way)
    if following := ahead[ahead.index(stage.name) + 1 :]:
        attempts.enter(history, way[following[0]], key=key, at=at)
        return
    # 2 the passed routes, the present one last
    routes = dict.fromkeys((*row.passed_routes, row.route))
    releases = {route: stages.release(route, law=law) for route in routes}
    passed_routes = [route for route in routes if not unpassed(history.state, releases[route])]
    # 3 a combination of the law is complete
    lawful = lawful_combinations(history)
    if passed_routes[-1:] == [row.route] and profiles.suffices(lawful, passed_routes=passed_routes):
        names = [releases[route].id for route in passed_routes]
        body: dict[str, Any] = {"routes": passed_routes, "releases": names}
        end(history, Status.VERIFIED, at=at, body=body, key=key)
        return
    # 4 the next route of the combination; any other state is refused
    chosen = tuple(row.combination)
    next_route = (
        profiles.next_route(chosen, passed_routes=passed_routes) if chosen in lawful else None
    )
    if next_route is None:
        body = {"routes": passed_routes}
        end(history, Status.DECLINED, at=at, code="check_missing", body=body, key=key)
        return
    choice = {"route": next_route, "passed": passed_routes}
    moving.record(row, "route.chosen", at=at, body=choice)
    attempts.enter_route(history, key=key, at=at)


def end(
    history: History,
    status: Status,
    *,
    at: datetime,
    code: str = "",
    body: Mapping[str, Any] | None = None,
    key: vault.Key | None = None,
) -> None:
    """Ends the case with its receipt. A declined renewed consent freezes issued clearances.

    key: of the verification, if already opened.

    Raises: `Misconfigured` without a signing key.
    Raises: `Conflict` (illegal_transition) if the entries do not lead to this end.
    Raises: `EvidenceUnreadable` for a verified person whose case does not open.
    """
    row, more = history.row, dict(body or {})
    routes = tuple(more["routes"]) if "routes" in more else None
    digest = making.make_receipt(history, status, code=code, at=at, routes=routes, key=key)
    word = moving.word(history, code) | more | {"receipt": digest}
    moving.record(row, f"verification.{status}", at=at, body=word)
    if row.renews_id and code in UNWANTED:
        renewed = Verification.objects.select_for_update().get(pk=row.renews_id)
        freezing.freeze(renewed, at=at)
