"""A test lender's clock: advances the due times of test verifications, so that they end at once.

Each due time is a column that moves earlier. An entry of each verification states the step, for
readers of its log.
This module ends nothing: tick and workers find what is due.
Daily counts (attempts, credits) and retention (frames, data) follow real time.
Source: docs/lender/sandbox.md.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import F, Q, QuerySet

from verification import clock, transactions
from verification.case import contents, moving, policy
from verification.case.moving import read_unverified
from verification.core import profiles
from verification.core.errors import Conflict
from verification.core.events import ADVANCED
from verification.core.status import OPEN, Status
from verification.models import Access, Attempt, Clearance, Verification


@dataclass(frozen=True)
class Standing:
    """The clock of a lender.

    verifications: how many can advance now, or just advanced, counted up to one above the limit.
    advanced_seconds: the largest total advance among them.
    """

    verifications: int
    advanced_seconds: int


def clock_standing(*, lender_id: str, mode: str) -> Standing:
    """The state of the clock.

    Raises: `NotFound` in live mode, which has no test clock.
    """
    contents.require_test(mode)
    seconds = _moving(lender_id, at=clock.now()).values_list("advanced_seconds", flat=True)
    advanced = list(seconds[: policy.CLOCK_VERIFICATIONS_MAX + 1])
    return Standing(len(advanced), max(advanced, default=0))


def advance(
    *, lender_id: str, mode: str, seconds: int, verification_id: str | None = None
) -> Standing:
    """Advances all of the lender's verifications that are open or payable, or one of them.

    One verification advances with its renewed consents, or with the one it renews: they wait for
    each other.

    Raises: `NotFound` in live mode and for another lender's verification.
    Raises: `Conflict` for an ended one (`illegal_transition`), or beyond a limit
    (`test_clock_limit`).
    """
    contents.require_test(mode)
    at = clock.now()
    with transactions.writing():
        rows_due = _moving(lender_id, at=at)
        if verification_id is not None:
            row_named = contents.of_lender(verification_id, lender_id=lender_id, mode=mode)
            if not rows_due.filter(pk=row_named.pk).exists():
                raise Conflict("no step of it is due any more", code="illegal_transition")
            first = row_named.renews_id or row_named.pk
            rows_due = rows_due.filter(Q(pk=first) | Q(renews=first))
        # Lock a renewed case before its renewal, as everywhere; lock the rest in one order.
        locked = (
            rows_due.select_for_update()
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
            raise Conflict("one is advanced as far as possible", code="test_clock_limit")
        for row in rows:
            is_free = row.step and row.lease_until is None
            with moving.moving(read_unverified(row)):
                if is_free and row.due_at is not None and row.due_at > at:
                    moving.write(row, due_at=row.due_at - timedelta(seconds=seconds))
                moving.record(row, ADVANCED, at=at, body={"advance_seconds": seconds})
        # Advance their rows too, open or not: their entries state it for all.
        step = timedelta(seconds=seconds)
        for model in (Attempt, Access):
            model._default_manager.filter(verification__in=rows).update(
                expires_at=F("expires_at") - step
            )
        issued = Clearance.objects.filter(verification__in=rows, expires_at__isnull=False)
        issued.update(expires_at=F("expires_at") - step, fresh_until=F("fresh_until") - step)
        return Standing(len(rows), most if rows else 0)


def _moving(lender_id: str, *, at: datetime) -> QuerySet[Verification, Verification]:
    """Rows with future due times: open ones, and those that allow a payout."""
    longest = max(profile.valid_for_seconds for profile in profiles.book().values())
    of_lender = Verification.objects.filter(lender=lender_id, mode=policy.TEST_MODE)
    since = at - timedelta(seconds=longest)
    # No verification is open for longer; this bound lets an index skip older rows.
    opened = since - timedelta(seconds=policy.VERIFICATION_SECONDS + policy.REVIEW_SECONDS)
    paying = Q(status=Status.VERIFIED, created_at__gt=opened, finished_at__gt=since)
    return of_lender.filter(Q(status__in=sorted(OPEN)) | paying)
