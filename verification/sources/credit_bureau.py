"""What other lenders lent a person online on some days in Almaty, as the credit bureau has it
(law.md O-53, U6).

Optional: where none is configured the cooling-off counts the lender's own credits alone.
"""

from collections.abc import Callable, Sequence
from datetime import date
from functools import partial
from typing import Final, Protocol, runtime_checkable

from verification.core.answers import Basis, parse_credits
from verification.core.errors import SourceUnavailable
from verification.core.ids import Iin
from verification.sources.asking import BeforePayment
from verification.sources.installed import resolve

SOURCE: Final = "credit_bureau"


@runtime_checkable
class CreditBureau(Protocol):
    """Whoever knows what all lenders lent."""

    def credits(
        self, days: Sequence[date], *, iin: Iin, lender_bin: str, basis: Basis, request_id: str
    ) -> bytes:
        """What others than this lender lent the person on each of these days, raw.

        `answers.parse_credits` reads it. Raises `SourceUnavailable` if no readable answer to
        this very question came in time.
        """
        ...


class HttpCreditBureau(BeforePayment):
    """The bureau asked by the protocol of docs/sandbox.md, source `credit_bureau`."""

    source = SOURCE

    def credits(
        self, days: Sequence[date], *, iin: Iin, lender_bin: str, basis: Basis, request_id: str
    ) -> bytes:
        """See `CreditBureau.credits`."""
        named = [day.isoformat() for day in days]
        raw = self._ask(
            {"iin": iin.value},
            read=parse_credits,
            lender_bin=lender_bin,
            basis=basis,
            request_id=request_id,
            days=named,
        )
        if parse_credits(raw).tiyn.keys() != set(named):
            raise SourceUnavailable(SOURCE, "the answer is to another question: its days differ")
        return raw


in_use: Callable[[str], CreditBureau] = partial(resolve, name=SOURCE, kind=CreditBureau)
"""The bureau configured for this mode. Raises `Misconfigured`."""
