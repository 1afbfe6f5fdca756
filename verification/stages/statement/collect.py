"""This stage's errands: the statement before the question, the authorities' answers after it.
Judges nothing.
"""

import secrets
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256

from verification import clock
from verification.core import statement_text
from verification.core.errors import Misconfigured, Refused, SourceUnavailable
from verification.core.person import Case
from verification.core.route import Evidence, Memory, Prepared
from verification.core.statement_text import CURRENT, WORDS
from verification.engines.pki import ocsp, timestamp
from verification.engines.pki.certificate import Certificate, parse_known
from verification.engines.pki.keys import ALGORITHMS
from verification.engines.pki.path import build_path
from verification.engines.pki.revocation import Answers, ask_responder
from verification.engines.pki.signatures import Signature, find_token, parse_signature
from verification.engines.pki.timestamp import askable, timestamp_path
from verification.sources import installed, revocation, timestamp_authority
from verification.sources.asking import Fetched, as_documents, as_numbered
from verification.stages.statement import dialogue
from verification.stages.statement.dialogue import SIGNATURE, TEXT, Said, statement
from verification.stages.statement.policy import POLICY, StatementPolicy

NONCE_BYTES = 16  # Ours; RFC 9654 permits up to 128
_CONSENT = "consent.answer"


def prepare_statement(case: Case, evidence: Evidence, memory: Memory) -> Prepared:
    """A fresh statement for this attempt; it is stored before it is shown.

    Its language is the page's, or that of the consent, or the lender's.
    """
    # A memory with a statement is an earlier attempt's: this one has no rewrite yet.
    changes = 0 if "statement" in memory else int(memory.get(dialogue.CHANGES, 0))
    consented_in = ""
    with suppress(Refused):
        consented_in = str(evidence.require_object(_CONSENT).get("language"))
    language = consented_in if consented_in in WORDS[CURRENT] else case.locale
    expires = evidence.at + timedelta(seconds=POLICY.statement_seconds)
    text = statement(
        case,
        language=memory.get(dialogue.LANGUAGE) or language,
        nonce=secrets.token_hex(NONCE_BYTES),
        issued=evidence.at.isoformat(timespec="seconds"),
        expires=expires.isoformat(timespec="seconds"),
    )
    return Prepared(
        memory={**memory, dialogue.CHANGES: changes, "statement": statement_text.read(text)},
        evidence={f"{TEXT}.{changes}" if changes else TEXT: text},
    )


def collect_statement(
    case: Case, evidence: Evidence, *, policy: StatementPolicy = POLICY
) -> Mapping[str, bytes]:
    """The pinned certificates, and the authorities' answers about the signature, unjudged.

    Raises: `SourceUnavailable`: without any answer there is no decision.
    """
    return collect_signed(case.mode, evidence, policy=policy)


def collect_signed(
    mode: str, evidence: Evidence, *, policy: StatementPolicy = POLICY
) -> dict[str, bytes]:
    """The same of a signature over any text of ours."""
    collected = installed_trust(mode)
    with_trust = replace(evidence, items=collected)
    try:
        signed = parse_signature(
            evidence.items.get(SIGNATURE) or b"", max_bytes=policy.signature_max_bytes
        )
        # A repeated signature is recognised by its value and key, in any wrapping: for a given
        # value, a fitting key can be made. Only a signature over this attempt's statement is
        # remembered. Otherwise an attacker could send a stranger's signature first and turn that
        # stranger's own answer into a replay.
        known_by = dialogue.OTHER_VALUE
        with suppress(Refused):
            signed.check_content(statement=dialogue.text_of(evidence))
            signed.check_signature()
            known_by = dialogue.OWN_VALUE
        collected[known_by] = sha256(signed.signer.key_bits + signed.signature).digest()
        leaf, issuer, *_ = build_path(
            signed.signer,
            anchors=dialogue.pinned(with_trust, "shared.anchor", parse_known),
            intermediates=dialogue.pinned(with_trust, "shared.intermediate", parse_known),
            # The checks judge the dates: here they must not hide the issuer.
            at=min(max(evidence.at, signed.signer.not_before), signed.signer.not_after),
        )
    except Refused:
        # Without a signature or a trusted issuer no authority is asked; the checks refuse by name.
        return collected
    if policy.asks_timestamp:
        nonce, imprint = secrets.randbits(timestamp.NONCE_BITS), ALGORITHMS[leaf.family].digest_oid
        question = timestamp.build_request(signed.signature, imprint_oid=imprint, nonce=nonce)
        asked_at = timestamp_authority.TimestampQuestion(family=leaf.family, query=question)
        answer = timestamp_authority.fetch(mode, asked_at)
        collected |= as_documents(dialogue.TIMESTAMP, answer)
        collected[dialogue.TIMESTAMP_NONCE] = str(nonce).encode()
    # Ask the issuer that the path found, never an address in the certificate, which the signer
    # controls.
    collected |= _ask_revocation(mode, leaf, issuer, policy=policy)
    return collected | _ask_about_tokens(
        mode, signed, replace(evidence, items=collected), policy=policy
    )


