"""Parsers for the answers of registers, the consent service, the credit bureau, banks and the SMS
gateway.

Each parser takes the original bytes and returns a frozen value.
A parser raises `BadInput` with the field's name, never its content.
Checks judge whether an answer suffices. Whether a consent permits a look-up is judged here, because
sources need it too.
`docs/operator/sources.md` describes the answers.
"""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Final

from verification.core.errors import BadInput, ConsentMissing, Refused
from verification.core.ids import NAME_MAX, Iin, Phone
from verification.core.opening import DOCUMENT_TYPES
from verification.core.person import Case
from verification.core.strict_json import MALFORMED, StrictObject, read_day, read_object

CONSENT_STATUSES: Final = (
    "pending",
    "valid",
    "invalid",
    "timeout",
    "not_found",
    "error",
)  # the states of a consent at the state's service
WITHOUT_TERMS: Final = ("not_found", "error")
SERVICES: Final = ("person", "photo", "phone")
"""The look-ups that a consent can permit."""
LANGUAGES: Final = ("kk", "ru", "en")
CONSENT_MAX_BYTES: Final = 64 * 1024  # of an answer; ours: far above its usual 1 KB
PURPOSE_MAX: Final = 200  # characters
VERSION_MAX: Final = 32  # characters
BIN_LENGTH: Final = 12  # characters of a lender's business number
LOOKUP_STATUSES: Final = ("found", "not_found", "consent_refused")
PHOTO_STATUSES: Final = ("found", "not_found", "no_photo", "consent_refused")
OWNERSHIP_STATUSES: Final = ("owned", "owned_by_another", "not_found", "consent_refused")
LIFE_STATUSES: Final = ("alive", "deceased", "unknown")
DOCUMENT_STATUSES: Final = ("valid", "invalid", "lost")
PHOTO_SOURCES: Final = (
    "STATE",
    "PROVIDER",
)  # law: O-21: a picture from any other source is no reference
TEXT_MAX_BYTES: Final = (
    64 * 1024
)  # of an answer without a photo; ours: sixteen times the size for a person with twenty documents
PHOTO_MAX_BYTES: Final = 2 * 1024 * 1024  # of one JPEG; ours: a document portrait has about 100 KB
PHOTO_ANSWER_MAX_BYTES: Final = PHOTO_MAX_BYTES * 4 // 3 + 16 * 1024  # base64, and the other fields
_DOCUMENTS_MAX: Final = 20
_DOCUMENT_NUMBER_MAX: Final = 20
_JPEG_BEGIN, _JPEG_END = (
    b"\xff\xd8\xff",
    b"\xff\xd9",
)  # SOI and the first byte of a marker; EOI (ITU-T T.81, B.1.1.3)


@dataclass(frozen=True, kw_only=True)
class ConsentTerms:
    """The scope of a consent, its expiry, and the text that was shown.

    `reference` and `lender_bin` identify the request it belongs to.
    """

    consent_id: str
    reference: str
    lender_bin: str
    purpose: str
    services: tuple[str, ...]
    text_version: str
    language: str
    text_sha256: str
    created_at: datetime
    expires_at: datetime


@dataclass(frozen=True, kw_only=True)
class ConsentAnswer:
    """The consent service's answer.

    `status` is one of `CONSENT_STATUSES`. Terms are present unless it is one of `WITHOUT_TERMS`.
    """

    request_id: str
    status: str
    iin: Iin
    terms: ConsentTerms | None


def _heading(answer: StrictObject, statuses: Sequence[str]) -> tuple[str, str, Iin]:
    """The common head of each answer about a person: status, question id and subject."""
    status, request_id = answer.choice("status", statuses), answer.reference("request_id")
    return status, request_id, Iin.parse(answer.text("iin", longest=12))


def parse_consent(untrusted: bytes) -> ConsentAnswer:
    """The consent service's answer.

    Raises: `BadInput`.
    """
    answer = read_object(untrusted, max_bytes=CONSENT_MAX_BYTES)
    status, request_id, iin = _heading(answer, CONSENT_STATUSES)
    terms = None
    if status not in WITHOUT_TERMS:
        # Take the terms from the answer itself, so that they do not depend on our question.
        terms = ConsentTerms(
            consent_id=answer.reference("consent_id"),
            reference=answer.reference("reference"),
            lender_bin=answer.text("lender_bin", longest=BIN_LENGTH, shortest=BIN_LENGTH),
            purpose=answer.text("purpose", longest=PURPOSE_MAX),
            services=answer.choices("services", SERVICES),
            text_version=answer.text("text_version", longest=VERSION_MAX),
            language=answer.choice("language", LANGUAGES),
            text_sha256=answer.sha256("text_sha256"),
            created_at=answer.moment("created_at"),
            expires_at=answer.moment("expires_at"),
        )
    answer.finish()
    return ConsentAnswer(request_id=request_id, status=status, iin=iin, terms=terms)


