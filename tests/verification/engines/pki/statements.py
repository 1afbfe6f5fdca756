"""Signed statements of the small world, put together rightly or as a test wants them."""

from collections.abc import Sequence

import pytest

from insecure_sandbox import encoding as asn1
from insecure_sandbox.signing import signed_attributes, signed_data, signer_info
from tests.verification.engines.pki.world import AT, LIMIT, STATEMENT, World
from verification.core.errors import Refused
from verification.engines.pki.cms import parse_cms


def verify(untrusted: bytes, *, statement: bytes = STATEMENT) -> None:
    """All that concerns the CMS alone: reading, content and signature."""
    signed = parse_cms(untrusted, max_bytes=LIMIT)
    signed.check_content(statement=statement)
    signed.check_signature()


def refusal(untrusted: bytes, *, statement: bytes = STATEMENT) -> str:
    """The code `verify` refuses with; fails if it passes."""
    with pytest.raises(Refused) as refused:
        verify(untrusted, statement=statement)
    return refused.value.code


def attributes_of(world: World) -> list[bytes]:
    """The right signed attributes of the person over the statement."""
    return signed_attributes(world.person, STATEMENT, signed_at=AT)


def signed_over(
    world: World,
    attributes: Sequence[bytes],
    *,
    content: bytes | None = STATEMENT,
    certificates: Sequence[bytes] | None = None,
) -> bytes:
    """A CMS with these attributes, rightly signed over them as they stand."""
    person = world.person
    return signed_data(
        person,
        infos=[signer_info(person, attributes=attributes)],
        certificates=[person.certificate] if certificates is None else certificates,
        content=content,
    )


def without(attributes: list[bytes], oid: str) -> list[bytes]:
    """The attributes but those of that type."""
    return [each for each in attributes if asn1.oid(oid) not in each]
