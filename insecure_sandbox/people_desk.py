"""Source `people`: tells the sandbox who there is. What it is told here, the registers answer."""

from base64 import b64decode
from binascii import Error
from collections.abc import Mapping
from typing import Any, Final

from insecure_sandbox.exchange import (
    Rejected,
    Request,
    Response,
    Route,
    as_json,
    only_fields,
    text_field,
)
from insecure_sandbox.people import GUIDE_ACCOUNT, People, Registered

SOURCE: Final = "people"

_FIELDS: Final = {
    "iin",
    "surname",
    "name",
    "patronymic",
    "birth_date",
    "life_status",
    "document",
    "phone",
    "photo",
    "photo_source",
    "consent",
    "refuses_credits",
    "accounts",
    "credits_today",
}
_MAX_ACCOUNTS: Final = 20
_DOCUMENT_FIELDS: Final = {"type", "number", "issued_on", "valid_to", "status"}
_MAX_PHOTO_BYTES: Final = 4 * 1024 * 1024  # more than the product reads, so that this can be tested
_MAX_BODY_BYTES: Final = _MAX_PHOTO_BYTES * 4 // 3 + 64 * 1024


def routes(people: People) -> tuple[Route, ...]:
    """`POST /people` registers, `POST /people/forget` removes."""

    def register(request: Request) -> Response:
        fields = request.fields()
        only_fields(fields, _FIELDS)
        people.register(_person(fields), _photo(fields))
        return as_json({"registered": True}, status=201)

    def forget(request: Request) -> Response:
        fields = request.fields()
        only_fields(fields, {"iin"})
        return as_json({"forgotten": people.forget(text_field(fields, "iin", limit=64))})

    return (
        Route(
            method="POST",
            path="/people",
            source=SOURCE,
            handle=register,
            max_body_bytes=_MAX_BODY_BYTES,
        ),
        Route(method="POST", path="/people/forget", source=SOURCE, handle=forget),
    )


def stated(fields: object, *, account: str) -> Registered:
    """The person of whom a lender said this, as registers that agree know them. Raises
    `Rejected`.
    """
    if not isinstance(fields, dict):
        raise Rejected(400, "subject must be an object")
    only_fields(fields, {"iin", "surname", "name", "patronymic", "birth_date", "phone", "document"})
    return _person({**fields, "accounts": [account] if account else [GUIDE_ACCOUNT]})


def _person(fields: Mapping[str, Any]) -> Registered:
    return Registered(
        iin=text_field(fields, "iin", limit=64),
        surname=text_field(fields, "surname"),
        name=text_field(fields, "name"),
        patronymic=text_field(fields, "patronymic", default=""),
        birth_date=text_field(fields, "birth_date"),
        life_status=text_field(fields, "life_status", default="alive"),
        document=_document(fields.get("document")),
        phone=text_field(fields, "phone", limit=64),
        photo_source=text_field(fields, "photo_source", default="STATE"),
        consent=text_field(fields, "consent", default="valid"),
        refuses_credits=_flag(fields, "refuses_credits"),
        accounts=_accounts(fields),
        credits_today=text_field(fields, "credits_today", default="0"),
    )


def _flag(fields: Mapping[str, Any], name: str) -> bool:
    value = fields.get(name, False)
    if not isinstance(value, bool):
        raise Rejected(400, f"{name} must be true or false")
    return value


def _accounts(fields: Mapping[str, Any]) -> tuple[str, ...]:
    value = fields.get("accounts", [GUIDE_ACCOUNT])
    if (
        not isinstance(value, list)
        or len(value) > _MAX_ACCOUNTS
        or not all(isinstance(account, str) for account in value)
    ):
        raise Rejected(400, f"accounts must be a list of at most {_MAX_ACCOUNTS} strings")
    return tuple(value)


def _document(value: object) -> dict[str, str | None]:
    if not isinstance(value, dict):
        raise Rejected(400, "document must be an object")
    only_fields(value, _DOCUMENT_FIELDS)
    return {
        "type": text_field(value, "type", default="id_card"),
        "number": text_field(value, "number"),
        "issued_on": _text_or_none(value, "issued_on"),
        "valid_to": _text_or_none(value, "valid_to"),
        "status": text_field(value, "status", default="valid"),
    }


def _text_or_none(fields: Mapping[str, Any], name: str) -> str | None:
    return None if fields.get(name) is None else text_field(fields, name)


def _photo(fields: Mapping[str, Any]) -> bytes | None:
    if fields.get("photo") is None:
        return None
    try:
        photo = b64decode(text_field(fields, "photo", limit=_MAX_BODY_BYTES), validate=True)
    except (Error, ValueError) as error:
        raise Rejected(400, "photo must be base64") from error
    if len(photo) > _MAX_PHOTO_BYTES:
        raise Rejected(413, f"the photo is larger than {_MAX_PHOTO_BYTES} bytes")
    return photo
