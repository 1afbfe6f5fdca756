"""Opens and closes attempts, and counts the failed ones. Call everything here inside a transaction.

A stage that must be prepared takes the borrower's one place first and is prepared in it: no message is sent, and no
register asked, for a dialogue that cannot begin.
"""

import json
import secrets
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import F, QuerySet, Sum

from verification.core import reasons
from verification.core.canonical import canonical_json
from verification.core.decision import Outcome
from verification.core.route import ANSWERED, SEED, Memory, Prepared, Stage
from verification.core.status import Move
from verification.evidence import vault
from verification.models import Attempt, AuditEntry, Verification
from verification.workflow import documents, policy, quotas, stages, transition

OPEN, JUDGING = "open", "judging"
"""With the borrower, and with us: being prepared or judged."""
BUSY = "borrower_busy"
NONE_LEFT = "attempts_exhausted"
TABLE = "verification_attempt"
FIELD = "sealed_memory"
SEED_BYTES = 32  # HMAC-SHA256 wants no more
STEP_OPEN, STEP_PREPARE, STEP_JUDGE = "open", "prepare", "judge"


def enter(verification: Verification, stage: Stage, *, key: vault.Key, at: datetime, notice: str = "") -> None:
    """Begins a stage: at once if nothing must stand before the question, otherwise a worker prepares it."""
    Verification.objects.filter(pk=verification.pk).update(stage=stage.name)
    verification.stage = stage.name
    open_attempt(verification, stage, key=key, at=at, notice=notice)


def open_attempt(
    verification: Verification, stage: Stage, *, key: vault.Key, at: datetime, notice: str = ""
) -> Attempt | None:
    """A fresh attempt, for the borrower to answer or for a worker to prepare.

    None while the borrower is busy elsewhere, and a step is owed later; None when the stage's quota is used up, and the
    borrower may come back; None too when no attempt is left, and the verification is declined. Attempts are counted
    while the borrower's one open place is ours, so none can burn beside.
    """
    if verification.last_failure == BUSY:
        _remember(verification, "")
    attempt = _fresh(verification, stage, at=at, notice=notice)
    attempt.sealed_memory = seal_memory(attempt, _first_memory(verification, stage, key=key, at=at), key=key)
    try:
        hindrance = _take_place(attempt, stage, key=key, at=at)
    except IntegrityError:
        _remember(verification, BUSY)
        busy_until = at + timedelta(seconds=policy.BUSY_SECONDS)
        transition.owe(verification, STEP_OPEN, due_at=busy_until, queue=stage.queue)
        return None
    if hindrance == NONE_LEFT:
        transition.move(verification, Move.DECLINE, at=at, code=NONE_LEFT)
        return None
    if hindrance:
        _remember(verification, hindrance)
        return None
    transition.record(verification, "attempt.opened", at=at, body=names(attempt))
    if stage.prepare is not None:
        transition.owe(verification, STEP_PREPARE, due_at=at, queue=stage.queue)
    return attempt


def _take_place(attempt: Attempt, stage: Stage, *, key: vault.Key, at: datetime) -> str:
    """Inserts the attempt, or says by a code why it must not be; raises `IntegrityError` if the place is taken."""
    with transaction.atomic():
        attempt.save(force_insert=True)
        hindrance = ""
        if attempts_left(attempt.verification, stage, at=at) == 0:
            hindrance = NONE_LEFT
        elif not quotas.take(attempt.verification, stage, key=key, at=at):
            hindrance = quotas.code_of(stage)
        transaction.set_rollback(bool(hindrance))
    return hindrance


def _fresh(verification: Verification, stage: Stage, *, at: datetime, notice: str) -> Attempt:
    # Turns count on over all attempts, so an answer to an earlier one fits none.
    Verification.objects.filter(pk=verification.pk).update(turn=F("turn") + 1)
    verification.turn = Verification.objects.values_list("turn", flat=True).get(pk=verification.pk)
    return Attempt(
        verification=verification,
        lender_id=verification.lender_id,
        mode=verification.mode,
        borrower_index=verification.borrower_index,
        route=verification.route,
        stage=stage.name,
        counted=stage.attempts is not None,
        status=JUDGING if stage.prepare else OPEN,
        notice=notice or verification.last_failure,
        turn=verification.turn,
        opened_at=at,
        expires_at=min(at + timedelta(seconds=stage.seconds), verification.expires_at),
    )


def _remember(verification: Verification, code: str) -> None:
    Verification.objects.filter(pk=verification.pk).update(last_failure=code)
    verification.last_failure = code


def hand_over(attempt: Attempt, stage: Stage, prepared: Prepared, *, key: vault.Key, at: datetime) -> None:
    """Gives a prepared attempt to the borrower; the dialogue's clock begins now. The seed has done its work."""
    expires_at = min(at + timedelta(seconds=stage.seconds), attempt.verification.expires_at)
    kept = {name: value for name, value in prepared.memory.items() if name not in (SEED, ANSWERED)}
    sealed, notice = seal_memory(attempt, kept, key=key), prepared.notice or attempt.notice
    live = Attempt.objects.filter(pk=attempt.pk, status=JUDGING)
    live.update(sealed_memory=sealed, status=OPEN, expires_at=expires_at, notice=notice)


