"""Verification of GOST R 34.10-2012 signatures in the form of Kazakh certificates (ST RK GOST R
34.10-2015).

1. Read r and s, each within 1 … q-1.
2. Take e from the hash, little-endian; 0 becomes 1.
3. Compute C = (s/e)·P - (r/e)·Q.
4. The signature is valid if the x of C equals r modulo q.

Source: RFC 7091 §6.2; the encodings were measured on certificates of the national authority.
"""

from dataclasses import dataclass
from typing import ClassVar, Literal

from verification.core.errors import Refused
from verification.engines.gost.arithmetic import Arithmetic
from verification.engines.gost.curves import PARAM_SET_A_512, Curve


@dataclass(frozen=True)
class PublicKey:
    """A verified point of the curve. Build it with `parse`."""

    family: ClassVar[Literal["gost512"]] = "gost512"

    x: int
    y: int
    curve: Curve = PARAM_SET_A_512

    def __post_init__(self) -> None:
        """Refuses a point off the curve, because sums with it may leave the group."""
        x, y, curve = self.x, self.y, self.curve
        if not (0 <= x < curve.p and 0 <= y < curve.p):
            raise _bad_key("a coordinate of the public key is not below the modulus")
        if not (x or y):
            raise _bad_key("the public key is the point (0, 0)")
        if (y * y - x * (x * x + curve.a) - curve.b) % curve.p:
            raise _bad_key("the public key is not a point of its curve")

    @classmethod
    def parse(cls, untrusted: bytes, *, curve: Curve = PARAM_SET_A_512) -> "PublicKey":
        """The key in the bytes x ‖ y, both little-endian.

        Raises: `Refused` for another length or a foreign point.
        """
        if len(untrusted) != 2 * curve.size:
            raise _bad_key("a GOST public key of a wrong length")
        x = int.from_bytes(untrusted[: curve.size], "little")
        return cls(x, int.from_bytes(untrusted[curve.size :], "little"), curve)


def _bad_key(detail: str) -> Refused:
    return Refused("eds_algorithm_refused", detail)


def verify(
    key: PublicKey, *, digest: bytes, signature: bytes, arithmetic: Arithmetic, often: bool = False
) -> None:
    """Return if `signature` (r ‖ s, both little-endian) is of `digest` by `key`.

    often: the key will recur, so `arithmetic` may keep multiples of it.

    Raises: `Refused` otherwise.
    """
    curve, q = key.curve, key.curve.q
    # 1 Refuse values out of range, without reducing modulo q: s + q would be a second spelling of
    # one signature.
    if len(signature) != 2 * curve.size:
        raise Refused("eds_signature_invalid", "a GOST signature of a wrong length")
    r, s = (
        int.from_bytes(half, "little")
        for half in (signature[: curve.size], signature[curve.size :])
    )
    for name, number in (("r", r), ("s", s)):
        if not number:
            raise Refused("eds_signature_invalid", f"{name} of the GOST signature is zero")
        if number >= q:
            raise Refused("eds_signature_invalid", f"{name} of the GOST signature is out of range")
    # 2
    if len(digest) != curve.size:
        raise Refused("eds_signature_invalid", "a hash of another length than the curve's")
    # RFC 7091 §6.2: a hash that is 0 modulo q counts as 1, because 0 has no inverse.
    e = int.from_bytes(digest, "little") % q or 1
    # 3. RFC 7091 §6.2: all of it is public, so constant time is not needed.
    inverse = int(pow(arithmetic.number(e), -1, q))
    base, scalar = s * inverse % q, (q - r) * inverse % q
    total = arithmetic.multiply_both(
        curve, base=base, point=(key.x, key.y), scalar=scalar, often=often
    )
    # 4 The neutral element has no x and matches no r.
    if total is None or total[0] % q != r:
        raise Refused("eds_signature_invalid", "the GOST signature does not fit")
