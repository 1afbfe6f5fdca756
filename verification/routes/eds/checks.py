"""Is this statement signed by this borrower? The procedure of EN 319 102-1 in ten steps.

1 format (CMS or XML) and limits · 2 one signer whose certificate is there · 3 digest over OUR statement · 4 signature
value · 5 path to a pinned anchor · 6 usage and role · 7 the borrower's IIN · 8 revocation · 9 the time-stamp, where
there is one or the policy wants one, and its authority · 10 the statement is this verification's, in time, and new.
Every check stands alone: it starts from the stored bytes and trusts nothing another check found.
"""

import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime
from functools import lru_cache
from hashlib import sha256
from typing import Any

from verification.core import reasons
from verification.core.canonical import canonical_json
from verification.core.errors import Refused, SourceUnavailable
from verification.core.person import Case
from verification.core.results import Failed, Inconclusive, Passed, Result
from verification.core.route import Evidence
from verification.engines.gost import backends
from verification.engines.pki import signatures
from verification.engines.pki.certificate import X509, Certificate, Key, parse_known, parse_known_timestamping
from verification.engines.pki.identity import check_usage
from verification.engines.pki.path import build_path
from verification.engines.pki.revocation import check_authorities, find_status, require_good
from verification.engines.pki.signatures import Signature
from verification.engines.pki.signer import compare_surname, describe_signer, signer_iin
from verification.engines.pki.timestamp import ProvenTime, TimestampTrust, verify_answer, verify_inside
from verification.routes.eds import dialogue
from verification.routes.eds.dialogue import SIGNATURE, TEXT, Said, answered, numbered, statement, stored
from verification.routes.eds.policy import INDICATIONS, NOT_ASKED, EdsPolicy

Detail = Mapping[str, str | int]


def check_format(case: Case, evidence: Evidence, policy: EdsPolicy) -> Result:
    """Steps 1 and 2: a CMS or XML within the limits, with exactly one signer and the signer's certificate."""

    def measure() -> Detail:
        return signatures.describe_signature(_signed(evidence, policy))

    return _measured("eds.format", measure)


def check_statement_signed(case: Case, evidence: Evidence, policy: EdsPolicy) -> Result:
    """Step 3: the digest is that of the statement we stored, whatever the signature carries."""

    def measure() -> Detail:
        signatures.check_content(_signed(evidence, policy), statement=stored(evidence, TEXT))
        return {"statement_sha256": sha256(stored(evidence, TEXT)).hexdigest()}

    return _measured("eds.content", measure)


def check_signature_value(case: Case, evidence: Evidence, policy: EdsPolicy) -> Result:
    """Step 4: the signature over the signed attributes, or SignedInfo, verifies under the signer's key."""

    def measure() -> Detail:
        signatures.check_signature(_signed(evidence, policy))
        return {}

    return _measured("eds.signature", measure)


def check_path(case: Case, evidence: Evidence, policy: EdsPolicy) -> Result:
    """Step 5: a path to a pinned anchor, valid when the signature came."""

    def measure() -> Detail:
        path = _path(evidence, policy)
        return {"length": len(path), "anchor_sha256": path[-1].sha256}

    return _measured("eds.path", measure)


def check_signing_certificate(case: Case, evidence: Evidence, policy: EdsPolicy) -> Result:
    """Step 6: a signing certificate of a natural person acting personally, under an accepted policy."""

    def measure() -> Detail:
        signer, policies = _signed(evidence, policy).signer, policy.certificate_policies
        check_usage(signer, accepted_policies=policies, accepts_any_role=policy.accepts_any_role)
        return {"role": "any" if policy.accepts_any_role else "individual"}

    return _measured("eds.usage", measure)


def check_identity(case: Case, evidence: Evidence, policy: EdsPolicy) -> Result:
    """Step 7: the certificate's IIN is the borrower's. Names are compared softly and only reported."""

    def measure() -> Detail:
        signer = _signed(evidence, policy).signer
        if signer_iin(signer) != case.person.iin:
            raise Refused("eds_iin_mismatch")
        return {"surname": compare_surname(signer, case.person.surname)}

    return _measured("eds.identity", measure)


