"""Opens and closes attempts, and counts those that are spent. Call everything here inside a
transaction.

A stage that must be prepared takes the borrower's one place first and is prepared in it: no message
is sent, and no register asked, for a dialogue that cannot begin.

How many attempts a borrower has left at a stage is counted by what workers signed of each, whatever
the rows say, over all verifications with this lender and all routes of a day, or whoever may choose
between two routes with a capture would have twice the tries. A row says only whose a verification
is.
"""

import json
import secrets
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from operator import attrgetter
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet

from verification import transactions
from verification.case import moving, policy, quotas, stages, steps
from verification.case.history import History
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
    Stage,
    Turn,
)
from verification.course import fold
from verification.course.state import OPEN as PHASE_OPEN
from verification.evidence import vault
from verification.log import entries, signatures
from verification.log.signatures import course_entry
from verification.models import Attempt, AuditEntry, Verification

OPEN, JUDGING = "open", "judging"
"""With the borrower, and with us: being prepared or judged."""
BUSY = "borrower_busy"
_COUNTED = (*events.CLOSINGS, *events.DECISIONS)
TOO_MANY = "captures_exceeded"
SEED_BYTES = 32  # the output of SHA-256: longer keys would not make HMAC stronger, RFC 2104 §3
_OPENED_BEFORE = timedelta(seconds=policy.VERIFICATION_SECONDS + policy.REVIEW_SECONDS)
"""How long an attempt may have been open, and with people, before it was spent."""


def enter(
    history: History,
    stage: Stage,
    *,
    key: vault.Key,
    at: datetime,
    notice: str = "",
) -> Attempt | None:
    """Begins a stage with a fresh attempt, for the borrower to answer or for a worker to prepare.

    None where something hinders it: another verification of the borrower has their place; no
    attempt is left; a quota is used up; too many attempts of today cost nothing. Of the first two a
    step is owed, which begins it later or ends the verification. Counted while their one place is
    ours.
    """
    verification = history.row
    attempt, memory, opened = _fresh(verification, stage, key=key, at=at, notice=notice)
    moving.write_attempts(history)  # the place of the one before is free from here on
    try:
        # A savepoint: without it PostgreSQL takes nothing more after a broken constraint.
        with transactions.writing():
            attempt.save(force_insert=True)
            hindrance = ""
            tries = count_tries(history, stage, at=at)
            if tries.is_open_elsewhere:
                hindrance = BUSY
            elif tries.left == 0:
                hindrance = codes.ATTEMPTS_EXHAUSTED if tries.is_exhausted else BUSY
            elif (
                stage.unburnt_max is not None
                and codes.unburnt(memory.get(ENDED, {})) >= stage.unburnt_max
            ):
                hindrance = TOO_MANY
            elif stage.quota and not quotas.take(verification, stage.quota, key=key, at=at):
                hindrance = stage.quota.code
            transaction.set_rollback(bool(hindrance))
    except IntegrityError:  # one_open_attempt_per_borrower: the place is another verification's
        hindrance = BUSY
    if hindrance:
        _hinder(verification, stage, hindrance, at=at)
        return None
    if stage.has_frames:
        # Counted anew from the end, which may come by a transaction that has not seen this one.
        moving.write(verification, frames_until=at + timedelta(seconds=policy.FRAMES_KEPT_SECONDS))
    moving.record(verification, "attempt.opened", at=at, body=opened)
    history.keep(attempt)
    if stage.prepare is not None:
        steps.schedule(verification, steps.PREPARE, due_at=at, queue=stage.queue)
    return attempt


def _hinder(verification: Verification, stage: Stage, code: str, *, at: datetime) -> None:
    """Puts on record why the stage could not begin; while it stands so, nothing new happens."""
    if (verification.stage, verification.last_failure) != (stage.name, code):
        body = {"route": verification.route, "stage": stage.name, "turn": verification.turn + 1}
        moving.record(verification, HINDERED, at=at, body={**body, "code": code})
    if code in (BUSY, codes.ATTEMPTS_EXHAUSTED):
        due_at = (
            at if code == codes.ATTEMPTS_EXHAUSTED else at + timedelta(seconds=policy.BUSY_SECONDS)
        )
        steps.schedule(verification, steps.OPEN, due_at=due_at, queue=stage.queue)


