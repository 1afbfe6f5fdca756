"""GOST R 34.10-2012 against RFC 7091 §7 (512 bits), and every way a signature or a key can be out of range."""

import pytest

from insecure_sandbox.keys import sign_digest
from verification.core.errors import Refused
from verification.engines.gost.curves import PARAM_SET_A_512, Curve
from verification.engines.gost.gost3410 import PublicKey, verify
from verification.engines.gost.points import multiply_base, multiply_both

# GOST R 34.10-2012, appendix A.2: the standard's own example has a curve of its own.
_EXAMPLE = Curve(
    name="GOST R 34.10-2012 A.2",
    p=int(
        "4531acd1fe0023c7550d267b6b2fee80922b14b2ffb90f04d4eb7c09b5d2d15d"
        "f1d852741af4704a0458047e80e4546d35b8336fac224dd81664bbf528be6373",
        16,
    ),
    a=7,
    b=int(
        "1cff0806a31116da29d8cfa54e57eb748bc5f377e49400fdd788b649eca1ac43"
        "61834013b2ad7322480a89ca58e0cf74bc9e540c2add6897fad0a3084f302adc",
        16,
    ),
    q=int(
        "4531acd1fe0023c7550d267b6b2fee80922b14b2ffb90f04d4eb7c09b5d2d15d"
        "a82f2d7ecb1dbac719905c5eecc423f1d86e25edbe23c595d644aaf187e6e6df",
        16,
    ),
    x=int(
        "24d19cc64572ee30f396bf6ebbfd7a6c5213b3b3d7057cc825f91093a68cd762"
        "fd60611262cd838dc6b60aa7eee804e28bc849977fac33b4b530f1b120248a9a",
        16,
    ),
    y=int(
        "2bb312a43bd2ce6e0d020613c857acddcfbf061e91e5f2c3f32447c259f39b2c"
        "83ab156d77f1496bf7eb3351e1ee4e43dc1a18b91b24640b6dbb92cb1add371e",
        16,
    ),
)
_D = int(
    "0ba6048aadae241ba40936d47756d7c93091a0e8514669700ee7508e508b1020"
    "72e8123b2200a0563322dad2827e2714a2636b7bfd18aadfc62967821fa18dd4",
    16,
)
_Q = (
    int(
        "115dc5bc96760c7b48598d8ab9e740d4c4a85a65be33c1815b5c320c854621dd"
        "5a515856d13314af69bc5b924c8b4ddff75c45415c1d9dd9dd33612cd530efe1",
        16,
    ),
    int(
        "37c7c90cd40b0f5621dc3ac1b751cfa0e2634fa0503b3d52639f5d7fb72afd61"
        "ea199441d943ffe7f0c70a2759a3cdb84c114e1f9339fdf27f35eca93677beec",
        16,
    ),
)
_E = bytes.fromhex(
    "3754f3cfacc9e0615c4f4a7c4d8dab531b09b6f9c170c533a71d147035b0c591"
    "7184ee536593f4414339976c647c5d5a407adedb1d560c4fc6777d2972075b8c"
)[::-1]
_R = bytes.fromhex(
    "2f86fa60a081091a23dd795e1e3c689ee512a3c82ee0dcc2643c78eea8fcacd3"
    "5492558486b20f1c9ec197c90699850260c93bcbcd9c5c3317e19344e173ae36"
)[::-1]
_S = bytes.fromhex(
    "1081b394696ffe8e6585e7a9362d26b6325f56778aadbc081c0bfbe933d52ff5"
    "823ce288e8c4f362526080df7f70ce406a6eeb1f56919cb92a9853bde73e5b4a"
)[::-1]

_KEY = 0x1D2E3F
_DIGEST = bytes(range(64))
_q = PARAM_SET_A_512.q


@pytest.fixture(scope="module")
def key() -> PublicKey:
    """The public half of `_KEY` on the curve of the certificates."""
    point = multiply_base(PARAM_SET_A_512, _KEY)
    assert point is not None
    return PublicKey(*point)


def _le(number: int) -> bytes:
    return number.to_bytes(64, "little")


