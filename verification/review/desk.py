"""The review desk: its lists, its links for borrowers, and the common parts of its pages.

Every look is an entry with the person, as a regulator's is, written before any output in the
transaction that reads.
Looks are no events of a verification, so they do not count in its sequence.
Another lender's case raises `NotFound`, as if it were absent.

A reader of these pages has passed both factors and holds the permission; others are sent to sign
in, or refused.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any, Final, TypeAlias

import segno
from django import forms
from django.conf import settings
from django.contrib.auth.decorators import permission_required, user_passes_test
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.safestring import mark_safe
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from verification import clock, transactions
from verification.access import links
from verification.access.tokens import Minted
from verification.case import blocks, contents, policy, stages
from verification.case.votes import PERMISSION, Reviewer
from verification.core.codes import CODES
from verification.core.errors import BadInput, Conflict, NotFound, Refused
from verification.core.results import Outcome
from verification.core.status import Status
from verification.log import keys, log
from verification.models import Attempt, ReviewVote, Verification

WAITING = (Status.REQUIRES_INPUT, Status.PROCESSING)
"""Cases that can get a link: one in review has no question, and an ended one has none any more."""
Words: TypeAlias = str | Promise

MODES: Final[dict[str, Words]] = {"live": _("Live"), "test": _("Test")}
STATUSES: Final[dict[str, Words]] = {
    "requires_input": _("Waiting for the borrower"),
    "processing": _("Being checked"),
}
# Longest accepted reference, characters: as in the lenders' API.
_REFERENCE_MAX: Final = 64


@dataclass(frozen=True)
class QueueRow:
    """A case that waits for reviewers, without personal data. `has_voted`: the reader has;
    others' votes are hidden.
    """

    verification_id: str
    client_reference: str
    route: str
    code: str
    since: datetime
    until: datetime
    has_voted: bool


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
    """The rows of a list; `has_more`: it continues."""

    rows: tuple[Any, ...]
    has_more: bool


def modes() -> tuple[str, ...]:
    """The modes of this installation, live first."""
    return tuple(sorted(keys.ordered_logs()))


def queue(*, reviewer: Reviewer, mode: str) -> Rows:
    """The lender's cases that wait for reviewers, oldest first, and a `review.listed` entry.

    Expired cases, and those with sufficient votes, are left out, even before a worker has ended
    them.

    Raises: `BadInput`.
    """
    require_mode(mode)
    with transactions.writing():
        of_lender = Verification.objects.filter(lender_id=reviewer.lender_id, mode=mode)
        in_review = of_lender.filter(status=Status.IN_REVIEW, step="")
        for_votes = timedelta(seconds=policy.REVIEW_SECONDS)
        fresh = in_review.filter(in_review_since__gt=clock.now() - for_votes)
        newest = list(fresh.order_by("in_review_since", "pk")[: policy.DESK_ROWS + 1])
        cases = unblocked(newest)
        waiting = Attempt.objects.filter(verification__in=cases, status=Outcome.REVIEW)
        votes = ReviewVote.objects.filter(attempt__in=waiting, person=reviewer.person_id)
        voted = set(votes.values_list("attempt__verification_id", flat=True))
        listed = tuple(
            QueueRow(
                verification_id=row.pk,
                client_reference=row.client_reference,
                route=row.route,
                code=row.code,
                since=since,
                until=since + for_votes,
                has_voted=row.pk in voted,
            )
            for row in cases[: policy.DESK_ROWS]
            if (since := row.in_review_since)
        )
        note(reviewer, "review.listed", mode=mode, body={"what": "queue", "found": len(listed)})
    return Rows(listed, len(newest) > policy.DESK_ROWS)


def open_cases(*, reviewer: Reviewer, mode: str, reference: str = "") -> Rows:
    """The lender's cases that wait for their borrowers, newest first, and a `review.listed` entry.

    reference: only those with this `client_reference` or case number.

    Raises: `BadInput`.
    """
    require_mode(mode)
    with transactions.writing():
        rows = Verification.objects.filter(
            lender_id=reviewer.lender_id, mode=mode, status__in=WAITING
        )
        if reference:
            rows = rows.filter(contents.by_reference(reference))
        newest = list(rows.order_by("-created_at", "-pk")[: policy.DESK_ROWS + 1])
        cases = unblocked(newest)
        listed = tuple(
            OpenRow(
                verification_id=row.pk,
                client_reference=row.client_reference,
                route=row.route,
                status=row.status,
                created_at=row.created_at,
                expires_at=row.expires_at,
            )
            for row in cases[: policy.DESK_ROWS]
        )
        body = {"what": "open", "asked": ["reference"] if reference else [], "found": len(listed)}
        note(reviewer, "review.listed", mode=mode, body=body)
    return Rows(listed, len(newest) > policy.DESK_ROWS)


def unblocked(cases: Sequence[Verification]) -> list[Verification]:
    """These rows without blocked cases, which no list shows."""
    blocked = blocks.of_rows(cases)
    return [row for row in cases if row.pk not in blocked]


def send_link(*, reviewer: Reviewer, verification_id: str) -> Minted:
    """A fresh link for the borrower, logged with the sender, who may not vote on this case from now
    on.

    Raises: `NotFound` (absent or another lender's), and `Conflict` in review and after the end.
    """
    with transactions.writing():
        # Locked as for a vote: the entry that bars the sender must precede the reviewers' turn.
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
    """Records a look in the log of this mode; call it in the transaction that reads."""
    # The lender is in the body only: as the entry's own it would count among that lender's
    # events.
    log.append(
        log=mode,
        type=entry_type,
        body={"person": reviewer.person_id, "of_lender": reviewer.lender_id, **body},
    )


def require_mode(mode: str) -> None:
    """Raises: `BadInput` for a mode that this installation does not keep."""
    if mode not in modes():
        raise BadInput("this installation has no such log", code="mode_unknown", pointer="mode")


# Words


@dataclass(frozen=True)
class Line:
    """One row in words; `mark` is the class of its badge, `facts` has details.

    outcome, value, limit: of a check.
    """

    row: Any
    label: Words = ""
    mark: str = ""
    route: Words = ""
    time_left: str = ""
    outcome: Words = ""
    value: str = ""
    limit: str = ""
    facts: tuple[tuple[Words, Any], ...] = field(default=())


def time_left(until: datetime, *, at: datetime) -> str:
    """The remaining time, in hours and minutes; never negative."""
    minutes = max(until - at, timedelta()) // timedelta(minutes=1)
    return gettext("%(hours)d h %(minutes)d min") % {
        "hours": minutes // 60,
        "minutes": minutes % 60,
    }


def of_code(code: str) -> str:
    """Why two people review, a check's remark, or why a vote is refused; else the code itself."""
    row = CODES.get(code)
    return gettext(row.staff) if row and row.staff else code


# Pages


class ReferenceForm(forms.Form):
    """The reference of an open case; posted, so that no address contains it."""

    reference = forms.CharField(
        label=_("Your reference or the case number"),
        required=False,
        max_length=_REFERENCE_MAX,
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
        error_messages={"max_length": _("A reference has at most 64 characters.")},
    )


def has_both_factors(user: Any) -> bool:
    """Whether this session was opened with both factors; False for anonymous users."""
    return bool(user.is_verified())


# The first decorator is outermost: a refused person sees that before any answer on methods, and no
# response is cached.
@never_cache
@user_passes_test(has_both_factors)
@permission_required(PERMISSION, raise_exception=True)
@require_GET
def queue_page(request: HttpRequest) -> HttpResponse:
    """The cases that wait for reviewers, oldest first."""
    mode = mode_of(request)
    cases, at = queue(reviewer=reviewer_of(request), mode=mode), clock.now()
    lines = [
        Line(
            row=row,
            label=of_code(row.code),
            route=stages.titles().get(row.route, row.route),
            time_left=time_left(row.until, at=at),
        )
        for row in cases.rows
    ]
    context = {"found": lines, "has_more": cases.has_more}
    return render(request, "review/queue.html", context | modes_of(mode))


@never_cache
@user_passes_test(has_both_factors)
@permission_required(PERMISSION, raise_exception=True)
@require_http_methods(["GET", "HEAD", "POST"])
def open_cases_page(request: HttpRequest) -> HttpResponse:
    """The cases that wait for their borrowers, newest first; a POST shows those of one
    reference.
    """
    mode = mode_of(request)
    form = ReferenceForm(request.POST or None)
    reference = form.cleaned_data["reference"].strip() if form.is_valid() else ""
    cases = open_cases(reviewer=reviewer_of(request), mode=mode, reference=reference)
    lines = [
        Line(
            row=row,
            label=STATUSES.get(row.status, row.status),
            route=stages.titles().get(row.route, row.route),
        )
        for row in cases.rows
    ]
    context = {"form": form, "found": lines, "has_more": cases.has_more, "asked": reference}
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.errors else HTTPStatus.OK
    return render(request, "review/open.html", context | modes_of(mode), status=status)


@never_cache
@user_passes_test(has_both_factors)
@permission_required(PERMISSION, raise_exception=True)
@require_POST
def link_page(request: HttpRequest, verification_id: str) -> HttpResponse:
    """A fresh link for the borrower, shown once; its sender cannot vote on this case."""
    try:
        minted = send_link(reviewer=reviewer_of(request), verification_id=verification_id)
    except Conflict as error:
        return refusal_page(request, of_code(error.code), error)
    # The token is in the fragment, which browsers do not send to servers.
    address = f"{settings.TULGA_PUBLIC_URL}{reverse('borrower:link')}#{minted.token}"
    # `omitsize` leaves the size to the style sheet; the drawing has attributes only, without
    # forbidden styles.
    drawing = segno.make(address, error="m").svg_inline(
        omitsize=True, svgclass=None, lineclass=None
    )
    # segno's own drawing: the address is in it as squares, not as text
    qr = mark_safe(drawing)  # noqa: S308
    context = {"address": address, "qr": qr, "expires_at": minted.expires_at}
    return render(request, "review/link.html", context, status=HTTPStatus.CREATED)


def reviewer_of(request: HttpRequest) -> Reviewer:
    """The signed-in person."""
    user: Any = request.user
    return Reviewer(
        person_id=str(user.pk),
        lender_id=user.lender_id or "",
        known_as=(user.email, user.full_name),
    )


def mode_of(request: HttpRequest) -> str:
    """The log on view: live by default."""
    return request.GET.get("mode", "") or modes()[0]


def modes_of(mode: str) -> dict[str, Any]:
    """Data of the switch between logs."""
    offered = [(name, MODES[name]) for name in modes()]
    return {"mode": mode, "modes": offered if len(offered) > 1 else []}


def refusal_page(request: HttpRequest, sentence: str, error: Conflict | Refused) -> HttpResponse:
    """The page with the reason of a refusal."""
    context = {"sentence": sentence, "code": error.code}
    return render(request, "review/refused.html", context, status=HTTPStatus.CONFLICT)
