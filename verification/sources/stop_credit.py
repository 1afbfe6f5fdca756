"""Whether a person has refused all credits (Stop-credit), as the credit bureau has it.

Asked each time, never remembered: a refusal may be a minute old, so every question has a
`request_id` of its own (law.md O-50).
"""

from collections.abc import Callable
from functools import partial
from typing import Final, Protocol, runtime_checkable

from verification.core.answers import Basis, parse_stop_credit
from verification.core.ids import Iin
from verification.sources.asking import BeforePayment
from verification.sources.installed import resolve

SOURCE: Final = "stop_credit"


@runtime_checkable
class StopCreditSource(Protocol):
    """Whoever tells of people's refusals of all credits."""

    def refusal(self, iin: Iin, *, lender_bin: str, basis: Basis, request_id: str) -> bytes:
        """Whether the person has refused all credits, raw; `answers.parse_stop_credit` reads
        it.

        Raises `SourceUnavailable` if no readable answer to this very question came in time.
        """
        ...


class HttpStopCredit(BeforePayment):
    """The bureau asked by the protocol of docs/sandbox.md, source `stop_credit`."""

    source = SOURCE

    def refusal(self, iin: Iin, *, lender_bin: str, basis: Basis, request_id: str) -> bytes:
        """See `StopCreditSource.refusal`."""
        about = {"iin": iin.value}
        return self._ask(
            about, read=parse_stop_credit, lender_bin=lender_bin, basis=basis, request_id=request_id
        )


in_use: Callable[[str], StopCreditSource] = partial(resolve, name=SOURCE, kind=StopCreditSource)
"""The bureau configured for this mode. Raises `Misconfigured`."""
