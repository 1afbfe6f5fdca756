"""Pages of proposals, at the operators' site: the list, a proposal, and its challenge."""

from http import HTTPStatus
from typing import Any, cast

from django.contrib import admin, messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import redirect, render
from django.utils.text import capfirst
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST

from operators import proposals, words
from operators.models import Proposal
from operators.policy import ENDED_SHOWN, PROPOSAL_DAYS
from people.models import User
from verification.access import passkeys as door
from verification.case.policy import REASON_MAX, REASON_MIN
from verification.core.codes import CODES
from verification.core.errors import Refused
from verification.log import approvals
from verification.review import signing

PROPOSE, CONFIRM, WITHDRAW = approvals.PROPOSE, approvals.CONFIRM, "withdraw"


@never_cache
def list_page(request: HttpRequest) -> HttpResponse:
    """The open proposals, and those that ended last. A draft is its writer's alone."""
    rows = Proposal.objects.select_related("drafted_by", "ended_by").order_by("-created_at")
    open_rows = [row for row in rows.filter(outcome="") if proposals.is_open(row)]
    context = _context(request, gettext("Proposals")) | {
        "proposals": [
            (row, words.KINDS[row.type])
            for row in open_rows
            if row.proposed or _is_of(request, row)
        ],
        "ended": [
            (row, words.KINDS[row.type])
            for row in rows.exclude(outcome="").order_by("-ended_at")[:ENDED_SHOWN]
        ],
        "days": PROPOSAL_DAYS,
    }
    return render(request, "operators/proposals.html", context)


@never_cache
@sensitive_post_parameters("reason")
def proposal_page(request: HttpRequest, proposal_id: str) -> HttpResponseBase:
    """A proposal, and the act of the signed-in operator on it."""
    proposal = _visible(request, proposal_id)
    if request.method != "POST":
        return _page(request, proposal)
    act, operator = request.POST.get("act"), _operator(request)
    try:
        if act == WITHDRAW:
            proposals.withdraw(proposal_id, by=operator)
            messages.success(request, gettext("The proposal is withdrawn. Nothing changed."))
            return redirect("admin:proposals")
        if act not in (PROPOSE, CONFIRM):
            raise Refused("choice_unknown", "a proposal is proposed, confirmed or withdrawn")
        _require_shown(request, proposal, may_lack=True)
        signed = signing.given(request, _purpose(act, proposal_id))
        if act == PROPOSE:
            code = proposals.propose(
                proposal_id, by=operator, reason=request.POST.get("reason", ""), signed=signed
            )
            return _page(request, _visible(request, proposal_id), code=code)
        confirmed = proposals.confirm(proposal_id, by=operator, signed=signed)
        return _page(request, confirmed.proposal, secret=confirmed.secret)
    except Refused as refusal:
        return _page(request, proposal, refusal=refusal)


@never_cache
@sensitive_post_parameters("reason")
@require_POST
def challenge(request: HttpRequest, proposal_id: str) -> HttpResponse:
    """The options for the operator's passkey over what the page shows, as JSON.

    A proposal that would be refused has none: the page posts it, and shows why.
    """
    proposal = _visible(request, proposal_id)
    act = PROPOSE if not proposal.proposed else CONFIRM
    reason = " ".join(request.POST.get("reason", proposal.reason).split())
    try:
        _require_shown(request, proposal)
        seen = proposals.preview(proposal, reason=reason)
    except Refused as refusal:
        return JsonResponse({"code": refusal.code}, status=HTTPStatus.CONFLICT)
    shown = {**seen, "part": act}
    return signing.challenge(request, _purpose(act, proposal_id), shown, salt=b"")


def _page(
    request: HttpRequest,
    proposal: Proposal,
    *,
    code: str = "",
    secret: str = "",
    refusal: Refused | None = None,
) -> HttpResponse:
    operator = _operator(request)
    is_new, differences = proposals.is_new(proposal), list[tuple[str, Any, Any]]()
    try:
        differences = proposals.differences(proposal)
    except Refused as unreadable:
        refusal = unreadable
    context = _context(request, str(words.KINDS[proposal.type])) | {
        "proposal": proposal,
        "is_new": is_new,
        "known_as": proposals.known_as(proposal),
        "differences": [
            (
                capfirst(column.verbose_name),
                words.shown(column, now),
                words.shown(column, then),
            )
            for name, now, then in differences
            for column in [proposals.MODELS[proposal.type]._meta.get_field(name)]
        ],
        "fingerprint": proposals.fingerprint(proposal),
        "is_open": proposals.is_open(proposal),
        "shows_now": not is_new and not proposal.outcome,
        "is_writer": _is_of(request, proposal),
        "needs_other": proposals.needs_other(proposal, by=operator),
        "concerns_reader": operator.pk == proposal.actor,
        "has_passkey": bool(operator.passkeys) and door.is_possible(),
        "code": code,
        "secret": secret,
        "reason": request.POST.get("reason", "") if refusal else "",
        "reason_min": REASON_MIN,
        "reason_max": REASON_MAX,
    }
    if refusal:
        row = CODES.get(refusal.code)
        context |= {
            "refusal": gettext(row.staff) if row and row.staff else refusal.detail,
            "refusal_code": refusal.code,
        }
    status = HTTPStatus.UNPROCESSABLE_ENTITY if refusal else HTTPStatus.OK
    return render(request, "operators/proposal.html", context, status=status)


def _require_shown(request: HttpRequest, proposal: Proposal, *, may_lack: bool = False) -> None:
    """Raises: `Refused` (proposal_changed) unless the operator's page showed this proposal.

    may_lack: an answer of a passkey was made for what it showed.
    """
    fingerprint = proposals.fingerprint(proposal)
    if request.POST.get("page", fingerprint if may_lack else "") != fingerprint:
        raise Refused("proposal_changed", "it changed after the page was shown")


def _visible(request: HttpRequest, proposal_id: str) -> Proposal:
    rows = Proposal.objects.select_related("drafted_by", "ended_by")
    proposal = rows.filter(pk=proposal_id).first()
    if proposal is None or not (proposal.proposed or _is_of(request, proposal)):
        raise Http404
    return proposal


def _context(request: HttpRequest, title: str) -> dict[str, Any]:
    return {**admin.site.each_context(request), "title": title}


def _operator(request: HttpRequest) -> User:
    # The site admits operators alone.
    return cast(User, request.user)


def _is_of(request: HttpRequest, proposal: Proposal) -> bool:
    return bool(proposal.drafted_by_id == _operator(request).pk)


def _purpose(act: str, proposal_id: str) -> str:
    return f"{act} {proposal_id}"