def consent_id_to(
    consent: ConsentAnswer,
    *,
    services: Sequence[str],
    case: Case,
    text_sha256: object,
    at: datetime,
) -> str:
    """The consent id under which these services may look up the person of a case.

    The consent must name this person, be unexpired, and cover each service.
    It must also match the request, lender, purpose and text shown.

    Raises: `ConsentMissing`.
    """
    terms = consent.terms
    if consent.status != "valid" or terms is None:
        raise ConsentMissing(f"the consent is {consent.status}")
    if consent.iin != case.person.iin:
        raise ConsentMissing("the consent is another person's")
    if at >= terms.expires_at:
        raise ConsentMissing("the consent has run out")
    # A consent to a look-up of the person does not cover their photo.
    if missing := [service for service in services if service not in terms.services]:
        raise ConsentMissing(f"the consent does not cover {missing[0]}")
    if not _is_to(consent, case, text_sha256):
        raise ConsentMissing("the consent is to another request, lender, purpose or text")
    return terms.consent_id


def held_consent_id(
    consent: bytes, shown: bytes, *, services: Sequence[str], case: Case, at: datetime
) -> str | None:
    """The id from `consent_id_to` for a stored consent; None if the consent does not hold.

    shown: the borrower's stored agreement, which names the text.
    """
    answer, text_sha256 = parse_consent(consent), json.loads(shown)["text_sha256"]
    try:
        return consent_id_to(answer, services=services, case=case, text_sha256=text_sha256, at=at)
    except ConsentMissing:
        return None


def require_consent(
    consent: ConsentAnswer,
    *,
    services: Sequence[str],
    case: Case,
    text_sha256: object,
    at: datetime,
) -> None:
    """Return if the consent holds under the rules of `consent_id_to`.

    A service reports `invalid` both for an expired consent and for a refused one.
    It counts as a refusal only for this request and before its expiry.

    Raises: `Refused` with the code of the defect.
    """
    try:
        consent_id_to(consent, services=services, case=case, text_sha256=text_sha256, at=at)
    except ConsentMissing as missing:
        code = "consent_unanswered"
        # An answer about another person supports no conclusion about this person.
        if consent.iin == case.person.iin and consent.status == "not_found":
            code = "person_unknown"
        elif (
            consent.iin == case.person.iin
            and consent.status == "invalid"
            and not has_run_out(consent, at=at)
        ):
            code = "consent_declined" if _is_to(consent, case, text_sha256) else code
        raise Refused(code, missing.detail) from missing


def has_run_out(consent: ConsentAnswer, *, at: datetime) -> bool:
    """Whether the consent has expired. An expired consent without a look-up is not the person's
    refusal.
    """
    return consent.terms is not None and consent.terms.expires_at <= at


def _is_to(consent: ConsentAnswer, case: Case, text_sha256: object) -> bool:
    if (terms := consent.terms) is None:
        return False
    stated = (terms.reference, terms.lender_bin, terms.purpose, terms.text_sha256)
    return stated == (case.verification_id, case.lender.bin, case.purpose, text_sha256)


@dataclass(frozen=True, kw_only=True)
class RegisteredDocument:
    """A registered identity document; `valid_to` is its last day, None if it never expires."""

    type: str
    number: str = field(repr=False)
    issued_on: date | None
    valid_to: date | None
    status: str


@dataclass(frozen=True, kw_only=True)
class RegisteredPerson:
    """A person in the register, with names in the register's spelling, not normalised."""

    surname: str = field(repr=False)
    name: str = field(repr=False)
    patronymic: str = field(repr=False)
    birth_date: date = field(repr=False)
    life_status: str
    documents: tuple[RegisteredDocument, ...]


@dataclass(frozen=True, kw_only=True)
class PersonAnswer:
    """`status` is one of `LOOKUP_STATUSES`; a person is present exactly if it is `found`."""

    request_id: str
    status: str
    iin: Iin
    person: RegisteredPerson | None


