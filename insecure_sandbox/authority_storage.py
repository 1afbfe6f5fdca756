"""Keeps a sandbox authority over restarts: one JSON file with certificates and unprotected private
keys.
"""

import base64
import json
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from insecure_sandbox.credential import Credential
from insecure_sandbox.keys import PrivateKey, require_rsa
from insecure_sandbox.minting import Authority
from verification.engines.pki.keys import Family

_FILE = "authority.json"


def save_authority(authority: Authority, directory: Path) -> None:
    """Write the authority into `directory`, made if need be, readable by its owner only."""
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / _FILE
    text = json.dumps(
        {
            "family": authority.family,
            "root": _credential_fields(authority.root),
            "issuing": _credential_fields(authority.issuing),
        },
        indent=1,
    )
    path.touch(mode=0o600)
    path.write_text(text)


def load_authority(directory: Path) -> Authority:
    """The authority saved there. Raises `FileNotFoundError` if there is none."""
    stored: dict[str, Any] = json.loads((directory / _FILE).read_text())
    family: Family = stored["family"]
    root = _credential(stored["root"], family=family, issuer=None)
    return Authority(
        family, root, _credential(stored["issuing"], family=family, issuer=root.certificate)
    )


def _credential_fields(credential: Credential) -> dict[str, str]:
    key = credential.private_key
    if isinstance(key, int):
        text = f"{key:x}"
    else:
        text = (
            require_rsa(key)
            .private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
            .decode()
        )
    return {"certificate": base64.b64encode(credential.certificate).decode(), "private_key": text}


def _credential(stored: dict[str, str], *, family: Family, issuer: bytes | None) -> Credential:
    certificate = base64.b64decode(stored["certificate"])
    return Credential(
        certificate, family, _private_key(stored["private_key"], family), issuer or certificate
    )


def _private_key(text: str, family: Family) -> PrivateKey:
    if family == "gost512":
        return int(text, 16)
    key = serialization.load_pem_private_key(
        text.encode(), password=None, unsafe_skip_rsa_key_validation=True
    )
    if not isinstance(key, rsa.RSAPrivateKey):
        raise TypeError("the stored key is not an RSA key")
    return key
