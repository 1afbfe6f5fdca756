"""The page `/you`: a person registers themselves with their own photo, and sees the messages sent
to their phone.
"""

from collections.abc import Callable, Mapping
from datetime import date
from typing import Final

from insecure_sandbox.consents import ANSWERS, Consents
from insecure_sandbox.exchange import MAX_BODY_BYTES, Rejected, Request, Response, Route
from insecure_sandbox.form import form_fields
from insecure_sandbox.inbox import Inbox
from insecure_sandbox.people import People, Registered
from insecure_sandbox.photo_upload import MAX_UPLOAD_BYTES, reference_photo
from insecure_sandbox.you_page import page, style
from verification.core.errors import BadInput
from verification.core.ids import Iin, Phone, parse_name
from verification.core.scenarios import refuse_test_person

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
        return "Forgotten, with the photo." if people.forget(iin) else "Nobody has this IIN here."

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
    """Where a form is posted: the page again, with what the act did, or why it did nothing."""

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
    """Unlike `POST /people`, where programs register whatever they want to test, a person's slips
    are refused.
    """
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
    try:
        refuse_test_person(iin)
    except BadInput:
        if iin.birth_date is not None:
            return iin
    raise BadInput(
        "use the IIN of somebody born in 1899 or before: a living person's has no place here"
    )


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
