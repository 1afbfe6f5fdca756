"""A small world to break: an authority of one family, a borrower's certificate under it, and the
anchors.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import TypedDict

from insecure_sandbox.authority import Authority, create_authority, issue
from insecure_sandbox.credential import Credential
from insecure_sandbox.keys import PrivateKey, generate_key
from verification.engines.pki.certificate import Certificate, parse_certificate
from verification.engines.pki.keys import Family

AT = datetime(2026, 11, 24, 12, tzinfo=UTC)
IIN = "990101100010"
STATEMENT = "Тұлға: a statement of the borrower".encode()
LIMIT = 64 * 1024


class Person(TypedDict):
    """What `issue` is told of a person."""

    iin: str
    surname: str
    given_name: str
    patronymic: str


PERSON = Person(iin=IIN, surname="Тестов", given_name="Тест", patronymic="Тестович")


@dataclass(frozen=True)
class World:
    """Everything a passing verification needs; a test changes one thing."""

    authority: Authority
    person: Credential
    leaf: Certificate
    issuer: Certificate
    root: Certificate
    spare_key: PrivateKey

    @property
    def family(self) -> Family:
        """Of the authority and all under it."""
        return self.authority.family


@cache
def foreign_authority(family: Family) -> Authority:
    """An authority of the same names as a world's, and of other keys; made once, for RSA keys are
    slow.
    """
    return create_authority(family, at=AT)


def make_world(family: Family) -> World:
    """A fresh world; about 50 ms, RSA half a second."""
    authority = create_authority(family, at=AT)
    person = issue(authority, **PERSON, at=AT)
    return World(
        authority=authority,
        person=person,
        leaf=parse_certificate(person.certificate),
        issuer=parse_certificate(authority.issuing.certificate),
        root=parse_certificate(authority.root.certificate),
        spare_key=generate_key(family),
    )
