"""Changing the browser or continuing on a phone: a link as text, and a code to scan with a
number to match.
"""

from contextlib import suppress
from dataclasses import replace
from typing import Any

import segno
from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.safestring import mark_safe
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from verification import clock
from verification.access import hand_over, links, open_page
from verification.borrower import browsers, wording
from verification.borrower.views import visit_of
from verification.case import policy
from verification.core.errors import BadInput, Conflict, LinkUnusable
from verification.core.status import TERMINAL

# Django allows HEAD only if it is listed.
_get_or_post = require_http_methods(["GET", "HEAD", "POST"])


@never_cache
@_get_or_post
def elsewhere(request: HttpRequest) -> HttpResponse:
    """A code for a phone or, with `by=link`, a link for another browser; each request makes a new
    one.

    Never both: a picture of the page with the code must not contain a link, which admits its
    holder.
    """
    if request.method != "POST":
        return redirect("borrower:now")
    page = open_page.borrower_page(verification_id=visit_of(request).verification_id)
    session = browsers.untrusted_session(request)
    context: dict[str, Any]
    try:
        is_link = request.POST.get("by") == "link"
        minted = (links.successor if is_link else hand_over.mint)(untrusted_session=session)
        place = reverse("borrower:link" if is_link else "borrower:phone")
        # The token is in the fragment, which browsers do not send to servers.
        address = f"{settings.TULGA_PUBLIC_URL}{place}#{minted.token}"
        if is_link:
            context = {"address": address, "link_until": wording.moment(minted.expires_at)}
        else:
            # `omitsize` leaves the size to the style sheet; the drawing has attributes only,
            # without forbidden styles. Level M at least, which tolerates a loss of about 15 %
            # (ISO/IEC 18004): the screen may be scratched.
            qr = segno.make(address, error="m").svg_inline(
                omitsize=True, svgclass=None, lineclass=None
            )
            # segno's own drawing: the address is in it as squares, not as text
            context = {
                "qr": mark_safe(qr),  # noqa: S308
                "qr_seconds": int((minted.expires_at - clock.now()).total_seconds()),
            }
    except LinkUnusable:
        # The session was valid a moment ago, so the verification has ended: its page says how.
        return redirect("borrower:now")
    except Conflict:
        context = {}  # too many codes: the page without a code says so
    return _render(request, page, "borrower/elsewhere.html", **context)


@never_cache
@_get_or_post
def match(request: HttpRequest) -> HttpResponse:
    """The phone's number, submitted on the page that made the code."""
    if request.method != "POST":
        return redirect("borrower:now")
    verification_id = visit_of(request).verification_id
    try:
        is_same = hand_over.match(
            untrusted_session=browsers.untrusted_session(request),
            untrusted_number=request.POST.get("number", ""),
            untrusted_agent=_agent(request),
        )
        ending = "done" if is_same else "refused"
    except LinkUnusable:
        ending = "gone"
    page = open_page.borrower_page(verification_id=verification_id)
    if ending == "gone" and page.page in ("wait", "checking", "finished"):
        return redirect("borrower:now")  # on the phone the borrower reported a caller
    return _render(request, page, "borrower/handed_over.html", ending=ending)


@never_cache
@_get_or_post
def phone(request: HttpRequest) -> HttpResponse:
    """The target of the code. GET is the same for everybody; the tap on Continue posts the code
    and spends it.
    """
    if request.method != "POST":
        return render(request, "borrower/link.html", {"is_phone": True})
    token = hand_over.read(
        untrusted_code=request.POST.get("token", ""), untrusted_agent=_agent(request)
    )
    response = redirect("borrower:phone_now")
    browsers.keep_cookie(response, token, name=browsers.PHONE, seconds=policy.HAND_OVER_SECONDS)
    return response


@never_cache
@_get_or_post
def phone_now(request: HttpRequest) -> HttpResponseBase:
    """The phone's page: the loan and the question, then the number, until the other page submits
    it.
    """
    token = browsers.untrusted_phone(request)
    if request.method == "POST":
        untrusted_answer = request.POST.get("somebody_tells_me")
        if untrusted_answer not in ("true", "false"):
            raise BadInput("the answer must be yes or no", code="bad_answer")
        with suppress(LinkUnusable):  # a double tap; the state is shown either way
            hand_over.reply(untrusted_phone=token, is_told=untrusted_answer == "true")
        return redirect("borrower:phone_now")
    waiting = hand_over.waiting(untrusted_phone=token)
    if waiting.has_session:
        response = redirect("borrower:now")
        browsers.keep_cookie(response, token)
        browsers.forget_cookie(response, name=browsers.PHONE)
        return response
    # Before the session it shows the loan only: no refused step, and no address of the lender.
    page = replace(
        open_page.borrower_page(verification_id=waiting.verification_id), notice="", return_url=""
    )
    page = replace(page, offers_signed=False)  # only the session gives access to the files
    # mostly by the same person: a worker ends it, and the log orders the end
    if waiting.is_stopped:
        page = replace(page, page=_stopped(page))
        places = {
            "state_url": reverse("borrower:phone_state"),
            "now_url": reverse("borrower:phone_now"),
        }
        return _render(
            request, page, f"borrower/{page.page}.html", **wording.ending(page), **places
        )
    return _render(request, page, "borrower/phone.html", number=waiting.number)


@never_cache
@require_safe
def phone_state(request: HttpRequest) -> HttpResponse:
    """The state for the phone's page: whether the number was matched, or the result of a stop."""
    waiting = hand_over.waiting(untrusted_phone=browsers.untrusted_phone(request))
    name = "done" if waiting.has_session else "phone"
    if waiting.is_stopped:
        name = _stopped(open_page.borrower_page(verification_id=waiting.verification_id))
    return JsonResponse({"page": name, "notice": ""})


def _stopped(page: open_page.BorrowerPage) -> str:
    """The page that shows a stop on the phone: no question remains."""
    return page.page if page.page == "checking" or page.status in TERMINAL else "wait"


def _render(
    request: HttpRequest, page: open_page.BorrowerPage, template: str, **context: Any
) -> HttpResponse:
    wording.speak(request, page.locale)
    return render(request, template, wording.frame(page) | context)


def _agent(request: HttpRequest) -> str:
    return request.headers.get("User-Agent", "")
