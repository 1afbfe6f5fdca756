"""What registers, the consent service, the credit bureau, banks and the SMS gateway answered, read
from the original bytes.

Each reader takes the bytes as they were kept and gives a frozen value, or raises `BadInput` naming
the field, never its content. Whether an answer suffices is for checks to judge; whether a consent
lets somebody be looked up stands here, for sources ask that too. `docs/sandbox.md` writes the
answers down.
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
)  # law.md §3, KDP
WITHOUT_TERMS: Final = ("not_found", "error")
SERVICES: Final = ("person", "photo", "phone")
"""What a consent may allow to be asked."""
LANGUAGES: Final = ("kk", "ru", "en")
CONSENT_MAX_BYTES: Final = 64 * 1024  # of an answer; ours: far above the 1 KB that one is
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
)  # law.md O-21: a picture from anywhere else is no reference
TEXT_MAX_BYTES: Final = (
    64 * 1024
)  # of an answer without a photo; ours: sixteen times a person with twenty documents
PHOTO_MAX_BYTES: Final = (
    2 * 1024 * 1024
)  # of one JPEG; ours: a portrait of a document is about 100 KB
PHOTO_ANSWER_MAX_BYTES: Final = (
    PHOTO_MAX_BYTES * 4 // 3 + 16 * 1024
)  # base64, and the fields around it
_DOCUMENTS_MAX: Final = 20
_DOCUMENT_NUMBER_MAX: Final = 20
_JPEG_BEGIN, _JPEG_END = (
    b"\xff\xd8\xff",
    b"\xff\xd9",
)  # SOI and the first byte of a marker; EOI (ITU-T T.81, B.1.1.3)


@dataclass(frozen=True, kw_only=True)
class ConsentTerms:
    """What was consented to, until when, and which text was shown. `reference` and `lender_bin`:
    for whose request.
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
    """`status` is one of `CONSENT_STATUSES`; there are terms unless it is one of
    `WITHOUT_TERMS`.
    """

    request_id: str
    status: str
    iin: Iin
    terms: ConsentTerms | None


def _heading(answer: StrictObject, statuses: Sequence[str]) -> tuple[str, str, Iin]:
    """What each answer about a person says first: status, id of the question, and about whom."""
    status, request_id = answer.choice("status", statuses), answer.reference("request_id")
    return status, request_id, Iin.parse(answer.text("iin", longest=12))


def parse_consent(untrusted: bytes) -> ConsentAnswer:
    """An answer of the consent service. Raises `BadInput`."""
    answer = read_object(untrusted, max_bytes=CONSENT_MAX_BYTES)
    status, request_id, iin = _heading(answer, CONSENT_STATUSES)
    terms = None
    if status not in WITHOUT_TERMS:
        # What it was given for stands in the answer itself, so that it need not be believed from
        # our question.
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
    """The id to look the person of a case up with at all these services. Raises `ConsentMissing`.

    It must be theirs, hold now for each of them, and be to this very request of this lender, its
    purpose and the text shown.
    """
    terms = consent.terms
    if consent.status != "valid" or terms is None:
        raise ConsentMissing(f"the consent is {consent.status}")
    if consent.iin != case.person.iin:
        raise ConsentMissing("the consent is another person's")
    if at >= terms.expires_at:
        raise ConsentMissing("the consent has run out")
    # One that holds for the person and not for their photo is no consent to the photo.
    if missing := [service for service in services if service not in terms.services]:
        raise ConsentMissing(f"the consent does not cover {missing[0]}")
    if not _is_to(consent, case, text_sha256):
        raise ConsentMissing("the consent is to another request, lender, purpose or text")
    return terms.consent_id


