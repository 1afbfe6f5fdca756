"""The old signature on 256 bits, which only time-stamp tokens may carry, and its hash."""

import ctypes
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.verification.engines.gost import textbook
from verification.core.errors import Refused
from verification.engines.gost import backends, gost34310
from verification.engines.gost.arithmetic import Arithmetic
from verification.engines.gost.curves import PARAM_SET_A_512, PARAM_SET_B_256
from verification.engines.gost.gost34310 import OldPublicKey
from verification.engines.gost.gost34311 import gost34311

_CURVE = PARAM_SET_B_256
_PRIVATE = 0xA11CE
_MESSAGE = b"a time and the hash of a signature"
_SIGNATURE = textbook.sign(_CURVE, _PRIVATE, digest=gost34311(_MESSAGE), ephemeral=0xB0B)
_POINT = textbook.multiply(_CURVE, (_CURVE.x, _CURVE.y), _PRIVATE)
_KEY = OldPublicKey.parse(textbook.encode(_CURVE, _POINT))


def test_a_signature_verifies_and_another_message_refuses(arithmetic: Arithmetic) -> None:
    gost34310.verify(_KEY, _MESSAGE, signature=_SIGNATURE, arithmetic=arithmetic)
    with pytest.raises(Refused, match="does not fit"):
        gost34310.verify(_KEY, _MESSAGE + b".", signature=_SIGNATURE, arithmetic=arithmetic)


@pytest.mark.parametrize(
    ("signature", "problem"),
    [
        (_SIGNATURE[32:] + _SIGNATURE[:32], "does not fit|out of range"),
        (_SIGNATURE[::-1], "does not fit|out of range"),
        (_SIGNATURE + bytes(64), "wrong length"),
        (_SIGNATURE[:63], "wrong length"),
        (bytes(32) + _SIGNATURE[32:], "r of the GOST signature is zero"),
        (_SIGNATURE[:32] + bytes(32), "s of the GOST signature is zero"),
        (
            _CURVE.q.to_bytes(32, "little") + _SIGNATURE[32:],
            "r of the GOST signature is out of range",
        ),
        (
            _SIGNATURE[:32] + _CURVE.q.to_bytes(32, "little"),
            "s of the GOST signature is out of range",
        ),
    ],
)
def test_every_other_signature_refuses(
    arithmetic: Arithmetic, signature: bytes, problem: str
) -> None:
    with pytest.raises(Refused, match=problem):
        gost34310.verify(_KEY, _MESSAGE, signature=signature, arithmetic=arithmetic)


def test_only_64_bytes_that_are_a_point_of_the_old_curve_are_a_key() -> None:
    new = textbook.encode(PARAM_SET_A_512, (PARAM_SET_A_512.x, PARAM_SET_A_512.y))
    for untrusted in (b"", bytes(64), bytes(63), new, textbook.encode(_CURVE, _POINT)[::-1]):
        with pytest.raises(Refused) as refused:
            OldPublicKey.parse(untrusted)
        assert refused.value.code == "eds_algorithm_refused"


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
