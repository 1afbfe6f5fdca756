"""What the registers, the consent service and the SMS gateway answered, read from their original bytes.

Each reader takes the bytes as they were kept and gives a frozen value, or raises `BadInput` naming the field, never
its content. Whether the answer suffices is for checks to judge. `docs/source-protocol.md` writes the answers down.
"""

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Final

from verification.core.errors import BadInput, ConsentMissing
from verification.core.ids import Iin, Phone
from verification.core.person import DOCUMENT_TYPES, NAME_MAX
from verification.core.strict_json import MALFORMED, StrictObject, read_object

LOOKUP_STATUSES: Final = ("found", "not_found", "consent_refused")
PHOTO_STATUSES: Final = ("found", "not_found", "no_photo", "consent_refused")
OWNERSHIP_STATUSES: Final = ("owned", "owned_by_another", "not_found", "consent_refused")
CONSENT_STATUSES: Final = ("pending", "valid", "invalid", "timeout", "not_found", "error")  # law.md §3, KDP
SMS_STATUSES: Final = ("accepted", "refused")
LIFE_STATUSES: Final = ("alive", "deceased", "unknown")
DOCUMENT_STATUSES: Final = ("valid", "invalid", "lost")
PHOTO_SOURCES: Final = ("STATE", "PROVIDER")  # law.md O-21: a picture from anywhere else is no reference
SERVICES: Final = ("person", "photo", "phone")
"""What a consent may allow to be asked."""

TEXT_MAX_BYTES: Final = 64 * 1024  # of an answer without a photo; ours: sixteen times a person with twenty documents
PHOTO_MAX_BYTES: Final = 2 * 1024 * 1024  # of one JPEG; ours: a portrait of a document is about 100 KB
PHOTO_ANSWER_MAX_BYTES: Final = PHOTO_MAX_BYTES * 4 // 3 + 16 * 1024  # base64, and the fields around it
REFERENCE_MAX: Final = 128  # characters of an id of ours or theirs

_DOCUMENTS_MAX: Final = 20
_DOCUMENT_NUMBER_MAX: Final = 20
_PURPOSE_MAX: Final = 200
_VERSION_MAX: Final = 32
_LANGUAGES: Final = ("kk", "ru", "en")
_REFERENCE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:-]{7,127}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
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


@dataclass(frozen=True, kw_only=True)
class ConsentTerms:
    """What was consented to, until when, and which text was shown."""

    consent_id: str
    purpose: str
    services: tuple[str, ...]
    text_version: str
    language: str
    text_sha256: str
    created_at: datetime
    expires_at: datetime


@dataclass(frozen=True, kw_only=True)
class ConsentAnswer:
    """`status` is one of `CONSENT_STATUSES`; there are terms unless it is `not_found` or `error`."""

    request_id: str
    status: str
    iin: Iin
    terms: ConsentTerms | None


@dataclass(frozen=True, kw_only=True)
class SmsAnswer:
    """`status` is one of `SMS_STATUSES`; `message_id` is the gateway's own, empty if it refused the number."""

    request_id: str
    status: str
    message_id: str


def parse_person(untrusted: bytes) -> PersonAnswer:
    """An answer of the person register. Raises `BadInput`."""
    answer = read_object(untrusted, max_bytes=TEXT_MAX_BYTES)
    status, request_id, iin = answer.choice("status", LOOKUP_STATUSES), _reference(answer, "request_id"), _iin(answer)
    person = _person(answer) if status == "found" else None
    answer.finish()
    return PersonAnswer(request_id=request_id, status=status, iin=iin, person=person)


def parse_photo(untrusted: bytes) -> PhotoAnswer:
    """An answer of the photo register. Raises `BadInput`."""
    answer = read_object(untrusted, max_bytes=PHOTO_ANSWER_MAX_BYTES)
    status, request_id, iin = answer.choice("status", PHOTO_STATUSES), _reference(answer, "request_id"), _iin(answer)
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
    status, request_id = answer.choice("status", OWNERSHIP_STATUSES), _reference(answer, "request_id")
    iin, phone = _iin(answer), Phone.parse(answer.text("phone", longest=12))
    owned_since = answer.day_or_none("owned_since") if status == "owned" else None
    answer.finish()
    return OwnershipAnswer(request_id=request_id, status=status, iin=iin, phone=phone, owned_since=owned_since)


