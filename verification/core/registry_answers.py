"""What the registers of people, photos and phones answered, read from the original bytes.

Each reader takes the bytes as they were kept and gives a frozen value, or raises `BadInput` naming the field, never
its content. Whether the answer suffices is for checks to judge. `docs/sandbox.md` writes the answers down.
"""

import hashlib
from dataclasses import dataclass, field
from datetime import date
from typing import Final

from verification.core.errors import BadInput
from verification.core.ids import Iin, Phone
from verification.core.person import DOCUMENT_TYPES, NAME_MAX
from verification.core.strict_json import MALFORMED, StrictObject, read_object

LOOKUP_STATUSES: Final = ("found", "not_found", "consent_refused")
PHOTO_STATUSES: Final = ("found", "not_found", "no_photo", "consent_refused")
OWNERSHIP_STATUSES: Final = ("owned", "owned_by_another", "not_found", "consent_refused")
LIFE_STATUSES: Final = ("alive", "deceased", "unknown")
DOCUMENT_STATUSES: Final = ("valid", "invalid", "lost")
PHOTO_SOURCES: Final = ("STATE", "PROVIDER")  # law.md O-21: a picture from anywhere else is no reference

TEXT_MAX_BYTES: Final = 64 * 1024  # of an answer without a photo; ours: sixteen times a person with twenty documents
PHOTO_MAX_BYTES: Final = 2 * 1024 * 1024  # of one JPEG; ours: a portrait of a document is about 100 KB
PHOTO_ANSWER_MAX_BYTES: Final = PHOTO_MAX_BYTES * 4 // 3 + 16 * 1024  # base64, and the fields around it

_DOCUMENTS_MAX: Final = 20
_DOCUMENT_NUMBER_MAX: Final = 20
_JPEG_BEGIN, _JPEG_END = b"\xff\xd8\xff", b"\xff\xd9"


@dataclass(frozen=True, kw_only=True)
class RegisteredDocument:
    """An identity document as the register has it; `valid_to` is its last day, None where it never ends."""

    type: str
    number: str = field(repr=False)
    issued_on: date | None
    valid_to: date | None
    status: str


@dataclass(frozen=True, kw_only=True)
class RegisteredPerson:
    """A person as the register has them: names in its own spelling, not normalised."""

    surname: str = field(repr=False)
    name: str = field(repr=False)
    patronymic: str = field(repr=False)
    birth_date: date = field(repr=False)
    life_status: str
    documents: tuple[RegisteredDocument, ...]


@dataclass(frozen=True, kw_only=True)
class PersonAnswer:
    """`status` is one of `LOOKUP_STATUSES`; there is a person exactly if it is `found`."""

    request_id: str
    status: str
    iin: Iin
    person: RegisteredPerson | None


@dataclass(frozen=True, kw_only=True)
class PhotoAnswer:
    """`status` is one of `PHOTO_STATUSES`. If `found`: where the picture is from, and its bytes, which begin and end
    as a JPEG and have the hash that was stated; nobody has decoded them."""

    request_id: str
    status: str
    iin: Iin
    source: str = ""
    taken_on: date | None = None
    jpeg: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, kw_only=True)
class OwnershipAnswer:
    """`status` is one of `OWNERSHIP_STATUSES`; `owned_since` is the day the number became the person's, if known."""

    request_id: str
    status: str
    iin: Iin
    phone: Phone
    owned_since: date | None


def parse_person(untrusted: bytes) -> PersonAnswer:
    """An answer of the person register. Raises `BadInput`."""
    answer = read_object(untrusted, max_bytes=TEXT_MAX_BYTES)
    status, request_id, iin = answer.choice("status", LOOKUP_STATUSES), answer.reference("request_id"), _iin(answer)
    person = _person(answer) if status == "found" else None
    answer.finish()
    return PersonAnswer(request_id=request_id, status=status, iin=iin, person=person)


def parse_photo(untrusted: bytes) -> PhotoAnswer:
    """An answer of the photo register. Raises `BadInput`."""
    answer = read_object(untrusted, max_bytes=PHOTO_ANSWER_MAX_BYTES)
    status, request_id, iin = answer.choice("status", PHOTO_STATUSES), answer.reference("request_id"), _iin(answer)
    if status != "found":
        answer.finish()
        return PhotoAnswer(request_id=request_id, status=status, iin=iin)
    source, taken_on = answer.choice("source", PHOTO_SOURCES), answer.day_or_none("taken_on")
    answer.choice("media_type", ("image/jpeg",))
    jpeg = _jpeg(answer)
    answer.finish()
    return PhotoAnswer(request_id=request_id, status=status, iin=iin, source=source, taken_on=taken_on, jpeg=jpeg)


def parse_ownership(untrusted: bytes) -> OwnershipAnswer:
    """An answer of the register of phones. Raises `BadInput`."""
    answer = read_object(untrusted, max_bytes=TEXT_MAX_BYTES)
    status, request_id = answer.choice("status", OWNERSHIP_STATUSES), answer.reference("request_id")
    iin, phone = _iin(answer), Phone.parse(answer.text("phone", longest=12))
    owned_since = answer.day_or_none("owned_since") if status == "owned" else None
    answer.finish()
    return OwnershipAnswer(request_id=request_id, status=status, iin=iin, phone=phone, owned_since=owned_since)


def _person(answer: StrictObject) -> RegisteredPerson:
    return RegisteredPerson(
        surname=answer.text("surname", longest=NAME_MAX),
        name=answer.text("name", longest=NAME_MAX),
        patronymic=answer.text("patronymic", longest=NAME_MAX, shortest=0),
        birth_date=answer.day("birth_date"),
        life_status=answer.choice("life_status", LIFE_STATUSES),
        documents=tuple(_document(entry) for entry in answer.objects("documents", most=_DOCUMENTS_MAX)),
    )


def _document(entry: StrictObject) -> RegisteredDocument:
    document = RegisteredDocument(
        type=entry.choice("type", DOCUMENT_TYPES),
        number=entry.text("number", longest=_DOCUMENT_NUMBER_MAX),
        issued_on=entry.day_or_none("issued_on"),
        valid_to=entry.day_or_none("valid_to"),
        status=entry.choice("status", DOCUMENT_STATUSES),
    )
    entry.finish()
    return document


def _jpeg(answer: StrictObject) -> bytes:
    digest, jpeg = answer.sha256("sha256"), answer.octets("photo", most=PHOTO_MAX_BYTES)
    if not jpeg.startswith(_JPEG_BEGIN) or not jpeg.endswith(_JPEG_END):
        raise BadInput("the photo does not begin and end as a JPEG", code=MALFORMED, pointer="/photo")
    if hashlib.sha256(jpeg).hexdigest() != digest:
        raise BadInput("the photo has another SHA-256", code=MALFORMED, pointer="/sha256")
    return jpeg


def _iin(answer: StrictObject) -> Iin:
    return Iin.parse(answer.text("iin", longest=12))
