"""The only table of codes: why something did not pass, in the borrower's words and in the lender's.

The borrower's sentence says what to do next and nothing that would help an attacker; edges
translate it (kk, ru, en). Codes of which no more may be told share one. The lender's detail is
English. No other code can be said by a check.
"""

from collections.abc import Mapping

from verification.core.reasons import course, live_capture, signature
from verification.core.reasons.endings import (
    ENDINGS,
    NOT_CONFIRMED,
    UNFINISHED,
    UNPROVEN,
    Ending,
    ending_of,
)
from verification.core.reasons.reason import LIVENESS, PICTURE, Reason

__all__ = ["LIVENESS", "PICTURE", "REASONS", "Reason", "require", "unburnt"]
__all__ += ["ENDINGS", "NOT_CONFIRMED", "UNFINISHED", "UNPROVEN", "Ending", "ending_of"]

REASONS = {reason.code: reason for reason in (*signature.TABLE, *live_capture.TABLE, *course.TABLE)}


def require(code: str) -> Reason:
    """The reason of this code; raises `KeyError` for a code that is not in the table."""
    return REASONS[code]


def unburnt(ended: Mapping[str, int]) -> int:
    """How many attempts, told by the code they ended with, cost the borrower none."""
    return sum(
        number for code, number in ended.items() if code in REASONS and not REASONS[code].burns
    )
