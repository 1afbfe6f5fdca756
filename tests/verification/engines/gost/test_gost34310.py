"""The old signature on 256 bits, which nothing but time-stamp tokens may carry."""

import pytest

from tests.verification.engines.gost import textbook
from verification.core.errors import Refused
from verification.engines.gost import gost34310
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
