"""Where the case of a verification is sealed, and what its borrower is found by."""

from typing import Final

TABLE: Final = "verification_verification"
FIELD: Final = "sealed_case"
INDEX_PURPOSE: Final = "borrower"
"""Purpose of the blind index over the IIN."""
