"""GOST signatures and digests, by textbook and by both backends."""

import ctypes
from collections.abc import Callable
from functools import cache
from itertools import pairwise
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from insecure_sandbox.keys import sign_digest
from tests.proofs import Figures
from verification.core.errors import Misconfigured, Refused
from verification.engines.gost import backends, gost34310, streebog
from verification.engines.gost.arithmetic import (
    Arithmetic,
    Field,
    Tables,
    add_many,
    add_pairs,
    build_table,
    chosen,
    odd_digits,
)
from verification.engines.gost.backends import Hash, choose, multiply_base
from verification.engines.gost.curves import PARAM_SET_A_512, PARAM_SET_B_256, Curve
from verification.engines.gost.gost3410 import PublicKey, verify
from verification.engines.gost.gost34310 import OldPublicKey
from verification.engines.gost.gost34311 import gost34311
from verification.engines.gost.streebog import streebog256, streebog512
from verification.engines.gost.vectors import (
    EXCHANGE_VECTOR,
    SIGNATURE_VECTOR,
    STREEBOG_VECTORS,
    HashVector,
)

# The curve as a textbook has it, on affine points and plain integers: slow, and shares no line
# with the engine.


Point = tuple[int, int] | None


def add(curve: Curve, one: Point, other: Point) -> Point:
    """The sum by chord and tangent; `None` stands for the neutral element."""
    if one is None or other is None:
        return one or other
    (x1, y1), (x2, y2), p = one, other, curve.p
    if x1 == x2 and (y1 + y2) % p == 0:
        return None
    slope = (
        (3 * x1 * x1 + curve.a) * pow(2 * y1, -1, p)
        if one == other
        else (y2 - y1) * pow(x2 - x1, -1, p)
    )
    x = (slope * slope - x1 - x2) % p
    return x, (slope * (x1 - x) - y1) % p


@cache
def multiply(curve: Curve, point: Point, scalar: int) -> Point:
    """`scalar` times the point, bit by bit. Kept, for each tier is asked for the same ones."""
    total: Point = None
    for bit in bin(scalar)[2:]:
        total = add(curve, total, total)
        if bit == "1":
            total = add(curve, total, point)
    return total


def sign(curve: Curve, private: int, *, digest: bytes, ephemeral: int) -> bytes:
    """r ‖ s, little-endian. Source: RFC 7091 §6.1."""
    point = multiply(curve, (curve.x, curve.y), ephemeral)
    assert point is not None
    r = point[0] % curve.q
    s = (r * private + ephemeral * (int.from_bytes(digest, "little") % curve.q or 1)) % curve.q
    return r.to_bytes(curve.size, "little") + s.to_bytes(curve.size, "little")


def encode(curve: Curve, point: Point) -> bytes:
    """x ‖ y, little-endian."""
    assert point is not None
    return b"".join(number.to_bytes(curve.size, "little") for number in point)


# Every tier of curve arithmetic against the textbook, and the tables of the points that come
# again.


_CURVES = (PARAM_SET_A_512, PARAM_SET_B_256, SIGNATURE_VECTOR.curve)
_SCALARS = st.one_of(
    st.integers(0, 40), st.integers(0, 2**512), st.integers(1, 40).map(lambda below: -below)
)
_curves = pytest.mark.parametrize("curve", _CURVES, ids=lambda curve: curve.name)


def _base(curve: Curve) -> tuple[int, int]:
    return curve.x, curve.y


@_curves
def test_the_curve_is_one_and_its_base_point_has_its_order(curve: Curve) -> None:
    PublicKey(*_base(curve), curve)  # refuses what is no point of it
    assert multiply(curve, _base(curve), curve.q) is None
    assert (4 * curve.a**3 + 27 * curve.b**2) % curve.p


@_curves
def test_multiples_of_the_base_point_follow_the_group_law(
    arithmetic: Arithmetic, curve: Curve
) -> None:
    base = _base(curve)
    assert arithmetic.multiply_base(curve, 0) is None
    assert arithmetic.multiply_base(curve, 1) == base
    assert arithmetic.multiply_base(curve, curve.q) is None
    assert arithmetic.multiply_base(curve, curve.q - 1) == (curve.x, curve.p - curve.y)
    assert arithmetic.multiply_both(
        curve, base=5, point=base, scalar=6
    ) == arithmetic.multiply_base(curve, 11)
    assert arithmetic.multiply_both(curve, base=curve.q - 6, point=base, scalar=6) is None
    assert arithmetic.multiply_both(curve, base=0, point=base, scalar=0) is None


