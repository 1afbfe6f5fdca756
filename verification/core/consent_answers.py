"""What the consent service answered, read from the original bytes; and the id that lets somebody be looked up."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from verification.core.errors import ConsentMissing
from verification.core.ids import Iin
from verification.core.person import Case
from verification.core.strict_json import read_object

CONSENT_STATUSES: Final = ("pending", "valid", "invalid", "timeout", "not_found", "error")  # law.md §3, KDP
WITHOUT_TERMS: Final = ("not_found", "error")
SERVICES: Final = ("person", "photo", "phone")
"""What a consent may allow to be asked."""
LANGUAGES: Final = ("kk", "ru", "en")

CONSENT_MAX_BYTES: Final = 64 * 1024  # of an answer; ours: far above the 1 KB that one is
PURPOSE_MAX: Final = 200  # characters
VERSION_MAX: Final = 32  # characters
BIN_LENGTH: Final = 12  # characters of a lender's business number


@dataclass(frozen=True, kw_only=True)
class ConsentTerms:
    """What was consented to, until when, and which text was shown. `reference` and `lender_bin`: for whose request."""

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
    """`status` is one of `CONSENT_STATUSES`; there are terms unless it is one of `WITHOUT_TERMS`."""

    request_id: str
    status: str
    iin: Iin
    terms: ConsentTerms | None


def parse_consent(untrusted: bytes) -> ConsentAnswer:
    """An answer of the consent service. Raises `BadInput`."""
    answer = read_object(untrusted, max_bytes=CONSENT_MAX_BYTES)
    status, request_id = answer.choice("status", CONSENT_STATUSES), answer.reference("request_id")
    iin, terms = Iin.parse(answer.text("iin", longest=12)), None
    if status not in WITHOUT_TERMS:
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


def consent_id_for(consent: ConsentAnswer, *, service: str, iin: Iin, at: datetime) -> str:
    """The id to look somebody up with. Raises `ConsentMissing` unless it is theirs and holds now for this service."""
    terms = consent.terms
    if consent.status != "valid" or terms is None:
        raise ConsentMissing(f"the consent is {consent.status}")
    if consent.iin != iin:
        raise ConsentMissing("the consent is another person's")
    if at >= terms.expires_at:
        raise ConsentMissing("the consent has run out")
    if service not in terms.services:
        raise ConsentMissing(f"the consent does not cover {service}")
    return terms.consent_id


def consent_id_to(
    consent: ConsentAnswer, *, services: Sequence[str], case: Case, text_sha256: object, at: datetime
) -> str:
    """The id to look the person of a case up with at all these services. Raises `ConsentMissing`.

    It must hold for each of them, and be to this very request of this lender, its purpose and the text shown.
    """
    ids = {consent_id_for(consent, service=service, iin=case.person.iin, at=at) for service in services}
    if not _is_to(consent, case, text_sha256):
        raise ConsentMissing("the consent is to another request, lender, purpose or text")
    return ids.pop()


def why_missing(consent: ConsentAnswer, *, case: Case, text_sha256: object, at: datetime) -> str:
    """The code of `core/reasons.py` for a consent that does not hold.

    Services say `invalid` of a consent that has run out as of one that was refused; only to this very request, and
    before its time is over, it is a no.
    """
    if consent.iin != case.person.iin:
        return "consent_unanswered"
    if consent.status == "not_found":
        return "registry_mismatch"
    has_run_out = consent.terms is not None and consent.terms.expires_at <= at
    is_no = consent.status == "invalid" and not has_run_out and _is_to(consent, case, text_sha256)
    return "consent_declined" if is_no else "consent_unanswered"


def _is_to(consent: ConsentAnswer, case: Case, text_sha256: object) -> bool:
    terms = consent.terms
    if terms is None:
        return False
    said = (terms.reference, terms.lender_bin, terms.purpose, terms.text_sha256)
    return said == (case.verification_id, case.lender.bin, case.purpose, text_sha256)
