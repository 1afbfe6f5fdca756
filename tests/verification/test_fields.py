"""Columns in fewer bytes: what was kept is read back exactly, and bytes that somebody else put
there have a limit.
"""

import zlib
from base64 import urlsafe_b64encode

import pytest
from django.core import serializers
from hypothesis import given
from hypothesis import strategies as st

from verification.fields import CompactJwsField, HexField
from verification.models import Receipt, SharedEvidence

JWS = ".".join(
    urlsafe_b64encode(part).decode().rstrip("=")
    for part in (b'{"alg":"EdDSA"}', b'{"status":"verified"}', bytes(64))
)


@given(st.one_of(st.just(JWS), st.text(max_size=50), st.text("{.aZ-_", max_size=20)))
def test_a_signature_and_any_other_text_are_read_back_as_they_were(text: str) -> None:
    field = CompactJwsField()
    assert field.from_db_value(field.get_prep_value(text)) == text


@given(st.binary(max_size=64))
def test_any_bytes_have_their_hex(kept: bytes) -> None:
    field = HexField()
    assert field.get_prep_value(field.from_db_value(kept)) == kept


@given(st.binary(max_size=200))
def test_bytes_of_somebody_else_are_read_as_some_text(kept: bytes) -> None:
    assert isinstance(CompactJwsField().from_db_value(kept), str)


@pytest.mark.parametrize("text", ["AB", "a", "0g", " ab", "ab\n", "../ab"])
def test_hex_is_spelled_one_way(text: str) -> None:
    with pytest.raises(ValueError, match="lower-case hex"):
        HexField().get_prep_value(text)


def test_what_is_no_such_value_is_read_as_none() -> None:
    packer = zlib.compressobj(9, wbits=-zlib.MAX_WBITS)
    bomb = packer.compress(bytes(50_000_000)) + packer.flush()
    whole = CompactJwsField().get_prep_value(JWS)
    for kept in (bomb, whole[:-1], whole + b"x", b"\xff" * 40, "text"):
        assert CompactJwsField().from_db_value(kept) == ""
    assert HexField().from_db_value("../outside") == ""
    assert HexField().from_db_value(None) is None


def test_a_dump_has_the_text_and_reads_it_back() -> None:
    row = Receipt(verification_id="ver_a", jws=JWS)
    dumped = serializers.serialize("json", [row, SharedEvidence(sha256="ab" * 32, size=1)])
    receipt, shared = (each.object for each in serializers.deserialize("json", dumped))
    assert (vars(receipt)["jws"], shared.pk) == (JWS, "ab" * 32)
