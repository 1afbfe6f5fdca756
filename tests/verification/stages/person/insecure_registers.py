"""Registers that refuse a consent which holds, and gateways that refuse a number or answer badly
after sending.
"""

from verification.core.answers import OwnershipAnswer, PersonAnswer, SmsAnswer
from verification.core.errors import SourceUnavailable
from verification.sources import person_registry, phone_registry
from verification.sources.asking import Fetched
from verification.sources.person_registry import PersonQuestion
from verification.sources.phone_registry import OwnershipQuestion
from verification.sources.sms import Message, spell_sms

SENT: dict[str, str] = {}
"""What the gateways were given to carry, by request id."""
STAMMER = {"left": 0}


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


class InsecureRefusingGateway:
    """Takes no message."""

    source = "sms"

    def fetch(self, question: Message) -> Fetched[SmsAnswer]:
        """No."""
        SENT[question.request_id] = question.text
        answer = SmsAnswer(request_id=question.request_id, status="refused", message_id="")
        return Fetched(raw=spell_sms(answer), parsed=answer)


class InsecureStammeringGateway:
    """Sends each message, and answers so badly that nobody knows it, a few times."""

    source = "sms"

    def fetch(self, question: Message) -> Fetched[SmsAnswer]:
        """Sent in any case."""
        text = SENT.setdefault(question.request_id, question.text)
        assert text == question.text, "another text under the same id"
        if STAMMER["left"]:
            STAMMER["left"] -= 1
            raise SourceUnavailable("sms", "scripted")
        answer = SmsAnswer(
            request_id=question.request_id, status="accepted", message_id="sms_0123456789"
        )
        return Fetched(raw=spell_sms(answer), parsed=answer)