def held_consent_id(
    consent: bytes, shown: bytes, *, services: Sequence[str], case: Case, at: datetime
) -> str | None:
    """The id of `consent_id_to`, of a consent as it was kept; None where it does not hold.

    shown: the borrower's own yes as it was kept, which names the text.
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
    """Return if the consent holds as `consent_id_to` wants it; raises `Refused` with the code of
    why it does not.

    Services say `invalid` of a consent that has run out as of one that was refused; only to this
    very request, and before its time is over, it is a no.
    """
    try:
        consent_id_to(consent, services=services, case=case, text_sha256=text_sha256, at=at)
    except ConsentMissing as missing:
        code = "consent_unanswered"
        # Of an answer about somebody else nothing is concluded about this person.
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
    """Whether its time is over: that nobody could be asked under it is nobody's refusal."""
    return consent.terms is not None and consent.terms.expires_at <= at


def _is_to(consent: ConsentAnswer, case: Case, text_sha256: object) -> bool:
    if (terms := consent.terms) is None:
        return False
    stated = (terms.reference, terms.lender_bin, terms.purpose, terms.text_sha256)
    return stated == (case.verification_id, case.lender.bin, case.purpose, text_sha256)


@dataclass(frozen=True, kw_only=True)
class RegisteredDocument:
    """An identity document as the register has it; `valid_to` is its last day, None where it never
    ends.
    """

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
    """`status` is one of `PHOTO_STATUSES`. If `found`: where the picture is from, and its bytes,
    which begin and end as a JPEG and have the hash that was stated; nobody has decoded them.
    """

    request_id: str
    status: str
    iin: Iin
    source: str = ""
    taken_on: date | None = None
    jpeg: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, kw_only=True)
class OwnershipAnswer:
    """`status` is one of `OWNERSHIP_STATUSES`; `owned_since` is the day the number became the
    person's, if known.
    """

    request_id: str
    status: str
    iin: Iin
    phone: Phone
    owned_since: date | None


def parse_person(untrusted: bytes) -> PersonAnswer:
    """An answer of the person register. Raises `BadInput`."""
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
    """An answer of the photo register. Raises `BadInput`."""
    answer = read_object(untrusted, max_bytes=PHOTO_ANSWER_MAX_BYTES)
    status, request_id, iin = _heading(answer, PHOTO_STATUSES)
    if status != "found":
        answer.finish()
        return PhotoAnswer(request_id=request_id, status=status, iin=iin)
    # Where the picture comes from is part of the law's demand on it: O-21 knows two sources.
    source, taken_on = answer.choice("source", PHOTO_SOURCES), answer.day_or_none("taken_on")
    answer.choice("media_type", ("image/jpeg",))
    digest, jpeg = answer.sha256("sha256"), answer.octets("photo", most=PHOTO_MAX_BYTES)
    if not jpeg.startswith(_JPEG_BEGIN) or not jpeg.endswith(_JPEG_END):
        raise BadInput(
            "the photo does not begin and end as a JPEG", code=MALFORMED, pointer="/photo"
        )
    # A picture cut off on its way would still begin and may still end as a JPEG; its hash tells.
    if hashlib.sha256(jpeg).hexdigest() != digest:
        raise BadInput("the photo has another SHA-256", code=MALFORMED, pointer="/sha256")
    answer.finish()
    return PhotoAnswer(
        request_id=request_id, status=status, iin=iin, source=source, taken_on=taken_on, jpeg=jpeg
    )


def parse_ownership(untrusted: bytes) -> OwnershipAnswer:
    """An answer of the register of phones. Raises `BadInput`."""
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
_ACCOUNT_MAX: Final = 40  # characters, as in an opening
_TIYN: Final = re.compile(r"0|[1-9][0-9]{0,14}")
_TIYN_MAX: Final = 15  # digits: ten trillion tenge


@dataclass(frozen=True, kw_only=True)
class Basis:
    """The borrower's own yes under which others are asked about them: to which text, in which
    language, and when.

    at: RFC 3339.
    """

    version: str
    language: str
    text_sha256: str
    at: str


@dataclass(frozen=True, kw_only=True)
class StopCreditAnswer:
    """`status`: whether the person has refused all credits, one of `STOP_CREDIT_STATUSES`."""

    request_id: str
    status: str
    iin: Iin