def parse_consent(untrusted: bytes) -> ConsentAnswer:
    """An answer of the consent service. Raises `BadInput`."""
    answer = read_object(untrusted, max_bytes=TEXT_MAX_BYTES)
    status, request_id, iin = answer.choice("status", CONSENT_STATUSES), _reference(answer, "request_id"), _iin(answer)
    terms = None if status in ("not_found", "error") else _terms(answer)
    answer.finish()
    return ConsentAnswer(request_id=request_id, status=status, iin=iin, terms=terms)


def parse_sms(untrusted: bytes) -> SmsAnswer:
    """An answer of the SMS gateway. Raises `BadInput`."""
    answer = read_object(untrusted, max_bytes=TEXT_MAX_BYTES)
    status, request_id = answer.choice("status", SMS_STATUSES), _reference(answer, "request_id")
    message_id = _reference(answer, "message_id") if status == "accepted" else ""
    answer.finish()
    return SmsAnswer(request_id=request_id, status=status, message_id=message_id)


def consent_id_for(consent: ConsentAnswer, *, service: str, iin: Iin, at: datetime) -> str:
    """The id to look somebody up with. Raises `ConsentMissing` unless it is theirs and holds now for this service."""
    terms = consent.terms
    if consent.status != "valid" or terms is None:
        raise ConsentMissing(f"the consent is {consent.status}")
    if consent.iin != iin:
        raise ConsentMissing("the consent is another person's")
    if not terms.created_at <= at < terms.expires_at:
        raise ConsentMissing("the consent has run out or has not begun")
    if service not in terms.services:
        raise ConsentMissing(f"the consent does not cover {service}")
    return terms.consent_id


def is_reference(untrusted: str) -> bool:
    """Whether a string has the form of an id that stands in questions and answers: 8 to 128 of A-Z a-z 0-9 _ . : -."""
    return _REFERENCE.fullmatch(untrusted) is not None


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


def _terms(answer: StrictObject) -> ConsentTerms:
    return ConsentTerms(
        consent_id=_reference(answer, "consent_id"),
        purpose=answer.text("purpose", longest=_PURPOSE_MAX),
        services=answer.choices("services", SERVICES),
        text_version=answer.text("text_version", longest=_VERSION_MAX),
        language=answer.choice("language", _LANGUAGES),
        text_sha256=_sha256(answer, "text_sha256"),
        created_at=answer.moment("created_at"),
        expires_at=answer.moment("expires_at"),
    )


def _jpeg(answer: StrictObject) -> bytes:
    digest = _sha256(answer, "sha256")
    try:
        jpeg = base64.b64decode(answer.text("photo", longest=PHOTO_ANSWER_MAX_BYTES), validate=True)
    except (binascii.Error, ValueError):
        raise BadInput("not base64", code=MALFORMED, pointer="/photo") from None
    if len(jpeg) > PHOTO_MAX_BYTES:
        raise BadInput(f"a photo of more than {PHOTO_MAX_BYTES} bytes", code=MALFORMED, pointer="/photo")
    if not jpeg.startswith(_JPEG_BEGIN) or not jpeg.endswith(_JPEG_END):
        raise BadInput("the photo does not begin and end as a JPEG", code=MALFORMED, pointer="/photo")
    if hashlib.sha256(jpeg).hexdigest() != digest:
        raise BadInput("the photo has another SHA-256", code=MALFORMED, pointer="/sha256")
    return jpeg


def _reference(answer: StrictObject, name: str) -> str:
    value = answer.text(name, longest=REFERENCE_MAX)
    if not is_reference(value):
        raise BadInput("8 to 128 of A-Z a-z 0-9 _ . : - are expected", code=MALFORMED, pointer=f"/{name}")
    return value


def _sha256(answer: StrictObject, name: str) -> str:
    value = answer.text(name, longest=64)
    if not _SHA256.fullmatch(value):
        raise BadInput("64 hexadecimal digits are expected", code=MALFORMED, pointer=f"/{name}")
    return value


def _iin(answer: StrictObject) -> Iin:
    return Iin.parse(answer.text("iin", longest=12))
