"""Every number the person is judged by. Reviewed 2026-11-24."""

from dataclasses import dataclass
from typing import Final

# What the consent must allow to be asked, here and by the stages after it.
SERVICES: Final = ("person", "phone", "photo")


@dataclass(frozen=True)
class PersonPolicy:
    """How the person must be known. Times in seconds unless said otherwise."""

    version: str = "person-2026-11"
    # Ours: time to find one's document; api.md §1: three tries.
    person_seconds: int = 15 * 60
    attempts: int = 3
    # How long the consent to be looked up shall hold. Ours: as long as a verification lives.
    consent_seconds: int = 24 * 3600
    # How long the state's message may stay unanswered after the borrower's own answer. Ours: an SMS comes in minutes.
    consent_wait_seconds: int = 600
    # Characters of a document's number. law.md §3: nine digits on an identity card; a passport has a letter more.
    document_number_max: int = 20
    # Where the day of judgement is told. law.md §3: one zone for the whole country.
    time_zone: str = "Asia/Almaty"


POLICY = PersonPolicy()
