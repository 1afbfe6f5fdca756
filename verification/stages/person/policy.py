"""Every number the person is judged by. Reviewed 2026-11-24."""

from dataclasses import dataclass
from typing import Final

# What registers are asked under the consent.
SERVICES: Final = ("phone",)


@dataclass(frozen=True)
class PersonPolicy:
    """How the person must be known. Times in seconds unless said otherwise."""

    version: str = "person-2026-11"
    # Ours: time to find one's document; api.md §1: three tries.
    person_seconds: int = 15 * 60
    attempts: int = 3
    # Characters of a document's number. law.md §3: nine digits on an identity card; a passport has
    # a letter more.
    document_number_max: int = 20
    # Where the day of judgement is told. law.md §3: one zone for the whole country.
    time_zone: str = "Asia/Almaty"


POLICY = PersonPolicy()