def close(attempt: Attempt, *, outcome: str, code: str, burnt: bool, at: datetime) -> bool:
    """Ends an attempt that is open or being judged; False if somebody else ended it first."""
    live = Attempt.objects.filter(pk=attempt.pk, status__in=(OPEN, JUDGING))
    burnt = burnt and attempt.counted
    changed = live.update(status=outcome, code=code, burnt=burnt, closed_at=at)
    attempt.status, attempt.code, attempt.burnt, attempt.closed_at = outcome, code, burnt, at
    return changed == 1


def leave(verification: Verification, *, at: datetime) -> None:
    """Ends the attempt the borrower goes away from. One that was begun burns as silence would: no free second look."""
    attempt = Attempt.objects.filter(verification=verification, status=OPEN).first()
    if attempt is not None:
        lapse(attempt, at=at)
    drop_open(verification, at=at)


def lapse(attempt: Attempt, *, at: datetime) -> bool:
    """Ends an open attempt nobody goes on with; False if somebody else ended it first. The row's `burnt` says the rest.

    It burns only if the borrower had begun ("ready") and the stage's timeout code burns.
    """
    stage = stages.known(attempt.route, attempt.stage)
    code = stage.timeout_code if stage else "abandoned"
    burnt = attempt.counted and reasons.require(code).burns and _has_begun(attempt)
    still_open = Attempt.objects.filter(pk=attempt.pk, status=OPEN)
    if still_open.update(status="lapsed", code=code, burnt=burnt, closed_at=at) != 1:
        return False
    attempt.status, attempt.code, attempt.burnt = "lapsed", code, burnt
    body = {"attempt": attempt.pk, "route": attempt.route, "stage": attempt.stage, "code": code, "burnt": burnt}
    transition.record(attempt.verification, "attempt.lapsed", at=at, body=body)
    documents.produce(attempt, at=at)
    return True


def _has_begun(attempt: Attempt) -> bool:
    answered = AuditEntry.objects.filter(verification_id=attempt.verification_id, type="attempt.answered")
    return answered.filter(body__attempt=attempt.pk).exists()


def drop_open(verification: Verification, *, at: datetime) -> None:
    """Voids whatever attempt is still alive: the verification went on without its answer.

    One that was in review stays so for ever; its document is made now. Move the verification before: it says why.
    """
    left = list(Attempt.objects.filter(verification=verification, status__in=(OPEN, JUDGING, Outcome.REVIEW)))
    live = Attempt.objects.filter(verification=verification, status__in=(OPEN, JUDGING))
    live.update(status="void", closed_at=at)
    for attempt in left:
        documents.produce(attempt, at=at)


def current(verification: Verification) -> Attempt | None:
    """The attempt that is open or being judged."""
    return Attempt.objects.filter(verification=verification, status__in=(OPEN, JUDGING)).first()


def failures(verification: Verification, stage: Stage, *, at: datetime) -> int:
    """How many attempts of this borrower with this lender burnt at this stage, over all verifications of a day."""
    since = at - timedelta(seconds=policy.ATTEMPTS_COUNTED_SECONDS)
    return _of_borrower(verification, stage).filter(burnt=True, closed_at__gte=since).count()


def _of_borrower(verification: Verification, stage: Stage) -> QuerySet[Attempt, Attempt]:
    """Every attempt of this borrower with this lender at this stage, over all verifications."""
    return Attempt.objects.filter(
        lender_id=verification.lender_id,
        mode=verification.mode,
        borrower_index=verification.borrower_index,
        route=verification.route,
        stage=stage.name,
    )


def attempts_left(verification: Verification, stage: Stage, *, at: datetime) -> int | None:
    """How many more may fail before the verification is declined; None where none are counted."""
    return None if stage.attempts is None else max(0, stage.attempts - failures(verification, stage, at=at))


def seal_memory(attempt: Attempt, memory: Memory, *, key: vault.Key) -> bytes:
    """The memory of a stage, sealed to its attempt."""
    return key.seal(canonical_json(memory), table=TABLE, field=f"{FIELD}:{attempt.pk}").data


def seeded(memory: Memory) -> Memory:
    """The memory with a fresh seed, for one preparation and all its tries."""
    return {**memory, SEED: secrets.token_hex(SEED_BYTES)}


def memory_of(attempt: Attempt, *, key: vault.Key) -> Memory:
    """The memory of a stage; raises `EvidenceUnreadable`."""
    opened = key.unseal(bytes(attempt.sealed_memory), table=TABLE, field=f"{FIELD}:{attempt.pk}")
    memory: Memory = json.loads(opened)
    return memory


def _first_memory(verification: Verification, stage: Stage, *, key: vault.Key, at: datetime) -> Memory:
    """What the latest earlier attempt here remembered, so that a second preparation can differ, and what was spent."""
    if stage.prepare is None:
        return {}
    earlier = Attempt.objects.filter(verification=verification, route=verification.route, stage=stage.name)
    latest = earlier.order_by("-turn").first()
    since = at - timedelta(seconds=policy.ATTEMPTS_COUNTED_SECONDS)
    in_vain = _of_borrower(verification, stage).filter(opened_at__gte=since).exclude(status="passed")
    answered = in_vain.aggregate(sum=Sum("answers"))["sum"] or 0
    return seeded({**(memory_of(latest, key=key) if latest else {}), ANSWERED: answered})


def stage_of(attempt: Attempt) -> Stage:
    """The stage an attempt is at."""
    return stages.find(attempt.route, attempt.stage)


def names(attempt: Attempt) -> dict[str, Any]:
    """What a log entry says to name an attempt."""
    return {"attempt": attempt.pk, "route": attempt.route, "stage": attempt.stage, "turn": attempt.turn}