@dataclass(frozen=True, kw_only=True)
class PhotoAnswer:
    """`status` is one of `PHOTO_STATUSES`. If `found`, the answer has the picture's source and
    bytes.

    The bytes have the stated hash and a JPEG's start and end markers; they are not decoded yet.
    """

    request_id: str
    status: str
    iin: Iin
    source: str = ""
    taken_on: date | None = None
    jpeg: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, kw_only=True)
class OwnershipAnswer:
    """`status` is one of `OWNERSHIP_STATUSES`.

    owned_since: the day on which the person became the number's owner, if known.
    """

    request_id: str
    status: str
    iin: Iin
    phone: Phone
    owned_since: date | None


def parse_person(untrusted: bytes) -> PersonAnswer:
    """The person register's answer.

    Raises: `BadInput`.
    """
    answer = read_object(untrusted, max_bytes=TEXT_MAX_BYTES)
    status, request_id, iin = _heading(answer, LOOKUP_STATUSES)
    person, documents = None, list[RegisteredDocument]()
    if status == "found":
        for entry in answer.objects("documents", most=_DOCUMENTS_MAX):
            document = RegisteredDocument(
                type=entry.choice("type", DOCUMENT_TYPES),
                number=entry.text("number", longest=_DOCUMENT_NUMBER_MAX),
                issued_on=entry.day_or_none("issued_on"),
                valid_to=entry.day_or_none("valid_to"),
                status=entry.choice("status", DOCUMENT_STATUSES),
            )
            entry.finish()
            documents.append(document)
        person = RegisteredPerson(
            surname=answer.text("surname", longest=NAME_MAX),
            name=answer.text("name", longest=NAME_MAX),
            patronymic=answer.text("patronymic", longest=NAME_MAX, shortest=0),
            birth_date=answer.day("birth_date"),
            life_status=answer.choice("life_status", LIFE_STATUSES),
            documents=tuple(documents),
        )
    answer.finish()
    return PersonAnswer(request_id=request_id, status=status, iin=iin, person=person)


def parse_photo(untrusted: bytes) -> PhotoAnswer:
    """The photo register's answer.

    Raises: `BadInput`.
    """
    answer = read_object(untrusted, max_bytes=PHOTO_ANSWER_MAX_BYTES)
    status, request_id, iin = _heading(answer, PHOTO_STATUSES)
    if status != "found":
        answer.finish()
        return PhotoAnswer(request_id=request_id, status=status, iin=iin)
    # The law restricts the picture's source: O-21 permits two.
    source, taken_on = answer.choice("source", PHOTO_SOURCES), answer.day_or_none("taken_on")
    answer.choice("media_type", ("image/jpeg",))
    digest, jpeg = answer.sha256("sha256"), answer.octets("photo", most=PHOTO_MAX_BYTES)
    if not jpeg.startswith(_JPEG_BEGIN) or not jpeg.endswith(_JPEG_END):
        raise BadInput(
            "the photo does not begin and end as a JPEG", code=MALFORMED, pointer="/photo"
        )
    # A truncated picture starts, and may end, like a JPEG; only its hash reveals the cut.
    if hashlib.sha256(jpeg).hexdigest() != digest:
        raise BadInput("the photo has another SHA-256", code=MALFORMED, pointer="/sha256")
    answer.finish()
    return PhotoAnswer(
        request_id=request_id, status=status, iin=iin, source=source, taken_on=taken_on, jpeg=jpeg
    )


def parse_ownership(untrusted: bytes) -> OwnershipAnswer:
    """The phone register's answer.

    Raises: `BadInput`.
    """
    answer = read_object(untrusted, max_bytes=TEXT_MAX_BYTES)
    status, request_id, iin = _heading(answer, OWNERSHIP_STATUSES)
    phone = Phone.parse(answer.text("phone", longest=12))
    owned_since = answer.day_or_none("owned_since") if status == "owned" else None
    answer.finish()
    return OwnershipAnswer(
        request_id=request_id, status=status, iin=iin, phone=phone, owned_since=owned_since
    )


STOP_CREDIT_STATUSES: Final = ("refused", "not_refused", "consent_refused")
ACCOUNT_STATUSES: Final = ("owned", "owned_by_another", "not_found", "consent_refused")
CREDITS_STATUSES: Final = ("told", "consent_refused")
_ACCOUNT_MAX: Final = 40  # characters, as in the opening request
_TIYN: Final = re.compile(r"0|[1-9][0-9]{0,14}")
_TIYN_MAX: Final = 15  # digits: ten trillion tenge


