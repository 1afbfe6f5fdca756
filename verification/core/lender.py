"""The lender as its borrowers see it, and what may be told of a case whose link is over."""

from dataclasses import dataclass


@dataclass(frozen=True)
class LenderFacts:
    """The lender as the borrower must see it. `phone`: where it answers its borrowers, in E.164
    form.
    """

    id: str
    name: str
    bin: str
    phone: str


@dataclass(frozen=True)
class Outline:
    """What may be told of a case to whoever had its link or session once: whom to call, nothing of
    person and loan.
    """

    lender: LenderFacts
    case_number: str
    locale: str
    is_renewal: bool = False
