"""Every code in each of its places: one code, one address, the target of a problem's `type`."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from django.utils.translation import gettext

from verification.core import codes
from verification.core.codes import Place, Remedy, remedy_of

PLACES: Final[Mapping[Place, str]] = {
    Place.PROBLEM: "Why a request was refused",
    Place.FIELD: "What is wrong with a field",
    Place.WARNING: "What an opening is warned of",
    Place.CLEARANCE: "Why a clearance was refused",
    Place.REASON: "Why a verification or a check ended as it did",
}


@dataclass(frozen=True, kw_only=True)
class Meaning:
    """A code in one place. `status`: HTTP's of its answer; `borrower`: the borrower's sentence."""

    place: Place
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
        """The borrower's sentence, from the borrowers' catalogue."""
        return gettext(self.borrower)


def table() -> Iterator[Meaning]:
    """All of them, place by place."""
    for row in codes.PROBLEMS.values():
        yield Meaning(
            place=Place.PROBLEM,
            code=row.code,
            status=row.status,
            meaning=row.title,
            remedy=remedy_of(row, Place.PROBLEM),
            advice=row.advice,
        )
    for row in codes.FIELDS.values():
        yield _meaning(row, Place.FIELD, 422, row.field)
    for row in codes.WARNINGS.values():
        yield _meaning(row, Place.WARNING, 201, row.warning)
    for row in codes.REFUSALS.values():
        yield _meaning(row, Place.CLEARANCE, 200, row.refusal)
    for row in codes.REASONS.values():
        yield _meaning(row, Place.REASON, 200, row.lender_detail, row.borrower_message)


def of_code(code: str) -> Sequence[Meaning]:
    """Its meanings, one for each place; empty for an unknown code."""
    return [meaning for meaning in table() if meaning.code == code]


def _meaning(
    row: codes.Code, place: Place, status: int, meaning: str, borrower: str = ""
) -> Meaning:
    remedy = remedy_of(row, place)
    return Meaning(
        place=place,
        code=row.code,
        status=status,
        meaning=meaning,
        remedy=remedy,
        borrower=borrower,
    )
