"""Streebog against the vectors of RFC 6986 §10, which prints its vectors back to front, and other
published ones.
"""

import pytest

from verification.engines.gost.backends import Hash
from verification.engines.gost.streebog import streebog256
from verification.engines.gost.vectors import STREEBOG_VECTORS, HashVector

_M1, _M2 = (vector.message for vector in STREEBOG_VECTORS[:2])


@pytest.mark.parametrize(
    "vector", STREEBOG_VECTORS, ids=["RFC 6986 example 1", "RFC 6986 example 2", "carry"]
)
def test_streebog_512_gives_the_published_hashes(streebog512: Hash, vector: HashVector) -> None:
    assert streebog512(vector.message) == vector.digest


@pytest.mark.parametrize(
    ("message", "backwards"),
    [
        (_M1, "00557be5e584fd52a449b16b0251d05d27f94ab76cbaa6da890b59d8ef1e159d"),
        (_M2, "508f7e553c06501d749a66fc28c6cac0b005746d97537fa85d9e40904efed29d"),
    ],
)
def test_streebog_256_gives_the_hashes_of_the_rfc(message: bytes, backwards: str) -> None:
    assert streebog256(message)[::-1].hex() == backwards


def test_an_empty_message_has_the_published_hash(streebog512: Hash) -> None:
    assert streebog512(b"").hex() == (
        "8e945da209aa869f0455928529bcae4679e9873ab707b55315f56ceb98bef0a7"
        "362f715528356ee83cda5f2aac4c6ad2ba3a715c1bcd81cb8e9f90bf4c1c1a8a"
    )


@pytest.mark.parametrize("size", [64, 128, 192, 640])
def test_they_agree_where_every_addition_carries(
    plain_hash: Hash, library_hash: Hash, size: int
) -> None:
    assert plain_hash(b"\xff" * size) == library_hash(b"\xff" * size)


@pytest.mark.parametrize(
    "wrong",
    [None, "text", bytearray(64), memoryview(bytes(64)), 64],
    ids=lambda wrong: type(wrong).__name__,
)
def test_only_bytes_reach_libgcrypt(library_hash: Hash, wrong: bytes) -> None:
    with pytest.raises(TypeError):
        library_hash(wrong)
