"""An X.509 certificate of the national authority, parsed once into plain values. Parsing implies no
trust.

1. It is within our limits on size, depth and elements and is DER throughout: the library follows
   nested parameters until the thread's stack overflows.
2. It has no part that the library ignores.
3. We parse its key, because the library does not support GOST.
4. The library parses the rest. Its refusals count, or an attacker could choose the parser.
   `_for_library` lists the exceptions.

There are two types. `Certificate` has a key of an accepted family.
`TimestampCertificate` may also have one of the old GOST; only parsers of time-stamp tokens accept
it.

Source: RFC 5280 §4.1; the profile was measured on certificates of the authority.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from hashlib import sha256
from typing import Final, Generic, NamedTuple, TypeVar

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm

from verification.core.errors import Refused
from verification.engines.pki import der, keys
from verification.engines.pki.der import Element, malformed
from verification.engines.pki.keys import (
    Gost,
    Point,
    PublicKey,
    RsaKey,
    TimestampFamily,
    TimestampKey,
)

# All refusals of the library in seven million mutations of certificates.
LIBRARY_REFUSES: Final = (
    ValueError,
    TypeError,
    LookupError,
    UnsupportedAlgorithm,
    x509.DuplicateExtension,
    x509.InvalidVersion,
    x509.UnsupportedGeneralNameType,
)

# The part of a certificate, alone or embedded, that only the library parses: extensions do not
# nest.
EXTENSIONS: Final = der.CONTEXT_3
# A leaf of the national authority is 1.0–1.9 KiB.
MAX_CERTIFICATE = 16 * 1024  # bytes
# Each family has two authorities and a responder, in the live and the test system; ours: five times
# that.
_KNOWN = 64  # certificates
# An `ocsp-nocheck` in the authority's form, and in the library's.
_EMPTY_NOCHECK: Final = bytes.fromhex("300d06092b06010505073001050400")
_NOCHECK: Final = bytes.fromhex("300f06092b060105050730010504020500")

Key_co = TypeVar("Key_co", bound=TimestampKey, covariant=True)
Key = TypeVar("Key", bound=TimestampKey)

EXTENDED_KEY_USAGE = x509.ExtendedKeyUsage.oid.dotted_string
_MAX_EXTENSIONS = 64
_MAX_PATH_LEN = 2**31 - 1
# RFC 5280 §4.2.1.3 still says nonRepudiation; the library uses the later word.
_KEY_USAGES: Final = {
    "digital_signature": "digital_signature",
    "non_repudiation": "content_commitment",
    "key_encipherment": "key_encipherment",
    "data_encipherment": "data_encipherment",
    "key_agreement": "key_agreement",
    "key_cert_sign": "key_cert_sign",
    "crl_sign": "crl_sign",
}


@dataclass(frozen=True)
class X509(Generic[Key_co]):
    """The content of a certificate.

    `sha256` of `der` in hex; `subject` and `issuer` are the encoded names and compared as such;
    times are aware UTC.
    `family` is the key's, and `key_bits` the key in the form that responders hash.
    `key_usage` has the names of RFC 5280 §4.2.1.3 in lower case.
    By identifier, `subject_attributes` has every value in order, and `extensions` whether critical.
    """

    der: bytes = field(repr=False)
    sha256: str
    subject: bytes = field(repr=False)
    issuer: bytes = field(repr=False)
    serial: int = field(repr=False)
    not_before: datetime
    not_after: datetime
    public_key: Key_co = field(repr=False)
    family: TimestampFamily
    key_bits: bytes = field(repr=False)
    key_usage: frozenset[str]
    extended_key_usage: frozenset[str]
    policies: frozenset[str]
    is_ca: bool
    path_len: int | None
    unknown_critical: tuple[str, ...]
    subject_attributes: Mapping[str, tuple[str, ...]] = field(repr=False, hash=False)
    extensions: Mapping[str, bool] = field(repr=False, hash=False)
    tbs: bytes = field(repr=False)
    signature_oid: str
    signature: bytes = field(repr=False)


Certificate = X509[PublicKey]
TimestampCertificate = X509[TimestampKey]


def parse_certificate(untrusted: bytes, *, tree: Element | None = None) -> Certificate:
    """The certificate in DER bytes. `tree`: the same bytes, if parsed as a part of others.

    Raises: `Refused`: eds_too_large, eds_malformed (also for trailing bytes and repeated
    extensions), or eds_algorithm_refused if its key is of no accepted family.
    """
    return _parse(untrusted, tree, gost=keys.GOST)


def parse_timestamp_certificate(
    untrusted: bytes, *, tree: Element | None = None
) -> TimestampCertificate:
    """`parse_certificate` for signers of time-stamp tokens and their issuers: the old GOST is
    accepted here.
    """
    return _parse(untrusted, tree, gost=keys.TIMESTAMP_GOST)


parse_known = lru_cache(maxsize=_KNOWN)(parse_certificate)
parse_known_timestamping = lru_cache(maxsize=_KNOWN)(parse_timestamp_certificate)
"""The same for recurring certificates of authorities and responders: each is parsed once."""


def _parse(untrusted: bytes, tree: Element | None, *, gost: Gost[Point]) -> X509[RsaKey | Point]:
    # 1
    if len(untrusted) > MAX_CERTIFICATE:
        raise Refused("eds_too_large", "the certificate is too large")
    root = tree or der.read_tree(untrusted, unopened=EXTENSIONS)
    if not root.strict:
        raise malformed("certificate: not DER")
    # 2
    # RFC 5280 §4.1: version, serial number, algorithm, issuer, validity, subject, key.
    _, serial, _, issuer, _, subject, key = _body(root)[:7]
    tbs, algorithm, signature = root.children
    # 3
    public_key = keys.parse_key(key, gost=gost)
    # 4
    try:
        loaded = x509.load_der_x509_certificate(_for_library(root))
        uses = read_uses(loaded.extensions)
        not_before, not_after = loaded.not_valid_before_utc, loaded.not_valid_after_utc
    except LIBRARY_REFUSES:
        raise malformed("certificate: not as RFC 5280 has it") from None
    der.items(issuer, der.SEQUENCE, "issuer")
    return X509(
        der=untrusted,
        sha256=sha256(untrusted).hexdigest(),
        subject=subject.raw,
        issuer=issuer.raw,
        serial=der.integer(serial, "serial number"),
        not_before=not_before,
        not_after=not_after,
        public_key=public_key,
        family=public_key.family,
        key_bits=der.whole_bits(key.children[1], "public key"),
        subject_attributes=parse_name(subject),
        tbs=tbs.raw,
        signature_oid=algorithm_oid(algorithm),
        signature=der.whole_bits(signature, "signature"),
        **uses._asdict(),
    )


def _body(root: Element) -> list[Element]:
    """The parts of the signed body. Parts that the library ignores are refused."""
    tbs, algorithm, _ = der.items(root, der.SEQUENCE, "certificate", at_least=3, at_most=3)
    # RFC 5280 §4.1: the version and six parts, then extensions. A version 1 certificate omits its
    # version, so it has one part too few and is refused.
    body = der.items(tbs, der.SEQUENCE, "certificate body", at_least=7, at_most=8)
    # RFC 5280 §4.1.1.2: only the inner one is signed, so the outer one must be equal.
    if algorithm.raw != body[2].raw:
        raise malformed("certificate: two different signature algorithms")
    # The unique identifiers [1] and [2] of version 2 have no honest use.
    if body[-1].tag not in (der.SEQUENCE, EXTENSIONS):
        raise malformed("certificate: unexpected parts")
    # RFC 5280 §4.1.2.2. The library warns and will refuse.
    if der.integer(body[1], "serial number") <= 0:
        raise malformed("certificate: a serial number that is not positive")
    return body


def _for_library(root: Element) -> bytes:
    """The certificate without the parts that the library refuses and we accept. It has no
    signature; all else is equal.

    Names: the library refuses a PrintableString with other characters, warns about the authority's
    own (X.520 finds it too long), and takes twice our time. Empty `ocsp-nocheck`: the authority's
    older responders have it;
    RFC 6960 §4.2.2.2.1 requires NULL.
    """
    tbs, algorithm, signature = root.children
    parts = [child.raw for child in tbs.children]
    parts[3] = parts[5] = der.encode(der.SEQUENCE)
    if _EMPTY_NOCHECK in parts[-1]:
        listed = [child.raw for child in der.read_tree(parts[-1]).children[0].children]
        spelled_out = [_NOCHECK if child == _EMPTY_NOCHECK else child for child in listed]
        parts[-1] = der.encode(EXTENSIONS, der.encode(der.SEQUENCE, *spelled_out))
    return der.encode(der.SEQUENCE, der.encode(der.SEQUENCE, *parts), algorithm.raw, signature.raw)


def algorithm_oid(identifier: Element) -> str:
    """The identifier in an AlgorithmIdentifier whose parameters are absent or NULL."""
    parts = der.items(identifier, der.SEQUENCE, "algorithm", at_least=1, at_most=2)
    # RFC 4055 §5 requires NULL for RSA, GOST has nothing there; any other parameters, as in PSS,
    # mean another algorithm.
    if len(parts) == 2 and (parts[1].tag != der.NULL or parts[1].content):
        raise Refused("eds_algorithm_refused", "an algorithm with parameters")
    return der.oid(parts[0], "algorithm")


def parse_name(name: Element) -> Mapping[str, tuple[str, ...]]:
    """Every attribute of a distinguished name: identifier to all its values, in the order found."""
    values_of: dict[str, tuple[str, ...]] = {}
    for relative in der.items(name, der.SEQUENCE, "name", at_most=64):
        for attribute in der.items(relative, der.SET, "name", at_least=1, at_most=16):
            oid, value = der.items(attribute, der.SEQUENCE, "name", at_least=2, at_most=2)
            kind = der.oid(oid, "name")
            values_of[kind] = (*values_of.get(kind, ()), der.text(value, "name"))
    return values_of


class Uses(NamedTuple):
    """The purposes of a certificate. `extensions`: all, by identifier, and whether each is
    critical.
    """

    extensions: Mapping[str, bool]
    unknown_critical: tuple[str, ...]
    key_usage: frozenset[str]
    extended_key_usage: frozenset[str]
    policies: frozenset[str]
    is_ca: bool
    path_len: int | None


def read_uses(extensions: x509.Extensions) -> Uses:
    """The content of these; an absent one has no effect. `unknown_critical`: those without an
    implementation here.
    """
    if len(extensions) > _MAX_EXTENSIONS:
        raise malformed("too many extensions")
    uses: dict[str, bool] = {}
    unknown: list[str] = []
    usage = purposes = policies = frozenset[str]()
    is_ca = False
    path_len: int | None = None
    for extension in extensions:
        oid, value = extension.oid.dotted_string, extension.value
        uses[oid] = extension.critical
        if isinstance(value, x509.KeyUsage):
            usage = frozenset(
                name for name, attribute in _KEY_USAGES.items() if getattr(value, attribute)
            )
        elif isinstance(value, x509.ExtendedKeyUsage):
            purposes = frozenset([purpose.dotted_string for purpose in value])
        elif isinstance(value, x509.CertificatePolicies):
            policies = frozenset([policy.policy_identifier.dotted_string for policy in value])
        elif isinstance(value, x509.BasicConstraints):
            is_ca, path_len = value.ca, value.path_length
        # Includes name constraints: no name is checked against them here, and RFC 5280 §4.2.1.10
        # makes them critical.
        elif extension.critical:
            unknown.append(oid)
    if path_len is not None and path_len > _MAX_PATH_LEN:
        raise malformed("path length: out of range")
    return Uses(uses, tuple(unknown), usage, purposes, policies, is_ca, path_len)


@dataclass(frozen=True)
class Extension:
    """One extension as found: `value` is not parsed yet."""

    oid: str
    critical: bool
    value: bytes


def parse_extensions(untrusted: Element) -> Mapping[str, Extension]:
    """The extensions of a SEQUENCE OF Extension by identifier. A repetition refuses the whole."""
    extensions_by_oid: dict[str, Extension] = {}
    for item in der.items(
        untrusted, der.SEQUENCE, "extensions", at_least=1, at_most=_MAX_EXTENSIONS
    ):
        parts = der.items(item, der.SEQUENCE, "extension", at_least=2, at_most=3)
        oid = der.oid(parts[0], "extension")
        # RFC 5280 §4.1: not critical by default. DER omits defaults (X.690 §11.5); an explicit one
        # is accepted.
        critical = der.boolean(parts[1], "extension") if len(parts) == 3 else False
        # RFC 5280 §4.2: one instance of each. Of two, parsers differ in which they use.
        if oid in extensions_by_oid:
            raise malformed("an extension occurs twice")
        extensions_by_oid[oid] = Extension(oid, critical, der.octets(parts[-1], "extension"))
    return extensions_by_oid
