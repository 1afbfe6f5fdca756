"""The SMS gateway. A message is sent once per `request_id`, however often requested, if the gateway
supports that.

A commercial gateway has its own file, `sms_<name>.py`.
"""

from dataclasses import dataclass, field
from functools import partial
from typing import Final
from urllib.parse import urlsplit

from django.conf import settings

from verification.core.answers import SMS_ANSWER_MAX_BYTES, SmsAnswer, parse_sms
from verification.core.ids import Phone
from verification.core.spelling import check_sms
from verification.sources.asking import HttpAdapter, Source, spell

SOURCE: Final = "sms"


def host() -> str:
    """The host of our pages: a browser offers an SMS code only there."""
    return urlsplit(settings.TULGA_PUBLIC_URL).hostname or ""


@dataclass(frozen=True, kw_only=True)
class Message:
    """A message to send. Another text needs another `request_id`.

    The answer says whether the gateway accepted it, or refused the number; it does not prove
    arrival.
    After a fault the outcome is unknown: it is sent again under the same id.
    """

    request_id: str
    phone: Phone
    text: str = field(repr=False)

    def __post_init__(self) -> None:
        """Raises: `BadInput` for a text that is too long or has a link."""
        check_sms(self.text, host=host())


def spell_sms(answer: SmsAnswer) -> bytes:
    """An answer in the protocol of docs/operator/sources.md, source `sms`."""
    return spell(answer, without=() if answer.status == "accepted" else ("message_id",))


HttpSmsGateway = ADAPTER = partial(
    HttpAdapter[Message, SmsAnswer], source=SOURCE, read=parse_sms, max_bytes=SMS_ANSWER_MAX_BYTES
)
"""The gateway by the protocol of docs/operator/sources.md, source `sms`."""

GATEWAY: Final = Source[Message, SmsAnswer](
    name=SOURCE, answer=SmsAnswer, read=parse_sms, spell=spell_sms, repeated=("request_id",)
)
