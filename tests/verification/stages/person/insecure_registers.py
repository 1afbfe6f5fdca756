"""Registers that refuse a consent which holds, and gateways that refuse a number or answer badly
after sending.
"""

from verification.core.answers import OwnershipAnswer, PersonAnswer
from verification.sources import person_registry, phone_registry
from verification.sources.asking import Fetched
from verification.sources.person_registry import PersonQuestion
from verification.sources.phone_registry import OwnershipQuestion

SENT: dict[str, str] = {}
"""What the gateways were given to carry, by request id."""


class InsecurePeopleRefusing:
    """A register of people to which no consent is good enough."""

    source = person_registry.SOURCE

    def fetch(self, question: PersonQuestion) -> Fetched[PersonAnswer]:
        """No."""
        answer = PersonAnswer(
            request_id=question.request_id, status="consent_refused", iin=question.iin, person=None
        )
        return Fetched(raw=person_registry.spell_person(answer), parsed=answer)


class InsecurePhonesRefusing:
    """A register of phones to which no consent is good enough."""

    source = phone_registry.SOURCE

    def fetch(self, question: OwnershipQuestion) -> Fetched[OwnershipAnswer]:
        """No."""
        answer = OwnershipAnswer(
            request_id=question.request_id,
            status="consent_refused",
            iin=question.iin,
            phone=question.phone,
            owned_since=None,
        )
        return Fetched(raw=phone_registry.spell_ownership(answer), parsed=answer)
