"""The page `/you`: a person registers with their own photo, and sees the messages to their
phone.
"""

import re
import secrets
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from html import escape
from pathlib import Path
from string import Template
from typing import Final

from insecure_sandbox.consents import ANSWERS, Consent, Consents
from insecure_sandbox.exchange import MAX_BODY_BYTES, Rejected, Request, Response, Route
from insecure_sandbox.people import MAX_UPLOAD_BYTES, People, Registered, reference_photo
from insecure_sandbox.sms_gateway import Inbox, Message
from verification.core.errors import BadInput
from verification.core.ids import Iin, Phone, check_digit, parse_name

_HERE: Final = Path(__file__).parent
_PAGE: Final = Template((_HERE / "you.html").read_text(encoding="utf-8"))
_SHOWN: Final = 20  # messages, the newest first
_HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri"
        " 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
}


def page(
    messages: Sequence[Message], pending: Sequence[Consent], *, notice: str = "", status: int = 200
) -> Response:
    """The whole page; `notice` reports the last post or, with another status than 200, its
    failure.
    """
    iin = _free_iin()
    newest = list(reversed(messages))[:_SHOWN]
    text = _PAGE.substitute(
        notice=_notice(notice, is_error=status != 200) if notice else "",
        consents="".join(_consent(consent) for consent in pending),
        messages="".join(_message(message) for message in newest) or "<p>None yet.</p>",
        iin=iin,
        phone=f"+7701{iin[-7:]}",
        document=f"0{iin[-8:]}",
    )
    return Response(
        body=text.encode(), content_type="text/html; charset=utf-8", status=status, headers=_HEADERS
    )


def style() -> Response:
    """The page's style sheet."""
    return Response(body=(_HERE / "you.css").read_bytes(), content_type="text/css; charset=utf-8")


def _notice(notice: str, *, is_error: bool) -> str:
    look = 'class="warning" role="alert"' if is_error else 'class="notice" role="status"'
    return f"<p {look}>{escape(notice)}</p>"


def _message(message: Message) -> str:
    head = f"{message.at:%H:%M:%S} UTC, {message.sender} to {message.phone}"
    return (
        '<div class="message"><p'
        f' class="from">{escape(head)}</p><p>{escape(message.text)}</p></div>\n'
    )


def _consent(consent: Consent) -> str:
    question = f"{consent.request.lender_name}: {consent.request.purpose}"
    buttons = "".join(
        f'<button class="button" name="status" value="{status}">{word}</button>'
        for status, word in (("valid", "Yes"), ("invalid", "No"))
    )
    return (
        '<form class="message" method="post" action="/you/consent"'
        ' enctype="multipart/form-data"><p>1414 asks whether you agree.'
        f' {escape(question)}</p><input type="hidden" name="consent_id"'
        f' value="{escape(consent.consent_id)}">{buttons}</form>\n'
    )


def _free_iin() -> str:
    """A fresh IIN of an invented person, the form's default."""
    while True:
        eleven = f"9002039{secrets.randbelow(10_000):04}"
        if check_digit(eleven) != "x":
            return eleven + check_digit(eleven)


_MAX_PARTS: Final = 30
_BOUNDARY = re.compile(
    r'multipart/form-data;\s*boundary="?([A-Za-z0-9\'()+_,./:=?-]{1,70})"?\s*', re.IGNORECASE
)
_NAME = re.compile(
    rb'^content-disposition:\s*form-data;(?:.*;)?\s*name="([a-z_]{1,40})"',
    re.IGNORECASE | re.MULTILINE,
)


def form_fields(request: Request) -> dict[str, bytes]:
    """Every field's bytes by its name.

    A form can be posted across origins, unlike JSON; so the browser must say that the page was
    ours.

    Raises: `Rejected` for anything but a form, and for a foreign page's.
    """
    if not request.is_same_origin:
        raise Rejected(403, "use the form on this server's own page")
    boundary = _BOUNDARY.fullmatch(request.content_type)
    if boundary is None:
        raise Rejected(415, "send multipart/form-data")
    # With a preceding line end, so that the first delimiter looks like all others.
    parts = (b"\r\n" + request.untrusted_body).split(b"\r\n--" + boundary[1].encode())
    if len(parts) - 2 > _MAX_PARTS or not parts[-1].startswith(b"--"):
        raise Rejected(400, "the form is incomplete or has too many fields")
    return dict(_field(part) for part in parts[1:-1])


