"""Source `sms`: takes short messages and shows them in an inbox instead of sending them.

The inbox is in memory, newest last.
"""

import secrets
from collections import deque
from dataclasses import dataclass
from datetime import UTC, datetime
from threading import Lock
from typing import Final

from insecure_sandbox.exchange import Request, Response, Route, as_json, only_fields, text_field
from insecure_sandbox.questions import AnsweredOnce, request_id
from verification.core.errors import BadInput
from verification.core.ids import Phone

_MAX_MESSAGES: Final = 1000  # the oldest is dropped then


@dataclass(frozen=True, kw_only=True)
class Message:
    """One short message; `sender` is a name or a short number."""

    message_id: str
    sender: str
    phone: str
    text: str
    at: datetime


class Inbox:
    """The messages of all phones. Threads may share it."""

    def __init__(self) -> None:
        """Begins empty."""
        self._lock = Lock()
        self._messages: deque[Message] = deque(maxlen=_MAX_MESSAGES)

    def put(self, *, message_id: str, sender: str, phone: str, text: str) -> None:
        """One more."""
        with self._lock:
            self._messages.append(
                Message(
                    message_id=message_id,
                    sender=sender,
                    phone=phone,
                    text=text,
                    at=datetime.now(UTC),
                )
            )

    def messages(self, phone: str | None = None) -> list[Message]:
        """Those to one phone, or all, oldest first."""
        with self._lock:
            return [
                message for message in self._messages if phone is None or message.phone == phone
            ]


SOURCE: Final = "sms"
INBOX: Final = "inbox"

_SENDER: Final = "TULGA"
_MAX_TEXT: Final = 1000


def routes(inbox: Inbox) -> tuple[Route, ...]:
    """`POST /sms` is the gateway; `POST /inbox` lists the messages of one phone, or of every
    phone.
    """

    def send(request: Request) -> Response:
        fields = request.fields()
        only_fields(fields, {"request_id", "phone", "text"})
        text = text_field(fields, "text", limit=_MAX_TEXT)
        try:
            phone = Phone.parse(text_field(fields, "phone", limit=32)).value
        except BadInput:
            return as_json({"request_id": request_id(fields), "status": "refused"})
        message_id = f"sms_{secrets.token_hex(12)}"
        inbox.put(message_id=message_id, sender=_SENDER, phone=phone, text=text)
        return as_json(
            {"request_id": request_id(fields), "status": "accepted", "message_id": message_id}
        )

    def show(request: Request) -> Response:
        fields = request.fields()
        only_fields(fields, {"phone"})
        phone = text_field(fields, "phone", limit=32) if "phone" in fields else None
        return as_json({"messages": [_as_fields(message) for message in inbox.messages(phone)]})

    return (
        Route(method="POST", path="/sms", source=SOURCE, handle=AnsweredOnce().guard(send)),
        Route(method="POST", path="/inbox", source=INBOX, handle=show),
    )


def _as_fields(message: Message) -> dict[str, str]:
    return {
        "message_id": message.message_id,
        "sender": message.sender,
        "phone": message.phone,
        "text": message.text,
        "at": message.at.isoformat(),
    }
