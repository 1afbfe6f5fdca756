"""Opens, closes and counts attempts. Call everything here inside a transaction.

- A stage that needs preparation first takes the borrower's one place. So no SMS is sent and no
  register asked for a dialogue that cannot begin.
- The attempts left at a stage follow from workers' signed entries, never from rows. They count over
  all verifications with this lender and all routes of a day, so that a second route gives no extra
  tries. A row states only whose a verification is.
- A quota limits an action per day by one conditional UPDATE, so concurrent requests cannot exceed
  it.
"""

import json
import secrets
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from operator import attrgetter
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import F, Q, QuerySet

from verification import transactions
from verification.case import contents, moving, policy, stages, steps
from verification.case.moving import History
from verification.compiled import Compiled
from verification.core import codes, events, stored
from verification.core.errors import EvidenceUnreadable
from verification.core.events import HINDERED
from verification.core.results import Outcome
from verification.core.route import (
    ANSWERED,
    ENDED,
    PARTS,
    SEED,
    Memory,
    Next,
    Prepared,
    Quota,
    Stage,
    Turn,
)
from verification.course import fold
from verification.course.state import OPEN as PHASE_OPEN
from verification.evidence import vault
from verification.log import entries, signatures
from verification.log.signatures import course_entry
from verification.models import Attempt, AuditEntry, QuotaUse, Verification

OPEN, JUDGING = "open", "judging"
"""With the borrower, and with the system: in preparation or judgement."""
BUSY = "borrower_busy"
_COUNTED = (*events.CLOSINGS, *events.DECISIONS)
TOO_MANY = "captures_exceeded"
SEED_BYTES = 32  # the output size of SHA-256: longer keys do not strengthen HMAC, RFC 2104 §3
_OPENED_BEFORE = timedelta(seconds=policy.VERIFICATION_SECONDS + policy.REVIEW_SECONDS)
"""How long an attempt can be open, and in review, before it is spent."""


def enter(
    history: History,
    stage: Stage,
    *,
    key: vault.Key,
    at: datetime,
    notice: str = "",
) -> Attempt | None:
    """Begins a stage with a fresh attempt, for the borrower's answer or a worker's preparation.

    None if something prevents it: another verification holds the borrower's place, no attempt is
    left, a quota is used up, or too many free endings occurred today.
    For the first two, a step is scheduled that begins the stage later or ends the verification.
    The count happens while the borrower's place is held.
    """
    verification = history.row
    attempt, memory, opened = _fresh(verification, stage, key=key, at=at, notice=notice)
    moving.write_attempts(history)  # frees the place of the previous attempt
    # Another attempt may stand against it, unless this is the first of a fresh verification.
    limits = (stage.attempts, stage.unburnt_max, stage.quota)
    is_limited = not verification._state.adding or limits != (None, None, None)
    try:
        # A savepoint: PostgreSQL refuses further statements after a broken constraint.
        with transactions.writing() if is_limited else nullcontext():
            attempt.save(force_insert=True)
            hindrance = ""
            tries = count_tries(history, stage, at=at)
            if tries.is_open_elsewhere:
                hindrance = BUSY
            elif tries.remaining == 0:
                hindrance = codes.ATTEMPTS_EXHAUSTED if tries.is_exhausted else BUSY
            elif (
                stage.unburnt_max is not None
                and codes.unburnt(memory.get(ENDED, {})) >= stage.unburnt_max
            ):
                hindrance = TOO_MANY
            elif stage.quota and not take_quota(verification, stage.quota, key=key, at=at):
                hindrance = stage.quota.code
            transaction.set_rollback(bool(hindrance))
    except IntegrityError:  # one_open_attempt_per_borrower: another verification holds the place
        hindrance = BUSY
    if hindrance:
        _hinder(verification, stage, hindrance, at=at)
        return None
    if stage.has_frames:
        # Counted again from the end, which another transaction may write.
        moving.write(verification, frames_until=at + timedelta(seconds=policy.FRAMES_KEPT_SECONDS))
    moving.record(verification, "attempt.opened", at=at, body=opened)
    history.keep(attempt)
    if stage.prepare is not None:
        steps.schedule(verification, steps.PREPARE, due_at=at, queue=stage.queue)
    return attempt


