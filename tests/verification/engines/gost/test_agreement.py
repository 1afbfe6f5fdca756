"""Proof that the tiers never differ: random keys, signatures, their tampered copies, and messages
of random length.
"""

from random import Random

import pytest

from tests.proofs import Figures
from verification.core.errors import Refused
from verification.engines.gost.arithmetic import Arithmetic
from verification.engines.gost.backends import Hash
from verification.engines.gost.curves import PARAM_SET_A_512
from verification.engines.gost.gost3410 import PublicKey, verify

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
