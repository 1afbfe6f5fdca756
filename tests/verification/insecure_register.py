"""A consent service and a register of people in this process: each answers at once, as the lender
stated it.
"""

from dataclasses import dataclass
from typing import Any

from tests.verification.core.answer_samples import CONSENT, CONSENT_ID, PERSON, spelled
from verification.core.answers import ConsentAnswer, PersonAnswer, parse_consent, parse_person
from verification.sources.asking import Fetched
from verification.sources.consent import ConsentReading, ConsentRequest
from verification.sources.person_registry import PersonQuestion


@dataclass
class Asked:
    """The newest request for a consent."""

    request: ConsentRequest | None = None


ASKED = Asked()
KNOWN: dict[str, Any] = {}
"""What the register has otherwise than `answer_samples.PERSON`."""


class InsecureConsent:
    """Everybody says yes, at once."""

    source = "consent"
    names_phone = False

    def fetch(self, question: ConsentRequest | ConsentReading) -> Fetched[ConsentAnswer]:
        """The person is asked, and said yes."""
        if isinstance(question, ConsentRequest):
            ASKED.request = question
        assert ASKED.request is not None
        raw = _consent(ASKED.request, request_id=question.request_id)
        return Fetched(raw=raw, parsed=parse_consent(raw))


class InsecurePeople:
    """Knows the person as `KNOWN` has them."""

    source = "person_registry"

    def fetch(self, question: PersonQuestion) -> Fetched[PersonAnswer]:
        """The person."""
        about = {"iin": question.iin.value, "request_id": question.request_id}
        raw = spelled({**PERSON, **KNOWN, **about})
        return Fetched(raw=raw, parsed=parse_person(raw))


def _consent(wanted: ConsentRequest, *, request_id: str) -> bytes:
    given = {
        "request_id": request_id,
        "iin": wanted.iin.value,
        "consent_id": CONSENT_ID,
        "reference": wanted.reference,
        "lender_bin": wanted.lender_bin,
        "purpose": wanted.purpose,
        "services": list(wanted.services),
        "text_version": wanted.text_version,
        "language": wanted.language,
        "text_sha256": wanted.text_sha256,
        "created_at": "2026-01-01T00:00:00+00:00",
        "expires_at": "2100-01-01T00:00:00+00:00",
    }
    return spelled({**CONSENT, **given})


def sources() -> dict[str, dict[str, str]]:
    """Their place in `TULGA_SOURCES`."""
    return {
        "consent": {"adapter": f"{__name__}.InsecureConsent"},
        "person_registry": {"adapter": f"{__name__}.InsecurePeople"},
    }