def _hinder(verification: Verification, stage: Stage, code: str, *, at: datetime) -> None:
    """Records why the stage could not begin; while the reason lasts, nothing new happens."""
    if (verification.stage, verification.last_failure) != (stage.name, code):
        body = {"route": verification.route, "stage": stage.name, "turn": verification.turn + 1}
        moving.record(verification, HINDERED, at=at, body={**body, "code": code})
    if code in (BUSY, codes.ATTEMPTS_EXHAUSTED):
        due_at = (
            at if code == codes.ATTEMPTS_EXHAUSTED else at + timedelta(seconds=policy.BUSY_SECONDS)
        )
        steps.schedule(verification, steps.OPEN, due_at=due_at, queue=stage.queue)


def enter_route(history: History, *, key: vault.Key, at: datetime) -> Attempt | None:
    """Begins the present route at its first stage, as `enter`; the consent is requested once per
    verification.
    """
    row = history.row
    consent, second, *_ = stages.of_route(row.route, law=row.profile_sha256).values()
    return enter(history, second if row.passed_routes else consent, key=key, at=at)


def _fresh(
    verification: Verification, stage: Stage, *, key: vault.Key, at: datetime, notice: str
) -> tuple[Attempt, Memory, dict[str, Any]]:
    """An attempt's row, not yet inserted; its memory; and its entry's content."""
    attempt = Attempt(
        verification=verification,
        lender_id=verification.lender_id,
        mode=verification.mode,
        borrower_index=verification.borrower_index,
        route=verification.route,
        stage=stage.name,
        counted=stage.attempts is not None,
        status=JUDGING if stage.prepare else OPEN,
        notice=notice,
        # turns continue, so an answer to an earlier turn fits no later one
        turn=verification.turn + 1,
        opened_at=at,
        expires_at=min(at + timedelta(seconds=stage.seconds), verification.expires_at),
    )
    memory = _first_memory(verification, stage, key=key, at=at) if stage.prepare else {}
    sealed = key.seal(stored.to_bytes(memory), **vault.place_of_memory(attempt.pk))
    attempt.sealed_memory = sealed.data
    body = {name: getattr(attempt, name) for name in ("route", "stage", "turn", "counted")}
    body |= {
        "attempt": attempt.pk,
        "memory": sealed.commitment,
        "expires_at": attempt.expires_at.isoformat(),
    }
    body |= {"release": stages.release(attempt.route, law=verification.profile_sha256).id}
    body |= {"next": Next.PREPARE} if stage.prepare else {}
    body |= {"notice": notice} if notice else {}
    body |= {"quota": stage.quota.purpose} if stage.quota else {}
    body |= {"has_frames": True} if stage.has_frames else {}
    return attempt, memory, body


def hand_over(
    attempt: Attempt, stage: Stage, prepared: Prepared, *, key: vault.Key, at: datetime
) -> Mapping[str, str]:
    """Hands a prepared attempt to the borrower: the dialogue's clock starts and the seed is
    dropped.

    Returns its entry's content.
    """
    memory = {
        name: value
        for name, value in prepared.memory.items()
        if name not in (SEED, ANSWERED, ENDED, PARTS)
    }
    turn = Turn(
        next=Next.ASK,
        memory=memory,
        notice=prepared.notice or attempt.notice,
        seconds=stage.seconds,
    )
    return remember(attempt, turn, key=key, at=at)


def remember(attempt: Attempt, turn: Turn, *, key: vault.Key, at: datetime) -> dict[str, str]:
    """Seals the memory of an attempt; returns its entry's content.

    The turn, if timed, ends so many seconds from now, and never after its verification.
    """
    sealed = key.seal(stored.to_bytes(turn.memory), **vault.place_of_memory(attempt.pk))
    expires_at = attempt.expires_at
    if turn.seconds is not None:
        expires_at = min(at + timedelta(seconds=turn.seconds), attempt.verification.expires_at)
    columns = {"sealed_memory": sealed.data, "notice": turn.notice}
    if (history := attempt.verification.history) is not None:
        history.unstated[attempt.pk] = columns
    return {"memory": sealed.commitment, "expires_at": expires_at.isoformat()}


def current(verification: Verification) -> Attempt | None:
    """The attempt that is open or being judged; its verification is the given object."""
    attempt = live().filter(verification=verification).order_by("pk").first()
    if attempt is not None:
        attempt.verification = verification
    return attempt


