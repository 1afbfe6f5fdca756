"""Which of the two forms a signature has is told by its first byte, and both are checked by one
name.
"""

import base64

import pytest

from insecure_sandbox.signing import sign_cms
from insecure_sandbox.xml_signing import sign_xml
from tests.verification.engines.pki.world import AT, LIMIT, STATEMENT, World
from tests.verification.engines.pki.xml_statements import DOCUMENT
from verification.core.errors import Refused
from verification.engines.pki.signatures import (
    Signature,
    parse_signature,
)


def _verify(signed: Signature, *, statement: bytes = STATEMENT) -> None:
    signed.check_content(statement=statement)
    signed.check_signature()


def test_neither_form_is_accepted_over_what_the_other_would_sign(world: World) -> None:
    for encoded in (
        sign_cms(world.person, DOCUMENT, signed_at=AT),
        sign_xml(world.person, b"<a>I owe</a>"),
    ):
        with pytest.raises(Refused) as refused:
            _verify(parse_signature(encoded, max_bytes=LIMIT))
        assert refused.value.code == "eds_statement_mismatch"


def test_xml_claims_no_time_and_carries_no_time_stamp(rsa: World) -> None:
    signed = parse_signature(sign_xml(rsa.person, DOCUMENT), max_bytes=LIMIT)
    assert (signed.claimed_signing_time, signed.unsigned_attributes) == (None, ())
    signed = parse_signature(sign_cms(rsa.person, STATEMENT, signed_at=AT), max_bytes=LIMIT)
    assert signed.claimed_signing_time == AT


@pytest.mark.parametrize("lead", [b"", b" ", b"\r\n\t "])
def test_white_space_of_xml_and_nothing_else_may_stand_before_the_first_tag(lead: bytes) -> None:
    with pytest.raises(Refused, match="XML"):
        parse_signature(lead + b"<", max_bytes=LIMIT)
    for other in (
        b"",
        b"0",
        b"\x0b<",
        b"\x0c<",
        b"\x00<",
        b"\x85<",
        b"\xa0<",
        b"\xef\xbb\xbf<",
        b"&lt;",
        b"\xff\xfe<",
    ):
        with pytest.raises(Refused) as refused:
            parse_signature(lead + other, max_bytes=LIMIT)
        assert "XML" not in str(refused.value)


def test_what_claims_to_be_xml_is_never_tried_as_a_cms_nor_the_other_way(rsa: World) -> None:
    der, xml = sign_cms(rsa.person, STATEMENT, signed_at=AT), sign_xml(rsa.person, DOCUMENT)
    for untrusted, word in (
        (b"<" + base64.b64encode(der), "XML"),
        (b"a" + xml, "neither DER, PEM nor base64"),
    ):
        with pytest.raises(Refused, match=word) as refused:
            parse_signature(untrusted, max_bytes=LIMIT)
        assert refused.value.code == "eds_malformed"
