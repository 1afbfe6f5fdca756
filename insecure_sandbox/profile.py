"""The national authority's certificate profile, as encoded names and extensions. Names say
SANDBOX.
"""

from collections.abc import Iterable
from hashlib import sha256
from typing import Literal

from insecure_sandbox import encoding as asn1
from verification.engines.pki.keys import Family

Role = Literal["individual", "legal", "auth"]

_ROOT_POLICY, _ISSUING_POLICY, _LEAF_POLICY = "1.2.398.3.3.1.1", "1.2.398.3.3.2", "1.2.398.3.3.2"
_EMAIL_PROTECTION, _CLIENT_AUTH = "1.3.6.1.5.5.7.3.4", "1.3.6.1.5.5.7.3.2"
_PURPOSES: dict[Role, tuple[str, ...]] = {
    "individual": (_EMAIL_PROTECTION, "1.2.398.3.3.4.1.1"),
    "legal": (_EMAIL_PROTECTION, "1.2.398.3.3.4.1.2", "1.2.398.3.3.4.1.2.1"),
    "auth": (_CLIENT_AUTH, "1.2.398.3.3.4.1.1"),
}
# Named bits, RFC 5280 §4.2.1.3: digitalSignature 0, nonRepudiation 1, keyEncipherment 2,
# keyAgreement 4.
_KEY_USAGES: dict[tuple[Family, bool], tuple[int, ...]] = {
    ("gost512", True): (0, 1, 4),
    ("gost512", False): (0, 4),
    ("rsa", True): (0, 1),
    ("rsa", False): (0, 2),
}
_ADDRESS = "http://authority.sandbox.invalid"  # never fetched: .invalid does not resolve


def authority_name(family: Family, *, root: bool) -> bytes:
    """The distinguished name of a sandbox authority."""
    kind = "ROOT" if root else "ISSUING"
    return asn1.name(
        ("2.5.4.3", f"TULGA SANDBOX {kind} ({'GOST' if family == 'gost512' else 'RSA'})"),
        ("2.5.4.6", "KZ"),
    )


def subject_name(*, iin: str, surname: str, given_name: str, patronymic: str, role: Role) -> bytes:
    """The distinguished name of a person; givenName carries the patronymic, like the
    authority's.
    """
    attributes = [
        ("2.5.4.3", f"{surname} {given_name}".upper()),
        ("2.5.4.4", surname.upper()),
        ("2.5.4.5", f"IIN{iin}"),
        ("2.5.4.6", "KZ"),
    ]
    if role == "legal":
        attributes += [("2.5.4.10", "TULGA SANDBOX LLP"), ("2.5.4.11", "BIN000000000000")]
    if patronymic:
        attributes.append(("2.5.4.42", patronymic.upper()))
    return asn1.name(*attributes)


def key_usage(bits: Iterable[int]) -> bytes:
    """The critical keyUsage extension with those named bits, none above 7."""
    positions = sorted(bits)
    byte = sum(0x80 >> position for position in positions)
    return asn1.extension(
        "2.5.29.15", asn1.bits(bytes([byte]), unused=7 - positions[-1]), critical=True
    )


def extended_key_usage(purposes: Iterable[str]) -> bytes:
    """The extKeyUsage extension with those identifiers."""
    return asn1.extension("2.5.29.37", asn1.sequence(*(asn1.oid(purpose) for purpose in purposes)))


def policies(dotted: str) -> bytes:
    """The certificatePolicies extension with one policy."""
    return asn1.extension("2.5.29.32", asn1.sequence(asn1.sequence(asn1.oid(dotted))))


def basic_constraints(*, ca: bool, path_len: int | None = None) -> bytes:
    """The critical basicConstraints extension."""
    parts = [asn1.boolean(True)] if ca else []
    parts += [asn1.integer(path_len)] if path_len is not None else []
    return asn1.extension("2.5.29.19", asn1.sequence(*parts), critical=True)


def key_identifier(public_key_info: bytes) -> bytes:
    """Twenty bytes that name a key."""
    return sha256(public_key_info).digest()[:20]


def subject_key(identifier: bytes) -> bytes:
    """The subjectKeyIdentifier extension."""
    return asn1.extension("2.5.29.14", asn1.octets(identifier))


def authority_key(identifier: bytes) -> bytes:
    """The authorityKeyIdentifier extension."""
    return asn1.extension("2.5.29.35", asn1.sequence(asn1.element(0x80, identifier)))


def authority_extensions(*, root: bool, path_len: int | None = None) -> tuple[bytes, ...]:
    """The extensions of a root or an issuing authority, key identifiers apart."""
    policy = policies(_ROOT_POLICY if root else _ISSUING_POLICY)
    return basic_constraints(ca=True, path_len=path_len), key_usage((5, 6)), policy


def leaf_extensions(family: Family, *, role: Role) -> tuple[bytes, ...]:
    """The extensions of a person's certificate, key identifiers apart."""
    address = asn1.element(0x86, f"{_ADDRESS}/{family}.crl".encode())
    points = asn1.sequence(asn1.sequence(asn1.explicit(0, asn1.explicit(0, address))))
    ocsp = asn1.sequence(
        asn1.oid("1.3.6.1.5.5.7.48.1"), asn1.element(0x86, f"{_ADDRESS}/ocsp/".encode())
    )
    return (
        policies(_LEAF_POLICY),
        asn1.extension("1.3.6.1.5.5.7.1.1", asn1.sequence(ocsp)),
        asn1.extension("2.5.29.31", points),
        extended_key_usage(_PURPOSES[role]),
        key_usage(_KEY_USAGES[family, role != "auth"]),
    )
