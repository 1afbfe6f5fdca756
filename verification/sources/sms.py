"""The SMS gateway. A message is an effect outside: the same `request_id` is sent once, however
often it is asked.
"""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final, Protocol, runtime_checkable
from urllib.parse import urlsplit

from django.conf import settings

from verification.core.answers import SMS_ANSWER_MAX_BYTES, parse_sms
from verification.core.ids import Phone
from verification.core.spelling import check_sms
from verification.sources.asking import SECONDS, Service
from verification.sources.installed import resolve

SOURCE: Final = "sms"


def host() -> str:
    """The host of our pages: to it alone a browser gives a code that came by a message."""
    return urlsplit(settings.TULGA_PUBLIC_URL).hostname or ""


@runtime_checkable
class SmsGateway(Protocol):
    """Whoever carries short messages."""

    def send(self, phone: Phone, text: str, *, request_id: str) -> bytes:
        """The gateway's answer, raw; `core.answers.parse_sms` reads the id of the message. It does
        not prove arrival.

        Another text needs another `request_id`. Raises `SourceUnavailable` if no readable answer
        came in time: whether the message went out is then unknown, and asking again with the same
        id is safe. Raises `BadInput` for a text that is too long or carries a link.
        """
        ...


class HttpSmsGateway:
    """The gateway asked by the protocol of docs/sandbox.md, source `sms`."""

    def __init__(
        self,
        url: str,
        *,
        token_file: str | Path = "",
        seconds: float = SECONDS,
        max_bytes: int = SMS_ANSWER_MAX_BYTES,
    ) -> None:
        """The operator's address and token; `seconds` and `max_bytes` bound one answer. Raises
        `Misconfigured`.
        """
        self._service = Service.configured(
            SOURCE, url=url, token_file=token_file, seconds=seconds, max_bytes=max_bytes
        )

    def send(self, phone: Phone, text: str, *, request_id: str) -> bytes:
        """See `SmsGateway.send`."""
        question = {
            "request_id": request_id,
            "phone": phone.value,
            "text": check_sms(text, host=host()),
        }
        return self._service.ask(question, read=parse_sms, repeated=("request_id",))


in_use: Callable[[str], SmsGateway] = partial(resolve, name=SOURCE, kind=SmsGateway)
"""The gateway configured for this mode. Raises `Misconfigured`."""