@dataclass(frozen=True, kw_only=True)
class AccountAnswer:
    """`status`: whether the account is the person's, one of `ACCOUNT_STATUSES`. Whose it is
    otherwise is not told.
    """

    request_id: str
    status: str
    iin: Iin
    account: str = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class CreditsAnswer:
    """`status` is one of `CREDITS_STATUSES`. If `told`: tiyn that other lenders lent the person
    online, by the day.

    Days are in Almaty (2026-11-24).
    """

    request_id: str
    status: str
    iin: Iin
    tiyn: Mapping[str, int] = field(default_factory=dict, repr=False)


def require_owner(ownership: bytes, *, case: Case) -> str:
    """Since which day the case's number is its person's; empty where the register knows no day.

    The answer repeats number and person: one about another phone or person says nothing of this
    one. Raises `Refused` (phone_owner_mismatch).
    """
    answer = parse_ownership(ownership)
    if (answer.status, answer.iin, answer.phone) != ("owned", case.person.iin, case.person.phone):
        raise Refused("phone_owner_mismatch", f"the register of phones says {answer.status}")
    return answer.owned_since.isoformat() if answer.owned_since else ""


def parse_stop_credit(untrusted: bytes) -> StopCreditAnswer:
    """An answer of the bureau about a person's refusal of all credits. Raises `BadInput`."""
    answer = read_object(untrusted, max_bytes=TEXT_MAX_BYTES)
    status, request_id, iin = _heading(answer, STOP_CREDIT_STATUSES)
    answer.finish()
    return StopCreditAnswer(request_id=request_id, status=status, iin=iin)


def parse_account(untrusted: bytes) -> AccountAnswer:
    """An answer of whoever knows the owners of accounts. Raises `BadInput`."""
    answer = read_object(untrusted, max_bytes=TEXT_MAX_BYTES)
    status, request_id, iin = _heading(answer, ACCOUNT_STATUSES)
    account = answer.text("account", longest=_ACCOUNT_MAX)
    answer.finish()
    return AccountAnswer(request_id=request_id, status=status, iin=iin, account=account)


def parse_credits(untrusted: bytes) -> CreditsAnswer:
    """An answer of the bureau about the credits of some days. Raises `BadInput`."""
    answer = read_object(untrusted, max_bytes=TEXT_MAX_BYTES)
    status, request_id, iin = _heading(answer, CREDITS_STATUSES)
    tiyn: dict[str, int] = {}
    if status == "told":
        credits = answer.object("credits")
        for day in credits.names():
            sum_of_day = credits.text(day, longest=_TIYN_MAX)
            # Digits in one spelling: no sign, no separator, no digit of another script.
            if read_day(day) is None or not _TIYN.fullmatch(sum_of_day):
                detail = "days, each with a whole number of tiyn, are expected"
                raise BadInput(detail, code=MALFORMED, pointer="/credits")
            tiyn[day] = int(sum_of_day)
        if not tiyn:
            raise BadInput("nothing is told of any day", code=MALFORMED, pointer="/credits")
    answer.finish()
    return CreditsAnswer(request_id=request_id, status=status, iin=iin, tiyn=tiyn)


SMS_STATUSES: Final = ("accepted", "refused")
SMS_ANSWER_MAX_BYTES: Final = 16 * 1024  # ours: far above the 200 bytes that one is


@dataclass(frozen=True, kw_only=True)
class SmsAnswer:
    """`status` is one of `SMS_STATUSES`; `message_id` is the gateway's own, empty if it refused the
    number.
    """

    request_id: str
    status: str
    message_id: str


def parse_sms(untrusted: bytes) -> SmsAnswer:
    """An answer of the SMS gateway. Raises `BadInput`."""
    answer = read_object(untrusted, max_bytes=SMS_ANSWER_MAX_BYTES)
    status, request_id = answer.choice("status", SMS_STATUSES), answer.reference("request_id")
    message_id = answer.reference("message_id") if status == "accepted" else ""
    answer.finish()
    return SmsAnswer(request_id=request_id, status=status, message_id=message_id)
