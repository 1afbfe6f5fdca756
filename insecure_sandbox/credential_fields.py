"""A credential as JSON fields, with its private key: the answer of `/ca/credentials` and its
parser.
"""

from base64 import b64decode, b64encode
from collections.abc import Mapping
from typing import Any

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_der_private_key,
)

from insecure_sandbox.credential import Credential
from insecure_sandbox.keys import PrivateKey, require_rsa
from verification.engines.pki.keys import Family


def credential_to_fields(credential: Credential) -> dict[str, str]:
    """`family`, `serial` (hex), and in base64 `certificate`, `issuer_certificate` (DER) and
    `private_key`.

    The private key is 64 bytes big-endian for gost512, and PKCS #8 in DER for rsa.
    """
    key = credential.private_key
    if isinstance(key, int):
        key_bytes = key.to_bytes(64, "big")
    else:
        key_bytes = require_rsa(key).private_bytes(
            Encoding.DER, PrivateFormat.PKCS8, NoEncryption()
        )
    return {
        "family": credential.family,
        "serial": f"{credential.serial:x}",
        "certificate": b64encode(credential.certificate).decode(),
        "issuer_certificate": b64encode(credential.issuer_certificate).decode(),
        "private_key": b64encode(key_bytes).decode(),
    }


def credential_from_fields(fields: Mapping[str, Any]) -> Credential:
    """The credential in an answer of `/ca/credentials`.

    Raises: `KeyError` or `ValueError` for anything else.
    """
    family: Family = "gost512" if fields["family"] == "gost512" else "rsa"
    return Credential(
        certificate=b64decode(fields["certificate"], validate=True),
        family=family,
        private_key=_private_key(b64decode(fields["private_key"], validate=True), family=family),
        issuer_certificate=b64decode(fields["issuer_certificate"], validate=True),
    )


def _private_key(key_bytes: bytes, *, family: Family) -> PrivateKey:
    if family == "gost512":
        return int.from_bytes(key_bytes, "big")
    key = load_der_private_key(key_bytes, password=None, unsafe_skip_rsa_key_validation=True)
    if not isinstance(key, RSAPrivateKey):
        raise ValueError("not an RSA key")
    return key
