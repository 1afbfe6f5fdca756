"""Our own errands: the statement before we ask, what others say of the signature after the answer. Judges nothing."""

import secrets
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta

from verification.core.errors import Misconfigured, Refused, SourceUnavailable
from verification.core.person import Case
from verification.core.route import Evidence, Memory, Prepared
from verification.engines.pki import ocsp, timestamp
from verification.engines.pki.algorithms import ALGORITHMS
from verification.engines.pki.certificate import Certificate, parse_known, parse_known_timestamping
from verification.engines.pki.path import build_path
from verification.engines.pki.revocation import Answers, ask_responder
from verification.engines.pki.signatures import Signature, parse_signature
from verification.engines.pki.timestamp_trust import askable, timestamp_path
from verification.routes.eds import dialogue
from verification.routes.eds.dialogue import SIGNATURE, TEXT, Said, statement
from verification.routes.eds.policy import POLICY, EdsPolicy
from verification.sources import installed, revocation, timestamp_authority

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
    """The pinned certificates, and what the authorities say of the signature, unjudged.

    Raises `SourceUnavailable`: while nobody says anything, nothing is decided.
    """
    return gather(case, evidence, policy=POLICY)


def gather(case: Case, evidence: Evidence, *, policy: EdsPolicy) -> Mapping[str, bytes]:
    """`collect_statement` under another policy."""
    trusted = installed.trust_anchors(case.mode)
    found = _trust(trusted)
    try:
        signed = parse_signature(evidence.get(SIGNATURE) or b"", max_bytes=policy.signature_max_bytes)
        leaf, issuer = _leaf_and_issuer(signed.signer, trusted, at=evidence.at)
    except Refused:
        # Of what is no signature, or of nobody we trust, nobody is asked; the checks will refuse it by name.
        return found
    if policy.asks_timestamp:
        found |= _ask_timestamp(case.mode, signed)
    found |= _ask_revocation(case.mode, leaf, issuer, policy=policy)
    return found | _ask_about_tokens(case.mode, signed, found, trusted, policy=policy)


def installed_trust(mode: str) -> dict[str, bytes]:
    """The pinned certificates of a mode as evidence. Raises `Misconfigured`."""
    return _trust(installed.trust_anchors(mode))


def _trust(trusted: installed.TrustSet) -> dict[str, bytes]:
    found = _numbered("shared.anchor", trusted.anchors) | _numbered("shared.intermediate", trusted.intermediates)
    return found | _numbered("shared.tsa", trusted.timestamping)


def _leaf_and_issuer(
    leaf: Certificate, trusted: installed.TrustSet, *, at: datetime
) -> tuple[Certificate, Certificate]:
    """Whom to ask about. Whether the dates are right is for the checks: here they must not hide the issuer."""
    path = build_path(
        leaf,
        anchors=[parse_known(der) for der in trusted.anchors],
        intermediates=[parse_known(der) for der in trusted.intermediates],
        at=min(max(at, leaf.not_before), leaf.not_after),
    )
    return path[0], path[1]


def _ask_timestamp(mode: str, signed: Signature) -> dict[str, bytes]:
    nonce = secrets.randbits(timestamp.NONCE_BITS)
    family = signed.signer.family
    question = timestamp.build_request(signed.signature, imprint_oid=ALGORITHMS[family].digest_oid, nonce=nonce)
    answer = timestamp_authority.in_use(mode).timestamp(family, question=question)
    return {dialogue.TIMESTAMP: answer, dialogue.TIMESTAMP_NONCE: str(nonce).encode()}


def _ask_about_tokens(
    mode: str, signed: Signature, found: Mapping[str, bytes], trusted: installed.TrustSet, *, policy: EdsPolicy
) -> dict[str, bytes]:
    """What is said of who signed each time-stamp. Nobody is asked of a pinned one, or of one that we do not trust."""
    answers: dict[str, bytes] = {}
    for said, raw in _tokens(signed, found, policy=policy):
        pair = None
        with suppress(Refused):
            token = timestamp.parse_token(raw, max_bytes=policy.timestamp_max_bytes)
            pair = askable(timestamp_path(token, trust=_timestamp_trust(trusted, policy=policy)))
        if pair is not None:
            answers |= _ask_revocation(mode, *pair, policy=policy, said=said)
    return answers


def _tokens(signed: Signature, found: Mapping[str, bytes], *, policy: EdsPolicy) -> Iterator[tuple[Said, bytes]]:
    """The time-stamp inside the signature and the one that we asked for, where they are there."""
    with suppress(Refused):
        if (inside := timestamp.find_token(signed)) is not None:
            yield dialogue.OF_TOKEN_INSIDE, inside
    with suppress(Refused):
        if (answer := found.get(dialogue.TIMESTAMP)) is not None:
            yield dialogue.OF_TOKEN_ASKED, timestamp.open_response(answer, max_bytes=policy.timestamp_max_bytes)


def _timestamp_trust(trusted: installed.TrustSet, *, policy: EdsPolicy) -> timestamp.TimestampTrust:
    return policy.timestamp_trust(
        anchors=[parse_known(der) for der in trusted.anchors],
        intermediates=[parse_known(der) for der in trusted.intermediates],
        pinned=[parse_known_timestamping(der) for der in trusted.timestamping],
    )


def _ask_revocation(
    mode: str, leaf: Certificate, issuer: Certificate, *, policy: EdsPolicy, said: Said = dialogue.OF_SIGNER
) -> dict[str, bytes]:
    """The responder's answer; lists besides if there is none or it cannot be believed."""
    source, nonce = revocation.in_use(mode), secrets.token_bytes(ocsp.NONCE_BYTES)
    answer, silence = None, None
    try:
        answer = source.ocsp(leaf.family, question=ocsp.build_request(leaf, issuer=issuer, nonce=nonce))
    except SourceUnavailable as error:
        silence = error
    found = _numbered(said.authority_crl, source.authority_crls(leaf.family))
    if answer is not None:
        found |= {said.ocsp: answer, said.ocsp_nonce: nonce}
        if _is_believable(answer, nonce, leaf, issuer, policy=policy):
            return found
    try:
        found |= _numbered(said.crl, source.crls(leaf.family))
    except Misconfigured:
        if answer is None:
            raise silence or Misconfigured(f"neither a responder nor a list is configured for {leaf.family}") from None
        return found
    return found | _numbered(said.delta_crl, source.delta_crls(leaf.family))


def _is_believable(answer: bytes, nonce: bytes, leaf: Certificate, issuer: Certificate, *, policy: EdsPolicy) -> bool:
    """Whether the checks will take it for an answer; what it says is for them to judge."""
    answers = Answers(ocsp=answer, ocsp_nonce=nonce)
    try:
        ask_responder(leaf, issuer=issuer, answers=answers, limits=policy.revocation_limits, at=datetime.now(UTC))
    except Refused:
        return False
    return True


def _numbered(kind: str, contents: tuple[bytes, ...]) -> dict[str, bytes]:
    return {f"{kind}.{number}": content for number, content in enumerate(contents)}
