"""Columns in fewer bytes: what was kept is read back exactly, and bytes that somebody else put there have a limit."""

import zlib
from base64 import urlsafe_b64encode
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verification.fields import CompactJwsField, HexField

JWS = ".".join(
    urlsafe_b64encode(part).decode().rstrip("=") for part in (b'{"alg":"EdDSA"}', b'{"status":"verified"}', bytes(64))
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
def test_bytes_of_somebody_else_are_read_or_named(kept: bytes) -> None:
    with suppress(ValueError):
        assert isinstance(CompactJwsField().from_db_value(kept), str)


@pytest.mark.parametrize("kept", ["text", 7])
def test_what_is_no_bytes_is_named(kept: object) -> None:
    with pytest.raises(TypeError, match="holds no bytes"):
        HexField().from_db_value(kept)


def test_more_than_a_signature_is_not_unpacked() -> None:
    packer = zlib.compressobj(9, wbits=-zlib.MAX_WBITS)
    bomb = packer.compress(bytes(50_000_000)) + packer.flush()
    whole = CompactJwsField().get_prep_value(JWS)
    for kept in (bomb, whole[:-1], whole + b"x"):
        with pytest.raises(ValueError, match="cut off, or more"):
            CompactJwsField().from_db_value(kept)
