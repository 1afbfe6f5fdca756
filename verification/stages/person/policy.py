"""Every number of the person's stage. Reviewed 2026-11-24."""

from dataclasses import dataclass
from typing import Final

# The look-ups under the consent.
SERVICES: Final = ("phone",)


@dataclass(frozen=True)
class PersonPolicy:
    """Requirements on the person's answer. Times in seconds unless stated otherwise."""

    version: str = "person-2026-11"
    # Ours: time to find one's document; api.md §1: three tries.
    person_seconds: int = 15 * 60
    attempts: int = 3
    # Characters of a document's number. law.md §3: nine digits on an identity card; a passport has
    # a letter more.
    document_number_max: int = 20
    # The zone of the day of judgement. law.md §3: one zone for the whole country.
    time_zone: str = "Asia/Almaty"


POLICY = PersonPolicy()
