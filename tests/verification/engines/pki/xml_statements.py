"""Statements signed as XML in the small world, put together rightly or as a test wants them."""

import pytest

from insecure_sandbox.xml_signing import envelop, signature_element, signed_info
from tests.verification.engines.pki.world import LIMIT, STATEMENT, World
from verification.core.errors import Refused
from verification.engines.pki.xmldsig import (
    SignedXml,
    parse_xml,
    statement_document,
)

DOCUMENT = statement_document(STATEMENT)


def verify(untrusted: bytes, *, statement: bytes = STATEMENT) -> SignedXml:
    """All that concerns the XML alone: reading, content and signature."""
    signed = parse_xml(untrusted, max_bytes=LIMIT)
    signed.check_content(statement=statement)
    signed.check_signature()
    return signed


def refusal(untrusted: bytes, *, statement: bytes = STATEMENT) -> Refused:
    """What `verify` refuses with; fails if it passes."""
    with pytest.raises(Refused) as refused:
        verify(untrusted, statement=statement)
    return refused.value


def with_info(world: World, old: bytes, new: bytes, *, document: bytes = DOCUMENT) -> bytes:
    """A document whose SignedInfo is changed and then rightly signed as it stands."""
    info = signed_info(world.family, document)
    assert info.count(old) == 1
    return envelop(document, signature_element(world.person, info=info.replace(old, new)))
