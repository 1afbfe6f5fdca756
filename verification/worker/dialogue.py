"""A worker's part in a dialogue: it prepares an attempt, or looks at the answer of one turn."""

from verification import clock, transactions
from verification.case import attempts, contents, dossier, moving, stages, steps
from verification.case.history import History
from verification.core.errors import Unavailable
from verification.core.route import LOOK_AT, Evidence, Next, Stage
from verification.evidence import vault
from verification.models import Attempt
from verification.worker import queue


def prepare(history: History, attempt: Attempt, stage: Stage, *, key: vault.Key) -> None:
    """Prepares within the attempt (a statement, a code) and gives the borrower the turn and its
    time."""
    at, row = clock.now(), history.row
    if stage.prepare is None:
        raise Unavailable(f"stage {stage.name} has nothing to prepare")
    record = dossier.on_record(history, attempt.pk)
    items = {claim.kind: content for claim, content in dossier.proven(record.evidence, key=key)}
    services = stages.services(record.combination, law=row.profile_sha256)
    evidence = Evidence(items, at, secrets=vault.secrets_of(attempt.pk), services=services)
    case = contents.read(row, key, commitment=record.case).case
    memory = attempts.memory_of(attempt, key=key, commitment=_memory(history, attempt))
    transactions.rest()
    prepared = stage.prepare(case, evidence, memory)
    with queue.finishing(history):
        body = attempts.hand_over(attempt, stage, prepared, key=key, at=clock.now())
        dossier.keep(attempt, prepared.evidence, key=key, at=at, said=body)


def look(history: History, attempt: Attempt, stage: Stage, *, key: vault.Key) -> None:
    """Measures what came for one turn, and asks on by what it shows; or the dialogue is over and is
    judged."""
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
    transactions.rest()
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
    """The commitment of what the dialogue remembers, as its entries have it."""
    return history.state.attempts[attempt.pk].memory
