"""Every number of the register of people. Reviewed 2026-12-01."""

from dataclasses import dataclass
from typing import Final

# The look-ups under the consent.
SERVICES: Final = ("person",)


@dataclass(frozen=True)
class RegisterPolicy:
    """Requirements on the person's data. Times in seconds."""

    version: str = "register-2026-12"
    # Validity of the consent to look-ups. Ours: the lifetime of a verification.
    consent_seconds: int = 24 * 3600
    # How long the state's message may stay unanswered after the borrower's part. Ours: an SMS comes
    # in minutes.
    consent_wait_seconds: int = 600
    # How often a day a stage with 1414 may begin for one person, over all lenders. Ours: three
    # signatures and nine captures with each of two lenders, and room; more would send another
    # person many SMS.
    asked_a_day: int = 30
    # The zone of the day of judgement: one zone for the whole country.
    time_zone: str = "Asia/Almaty"


POLICY = RegisterPolicy()
