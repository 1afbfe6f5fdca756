"""A consent service and a register of people in this process: each answers at once, as the lender
stated it.
"""

from dataclasses import dataclass
from typing import Any

from tests.verification.core.answer_samples import CONSENT, CONSENT_ID, PERSON, spelled
from verification.core.ids import Iin
from verification.sources.consent import ConsentRequest


@dataclass
class Asked:
    """The newest request for a consent."""

    request: ConsentRequest | None = None


ASKED = Asked()
KNOWN: dict[str, Any] = {}
"""What the register has otherwise than `answer_samples.PERSON`."""


class InsecureConsent:
    """Everybody says yes, at once."""

    names_phone = False

    def request(self, wanted: ConsentRequest) -> bytes:
        """The person is asked."""
        ASKED.request = wanted
        return _consent(wanted, request_id=wanted.request_id)

    def read(self, consent_id: str, *, iin: Iin, request_id: str) -> bytes:
        """The same."""
        assert ASKED.request is not None
        return _consent(ASKED.request, request_id=request_id)


class InsecurePeople:
    """Knows the person as `KNOWN` has them."""

    def person(self, iin: Iin, *, consent_id: str, request_id: str) -> bytes:
        """The person."""
        return spelled({**PERSON, **KNOWN, "iin": iin.value, "request_id": request_id})


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
