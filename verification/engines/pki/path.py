"""The chain from a leaf to a pinned anchor.

1. An issuer is found by its name: the encoded one or, without a match, an equal one.
2. The signature's algorithm is of the issuer's family.
3. The issuer is an authority: CA bit, keyCertSign, path length, valid at the time, no unknown
   critical extension.
4. Its key signed the certificate.
5. The chain ends in an anchor, pinned by the SHA-256 of the whole certificate.
6. The leaf's own critical extensions and dates.

Policies and name constraints are not processed: a critical name constraint refuses.
docs/evidence/pkits.md gives the result for each vector of NIST.
Source: RFC 5280 §6.1 and §7.1, reduced to the profile of the national authority.
"""

import unicodedata
from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from functools import lru_cache, partial

from verification.core.errors import Refused
from verification.engines.pki import der, keys
from verification.engines.pki.certificate import X509, Certificate, Key, TimestampCertificate
from verification.engines.pki.keys import Algorithms

# The authority's chains have three certificates; each step may try a few issuers of the same name.
_MAX_CHAIN = 6
_MAX_SIGNATURES = 16
# Ours: each family has a root, an issuing authority and a responder, in the live and the test
# system.
_KNOWN_SIGNATURES = 64

verify_known = lru_cache(maxsize=_KNOWN_SIGNATURES)(keys.verify)
"""A cache of the verified bytes. A failed verification raises, and is not cached."""


def build_path(
    leaf: Certificate,
    *,
    anchors: Collection[Certificate],
    intermediates: Collection[Certificate],
    at: datetime,
    accepts_expired_anchors: bool = False,
) -> tuple[Certificate, ...]:
    """The chain from `leaf` (first) to an anchor (last), every step verified at the time `at`.

    Of the anchors, only the dates and the right to issue are checked: the caller vouches for them.
    accepts_expired_anchors: their dates are not checked either, as in RFC 5280 §6.1.1 (d).

    Raises: `Refused`: eds_path_untrusted, eds_algorithm_refused, eds_certificate_expired,
    eds_certificate_not_yet_valid (the last two of the leaf).
    """
    undated = {anchor.sha256 for anchor in anchors if accepts_expired_anchors}
    check = partial(
        _check_link,
        algorithms=keys.ALGORITHMS,
        verify=keys.verify,
        verify_again=verify_known,
        at=at,
        undated=undated,
    )
    try:
        path = _search(leaf, anchors=anchors, intermediates=intermediates, check=check)
    except Refused as refused:
        # 2, for the message only: a leaf signed with SHA-1 gets that reason, not an unknown issuer.
        if not any(
            leaf.signature_oid in algorithm.certificate_signatures
            for algorithm in keys.ALGORITHMS.values()
        ):
            raise Refused(
                "eds_algorithm_refused", "the certificate is signed with a refused algorithm"
            ) from refused
        raise
    _check_leaf(leaf, at=at)
    return path


def build_timestamp_path(
    leaf: TimestampCertificate,
    *,
    anchors: Collection[TimestampCertificate],
    intermediates: Collection[TimestampCertificate],
    at: datetime,
) -> tuple[TimestampCertificate, ...]:
    """`build_path` for the signer of a time-stamp token: only here is the old GOST accepted."""
    verify, algorithms = keys.verify_timestamp, keys.TIMESTAMP_ALGORITHMS
    check = partial(
        _check_link, algorithms=algorithms, verify=verify, verify_again=verify, at=at, undated=set()
    )
    path = _search(leaf, anchors=anchors, intermediates=intermediates, check=check)
    _check_leaf(leaf, at=at)
    return path


