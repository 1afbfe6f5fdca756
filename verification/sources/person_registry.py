"""The state register of people: who somebody is, whether they live, which documents they hold.
Needs their consent.
"""

from dataclasses import dataclass
from functools import partial
from typing import Final

from verification.core.answers import PersonAnswer, parse_person
from verification.core.ids import Iin
from verification.sources.asking import HttpAdapter, Source, spell

SOURCE: Final = "person_registry"


@dataclass(frozen=True, kw_only=True)
class PersonQuestion:
    """Whom the register is asked about. The same `request_id` may be asked again and is charged
    once.
    """

    request_id: str
    iin: Iin
    consent_id: str


def spell_person(answer: PersonAnswer) -> bytes:
    """An answer in the protocol of docs/sandbox.md, source `person`."""
    person = vars(answer.person) if answer.person is not None else {}
    return spell(answer, without=("person",), **person)


HttpPersonRegistry = ADAPTER = partial(
    HttpAdapter[PersonQuestion, PersonAnswer], source=SOURCE, read=parse_person
)
"""The register asked by the protocol of docs/sandbox.md, source `person`."""

REGISTRY: Final = Source[PersonQuestion, PersonAnswer](
    name=SOURCE,
    answer=PersonAnswer,
    read=parse_person,
    spell=spell_person,
    repeated=("request_id", "iin"),
)
