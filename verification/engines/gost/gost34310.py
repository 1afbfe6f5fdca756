"""Verification of GOST 34.310-2004 signatures on 256 bits, for the authority's time-stamp tokens
only.

The equation is that of GOST R 34.10-2012; the curve differs, and the hash is 34.311-95.
The byte orders were measured on the authority's certificates of 2020.
The key has its own type, so that no function for borrowers' signatures takes it.
"""

from dataclasses import dataclass
from typing import ClassVar, Literal

from verification.engines.gost import gost3410
from verification.engines.gost.arithmetic import Arithmetic
from verification.engines.gost.curves import PARAM_SET_B_256
from verification.engines.gost.gost34311 import gost34311


@dataclass(frozen=True)
class OldPublicKey:
    """A point of the old curve. Build it with `parse`."""

    family: ClassVar[Literal["gost2004"]] = "gost2004"

    point: gost3410.PublicKey

    @classmethod
    def parse(cls, untrusted: bytes) -> "OldPublicKey":
        """The key in 64 bytes x ‖ y, both little-endian.

        Raises: `Refused` (eds_algorithm_refused) otherwise.
        """
        return cls(gost3410.PublicKey.parse(untrusted, curve=PARAM_SET_B_256))


def verify(
    key: OldPublicKey,
    message: bytes,
    *,
    signature: bytes,
    arithmetic: Arithmetic,
    often: bool = False,
) -> None:
    """Return if `signature`, 64 bytes r ‖ s little-endian, is of `message` by `key`.

    Raises: `Refused` otherwise.
    """
    # The algorithm fixes the hash: a caller must not choose it.
    digest = gost34311(message)
    gost3410.verify(
        key.point, digest=digest, signature=signature, arithmetic=arithmetic, often=often
    )
