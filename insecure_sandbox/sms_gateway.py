"""Source `sms`: takes short messages and shows them in an inbox instead of sending them."""

import secrets
from typing import Final

from insecure_sandbox.exchange import Request, Response, Route, as_json, only_fields, text_field
from insecure_sandbox.inbox import Inbox, Message
from insecure_sandbox.questions import AnsweredOnce, request_id
from verification.core.errors import BadInput
from verification.core.ids import Phone

SOURCE: Final = "sms"
INBOX: Final = "inbox"

_SENDER: Final = "TULGA"
_MAX_TEXT: Final = 1000


def routes(inbox: Inbox) -> tuple[Route, ...]:
    """`POST /sms` is the gateway; `POST /inbox` is what a phone, or every phone, has received."""

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
