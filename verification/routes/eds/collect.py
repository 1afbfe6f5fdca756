"""Our own errands: the statement before we ask, anchors and revocation lists after the answer. Judges nothing."""

import secrets
from collections.abc import Mapping
from datetime import timedelta

from verification.core.errors import Refused
from verification.core.person import Case
from verification.core.route import Evidence, Memory, Prepared
from verification.engines.pki.cms import parse_cms
from verification.routes.eds.dialogue import SIGNATURE, TEXT, statement
from verification.routes.eds.policy import POLICY
from verification.sources import installed, revocation

NONCE_BYTES = 16  # eds.md §3


def prepare_statement(case: Case, evidence: Evidence, memory: Memory) -> Prepared:
    """A fresh statement for this attempt; it is evidence before anybody sees it."""
    expires = evidence.at + timedelta(seconds=POLICY.statement_seconds)
    text = statement(
        case,
        nonce=secrets.token_hex(NONCE_BYTES),
        issued=evidence.at.isoformat(timespec="seconds"),
        expires=expires.isoformat(timespec="seconds"),
    )
    return Prepared(memory={"statement": text.decode()}, evidence={TEXT: text})


def collect_statement(case: Case, evidence: Evidence) -> Mapping[str, bytes]:
    """The pinned certificates and the current revocation lists of the signer's family, unjudged.

    Raises `SourceUnavailable`: without a list nothing is decided.
    """
    trusted = installed.trust_anchors(case.mode)
    found = _numbered("shared.anchor", trusted.anchors) | _numbered("shared.intermediate", trusted.intermediates)
    try:
        signed = parse_cms(evidence.get(SIGNATURE) or b"", max_bytes=POLICY.signature_max_bytes)
    except Refused:
        # What is no signature has no family; the checks will refuse it by name.
        return found
    return found | _numbered("shared.crl", revocation.in_use(case.mode).crls(signed.signer.family))


def _numbered(kind: str, contents: tuple[bytes, ...]) -> dict[str, bytes]:
    return {f"{kind}.{number}": content for number, content in enumerate(contents)}
