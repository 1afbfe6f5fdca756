"""The SMS gateway. A message is an effect outside: the same `request_id` is sent once, however
often it is asked, where the gateway knows it again.

A gateway of the market has a file of its own beside this one, `sms_<name>.py`.
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
    """The host of our pages: to it alone a browser gives a code that came by a message."""
    return urlsplit(settings.TULGA_PUBLIC_URL).hostname or ""


@dataclass(frozen=True, kw_only=True)
class Message:
    """What is to be sent. Another text needs another `request_id`.

    Its answer says whether the gateway took it, or refused the number; it does not prove arrival.
    After a fault it is unknown whether the message went out: it is sent again under the same id.
    """

    request_id: str
    phone: Phone
    text: str = field(repr=False)

    def __post_init__(self) -> None:
        """Raises `BadInput` for a text that is too long or carries a link."""
        check_sms(self.text, host=host())


def spell_sms(answer: SmsAnswer) -> bytes:
    """An answer in the protocol of docs/sandbox.md, source `sms`."""
    return spell(answer, without=() if answer.status == "accepted" else ("message_id",))


HttpSmsGateway = ADAPTER = partial(
    HttpAdapter[Message, SmsAnswer], source=SOURCE, read=parse_sms, max_bytes=SMS_ANSWER_MAX_BYTES
)
"""The gateway asked by the protocol of docs/sandbox.md, source `sms`."""

GATEWAY: Final = Source[Message, SmsAnswer](
    name=SOURCE, answer=SmsAnswer, read=parse_sms, spell=spell_sms, repeated=("request_id",)
)
