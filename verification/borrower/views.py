"""The borrower's pages. Each view reads the request, calls one room once, and shows the open
page.
"""

from collections.abc import Callable, Mapping
from functools import partial
from http import HTTPStatus
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from verification.access import answers, erasures, links, mobile_signing, open_page, rates
from verification.artifacts import reading as artifacts
from verification.borrower import browsers, camera, forms, signing, wording
from verification.core.errors import BadInput, Conflict, LinkUnusable, NotFound
from verification.core.route import Next

# A page's content beyond the loan, the step and the notice.
_MORE: Mapping[str, Callable[[open_page.BorrowerPage], Mapping[str, Any]]] = {
    "consent": wording.consent,
    "renewal": wording.renewal,
    "statement": signing.context,
    "choose_route": wording.routes,
    "resume": wording.resume,
    "form": forms.form_context,
    "code": forms.code_context,
    "commands": camera.context,
    "finished": wording.ending,
}
_Shown = Callable[[HttpRequest, Callable[[HttpRequest], HttpResponseBase]], HttpResponseBase]
# Pages whose script needs more permissions than our own addresses.
_WITH_LEAVE: Mapping[str, _Shown] = {
    "statement": signing.show,
    "commands": camera.show,
    "code": forms.show_code,
}

# Unknown tokens per second in one process. Ours: more than people mistype, and no load. Beyond it
# every unknown token gets the standard answer without a look-up. Known tokens are not counted: a
# crowd of borrowers cannot block others.
PEEKS_A_SECOND = 50

_get_or_post = require_http_methods(["GET", "HEAD", "POST"])


@never_cache
@_get_or_post
def link(request: HttpRequest) -> HttpResponse:
    """The target of a link. GET is the same for everybody; the tap on Continue posts the token
    and spends the link. A browser that spent it goes on at its open step.
    """
    if request.method != "POST":
        return render(request, "borrower/link.html")
    token, response = request.POST.get("token", ""), redirect("borrower:now")
    try:
        session = links.redeem(untrusted_token=token)
    except LinkUnusable:
        before = browsers.untrusted_session(request)
        if not links.is_of_session(untrusted_token=token, untrusted_session=before):
            raise
        return response
    browsers.keep_cookie(response, session)
    return response


@never_cache
@require_POST
def peek(request: HttpRequest) -> HttpResponse:
    """The lender and purpose of this link, for the first page; it stays unspent. No personal data.

    A spent, expired or unknown link gets the same empty answer: Continue gives the advice.
    """
    is_looked_up = rates.counted("peek", seconds=1) < PEEKS_A_SECOND
    outline = links.peek(untrusted_token=request.POST.get("token", "")) if is_looked_up else None
    if is_looked_up and outline is None:
        rates.count("peek", seconds=1)
    if outline is None:
        return HttpResponse(status=204)
    asks = "renewal" if outline.is_renewal else "loan"
    return JsonResponse({"lender": outline.lender_name, "asks": asks, "is_test": outline.is_test})


@never_cache
@require_safe
def unusable(request: HttpRequest) -> HttpResponse:
    """The text for a spent or expired link, in the language just chosen."""
    raise LinkUnusable("the page of a link that cannot be used")


@never_cache
@_get_or_post
def now(request: HttpRequest) -> HttpResponseBase:
    """The open page; a POST answers it. A page's own script gets and sends JSON instead."""
    visit = visit_of(request)
    if request.method != "POST" and _is_script(request):
        turn = open_page.turn_of(visit.verification, visit.attempt)
        if turn.is_looked_at:
            turn = camera.wait_for_look(verification_id=visit.verification_id)
        return _turn_answer(turn)
    if request.method != "POST":
        page = open_page.page_of(visit.verification, visit.attempt)
        draft = browsers.untrusted_typed(request)
        if draft and page.page == "form":
            # With earlier input, which any later page drops.
            typed = forms.unseal_draft(
                visit, untrusted=draft, session=browsers.untrusted_session(request)
            )
            return _page(request, page, typed=typed)
        response = _page(request, page)
        if draft and page.page != "wait":
            browsers.forget_cookie(response, name=browsers.TYPED)
        return response

    def answer() -> Next:
        turn, untrusted = browsers.read_answer(request)
        return answers.answer(
            verification_id=visit.verification_id,
            turn=turn,
            untrusted=untrusted,
            session=visit.session,
            visited=visit.attempt,
        )

    response = _act(request, visit.verification_id, answer)
    if response.status_code == HTTPStatus.FOUND and (typed := forms.typed_fields(request.POST)):
        sealed = forms.seal_draft(visit, typed, session=browsers.untrusted_session(request))
        browsers.keep_cookie(response, sealed, name=browsers.TYPED, seconds=forms.DRAFT_SECONDS)
    return response


@never_cache
@_get_or_post
def route(request: HttpRequest) -> HttpResponseBase:
    """The borrower picks a route."""
    if request.method != "POST":
        return redirect("borrower:now")
    verification_id = visit_of(request).verification_id
    name = request.POST.get("route", "")
    return _act(
        request,
        verification_id,
        partial(answers.choose_route, verification_id=verification_id, route=name),
    )


