"""All measurements of a signature over our statement, made once: the procedure of EN 319 102-1 in
ten steps.

1. Format (CMS or XML) and limits.
2. One signer whose certificate is present.
3. Digest over OUR statement.
4. Signature value.
5. Path to a pinned anchor.
6. Usage and role.
7. The borrower's IIN.
8. Revocation.
9. The time-stamp, if present or required by the policy, and its authority.
10. The statement is this verification's, in time, and new.

Time-stamps come before the path, because they prove the time at which the path is judged.
"""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from hashlib import sha256

from verification.core import statement_text
from verification.core.errors import BadInput, Refused
from verification.core.ids import Iin
from verification.core.person import Case
from verification.core.results import Step, Steps, measured
from verification.core.route import Evidence
from verification.engines.gost import backends
from verification.engines.pki.certificate import Certificate, parse_known
from verification.engines.pki.path import build_path
from verification.engines.pki.revocation import check_authorities, find_status, require_good
from verification.engines.pki.signatures import (
    Signature,
    check_usage,
    compare_surname,
    find_token,
    parse_signature,
    subject_iin,
)
from verification.engines.pki.timestamp import ProvenTime, verify_answer, verify_inside
from verification.engines.pki.xmldsig import SignedXml
from verification.stages.statement import dialogue
from verification.stages.statement.dialogue import (
    SIGNATURE,
    answered_at,
    numbered,
    pinned,
    statement,
    text_of,
)
from verification.stages.statement.policy import StatementPolicy


@dataclass(frozen=True)
class StatementFacts:
    """Each step's findings or refusal, under the name of its check.

    signer, times: for the report.
    evidence: SHA-256 of all input, by kind.
    arithmetic: the counting backend.
    """

    format: Step
    content: Step
    signature: Step
    path: Step
    usage: Step
    identity: Step
    revocation: Step
    timestamp: Step
    statement: Step
    signer: Mapping[str, str]
    times: Mapping[str, str]
    evidence: Mapping[str, str]
    arithmetic: Mapping[str, str]


@dataclass(frozen=True)
class Signatory:
    """Who must have signed. surname: to compare with the certificate's; empty if it is unknown."""

    mode: str
    iin: Iin
    surname: str = ""


ReadOurs = Callable[[bytes], Mapping[str, str]]
"""Gives `issued`, `expires` (ISO 8601) and `language` of a text, if each of its bytes is ours.

Raises: `Refused` (eds_statement_mismatch).
"""


def measure_statement(case: Case, evidence: Evidence, policy: StatementPolicy) -> StatementFacts:
    """The facts of a signature. An unmeasurable item appears as a step that refuses."""
    signatory = Signatory(case.mode, case.person.iin, case.person.surname)
    return measure_signed(signatory, evidence, policy, read_ours=partial(_read_ours, case))


def measure_signed(
    signatory: Signatory, evidence: Evidence, policy: StatementPolicy, *, read_ours: ReadOurs
) -> StatementFacts:
    """The same of a signature over any text of ours."""
    steps, signer = Steps(), dict[str, str]()
    times = {"claimed": "", "tsp": "", "checked": evidence.at.isoformat()}
    came_at = reference = measured(answered_at, evidence)
    signed: Signature | None = None
    with steps.step("format") as detail:  # 1, 2
        signed = parse_signature(evidence.require(SIGNATURE), max_bytes=policy.signature_max_bytes)
        detail |= {
            "form": "xml" if isinstance(signed, SignedXml) else "cms",
            "family": signed.signer.family,
        }
        detail |= {"digest": signed.digest_oid, "signature": signed.signature_oid}
    if signed is None:
        # Without a signature of one signer there is nothing to measure, and every step refuses by
        # the same code.
        steps.done = dict.fromkeys(_OF_SIGNATURE, steps.done["format"])
    else:
        # 9 comes first: it proves the time at which 5 and 8 are judged.
        proven = _measure_times(steps, signed, evidence, policy)
        if not isinstance(came_at, Step):
            # It existed when it arrived, by our clock, or earlier as a time-stamp proves.
            reference = min([came_at, *(token.time for token in proven)])
        # 3, 4, 6, 7: the content of the signature, whatever the trust.
        signer = _measure_signature(steps, signed, signatory, evidence, policy)
        # 5, 8: the authorities' statements on its signer.
        _measure_path(steps, signed, evidence, policy, reference)
        times["claimed"] = (
            signed.claimed_signing_time.isoformat() if signed.claimed_signing_time else ""
        )
        times["tsp"] = min((token.time.isoformat() for token in proven), default="")
    _measure_text(steps, evidence, policy, read_ours=read_ours)
    return StatementFacts(
        **steps.done,
        signer=signer,
        times={**times, "reference": "" if isinstance(reference, Step) else reference.isoformat()},
        evidence={
            kind: sha256(content).hexdigest() for kind, content in sorted(evidence.items.items())
        },
        arithmetic=ready(),
    )


_OF_SIGNATURE = (
    "format",
    "content",
    "signature",
    "path",
    "usage",
    "identity",
    "revocation",
    "timestamp",
)


def ready() -> Mapping[str, str]:
    """The counting backend of this process.

    Raises: `Misconfigured` if none passes its self-test.
    """
    backend = backends.in_use()
    return {
        "arithmetic": backend.arithmetic.name,
        "streebog": backend.streebog_name,
        "refused": ", ".join(backend.refused),
    }


