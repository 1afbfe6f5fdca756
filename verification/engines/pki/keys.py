"""Accepted keys and algorithms: tables, parsing from a certificate, and signature verification.

Anything outside these tables is refused. `ALGORITHMS` is for borrowers, authorities and lists.
`TIMESTAMP_ALGORITHMS` and `TIMESTAMP_GOST` add the old GOST, with which the authority still signs
time-stamp tokens.
Only token parsers use those tables, and the functions with `timestamp` in their name.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from typing import ClassVar, Final, Literal, TypeVar

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from verification.core.errors import Refused
from verification.engines.gost import backends, gost3410, gost34310
from verification.engines.gost.backends import streebog512
from verification.engines.gost.gost34311 import gost34311
from verification.engines.pki import der
from verification.engines.pki.der import Element

Family = Literal["gost512", "rsa"]
TimestampFamily = Literal["gost512", "rsa", "gost2004"]

RSA_ENCRYPTION = "1.2.840.113549.1.1.1"
SHA256 = "2.16.840.1.101.3.4.2.1"
SHA256_WITH_RSA = "1.2.840.113549.1.1.11"
GOST_512_KEY = "1.2.398.3.10.1.1.2.2"
GOST_512_PARAMETERS = "1.2.398.3.10.1.1.2.2.1"  # names id-tc26-gost-3410-12-512-paramSetA
GOST_512_SIGNATURE = "1.2.398.3.10.1.1.2.3.2"
STREEBOG_512 = "1.2.398.3.10.1.3.3"
GOST_2004_KEY = "1.2.398.3.10.1.1.1.1"
GOST_2004_PARAMETERS = "1.2.398.3.10.1.1.1.1.1"  # names id-tc26-gost-3410-2012-256-paramSetB
GOST_2004_SIGNATURE = "1.2.398.3.10.1.1.1.2"
GOST_34311 = "1.2.398.3.10.1.3.1"
GOST_34311_PARAMETERS = (
    "1.2.398.3.10.1.3.1.1.0"  # names the test parameters' substitution; occurs in keys
)

# Below 2048 bits the profile of 2022 itself refuses; above 8192 a verification costs too much.
_RSA_BITS = range(2048, 8193)
# The authority uses 65537. Smaller exponents invite forged padding (Bleichenbacher 2006); 1 accepts
# everything.
_RSA_EXPONENTS = range(65537, 2**32)


def _sha256(data: bytes) -> bytes:
    return sha256(data).digest()


@dataclass(frozen=True)
class Algorithms:
    """The algorithms for a key of one family.

    certificate_signatures: for certificates and revocation lists.
    statement_signatures: for a SignerInfo; RFC 3370 §3.2 lets an RSA signer name only the key's
    algorithm.
    """

    family: TimestampFamily
    digest_oid: str
    digest: Callable[[bytes], bytes]
    certificate_signatures: frozenset[str]
    statement_signatures: frozenset[str]


ALGORITHMS: dict[str, Algorithms] = {
    "gost512": Algorithms(
        family="gost512",
        digest_oid=STREEBOG_512,
        digest=streebog512,
        certificate_signatures=frozenset({GOST_512_SIGNATURE}),
        statement_signatures=frozenset({GOST_512_SIGNATURE}),
    ),
    "rsa": Algorithms(
        family="rsa",
        digest_oid=SHA256,
        digest=_sha256,
        certificate_signatures=frozenset({SHA256_WITH_RSA}),
        statement_signatures=frozenset({SHA256_WITH_RSA, RSA_ENCRYPTION}),
    ),
}

TIMESTAMP_ALGORITHMS: dict[str, Algorithms] = {
    **ALGORITHMS,
    "gost2004": Algorithms(
        family="gost2004",
        digest_oid=GOST_34311,
        digest=gost34311,
        certificate_signatures=frozenset({GOST_2004_SIGNATURE}),
        statement_signatures=frozenset({GOST_2004_SIGNATURE}),
    ),
}

DIGESTS: dict[str, Callable[[bytes], bytes]] = {
    algorithm.digest_oid: algorithm.digest for algorithm in ALGORITHMS.values()
}
TIMESTAMP_DIGESTS: dict[str, Callable[[bytes], bytes]] = {
    algorithm.digest_oid: algorithm.digest for algorithm in TIMESTAMP_ALGORITHMS.values()
}


def require_algorithms(accepted: Algorithms, *, digest_oid: str, signature_oid: str) -> None:
    """Raises: `Refused` unless the signer's hash and signature algorithms are of its key's
    family.
    """
    if digest_oid != accepted.digest_oid or signature_oid not in accepted.statement_signatures:
        raise Refused(
            "eds_algorithm_refused", "the hash or the signature is not of the certificate's family"
        )


@dataclass(frozen=True)
class RsaKey:
    """An RSA key within safe bounds. `modulus` and `exponent` are checked when it is made."""

    family: ClassVar[Literal["rsa"]] = "rsa"

    modulus: int
    exponent: int

    def __post_init__(self) -> None:
        """Refuses values outside the bounds above."""
        # A negative number has a bit length too.
        if self.modulus < 0 or self.modulus.bit_length() not in _RSA_BITS or not self.modulus & 1:
            raise Refused("eds_algorithm_refused", "an RSA modulus of a refused size")
        # An even exponent shares the factor 2 with (p - 1)(q - 1), so it has no inverse: signing is
        # impossible.
        if self.exponent not in _RSA_EXPONENTS or not self.exponent & 1:
            raise Refused("eds_algorithm_refused", "an RSA exponent out of bounds")

    @cached_property
    def _key(self) -> rsa.RSAPublicKey:
        return rsa.RSAPublicNumbers(self.exponent, self.modulus).public_key()

    def verify(self, message: bytes, *, signature: bytes) -> None:
        """Return if `signature` is PKCS #1 v1.5 with SHA-256 of `message`.

        Raises: `Refused` otherwise.
        """
        try:
            self._key.verify(signature, message, padding.PKCS1v15(), hashes.SHA256())
        except (InvalidSignature, ValueError):
            raise Refused("eds_signature_invalid", "the RSA signature does not fit") from None


PublicKey = gost3410.PublicKey | RsaKey
TimestampKey = PublicKey | gost34310.OldPublicKey


def verify(key: PublicKey, message: bytes, *, signature: bytes, often: bool = False) -> None:
    """Return if `signature` is of `message` by `key`, hashed as its family does.

    often: the key is an issuer's or a responder's and will recur, so its multiples may be kept.

    Raises: `Refused` otherwise.
    """
    if isinstance(key, RsaKey):
        key.verify(message, signature=signature)
        return
    digest, arithmetic = ALGORITHMS["gost512"].digest(message), backends.in_use().arithmetic
    gost3410.verify(key, digest=digest, signature=signature, arithmetic=arithmetic, often=often)


def verify_timestamp(
    key: TimestampKey, message: bytes, *, signature: bytes, often: bool = False
) -> None:
    """`verify` for time-stamp tokens and the certificates above them: the old GOST is accepted
    here.
    """
    if not isinstance(key, gost34310.OldPublicKey):
        verify(key, message, signature=signature, often=often)
        return
    arithmetic = backends.in_use().arithmetic
    gost34310.verify(key, message, signature=signature, arithmetic=arithmetic, often=often)


Point = TypeVar("Point", bound=gost3410.PublicKey | gost34310.OldPublicKey)
Gost = Mapping[str, tuple[tuple[str, str], Callable[[bytes], Point]]]
"""By a GOST key's algorithm: its required parameters, and the parser of its point."""

