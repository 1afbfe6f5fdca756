"""What other lenders lent a person online on some days in Almaty, as the credit bureau has it (law.md O-53, U6).

Optional: where none is configured the cooling-off counts the lender's own credits alone.
"""

from collections.abc import Callable, Sequence
from datetime import date
from functools import partial
from pathlib import Path
from typing import Final, Protocol, runtime_checkable

from verification.core.errors import SourceUnavailable
from verification.core.ids import Iin
from verification.core.payout_answers import Basis, parse_credits
from verification.core.registry_answers import TEXT_MAX_BYTES
from verification.sources import resolve
from verification.sources.asking import PAYOUT_SECONDS, Service, check_granted, under

SOURCE: Final = "credit_bureau"


@runtime_checkable
class CreditBureau(Protocol):
    """Whoever knows what all lenders lent."""

    def credits(self, days: Sequence[date], *, iin: Iin, lender_bin: str, basis: Basis, request_id: str) -> bytes:
        """What others than this lender lent the person on each of these days, raw.

        `payout_answers.parse_credits` reads it. Raises `SourceUnavailable` if no readable answer to this very question
        came in time.
        """
        ...


class HttpCreditBureau:
    """The bureau asked by the protocol of docs/sandbox.md, source `credit_bureau`."""

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

    def credits(self, days: Sequence[date], *, iin: Iin, lender_bin: str, basis: Basis, request_id: str) -> bytes:
        """See `CreditBureau.credits`."""
        named = [day.isoformat() for day in days]
        about = {"request_id": request_id, "iin": iin.value, "days": named}
        question = {**about, **under(basis, lender_bin=lender_bin)}
        raw = self._service.ask(question, read=parse_credits, repeated=("request_id", "iin"))
        check_granted(raw, source=SOURCE, read=parse_credits)
        if parse_credits(raw).tiyn.keys() != set(named):
            raise SourceUnavailable(SOURCE, "the answer is to another question: its days differ")
        return raw


in_use: Callable[[str], CreditBureau] = partial(resolve, name=SOURCE, kind=CreditBureau)
"""The bureau configured for this mode. Raises `Misconfigured`."""