def installed_trust(mode: str) -> dict[str, bytes]:
    """The pinned certificates of a mode as evidence.

    Raises: `Misconfigured`.
    """
    trusted = installed.trust_anchors(mode)
    trust = _numbered("shared.anchor", trusted.anchors) | _numbered(
        "shared.intermediate", trusted.intermediates
    )
    return trust | _numbered("shared.tsa", trusted.timestamping)


def _ask_about_tokens(
    mode: str, signed: Signature, collected: Evidence, *, policy: StatementPolicy
) -> dict[str, bytes]:
    """The answers about the signer of each time-stamp. Pinned and untrusted signers are not
    asked about.
    """
    answers: dict[str, bytes] = {}
    for kinds in (dialogue.OF_TOKEN_INSIDE, dialogue.OF_TOKEN_ASKED):
        pair, most = None, policy.timestamp_max_bytes
        with suppress(Refused):
            raw = find_token(signed) if kinds is dialogue.OF_TOKEN_INSIDE else None
            if kinds is dialogue.OF_TOKEN_ASKED:
                answer = collected.items.get(dialogue.TIMESTAMP)
                raw = (
                    timestamp.open_response(answer, max_bytes=most) if answer is not None else None
                )
            if raw is not None:
                token, trust = (
                    timestamp.parse_token(raw, max_bytes=most),
                    kinds.timestamp_trust(collected, policy),
                )
                pair = askable(timestamp_path(token, trust=trust))
        if pair is None:
            continue
        try:
            answers |= _ask_revocation(mode, *pair, policy=policy, kinds=kinds)
        except (SourceUnavailable, Misconfigured):
            # An unrequested time-stamp without an answer about its signer proves nothing, and
            # delays nothing.
            if kinds is dialogue.OF_TOKEN_ASKED:
                raise
    return answers


def _ask_revocation(
    mode: str,
    leaf: Certificate,
    issuer: Certificate,
    *,
    policy: StatementPolicy,
    kinds: Said = dialogue.OF_SIGNER,
) -> dict[str, bytes]:
    """The responder's answer; also lists if it is absent or unusable."""
    # The nonce ties the answer to this question; without it an old "good" could be replayed.
    nonce = secrets.token_bytes(ocsp.NONCE_BYTES)
    answers: tuple[Fetched[bytes], ...] = ()
    silence: SourceUnavailable | None = None
    query = ocsp.build_request(leaf, issuer=issuer, nonce=nonce)
    try:
        answers = _fetch_revocation(mode, leaf.family, revocation.OCSP, query=query)
    except SourceUnavailable as error:
        # A silent responder is no fault yet: lists may answer. It becomes one if they are absent,
        # too.
        silence = error
    above = _fetch_revocation(mode, leaf.family, revocation.AUTHORITY_CRL)
    collected = as_numbered(kinds.authority_crl, above)
    if answers:
        collected |= {**as_documents(kinds.ocsp, answers[0]), kinds.ocsp_nonce: nonce}
        # Usable if the checks will accept it as an answer; they judge its content.
        with suppress(Refused):
            believed, limits = (
                Answers(ocsp=answers[0].parsed, ocsp_nonce=nonce),
                dialogue.revocation_limits(policy),
            )
            ask_responder(leaf, issuer=issuer, answers=believed, limits=limits, at=clock.now())
            return collected
    try:
        collected |= as_numbered(kinds.crl, _fetch_revocation(mode, leaf.family, revocation.CRL))
    except Misconfigured:
        if not answers:
            raise silence or Misconfigured(
                f"neither a responder nor a list is configured for {leaf.family}"
            ) from None
        return collected
    changes = _fetch_revocation(mode, leaf.family, revocation.DELTA_CRL)
    return collected | as_numbered(kinds.delta_crl, changes)


def _fetch_revocation(
    mode: str, family: str, kind: str, *, query: bytes = b""
) -> tuple[Fetched[bytes], ...]:
    question = revocation.RevocationQuestion(family=family, kind=kind, query=query)
    return revocation.fetch(mode, question)


def _numbered(kind: str, contents: tuple[bytes, ...]) -> dict[str, bytes]:
    return {f"{kind}.{number}": content for number, content in enumerate(contents)}