def check_revocation(case: Case, evidence: Evidence, policy: EdsPolicy) -> Result:
    """Step 8: a verified, fresh answer or list clears the certificate, and a list its issuer. Else nobody can tell."""

    def measure() -> Detail:
        path = _path(evidence, policy)
        said, limits = dialogue.OF_SIGNER, policy.revocation_limits
        answers, above = said.answers(evidence), numbered(evidence, said.authority_crl)
        status = find_status(path[0], issuer=path[1], answers=answers, limits=limits, at=evidence.at)
        is_accepted = policy.accepts_later_revocation
        require_good(status, reference=_reference(evidence, policy), is_later_accepted=is_accepted)
        if above:
            check_authorities(path, lists=above, limits=limits, at=evidence.at)
        return {**status.told(), "issuer": "good" if above else "not asked"}

    return _measured("eds.revocation", measure)


def check_timestamp(case: Case, evidence: Evidence, policy: EdsPolicy) -> Result:
    """Step 9: a time-stamp in the signature, and the one we asked for if the policy wants it, prove when it existed."""

    def measure() -> Detail:
        found = [proven for find in (_time_inside, _time_asked) if (proven := find(evidence, policy))]
        first = min(found, key=lambda proven: proven.time, default=None)
        return first.told() if first else {"time": "none"}

    return _measured("eds.timestamp", measure)


def _time_inside(evidence: Evidence, policy: EdsPolicy) -> ProvenTime | None:
    trust = _timestamp_trust(evidence, policy, said=dialogue.OF_TOKEN_INSIDE)
    return verify_inside(_signed(evidence, policy), trust=trust, at=evidence.at)


def _time_asked(evidence: Evidence, policy: EdsPolicy) -> ProvenTime | None:
    if not policy.asks_timestamp:
        return None
    return verify_answer(
        evidence.get(dialogue.TIMESTAMP) or b"",
        nonce=int(evidence.get(dialogue.TIMESTAMP_NONCE) or b"-1"),
        signed=_signed(evidence, policy),
        trust=_timestamp_trust(evidence, policy, said=dialogue.OF_TOKEN_ASKED),
        at=evidence.at,
    )


def _timestamp_trust(evidence: Evidence, policy: EdsPolicy, *, said: Said) -> TimestampTrust:
    return policy.timestamp_trust(
        anchors=_pinned(evidence, "shared.anchor"),
        intermediates=_pinned(evidence, "shared.intermediate"),
        pinned=_read(evidence, "shared.tsa", parse_known_timestamping),
        answers=said.answers(evidence),
        above=numbered(evidence, said.authority_crl),
    )


def check_statement_fresh(case: Case, evidence: Evidence, policy: EdsPolicy) -> Result:
    """Step 10: the statement is this verification's and was in time; the signature was never presented before."""

    def measure() -> Detail:
        text = stored(evidence, TEXT)
        says = json.loads(text)
        times = {name: str(says[name]) for name in ("nonce", "issued", "expires")}
        if statement(case, **times) != text:
            raise Refused("eds_statement_mismatch", "the stored statement is not that of this case")
        if answered(evidence) > datetime.fromisoformat(times["expires"]):
            raise Refused("eds_statement_expired")
        if SIGNATURE in evidence.seen:
            raise Refused("eds_signature_replayed")
        return {"issued": times["issued"]}

    return _measured("eds.statement", measure)


def ready() -> Mapping[str, object]:
    """What does the counting in this process. Raises `Misconfigured` if nothing passes its self-test."""
    return backends.in_use().report()


STATEMENT = {
    "eds.format": check_format,
    "eds.content": check_statement_signed,
    "eds.signature": check_signature_value,
    "eds.path": check_path,
    "eds.usage": check_signing_certificate,
    "eds.identity": check_identity,
    "eds.revocation": check_revocation,
    "eds.timestamp": check_timestamp,
    "eds.statement": check_statement_fresh,
}


