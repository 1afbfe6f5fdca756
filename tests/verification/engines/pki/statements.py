"""Signed statements of the small world, put together rightly or as a test wants them."""

from collections.abc import Sequence

import pytest

from insecure_sandbox import encoding as asn1
from insecure_sandbox.signing import signed_attributes, signed_data, signer_info
from insecure_sandbox.xml_signing import envelop, signature_element, signed_info
from tests.verification.engines.pki.world import AT, LIMIT, STATEMENT, World
from verification.core.errors import Refused
from verification.engines.pki.signatures import Signature, parse_signature
from verification.engines.pki.xmldsig import statement_document

DOCUMENT = statement_document(STATEMENT)


def verify(untrusted: bytes, *, statement: bytes = STATEMENT) -> Signature:
    """All that concerns the signature alone: reading, content and value."""
    signed = parse_signature(untrusted, max_bytes=LIMIT)
    signed.check_content(statement=statement)
    signed.check_signature()
    return signed


def refusal(untrusted: bytes, *, statement: bytes = STATEMENT) -> Refused:
    """What `verify` refuses with; fails if it passes."""
    with pytest.raises(Refused) as refused:
        verify(untrusted, statement=statement)
    return refused.value


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


def with_info(world: World, old: bytes, new: bytes, *, document: bytes = DOCUMENT) -> bytes:
    """A document whose SignedInfo is changed and then rightly signed as it stands."""
    info = signed_info(world.family, document)
    assert info.count(old) == 1
    return envelop(document, signature_element(world.person, info=info.replace(old, new)))
