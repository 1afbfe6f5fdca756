"""Verification of GOST R 34.10-2012 signatures, as the Kazakh certificates carry them (ST RK GOST R 34.10-2015).

1 read r and s, each within 1 … q-1 · 2 e from the hash, little-endian, 0 becomes 1 · 3 C = (s/e)·P - (r/e)·Q ·
4 the signature stands when the x of C equals r modulo q.
Source: RFC 7091 §6.2; the encodings were measured on certificates of the national authority.
"""

from dataclasses import dataclass

from verification.core.errors import Refused
from verification.engines.gost.curves import PARAM_SET_A_512, Curve
from verification.engines.gost.points import multiply_both

COORDINATE = 64  # bytes of one number on a 512-bit curve
SIGNATURE = 2 * COORDINATE  # bytes of a signature


@dataclass(frozen=True)
class PublicKey:
    """A point of the curve that was checked to be one. Build it with `parse`."""

    x: int
    y: int
    curve: Curve = PARAM_SET_A_512

    def __post_init__(self) -> None:
        """Refuse a point that is off the curve, for a sum with it may leave the group and leak or lie."""
        if not self.curve.contains(self.x, self.y):
            raise Refused("eds_algorithm_refused", "the public key is not a point of its curve")

    @classmethod
    def parse(cls, untrusted: bytes, *, curve: Curve = PARAM_SET_A_512) -> "PublicKey":
        """The key in the bytes x ‖ y, both little-endian. Raises `Refused` for another length or a foreign point."""
        if len(untrusted) != 2 * COORDINATE:
            raise Refused("eds_algorithm_refused", "a GOST public key of a wrong length")
        x = int.from_bytes(untrusted[:COORDINATE], "little")
        return cls(x, int.from_bytes(untrusted[COORDINATE:], "little"), curve)


def verify(key: PublicKey, *, digest: bytes, signature: bytes) -> None:
    """Return if `signature` (r ‖ s, both little-endian) is of `digest` by `key`; raise `Refused` otherwise."""
    curve = key.curve
    if len(signature) != SIGNATURE or len(digest) != COORDINATE:
        raise Refused("eds_signature_invalid", "a GOST signature or hash of a wrong length")
    # 1
    r = int.from_bytes(signature[:COORDINATE], "little")
    s = int.from_bytes(signature[COORDINATE:], "little")
    if not (0 < r < curve.q and 0 < s < curve.q):
        raise Refused("eds_signature_invalid", "r or s is out of range")
    # 2
    e = int.from_bytes(digest, "little") % curve.q or 1
    # 3
    inverse = pow(e, -1, curve.q)
    total = multiply_both(
        curve, base=s * inverse % curve.q, point=(key.x, key.y), scalar=(curve.q - r) * inverse % curve.q
    )
    # 4
    if total is None or total[0] % curve.q != r:
        raise Refused("eds_signature_invalid", "the GOST signature does not fit")
