"""The SMS gateway Mobizon (api.mobizon.kz), short name `mobizon`.

Parameters, answers and codes follow its public documentation,
<https://mobizon.kz/help/api-docs/message>.
Its sources are at <https://github.com/mobizon/mobizon-api-docs> (`message/api/sendSmsMessage.md`,
`_other/apiCode.md`).
Both were read 2026-12-01.
That documentation and the library <https://github.com/mobizon/mobizon-php> put `apiKey`, `api` and
`output` into the address. Public clients also send them in the form; this one does so, because
addresses end in logs.
The service itself was not tried, for lack of an account.

`POST /service/message/sendSmsMessage` is a form with `recipient` (digits only), `text` and
`params[validity]`.
The validity is at least 60 minutes; a code must not arrive on another day.
The answer is an object of `code`, `data` and `message`.
A number that Mobizon refuses is the answer `refused`: code 1, with `recipient` among the fields in
`data`.
Every other code is a fault, as for any gateway: the operator finds it in the log.

**Mobizon does not recognise a repeated request.** After a fault the same message may be sent again,
with the same code.
"""

import re
from pathlib import Path
from typing import Final

from verification.core.answers import SMS_ANSWER_MAX_BYTES, SmsAnswer
from verification.core.errors import SourceUnavailable
from verification.core.strict_json import SpelledNumber, read_object
from verification.sources.asking import SECONDS, Fetched, Service, read_token
from verification.sources.sms import SOURCE, Message

_VALID_MINUTES: Final = "60"
_DIGITS = re.compile(r"[0-9]{1,20}")
_SENT, _FIELDS_REFUSED = 0, 1
_ERRORS: Final = {
    _FIELDS_REFUSED: "a field is not right",
    2: "a record is not there",
    3: "an error of its own",
    8: "the key is refused",
    9: "the method is not open to this key",
    10: "it could not be saved",
    11: "a field is missing",
    12: "a field is out of bounds",
    13: "this account is served at another address",
    14: "the account is blocked",
    15: "the operation failed",
    30: "asked too often",
    99: "nothing was processed",
    999: "an error of the service",
}


class MobizonGateway:
    """Mobizon asked with the API key of the operator's account."""

    source = SOURCE
    protocol = "mobizon v1"

    def __init__(
        self,
        url: str = "https://api.mobizon.kz/service/message/sendSmsMessage",
        *,
        token_file: str | Path,
        sender: str = "",
        seconds: float = SECONDS,
        max_bytes: int = SMS_ANSWER_MAX_BYTES,
    ) -> None:
        """`token_file` holds the API key.

        sender: a sender's name that Mobizon has accepted, or empty for the account's own.
        seconds, max_bytes: bound one answer.

        Raises: `Misconfigured`.
        """
        self._fields = {
            "apiKey": read_token(token_file, source=SOURCE),
            "api": "v1",
            "output": "json",
            "params[validity]": _VALID_MINUTES,
            **({"from": sender} if sender else {}),
        }
        self._service = Service.configured(SOURCE, url=url, seconds=seconds, max_bytes=max_bytes)

    def fetch(self, question: Message) -> Fetched[SmsAnswer]:
        """See `Adapter.fetch`."""
        recipient = question.phone.value.removeprefix("+")
        raw = self._service.post_form(
            {**self._fields, "recipient": recipient, "text": question.text}
        )
        limit = self._service.limits.max_bytes
        answer = self._service.parse(
            raw, lambda raw: read_object(raw, max_bytes=limit, numbers=True)
        )
        code, data = answer.value_or_none("code"), answer.value_or_none("data")
        fields = data if isinstance(data, dict) else {}
        message_id = fields.get("messageId")
        if isinstance(message_id, SpelledNumber):
            message_id = message_id.spelling
        if type(code) is int and code == _SENT and _DIGITS.fullmatch(str(message_id)):
            return _answer(question, raw, f"{SOURCE}.mobizon:{message_id}")
        if type(code) is int and code == _FIELDS_REFUSED and "recipient" in fields:
            return _answer(question, raw, "")
        if type(code) is not int or code == _SENT:
            raise SourceUnavailable(SOURCE, "the answer does not match the question")
        why = _ERRORS.get(code, "an unknown error")
        # By its number: its own words may repeat the question.
        raise SourceUnavailable(SOURCE, f"Mobizon says {code}: {why}")


ADAPTER = MobizonGateway


def _answer(question: Message, raw: bytes, message_id: str) -> Fetched[SmsAnswer]:
    status = "accepted" if message_id else "refused"
    parsed = SmsAnswer(request_id=question.request_id, status=status, message_id=message_id)
    return Fetched(raw=raw, parsed=parsed)