def _field(part: bytes) -> tuple[str, bytes]:
    head, separator, content = part.partition(b"\r\n\r\n")
    name = _NAME.search(head.replace(b"\r\n", b"\n"))
    if not separator or name is None:
        raise Rejected(400, "a field of the form has no name")
    return name[1].decode(), content


SOURCE: Final = "you"

_MAX_BODY_BYTES: Final = MAX_UPLOAD_BYTES + 64 * 1024
_MAX_TEXT_BYTES: Final = 400
_MAX_DOCUMENT_NUMBER: Final = 20

Form = Mapping[str, bytes]


def routes(people: People, consents: Consents, inbox: Inbox) -> tuple[Route, ...]:
    """`/you` with its forms and its style sheet."""

    def register(fields: Form) -> str:
        person = _person(fields)
        people.register(person, reference_photo(fields.get("photo", b"")))
        return (
            f"The registers know you now: IIN {person.iin}, born on {person.birth_date}, phone"
            f" {person.phone}, identity card {person.document['number']}."
        )

    def forget(fields: Form) -> str:
        iin = _text(fields, "iin")
        consents.forget(iin)
        return (
            "Forgotten, with the photo."
            if people.forget(iin)
            else "This IIN is not registered here."
        )

    def answer(fields: Form) -> str:
        status = _text(fields, "status")
        if status not in ANSWERS:
            raise Rejected(400, "Answer Yes or No.")
        was_open = consents.answer(_text(fields, "consent_id"), status)
        return "Your answer was sent." if was_open else "This question is closed."

    def show_page(notice: str = "", status: int = 200) -> Response:
        return page(inbox.messages(), consents.pending(), notice=notice, status=status)

    return (
        Route(method="GET", path="/you", source=SOURCE, handle=lambda request: show_page()),
        Route(method="GET", path="/you.css", source=SOURCE, handle=lambda request: style()),
        _form("/you", register, show_page, max_body_bytes=_MAX_BODY_BYTES),
        _form("/you/forget", forget, show_page),
        _form("/you/consent", answer, show_page),
    )


def _form(
    path: str,
    act: Callable[[Form], str],
    show_page: Callable[[str, int], Response],
    *,
    max_body_bytes: int = MAX_BODY_BYTES,
) -> Route:
    """A form's target: the page again, with the result or the reason of a failure."""

    def handle(request: Request) -> Response:
        fields = form_fields(request)
        try:
            return show_page(act(fields), 200)
        except Rejected as rejection:
            return show_page(rejection.detail, rejection.status)

    return Route(
        method="POST", path=path, source=SOURCE, handle=handle, max_body_bytes=max_body_bytes
    )


def _person(fields: Form) -> Registered:
    """Unlike `POST /people`, where programs register test data, a person's mistakes are refused."""
    try:
        iin = _test_iin(_text(fields, "iin"))
        return Registered(
            iin=iin.value,
            surname=parse_name(_text(fields, "surname"), pointer="surname"),
            name=parse_name(_text(fields, "name"), pointer="name"),
            patronymic=parse_name(_text(fields, "patronymic"), pointer="patronymic", optional=True),
            birth_date=str(iin.birth_date),
            life_status="alive",
            document={
                "type": "id_card",
                "number": _document_number(fields),
                "issued_on": None,
                "valid_to": _day(fields, "valid_to"),
                "status": "valid",
            },
            phone=Phone.parse(_text(fields, "phone")).value,
            photo_source="STATE",
            consent="valid",
        )
    except BadInput as error:
        raise Rejected(400, error.detail) from error


def _test_iin(untrusted: str) -> Iin:
    iin = Iin.parse(untrusted)
    if not iin.is_invented or iin.birth_date is None:
        raise BadInput("use an IIN with 9 as seventh digit: a living person's has no place here")
    return iin


def _document_number(fields: Form) -> str:
    text = _text(fields, "document_number")
    if not text.isalnum() or len(text) > _MAX_DOCUMENT_NUMBER:
        raise BadInput(
            f"the number of the identity card has 1 to {_MAX_DOCUMENT_NUMBER} letters and digits"
        )
    return text


def _day(fields: Form, name: str) -> str:
    try:
        return date.fromisoformat(_text(fields, name)).isoformat()
    except ValueError as error:
        raise BadInput("the day is written like 2099-12-31") from error


def _text(fields: Form, name: str) -> str:
    value = fields.get(name, b"")
    if len(value) > _MAX_TEXT_BYTES:
        raise Rejected(400, f"{name} is too long")
    return value.decode("utf-8", "replace").strip()
