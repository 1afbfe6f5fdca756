"""The state register of people: identity, life status and documents. Needs the person's consent."""

from dataclasses import dataclass
from functools import partial
from typing import Final

from verification.core.answers import PersonAnswer, parse_person
from verification.core.ids import Iin
from verification.sources.asking import HttpAdapter, Source, spell

SOURCE: Final = "person_registry"


@dataclass(frozen=True, kw_only=True)
class PersonQuestion:
    """The person to look up. The same `request_id` may be repeated and is charged once."""

    request_id: str
    iin: Iin
    consent_id: str


def spell_person(answer: PersonAnswer) -> bytes:
    """An answer in the protocol of docs/operator/sources.md, source `person`."""
    person = vars(answer.person) if answer.person is not None else {}
    return spell(answer, without=("person",), **person)


HttpPersonRegistry = ADAPTER = partial(
    HttpAdapter[PersonQuestion, PersonAnswer], source=SOURCE, read=parse_person
)
"""The register by the protocol of docs/operator/sources.md, source `person`."""

REGISTRY: Final = Source[PersonQuestion, PersonAnswer](
    name=SOURCE,
    answer=PersonAnswer,
    read=parse_person,
    spell=spell_person,
    repeated=("request_id", "iin"),
)
