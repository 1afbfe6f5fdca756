"""An X.509 certificate as the national authority issues it, read once into plain values. Reading trusts nothing.

There are two types. `Certificate` has a key of an accepted family; `TimestampCertificate` may have one of the old GOST
besides, and only what reads time-stamp tokens takes it.

Source: RFC 5280 §4.1; the profile was measured on certificates of the authority.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from hashlib import sha256
from typing import Generic, TypeVar

from verification.core.errors import Refused
from verification.engines.pki import der, extensions, keys, values
from verification.engines.pki.algorithms import Family
from verification.engines.pki.der import Element, malformed
from verification.engines.pki.extensions import Extension
from verification.engines.pki.keys import PublicKey, TimestampKey

# A leaf of the national authority is 1.0–1.9 KiB.
MAX_CERTIFICATE = 16 * 1024  # bytes
# Each family has two authorities and a responder, in the live and the test system; ours: five times that.
_KNOWN = 64  # certificates

Key_co = TypeVar("Key_co", bound=TimestampKey, covariant=True)
Key = TypeVar("Key", bound=TimestampKey)


@dataclass(frozen=True)
class X509(Generic[Key_co]):
    """What a certificate says of itself.

    `sha256` of `der` in hex; `subject` and `issuer` are the encoded names and compared as such; times are aware UTC;
    `key_usage` holds the names of `extensions.key_usage`; `subject_attributes` has every value in order, by identifier.
    """

    der: bytes = field(repr=False)
    sha256: str
    subject: bytes = field(repr=False)
    issuer: bytes = field(repr=False)
    serial: int = field(repr=False)
    not_before: datetime
    not_after: datetime
    public_key: Key_co = field(repr=False)
    key_usage: frozenset[str]
    extended_key_usage: frozenset[str]
    policies: frozenset[str]
    is_ca: bool
    path_len: int | None
    unknown_critical: tuple[str, ...]
    subject_attributes: Mapping[str, tuple[str, ...]] = field(repr=False, hash=False)
    extensions: Mapping[str, Extension] = field(repr=False, hash=False)
    tbs: bytes = field(repr=False)
    signature_oid: str
    signature: bytes = field(repr=False)

    @property
    def family(self: "X509[PublicKey]") -> Family:
        """That of the key."""
        return keys.family_of(self.public_key)


Certificate = X509[PublicKey]
TimestampCertificate = X509[TimestampKey]


def parse_certificate(untrusted: bytes, *, tree: Element | None = None) -> Certificate:
    """The certificate in DER bytes. `tree`: the very same bytes, where they were read as a part of others.

    Raises `Refused`: eds_too_large, eds_malformed (also for trailing bytes and repeated extensions), or
    eds_algorithm_refused if its key is of no accepted family.
    """
    return _parse(untrusted, tree, read_key=keys.parse_public_key)


def parse_timestamp_certificate(untrusted: bytes, *, tree: Element | None = None) -> TimestampCertificate:
    """`parse_certificate` for who signs time-stamp tokens, and who stands above: the old GOST is accepted here."""
    return _parse(untrusted, tree, read_key=keys.parse_timestamp_key)


@lru_cache(maxsize=_KNOWN)
def parse_known(untrusted: bytes) -> Certificate:
    """`parse_certificate` for certificates that come again, an authority's or a responder's: each is read once."""
    return parse_certificate(untrusted)


@lru_cache(maxsize=_KNOWN)
def parse_known_timestamping(untrusted: bytes) -> TimestampCertificate:
    """`parse_timestamp_certificate` for those that come again."""
    return parse_timestamp_certificate(untrusted)


def _parse(untrusted: bytes, tree: Element | None, *, read_key: Callable[[Element], Key]) -> X509[Key]:
    if len(untrusted) > MAX_CERTIFICATE:
        raise Refused("eds_too_large", "the certificate is too large")
    root = tree or der.read_tree(untrusted)
    if not root.strict:
        raise malformed("certificate: not DER")
    tbs, algorithm, signature = values.items(root, der.SEQUENCE, "certificate", at_least=3, at_most=3)
    head, tail = _split_tbs(tbs)
    if algorithm.raw != head[1].raw:
        raise malformed("certificate: two different signature algorithms")
    return _assemble(untrusted, tbs, head=head, tail=tail, signature=signature, key=read_key(head[-1]))


def _split_tbs(tbs: Element) -> tuple[list[Element], list[Element]]:
    """Serial, algorithm, issuer, validity, subject and key; then the optional rest. Only version 3 is accepted."""
    parts = values.items(tbs, der.SEQUENCE, "certificate body", at_least=7, at_most=10)
    (version,) = values.items(parts[0], der.CONTEXT_0, "version", at_least=1, at_most=1)
    if values.integer(version, "version") != 2:
        raise malformed("certificate: not version 3")
    return parts[1:7], parts[7:]


def _assemble(
    untrusted: bytes, tbs: Element, *, head: list[Element], tail: list[Element], signature: Element, key: Key
) -> X509[Key]:
    serial, algorithm, issuer, validity, subject, _ = head
    not_before, not_after = values.items(validity, der.SEQUENCE, "validity", at_least=2, at_most=2)
    found = _find_extensions(tail)
    is_ca, path_len = extensions.basic_constraints(found)
    return X509(
        der=untrusted,
        sha256=sha256(untrusted).hexdigest(),
        subject=values.expect(subject, der.SEQUENCE, "subject").raw,
        issuer=values.expect(issuer, der.SEQUENCE, "issuer").raw,
        serial=values.integer(serial, "serial number"),
        not_before=values.time(not_before, "validity"),
        not_after=values.time(not_after, "validity"),
        public_key=key,
        key_usage=extensions.key_usage(found),
        extended_key_usage=extensions.extended_key_usage(found),
        policies=extensions.policies(found),
        is_ca=is_ca,
        path_len=path_len,
        unknown_critical=extensions.unknown_critical(found),
        subject_attributes=parse_name(subject),
        extensions=found,
        tbs=tbs.raw,
        signature_oid=algorithm_oid(algorithm),
        signature=values.whole_bits(signature, "signature"),
    )


def _find_extensions(tail: list[Element]) -> Mapping[str, Extension]:
    """Opens [3]; the unique identifiers [1] and [2] of version 2 are refused, nobody uses them honestly."""
    if not tail:
        return {}
    if len(tail) > 1:
        raise malformed("certificate: unexpected parts")
    (inner,) = values.items(tail[0], der.CONTEXT_3, "extensions", at_least=1, at_most=1)
    return extensions.parse_extensions(inner)


def algorithm_oid(identifier: Element) -> str:
    """The identifier in an AlgorithmIdentifier whose parameters are absent or NULL."""
    parts = values.items(identifier, der.SEQUENCE, "algorithm", at_least=1, at_most=2)
    if len(parts) == 2 and (parts[1].tag != der.NULL or parts[1].content):
        raise Refused("eds_algorithm_refused", "an algorithm with parameters")
    return values.oid(parts[0], "algorithm")


def parse_name(name: Element) -> Mapping[str, tuple[str, ...]]:
    """Every attribute of a distinguished name: identifier to all its values, in the order found."""
    found: dict[str, tuple[str, ...]] = {}
    for relative in values.items(name, der.SEQUENCE, "name", at_most=64):
        for attribute in values.items(relative, der.SET, "name", at_least=1, at_most=16):
            oid, value = values.items(attribute, der.SEQUENCE, "name", at_least=2, at_most=2)
            kind = values.oid(oid, "name")
            found[kind] = (*found.get(kind, ()), values.text(value, "name"))
    return found
