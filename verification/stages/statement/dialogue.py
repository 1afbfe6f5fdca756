"""One question: sign this statement. We write the text, store it, and show it in words."""

import base64
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, Final

from verification.core import statement_text
from verification.core.errors import BadInput, Refused, SourceUnavailable
from verification.core.ids import mask_account
from verification.core.person import Case
from verification.core.route import Evidence, Memory, Next, Turn, Untrusted
from verification.core.statement_text import CURRENT, FORM, SIGNED, WORDS
from verification.core.stored import canonical_json
from verification.engines.pki.certificate import X509, Key, parse_known, parse_known_timestamping
from verification.engines.pki.cms import parse_cms
from verification.engines.pki.revocation import Answers, Limits
from verification.engines.pki.timestamp import TimestampTrust
from verification.engines.pki.xmldsig import statement_document
from verification.stages.statement.policy import POLICY, StatementPolicy

TEXT = statement_text.KIND
SIGNATURE = "statement.signature"
ANSWER = "statement.answer"
# SHA-256 of the signer's key and the signature's value: over this attempt's statement, or over
# another.
OWN_VALUE, OTHER_VALUE = "statement.own_value", "statement.other_value"
LANGUAGE: Final = "language"
CHANGES: Final = "changes"
# Our questions about the signature, with their nonces.
OCSP, OCSP_NONCE = "statement.ocsp", "statement.ocsp_nonce"
TIMESTAMP, TIMESTAMP_NONCE = "statement.timestamp", "statement.timestamp_nonce"


@dataclass(frozen=True)
class Said:
    """Evidence kinds of the authorities' answers about one certificate; lists are numbered.

    instead: the certificate whose lists apply without own lists; another issuer's lists would not.
    """

    ocsp: str
    ocsp_nonce: str
    crl: str
    delta_crl: str
    authority_crl: str
    fallback: "Said | None" = None

    def answers(self, evidence: Evidence) -> Answers:
        """All answers about the certificate itself."""
        lists = self if numbered(evidence, self.crl) or self.fallback is None else self.fallback
        return Answers(
            ocsp=evidence.items.get(self.ocsp),
            ocsp_nonce=evidence.items.get(self.ocsp_nonce) or b"",
            crls=numbered(evidence, lists.crl),
            deltas=numbered(evidence, lists.delta_crl),
        )

    def timestamp_trust(self, evidence: Evidence, policy: StatementPolicy) -> TimestampTrust:
        """The trusted time-stamp authorities, with all answers about a token's signer.

        Raises: as `pinned`.
        """
        return TimestampTrust(
            anchors=pinned(evidence, "shared.anchor", parse_known),
            intermediates=pinned(evidence, "shared.intermediate", parse_known),
            pinned=pinned(evidence, "shared.tsa", parse_known_timestamping),
            accepted_policies=policy.timestamp_policies,
            max_bytes=policy.timestamp_max_bytes,
            clock_skew=timedelta(seconds=policy.clock_skew_seconds),
            answers=self.answers(evidence),
            above=numbered(evidence, self.authority_crl),
            limits=revocation_limits(policy),
            accepts_unknown_revocation=policy.accepts_unknown_timestamp_revocation,
        )


def answered_at(evidence: Evidence) -> datetime:
    """When the signature arrived, by our clock.

    Raises: `Refused` (check_missing) if it was not recorded.
    """
    try:
        return datetime.fromisoformat(evidence.require_object(ANSWER)["at"])
    except (KeyError, TypeError, ValueError) as fault:
        raise Refused("check_missing", f"{ANSWER} cannot be read") from fault


def text_of(evidence: Evidence) -> bytes:
    """The statement on display when the signature came.

    Raises: `Refused` (check_missing) if absent.
    """
    written_anew = numbered(evidence, TEXT)
    return written_anew[-1] if written_anew else evidence.require(TEXT)


def numbered(evidence: Evidence, kind: str) -> list[bytes]:
    """Every item of a numbered kind, in order of the numbers."""
    names = (name for name in evidence.items if name.startswith(f"{kind}."))
    # By their numbers: as text, .10 stands before .9.
    return [evidence.items[name] for name in sorted(names, key=lambda name: (len(name), name))]


def pinned(evidence: Evidence, kind: str, read: Callable[[bytes], X509[Key]]) -> list[X509[Key]]:
    """The operator's certificates of a kind.

    Raises: `SourceUnavailable` for an unreadable one: a fault of ours, which decides nothing about
    a person.
    """
    try:
        return [read(der) for der in numbered(evidence, kind)]
    except Refused as refusal:
        raise SourceUnavailable("trust_anchors", f"{kind}: {refusal.detail}") from refusal


def revocation_limits(policy: StatementPolicy) -> Limits:
    """The policy's numbers in the engine's form."""
    return Limits(
        ocsp_max_bytes=policy.ocsp_max_bytes,
        ocsp_max_age=timedelta(seconds=policy.ocsp_max_age_seconds),
        crl_max_bytes=policy.crl_max_bytes,
        clock_skew=timedelta(seconds=policy.clock_skew_seconds),
    )


