"""Which tier does the counting in this process: the fastest that passes its self-test, chosen once.

1 a tier that is not installed is passed over · 2 one that does not reproduce the published vectors is refused and
named · 3 the first that passes is used · 4 pure Python is last, and if even that fails nothing is verified.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeVar

from verification.core.errors import Misconfigured, Refused
from verification.engines.gost import gmpy2_arithmetic, gost3410, libgcrypt, python_arithmetic, streebog
from verification.engines.gost.arithmetic import Arithmetic
from verification.engines.gost.curves import PARAM_SET_A_512
from verification.engines.gost.points import Affine
from verification.engines.gost.vectors import EXCHANGE_VECTOR, SIGNATURE_VECTOR, STREEBOG_VECTORS

Hash = Callable[[bytes], bytes]
Candidate = TypeVar("Candidate")

# What a broken tier may raise at being tried; anything else is a defect of ours and should be seen.
_BREAKS = (ArithmeticError, AttributeError, LookupError, OSError, Refused, TypeError, ValueError)


@dataclass(frozen=True)
class Backends:
    """The tiers that are used, and what was refused: a name and a reason each."""

    arithmetic: Arithmetic
    streebog: Hash
    streebog_name: str
    refused: tuple[str, ...]

    def report(self) -> dict[str, str | list[str]]:
        """The names, for readiness and for the report of a verification."""
        return {"arithmetic": self.arithmetic.name, "streebog": self.streebog_name, "refused": list(self.refused)}


@lru_cache(maxsize=1)
def in_use() -> Backends:
    """The tiers of this process. Raises `Misconfigured` if not even pure Python reproduces the vectors."""
    refused = []
    hashes: dict[str, Hash] = {"python": streebog.streebog512}
    try:
        if library := libgcrypt.load():
            hashes = {"libgcrypt": library, **hashes}
    except libgcrypt.Unusable as reason:
        refused.append(f"libgcrypt: {reason}")
    faster = gmpy2_arithmetic.load()
    return choose([*([faster] if faster else []), python_arithmetic.load()], hashes, refused=refused)


def choose(arithmetics: Sequence[Arithmetic], hashes: Mapping[str, Hash], *, refused: Sequence[str] = ()) -> Backends:
    """The first of each that passes its self-test. `refused`: what was refused before.

    Raises `Misconfigured` if none of one kind passes.
    """
    faults = list(refused)
    name, digest = _first_that_passes(list(hashes.items()), reproduces_hashes, faults)
    _, arithmetic = _first_that_passes([(one.name, one) for one in arithmetics], reproduces_points, faults)
    return Backends(arithmetic, digest, name, tuple(faults))


def _first_that_passes(
    candidates: Sequence[tuple[str, Candidate]], passes: Callable[[Candidate], bool], faults: list[str]
) -> tuple[str, Candidate]:
    for name, candidate in candidates:
        try:
            if passes(candidate):
                return name, candidate
            fault = "does not reproduce the published vectors"
        except _BREAKS as error:
            fault = f"broke in its self-test ({type(error).__name__})"
        faults.append(f"{name}: {fault}")
    raise Misconfigured("no GOST backend passes its self-test: " + "; ".join(faults))


def reproduces_hashes(digest: Hash) -> bool:
    """Whether the Streebog vectors come out."""
    return all(digest(vector.message) == vector.digest for vector in STREEBOG_VECTORS)


def reproduces_points(arithmetic: Arithmetic) -> bool:
    """Whether the standard's signature verifies, its neighbour does not, and the keys of RFC 7836 come out."""
    vector, pair = SIGNATURE_VECTOR, EXCHANGE_VECTOR
    if arithmetic.multiply_base(vector.curve, vector.private) != vector.public:
        return False
    key = gost3410.PublicKey(*vector.public, vector.curve)
    gost3410.verify(key, digest=vector.digest, signature=vector.signature, arithmetic=arithmetic)
    try:
        gost3410.verify(key, digest=vector.digest[::-1], signature=vector.signature, arithmetic=arithmetic)
    except Refused:
        return _agrees(arithmetic, pair.private_a, pair.public_a) and _agrees(arithmetic, pair.private_b, pair.public_b)
    return False


def _agrees(arithmetic: Arithmetic, private: bytes, public: bytes) -> bool:
    """Whether `private` gives `public`, also when asked as two thirds of it and a third, each by another way."""
    curve, size = PARAM_SET_A_512, PARAM_SET_A_512.size
    scalar = int.from_bytes(private, "little") % curve.q
    point = (int.from_bytes(public[:size], "little"), int.from_bytes(public[size:], "little"))
    third = scalar * arithmetic.inverse(3, curve.q) % curve.q
    split = arithmetic.multiply_both(
        curve, base=(scalar + curve.q - third) % curve.q, point=(curve.x, curve.y), scalar=third
    )
    return arithmetic.multiply_base(curve, scalar) == point == split


def streebog512(data: bytes) -> bytes:
    """64 bytes of hash, in the order of certificates and OpenSSL, by the tier in use."""
    return in_use().streebog(data)


def verify(key: gost3410.PublicKey, *, digest: bytes, signature: bytes, often: bool = False) -> None:
    """`gost3410.verify` by the tier in use. `often`: the key is an issuer's or a responder's and will come again."""
    gost3410.verify(key, digest=digest, signature=signature, arithmetic=in_use().arithmetic, often=often)


def multiply_base(scalar: int) -> Affine | None:
    """`scalar` times the base point of the certificates' curve by the tier in use, or None for the neutral element."""
    return in_use().arithmetic.multiply_base(PARAM_SET_A_512, scalar)
