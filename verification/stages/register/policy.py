"""Every number the register of people is asked and judged by. Reviewed 2026-12-01."""

from dataclasses import dataclass
from typing import Final

# What registers are asked under the consent.
SERVICES: Final = ("person",)


@dataclass(frozen=True)
class RegisterPolicy:
    """How the person must be known. Times in seconds."""

    version: str = "register-2026-12"
    # How long the consent to be looked up shall hold. Ours: as long as a verification lives.
    consent_seconds: int = 24 * 3600
    # How long the state's message may stay unanswered after the borrower's own part. Ours: an SMS
    # comes in minutes.
    consent_wait_seconds: int = 600
    # How often a day a stage that asks 1414 is begun for one person, over all lenders. Ours: three
    # signatures and nine captures with each of two lenders, and room; above it somebody else's SMS
    # are made.
    asked_a_day: int = 30
    # Where the day of judgement is told. law.md §3: one zone for the whole country.
    time_zone: str = "Asia/Almaty"


POLICY = RegisterPolicy()
