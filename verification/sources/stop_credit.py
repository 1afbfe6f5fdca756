"""Whether a person has refused all credits (Stop-credit), as the credit bureau has it.

Asked each time, never remembered: a refusal may be a minute old, so every question has a `request_id` of its own
(law.md O-50).
"""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final, Protocol, runtime_checkable

from verification.core.ids import Iin
from verification.core.payout_answers import Basis, parse_stop_credit
from verification.core.registry_answers import TEXT_MAX_BYTES
from verification.sources import resolve
from verification.sources.asking import PAYOUT_SECONDS, Service, check_granted, under

SOURCE: Final = "stop_credit"


@runtime_checkable
class StopCreditSource(Protocol):
    """Whoever tells of people's refusals of all credits."""

    def refusal(self, iin: Iin, *, lender_bin: str, basis: Basis, request_id: str) -> bytes:
        """Whether the person has refused all credits, raw; `payout_answers.parse_stop_credit` reads it.

        Raises `SourceUnavailable` if no readable answer to this very question came in time.
        """
        ...


class HttpStopCredit:
    """The bureau asked by the protocol of docs/sandbox.md, source `stop_credit`."""

    def __init__(
        self,
        url: str,
        *,
        token_file: str | Path = "",
        seconds: float = PAYOUT_SECONDS,
        max_bytes: int = TEXT_MAX_BYTES,
    ) -> None:
        """The operator's address and token; `seconds` (at most `PAYOUT_SECONDS`) and `max_bytes` bound one answer.

        Raises `Misconfigured`.
        """
        self._service = Service.configured(
            SOURCE, url=url, token_file=token_file, seconds=seconds, most=PAYOUT_SECONDS, max_bytes=max_bytes
        )

    def refusal(self, iin: Iin, *, lender_bin: str, basis: Basis, request_id: str) -> bytes:
        """See `StopCreditSource.refusal`."""
        question = {"request_id": request_id, "iin": iin.value, **under(basis, lender_bin=lender_bin)}
        raw = self._service.ask(question, read=parse_stop_credit, repeated=("request_id", "iin"))
        return check_granted(raw, source=SOURCE, read=parse_stop_credit)


in_use: Callable[[str], StopCreditSource] = partial(resolve, name=SOURCE, kind=StopCreditSource)
"""The bureau configured for this mode. Raises `Misconfigured`."""
