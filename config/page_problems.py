"""Our errors as a sentence on a page, in the reader's language, with a way out. Machines get
theirs from lenders/.
"""

import logging
import re
import sys
from collections.abc import Mapping
from typing import Any, Final

from django.core.exceptions import DisallowedHost, RequestDataTooBig
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import translation
from django.utils.deprecation import MiddlewareMixin
from django.utils.translation import gettext_lazy as _
from django.views.i18n import set_language

from lenders import problems
from verification.borrower import wording
from verification.core.codes import CODES, PROBLEMS, PROCESSING_BLOCKED
from verification.core.errors import LinkUnusable, TulgaError
from verification.core.lender import Outline

logger = logging.getLogger(__name__)

# Every problem page here leads back to the borrower's own page.
BORROWER = "/v/"
# Pages of people who sign in.
_STAFF = ("/oversight/", "/review/", "/people/", "/admin/")


# Machines' addresses: they are answered in application/problem+json.
_MACHINES = re.compile(r"/v[0-9]+(/|$)")

# An additional sentence if another person may have been faster than the borrower.
_WARNING = _(
    "Then somebody else may have your link and be going on in your name. Call the lender at once,"
    " and tell it to stop the request."
)
_BY_STATUS: Mapping[int, tuple[Any, Any]] = {
    400: (
        _("We could not read that"),
        _("Nothing was kept. Go back, load the page again, and repeat."),
    ),
    403: (
        _("This page is not for you"),
        _("Sign in as somebody who may see it, or ask the operator."),
    ),
    404: (
        _("There is no such page"),
        _("Check the address, or open the link from the message once more."),
    ),
    409: (_("Something happened meanwhile"), _("Load the page again to see how things stand now.")),
    413: (_("That was too large"), _("Nothing was kept. Go back and send less.")),
    503: (_("Something does not answer"), _("Nothing is lost. Try again in a minute.")),
    500: (
        _("Something did not work on our side"),
        _("Nothing is lost and nothing was decided. Try again in a minute."),
    ),
}


_WITHOUT_SESSION: Final = ("link_", "phone_", "session_", PROCESSING_BLOCKED)
"""How the codes begin after which no page of the check follows."""


class PageProblems(MiddlewareMixin):
    """Shows our errors as pages."""

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """The page of one of our own errors; others go on to Django and end in `server_error`."""
        if not isinstance(error, TulgaError) or is_machine(request):
            return None
        about = error.about if isinstance(error, LinkUnusable) else None
        status = problems.status_of(error)
        if status >= 500:
            trace = error if status == 500 else None
            logger.error("request failed: %s", error.code, exc_info=trace)
        return _page(request, status=status, code=error.code, about=about)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's 400; a body over the limit is a 413."""
    if is_machine(request):
        return _problem(
            request,
            "host_unknown" if isinstance(exception, DisallowedHost) else "malformed_request",
        )
    return _page(request, status=413 if isinstance(exception, RequestDataTooBig) else 400)


def length_required(request: HttpRequest) -> HttpResponse:
    """411: a chunked body, of which Django reads nothing."""
    return (
        _problem(request, "length_required") if is_machine(request) else _page(request, status=411)
    )


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's 403."""
    return _page(request, status=403)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's 404."""
    return _problem(request, "not_found") if is_machine(request) else _page(request, status=404)


def server_error(request: HttpRequest) -> HttpResponse:
    """Django's 500; a 503 while the database is away."""
    is_away = isinstance(sys.exc_info()[1], OperationalError | InterfaceError)
    if is_machine(request):
        return _problem(request, "unavailable" if is_away else "internal_error")
    return _page(request, status=503 if is_away else 500)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Django's refusal of a form that is foreign or too old."""
    return _page(request, status=403, code="csrf")


def is_machine(request: HttpRequest) -> bool:
    """Whether a program asks, at an address of the API's."""
    return _MACHINES.match(request.path) is not None


def _problem(request: HttpRequest, code: str) -> HttpResponse:
    problem, request_id = PROBLEMS[code], getattr(request, "request_id", "")
    body = problems.body_of(
        problem, code=code, detail="", instance=request.path, request_id=request_id
    )
    wait = {} if problem.retry_after is None else {"Retry-After": str(problem.retry_after)}
    return JsonResponse(
        body | {"errors": []},
        status=problem.status,
        content_type=problems.MEDIA_TYPE,
        headers=wait,
    )


def _page(
    request: HttpRequest, *, status: int, code: str = "", about: Outline | None = None
) -> HttpResponse:
    title, text = _BY_STATUS.get(status) or _BY_STATUS[400 if status < 500 else 500]
    if (row := CODES.get(code)) and row.page_title:
        title, text = _(row.page_title), _(row.page_text)
    is_borrowers, is_staffs = request.path.startswith(BORROWER), request.path.startswith(_STAFF)
    context = {
        "title": title,
        "text": text,
        "code": code,
        "is_borrowers": is_borrowers,
        "is_staffs": is_staffs,
        "has_session": is_borrowers and not code.startswith(_WITHOUT_SESSION),
        "way_out": (
            reverse("borrower:now")
            if is_borrowers
            else reverse("people:home")
            if is_staffs
            else "/"
        ),
        "warning": _WARNING if code in ("link_unusable", "session_ended") else "",
    }
    chosen: HttpResponseBase | None = None
    if about is not None:
        wording.speak(request, about.locale)
        if code == LinkUnusable.code and request.path == reverse("borrower:link"):
            context["token"], language = (
                request.POST.get("token", ""),
                request.POST.get("language", ""),
            )
            # A language chosen with the form applies from now on, stored as Django does.
            if translation.check_for_language(language):
                translation.activate(language)
                request.LANGUAGE_CODE = language
                chosen = set_language(request)
        context |= {
            "contact": wording.contact(about.lender, case_number=about.case_number),
            "is_renewal": about.is_renewal,
        }
    response = render(request, "problem.html", context, status=status)
    if status == 503:
        response.headers["Retry-After"] = str(PROBLEMS["unavailable"].retry_after)
    if chosen is not None:
        response.cookies.update(chosen.cookies)
    return response
