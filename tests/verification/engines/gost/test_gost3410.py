"""GOST R 34.10-2012 against RFC 7091 §7 (512 bits), and every way a signature or a key can be out
of range.
"""

import pytest

from insecure_sandbox.keys import sign_digest
from verification.core.errors import Refused
from verification.engines.gost.arithmetic import Arithmetic
from verification.engines.gost.backends import multiply_base
from verification.engines.gost.curves import PARAM_SET_A_512
from verification.engines.gost.gost3410 import PublicKey, verify
from verification.engines.gost.vectors import SIGNATURE_VECTOR

_VECTOR = SIGNATURE_VECTOR
_STANDARD_KEY = PublicKey(*_VECTOR.public, _VECTOR.curve)
_KEY = 0x1D2E3F
_DIGEST = bytes(range(64))
_q = PARAM_SET_A_512.q


@pytest.fixture(scope="module")
def key() -> PublicKey:
    """The public half of `_KEY` on the curve of the certificates."""
    point = multiply_base(_KEY)
    assert point is not None
    return PublicKey(*point)


def _le(number: int) -> bytes:
    return number.to_bytes(64, "little")


def test_the_signature_of_the_standard_verifies(arithmetic: Arithmetic) -> None:
    assert arithmetic.multiply_base(_VECTOR.curve, _VECTOR.private) == _VECTOR.public
    verify(_STANDARD_KEY, digest=_VECTOR.digest, signature=_VECTOR.signature, arithmetic=arithmetic)


@pytest.mark.parametrize("bit", [0, 255, 511, 512, 800, 1023])
def test_one_bit_of_the_standard_signature_changed_refuses(
    arithmetic: Arithmetic, bit: int
) -> None:
    signature = bytearray(_VECTOR.signature)
    signature[bit // 8] ^= 1 << bit % 8
    with pytest.raises(Refused) as refused:
        verify(
            _STANDARD_KEY, digest=_VECTOR.digest, signature=bytes(signature), arithmetic=arithmetic
        )
    assert refused.value.code == "eds_signature_invalid"


def test_our_own_signature_verifies_and_another_hash_refuses(
    arithmetic: Arithmetic, key: PublicKey
) -> None:
    signature = sign_digest(_KEY, _DIGEST)
    verify(key, digest=_DIGEST, signature=signature, arithmetic=arithmetic)
    with pytest.raises(Refused, match="does not fit"):
        verify(key, digest=_DIGEST[::-1], signature=signature, arithmetic=arithmetic)


def test_an_issuers_key_gives_the_same_answers_before_and_after_it_has_a_table(
    key: PublicKey,
) -> None:
    arithmetic = Arithmetic("python", number=int)
    signature = sign_digest(_KEY, _DIGEST)
    for _ in range(10):
        verify(key, digest=_DIGEST, signature=signature, arithmetic=arithmetic, often=True)
        with pytest.raises(Refused, match="does not fit"):
            verify(
                key, digest=_DIGEST[::-1], signature=signature, arithmetic=arithmetic, often=True
            )


def test_a_hash_of_zero_counts_as_one(arithmetic: Arithmetic, key: PublicKey) -> None:
    signature = sign_digest(_KEY, bytes(64))
    verify(key, digest=bytes(64), signature=signature, arithmetic=arithmetic)
    verify(key, digest=_le(1), signature=signature, arithmetic=arithmetic)


@pytest.mark.parametrize(
    ("r", "s", "problem"),
    [
        (0, 1, "r of the GOST signature is zero"),
        (1, 0, "s of the GOST signature is zero"),
        (0, 0, "r of the GOST signature is zero"),
        (_q, 1, "r of the GOST signature is out of range"),
        (1, _q, "s of the GOST signature is out of range"),
        (2**512 - 1, 1, "r of the GOST signature is out of range"),
        (1, 2**512 - 1, "s of the GOST signature is out of range"),
        (1, 1, "does not fit"),
        (_q - 1, _q - 1, "does not fit"),
    ],
    ids=str,
)
def test_r_and_s_at_and_beyond_their_bounds_refuse(
    arithmetic: Arithmetic, key: PublicKey, r: int, s: int, problem: str
) -> None:
    with pytest.raises(Refused, match=problem) as refused:
        verify(key, digest=_DIGEST, signature=_le(r) + _le(s), arithmetic=arithmetic)
    assert refused.value.code == "eds_signature_invalid"


def test_r_plus_the_order_is_no_second_spelling_of_a_signature(arithmetic: Arithmetic) -> None:
    # On the standard's curve q is far below 2^512, so r + q still fits into 64 bytes.
    r, s = _VECTOR.signature[:64], _VECTOR.signature[64:]
    again = int.from_bytes(r, "little") + _VECTOR.curve.q
    with pytest.raises(Refused, match="out of range"):
        verify(
            _STANDARD_KEY, digest=_VECTOR.digest, signature=_le(again) + s, arithmetic=arithmetic
        )


def test_the_base_point_and_its_negative_serve_as_keys_of_themselves(
    arithmetic: Arithmetic,
) -> None:
    # Sums of multiples of one and the same point meet the doubling and the cancelling case.
    curve = PARAM_SET_A_512
    verify(
        PublicKey(curve.x, curve.y),
        digest=_DIGEST,
        signature=sign_digest(1, _DIGEST),
        arithmetic=arithmetic,
    )
    negative = PublicKey(curve.x, curve.p - curve.y)
    verify(negative, digest=_DIGEST, signature=sign_digest(_q - 1, _DIGEST), arithmetic=arithmetic)


def test_a_sum_that_cancels_to_nothing_refuses(arithmetic: Arithmetic) -> None:
    # With Q = P and s = r the sum (s/e)·P - (r/e)·Q is the neutral element, which has no x.
    curve = PARAM_SET_A_512
    with pytest.raises(Refused, match="does not fit"):
        verify(
            PublicKey(curve.x, curve.y),
            digest=_DIGEST,
            signature=_le(5) + _le(5),
            arithmetic=arithmetic,
        )


@pytest.mark.parametrize("size", [0, 64, 127, 129, 256])
def test_a_signature_of_another_length_refuses(
    arithmetic: Arithmetic, key: PublicKey, size: int
) -> None:
    with pytest.raises(Refused, match="signature of a wrong length"):
        verify(key, digest=_DIGEST, signature=bytes([1]) * size, arithmetic=arithmetic)


@pytest.mark.parametrize("size", [0, 32, 63, 65])
def test_a_hash_of_another_length_refuses(
    arithmetic: Arithmetic, key: PublicKey, size: int
) -> None:
    with pytest.raises(Refused, match="a hash of another length"):
        verify(key, digest=bytes(size), signature=sign_digest(_KEY, _DIGEST), arithmetic=arithmetic)
