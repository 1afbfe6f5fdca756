"""The chain from a leaf to a pinned anchor.

1 the signature's algorithm is of an accepted family · 2 an issuer is found by its name: the encoded one, or where
nobody has that, an equal one · 3 the issuer is an authority: CA bit, keyCertSign, path length, valid at the time, no
unknown critical extension · 4 its key signed the certificate · 5 the chain ends in an anchor, pinned by the SHA-256 of
the whole certificate · 6 the leaf's own critical extensions and dates. Policies and name constraints are not
processed: a critical one of the latter refuses. What that means for each vector of NIST: docs/pkits.md.
Source: RFC 5280 §6.1 and §7.1, cut down to the profile of the national authority.
"""

import unicodedata
from collections.abc import Collection
from datetime import datetime

from verification.core.errors import Refused
from verification.engines.pki import algorithms, der, keys, values
from verification.engines.pki.certificate import Certificate

# The authority's chains have three certificates; each step may try a few issuers of the same name.
_MAX_CHAIN = 6
_MAX_SIGNATURES = 16


def build_path(
    leaf: Certificate,
    *,
    anchors: Collection[Certificate],
    intermediates: Collection[Certificate],
    at: datetime,
    accepts_expired_anchors: bool = False,
) -> tuple[Certificate, ...]:
    """The chain from `leaf` (first) to an anchor (last), every step verified at the time `at`.

    Nothing of the anchors is checked but their dates and their right to issue: they are trusted by being handed in.
    `accepts_expired_anchors`: their dates are not looked at either, as RFC 5280 §6.1.1 (d) has it.
    Raises `Refused`: eds_path_untrusted, eds_algorithm_refused, eds_certificate_expired,
    eds_certificate_not_yet_valid (the last two of the leaf).
    """
    pinned = {anchor.sha256 for anchor in anchors}
    undated = pinned if accepts_expired_anchors else set()
    candidates = {each.sha256: each for each in (*anchors, *intermediates)}
    waiting: list[tuple[Certificate, ...]] = [(leaf,)]
    problem, signatures = "no issuer of that name is known", 0
    while waiting:
        path = waiting.pop()
        for issuer in _issuers(path, candidates):
            signatures += 1
            if signatures > _MAX_SIGNATURES:
                raise Refused("eds_path_untrusted", "too many issuers to try")
            try:
                _check_link(path, issuer, at=None if issuer.sha256 in undated else at)
            except Refused as refused:
                problem = refused.detail
                continue
            if issuer.sha256 in pinned:
                _check_leaf(leaf, at=at)
                return (*path, issuer)
            waiting.append((*path, issuer))
    _require_algorithm(leaf)
    raise Refused("eds_path_untrusted", problem)


def _issuers(path: tuple[Certificate, ...], candidates: dict[str, Certificate]) -> list[Certificate]:
    """2: every candidate whose name the last certificate gives as its issuer and that is not in the path yet."""
    if len(path) >= _MAX_CHAIN:
        return []
    used = {each.sha256 for each in path}
    unused = [each for each in candidates.values() if each.sha256 not in used]
    wanted = path[-1].issuer
    # The authority copies its name byte by byte, so the second look, which takes longer, is for the names of others.
    exact = [each for each in unused if each.subject == wanted]
    if exact:
        return exact
    alike = _comparable(wanted)
    return [each for each in unused if _comparable(each.subject) == alike]


def _comparable(name: bytes) -> list[frozenset[tuple[str, str]]] | bytes:
    """A name such that equal ones are equal: string types, case and spaces aside. One that cannot be read equals only
    itself. Names find issuers and prove nothing: that is for the signature to do."""
    try:
        parts = values.items(der.read_tree(name), der.SEQUENCE, "name", at_most=64)
        return [frozenset(_attribute(each) for each in part.children) for part in parts]
    except Refused:
        return name


def _attribute(attribute: der.Element) -> tuple[str, str]:
    oid, value = values.items(attribute, der.SEQUENCE, "name", at_least=2, at_most=2)
    text = unicodedata.normalize("NFKC", values.text(value, "name"))
    return values.oid(oid, "name"), " ".join(text.split()).casefold()


def _check_link(path: tuple[Certificate, ...], issuer: Certificate, *, at: datetime | None) -> None:
    child = path[-1]
    # 1
    if child.signature_oid not in algorithms.ALGORITHMS[issuer.family].certificate_signatures:
        raise Refused("eds_path_untrusted", "the signature's algorithm is not of the issuer's family")
    # 3
    if not issuer.is_ca or "key_cert_sign" not in issuer.key_usage:
        raise Refused("eds_path_untrusted", "the issuer is not an authority")
    below = sum(1 for each in path[1:] if each.subject != each.issuer)
    if issuer.path_len is not None and below > issuer.path_len:
        raise Refused("eds_path_untrusted", "the path is longer than the issuer may have it")
    if at is not None and not issuer.not_before <= at <= issuer.not_after:
        raise Refused("eds_path_untrusted", "the issuer was not valid at the time")
    if issuer.unknown_critical:
        raise Refused("eds_path_untrusted", "the issuer has an unknown critical extension")
    # 4
    check_issued(child, issuer=issuer)


def check_issued(certificate: Certificate, *, issuer: Certificate) -> None:
    """Return if the key of `issuer` signed `certificate`; raise `Refused` (eds_path_untrusted) otherwise."""
    try:
        keys.verify(issuer.public_key, certificate.tbs, signature=certificate.signature, often=True)
    except Refused:
        raise Refused("eds_path_untrusted", "the issuer's signature does not fit") from None


def _check_leaf(leaf: Certificate, *, at: datetime) -> None:
    """6. After the signatures, so that a forged certificate is called untrusted and not merely expired."""
    if leaf.unknown_critical:
        raise Refused("eds_path_untrusted", "the certificate has an unknown critical extension")
    if at < leaf.not_before:
        raise Refused("eds_certificate_not_yet_valid", "the certificate is not valid yet")
    if at > leaf.not_after:
        raise Refused("eds_certificate_expired", "the certificate has expired")


def _require_algorithm(leaf: Certificate) -> None:
    """1, for the message only: a leaf signed with SHA-1 is told so and not that its issuer is unknown."""
    if not any(leaf.signature_oid in each.certificate_signatures for each in algorithms.ALGORITHMS.values()):
        raise Refused("eds_algorithm_refused", "the certificate is signed with a refused algorithm")