def report_statement(case: Case, evidence: Evidence, policy: EdsPolicy, results: tuple[Result, ...]) -> bytes:
    """The validation report: status and sub-indication of EN 319 102-1, one row a check, signer, times, hashes."""
    refused = [result for result in results if not isinstance(result, Passed)]
    complete = [result.check for result in results] == [name for name in STATEMENT if name not in policy.not_asked]
    code = refused[0].code if refused else "" if complete else "check_missing"
    status, sub_indication = INDICATIONS[code] if code else ("TOTAL-PASSED", "")
    return canonical_json(
        {
            "status": status,
            "sub_indication": sub_indication,
            "code": code,
            "checks": [*map(_row, results), *({"name": name, **NOT_ASKED} for name in policy.not_asked)],
            "signer": _signer(evidence, policy),
            "times": _times(evidence, policy),
            "evidence": {kind: sha256(content).hexdigest() for kind, content in sorted(evidence.items.items())},
            "backend": backends.in_use().report(),
            "policy": policy.version,
        }
    )


def _measured(check: str, measure: Callable[[], Detail]) -> Result:
    try:
        return Passed(check, detail=measure())
    except Refused as refusal:
        detail: dict[str, str | int] = {**refusal.facts, "detail": refusal.detail}
        kind = Inconclusive if reasons.require(refusal.code).retry else Failed
        return kind(check, refusal.code, detail=detail)


def _signed(evidence: Evidence, policy: EdsPolicy) -> Signature:
    return _parsed(stored(evidence, SIGNATURE), policy.signature_max_bytes)


@lru_cache(maxsize=1)
def _parsed(untrusted: bytes, max_bytes: int) -> Signature:
    """Every check asks for the same bytes, which are read into values that nobody can change: once is enough."""
    return signatures.parse_signature(untrusted, max_bytes=max_bytes)


def _path(evidence: Evidence, policy: EdsPolicy) -> tuple[Certificate, ...]:
    """The path of the signer at the reference time."""
    return build_path(
        _signed(evidence, policy).signer,
        anchors=_pinned(evidence, "shared.anchor"),
        intermediates=_pinned(evidence, "shared.intermediate"),
        at=_reference(evidence, policy),
        accepts_expired_anchors=policy.accepts_expired_anchors,
    )


def _reference(evidence: Evidence, policy: EdsPolicy) -> datetime:
    """When the signature is known to have existed: when it reached us, by our own clock, or as a time-stamp proves."""
    return min([answered(evidence), *_proven(evidence, policy)])


def _proven(evidence: Evidence, policy: EdsPolicy) -> list[datetime]:
    tokens = []
    for find in (_time_inside, _time_asked):
        with suppress(Refused):
            tokens.append(find(evidence, policy))
    return [token.time for token in tokens if token is not None]


def _pinned(evidence: Evidence, kind: str) -> list[Certificate]:
    return _read(evidence, kind, parse_known)


def _read(evidence: Evidence, kind: str, read: Callable[[bytes], X509[Key]]) -> list[X509[Key]]:
    """The operator's certificates. One that cannot be read is our fault: it decides nothing about a person."""
    try:
        return [read(der) for der in numbered(evidence, kind)]
    except Refused as refusal:
        raise SourceUnavailable("trust_anchors", f"{kind}: {refusal.detail}") from refusal


def _times(evidence: Evidence, policy: EdsPolicy) -> dict[str, str]:
    times = {"claimed": "", "tsp": "", "reference": "", "checked": evidence.at.isoformat()}
    with suppress(Refused):
        times["reference"] = _reference(evidence, policy).isoformat()
        claimed = _signed(evidence, policy).claimed_signing_time
        times["claimed"] = claimed.isoformat() if claimed else ""
    return times | {"tsp": min((each.isoformat() for each in _proven(evidence, policy)), default="")}


def _row(result: Result) -> dict[str, Any]:
    code = "" if isinstance(result, Passed) else result.code
    outcome = {Passed: "PASS", Failed: "FAIL", Inconclusive: "INDETERMINATE"}[type(result)]
    status, sub_indication = INDICATIONS[code] if code else ("PASSED", "")
    row = {"name": result.check, "outcome": outcome, "status": status, "sub_indication": sub_indication}
    return {**row, "code": code, "detail": dict(result.detail)}


def _signer(evidence: Evidence, policy: EdsPolicy) -> dict[str, str]:
    with suppress(Refused):
        return describe_signer(_signed(evidence, policy).signer)
    return {}