@never_cache
@_get_or_post
def resume(request: HttpRequest) -> HttpResponseBase:
    """The borrower returns after a silence."""
    if request.method != "POST":
        return redirect("borrower:now")
    verification_id = visit_of(request).verification_id
    return _act(request, verification_id, partial(answers.resume, verification_id=verification_id))


@never_cache
@_get_or_post
def withdraw(request: HttpRequest) -> HttpResponseBase:
    """What a withdrawal of the consent does, and the button. Then the case is blocked, and each
    page of it refuses.
    """
    visit = visit_of(request)
    page = open_page.page_of(visit.verification, visit.attempt)
    if request.method != "POST":
        wording.speak(request, page.locale)
        return render(request, "borrower/withdraw.html", wording.frame(page))
    try:
        erasures.withdraw(visit.verification_id, session=visit.session)
    except Conflict:  # a reported caller ends the case just now
        return redirect("borrower:now")
    wording.speak(request, page.locale)
    return render(request, "borrower/withdrawn.html")


@never_cache
@require_safe
def state(request: HttpRequest) -> HttpResponse:
    """The open page, polled by the waiting page; no person or loan."""
    visit = visit_of(request, look=links.glance)
    page = open_page.state_of(visit.verification, visit.attempt)
    fields = {"page": page.page, "turn": page.turn, "notice": wording.waited_for(page)}
    if page.page == mobile_signing.PAGE:
        fields["egov_mobile"] = mobile_signing.progress(
            verification_id=visit.verification_id, turn=page.turn
        )
    return JsonResponse(fields)


@never_cache
@require_POST
def hint(request: HttpRequest) -> HttpResponse:
    """A word for the camera's guide, about one small picture that is not stored."""
    return camera.hint(request, visit_of(request, look=links.glance))


@never_cache
@require_safe
def signed(request: HttpRequest, untrusted_file: str) -> HttpResponse:
    """The signed statement and the signature, for download after the end is shown, while the
    session lives.
    """
    visit = visit_of(request)
    if untrusted_file not in artifacts.SIGNED_FILES:
        raise Http404
    try:
        file = artifacts.read_for_borrower(
            verification_id=visit.verification_id, file=untrusted_file, session=visit.session
        )
    except (NotFound, Conflict) as error:
        raise Http404 from error
    name = f"{visit.verification_id}.{untrusted_file}.{file.suffix}"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    return HttpResponse(file.content, content_type=file.media_type, headers=headers)


def visit_of(
    request: HttpRequest, *, look: Callable[..., links.Visit] = links.visit
) -> links.Visit:
    """The visit of the browser's session. look: the function that finds it.

    Raises: `LinkUnusable`: session_missing without a session, session_ended for an ended one.
    """
    untrusted_session = browsers.untrusted_session(request)
    if not untrusted_session:
        raise LinkUnusable("the browser sent no session", code="session_missing")
    try:
        return look(untrusted_session=untrusted_session)
    except LinkUnusable as unusable:
        raise LinkUnusable(
            unusable.detail, code="session_ended", about=unusable.about
        ) from unusable


def _act(request: HttpRequest, verification_id: str, act: Callable[[], object]) -> HttpResponseBase:
    """Acts, then shows the open page: by a redirect, or at once with the sentence of a refusal.

    A script cannot see a redirect's meaning: it gets the result, and for a part only that it was
    stored.
    """
    try:
        done = act()
    except (Conflict, BadInput) as error:
        notice, status = (
            ("bad_answer", 422) if isinstance(error, BadInput) else ("not_your_turn", 409)
        )
        if _is_script(request):
            return _turn_answer(
                open_page.borrower_turn(verification_id=verification_id), status=status
            )
        pointer = error.pointer if isinstance(error, BadInput) else ""
        page = open_page.borrower_page(verification_id=verification_id)
        return _page(
            request, page, notice=notice, status=status, pointer=pointer, typed=request.POST
        )
    if not _is_script(request):
        return redirect("borrower:now")
    if done is Next.PART:
        return HttpResponse(status=204)
    ask = camera.wait_for_look if done is Next.LOOK else open_page.borrower_turn
    return _turn_answer(ask(verification_id=verification_id))


def _turn_answer(turn: open_page.BorrowerTurn, *, status: int = 200) -> HttpResponseBase:
    return JsonResponse(camera.state(turn), status=status)


def _page(
    request: HttpRequest,
    page: open_page.BorrowerPage,
    *,
    notice: str = "",
    status: int = 200,
    pointer: str = "",
    typed: Mapping[str, Any] | None = None,
) -> HttpResponseBase:
    wording.speak(request, page.locale)
    context = wording.frame(page, notice=notice)
    if page.page in _MORE:
        context |= _MORE[page.page](page)
    if page.page == "form" and typed:
        context |= forms.returned_form(page, untrusted=typed, pointer=pointer)
    show = partial(
        render, template_name=f"borrower/{page.page}.html", context=context, status=status
    )
    return _WITH_LEAVE[page.page](request, show) if page.page in _WITH_LEAVE else show(request)


def _is_script(request: HttpRequest) -> bool:
    """Whether a page's own script asks: browsers themselves ask for HTML."""
    return request.headers.get("Accept") == "application/json"
