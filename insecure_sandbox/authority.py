"""A certification authority with the national one's profile, for tests and the sandbox.

Its roots must never be installed as anchors of a live service: every name says TULGA SANDBOX.
"""

import base64
import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from insecure_sandbox import keys, profile
from insecure_sandbox.credential import Credential
from insecure_sandbox.keys import PrivateKey, require_rsa
from insecure_sandbox.minting import (
    Authority,
    Template,
    certificate_body,
    certify,
    new_serial,
    seal,
)
from insecure_sandbox.profile import Role
from insecure_sandbox.revocation_list import make_crl
from verification.engines.pki.certificate import parse_certificate
from verification.engines.pki.keys import Family

__all__ = [
    "Authority",
    "Credential",
    "create_authority",
    "forge_like_nca",
    "issue",
    "load_authority",
    "make_crl",
    "person_template",
    "save_authority",
]

_AUTHORITY_RSA_BITS = 3072
_YEAR = timedelta(days=365)
_HOUR = timedelta(hours=1)


def create_authority(family: Family, *, at: datetime) -> Authority:
    """A new root, valid from three years before `at` for thirteen years, and an issuing authority
    two years younger.
    """
    root_key = keys.generate_key(family, rsa_bits=_AUTHORITY_RSA_BITS)
    root = certify(
        Template(
            profile.authority_name(family, root=True),
            profile.authority_extensions(root=True),
            at - 3 * _YEAR,
            at + 10 * _YEAR,
            new_serial(),
        ),
        root_key,
        by=None,
    )
    issuing_key = keys.generate_key(family, rsa_bits=_AUTHORITY_RSA_BITS)
    template = Template(
        profile.authority_name(family, root=False),
        profile.authority_extensions(root=False, path_len=0),
        at - _YEAR,
        at + 9 * _YEAR,
        new_serial(),
    )
    return Authority(family, root, certify(template, issuing_key, by=root))


def person_template(
    family: Family,
    *,
    iin: str,
    surname: str,
    given_name: str,
    patronymic: str = "",
    at: datetime,
    role: Role = "individual",
    serial: int | None = None,
    days: int = 365,
) -> Template:
    """The template of a person's certificate, valid from one hour before `at` for `days` days."""
    return Template(
        subject=profile.subject_name(
            iin=iin, surname=surname, given_name=given_name, patronymic=patronymic, role=role
        ),
        extensions=profile.leaf_extensions(family, role=role),
        not_before=at - _HOUR,
        not_after=at - _HOUR + timedelta(days=days),
        serial=new_serial() if serial is None else serial,
    )


def issue(
    authority: Authority,
    *,
    iin: str,
    surname: str,
    given_name: str,
    patronymic: str = "",
    at: datetime,
    role: Role = "individual",
    serial: int | None = None,
    days: int = 365,
    key: PrivateKey | None = None,
) -> Credential:
    """A person's certificate with its key, a new one unless `key` is given (an RSA key takes 50 ms
    to make).
    """
    template = person_template(
        authority.family,
        iin=iin,
        surname=surname,
        given_name=given_name,
        patronymic=patronymic,
        at=at,
        role=role,
        serial=serial,
        days=days,
    )
    return certify(
        template,
        keys.generate_key(authority.family) if key is None else key,
        by=authority.issuing,
    )


def forge_like_nca(
    real_leaf_issuer: bytes,
    *,
    iin: str,
    surname: str,
    given_name: str,
    patronymic: str = "",
    at: datetime,
) -> Credential:
    """A certificate from a tool that impersonates NCALayer: a copied issuer name, our own key,
    zeros as signature.

    `real_leaf_issuer`: DER of the impersonated authority, without its key.
    """
    issuer = parse_certificate(real_leaf_issuer)
    key = keys.generate_key(issuer.public_key.family)
    template = person_template(
        issuer.public_key.family,
        iin=iin,
        surname=surname,
        given_name=given_name,
        patronymic=patronymic,
        at=at,
    )
    body = certificate_body(
        template,
        info=keys.public_key_info(key),
        issuer=issuer.subject,
        algorithm=keys.signature_algorithm(key),
    )
    certificate = seal(body, key, signature=bytes(len(issuer.signature)))
    return Credential(certificate, issuer.public_key.family, key, real_leaf_issuer)


_FILE = "authority.json"


def save_authority(authority: Authority, directory: Path) -> None:
    """Writes the authority into `directory`, made if missing, readable by its owner only."""
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
    """The authority saved there.

    Raises: `FileNotFoundError` if absent.
    """
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