def live() -> QuerySet[Attempt, Attempt]:
    """Attempts that are open or being judged: at most one per verification."""
    return Attempt.objects.filter(status__in=(OPEN, JUDGING))


@dataclass(frozen=True)
class Tries:
    """Spent attempts at a stage by entry, and how many of them a review may still restore.

    remaining: attempts left; None if not counted.
    is_open_elsewhere: an attempt at the stage is open in another case of the borrower, by entries.
    """

    stage: Stage
    remaining: int | None = None
    spent: tuple[AuditEntry, ...] = ()
    looked_at: int = 0
    is_open_elsewhere: bool = False

    @property
    def is_exhausted(self) -> bool:
        """Whether no attempt is left, whatever the pending reviews decide."""
        return (
            self.stage.attempts is not None
            and len(self.spent) - self.looked_at >= self.stage.attempts
        )

    @property
    def again_at(self) -> datetime | None:
        """The time of the next possible attempt, if time alone frees one; None if one is left
        now.
        """
        if self.stage.attempts is None or not self.is_exhausted:
            return None
        counted = sorted(entry.at for entry in self.spent)[-self.stage.attempts :]
        # An attempt of exactly this age still counts.
        return counted[0] + policy.ATTEMPTS_COUNTED + timedelta(seconds=1)

    def by_case(self, case_id: str) -> list[dict[str, str]]:
        """Spent attempts as an end states them: their ids, and the verification of those from
        others.

        own: the verification that ends.
        """
        owners = ((entry.body["attempt"], entry.verification_id or "") for entry in self.spent)
        return [
            {"attempt": name, "verification": "" if owner == case_id else owner}
            for name, owner in owners
        ]


def count_tries(history: History, stage: Stage, *, at: datetime) -> Tries:
    """The borrower's attempts at a stage, by signed entries of all their verifications.

    Those of this verification come from its history, which includes this transaction's entries.
    """
    if stage.attempts is None:
        return Tries(stage)
    since, case_id = at - policy.ATTEMPTS_COUNTED, history.row.pk
    lately = of_borrower(history.row, stage).filter(opened_at__gte=since - _OPENED_BEFORE)
    other_cases = {*lately.values_list("verification", flat=True)} - {case_id}
    counted, is_open_elsewhere = [*history.typed(*_COUNTED)], False
    if other_cases:
        sound = signatures.sound(entries.of_cases(other_cases))
        counted += [entry for entry in sound if entry.type in _COUNTED]
        for _, group in groupby(sound, key=attrgetter("verification_id")):
            state = fold.reach(map(course_entry, group))
            attempt = None if state.end else state.newest(PHASE_OPEN)
            is_open_elsewhere |= attempt is not None and attempt.stage == stage.name
    closings = [
        entry
        for entry in counted
        if entry.body.get("stage") == stage.name and entry.type in events.CLOSINGS
    ]
    last = {entry.body["attempt"]: entry for entry in closings}
    ended = {entry.verification_id for entry in counted if entry.type in events.DECISIONS}
    spent = tuple(entry for entry in last.values() if entry.body["burnt"] and entry.at >= since)
    undecided = [entry for entry in spent if entry.body.get("outcome") == Outcome.REVIEW]
    remaining = max(0, stage.attempts - len(spent))
    looked_at = sum(entry.verification_id not in ended for entry in undecided)
    return Tries(stage, remaining, spent, looked_at, is_open_elsewhere)


def of_borrower(verification: Verification, stage: Stage) -> QuerySet[Attempt, Attempt]:
    """Every attempt of this borrower with this lender at this stage, over all verifications and
    routes, by rows.
    """
    return Attempt.objects.filter(
        lender_id=verification.lender_id,
        mode=verification.mode,
        borrower_index=verification.borrower_index,
        stage=stage.name,
    )


@dataclass(frozen=True)
class Standing:
    """The live attempt of a verification, if any, and the borrower's burnt attempts at its stage in
    a day, by rows.

    For display only. Decisions use `count_tries`.
    """

    current: Attempt | None
    failures: int


