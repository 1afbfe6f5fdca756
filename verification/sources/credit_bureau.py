"""Other lenders' online loans to a person on some days in Almaty, per the credit bureau (law:
O-53).

Optional: without one the cooling-off counts the lender's own credits only.
"""

from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import Final

from verification.core.answers import Basis, CreditsAnswer, parse_credits
from verification.core.errors import SourceUnavailable
from verification.core.ids import Iin
from verification.sources.asking import PAYOUT_SECONDS, Fetched, HttpAdapter, Source, spell

SOURCE: Final = "credit_bureau"


@dataclass(frozen=True, kw_only=True)
class CreditsQuestion:
    """Other lenders' loans to the person on each of these days, under the borrower's agreement."""

    request_id: str
    iin: Iin
    days: tuple[date, ...]
    lender_bin: str
    basis: Basis


def spell_credits(answer: CreditsAnswer) -> bytes:
    """An answer in the protocol of docs/operator/sources.md, source `credit_bureau`."""
    sums = {"credits": {day: str(tiyn) for day, tiyn in answer.tiyn.items()}}
    return spell(answer, without=("tiyn",), **(sums if answer.status == "told" else {}))


HttpCreditBureau = ADAPTER = partial(
    HttpAdapter[CreditsQuestion, CreditsAnswer],
    source=SOURCE,
    read=parse_credits,
    seconds=PAYOUT_SECONDS,
    most=PAYOUT_SECONDS,
)
"""The bureau by the protocol of docs/operator/sources.md, source `credit_bureau`."""

BUREAU: Final = Source[CreditsQuestion, CreditsAnswer](
    name=SOURCE,
    answer=CreditsAnswer,
    read=parse_credits,
    spell=spell_credits,
    repeated=("request_id", "iin"),
)


def most_lent(question: CreditsQuestion, fetched: Fetched[CreditsAnswer]) -> int:
    """The largest sum of others' loans on one of the days, in tiyn.

    Raises: `SourceUnavailable` for an answer about other days.
    """
    tiyn = fetched.parsed.tiyn
    if tiyn.keys() != {day.isoformat() for day in question.days}:
        raise SourceUnavailable(SOURCE, "the answer is to another question: its days differ")
    return max(tiyn.values())
