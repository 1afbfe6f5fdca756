"""Opens and closes attempts, and counts the failed ones. Call everything here inside a transaction.

A stage that must be prepared takes the borrower's one place first and is prepared in it: no message is sent, and no
register asked, for a dialogue that cannot begin.
"""

import json
import secrets
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from operator import attrgetter
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet

from verification import transactions
from verification.compiled import Compiled
from verification.core import reasons, stored
from verification.core.results import Outcome
from verification.core.route import ANSWERED, ENDED, PARTS, SEED, Memory, Next, Prepared, Stage, Turn
from verification.evidence import vault
from verification.models import Attempt, AuditEntry, Verification
from verification.workflow import policy, stages
from verification.workflow.moving import documents, queue, quotas, transition, tries

OPEN, JUDGING = "open", "judging"
"""With the borrower, and with us: being prepared or judged."""
BUSY = "borrower_busy"
NONE_LEFT = "attempts_exhausted"
TOO_MANY = "captures_exceeded"
SEED_BYTES = 32  # the output of SHA-256: longer keys would not make HMAC stronger, RFC 2104 §3


def enter(
    verification: Verification, stage: Stage, *, key: vault.Key, at: datetime, notice: str = ""
) -> Attempt | None:
    """Begins a stage with a fresh attempt, for the borrower to answer or, if it must be prepared, for a worker.

    None while the borrower is busy elsewhere, or where no attempt is left (a step is owed, later or now, that begins it
    or ends the verification); where the quota is used up or too many of today cost nothing (they may come back).
    Counted while their one place is ours.
    """
    if verification.last_failure == BUSY:
        transition.write(verification, last_failure="")
    attempt, memory, opened = _fresh(verification, stage, key=key, at=at, notice=notice)
    try:
        with transactions.writing():  # a savepoint: without one PostgreSQL takes nothing more after a broken constraint
            attempt.save(force_insert=True)
            hindrance = ""
            had = tries.count(verification, stage, at=at)
            if had.left == 0:
                hindrance = NONE_LEFT if had.is_exhausted else BUSY
            elif stage.unburnt_max is not None and reasons.unburnt(memory.get(ENDED, {})) >= stage.unburnt_max:
                hindrance = TOO_MANY
            elif stage.quota and not quotas.take(verification, stage.quota, key=key, at=at):
                hindrance = stage.quota.code
            transaction.set_rollback(bool(hindrance))
    except IntegrityError:  # one_open_attempt_per_borrower: the place is another verification's
        hindrance = BUSY
    if hindrance in (BUSY, NONE_LEFT):
        due_at = at if hindrance == NONE_LEFT else at + timedelta(seconds=policy.BUSY_SECONDS)
        queue.schedule(verification, queue.OPEN, due_at=due_at, queue=stage.queue)
    if hindrance and hindrance != NONE_LEFT:
        transition.write(verification, last_failure=hindrance)
    if hindrance:
        return None
    transition.record(verification, "attempt.opened", at=at, body=opened)
    if stage.prepare is not None:
        queue.schedule(verification, queue.PREPARE, due_at=at, queue=stage.queue)
    return attempt


def enter_route(verification: Verification, route: str, *, key: vault.Key, at: datetime) -> Attempt | None:
    """Begins a route at its first stage, as `enter` does; consent is asked for once a verification."""
    transition.write(verification, route=route, last_failure="")
    if verification.passed_routes:
        passed = list(verification.passed_routes)
        transition.record(verification, "route.chosen", at=at, body={"route": route, "passed": passed})
    first = stages.of(route)[1 if verification.passed_routes else 0]
    return enter(verification, first, key=key, at=at)


