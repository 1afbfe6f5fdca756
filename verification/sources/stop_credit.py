"""Whether a person has refused all credits (Stop-credit), per the credit bureau.

Asked each time, never cached: a refusal may be a minute old, so every question has its own
`request_id` (law: O-50).
"""

from dataclasses import dataclass
from functools import partial
from typing import Final

from verification.core.answers import Basis, StopCreditAnswer, parse_stop_credit
from verification.core.ids import Iin
from verification.sources.asking import PAYOUT_SECONDS, HttpAdapter, Source, spell

SOURCE: Final = "stop_credit"


@dataclass(frozen=True, kw_only=True)
class RefusalQuestion:
    """Whether this person has refused all credits; `lender_bin` asks under the borrower's
    agreement.
    """

    request_id: str
    iin: Iin
    lender_bin: str
    basis: Basis


HttpStopCredit = ADAPTER = partial(
    HttpAdapter[RefusalQuestion, StopCreditAnswer],
    source=SOURCE,
    read=parse_stop_credit,
    seconds=PAYOUT_SECONDS,
    most=PAYOUT_SECONDS,
)
"""The bureau by the protocol of docs/operator/sources.md, source `stop_credit`."""

BUREAU: Final = Source[RefusalQuestion, StopCreditAnswer](
    name=SOURCE,
    answer=StopCreditAnswer,
    read=parse_stop_credit,
    spell=spell,
    repeated=("request_id", "iin"),
)