def _search(
    leaf: X509[Key],
    *,
    anchors: Collection[X509[Key]],
    intermediates: Collection[X509[Key]],
    check: Callable[[tuple[X509[Key], ...], X509[Key]], None],
) -> tuple[X509[Key], ...]:
    """1 and 5: the first chain to an anchor of which every link passes `check`."""
    # By the hash of the whole certificate: a name or a key alone could belong to another one.
    pinned = {anchor.sha256 for anchor in anchors}
    candidates = {certificate.sha256: certificate for certificate in (*anchors, *intermediates)}
    waiting: list[tuple[X509[Key], ...]] = [(leaf,)]
    problem, signatures = "no issuer of that name is known", 0
    while waiting:
        path = waiting.pop()
        if len(path) >= _MAX_CHAIN:
            continue
        # A certificate twice in one path would be a cycle.
        used = {certificate.sha256 for certificate in path}
        unused = [certificate for sha256, certificate in candidates.items() if sha256 not in used]
        issuers = [certificate for certificate in unused if certificate.subject == path[-1].issuer]
        if not issuers:
            # The authority copies its name byte by byte: this slower look serves other names.
            comparable_issuer = _comparable(path[-1].issuer)
            issuers = [
                certificate
                for certificate in unused
                if _comparable(certificate.subject) == comparable_issuer
            ]
        for issuer in issuers:
            signatures += 1
            if signatures > _MAX_SIGNATURES:
                raise Refused("eds_path_untrusted", "too many issuers to try")
            try:
                check(path, issuer)
            except Refused as refused:
                # This issuer does not fit; another of that name may. Otherwise the last reason is
                # reported.
                problem = refused.detail
                continue
            if issuer.sha256 in pinned:
                return (*path, issuer)
            waiting.append((*path, issuer))
    raise Refused("eds_path_untrusted", problem)


def _comparable(name: bytes) -> list[frozenset[tuple[str, str]]] | bytes:
    """A canonical form of a name, without string types, case and spaces. An unreadable one equals
    only itself.

    Names locate issuers and prove nothing: the signature does.
    """
    try:
        # RFC 5280 §7.1 compares names as RFC 4518 prepares them; of that: compatibility forms,
        # case, runs of spaces.
        comparable = []
        for part in der.items(der.read_tree(name), der.SEQUENCE, "name", at_most=64):
            attributes = set()
            for attribute in part.children:
                oid, value = der.items(attribute, der.SEQUENCE, "name", at_least=2, at_most=2)
                text = unicodedata.normalize("NFKC", der.text(value, "name"))
                attributes.add((der.oid(oid, "name"), " ".join(text.split()).casefold()))
            comparable.append(frozenset(attributes))
        return comparable
    except Refused:
        return name


def _check_link(
    path: tuple[TimestampCertificate, ...],
    issuer: TimestampCertificate,
    *,
    algorithms: Mapping[str, Algorithms],
    verify: Callable[..., None],
    verify_again: Callable[..., None],
    at: datetime,
    undated: Collection[str],
) -> None:
    """2 to 4: whether an issuer certified the end of a path. `undated`: hashes of those whose dates
    do not matter.

    verify_again: for an authority's or a responder's certificate, whose verification may be cached.
    """
    # 2. A certificate's algorithm is untrusted too: no key is used with another family's hash.
    if path[-1].signature_oid not in algorithms[issuer.family].certificate_signatures:
        raise Refused(
            "eds_path_untrusted", "the signature's algorithm is not of the issuer's family"
        )
    # 3. RFC 5280 §6.1.4 (k) to (o); without the CA bit any borrower's key could certify a borrower.
    if not issuer.is_ca or "key_cert_sign" not in issuer.key_usage:
        raise Refused("eds_path_untrusted", "the issuer is not an authority")
    # RFC 5280 §4.2.1.9 does not count self-issued certificates.
    below = sum(1 for certificate in path[1:] if certificate.subject != certificate.issuer)
    if issuer.path_len is not None and below > issuer.path_len:
        raise Refused("eds_path_untrusted", "the path is longer than the issuer may have it")
    if issuer.sha256 not in undated and not issuer.not_before <= at <= issuer.not_after:
        raise Refused("eds_path_untrusted", "the issuer was not valid at the time")
    # RFC 5280 §4.2: an unknown critical extension refuses the certificate.
    if issuer.unknown_critical:
        raise Refused("eds_path_untrusted", "the issuer has an unknown critical extension")
    # 4
    check = verify_again if len(path) > 1 else verify
    try:
        check(issuer.public_key, path[-1].tbs, signature=path[-1].signature, often=True)
    except Refused:
        raise Refused("eds_path_untrusted", "the issuer's signature does not fit") from None


def _check_leaf(leaf: TimestampCertificate, *, at: datetime) -> None:
    """6. After the signatures, so that a forged certificate is reported as untrusted and not
    merely expired.
    """
    if leaf.unknown_critical:
        raise Refused("eds_path_untrusted", "the certificate has an unknown critical extension")
    # RFC 5280 §4.1.2.5: valid from notBefore through notAfter, inclusive.
    if at < leaf.not_before:
        raise Refused("eds_certificate_not_yet_valid", "the certificate is not valid yet")
    if at > leaf.not_after:
        raise Refused("eds_certificate_expired", "the certificate has expired")
