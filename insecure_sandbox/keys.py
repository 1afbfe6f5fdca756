"""Private keys of both families for the sandbox: made, used and shown in the encodings of the national authority.

Plain integers and no constant time: these keys protect nothing.
"""

import secrets

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from insecure_sandbox import encoding as asn1
from verification.engines.gost.backends import multiply_base, streebog512
from verification.engines.gost.curves import PARAM_SET_A_512
from verification.engines.pki import algorithms
from verification.engines.pki.algorithms import Family

PrivateKey = int | rsa.RSAPrivateKey


def generate_key(family: Family, *, rsa_bits: int = 2048) -> PrivateKey:
    """A new private key: a number below the order of the curve, or an RSA key of that many bits."""
    if family == "gost512":
        return secrets.randbelow(PARAM_SET_A_512.q - 1) + 1
    return rsa.generate_private_key(public_exponent=65537, key_size=rsa_bits)


def sign(key: PrivateKey, message: bytes) -> bytes:
    """The signature of `message`: r ‖ s little-endian over Streebog-512, or PKCS #1 v1.5 over SHA-256."""
    if isinstance(key, int):
        return sign_digest(key, streebog512(message))
    return key.sign(message, padding.PKCS1v15(), hashes.SHA256())


def sign_digest(key: int, digest: bytes) -> bytes:
    """The GOST signature of a hash of 64 bytes. Source: RFC 7091 §6.1."""
    curve = PARAM_SET_A_512
    e = int.from_bytes(digest, "little") % curve.q or 1
    while True:
        k = secrets.randbelow(curve.q - 1) + 1
        point = multiply_base(k)
        r = point[0] % curve.q if point else 0
        s = (r * key + k * e) % curve.q
        if r and s:
            return r.to_bytes(64, "little") + s.to_bytes(64, "little")


def signature_algorithm(key: PrivateKey) -> bytes:
    """The AlgorithmIdentifier of what `sign` makes."""
    return asn1.algorithm(algorithms.GOST_512_SIGNATURE if isinstance(key, int) else algorithms.SHA256_WITH_RSA)


def public_key_info(key: PrivateKey) -> bytes:
    """The SubjectPublicKeyInfo of the public half."""
    if not isinstance(key, int):
        numbers = key.public_key().public_numbers()
        body = asn1.sequence(asn1.integer(numbers.n), asn1.integer(numbers.e))
        return asn1.sequence(asn1.algorithm(algorithms.RSA_ENCRYPTION), asn1.bits(body))
    point = multiply_base(key)
    if point is None:
        raise ValueError("a private key that is a multiple of the order")
    return gost_key_info(point[0].to_bytes(64, "little") + point[1].to_bytes(64, "little"))


def gost_key_info(encoded_point: bytes) -> bytes:
    """The SubjectPublicKeyInfo around x ‖ y; the bytes are not checked, so that tests can break them."""
    parameters = asn1.sequence(asn1.oid(algorithms.GOST_512_PARAMETERS), asn1.oid(algorithms.STREEBOG_512))
    identifier = asn1.sequence(asn1.oid(algorithms.GOST_512_KEY), parameters)
    return asn1.sequence(identifier, asn1.bits(asn1.octets(encoded_point)))