def enter_route(history: History, *, key: vault.Key, at: datetime) -> Attempt | None:
    """Begins the present route at its first stage, as `enter` does; consent is asked for once a
    verification.
    """
    row = history.row
    consent, second, *_ = stages.of(row.route, law=row.profile_sha256).values()
    return enter(history, second if row.passed_routes else consent, key=key, at=at)


def _fresh(
    verification: Verification, stage: Stage, *, key: vault.Key, at: datetime, notice: str
) -> tuple[Attempt, Memory, dict[str, Any]]:
    """The row of an attempt, not inserted yet; what it remembers; and what its entry states."""
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
        turn=verification.turn + 1,  # turns count on, so that an answer to an earlier one fits none
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
    """Gives a prepared attempt to the borrower; the dialogue's clock begins now. The seed has done
    its work.

    Gives what its entry states of it.
    """
    kept = {
        name: value
        for name, value in prepared.memory.items()
        if name not in (SEED, ANSWERED, ENDED, PARTS)
    }
    turn = Turn(
        next=Next.ASK, memory=kept, notice=prepared.notice or attempt.notice, seconds=stage.seconds
    )
    return remember(attempt, turn, key=key, at=at)


def remember(attempt: Attempt, turn: Turn, *, key: vault.Key, at: datetime) -> dict[str, str]:
    """Seals what an attempt remembers as it goes on; gives what its entry states of it.

    It ends so many seconds from now, if the turn has a time, and never after its verification.
    """
    sealed = key.seal(stored.to_bytes(turn.memory), **vault.place_of_memory(attempt.pk))
    expires_at = attempt.expires_at
    if turn.seconds is not None:
        expires_at = min(at + timedelta(seconds=turn.seconds), attempt.verification.expires_at)
    columns = {"sealed_memory": sealed.data, "notice": turn.notice}
    if (history := attempt.verification.history) is not None:
        history.beside[attempt.pk] = columns
    return {"memory": sealed.commitment, "expires_at": expires_at.isoformat()}


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
class Tries:
    """The attempts at a stage that are spent, each by its entry, and of how many of them people may
    say otherwise.

    left: how many more may fail; None where none are counted. is_open_elsewhere: an attempt at the
    stage is open in another case of the borrower, whatever its row says.
    """

    stage: Stage
    left: int | None = None
    spent: tuple[AuditEntry, ...] = ()
    looked_at: int = 0
    is_open_elsewhere: bool = False

    @property
    def is_exhausted(self) -> bool:
        """Whether none is left whatever people say of those they look at."""
        return (
            self.stage.attempts is not None
            and len(self.spent) - self.looked_at >= self.stage.attempts
        )

    @property
    def again_at(self) -> datetime | None:
        """From when one more may be made, if none but time gives it; None where one is left now."""
        if self.stage.attempts is None or not self.is_exhausted:
            return None
        counted = sorted(one.at for one in self.spent)[-self.stage.attempts :]
        # One that is exactly so old is counted still.
        return counted[0] + policy.ATTEMPTS_COUNTED + timedelta(seconds=1)

    def named(self, own: str) -> list[dict[str, str]]:
        """As an end states by which attempts it came: their ids, and the verification of those that
        are another's.

        own: the verification that ends.
        """
        owners = ((entry.body["attempt"], entry.verification_id or "") for entry in self.spent)
        return [
            {"attempt": name, "verification": "" if owner == own else owner}
            for name, owner in owners
        ]


