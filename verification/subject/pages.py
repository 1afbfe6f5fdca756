"""The pages of a person who reads what is kept about them: ask, sign, wait, read.

Until a worker's entry says who they are, each page is the same for every IIN.
"""

from collections.abc import Callable, Mapping
from functools import partial
from http import HTTPStatus
from itertools import chain
from typing import Any, Final

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import translation
from django.utils.translation import get_language, gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_safe
from django.views.i18n import set_language

from verification.access import addresses, rates, subjects
from verification.access.subjects import Phase, Visit
from verification.borrower import browsers, public, signing
from verification.case import policy
from verification.core import subject_text
from verification.core.errors import BadInput, Conflict, NotFound, NotYourTurn
from verification.core.ids import Iin
from verification.core.opening import LOCALES
from verification.stages.statement.policy import POLICY
from verification.subject import bundle, wording
from verification.worker.identifying import OUR_FAULT, TOO_OFTEN

SESSION: Final = "tulga_subject"
PATH: Final = "/mine"
_PAGES_MAX: Final = 10_000
FILE: Final = "tulga.html"

_get_or_post = require_http_methods(["GET", "HEAD", "POST"])


@never_cache
@sensitive_post_parameters("iin")
@_get_or_post
def start(request: HttpRequest) -> HttpResponse:
    """What the pages tell, and the question for the IIN."""
    language = request.GET.get("lang", "")
    if language in LOCALES:
        translation.activate(language)
        request.LANGUAGE_CODE = language
    if request.method != "POST":
        return _start(request)
    network = addresses.keyed_network(request.META["REMOTE_ADDR"], purpose="subject")
    seconds = policy.SUBJECT_REQUESTS_SECONDS
    if rates.count(f"subject {network[:40]}", seconds=seconds) > policy.SUBJECT_REQUESTS:
        return _start(request, status=HTTPStatus.TOO_MANY_REQUESTS)
    try:
        token = subjects.begin(
            Iin.parse("".join(request.POST.get("iin", "").split())),
            mode=public.mode_served(),
            site=settings.TULGA_PUBLIC_URL,
            language=_language(request.POST.get("language", "")),
        )
    except BadInput as error:
        return _start(request, status=HTTPStatus.UNPROCESSABLE_ENTITY, wrong=_wrong(error.code))
    response = redirect("subject:now")
    # The language of the page that was read stays.
    response.cookies.update(set_language(request).cookies)
    browsers.keep_cookie(
        response, token, name=SESSION, seconds=policy.SUBJECT_KEPT_SECONDS, path=PATH
    )
    return response


@never_cache
@sensitive_post_parameters("signature")
@_get_or_post
def now(request: HttpRequest) -> HttpResponseBase:
    """The page of the request in this browser; a POST signs it, changes its language, or ends
    it.
    """
    visit = _visit(request)
    if visit is None:
        return redirect("subject:start")
    if request.method != "POST":
        return _PAGES[visit.phase](request, visit)
    if "leave" in request.POST:
        subjects.leave(visit)
        response = redirect("subject:start")
        browsers.forget_cookie(response, name=SESSION, path=PATH)
        return response
    if (name := request.POST.get("act", "")) in (bundle.ERASE, bundle.WITHDRAW):
        return _act(request, visit, name)
    try:
        if "language" in request.POST:
            subjects.speak(visit, request.POST["language"])
        else:
            subjects.sign(visit, request.POST.get("signature"))
    except BadInput:
        return _page(request, visit, "sign", _signing(visit) | {"is_unread": True}, status=422)
    except NotYourTurn:
        pass  # the page that is open says how things stand
    return redirect("subject:now")


@never_cache
@require_safe
def state(request: HttpRequest) -> HttpResponse:
    """The open page, polled by the waiting page."""
    visit = _visit(request)
    if visit is None:
        return JsonResponse({}, status=HTTPStatus.NOT_FOUND)
    return JsonResponse({"page": visit.phase, "notice": ""})


@never_cache
@require_safe
def file(request: HttpRequest) -> HttpResponseBase:
    """All that the pages tell, as one plain file."""
    visit = _visit(request)
    if visit is None or visit.phase is not Phase.IDENTIFIED:
        return redirect("subject:now")
    if _is_too_often(visit):
        return _too_often(request, visit)
    return show_file(request, visit)


def show_file(request: HttpRequest, visit: Visit) -> HttpResponse:
    """The file of an identified person, to be downloaded."""
    response = render(request, "subject/file.html", whole(visit))
    response.headers["Content-Disposition"] = f'attachment; filename="{FILE}"'
    return response


