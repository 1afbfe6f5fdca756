"""What the consent service answered, read from the original bytes; and the id that lets somebody be looked up."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from verification.core.errors import ConsentMissing
from verification.core.ids import Iin
from verification.core.strict_json import read_object

CONSENT_STATUSES: Final = ("pending", "valid", "invalid", "timeout", "not_found", "error")  # law.md §3, KDP
WITHOUT_TERMS: Final = ("not_found", "error")
SERVICES: Final = ("person", "photo", "phone")
"""What a consent may allow to be asked."""
LANGUAGES: Final = ("kk", "ru", "en")

CONSENT_MAX_BYTES: Final = 64 * 1024  # of an answer; ours: far above the 1 KB that one is
PURPOSE_MAX: Final = 200  # characters
VERSION_MAX: Final = 32  # characters


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
