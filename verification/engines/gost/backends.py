"""The computing tiers of this process: the fastest that pass their self-test, chosen once.

1. A tier that is not installed is skipped.
2. One that does not reproduce the published vectors is refused and reported.
3. The first that passes is used.
4. Pure Python is last; if it fails too, nothing is verified.

libgcrypt, if present, computes Streebog a hundred times as fast as pure Python: one call, our bytes
in, 64 bytes out.
No context of the library outlives a call, and several threads may call at once.
Source: The Libgcrypt Reference Manual, §6 (message digests) and §2.4 (initialization).
"""

import ctypes
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from ctypes.util import find_library
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeVar, cast

from verification.core.errors import Misconfigured, Refused
from verification.engines.gost import gost3410, streebog
from verification.engines.gost.arithmetic import Affine, Arithmetic
from verification.engines.gost.curves import PARAM_SET_A_512
from verification.engines.gost.vectors import EXCHANGE_VECTOR, SIGNATURE_VECTOR, STREEBOG_VECTORS

try:
    from gmpy2 import mpz
except ImportError:
    mpz = None

Hash = Callable[[bytes], bytes]

_STREEBOG_512 = 310  # GCRY_MD_STRIBOG512
_DIGEST = 64  # bytes
_OLDEST = (  # 1.7 introduced the hash; 1.8 is the oldest in any supported distribution
    b"1.8.0"
)
_TEST_ALGO = 8  # GCRYCTL_TEST_ALGO
_DISABLE_SECMEM = 37  # GCRYCTL_DISABLE_SECMEM: no secrets pass through here
_INITIALIZATION_FINISHED = 38  # GCRYCTL_INITIALIZATION_FINISHED
_IS_FINISHED = 39  # GCRYCTL_INITIALIZATION_FINISHED_P
Candidate = TypeVar("Candidate")
# Errors of a broken tier under test; any other is a defect of ours and must surface.
_BREAKS = (ArithmeticError, AttributeError, LookupError, OSError, Refused, TypeError, ValueError)


def load_python() -> Arithmetic:
    """On Python's own integers: the tier that always exists."""
    return Arithmetic("python", number=int)


def load_gmpy2() -> Arithmetic | None:
    """On gmpy2's integers, four times as fast; None without the extra `fast`."""
    return Arithmetic("gmpy2", number=cast(Callable[[int], int], mpz)) if mpz else None


class Unusable(Exception):
    """The library exists and is unusable; the message says why."""


def load_libgcrypt() -> Hash | None:
    """The hash, or None without the library.

    Raises: `Unusable` if it is too old or lacks the hash.
    """
    # Without ldconfig, as in small containers, the name is not found, but the loader may know the
    # file.
    for name in filter(None, (find_library("gcrypt"), "libgcrypt.so.20")):
        with suppress(OSError):
            library = ctypes.CDLL(name)
            break
    else:
        return None
    try:
        library.gcry_check_version.restype = ctypes.c_char_p
        library.gcry_check_version.argtypes = [ctypes.c_char_p]
        library.gcry_md_algo_info.argtypes = [
            ctypes.c_int,
            ctypes.c_int,
            ctypes.c_void_p,
            ctypes.c_void_p,
        ]
        # The version check also initializes; finish that here unless another user in this process
        # has.
        if not library.gcry_check_version(_OLDEST):
            raise Unusable(f"it is older than {_OLDEST.decode()}")
        if not library.gcry_control(_IS_FINISHED, 0):
            library.gcry_control(_DISABLE_SECMEM, 0)
            library.gcry_control(_INITIALIZATION_FINISHED, 0)
    except AttributeError as error:
        raise Unusable("it lacks a function we need") from error
    # Check first, because the call itself ends the process if the algorithm is absent or forbidden
    # by FIPS mode.
    if library.gcry_md_algo_info(_STREEBOG_512, _TEST_ALGO, None, None):
        raise Unusable("it has no Streebog-512, or its FIPS mode forbids it")
    if library.gcry_md_get_algo_dlen(_STREEBOG_512) != _DIGEST:
        raise Unusable("its algorithm 310 is another hash")
    hash_buffer = library.gcry_md_hash_buffer
    hash_buffer.argtypes = [ctypes.c_int, ctypes.c_char_p, ctypes.c_char_p, ctypes.c_size_t]
    hash_buffer.restype = None

    def streebog512(data: bytes) -> bytes:
        # The pointer type is for bytes only; another type must not reach C with a length of its
        # own.
        if not isinstance(data, bytes):
            raise TypeError("Streebog is computed of bytes")
        digest = ctypes.create_string_buffer(_DIGEST)
        hash_buffer(_STREEBOG_512, digest, data, len(data))
        return digest.raw

    return streebog512


