"""The register of citizens' mobile numbers: whether a number belongs to a person. Asked each time,
never cached.

A number changes owners, and the second factor must detect a stolen SIM: yesterday's answer proves
nothing (law: O-31).
So every question needs its own `request_id`. The answer never names another owner.
"""

from dataclasses import dataclass
from functools import partial
from typing import Final

from verification.core.answers import OwnershipAnswer, parse_ownership
from verification.core.ids import Iin, Phone
from verification.sources.asking import HttpAdapter, Source, spell

SOURCE: Final = "phone_registry"


@dataclass(frozen=True, kw_only=True)
class OwnershipQuestion:
    """Whether this number is this person's."""

    request_id: str
    iin: Iin
    phone: Phone
    consent_id: str


def spell_ownership(answer: OwnershipAnswer) -> bytes:
    """An answer in the protocol of docs/operator/sources.md, source `phone`."""
    return spell(answer, without=() if answer.status == "owned" else ("owned_since",))


HttpPhoneRegistry = ADAPTER = partial(
    HttpAdapter[OwnershipQuestion, OwnershipAnswer], source=SOURCE, read=parse_ownership
)
"""The register by the protocol of docs/operator/sources.md, source `phone`."""

REGISTRY: Final = Source[OwnershipQuestion, OwnershipAnswer](
    name=SOURCE,
    answer=OwnershipAnswer,
    read=parse_ownership,
    spell=spell_ownership,
    repeated=("request_id", "iin", "phone"),
)