def whole(visit: Visit) -> dict[str, Any]:
    """All that is kept about an identified person, for one page; each case is an entry."""
    parts = [wording.context(part) for part in bundle.read_all(visit)]
    return {
        "visit": visit,
        "cases": list(chain.from_iterable(part["cases"] for part in parts)),
        "unreadable": sum(part["unreadable"] for part in parts),
        "read_at": parts[0]["read_at"],
        "origin": settings.TULGA_PUBLIC_URL,
    }


def _act(request: HttpRequest, visit: Visit, name: str) -> HttpResponseBase:
    try:
        bundle.act(visit, name, request.POST.get("case", ""))
    except (Conflict, NotFound):
        # It is done already, another's, or not now: the page says how things stand.
        return redirect(f"{reverse('subject:now')}?late=1")
    return redirect("subject:now")


def _visit(request: HttpRequest) -> Visit | None:
    return subjects.find(request.COOKIES.get(SESSION, ""))


def _start(request: HttpRequest, *, status: int = HTTPStatus.OK, wrong: str = "") -> HttpResponse:
    context = {
        "mode": public.mode_served(),
        "wrong": wrong,
        "is_too_often": status == HTTPStatus.TOO_MANY_REQUESTS,
        "iin": request.POST.get("iin", "") if wrong else "",
        "origin": settings.TULGA_PUBLIC_URL,
    }
    return render(request, "subject/start.html", context, status=status)


def _wrong(code: str) -> str:
    if code == "iin_malformed":
        return gettext("An IIN is 12 digits with a valid date and check digit.")
    return gettext("This IIN is of another kind than the people who are checked here.")


def _sign(request: HttpRequest, visit: Visit) -> HttpResponseBase:
    return _page(request, visit, "sign", _signing(visit))


def _signing(visit: Visit) -> dict[str, Any]:
    language, asked = get_language() or "", visit.asked
    is_other = language in LOCALES and language != asked.data["language"]
    return {
        "text": subject_text.show(asked.data),
        "offers_language": language
        if is_other and asked.rewrites < policy.SUBJECT_REWRITES
        else "",
        **signing.ncalayer(
            asked.text(), usages=POLICY.extended_key_usages, mode=asked.mode, language=language
        ),
    }


def _wait(request: HttpRequest, visit: Visit) -> HttpResponseBase:
    return _page(request, visit, "wait", {})


def _refused(request: HttpRequest, visit: Visit) -> HttpResponseBase:
    # Which check refused stands in the log. The page names what a person can mend.
    reason = visit.code if visit.code in (OUR_FAULT, TOO_OFTEN) else ""
    return _page(request, visit, "refused", {"reason": reason})


def _over(request: HttpRequest, visit: Visit) -> HttpResponseBase:
    return _page(request, visit, "over", {})


def _bundle(request: HttpRequest, visit: Visit) -> HttpResponseBase:
    if _is_too_often(visit):
        return _too_often(request, visit)
    untrusted_page = request.GET.get("page", "1")
    is_number = untrusted_page.isascii() and untrusted_page.isdigit() and len(untrusted_page) < 6
    page = min(max(int(untrusted_page), 1), _PAGES_MAX) if is_number else 1
    told = bundle.read(visit, page=page)
    if page > 1 and not told.cases and not told.unreadable:
        return redirect("subject:now")  # beyond the last: it must not say that nothing is kept
    more = {"next": page + 1 if told.has_more else 0, "is_late": "late" in request.GET}
    return _page(request, visit, "bundle", wording.context(told) | more)


def _is_too_often(visit: Visit) -> bool:
    seconds = policy.SUBJECT_PAGES_SECONDS
    return rates.count(f"subject {visit.id}", seconds=seconds) > policy.SUBJECT_PAGES


def _too_often(request: HttpRequest, visit: Visit) -> HttpResponseBase:
    status = HTTPStatus.TOO_MANY_REQUESTS
    return _page(request, visit, "refused", {"reason": TOO_OFTEN}, status=status)


def _page(
    request: HttpRequest, visit: Visit, name: str, context: Mapping[str, Any], *, status: int = 200
) -> HttpResponseBase:
    shown = {"visit": visit, "mode": visit.asked.mode, **context}
    show = partial(render, template_name=f"subject/{name}.html", context=shown, status=status)
    # Only the page that signs may reach NCALayer on the person's computer.
    return signing.show(request, show) if name == "sign" else show(request)


def _language(untrusted: str) -> str:
    return untrusted if untrusted in LOCALES else get_language() or LOCALES[0]


_PAGES: Final[Mapping[Phase, Callable[[HttpRequest, Visit], HttpResponseBase]]] = {
    Phase.SIGN: _sign,
    Phase.WAIT: _wait,
    Phase.REFUSED: _refused,
    Phase.OVER: _over,
    Phase.IDENTIFIED: _bundle,
}