def count_tries(history: History, stage: Stage, *, at: datetime) -> Tries:
    """How the borrower of this verification stands at a stage, by signed entries of all their
    verifications.

    Those of this verification are in its history, with what this transaction has put on record.
    """
    if stage.attempts is None:
        return Tries(stage)
    since, own = at - policy.ATTEMPTS_COUNTED, history.row.pk
    lately = of_borrower(history.row, stage).filter(opened_at__gte=since - _OPENED_BEFORE)
    others = {*lately.values_list("verification", flat=True)} - {own}
    counted, is_open_elsewhere = [*history.typed(*_COUNTED)], False
    if others:
        sound = signatures.sound(entries.of_cases(others))
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
    left = max(0, stage.attempts - len(spent))
    looked_at = sum(entry.verification_id not in ended for entry in undecided)
    return Tries(stage, left, spent, looked_at, is_open_elsewhere)


def of_borrower(verification: Verification, stage: Stage) -> QuerySet[Attempt, Attempt]:
    """Every attempt of this borrower with this lender at this stage, over all verifications and
    routes, by the rows.
    """
    return Attempt.objects.filter(
        lender_id=verification.lender_id,
        mode=verification.mode,
        borrower_index=verification.borrower_index,
        stage=stage.name,
    )


@dataclass(frozen=True)
class Standing:
    """The attempt of a verification that is open or being judged, if any, and how many of its
    borrower burnt at its
    stage in a day, by the rows: for pages. What is decided goes by `count_tries`.
    """

    current: Attempt | None
    failures: int


def standing_of(verifications: Sequence[Verification], *, at: datetime) -> dict[str, Standing]:
    """How many verifications stand, by id, in one statement; in none if there are none."""
    if not verifications:
        return {}
    live = Q(verification__in=verifications, status__in=(OPEN, JUDGING))
    lenders, people = (
        {getattr(each, name) for each in verifications} for name in ("lender_id", "borrower_index")
    )
    burnt = Q(
        lender__in=lenders,
        borrower_index__in=people - {None},
        burnt=True,
        closed_at__gte=at - policy.ATTEMPTS_COUNTED,
    )
    found = list(Attempt.objects.filter(live | burnt).defer("sealed_memory"))
    current = {
        attempt.verification_id: attempt for attempt in found if attempt.status in (OPEN, JUDGING)
    }
    place = attrgetter("lender_id", "mode", "borrower_index", "stage")
    counts = Counter(place(attempt) for attempt in found if attempt.burnt)
    return {each.pk: Standing(current.get(each.pk), counts[place(each)]) for each in verifications}


def seeded(memory: Memory) -> Memory:
    """The memory with a fresh seed, for one preparation and all its tries."""
    return {**memory, SEED: secrets.token_hex(SEED_BYTES)}


def memory_of(attempt: Attempt, *, key: vault.Key, commitment: str | None = None) -> Memory:
    """The memory of a stage. Raises `EvidenceUnreadable`, also where entries have another
    commitment.
    """
    opened = key.unseal(bytes(attempt.sealed_memory), **vault.place_of_memory(attempt.pk))
    if commitment is not None and vault.commitment(opened.salt, opened.plain) != commitment:
        raise EvidenceUnreadable(f"the memory of {attempt.pk} is not the one it was given")
    return stored.fields_of(json.loads(opened.plain), what="memory")


def _first_memory(
    verification: Verification, stage: Stage, *, key: vault.Key, at: datetime
) -> Memory:
    """What the latest earlier attempt here remembered, so that a second preparation can differ, and
    what was spent.
    """
    since = at - policy.ATTEMPTS_COUNTED
    wanted = Q(verification=verification) | Q(opened_at__gte=since)
    found = list(of_borrower(verification, stage).filter(wanted).defer("sealed_memory"))
    in_vain = [
        attempt for attempt in found if attempt.opened_at >= since and attempt.status != "passed"
    ]
    answered = sum(attempt.answers for attempt in in_vain)
    # What ended around the borrower has no code; once begun it told as much as any other.
    reasons = (attempt.code or ("abandoned" if attempt.answers else "") for attempt in in_vain)
    ended = dict(Counter(code for code in reasons if code))
    own = [attempt for attempt in found if attempt.verification_id == verification.pk]
    latest = max(own, key=attrgetter("turn"), default=None)
    return seeded(
        {**(memory_of(latest, key=key) if latest else {}), ANSWERED: answered, ENDED: ended}
    )