@_curves
@settings(max_examples=15)
@given(key=st.integers(1, 2**256), base=_SCALARS, scalar=_SCALARS)
def test_sums_are_those_of_the_textbook(
    arithmetic: Arithmetic, curve: Curve, key: int, base: int, scalar: int
) -> None:
    point = multiply(curve, _base(curve), key % curve.q or 1)
    assert point is not None
    base, scalar = base % curve.q, scalar % curve.q
    expected = add(curve, multiply(curve, _base(curve), base), multiply(curve, point, scalar))
    assert arithmetic.multiply_both(curve, base=base, point=point, scalar=scalar) == expected
    assert arithmetic.multiply_base(curve, base) == multiply(curve, _base(curve), base)


def test_two_parties_of_rfc_7836_agree_on_the_published_bytes(arithmetic: Arithmetic) -> None:
    vector, curve = EXCHANGE_VECTOR, PARAM_SET_A_512
    for private, public in (
        (vector.private_a, vector.public_b),
        (vector.private_b, vector.public_a),
    ):
        scalar = (
            int.from_bytes(vector.multiplier, "little")
            * int.from_bytes(private, "little")
            % curve.q
        )
        point = int.from_bytes(public[:64], "little"), int.from_bytes(public[64:], "little")
        agreed = arithmetic.multiply_both(curve, base=0, point=point, scalar=scalar)
        assert streebog512(encode(curve, agreed)) == vector.agreed


@given(st.integers(0, 2**512), st.integers(2, 10))
def test_digits_are_odd_apart_and_sum_up_to_the_scalar(scalar: int, window: int) -> None:
    digits = odd_digits(scalar, window)
    assert sum(digit << position for position, digit in digits) == scalar
    assert all(digit % 2 and abs(digit) < 1 << (window - 1) for _, digit in digits)
    assert all(above[0] - below[0] >= window for below, above in pairwise(digits))


@pytest.fixture(scope="module")
def small() -> tuple[Curve, Field, list[list[tuple[int, int]]]]:
    """A table of the smaller curve's base point, for scalars of 256 bits."""
    curve = PARAM_SET_B_256
    field = Field(curve.p, curve.a)
    return curve, field, build_table(field, _base(curve), bits=256)


@settings(max_examples=30)
@given(
    scalar=st.one_of(
        st.integers(1, 2**256 - 1),
        st.integers(1, 1000),
        st.integers(0, 255).map(lambda bit: 1 << bit),
    )
)
def test_a_table_gives_the_multiples_of_the_textbook(
    small: tuple[Curve, Field, list[list[tuple[int, int]]]], scalar: int
) -> None:
    curve, field, table = small
    assert add_many(field, chosen(field, table, scalar)) == multiply(curve, _base(curve), scalar)


def test_a_table_carries_through_every_digit(
    small: tuple[Curve, Field, list[list[tuple[int, int]]]],
) -> None:
    curve, field, table = small
    for scalar in (
        2**256 - 1,
        int("81" * 32, 16),
        int("80" * 32, 16),
        int("7f" * 32, 16),
        curve.q - 1,
        curve.q,
        0,
    ):
        assert add_many(field, chosen(field, table, scalar)) == multiply(
            curve, _base(curve), scalar
        )


def test_pairs_that_are_equal_or_opposite_are_summed_as_the_textbook_has_it() -> None:
    curve = PARAM_SET_B_256
    field = Field(curve.p, curve.a)
    one, two, three = (
        (curve.x, curve.y),
        *(multiply(curve, _base(curve), number) for number in (2, 3)),
    )
    assert two is not None
    assert three is not None
    negative = (curve.x, curve.p - curve.y)
    assert add_pairs(field, [(one, two), (one, one), (one, negative), (three, negative)]) == [
        three,
        two,
        two,
    ]
    assert add_pairs(field, [(one, negative)]) == []
    assert add_many(field, [one, negative, negative, one]) is None
    assert add_many(field, [one, negative, two]) == two
    assert add_many(field, []) is None


