"""Evidence kinds for the answers of the consent service and of the register of people."""

from typing import Final

from verification.core.answers import parse_consent
from verification.core.route import ONCE, Evidence

# The borrower's earlier agreement, and its wording.
SHOWN: Final = "consent.answer"
CONSENT_REQUEST: Final = f"{ONCE}consent_request"
"""The consent service's answer to the request."""
CONSENT: Final = f"{ONCE}consent"
"""The state of that consent, read after the borrower's part."""
ASKED: Final = f"{ONCE}asked"
"""The scope of the requested consent, and whether the service got the lender's phone number."""
PERSON: Final = f"{ONCE}person"


def plain_number(number: str) -> str:
    """The number of a document in canonical form: capitals, no blanks."""
    return "".join(number.split()).upper()


def is_open(evidence: Evidence) -> bool:
    """Whether the state's message still awaits the person's answer, as last read."""
    raw = evidence.items.get(CONSENT_REQUEST)
    return raw is not None and parse_consent(raw).status == "pending" and not is_read(evidence)


def is_read(evidence: Evidence) -> bool:
    """Whether the newest requested consent has been read."""
    requested, read = evidence.items.get(CONSENT_REQUEST), evidence.items.get(CONSENT)
    if requested is None or read is None:
        return False
    asked_for, came = parse_consent(requested).terms, parse_consent(read).terms
    return asked_for is None or came is None or asked_for.consent_id == came.consent_id