def test_the_signature_of_the_standard_verifies() -> None:
    assert multiply_base(_EXAMPLE, _D) == _Q
    verify(PublicKey(*_Q, _EXAMPLE), digest=_E, signature=_R + _S)


@pytest.mark.parametrize("bit", [0, 255, 511, 512, 800, 1023])
def test_one_bit_of_the_standard_signature_changed_refuses(bit: int) -> None:
    signature = bytearray(_R + _S)
    signature[bit // 8] ^= 1 << bit % 8
    with pytest.raises(Refused) as refused:
        verify(PublicKey(*_Q, _EXAMPLE), digest=_E, signature=bytes(signature))
    assert refused.value.code == "eds_signature_invalid"


def test_our_own_signature_verifies_and_another_hash_refuses(key: PublicKey) -> None:
    signature = sign_digest(_KEY, _DIGEST)
    verify(key, digest=_DIGEST, signature=signature)
    with pytest.raises(Refused):
        verify(key, digest=_DIGEST[::-1], signature=signature)


def test_a_hash_of_zero_counts_as_one(key: PublicKey) -> None:
    signature = sign_digest(_KEY, bytes(64))
    verify(key, digest=bytes(64), signature=signature)
    verify(key, digest=_le(1), signature=signature)


def test_every_other_order_of_the_signature_bytes_refuses(key: PublicKey) -> None:
    signature = sign_digest(_KEY, _DIGEST)
    r, s = signature[:64], signature[64:]
    for other in (s + r, r[::-1] + s[::-1], s[::-1] + r[::-1]):
        with pytest.raises(Refused):
            verify(key, digest=_DIGEST, signature=other)


@pytest.mark.parametrize(
    ("r", "s"), [(0, 1), (1, 0), (0, 0), (_q, 1), (1, _q), (2**512 - 1, 1), (1, 2**512 - 1)], ids=str
)
def test_r_or_s_out_of_range_refuses(key: PublicKey, r: int, s: int) -> None:
    with pytest.raises(Refused, match="out of range"):
        verify(key, digest=_DIGEST, signature=_le(r) + _le(s))


def test_r_plus_the_order_is_no_second_spelling_of_a_signature() -> None:
    # On the standard's curve q is far below 2^512, so r + q still fits into 64 bytes.
    again = int.from_bytes(_R, "little") + _EXAMPLE.q
    with pytest.raises(Refused, match="out of range"):
        verify(PublicKey(*_Q, _EXAMPLE), digest=_E, signature=_le(again) + _S)


@pytest.mark.parametrize("size", [0, 64, 127, 129, 256])
def test_a_signature_of_another_length_refuses(key: PublicKey, size: int) -> None:
    with pytest.raises(Refused):
        verify(key, digest=_DIGEST, signature=bytes([1]) * size)


def test_a_point_on_the_curve_parses_and_its_neighbours_refuse(key: PublicKey) -> None:
    p = PARAM_SET_A_512.p
    assert PublicKey.parse(_le(key.x) + _le(key.y)) == key
    for x, y in ((key.x + 1, key.y), (key.x, key.y + 1), (0, 0), (key.y, key.x), (3 + p, PARAM_SET_A_512.y)):
        with pytest.raises(Refused) as refused:
            PublicKey.parse(_le(x) + _le(y))
        assert refused.value.code == "eds_algorithm_refused"


@pytest.mark.parametrize("size", [0, 64, 127, 129])
def test_a_key_of_another_length_refuses(size: int) -> None:
    with pytest.raises(Refused):
        PublicKey.parse(bytes(size))


def test_multiples_of_the_base_point_follow_the_group_law() -> None:
    curve = PARAM_SET_A_512
    base = (curve.x, curve.y)
    assert multiply_base(curve, 1) == base
    assert multiply_base(curve, curve.q) is None
    assert multiply_base(curve, curve.q - 1) == (curve.x, curve.p - curve.y)
    assert multiply_both(curve, base=5, point=base, scalar=6) == multiply_base(curve, 11)
    assert multiply_both(curve, base=curve.q - 6, point=base, scalar=6) is None
