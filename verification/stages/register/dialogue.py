"""Under which kinds the answers of the consent service and of the register of people are kept."""

from typing import Final

from verification.core.answers import parse_consent
from verification.core.route import ONCE, Evidence

# The borrower's own yes, before any of this, and the wording they said it to.
SHOWN: Final = "consent.answer"
CONSENT_REQUEST: Final = f"{ONCE}consent_request"
"""What the consent service said when it was asked to ask the person."""
CONSENT: Final = f"{ONCE}consent"
"""What became of that consent, as it was read once the borrower had done their part."""
ASKED: Final = f"{ONCE}asked"
"""To what the person was asked to consent, and whether the service was given the phone that the
lender stated.
"""
PERSON: Final = f"{ONCE}person"


def plain_number(number: str) -> str:
    """The number of a document in one form: capitals, no blanks."""
    return "".join(number.split()).upper()


def is_open(evidence: Evidence) -> bool:
    """Whether the state's message still waits for the person's answer, as far as was read."""
    raw = evidence.items.get(CONSENT_REQUEST)
    return raw is not None and parse_consent(raw).status == "pending" and not is_read(evidence)


def is_read(evidence: Evidence) -> bool:
    """Whether it was read what became of the newest consent that was asked for."""
    requested, read = evidence.items.get(CONSENT_REQUEST), evidence.items.get(CONSENT)
    if requested is None or read is None:
        return False
    asked_for, came = parse_consent(requested).terms, parse_consent(read).terms
    return asked_for is None or came is None or asked_for.consent_id == came.consent_id