GOST: Final[Gost[gost3410.PublicKey]] = {
    GOST_512_KEY: ((GOST_512_PARAMETERS, STREEBOG_512), gost3410.PublicKey.parse),
}
TIMESTAMP_GOST: Final[Gost[gost3410.PublicKey | gost34310.OldPublicKey]] = {
    **GOST,
    GOST_2004_KEY: ((GOST_2004_PARAMETERS, GOST_34311_PARAMETERS), gost34310.OldPublicKey.parse),
}


def parse_key(info: Element, *, gost: Gost[Point]) -> RsaKey | Point:
    """The key in a SubjectPublicKeyInfo, of RSA or in this table.

    Raises: `Refused` (eds_algorithm_refused) for every other algorithm.
    """
    identifier, bits = der.items(info, der.SEQUENCE, "public key", at_least=2, at_most=2)
    parts = der.items(identifier, der.SEQUENCE, "key algorithm", at_least=1, at_most=2)
    name, key = der.oid(parts[0], "key algorithm"), der.whole_bits(bits, "public key")
    if name == RSA_ENCRYPTION:
        # RFC 3279 §2.3.1 requires NULL parameters; no verification depends on them.
        numbers = der.items(
            der.read_strict(key, "public key"), der.SEQUENCE, "RSA key", at_least=2, at_most=2
        )
        return RsaKey(
            der.integer(numbers[0], "RSA modulus"), der.integer(numbers[1], "RSA exponent")
        )
    if name not in gost or len(parts) != 2:
        raise Refused("eds_algorithm_refused", "the key's algorithm is not accepted")
    parameters, parse = gost[name]
    algorithm = (
        der.oid(part, "GOST parameters")
        for part in der.items(parts[1], der.SEQUENCE, "GOST parameters")
    )
    if tuple(algorithm) != parameters:
        raise Refused(
            "eds_algorithm_refused", "the GOST parameters are not those of the key's algorithm"
        )
    return parse(der.octets(der.read_strict(key, "public key"), "GOST key"))
