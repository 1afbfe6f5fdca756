"""Every number of the person's stage. Reviewed 2026-11-24."""

from dataclasses import dataclass
from typing import Final

# The look-ups under the consent.
SERVICES: Final = ("phone",)


@dataclass(frozen=True)
class PersonPolicy:
    """Requirements on the person's answer. Times in seconds unless stated otherwise."""

    version: str = "person-2026-11"
    # Ours: time to find one's document, and three tries.
    person_seconds: int = 15 * 60
    attempts: int = 3
    # Characters of a document's number: nine digits on an identity card; a passport has
    # a letter more.
    document_number_max: int = 20
    # The zone of the day of judgement: one zone for the whole country.
    time_zone: str = "Asia/Almaty"


POLICY = PersonPolicy()
