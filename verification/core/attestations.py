"""What a named employee of a lender attests of a borrower before the money leaves. Law: O-55,
O-56.
"""

from collections.abc import Mapping
from typing import Final

AGE, VISIT = "age_confirmation", "in_person_visit"
KINDS: Final = (AGE, VISIT)
HOWS: Final = ("in_person", "egov", "credit_bureau", "lender_system")
"""How consent is confirmed once more where the borrower's age asks for it. O-56; the last is a
system of the lender's that is joined to eGov.
"""
ASKED_BY: Final[Mapping[str, str]] = {"age_confirmation_required": AGE, "in_person_required": VISIT}
"""By the code of the gate that refuses without it."""