@dataclass(frozen=True, kw_only=True)
class Basis:
    """The borrower's agreement to these look-ups: text, language and time.

    at: RFC 3339.
    """

    version: str
    language: str
    text_sha256: str
    at: str


@dataclass(frozen=True, kw_only=True)
class StopCreditAnswer:
    """`status`: whether the person has registered a refusal of all credits, one of
    `STOP_CREDIT_STATUSES`.
    """

    request_id: str
    status: str
    iin: Iin


@dataclass(frozen=True, kw_only=True)
class AccountAnswer:
    """`status`: whether the account is the person's, one of `ACCOUNT_STATUSES`. It never names
    another owner.
    """

    request_id: str
    status: str
    iin: Iin
    account: str = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class CreditsAnswer:
    """`status` is one of `CREDITS_STATUSES`. If `told`: the person's online loans from other
    lenders, in tiyn per day.

    Days are in Almaty (2026-11-24).
    """

    request_id: str
    status: str
    iin: Iin
    tiyn: Mapping[str, int] = field(default_factory=dict, repr=False)


def require_owner(ownership: bytes, *, case: Case) -> str:
    """The day since which the case's number belongs to its person; empty if the register has no
    date.

    The answer repeats number and person; an answer about another phone or person does not count.

    Raises: `Refused` (phone_owner_mismatch).
    """
    answer = parse_ownership(ownership)
    if (answer.status, answer.iin, answer.phone) != ("owned", case.person.iin, case.person.phone):
        raise Refused("phone_owner_mismatch", f"the register of phones says {answer.status}")
    return answer.owned_since.isoformat() if answer.owned_since else ""


def parse_stop_credit(untrusted: bytes) -> StopCreditAnswer:
    """The credit bureau's answer about a person's refusal of all credits.

    Raises: `BadInput`.
    """
    answer = read_object(untrusted, max_bytes=TEXT_MAX_BYTES)
    status, request_id, iin = _heading(answer, STOP_CREDIT_STATUSES)
    answer.finish()
    return StopCreditAnswer(request_id=request_id, status=status, iin=iin)


def parse_account(untrusted: bytes) -> AccountAnswer:
    """An answer about the owner of an account.

    Raises: `BadInput`.
    """
    answer = read_object(untrusted, max_bytes=TEXT_MAX_BYTES)
    status, request_id, iin = _heading(answer, ACCOUNT_STATUSES)
    account = answer.text("account", longest=_ACCOUNT_MAX)
    answer.finish()
    return AccountAnswer(request_id=request_id, status=status, iin=iin, account=account)


def parse_credits(untrusted: bytes) -> CreditsAnswer:
    """The credit bureau's answer about the credits of some days.

    Raises: `BadInput`.
    """
    answer = read_object(untrusted, max_bytes=TEXT_MAX_BYTES)
    status, request_id, iin = _heading(answer, CREDITS_STATUSES)
    tiyn: dict[str, int] = {}
    if status == "told":
        credits = answer.object("credits")
        for day in credits.names():
            sum_of_day = credits.text(day, longest=_TIYN_MAX)
            # ASCII digits only: no sign, no separator, no digit of another script.
            if read_day(day) is None or not _TIYN.fullmatch(sum_of_day):
                detail = "days, each with a whole number of tiyn, are expected"
                raise BadInput(detail, code=MALFORMED, pointer="/credits")
            tiyn[day] = int(sum_of_day)
        if not tiyn:
            raise BadInput("nothing is told of any day", code=MALFORMED, pointer="/credits")
    answer.finish()
    return CreditsAnswer(request_id=request_id, status=status, iin=iin, tiyn=tiyn)


SMS_STATUSES: Final = ("accepted", "refused")
SMS_ANSWER_MAX_BYTES: Final = 16 * 1024  # ours: far above its usual 200 bytes


@dataclass(frozen=True, kw_only=True)
class SmsAnswer:
    """`status` is one of `SMS_STATUSES`.

    message_id: the gateway's id, empty if it refused the number.
    """

    request_id: str
    status: str
    message_id: str


def parse_sms(untrusted: bytes) -> SmsAnswer:
    """The SMS gateway's answer.

    Raises: `BadInput`.
    """
    answer = read_object(untrusted, max_bytes=SMS_ANSWER_MAX_BYTES)
    status, request_id = answer.choice("status", SMS_STATUSES), answer.reference("request_id")
    message_id = answer.reference("message_id") if status == "accepted" else ""
    answer.finish()
    return SmsAnswer(request_id=request_id, status=status, message_id=message_id)