def _fresh(
    verification: Verification, stage: Stage, *, key: vault.Key, at: datetime, notice: str
) -> tuple[Attempt, Memory, Mapping[str, Any]]:
    """The row of an attempt, not inserted yet; what it remembers; and what the log will say of its beginning."""
    # Turns count on over all attempts, so an answer to an earlier one fits none.
    transition.write(verification, turn=verification.turn + 1, stage=stage.name)
    if stage.has_frames:
        # Counted anew from the end, which may come by a transaction that has not seen this one.
        until = at + timedelta(seconds=policy.FRAMES_KEPT_SECONDS)
        transition.write(verification, frames_until=until)
    attempt = Attempt(
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
    memory = _first_memory(verification, stage, key=key, at=at) if stage.prepare else {}
    sealed = seal_memory(attempt, memory, key=key)
    attempt.sealed_memory = sealed.data
    body = {name: getattr(attempt, name) for name in ("route", "stage", "turn", "counted")}
    body |= {"attempt": attempt.pk, "memory": sealed.commitment, "expires_at": attempt.expires_at.isoformat()}
    body |= {"release": stages.release(attempt.route).id}
    body |= {"quota": stage.quota.purpose} if stage.quota else {}
    body |= {"has_frames": True} if stage.has_frames else {}
    return attempt, memory, body


def hand_over(attempt: Attempt, stage: Stage, prepared: Prepared, *, key: vault.Key, at: datetime) -> Mapping[str, str]:
    """Gives a prepared attempt to the borrower; the dialogue's clock begins now. The seed has done its work.

    Gives what its entry says of it.
    """
    kept = {name: value for name, value in prepared.memory.items() if name not in (SEED, ANSWERED, ENDED, PARTS)}
    turn = Turn(next=Next.ASK, memory=kept, notice=prepared.notice or attempt.notice, seconds=stage.seconds)
    columns, said = columns_of(attempt, turn, key=key, at=at)
    Attempt.objects.filter(pk=attempt.pk, status=JUDGING).update(**columns)
    return said


def columns_of(attempt: Attempt, turn: Turn, *, key: vault.Key, at: datetime) -> tuple[dict[str, Any], dict[str, str]]:
    """The columns of an attempt that goes on, and what its entry says of them.

    It ends so many seconds from now, if that is said, and never after its verification.
    """
    sealed, expires_at = seal_memory(attempt, turn.memory, key=key), attempt.expires_at
    if turn.seconds is not None:
        expires_at = min(at + timedelta(seconds=turn.seconds), attempt.verification.expires_at)
    status = OPEN if turn.next in (Next.ASK, Next.PART) else JUDGING
    columns = {"sealed_memory": sealed.data, "status": status, "expires_at": expires_at, "notice": turn.notice}
    return columns, {"memory": sealed.commitment, "expires_at": expires_at.isoformat()}


def close(
    attempt: Attempt, *, outcome: str, code: str, burns: bool, at: datetime, among: tuple[str, ...] = (OPEN, JUDGING)
) -> bool:
    """Ends an attempt that stands at one of these; False if somebody else ended it first."""
    live = Attempt.objects.filter(pk=attempt.pk, status__in=among)
    attempt.status, attempt.code, attempt.burnt, attempt.closed_at = outcome, code, burns, at
    return live.update(status=outcome, code=code, burnt=burns, closed_at=at) == 1


def leave(verification: Verification, *, at: datetime) -> None:
    """Ends the attempt the borrower goes away from. One that was begun burns as silence would: no free second look."""
    attempt = Attempt.objects.filter(verification=verification, status=OPEN).first()
    if attempt is not None:
        attempt.verification = verification
        lapse(attempt, at=at)
    drop_open(verification, at=at)


def lapse(attempt: Attempt, *, at: datetime) -> bool:
    """Ends an open attempt nobody goes on with; False if somebody else ended it first. The row's `burnt` says the rest.

    It burns only if the borrower had begun ("ready") and the stage's timeout code burns.
    """
    stage = stages.known(attempt.route, attempt.stage)
    code = stage.timeout_code if stage else "abandoned"
    answered = AuditEntry.objects.filter(verification_id=attempt.verification_id, type="attempt.answered")
    has_begun = answered.filter(body__attempt=attempt.pk)
    burns = attempt.counted and reasons.require(code).burns and has_begun.exists()
    if not close(attempt, outcome="lapsed", code=code, burns=burns, at=at, among=(OPEN,)):
        return False
    body = {"attempt": attempt.pk, "route": attempt.route, "stage": attempt.stage, "code": code}
    transition.record(attempt.verification, "attempt.lapsed", at=at, body=body | {"burnt": attempt.burnt})
    documents.produce(attempt, at=at)
    return True


def drop_open(verification: Verification, *, at: datetime) -> None:
    """Voids whatever attempt is still alive: the verification went on without its answer.

    One that was in review stays so for ever; its document is made now. Move the verification before: it says why.
    """
    left = void(verification, at=at)
    for attempt in left:
        attempt.verification = verification
        documents.produce(attempt, at=at)


def void(verification: Verification, *, at: datetime) -> list[Attempt]:
    """The same without their documents; gives those that were alive or in review."""
    left = list(Attempt.objects.filter(verification=verification, status__in=(OPEN, JUDGING, Outcome.REVIEW)))
    live = Attempt.objects.filter(verification=verification, status__in=(OPEN, JUDGING))
    live.update(status="void", closed_at=at)
    return left


_CURRENT = Compiled(lambda of: live().filter(verification=of).order_by("pk")[:1])


def current(verification: Verification) -> Attempt | None:
    """The attempt that is open or being judged; its verification is the one given."""
    attempt = _CURRENT.first(verification.pk)
    if attempt is not None:
        attempt.verification = verification
    return attempt


def live() -> QuerySet[Attempt, Attempt]:
    """Attempts that are open or being judged: of a verification one at most."""
    return Attempt.objects.filter(status__in=(OPEN, JUDGING))


@dataclass(frozen=True)
class Standing:
    """The attempt of a verification that is open or being judged, if any, and what `failures` says of its stage."""

    current: Attempt | None
    failures: int


def standing_of(verifications: Sequence[Verification], *, at: datetime) -> dict[str, Standing]:
    """How many verifications stand, by id, in one statement; in none if there are none."""
    if not verifications:
        return {}
    live = Q(verification__in=verifications, status__in=(OPEN, JUDGING))
    lenders, people = ({getattr(each, name) for each in verifications} for name in ("lender_id", "borrower_index"))
    burnt = Q(
        lender__in=lenders, borrower_index__in=people - {None}, burnt=True, closed_at__gte=at - policy.ATTEMPTS_COUNTED
    )
    found = list(Attempt.objects.filter(live | burnt).defer("sealed_memory"))
    current = {attempt.verification_id: attempt for attempt in found if attempt.status in (OPEN, JUDGING)}
    place = attrgetter("lender_id", "mode", "borrower_index", "stage")
    counts = Counter(place(attempt) for attempt in found if attempt.burnt)
    return {each.pk: Standing(current.get(each.pk), counts[place(each)]) for each in verifications}


def failures(verification: Verification, stage: Stage, *, at: datetime) -> int:
    """How many attempts of this borrower with this lender burnt at this stage, in a day, by the rows: for pages.

    None is counted where the stage limits none. What is decided goes by `tries.count`.
    """
    if stage.attempts is None:
        return 0
    return (
        tries.of_borrower(verification, stage).filter(burnt=True, closed_at__gte=at - policy.ATTEMPTS_COUNTED).count()
    )


def seal_memory(attempt: Attempt, memory: Memory, *, key: vault.Key) -> vault.Sealed:
    """The memory of a stage, sealed to its attempt, and the commitment by which the log knows it."""
    return key.seal(stored.to_bytes(memory), **vault.place_of_memory(attempt.pk))


def seeded(memory: Memory) -> Memory:
    """The memory with a fresh seed, for one preparation and all its tries."""
    return {**memory, SEED: secrets.token_hex(SEED_BYTES)}


def memory_of(attempt: Attempt, *, key: vault.Key) -> Memory:
    """The memory of a stage; raises `EvidenceUnreadable`."""
    opened = key.unseal(bytes(attempt.sealed_memory), **vault.place_of_memory(attempt.pk))
    return stored.fields_of(json.loads(opened.plain), what="memory")


def _first_memory(verification: Verification, stage: Stage, *, key: vault.Key, at: datetime) -> Memory:
    """What the latest earlier attempt here remembered, so that a second preparation can differ, and what was spent."""
    since = at - policy.ATTEMPTS_COUNTED
    wanted = Q(verification=verification) | Q(opened_at__gte=since)
    found = list(tries.of_borrower(verification, stage).filter(wanted).defer("sealed_memory"))
    in_vain = [attempt for attempt in found if attempt.opened_at >= since and attempt.status != "passed"]
    answered = sum(attempt.answers for attempt in in_vain)
    # What ended around the borrower has no code; once begun it told as much as any other.
    codes = (attempt.code or ("abandoned" if attempt.answers else "") for attempt in in_vain)
    ended = dict(Counter(code for code in codes if code))
    own = [attempt for attempt in found if attempt.verification_id == verification.pk]
    latest = max(own, key=attrgetter("turn"), default=None)
    return seeded({**(memory_of(latest, key=key) if latest else {}), ANSWERED: answered, ENDED: ended})
