"""Registers that refuse a consent which holds, and gateways that refuse a number or answer badly
after sending.
"""

from tests.verification.core.answer_samples import spelled
from verification.core.errors import SourceUnavailable
from verification.core.ids import Iin, Phone

SENT: dict[str, str] = {}
"""What the gateways were given to carry, by request id."""
STAMMER = {"left": 0}


class InsecureRefusing:
    """A register of people and of phones to which no consent is good enough."""

    def person(self, iin: Iin, *, consent_id: str, request_id: str) -> bytes:
        """No."""
        return spelled({"request_id": request_id, "iin": iin.value, "status": "consent_refused"})

    def ownership(self, phone: Phone, *, iin: Iin, consent_id: str, request_id: str) -> bytes:
        """No."""
        about = {"request_id": request_id, "iin": iin.value, "phone": phone.value}
        return spelled(about | {"status": "consent_refused"})


class InsecureRefusingGateway:
    """Takes no message."""

    def send(self, phone: Phone, text: str, *, request_id: str) -> bytes:
        """No."""
        SENT[request_id] = text
        return spelled({"request_id": request_id, "status": "refused"})


class InsecureStammeringGateway:
    """Sends each message, and answers so badly that nobody knows it, a few times."""

    def send(self, phone: Phone, text: str, *, request_id: str) -> bytes:
        """Sent in any case."""
        assert SENT.setdefault(request_id, text) == text, "another text under the same id"
        if STAMMER["left"]:
            STAMMER["left"] -= 1
            raise SourceUnavailable("sms", "scripted")
        return spelled(
            {"request_id": request_id, "status": "accepted", "message_id": "sms_0123456789"}
        )
