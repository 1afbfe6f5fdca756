"""One POST to an address that a lender chose, and what became of it in words that its developers
read.
"""

import re
import time
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, replace
from email.utils import parsedate_to_datetime
from socket import getaddrinfo
from typing import Final

from lenders import addresses, policy
from verification import clock, outbound
from verification.core.errors import BadInput, Unavailable
from verification.outbound.addresses import LookUp

_UNPRINTABLE = re.compile(r"[^\S\n ]|[\x00-\x09\x0b-\x1f\x7f-\x9f]")
_INVISIBLE = frozenset({"Cf", "Co", "Cn", "Zl", "Zp"})
"""Of Unicode: signs that turn a line around, or that nobody sees."""
_LONG_NUMBER = re.compile(r"[0-9]{9,}")
# Else a date. One in the zone -0000 comes without any: its difference is a TypeError, and nothing
# was asked.
_SECONDS = re.compile(r"[0-9]{1,10}")
_HEADERS: Final = {"Content-Type": "application/json", "User-Agent": "Tulga-Webhooks"}


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What became of a POST: the other side's status, or the word for why there is none.

    `milliseconds`: what it took. `retry_after`: seconds for which the other side asked to be left
        alone, bounded.
    """

    status: int | None = None
    failure: str = ""
    excerpt: str = ""
    milliseconds: int = 0
    retry_after: float = 0

    @property
    def is_success(self) -> bool:
        """Only 2xx is one; a redirect is not followed, for where it points was never checked."""
        return self.status is not None and 200 <= self.status <= 299


async def post(
    url: str, *, mode: str, headers: Mapping[str, str], body: bytes, look_up: LookUp = getaddrinfo
) -> Outcome:
    """Sends a body once; never raises for what the other side does or fails to do."""
    started = time.monotonic()
    try:
        target = addresses.read(url, mode=mode)
        answer = await outbound.send_async(
            outbound.Request(
                method="POST",
                url=target.url,
                headers={**headers, **_HEADERS},
                body=body,
                limits=outbound.Limits(seconds=policy.POST_SECONDS, max_bytes=policy.EXCERPT_BYTES),
                is_public_only=not target.is_listed,
                wants_whole=False,
                look_up=look_up,
            )
        )
    except (BadInput, Unavailable) as fault:
        # Where the name leads is a part of the address, and refused in the same word.
        outcome = Outcome(
            failure="webhook_url_refused" if fault.code == "address_refused" else fault.code
        )
    else:
        # Harmless text: no control characters, no long numbers, and nothing that reads otherwise
        # than it is.
        text = _LONG_NUMBER.sub(
            "[number]", _UNPRINTABLE.sub("", answer.body.decode("utf-8", "replace"))
        )
        # A sign that turns a line around, say, by its number: everybody sees that.
        signs = (
            f"\\u{ord(sign):04x}" if unicodedata.category(sign) in _INVISIBLE else sign
            for sign in text
        )
        seen = "".join(signs).encode()[: policy.EXCERPT_BYTES].decode("utf-8", "ignore")
        outcome = Outcome(status=answer.status, excerpt=seen)
        if not outcome.is_success:
            # The seconds that a `Retry-After` asks for, by a number or by a date (RFC 9110
            # §10.2.3).
            said = answer.retry_after[: policy.RETRY_AFTER_CHARACTERS].strip()
            try:
                until = None if _SECONDS.fullmatch(said) else parsedate_to_datetime(said)
                asked = float(said) if until is None else (until - clock.now()).total_seconds()
            except (TypeError, ValueError, OverflowError):
                asked = 0
            outcome = replace(
                outcome, retry_after=min(max(asked, 0), policy.RETRY_AFTER_MAX_SECONDS)
            )
    return replace(outcome, milliseconds=int((time.monotonic() - started) * 1000))
