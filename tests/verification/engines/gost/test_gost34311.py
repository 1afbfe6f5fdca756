"""The old hash against the published vectors for the test parameters, and against libgcrypt."""

import ctypes
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from verification.engines.gost import backends
from verification.engines.gost.gost34311 import gost34311

Old = Callable[[bytes], bytes]


@pytest.mark.parametrize(
    ("message", "digest"),
    [
        (b"", "ce85b99cc46752fffee35cab9a7b0278abb4c2d2055cff685af4912c49490f8d"),
        # RFC 5831 §7.3.1 and §7.3.2, which print them back to front.
        (
            b"This is message, length=32 bytes",
            "b1c466d37519b82e8319819ff32595e047a28cb6f83eff1c6916a815a637fffa",
        ),
        (
            b"Suppose the original message has length = 50 bytes",
            "471aba57a60a770d3a76130635c1fbea4ef14de51f78b4ae57dd893b62f55208",
        ),
    ],
)
def test_the_published_hashes_come_out(message: bytes, digest: str) -> None:
    assert gost34311(message).hex() == digest


@pytest.fixture(scope="module")
def library_old() -> Old:
    """The same hash by libgcrypt (algorithm 308), for this test alone."""
    if backends.load_libgcrypt() is None:
        pytest.skip("libgcrypt is not installed")
    library = ctypes.CDLL("libgcrypt.so.20")

    def old(data: bytes) -> bytes:
        digest = ctypes.create_string_buffer(32)
        library.gcry_md_hash_buffer(308, digest, data, ctypes.c_size_t(len(data)))
        return digest.raw

    return old


@settings(max_examples=60)
@given(st.binary(max_size=140))
def test_pure_python_and_libgcrypt_agree(library_old: Old, message: bytes) -> None:
    assert gost34311(message) == library_old(message)


@pytest.mark.parametrize("size", [32, 64, 96, 320])
def test_they_agree_where_every_addition_carries(library_old: Old, size: int) -> None:
    assert gost34311(b"\xff" * size) == library_old(b"\xff" * size)
