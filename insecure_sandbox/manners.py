"""In what a simulated borrower differs from an honest one, by scenario. What comes of each: `core/scenarios.py`."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final


@dataclass(frozen=True, kw_only=True)
class Manner:
    """How somebody borrows; whoever says nothing is honest and knows what to do.

    key: the state of their certificate. signs_as_another: with somebody else's key. alters_statement: signs another
    text than the one that is shown. registered: what the registers say otherwise than the lender. leaves_at: goes away
    when one of these pages opens.
    """

    key: str = "valid"
    signs_as_another: bool = False
    alters_statement: bool = False
    agrees: bool = True
    is_told_what_to_press: bool = False
    knows_the_code: bool = True
    registered: Mapping[str, Any] = field(default_factory=dict)
    leaves_at: tuple[str, ...] = ()


HONEST: Final = Manner()
MANNERS: Final[Mapping[str, Manner]] = {
    "verified": HONEST,
    "eds_revoked": Manner(key="revoked"),
    "eds_expired": Manner(key="expired"),
    "eds_other_iin": Manner(signs_as_another=True),
    "eds_statement_mismatch": Manner(alters_statement=True),
    "ocsp_silent": Manner(key="unanswered"),
    "consent_declined": Manner(agrees=False),
    "coercion_reported": Manner(is_told_what_to_press=True),
    "abandoned": Manner(leaves_at=("statement", "form", "commands")),
    "expires": Manner(leaves_at=("consent",)),
}
