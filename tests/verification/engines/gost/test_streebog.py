"""Streebog against RFC 6986 §10, which prints its vectors back to front, and both tiers of the GOST
engine against each other.
"""

from random import Random

import pytest

from tests.proofs import Figures
from verification.core.errors import Refused
from verification.engines.gost.arithmetic import Arithmetic
from verification.engines.gost.backends import Hash
from verification.engines.gost.curves import PARAM_SET_A_512
from verification.engines.gost.gost3410 import PublicKey, verify
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


_SIGNATURES = 3000
_MESSAGES = 20_000
_CURVE = PARAM_SET_A_512


def _signed(random: Random, arithmetic: Arithmetic) -> tuple[PublicKey, bytes, bytes]:
    private, ephemeral = random.randrange(1, _CURVE.q), random.randrange(1, _CURVE.q)
    public, point = (
        arithmetic.multiply_base(_CURVE, private),
        arithmetic.multiply_base(_CURVE, ephemeral),
    )
    assert public is not None
    assert point is not None
    digest = random.randbytes(64)
    r = point[0] % _CURVE.q
    s = (r * private + ephemeral * (int.from_bytes(digest, "little") % _CURVE.q or 1)) % _CURVE.q
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