def _measure_signature(
    steps: Steps,
    signed: Signature,
    signatory: Signatory,
    evidence: Evidence,
    policy: StatementPolicy,
) -> dict[str, str]:
    """Also returns the signer's identification: the masked IIN, right or not, and the
    certificate.
    """
    # 3: of the stored statement, whatever the signature carries
    with steps.step("content") as detail:
        text = text_of(evidence)
        signed.check_content(statement=text)
        detail["statement_sha256"] = sha256(text).hexdigest()
    with steps.step("signature"):  # 4
        signed.check_signature()
    with steps.step("usage") as detail:  # 6
        accepts_any = policy.accepts_any_role
        check_usage(
            signed.signer,
            accepted_policies=policy.certificate_policies,
            accepts_any_role=accepts_any,
        )
        detail["role"] = "any" if accepts_any else "individual"
    with steps.step("identity") as detail:  # 7: names are compared loosely and only reported
        try:
            iin = Iin.parse(subject_iin(signed.signer))
            iin.require_mode(signatory.mode)
        except BadInput as error:
            raise Refused("eds_iin_missing", error.detail) from error
        if iin != signatory.iin:
            raise Refused("eds_iin_mismatch")
        if signatory.surname:
            detail["surname"] = compare_surname(signed.signer, signatory.surname)
    with suppress(Refused):
        signer = {
            "iin": Iin(subject_iin(signed.signer)).masked,
            "certificate_sha256": signed.signer.sha256,
        }
        return {**signer, "family": signed.signer.family, "serial": f"{signed.signer.serial:x}"}
    return {}


def _measure_path(
    steps: Steps,
    signed: Signature,
    evidence: Evidence,
    policy: StatementPolicy,
    reference: datetime | Step,
) -> None:
    path: tuple[Certificate, ...] = ()
    if isinstance(reference, Step):
        steps.done |= {"path": reference, "revocation": reference}
        return
    with steps.step("path") as detail:  # 5
        path = build_path(
            signed.signer,
            anchors=pinned(evidence, "shared.anchor", parse_known),
            intermediates=pinned(evidence, "shared.intermediate", parse_known),
            at=reference,
            accepts_expired_anchors=policy.accepts_expired_anchors,
        )
        detail |= {"length": len(path), "anchor_sha256": path[-1].sha256}
    if not path:
        steps.done["revocation"] = steps.done["path"]
        return
    with steps.step(
        "revocation"
    ) as detail:  # 8: an answer or list clears the certificate, and a list its issuer
        kinds, limits = dialogue.OF_SIGNER, dialogue.revocation_limits(policy)
        answers, above = kinds.answers(evidence), numbered(evidence, kinds.authority_crl)
        status = find_status(
            path[0], issuer=path[1], answers=answers, limits=limits, at=evidence.at
        )
        require_good(status, reference=reference, is_later_accepted=policy.accepts_later_revocation)
        if above:
            check_authorities(path, lists=above, limits=limits, at=evidence.at)
        detail |= {**status.report(), "issuer": "good" if above else "not asked"}


def _measure_times(
    steps: Steps, signed: Signature, evidence: Evidence, policy: StatementPolicy
) -> list[ProvenTime]:
    """What each time-stamp proves.

    An invalid one inside the signature proves nothing and refuses nothing; the step says why.
    A requested one, required by the policy, must be valid; otherwise no decision is possible yet.
    """
    proven, unproven = list[ProvenTime](), dict[str, str | int]()
    try:
        if (token := find_token(signed)) is not None:
            trust = dialogue.OF_TOKEN_INSIDE.timestamp_trust(evidence, policy)
            proven.append(verify_inside(token, signed=signed, trust=trust, at=evidence.at))
    except Refused as refused:
        unproven = {
            "unproven": refused.code,
            "detail": refused.detail or refused.code,
            **refused.facts,
        }
    with steps.step("timestamp") as detail:
        if policy.asks_timestamp:
            answer = evidence.items.get(dialogue.TIMESTAMP) or b""
            nonce = int(evidence.items.get(dialogue.TIMESTAMP_NONCE) or b"-1")
            trust = dialogue.OF_TOKEN_ASKED.timestamp_trust(evidence, policy)
            proven.append(
                verify_answer(answer, nonce=nonce, signed=signed, trust=trust, at=evidence.at)
            )
        first = min(proven, key=lambda proof: proof.time, default=None)
        detail |= {**unproven, **(first.report() if first else {"time": "none"})}
    return proven


def _read_ours(case: Case, text: bytes) -> Mapping[str, str]:
    # The stored statement is derived again from the case, so that each of its bytes is ours.
    says = statement_text.read(text)
    fields = {name: says[name] for name in ("words", "language", "nonce", "issued", "expires")}
    if statement(case, **fields) != text:
        raise Refused("eds_statement_mismatch", "the stored statement is not that of this case")
    return fields


def _measure_text(
    steps: Steps, evidence: Evidence, policy: StatementPolicy, *, read_ours: ReadOurs
) -> None:
    # 10
    with steps.step("statement") as detail:
        if "eds.statement" in policy.not_asked:
            raise Refused("check_missing", "not asked: the text may be anybody's")
        fields = read_ours(text_of(evidence))
        # By our clock: the time that a signer claims proves nothing.
        if answered_at(evidence) > datetime.fromisoformat(fields["expires"]):
            raise Refused("eds_statement_expired")
        # The same value by the same key was over another statement: the signature was copied.
        if evidence.presented & {dialogue.OWN_VALUE, dialogue.OTHER_VALUE}:
            raise Refused("eds_signature_replayed")
        detail |= {name: fields[name] for name in ("issued", "language")}
