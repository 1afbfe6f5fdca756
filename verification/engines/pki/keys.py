"""Public keys of both families: read from a certificate, then asked whether a signature is theirs.

The functions with `timestamp` in their names know the old GOST besides; only what reads time-stamp tokens calls them.
"""

from dataclasses import dataclass
from functools import cached_property

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256

from verification.core.errors import Refused
from verification.engines.gost import backends, gost3410, gost34310
from verification.engines.pki import algorithms, der, values
from verification.engines.pki.algorithms import Family, TimestampFamily
from verification.engines.pki.der import Element, malformed

# Below 2048 bits the profile of 2022 itself refuses; above 8192 a signature costs more than it proves.
_RSA_BITS = range(2048, 8193)
# The authority uses 65537. Smaller exponents invite forged padding (Bleichenbacher 2006), 1 signs everything.
_RSA_EXPONENTS = range(65537, 2**32)


@dataclass(frozen=True)
class RsaKey:
    """An RSA key within sane bounds. `modulus` and `exponent` are checked when it is made."""

    modulus: int
    exponent: int

    def __post_init__(self) -> None:
        """Refuse what the bounds above leave out."""
        # A negative number has a bit length too.
        if self.modulus < 0 or self.modulus.bit_length() not in _RSA_BITS or not self.modulus & 1:
            raise Refused("eds_algorithm_refused", "an RSA modulus of a refused size")
        if self.exponent not in _RSA_EXPONENTS or not self.exponent & 1:
            raise Refused("eds_algorithm_refused", "an RSA exponent out of bounds")

    @cached_property
    def _key(self) -> rsa.RSAPublicKey:
        return rsa.RSAPublicNumbers(self.exponent, self.modulus).public_key()

    def verify(self, message: bytes, *, signature: bytes) -> None:
        """Return if `signature` is PKCS #1 v1.5 with SHA-256 of `message`; raise `Refused` otherwise."""
        try:
            self._key.verify(signature, message, padding.PKCS1v15(), SHA256())
        except (InvalidSignature, ValueError):
            raise Refused("eds_signature_invalid", "the RSA signature does not fit") from None


PublicKey = gost3410.PublicKey | RsaKey
TimestampKey = PublicKey | gost34310.OldPublicKey


def family_of(key: PublicKey) -> Family:
    """The family a key belongs to."""
    return "rsa" if isinstance(key, RsaKey) else "gost512"


def timestamp_family_of(key: TimestampKey) -> TimestampFamily:
    """The family of a key that signs time-stamp tokens or stands above one that does."""
    return "gost2004" if isinstance(key, gost34310.OldPublicKey) else family_of(key)


def verify(key: PublicKey, message: bytes, *, signature: bytes, often: bool = False) -> None:
    """Return if `signature` is of `message` by `key`, hashed as its family does; raise `Refused` otherwise.

    `often`: the key is an issuer's or a responder's and will come again, so multiples of it may be remembered.
    """
    if isinstance(key, RsaKey):
        key.verify(message, signature=signature)
        return
    digest = algorithms.ALGORITHMS["gost512"].digest(message)
    backends.verify(key, digest=digest, signature=signature, often=often)


def verify_timestamp(key: TimestampKey, message: bytes, *, signature: bytes, often: bool = False) -> None:
    """`verify` for time-stamp tokens and the certificates above them: the old GOST is accepted here."""
    if not isinstance(key, gost34310.OldPublicKey):
        verify(key, message, signature=signature, often=often)
        return
    arithmetic = backends.in_use().arithmetic
    gost34310.verify(key, message, signature=signature, arithmetic=arithmetic, often=often)


def parse_public_key(info: Element) -> PublicKey:
    """The key in a SubjectPublicKeyInfo. Raises `Refused` (eds_algorithm_refused) for every other algorithm."""
    name, parameters, key = _split(info)
    if name == algorithms.RSA_ENCRYPTION:
        return _parse_rsa(key)
    if name == algorithms.GOST_512_KEY and parameters:
        _require_parameters(parameters, algorithms.GOST_512_PARAMETERS, algorithms.STREEBOG_512)
        return gost3410.PublicKey.parse(values.octets(_strict(key), "GOST key"))
    raise Refused("eds_algorithm_refused", "the key's algorithm is not accepted")


def parse_timestamp_key(info: Element) -> TimestampKey:
    """`parse_public_key` for certificates of time-stamp tokens: the old GOST is accepted here."""
    name, parameters, key = _split(info)
    if name != algorithms.GOST_2004_KEY or not parameters:
        return parse_public_key(info)
    _require_parameters(parameters, algorithms.GOST_2004_PARAMETERS, algorithms.GOST_34311_PARAMETERS)
    return gost34310.OldPublicKey.parse(values.octets(_strict(key), "GOST key"))


def _split(info: Element) -> tuple[str, Element | None, bytes]:
    """The algorithm's identifier, its parameters if there are any, and the key's own bytes."""
    identifier, bits = values.items(info, der.SEQUENCE, "public key", at_least=2, at_most=2)
    parts = values.items(identifier, der.SEQUENCE, "key algorithm", at_least=1, at_most=2)
    name = values.oid(parts[0], "key algorithm")
    return name, parts[1] if len(parts) == 2 else None, values.whole_bits(bits, "public key")


def _parse_rsa(key: bytes) -> RsaKey:
    modulus, exponent = values.items(_strict(key), der.SEQUENCE, "RSA key", at_least=2, at_most=2)
    return RsaKey(values.integer(modulus, "RSA modulus"), values.integer(exponent, "RSA exponent"))


def _require_parameters(parameters: Element, *wanted: str) -> None:
    named = [values.oid(part, "GOST parameters") for part in values.items(parameters, der.SEQUENCE, "GOST parameters")]
    if named != list(wanted):
        raise Refused("eds_algorithm_refused", "the GOST parameters are not those of the key's algorithm")


def _strict(key: bytes) -> Element:
    element = der.read_tree(key)
    if not element.strict:
        raise malformed("public key: not DER")
    return element
