"""Pages of people who came in person to read what is kept about them: the list with its form, a
request, and its challenge.
"""

from http import HTTPStatus
from typing import Any, cast

from django.contrib import admin
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST

from operators import words
from people.models import User
from verification.access import in_person
from verification.access import passkeys as door
from verification.access.in_person import FILE, PAGE, Meeting, Phase, Typed
from verification.borrower import public
from verification.case.policy import REASON_MAX, REASON_MIN
from verification.core.codes import CODES
from verification.core.errors import BadInput, Refused, TulgaError
from verification.review import signing
from verification.subject import pages as subject

ACT = "act"


@never_cache
@sensitive_post_parameters("iin", "number", "reason")
def list_page(request: HttpRequest) -> HttpResponseBase:
    """The open requests, and the form of a new one. A draft is its writer's alone."""
    wrong = ""
    if request.method == "POST":
        typed = Typed(*(request.POST.get(name, "") for name in Typed._fields))
        try:
            mode, writer = public.mode_served(), _operator(request).pk
            return redirect("admin:meeting", in_person.draft(typed, mode=mode, by=writer))
        except (BadInput, Refused) as error:
            wrong = _wrong(error)
    context = _context(request, gettext("People without a key")) | {
        "meetings": [
            (meeting, words.PHASES[meeting.phase], _name(meeting.writer))
            for meeting in in_person.listed()
            if meeting.phase is not Phase.DRAFT or meeting.writer == _operator(request).pk
        ],
        "documents": list(words.DOCUMENTS.items()),
        "wrong": wrong,
        "typed": request.POST if wrong else {},
        "reason_min": REASON_MIN,
        "reason_max": REASON_MAX,
    }
    status = HTTPStatus.UNPROCESSABLE_ENTITY if wrong else HTTPStatus.OK
    return render(request, "operators/meetings.html", context, status=status)


@never_cache
def meeting_page(request: HttpRequest, meeting_id: str) -> HttpResponseBase:
    """A request, and what the signed-in operator may do: sign, vouch, show, hand over."""
    meeting, operator = _visible(request, meeting_id), _operator(request)
    if request.method != "POST":
        return _page(request, meeting)
    try:
        name = request.POST.get("act")
        if name == ACT:
            signed = signing.given(request, _purpose(meeting))
            answer = signed.answer if signed is not None else None
            in_person.act(meeting_id, by=operator.pk, answer=answer)
            return redirect("admin:meeting", meeting_id)
        visit = in_person.open_once(meeting_id, str(name), by=operator.pk)
    except Refused as refusal:
        return _page(request, _visible(request, meeting_id), refusal=refusal)
    if name == FILE:
        return subject.show_file(request, visit)
    title = gettext("What is kept about you")
    context = _context(request, title) | subject.whole(visit)
    context["has_file"] = FILE not in meeting.opened
    return render(request, "operators/kept.html", context | {"meeting": meeting})


@never_cache
@require_POST
def challenge(request: HttpRequest, meeting_id: str) -> HttpResponse:
    """The options for the operator's passkey over what the page shows, as JSON."""
    meeting = _visible(request, meeting_id)
    try:
        seen = in_person.shown(meeting, by=_operator(request).pk)
    except Refused as refusal:
        return JsonResponse({"code": refusal.code}, status=HTTPStatus.CONFLICT)
    return signing.challenge(request, _purpose(meeting), seen, salt=b"")


def _page(
    request: HttpRequest, meeting: Meeting, *, refusal: Refused | None = None
) -> HttpResponse:
    operator = _operator(request)
    is_writer = operator.pk == meeting.writer
    may_open = meeting.phase is Phase.VOUCHED and operator.pk == meeting.second
    context = _context(request, gettext("What is kept about a person")) | {
        "meeting": meeting,
        "document": words.DOCUMENTS[meeting.kind],
        "phase": words.PHASES[meeting.phase],
        "writer": _name(meeting.writer),
        "second": _name(meeting.second) if meeting.second else "",
        "is_writer": is_writer,
        "may_sign": meeting.phase is Phase.DRAFT and is_writer,
        "may_vouch": meeting.phase is Phase.ASKED and not is_writer,
        "may_show": may_open and PAGE not in meeting.opened,
        "may_hand_over": may_open and FILE not in meeting.opened,
        "has_passkey": bool(operator.passkeys) and door.is_possible(),
    }
    if refusal:
        context |= {"refusal": _sentence(refusal), "refusal_code": refusal.code}
    status = HTTPStatus.UNPROCESSABLE_ENTITY if refusal else HTTPStatus.OK
    return render(request, "operators/meeting.html", context, status=status)


def _visible(request: HttpRequest, meeting_id: str) -> Meeting:
    meeting = in_person.find(meeting_id)
    is_draft = meeting is not None and meeting.phase is Phase.DRAFT
    if meeting is None or (is_draft and meeting.writer != _operator(request).pk):
        raise Http404
    return meeting


def _wrong(error: TulgaError) -> str:
    if error.code == "reason_missing":
        return _sentence(error)
    return str(words.FAULTS_OF_MEETING.get(error.code, words.FAULT_OF_IIN))


def _sentence(refusal: TulgaError) -> str:
    if refusal.code in words.REFUSALS_OF_MEETING:
        return str(words.REFUSALS_OF_MEETING[refusal.code])
    row = CODES.get(refusal.code)
    return gettext(row.staff) if row and row.staff else refusal.detail


def _name(person: str) -> str:
    """How people call an operator."""
    row = User.objects.filter(pk=person).first()
    return row.email if row is not None else person


def _context(request: HttpRequest, title: str) -> dict[str, Any]:
    return {**admin.site.each_context(request), "title": title}


def _operator(request: HttpRequest) -> User:
    # The site admits operators alone.
    return cast(User, request.user)


def _purpose(meeting: Meeting) -> str:
    return f"{meeting.phase} {meeting.id}"
