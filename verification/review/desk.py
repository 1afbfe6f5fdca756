"""The review desk's lists, and the link its people send. Every look is an entry with the person, as
a regulator's is.

The entry is written in the transaction that reads, before anything is handed out. Looks are no
events of a verification, so they do not count in its sequence. Nobody sees a case of another
lender.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from verification import clock, transactions
from verification.access import links
from verification.access.links import Minted
from verification.case import contents, policy
from verification.case.votes import Reviewer
from verification.core.errors import BadInput, Conflict, NotFound
from verification.core.results import Outcome
from verification.core.status import Status
from verification.log import keys, log
from verification.models import Attempt, ReviewVote, Verification

WAITING = (Status.REQUIRES_INPUT, Status.PROCESSING)
"""Whom a link may be sent to: a case in review has nothing to ask, and one that has ended never
will.
"""


@dataclass(frozen=True)
class QueueRow:
    """A case that waits for reviewers, without personal data. `own`: the reader has voted; of
    others' votes nothing.
    """

    verification_id: str
    client_reference: str
    route: str
    code: str
    since: datetime
    until: datetime
    own: bool


@dataclass(frozen=True)
class OpenRow:
    """A case that waits for its borrower or a worker: no personal data."""

    verification_id: str
    client_reference: str
    route: str
    status: str
    created_at: datetime
    expires_at: datetime


@dataclass(frozen=True)
class Rows:
    """What a list shows; `has_more`: not all of it."""

    rows: tuple[Any, ...]
    has_more: bool


def modes() -> tuple[str, ...]:
    """The modes whose cases this installation keeps, live first."""
    return tuple(sorted(keys.ordered_logs()))


def queue(*, reviewer: Reviewer, mode: str) -> Rows:
    """The cases of the reader's lender that wait for reviewers, oldest first, and a `review.listed`
    entry.

    A case whose day is over, or whose votes suffice, is gone from it, whether or not a worker has
    ended it yet. Raises `BadInput`.
    """
    require_mode(mode)
    with transactions.writing():
        of_lender = Verification.objects.filter(lender_id=reviewer.lender_id, mode=mode)
        in_review = of_lender.filter(status=Status.IN_REVIEW, step="")
        for_votes = timedelta(seconds=policy.REVIEW_SECONDS)
        fresh = in_review.filter(in_review_since__gt=clock.now() - for_votes)
        found = list(fresh.order_by("in_review_since", "pk")[: policy.DESK_ROWS + 1])
        waiting = Attempt.objects.filter(verification__in=found, status=Outcome.REVIEW)
        votes = ReviewVote.objects.filter(attempt__in=waiting, person=reviewer.person_id)
        voted = set(votes.values_list("attempt__verification_id", flat=True))
        shown = tuple(
            QueueRow(
                verification_id=row.pk,
                client_reference=row.client_reference,
                route=row.route,
                code=row.code,
                since=since,
                until=since + for_votes,
                own=row.pk in voted,
            )
            for row in found[: policy.DESK_ROWS]
            if (since := row.in_review_since)
        )
        note(reviewer, "review.listed", mode=mode, body={"what": "queue", "found": len(shown)})
    return Rows(shown, len(found) > policy.DESK_ROWS)


def open_cases(*, reviewer: Reviewer, mode: str, reference: str = "") -> Rows:
    """The cases of the reader's lender that wait for their borrowers, newest first, and a
    `review.listed` entry.

    reference: only those with this `client_reference` or case number. Raises `BadInput`.
    """
    require_mode(mode)
    with transactions.writing():
        rows = Verification.objects.filter(
            lender_id=reviewer.lender_id, mode=mode, status__in=WAITING
        )
        if reference:
            rows = rows.filter(contents.by_reference(reference))
        found = list(rows.order_by("-created_at", "-pk")[: policy.DESK_ROWS + 1])
        shown = tuple(
            OpenRow(
                verification_id=row.pk,
                client_reference=row.client_reference,
                route=row.route,
                status=row.status,
                created_at=row.created_at,
                expires_at=row.expires_at,
            )
            for row in found[: policy.DESK_ROWS]
        )
        body = {"what": "open", "asked": ["reference"] if reference else [], "found": len(shown)}
        note(reviewer, "review.listed", mode=mode, body=body)
    return Rows(shown, len(found) > policy.DESK_ROWS)


def send_link(*, reviewer: Reviewer, verification_id: str) -> Minted:
    """A fresh link for the borrower, logged with the person, who may not vote on this case from now
    on.

    Raises `NotFound` (none, or another lender's), and `Conflict` in review and after the end.
    """
    with transactions.writing():
        # Locked as for a vote: it must not come to the reviewers before the entry stands that bars
        # its sender.
        mine = Verification.objects.select_for_update().filter(
            pk=verification_id, lender_id=reviewer.lender_id
        )
        row = mine.first()
        if row is None:
            raise NotFound("the lender of this person has no such verification")
        contents.require_lender(row)
        if row.status not in WAITING:
            raise Conflict("this verification takes no link now", code="illegal_transition")
        return links.mint_for(row, at=clock.now(), sender={"person": reviewer.person_id})


def note(reviewer: Reviewer, entry_type: str, *, mode: str, body: dict[str, Any]) -> None:
    """Puts a look on record in the log of this mode; call it in the transaction that reads."""
    # The lender stands in the body only: as the entry's own it would count among the events that a
    # lender is told.
    log.append(
        log=mode,
        type=entry_type,
        body={"person": reviewer.person_id, "of_lender": reviewer.lender_id, **body},
    )


def require_mode(mode: str) -> None:
    """Raises `BadInput` for a mode whose cases this installation does not keep."""
    if mode not in modes():
        raise BadInput("this installation has no such log", code="mode_unknown", pointer="mode")
