"""The review desk. Each page asks one thing of its room, which logs it before anything is
shown.

Who asks has given both factors and holds the permission; everybody else is sent to sign in, or
refused. Another lender's case is raised as `NotFound`, as if there were none.
"""

from http import HTTPStatus
from typing import Any

import segno
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import permission_required, user_passes_test
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.safestring import mark_safe
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from verification import clock
from verification.case.votes import PERMISSION, Reviewer
from verification.core.errors import Conflict
from verification.review import case as review_case
from verification.review import desk, labels, tables, voting
from verification.review.forms import PASS, ReferenceForm, VoteForm


def has_both_factors(user: Any) -> bool:
    """Whether this session was opened with both factors; False for strangers."""
    return bool(user.is_verified())


# The first stands outermost: who is not let in is told so before anything is said of methods, and
# nothing is stored of it.
@never_cache
@user_passes_test(has_both_factors)
@permission_required(PERMISSION, raise_exception=True)
@require_GET
def queue(request: HttpRequest) -> HttpResponse:
    """The cases that wait for reviewers, oldest first."""
    mode = mode_of(request)
    found = desk.queue(reviewer=reviewer_of(request), mode=mode)
    shown = {"found": tables.queue(found.rows, at=clock.now()), "has_more": found.has_more}
    return render(request, "review/queue.html", shown | modes_of(mode))


@never_cache
@user_passes_test(has_both_factors)
@permission_required(PERMISSION, raise_exception=True)
@require_http_methods(["GET", "HEAD", "POST"])
def open_cases(request: HttpRequest) -> HttpResponse:
    """The cases that wait for their borrowers, newest first; a POST shows those of one
    reference.
    """
    mode = mode_of(request)
    form = ReferenceForm(request.POST or None)
    reference = form.cleaned_data["reference"].strip() if form.is_valid() else ""
    found = desk.open_cases(reviewer=reviewer_of(request), mode=mode, reference=reference)
    shown = {
        "form": form,
        "found": tables.open_cases(found.rows),
        "has_more": found.has_more,
        "asked": reference,
    }
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.errors else HTTPStatus.OK
    return render(request, "review/open.html", shown | modes_of(mode), status=status)


@never_cache
@user_passes_test(has_both_factors)
@permission_required(PERMISSION, raise_exception=True)
@require_GET
def case(request: HttpRequest, verification_id: str) -> HttpResponse:
    """One case: pictures, findings, and the form of a vote."""
    return _case(request, verification_id, VoteForm())


@never_cache
@user_passes_test(has_both_factors)
@permission_required(PERMISSION, raise_exception=True)
@require_GET
def picture(request: HttpRequest, verification_id: str, evidence_id: str) -> HttpResponse:
    """One picture, made anew; there is none before the review and none after."""
    jpeg = review_case.picture(
        reviewer=reviewer_of(request), verification_id=verification_id, evidence_id=evidence_id
    )
    response = HttpResponse(jpeg, content_type="image/jpeg")
    # No page of anybody else may show it, not even to a reviewer who is signed in here.
    response.headers["Cross-Origin-Resource-Policy"] = "same-origin"
    return response


@never_cache
@sensitive_post_parameters("reason")
@user_passes_test(has_both_factors)
@permission_required(PERMISSION, raise_exception=True)
@require_POST
def give_vote(request: HttpRequest, verification_id: str) -> HttpResponse:
    """One vote of whoever is signed in."""
    form = VoteForm(request.POST)
    if not form.is_valid():
        return _case(request, verification_id, form, status=HTTPStatus.UNPROCESSABLE_ENTITY)
    passes = form.cleaned_data["word"] == PASS
    try:
        is_decided = voting.vote(
            verification_id=verification_id,
            reviewer=reviewer_of(request),
            passes=passes,
            reason=form.cleaned_data["reason"],
        )
    except Conflict as error:
        return _refused(request, error)
    if not passes:
        said = _("Your vote is kept. The case was refused.")
    elif not is_decided:
        said = _("Your vote is kept. A second reviewer must look with their own eyes.")
    else:
        said = _("Your vote is kept, and it was the second one. The case goes on.")
    messages.success(request, said)
    return redirect("review:queue")


@never_cache
@user_passes_test(has_both_factors)
@permission_required(PERMISSION, raise_exception=True)
@require_POST
def send_link(request: HttpRequest, verification_id: str) -> HttpResponse:
    """A fresh link for the borrower, shown once; its sender cannot vote on this case."""
    try:
        minted = desk.send_link(reviewer=reviewer_of(request), verification_id=verification_id)
    except Conflict as error:
        return _refused(request, error)
    # The token stands in the fragment, which browsers do not send to servers.
    address = f"{settings.TULGA_PUBLIC_URL}{reverse('borrower:link')}#{minted.token}"
    # `omitsize` leaves the size to the style sheet; the drawing has attributes only, no style the
    # policy forbids.
    drawing = segno.make(address, error="m").svg_inline(
        omitsize=True, svgclass=None, lineclass=None
    )
    # segno's own drawing: the address is in it as squares, not as text
    qr = mark_safe(drawing)  # noqa: S308
    shown = {"address": address, "qr": qr, "expires_at": minted.expires_at}
    return render(request, "review/link.html", shown, status=HTTPStatus.CREATED)


def _case(
    request: HttpRequest,
    verification_id: str,
    form: VoteForm,
    *,
    status: HTTPStatus = HTTPStatus.OK,
) -> HttpResponse:
    try:
        found = review_case.look(reviewer=reviewer_of(request), verification_id=verification_id)
    except Conflict as error:
        return _refused(request, error)
    shown = tables.case(found, at=clock.now()) | {"form": form}
    return render(request, "review/case.html", shown, status=status)


def reviewer_of(request: HttpRequest) -> Reviewer:
    """Whoever is signed in."""
    user: Any = request.user
    return Reviewer(
        person_id=str(user.pk),
        lender_id=user.lender_id or "",
        known_as=(user.email, user.full_name),
    )


def mode_of(request: HttpRequest) -> str:
    """Which log is looked at: the live one unless another is named."""
    return request.GET.get("mode", "") or desk.modes()[0]


def modes_of(mode: str) -> dict[str, Any]:
    """What the switch between logs shows."""
    offered = [(name, labels.MODES[name]) for name in desk.modes()]
    return {"mode": mode, "modes": offered if len(offered) > 1 else []}


def _refused(request: HttpRequest, error: Conflict) -> HttpResponse:
    shown = {"sentence": labels.REFUSALS.get(error.code, ""), "code": error.code}
    return render(request, "review/refused.html", shown, status=HTTPStatus.CONFLICT)
