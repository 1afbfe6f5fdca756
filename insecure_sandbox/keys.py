"""Private keys of both families for the sandbox: generation, use, and the national authority's
encodings.

Plain integers without constant time: these keys protect nothing.
RSA keys may be made once and stored, because a new one takes at least a tenth of a second.
"""

import os
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from tempfile import NamedTemporaryFile
from threading import Lock
from typing import Final

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from insecure_sandbox import encoding as asn1
from verification.engines.gost import backends
from verification.engines.gost.curves import PARAM_SET_A_512, PARAM_SET_B_256, Curve
from verification.engines.gost.gost34311 import gost34311
from verification.engines.pki import keys
from verification.engines.pki.keys import Family, TimestampFamily


@dataclass(frozen=True)
class OldKey:
    """A private key of GOST 34.310-2004, below the order of its curve: for time-stamp
    authorities only.
    """

    number: int


PrivateKey = int | OldKey | rsa.RSAPrivateKey


_SIGNATURES = {
    "gost512": keys.GOST_512_SIGNATURE,
    "gost2004": keys.GOST_2004_SIGNATURE,
    "rsa": keys.SHA256_WITH_RSA,
}


def generate_key(family: Family, *, rsa_bits: int = 2048) -> PrivateKey:
    """A new private key: a number below the order of the curve, or an RSA key of that many bits."""
    if family == "gost512":
        return secrets.randbelow(PARAM_SET_A_512.q - 1) + 1
    return next_rsa_key(rsa_bits)


def require_rsa(key: PrivateKey) -> rsa.RSAPrivateKey:
    """The key itself if it is an RSA key.

    Raises: `TypeError` otherwise.
    """
    if isinstance(key, rsa.RSAPrivateKey):
        return key
    raise TypeError("not an RSA key")


def generate_old_key() -> OldKey:
    """A new private key of GOST 34.310-2004."""
    return OldKey(secrets.randbelow(PARAM_SET_B_256.q - 1) + 1)


def family_of(key: PrivateKey) -> TimestampFamily:
    """The family a key belongs to."""
    if isinstance(key, OldKey):
        return "gost2004"
    return "gost512" if isinstance(key, int) else "rsa"


def sign(key: PrivateKey, message: bytes) -> bytes:
    """The signature of `message`: r ‖ s little-endian over Streebog-512 or 34.311-95, or PKCS #1
    v1.5 over SHA-256.
    """
    if isinstance(key, OldKey):
        return sign_digest(key.number, gost34311(message), curve=PARAM_SET_B_256)
    if isinstance(key, int):
        return sign_digest(key, backends.streebog512(message))
    return key.sign(message, padding.PKCS1v15(), hashes.SHA256())


def sign_digest(key: int, digest: bytes, *, curve: Curve = PARAM_SET_A_512) -> bytes:
    """The GOST signature of a hash as long as a coordinate of the curve. Source: RFC 7091 §6.1."""
    e = int.from_bytes(digest, "little") % curve.q or 1
    while True:
        k = secrets.randbelow(curve.q - 1) + 1
        point = backends.in_use().arithmetic.multiply_base(curve, k)
        r = point[0] % curve.q if point else 0
        s = (r * key + k * e) % curve.q
        if r and s:
            return r.to_bytes(curve.size, "little") + s.to_bytes(curve.size, "little")


def signature_algorithm(key: PrivateKey) -> bytes:
    """The AlgorithmIdentifier of a signature by `sign`."""
    return asn1.algorithm(_SIGNATURES[family_of(key)])


def public_key_info(key: PrivateKey) -> bytes:
    """The SubjectPublicKeyInfo of the public half."""
    if isinstance(key, OldKey):
        return _old_key_info(_encoded_point(key.number, curve=PARAM_SET_B_256))
    if isinstance(key, int):
        return gost_key_info(_encoded_point(key, curve=PARAM_SET_A_512))
    numbers = key.public_key().public_numbers()
    body = asn1.sequence(asn1.integer(numbers.n), asn1.integer(numbers.e))
    return asn1.sequence(asn1.algorithm(keys.RSA_ENCRYPTION), asn1.bits(body))


def _encoded_point(key: int, *, curve: Curve) -> bytes:
    point = backends.in_use().arithmetic.multiply_base(curve, key)
    if point is None:
        raise ValueError("a private key that is a multiple of the order")
    return point[0].to_bytes(curve.size, "little") + point[1].to_bytes(curve.size, "little")


def gost_key_info(encoded_point: bytes) -> bytes:
    """The SubjectPublicKeyInfo around x ‖ y; the bytes are unchecked, so that tests can break
    them.
    """
    parameters = asn1.sequence(asn1.oid(keys.GOST_512_PARAMETERS), asn1.oid(keys.STREEBOG_512))
    identifier = asn1.sequence(asn1.oid(keys.GOST_512_KEY), parameters)
    return asn1.sequence(identifier, asn1.bits(asn1.octets(encoded_point)))


def _old_key_info(encoded_point: bytes) -> bytes:
    parameters = asn1.sequence(
        asn1.oid(keys.GOST_2004_PARAMETERS), asn1.oid(keys.GOST_34311_PARAMETERS)
    )
    identifier = asn1.sequence(asn1.oid(keys.GOST_2004_KEY), parameters)
    return asn1.sequence(identifier, asn1.bits(asn1.octets(encoded_point)))


FOLDER_VARIABLE: Final = "INSECURE_SANDBOX_RSA_KEYS"
"""The folder of stored keys; without it every key is new."""

_PUBLIC_EXPONENT: Final = 65537

_numbers: dict[int, Iterator[int]] = {}
_lock = Lock()


def next_rsa_key(bits: int) -> rsa.RSAPrivateKey:
    """An RSA key that this process has not used yet: the folder's next, or a new one, which is
    stored there.
    """
    folder = os.environ.get(FOLDER_VARIABLE)
    if not folder:
        return rsa.generate_private_key(public_exponent=_PUBLIC_EXPONENT, key_size=bits)
    with _lock:
        number = next(_numbers.setdefault(bits, count()))
    path = Path(folder) / f"{bits}-{number}.der"
    return _read(path) if path.is_file() else _make(path, bits)


def _read(path: Path) -> rsa.RSAPrivateKey:
    key = serialization.load_der_private_key(
        path.read_bytes(), None, unsafe_skip_rsa_key_validation=True
    )
    if not isinstance(key, rsa.RSAPrivateKey):
        raise TypeError("not an RSA key")
    return key


def _make(path: Path, bits: int) -> rsa.RSAPrivateKey:
    key = rsa.generate_private_key(public_exponent=_PUBLIC_EXPONENT, key_size=bits)
    path.parent.mkdir(parents=True, exist_ok=True)
    # Written elsewhere and moved, so that a parallel process never reads a part of it.
    with NamedTemporaryFile(dir=path.parent, delete=False) as aside:
        aside.write(
            key.private_bytes(
                serialization.Encoding.DER,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
    Path(aside.name).replace(path)
    return key