_OF_ONE = Compiled(
    lambda verification, lender, person, since: Attempt.objects.filter(
        Q(verification=verification, status__in=(OPEN, JUDGING))
        | Q(lender=lender, borrower_index=person, burnt=True, closed_at__gte=since)
    ).defer("sealed_memory")
)
"""The live attempt of a verification, and the burnt ones of its borrower since a time."""


def standing_of(verifications: Sequence[Verification], *, at: datetime) -> dict[str, Standing]:
    """The standing of verifications by id, in one statement; those without one are absent."""
    if not verifications:
        return {}
    since = at - policy.ATTEMPTS_COUNTED
    lenders, people = (
        {getattr(row, name) for row in verifications} for name in ("lender_id", "borrower_index")
    )
    if len(verifications) == 1 and None not in people:
        (lender,), (person,) = lenders, people
        attempts = _OF_ONE.ask(verifications[0].pk, lender, bytes(person), since)
    else:
        live = Q(verification__in=verifications, status__in=(OPEN, JUDGING))
        of_people = Q(lender__in=lenders, borrower_index__in=people - {None})
        burnt = Q(burnt=True, closed_at__gte=since)
        attempts = list(Attempt.objects.filter(live | burnt & of_people).defer("sealed_memory"))
    current = {
        attempt.verification_id: attempt
        for attempt in attempts
        if attempt.status in (OPEN, JUDGING)
    }
    place = attrgetter("lender_id", "mode", "borrower_index", "stage")
    counts = Counter(place(attempt) for attempt in attempts if attempt.burnt)
    return {row.pk: Standing(current.get(row.pk), counts[place(row)]) for row in verifications}


def seeded(memory: Memory) -> Memory:
    """The memory with a fresh seed, for one preparation and all its tries."""
    return {**memory, SEED: secrets.token_hex(SEED_BYTES)}


def memory_of(attempt: Attempt, *, key: vault.Key, commitment: str | None = None) -> Memory:
    """The memory of a stage.

    Raises: `EvidenceUnreadable`, also if the entries have another commitment.
    """
    opened = key.unseal(bytes(attempt.sealed_memory), **vault.place_of_memory(attempt.pk))
    if commitment is not None and vault.commitment(opened.salt, opened.plain) != commitment:
        raise EvidenceUnreadable(f"the memory of {attempt.pk} is not the one it was given")
    return stored.fields_of(json.loads(opened.plain), what="memory")


def _first_memory(
    verification: Verification, stage: Stage, *, key: vault.Key, at: datetime
) -> Memory:
    """The memory of the latest earlier attempt here, so that a new preparation can differ, and
    the spent attempts.
    """
    since = at - policy.ATTEMPTS_COUNTED
    condition = Q(verification=verification) | Q(opened_at__gte=since)
    earlier = list(of_borrower(verification, stage).filter(condition).defer("sealed_memory"))
    in_vain = [
        attempt for attempt in earlier if attempt.opened_at >= since and attempt.status != "passed"
    ]
    answers = sum(attempt.answers for attempt in in_vain)
    # A void attempt has no code; once begun it revealed as much as any other.
    reasons = (attempt.code or ("abandoned" if attempt.answers else "") for attempt in in_vain)
    ended = dict(Counter(code for code in reasons if code))
    of_case = [attempt for attempt in earlier if attempt.verification_id == verification.pk]
    latest = max(of_case, key=attrgetter("turn"), default=None)
    return seeded(
        {**(memory_of(latest, key=key) if latest else {}), ANSWERED: answers, ENDED: ended}
    )


def take_quota(verification: Verification, quota: Quota, *, key: vault.Key, at: datetime) -> bool:
    """Takes one use of the day; False if the day's uses are spent."""
    counted = quota.value(contents.read(verification, key).case)
    newest, *_ = vault.blind_index(
        purpose=f"quota:{quota.purpose}", value=f"{verification.mode}:{counted}"
    ).values()
    # The UTC day, which begins at five in the morning in Kazakhstan: a limit of ours, not the
    # law's.
    today, _ = QuotaUse.objects.get_or_create(
        purpose=quota.purpose, value_index=newest, day=at.date()
    )
    return (
        QuotaUse.objects.filter(pk=today.pk, used__lt=quota.a_day).update(used=F("used") + 1) == 1
    )


def forget_quotas(*, at: datetime) -> None:
    """Deletes the counts of past days."""
    QuotaUse.objects.filter(day__lt=at.date()).delete()
