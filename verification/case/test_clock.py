"""A test lender's clock: it puts forward what is due of its test verifications, so that nobody
waits for an end.

Due times are columns, and each moves so much earlier; an entry of each verification says by how
much, so that whoever reads its log counts as we do. Nothing is ended here: tick and workers find
what is due by then, as always. What is counted by days (attempts, credits) or kept for a time
(frames, retention) goes by real time. Source: api.md §1.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import F, Q, QuerySet

from verification import clock, transactions
from verification.case import contents, moving, policy
from verification.case.history import read_unverified
from verification.core import profiles
from verification.core.errors import Conflict
from verification.core.events import ADVANCED
from verification.core.status import OPEN, Status
from verification.models import Access, Attempt, Clearance, Verification


@dataclass(frozen=True)
class Standing:
    """The clock of a lender. `verifications`: how many there are to be put forward now, counted to
    one above what may be at once, or were just now; `advanced_seconds`: the most that one of these
    was put forward altogether.
    """

    verifications: int
    advanced_seconds: int


def standing(*, lender_id: str, mode: str) -> Standing:
    """How it stands. Raises `NotFound` in live mode, which has no clock but time."""
    contents.require_test(mode)
    found = _moving(lender_id, at=clock.now()).values_list("advanced_seconds", flat=True)
    had = list(found[: policy.CLOCK_VERIFICATIONS_MAX + 1])
    return Standing(len(had), max(had, default=0))


def advance(
    *, lender_id: str, mode: str, seconds: int, verification_id: str | None = None
) -> Standing:
    """Puts forward what is due of all that the lender has open, or verified and may yet pay by; or
    of one alone.

    One comes with its new consents, or with what it renews: they wait for each other. Raises
    `NotFound` in live mode and for another's, `Conflict` for one that has ended
    (`illegal_transition`), or for more than may be moved at once or altogether
    (`test_clock_limit`).
    """
    contents.require_test(mode)
    at = clock.now()
    with transactions.writing():
        found = _moving(lender_id, at=at)
        if verification_id is not None:
            named = contents.of_lender(verification_id, lender_id=lender_id, mode=mode)
            if not found.filter(pk=named.pk).exists():
                raise Conflict("nothing of it is due any more", code="illegal_transition")
            first = named.renews_id or named.pk
            found = found.filter(Q(pk=first) | Q(renews=first))
        # What is renewed is locked before what renews it, as everywhere; of the rest each has the
        # same order.
        locked = (
            found.select_for_update()
            .defer("sealed_case")
            .order_by(F("renews_id").asc(nulls_first=True), "pk")
        )
        rows = list(locked[: policy.CLOCK_VERIFICATIONS_MAX + 1])
        if len(rows) > policy.CLOCK_VERIFICATIONS_MAX:
            raise Conflict(
                f"more than {policy.CLOCK_VERIFICATIONS_MAX} are open: name one",
                code="test_clock_limit",
            )
        most = max((row.advanced_seconds for row in rows), default=0) + seconds
        if rows and most > policy.CLOCK_SECONDS_MAX:
            raise Conflict("one was put forward as far as any may be", code="test_clock_limit")
        for row in rows:
            _advance(row, seconds, at=at)
        # The same of what belongs to them, open or not: their entries say it of all.
        by = timedelta(seconds=seconds)
        for rows_due in (Attempt.objects, Access.objects):
            rows_due.filter(verification__in=rows).update(expires_at=F("expires_at") - by)
        issued = Clearance.objects.filter(verification__in=rows, expires_at__isnull=False)
        issued.update(expires_at=F("expires_at") - by, fresh_until=F("fresh_until") - by)
        return Standing(len(rows), most if rows else 0)


def _moving(lender_id: str, *, at: datetime) -> QuerySet[Verification, Verification]:
    """Rows of which something may become due yet: what has not ended, and what money may leave
    by.
    """
    longest = max(one.valid_for_seconds for one in profiles.book().values())
    own = Verification.objects.filter(lender=lender_id, mode=policy.TEST_MODE)
    since = at - timedelta(seconds=longest)
    # Nothing is open for longer; by it an index tells the rows of these days from all that were
    # ever verified.
    opened = since - timedelta(seconds=policy.VERIFICATION_SECONDS + policy.REVIEW_SECONDS)
    paying = Q(status=Status.VERIFIED, created_at__gt=opened, finished_at__gt=since)
    return own.filter(Q(status__in=sorted(OPEN)) | paying)


def _advance(row: Verification, seconds: int, *, at: datetime) -> None:
    is_waiting = row.step and row.lease_until is None and row.due_at is not None and row.due_at > at
    with moving.moving(read_unverified(row)):
        if is_waiting and row.due_at is not None:
            moving.write(row, due_at=row.due_at - timedelta(seconds=seconds))
        moving.record(row, ADVANCED, at=at, body={"advance_seconds": seconds})