@dataclass(frozen=True)
class Backends:
    """The tiers in use, and the refused ones: a name and a reason each."""

    arithmetic: Arithmetic
    streebog: Hash
    streebog_name: str
    refused: tuple[str, ...]

    def report(self) -> dict[str, str | list[str]]:
        """The names, for readiness and for the report of a verification."""
        return {
            "arithmetic": self.arithmetic.name,
            "streebog": self.streebog_name,
            "refused": list(self.refused),
        }


@lru_cache(maxsize=1)
def in_use() -> Backends:
    """The tiers of this process.

    Raises: `Misconfigured` if even pure Python does not reproduce the vectors.
    """
    refusals = []
    hashes: dict[str, Hash] = {"python": streebog.streebog512}
    try:
        if library := load_libgcrypt():
            hashes = {"libgcrypt": library, **hashes}
    except Unusable as reason:
        refusals.append(f"libgcrypt: {reason}")
    faster = load_gmpy2()
    return choose([*([faster] if faster else []), load_python()], hashes, refused=refusals)


def choose(
    arithmetics: Sequence[Arithmetic], hashes: Mapping[str, Hash], *, refused: Sequence[str] = ()
) -> Backends:
    """The first of each kind that passes its self-test. `refused`: those refused before.

    Raises: `Misconfigured` if none of one kind passes.
    """
    faults = list(refused)
    name, digest = _first_that_passes(list(hashes.items()), reproduces_hashes, faults)
    _, arithmetic = _first_that_passes(
        [(arithmetic.name, arithmetic) for arithmetic in arithmetics], reproduces_points, faults
    )
    return Backends(arithmetic, digest, name, tuple(faults))


def _first_that_passes(
    candidates: Sequence[tuple[str, Candidate]],
    passes: Callable[[Candidate], bool],
    faults: list[str],
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
    """Whether the tier reproduces the Streebog vectors."""
    return all(digest(vector.message) == vector.digest for vector in STREEBOG_VECTORS)


def reproduces_points(arithmetic: Arithmetic) -> bool:
    """Whether the standard's signature verifies, a changed one does not, and the keys of RFC
    7836 are reproduced.
    """
    vector, pair = SIGNATURE_VECTOR, EXCHANGE_VECTOR
    # A tier that accepts everything passes any valid vector, so an invalid one is tried as well.
    if arithmetic.multiply_base(vector.curve, vector.private) != vector.public:
        return False
    key = gost3410.PublicKey(*vector.public, vector.curve)
    gost3410.verify(key, digest=vector.digest, signature=vector.signature, arithmetic=arithmetic)
    try:
        gost3410.verify(
            key, digest=vector.digest[::-1], signature=vector.signature, arithmetic=arithmetic
        )
        return False
    except Refused:
        pass
    curve, size = PARAM_SET_A_512, PARAM_SET_A_512.size
    for private, public in ((pair.private_a, pair.public_a), (pair.private_b, pair.public_b)):
        scalar = int.from_bytes(private, "little") % curve.q
        # Also as two thirds and a third: a sum of two points takes another path than a multiple.
        third = scalar * pow(3, -1, curve.q) % curve.q
        remainder = (scalar + curve.q - third) % curve.q
        split = arithmetic.multiply_both(
            curve, base=remainder, point=(curve.x, curve.y), scalar=third
        )
        point = (int.from_bytes(public[:size], "little"), int.from_bytes(public[size:], "little"))
        if not arithmetic.multiply_base(curve, scalar) == point == split:
            return False
    return True


def streebog512(data: bytes) -> bytes:
    """64 bytes of hash, in the order of certificates and OpenSSL, by the tier in use."""
    return in_use().streebog(data)


def multiply_base(scalar: int) -> Affine | None:
    """`scalar` times the base point of the certificates' curve by the tier in use, or None for the
    neutral element.
    """
    return in_use().arithmetic.multiply_base(PARAM_SET_A_512, scalar)
