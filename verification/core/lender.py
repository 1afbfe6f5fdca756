"""The lender as its borrowers see it, and the public part of a case whose link is over."""

from dataclasses import dataclass


@dataclass(frozen=True)
class LenderFacts:
    """The lender as the borrower sees it. `phone`: the number for its borrowers, E.164."""

    id: str
    name: str
    bin: str
    phone: str


@dataclass(frozen=True)
class Outline:
    """The part of a case that a former holder of its link or session may see: whom to call, no
    person, no loan.
    """

    lender: LenderFacts
    case_number: str
    locale: str
    is_renewal: bool = False