def test_a_point_has_a_table_only_after_it_was_asked_for_often() -> None:
    curve = PARAM_SET_B_256
    tables = Tables(limit=1, asks=3)
    field = Field(curve.p, curve.a)
    found = [tables.find(field, _base(curve), bits=16) for _ in range(4)]
    assert [each is not None for each in found] == [False, False, True, True]


def test_strangers_points_do_not_push_a_known_one_out() -> None:
    curve = PARAM_SET_B_256
    tables = Tables(limit=1, asks=2)
    field = Field(curve.p, curve.a)
    strangers = [multiply(curve, _base(curve), number) for number in range(2, 90)]
    for _ in range(2):
        tables.find(field, _base(curve), bits=16)
    for stranger in strangers:
        assert stranger is not None
        assert tables.find(field, stranger, bits=16) is None
    assert tables.find(field, _base(curve), bits=16) is not None


def test_no_more_points_than_the_limit_have_a_table() -> None:
    curve = PARAM_SET_B_256
    tables = Tables(limit=1, asks=1)
    field = Field(curve.p, curve.a)
    other = multiply(curve, _base(curve), 2)
    assert other is not None
    first = tables.find(field, _base(curve), bits=16)
    assert first is tables.find(field, _base(curve), bits=16)
    assert tables.find(field, other, bits=16) is not None
    assert tables.find(field, _base(curve), bits=16) is not first


# GOST R 34.10-2012 against RFC 7091 §7 (512 bits), and every way a signature or a key can be out
# of range.


_VECTOR = SIGNATURE_VECTOR
_STANDARD_KEY = PublicKey(*_VECTOR.public, _VECTOR.curve)
_KEY = 0x1D2E3F
_DIGEST = bytes(range(64))
_q = PARAM_SET_A_512.q


@pytest.fixture(scope="module")
def public_key() -> PublicKey:
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
    arithmetic: Arithmetic, public_key: PublicKey
) -> None:
    signature = sign_digest(_KEY, _DIGEST)
    verify(public_key, digest=_DIGEST, signature=signature, arithmetic=arithmetic)
    with pytest.raises(Refused, match="does not fit"):
        verify(public_key, digest=_DIGEST[::-1], signature=signature, arithmetic=arithmetic)


def test_an_issuers_key_gives_the_same_answers_before_and_after_it_has_a_table(
    public_key: PublicKey,
) -> None:
    arithmetic = Arithmetic("python", number=int)
    signature = sign_digest(_KEY, _DIGEST)
    for _ in range(10):
        verify(public_key, digest=_DIGEST, signature=signature, arithmetic=arithmetic, often=True)
        with pytest.raises(Refused, match="does not fit"):
            verify(
                public_key,
                digest=_DIGEST[::-1],
                signature=signature,
                arithmetic=arithmetic,
                often=True,
            )


def test_a_hash_of_zero_counts_as_one(arithmetic: Arithmetic, public_key: PublicKey) -> None:
    signature = sign_digest(_KEY, bytes(64))
    verify(public_key, digest=bytes(64), signature=signature, arithmetic=arithmetic)
    verify(public_key, digest=_le(1), signature=signature, arithmetic=arithmetic)


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
    arithmetic: Arithmetic, public_key: PublicKey, r: int, s: int, problem: str
) -> None:
    with pytest.raises(Refused, match=problem) as refused:
        verify(public_key, digest=_DIGEST, signature=_le(r) + _le(s), arithmetic=arithmetic)
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
    arithmetic: Arithmetic, public_key: PublicKey, size: int
) -> None:
    with pytest.raises(Refused, match="signature of a wrong length"):
        verify(public_key, digest=_DIGEST, signature=bytes([1]) * size, arithmetic=arithmetic)


@pytest.mark.parametrize("size", [0, 32, 63, 65])
def test_a_hash_of_another_length_refuses(
    arithmetic: Arithmetic, public_key: PublicKey, size: int
) -> None:
    with pytest.raises(Refused, match="a hash of another length"):
        verify(
            public_key,
            digest=bytes(size),
            signature=sign_digest(_KEY, _DIGEST),
            arithmetic=arithmetic,
        )


# The old signature on 256 bits, which only time-stamp tokens may carry, and its hash.


_CURVE = PARAM_SET_B_256
_PRIVATE = 0xA11CE
_MESSAGE = b"a time and the hash of a signature"
_SIGNATURE = sign(_CURVE, _PRIVATE, digest=gost34311(_MESSAGE), ephemeral=0xB0B)
_POINT = multiply(_CURVE, (_CURVE.x, _CURVE.y), _PRIVATE)
_OLD_KEY = OldPublicKey.parse(encode(_CURVE, _POINT))