OF_SIGNER = Said(OCSP, OCSP_NONCE, "shared.crl", "shared.delta_crl", "shared.authority_crl")
# Of the signer of the time-stamp inside the signature, and of the requested one.
OF_TOKEN_INSIDE, OF_TOKEN_ASKED = (
    Said(
        f"statement.tsa_{which}_ocsp",
        f"statement.tsa_{which}_ocsp_nonce",
        f"shared.tsa_{which}_crl",
        f"shared.tsa_{which}_delta_crl",
        f"shared.tsa_{which}_authority_crl",
        fallback=OF_SIGNER,
    )
    for which in ("inside", "asked")
)


def statement(
    case: Case,
    *,
    language: str,
    nonce: str,
    issued: str,
    expires: str,
    words: str = CURRENT,
) -> bytes:
    """The bytes to sign: the debt for this verification only, in words and as data.

    nonce: 128 bits, hex. words: their version.

    Raises: `Refused` for an unknown version of the words.
    """
    loan = case.loan
    return statement_text.write(
        {
            "type": FORM,
            "words": words,
            "language": language,
            "mode": case.mode,
            "verification": case.verification_id,
            "lender_bin": case.lender.bin,
            "lender_name": case.lender.name,
            "iin": case.person.iin.value,
            "purpose": case.purpose,
            **{name: getattr(loan, name) for name in SIGNED},
            "payout_account": mask_account(loan.payout_account),
            "payout_account_sha256": sha256(loan.payout_account.encode()).hexdigest(),
            "nonce": nonce,
            "issued": issued,
            "expires": expires,
        }
    )


def prompt_statement(memory: Memory) -> Mapping[str, Any]:
    """The bytes to sign, their words, and the key usages to request from the signer's program.

    statement_xml: the document for a program that signs XML, made of the same bytes and not stored.
    """
    text = statement_text.write(memory["statement"])
    return {
        "statement_base64": base64.b64encode(text).decode(),
        "statement_xml": statement_document(text).decode(),
        "statement": vars(statement_text.show(memory["statement"])),
        "eku_oids": list(POLICY.extended_key_usages),
        "may_change_language": int(memory.get(CHANGES, 0)) < POLICY.language_changes,
    }


def read_signature(untrusted: Any) -> bytes:
    """The bytes of a posted signature, unjudged.

    Raises: `BadInput` (bad_answer) unless it is PEM, base64 or XML text of a possible length.
    """
    if not isinstance(untrusted, str) or not untrusted.strip():
        raise BadInput(
            "a signature is PEM, base64 or XML text", code="bad_answer", pointer="/signature"
        )
    try:
        # Only XML may contain non-ASCII characters: it carries the statement's words.
        content = untrusted.encode("utf-8" if untrusted.lstrip().startswith("<") else "ascii")
    except UnicodeEncodeError:
        raise BadInput(
            "a signature is PEM, base64 or XML text", code="bad_answer", pointer="/signature"
        ) from None
    if len(content) > 2 * POLICY.signature_max_bytes:
        raise BadInput("the signature is too long", code="bad_answer", pointer="/signature")
    return content


def accept_statement(memory: Memory, untrusted: Untrusted, at: datetime) -> Turn:
    """Takes the signature as received, CMS or XML, with its time; the checks judge it.

    refuse_other_text: eGov Mobile must learn within its request that the signature is not a CMS
    over this statement. That raises `BadInput`, so nothing is taken; a check would find the same
    later.
    language, without a signature: the borrower wants another language, which needs another
    statement.
    """
    if LANGUAGE in untrusted:
        language, changes = untrusted[LANGUAGE], int(memory.get(CHANGES, 0))
        if (
            untrusted.get("signature")
            or not isinstance(language, str)
            or language not in WORDS[CURRENT]
        ):
            raise BadInput(
                "a statement is in kk, ru or en, and unsigned until it is read", code="bad_answer"
            )
        if changes >= POLICY.language_changes:
            raise BadInput(
                "the language was changed too often", code="bad_answer", pointer="/language"
            )
        return Turn(next=Next.PREPARE, memory={LANGUAGE: language, CHANGES: changes + 1})
    content = read_signature(untrusted.get("signature"))
    if untrusted.get("refuse_other_text") is True:
        try:
            signed = parse_cms(content, max_bytes=POLICY.signature_max_bytes)
            signed.check_content(statement=statement_text.write(memory["statement"]))
        except Refused as refused:
            raise BadInput(refused.detail, code=refused.code, pointer="/signature") from refused
    answer = canonical_json({"at": at.isoformat()})
    return Turn(next=Next.COLLECT, memory=memory, evidence={SIGNATURE: content, ANSWER: answer})
