"""The SMS gateway SMSC (smsc.kz), short name `smsc`.

Parameters, answers and error codes follow its public documentation, <https://smsc.kz/api/http/>.
The English pages are at <https://smscentre.com/api/http/> ("Sending an SMS message", "Server
response and error codes", "Checking the status"), read 2026-12-01. Status numbers follow public
clients.
The service itself was not tried, for lack of an account.

1. `POST status.php` with `phone` and `id` asks whether this message was sent before. SMSC does not
   refuse a used `id` ("not necessarily unique"), so a repeated send would be a second message. Its
   own guard, error 9, covers one minute and the same text only.
2. `POST send.php` sends it under that `id`.

Both are forms with `apikey`, `fmt=3` (JSON) and `charset=utf-8`: neither key nor number is in an
address.
A number that SMSC refuses (7, 8) is the answer `refused`.
Every other error is a fault, as for any gateway: the operator finds its number in the log.
"""

import re
from hashlib import sha256
from pathlib import Path
from typing import Final

from verification.core.answers import SMS_ANSWER_MAX_BYTES, SmsAnswer
from verification.core.errors import SourceUnavailable
from verification.core.strict_json import StrictObject, read_object
from verification.sources.asking import SECONDS, Fetched, Service, read_token
from verification.sources.sms import SOURCE, Message

_ID = re.compile(r"[A-Za-z0-9._-]{1,40}")
_ID_LENGTH: Final = 40
_ERRORS: Final = {
    1: "an error in the parameters",
    2: "the key or the address of this machine is refused",
    3: "the account has no money",
    4: "the address of this machine is blocked for a time",
    5: "the date is not right",
    6: "the text or the sender's name is forbidden",
    9: "the same was asked too often within a minute",
}
_NUMBER_REFUSED: Final = (7, 8)  # malformed number; undeliverable message
# Statuses of a message that left: waits, handed to the operator, delivered, read, too late, opened.
_LEFT: Final = (-1, 0, 1, 2, 3, 4)
# The message cannot be delivered, the number is wrong, the number is unavailable.
_UNDELIVERABLE: Final = (20, 22, 25)


class SmscGateway:
    """SMSC asked with the API key of the operator's account."""

    source = SOURCE
    protocol = "smsc"

    def __init__(
        self,
        url: str = "https://smsc.kz/sys",
        *,
        token_file: str | Path,
        sender: str = "",
        seconds: float = SECONDS,
        max_bytes: int = SMS_ANSWER_MAX_BYTES,
    ) -> None:
        """`token_file` holds the API key.

        sender: a sender's name that SMSC has accepted, or empty for the account's own.
        seconds: bounds both questions together. max_bytes: bounds each answer.

        Raises: `Misconfigured`.
        """
        self._key, self._sender = read_token(token_file, source=SOURCE), sender
        self._status, self._send = (
            Service.configured(
                SOURCE,
                url=f"{url.rstrip('/')}/{page}",
                seconds=seconds / 2,
                max_bytes=max_bytes,
            )
            for page in ("status.php", "send.php")
        )

    def fetch(self, question: Message) -> Fetched[SmsAnswer]:
        """See `Adapter.fetch`: sends the message unless it left before under this id."""
        number = question.request_id
        if not _ID.fullmatch(number):
            number = sha256(number.encode()).hexdigest()[:_ID_LENGTH]
        raw, answer = self._ask(self._status, {"phone": question.phone.value, "id": number})
        error, status = answer.value_or_none("error_code"), answer.value_or_none("status")
        if error is not None or type(status) is not int:
            raise _fault(error)
        if status in _LEFT or status in _UNDELIVERABLE:
            return self._answer(question, raw, number if status in _LEFT else "")
        sent = {"phones": question.phone.value, "mes": question.text, "id": number}
        if self._sender:
            sent["sender"] = self._sender
        raw, answer = self._ask(self._send, sent)
        error = answer.value_or_none("error_code")
        if error in _NUMBER_REFUSED:
            return self._answer(question, raw, "")
        if error is not None or str(answer.value_or_none("id")) != number:
            raise _fault(error)
        return self._answer(question, raw, number)

    def _ask(self, service: Service, fields: dict[str, str]) -> tuple[bytes, StrictObject]:
        raw = service.post_form({"apikey": self._key, "fmt": "3", "charset": "utf-8", **fields})
        limit = service.limits.max_bytes
        return raw, service.parse(raw, lambda raw: read_object(raw, max_bytes=limit, numbers=True))

    @staticmethod
    def _answer(question: Message, raw: bytes, number: str) -> Fetched[SmsAnswer]:
        parsed = SmsAnswer(
            request_id=question.request_id,
            status="accepted" if number else "refused",
            message_id=f"{SOURCE}.smsc:{number}" if number else "",
        )
        return Fetched(raw=raw, parsed=parsed)


ADAPTER = SmscGateway


def _fault(error: object) -> SourceUnavailable:
    """SMSC's error by its number: its own words may repeat the question."""
    if type(error) is not int:
        return SourceUnavailable(SOURCE, "the answer does not match the question")
    return SourceUnavailable(SOURCE, f"SMSC says {error}: {_ERRORS.get(error, 'an unknown error')}")
