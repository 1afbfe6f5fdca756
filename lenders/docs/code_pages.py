"""Every code in each place where it may stand: one code, one address, to which the `type` of a
problem leads.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from django.utils.translation import gettext

from lenders.codes import FIELD_CODES, PROBLEMS, WARNINGS
from lenders.docs import remedies
from lenders.docs.remedies import Remedy
from verification.core.clearance import REFUSALS
from verification.core.reasons import REASONS

PROBLEM, FIELD, WARNING = "problem", "field", "warning"
CLEARANCE, REASON = "clearance", "reason"
PLACES: Final = {
    PROBLEM: "Why a request was refused",
    FIELD: "What is wrong with a field",
    WARNING: "What an opening is warned of",
    CLEARANCE: "Why a clearance was refused",
    REASON: "Why a verification or a check ended as it did",
}
"""Where a code may stand. A word that means nearly the same in two places is one code with two
meanings.
"""


@dataclass(frozen=True)
class Meaning:
    """A code in one place. `status`: HTTP's of the answer it stands in; `borrower`: what the
    borrower reads.
    """

    place: str
    code: str
    status: int
    meaning: str
    remedy: Remedy
    advice: str = ""
    borrower: str = ""

    @property
    def heading(self) -> str:
        """The name of its place."""
        return PLACES[self.place]

    @property
    def borrower_reads(self) -> str:
        """The borrower's sentence, by the borrowers' own catalogue."""
        return gettext(self.borrower)


def table() -> Iterator[Meaning]:
    """All of them, place by place."""
    for problem in PROBLEMS.values():
        remedy = remedies.of_problem(problem)
        yield Meaning(PROBLEM, problem.code, problem.status, problem.title, remedy, problem.advice)
    for code, meaning in FIELD_CODES.items():
        yield Meaning(FIELD, code, 422, meaning, remedies.of_field(code))
    for code, meaning in WARNINGS.items():
        yield Meaning(WARNING, code, 201, meaning, remedies.ADD_REVIEWERS)
    for code, meaning in REFUSALS.items():
        yield Meaning(CLEARANCE, code, 200, meaning, remedies.of_refusal(code))
    for reason in REASONS.values():
        remedy = remedies.of_reason(reason)
        yield Meaning(
            REASON, reason.code, 200, reason.lender_detail, remedy, borrower=reason.borrower_message
        )


def of_code(code: str) -> Sequence[Meaning]:
    """Its meanings, one for each place; none for what is no code."""
    return [meaning for meaning in table() if meaning.code == code]
