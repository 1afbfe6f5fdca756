"""The page `/you`: a person registers themselves with their own photo, and sees the messages sent to their phone."""

from collections.abc import Callable, Mapping
from datetime import date
from typing import Final

from insecure_sandbox.consents import ANSWERS, Consents
from insecure_sandbox.exchange import Handler, Rejected, Request, Response, Route
from insecure_sandbox.form import form_fields
from insecure_sandbox.inbox import Inbox
from insecure_sandbox.people import People, Registered
from insecure_sandbox.photo_upload import MAX_UPLOAD_BYTES, reference_photo
from insecure_sandbox.you_page import page, style
from verification.core.errors import BadInput
from verification.core.ids import Iin, Phone
from verification.core.person import parse_name
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
        return f"The registers know you now: IIN {person.iin}, born on {person.birth_date}, phone {person.phone}."

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

    def shown(notice: str = "", status: int = 200) -> Response:
        return page(inbox.messages(), consents.pending(), notice=notice, status=status)

    def posted(act: Callable[[Form], str]) -> Handler:
        def handle(request: Request) -> Response:
            fields = form_fields(request)
            try:
                return shown(act(fields))
            except Rejected as rejection:
                return shown(rejection.detail, rejection.status)

        return handle

    return (
        Route(method="GET", path="/you", source=SOURCE, handle=lambda request: shown()),
        Route(method="GET", path="/you.css", source=SOURCE, handle=lambda request: style()),
        Route(method="POST", path="/you", source=SOURCE, handle=posted(register), max_body_bytes=_MAX_BODY_BYTES),
        Route(method="POST", path="/you/forget", source=SOURCE, handle=posted(forget)),
        Route(method="POST", path="/you/consent", source=SOURCE, handle=posted(answer)),
    )


def _person(fields: Form) -> Registered:
    """Unlike `POST /people`, where programs register whatever they want to test, a person's slips are refused."""
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
    raise BadInput("use the IIN of somebody born in 1899 or before: a living person's has no place here")


def _document_number(fields: Form) -> str:
    text = _text(fields, "document_number")
    if not text.isalnum() or len(text) > _MAX_DOCUMENT_NUMBER:
        raise BadInput(f"the number of the identity card has 1 to {_MAX_DOCUMENT_NUMBER} letters and digits")
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