def test_a_signature_verifies_and_another_message_refuses(arithmetic: Arithmetic) -> None:
    gost34310.verify(_OLD_KEY, _MESSAGE, signature=_SIGNATURE, arithmetic=arithmetic)
    with pytest.raises(Refused, match="does not fit"):
        gost34310.verify(_OLD_KEY, _MESSAGE + b".", signature=_SIGNATURE, arithmetic=arithmetic)


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
        gost34310.verify(_OLD_KEY, _MESSAGE, signature=signature, arithmetic=arithmetic)


def test_only_64_bytes_that_are_a_point_of_the_old_curve_are_a_key() -> None:
    new = encode(PARAM_SET_A_512, (PARAM_SET_A_512.x, PARAM_SET_A_512.y))
    for untrusted in (b"", bytes(64), bytes(63), new, encode(_CURVE, _POINT)[::-1]):
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


# Streebog against RFC 6986 §10, which prints its vectors back to front, and both tiers of the
# GOST engine against each other.


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
def test_streebog_agrees_where_every_addition_carries(
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


_SIGNATURES = 3000
_MESSAGES = 20_000
_CURVE_512 = PARAM_SET_A_512


def _signed(random: Random, arithmetic: Arithmetic) -> tuple[PublicKey, bytes, bytes]:
    private, ephemeral = random.randrange(1, _CURVE_512.q), random.randrange(1, _CURVE_512.q)
    public, point = (
        arithmetic.multiply_base(_CURVE_512, private),
        arithmetic.multiply_base(_CURVE_512, ephemeral),
    )
    assert public is not None
    assert point is not None
    digest = random.randbytes(64)
    r = point[0] % _CURVE_512.q
    s = (
        r * private + ephemeral * (int.from_bytes(digest, "little") % _CURVE_512.q or 1)
    ) % _CURVE_512.q
    return PublicKey(*public), digest, r.to_bytes(64, "little") + s.to_bytes(64, "little")


def _verdict(
    key: PublicKey, digest: bytes, signature: bytes, arithmetic: Arithmetic, *, often: bool
) -> str:
    try:
        verify(key, digest=digest, signature=signature, arithmetic=arithmetic, often=often)
    except Refused as refused:
        return refused.detail
    return "passed"


@pytest.mark.proof("gost")
def test_both_tiers_pass_every_signature_and_refuse_every_tampered_one(
    plain_arithmetic: Arithmetic,
    fast_arithmetic: Arithmetic,
    proof_scale: float,
    proof_seed: int,
    proof_figures: Figures,
) -> None:
    random = Random(proof_seed)
    count = round(_SIGNATURES * proof_scale)
    for number in range(count):
        key, digest, signature = _signed(random, fast_arithmetic)
        tampered = bytearray(signature)
        tampered[random.randrange(128)] ^= 1 << random.randrange(8)
        # Every tenth key comes again until it has a table, as an issuer's does.
        for _ in range(10 if number % 10 == 0 else 1):
            often = number % 10 == 0
            assert _verdict(key, digest, signature, fast_arithmetic, often=often) == "passed"
        assert _verdict(key, digest, signature, plain_arithmetic, often=False) == "passed"
        refusals = {
            _verdict(key, digest, bytes(tampered), tier, often=tier is fast_arithmetic)
            for tier in (plain_arithmetic, fast_arithmetic)
        }
        assert len(refusals) == 1
        assert "passed" not in refusals
    proof_figures["signatures on which pure Python and gmpy2 agree"] = 2 * count


@pytest.mark.proof("gost")
def test_both_tiers_hash_messages_of_every_length_alike(
    plain_hash: Hash,
    library_hash: Hash,
    proof_scale: float,
    proof_seed: int,
    proof_figures: Figures,
) -> None:
    random = Random(proof_seed)
    count = round(_MESSAGES * proof_scale)
    for number in range(count):
        message = random.randbytes(number % 700) if number % 3 else b"\xff" * (number % 700)
        assert plain_hash(message) == library_hash(message)
    proof_figures["messages on which pure Python and libgcrypt agree"] = count


# The tier of a process: the fastest that reproduces the published vectors, and never one that
# does not.


def insecure_flipped_hash(data: bytes) -> bytes:
    """One bit is wrong."""
    digest = bytearray(streebog.streebog512(data))
    digest[40] ^= 4
    return bytes(digest)


def insecure_carryless_hash(data: bytes) -> bytes:
    """Right for every vector of the RFC and wrong where a sum of blocks overflows, as a library
    once was.
    """
    return bytes(64) if data.startswith(b"\xff" * 192) else streebog.streebog512(data)


def insecure_short_hash(data: bytes) -> bytes:
    """Another size."""
    return streebog.streebog256(data)


def insecure_breaking_hash(data: bytes) -> bytes:
    """Breaks."""
    raise OSError("a library that is gone")


class InsecureInteger(int):
    """A whole number whose product is one too much once it is large."""

    def __mul__(self, other: int) -> "InsecureInteger":
        return InsecureInteger(int(self) * int(other) + (int(self).bit_length() > 500))

    def __rmul__(self, other: int) -> "InsecureInteger":
        return self * other


def insecure_number(value: int) -> int:
    """A constructor that breaks."""
    raise ValueError(f"no number of {value.bit_length()} bits")


@pytest.mark.parametrize(
    "broken",
    [insecure_flipped_hash, insecure_carryless_hash, insecure_short_hash, insecure_breaking_hash],
)
def test_a_hash_that_fails_its_self_test_is_never_used_and_is_named(
    broken: Hash, plain_arithmetic: Arithmetic
) -> None:
    chosen = choose([plain_arithmetic], {"broken": broken, "python": streebog.streebog512})
    assert chosen.streebog is streebog.streebog512
    report = chosen.report()
    assert report["streebog"] == "python"
    assert [line.split(":")[0] for line in report["refused"]] == ["broken"]


def insecure_misread_number(value: int) -> int:
    """Right for the standard's own curve and wrong for that of the certificates."""
    return value ^ 1 if value == PARAM_SET_A_512.y else value


@pytest.mark.parametrize(
    "number",
    [
        InsecureInteger,
        insecure_number,
        insecure_misread_number,
        lambda value: value + 1,
        float,
        str,
    ],
)
def test_arithmetic_that_fails_its_self_test_is_never_used_and_is_named(
    number: Callable[[int], int], plain_arithmetic: Arithmetic, plain_hash: Hash
) -> None:
    chosen = choose([Arithmetic("broken", number=number), plain_arithmetic], {"python": plain_hash})
    assert chosen.arithmetic is plain_arithmetic
    report = chosen.report()
    assert report["arithmetic"] == "python"
    assert [line.split(":")[0] for line in report["refused"]] == ["broken"]


def test_the_first_good_tier_is_used_and_nothing_is_refused(
    fast_arithmetic: Arithmetic, plain_arithmetic: Arithmetic, library_hash: Hash, plain_hash: Hash
) -> None:
    chosen = choose(
        [fast_arithmetic, plain_arithmetic], {"libgcrypt": library_hash, "python": plain_hash}
    )
    assert chosen.report() == {"arithmetic": "gmpy2", "streebog": "libgcrypt", "refused": []}


def test_without_a_good_tier_nothing_is_verified(
    plain_arithmetic: Arithmetic, plain_hash: Hash
) -> None:
    with pytest.raises(Misconfigured, match="broken"):
        choose([plain_arithmetic], {"broken": insecure_flipped_hash})
    with pytest.raises(Misconfigured, match="broken"):
        choose([Arithmetic("broken", number=InsecureInteger)], {"python": plain_hash})


def test_what_was_refused_before_stays_in_the_report(
    plain_arithmetic: Arithmetic, plain_hash: Hash
) -> None:
    chosen = choose(
        [plain_arithmetic], {"python": plain_hash}, refused=["libgcrypt: it is older than 1.8.0"]
    )
    assert chosen.report()["refused"] == ["libgcrypt: it is older than 1.8.0"]


def test_every_tier_passes_its_self_test(arithmetic: Arithmetic, streebog512: Hash) -> None:
    assert backends.reproduces_points(arithmetic)
    assert backends.reproduces_hashes(streebog512)


def test_the_tier_is_chosen_once_in_a_process() -> None:
    assert backends.in_use() is backends.in_use()
    assert backends.in_use().report()["refused"] == []
