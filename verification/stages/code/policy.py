"""Every number of the one-time code. Reviewed 2026-11-24."""

from dataclasses import dataclass
from typing import Final

# The look-ups under the consent.
SERVICES: Final = ("phone",)


@dataclass(frozen=True)
class CodePolicy:
    """Requirements on the phone. Times in seconds.

    Source: ASVS 5 §6.5, NIST SP 800-63B §5.1.3.
    """

    version: str = "code-2026-11"
    attempts: int = 1
    code_digits: int = 6
    code_key_bytes: int = 32
    code_seconds: int = 300
    guesses: int = 5
    resends: int = 3
    resend_after_seconds: int = 30
    # Codes a day to one number, over all lenders. Ours.
    codes_a_day: int = 10


POLICY = CodePolicy()
SECONDS: Final = 2 * POLICY.code_seconds
"""Of the dialogue. It outlasts its code, so that the borrower learns of it and asks for another.

Ours.
"""
