"""Is this statement signed by this borrower? The procedure of EN 319 102-1 in ten steps; the ninth is none yet.

1 format and limits · 2 one signer whose certificate is there · 3 digest over OUR statement · 4 signature value ·
5 path to a pinned anchor · 6 usage and role · 7 the borrower's IIN · 8 revocation · 9 time-stamp: not asked for, said
so in the report · 10 the statement is this verification's, in time, and the signature is new.
Every check stands alone: it starts from the stored bytes and trusts nothing another check found.
"""

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from hashlib import sha256
from typing import Any

from verification.core import reasons
from verification.core.canonical import canonical_json
from verification.core.errors import BadInput, Refused, SourceUnavailable
from verification.core.ids import Iin
from verification.core.person import Case
from verification.core.results import Failed, Inconclusive, Passed, Result
from verification.core.route import Evidence
from verification.engines.pki.certificate import Certificate, parse_certificate
from verification.engines.pki.cms import SignedStatement, check_content, check_signature, parse_cms
from verification.engines.pki.crl import check_not_revoked, parse_crl
from verification.engines.pki.identity import check_usage, subject_iin, subject_names
from verification.engines.pki.path import build_path
from verification.routes.eds.dialogue import ANSWER, SIGNATURE, TEXT, statement
from verification.routes.eds.policy import INDICATIONS, EdsPolicy

Detail = Mapping[str, str | int]


def check_format(case: Case, evidence: Evidence, policy: EdsPolicy) -> Result:
    """Steps 1 and 2: a CMS within the limits, with exactly one signer and the signer's certificate."""

    def measure() -> Detail:
        signed = _signed(evidence, policy)
        return {"digest": signed.digest_oid, "signature": signed.signature_oid, "family": signed.signer.family}

    return _measured("eds.format", measure)


def check_statement_signed(case: Case, evidence: Evidence, policy: EdsPolicy) -> Result:
    """Step 3: the digest is that of the statement we stored, whatever the CMS carries."""

    def measure() -> Detail:
        check_content(_signed(evidence, policy), statement=_stored(evidence, TEXT))
        return {"statement_sha256": sha256(_stored(evidence, TEXT)).hexdigest()}

    return _measured("eds.content", measure)


def check_signature_value(case: Case, evidence: Evidence, policy: EdsPolicy) -> Result:
    """Step 4: the signature over the signed attributes verifies under the signer's key."""

    def measure() -> Detail:
        check_signature(_signed(evidence, policy))
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
        check_usage(_signed(evidence, policy).signer, accepted_policies=policy.certificate_policies)
        return {}

    return _measured("eds.usage", measure)


def check_identity(case: Case, evidence: Evidence, policy: EdsPolicy) -> Result:
    """Step 7: the certificate's IIN is the borrower's. Names are compared softly and only reported."""

    def measure() -> Detail:
        signer = _signed(evidence, policy).signer
        try:
            iin = Iin.parse(subject_iin(signer))
        except BadInput as error:
            raise Refused("eds_iin_missing", error.detail) from error
        if iin != case.person.iin:
            raise Refused("eds_iin_mismatch")
        same = subject_names(signer).surname.casefold() == case.person.surname.casefold()
        return {"surname": "same" if same else "different"}

    return _measured("eds.identity", measure)


def check_revocation(case: Case, evidence: Evidence, policy: EdsPolicy) -> Result:
    """Step 8: a fresh list, signed by the issuer, does not hold the certificate. No such list: nobody can tell."""

    def measure() -> Detail:
        leaf, issuer = _path(evidence, policy)[:2]
        try:
            lists = [parse_crl(raw, max_bytes=policy.crl_max_bytes) for raw in _all(evidence, "shared.crl")]
            mine = [one for one in lists if one.issuer == leaf.issuer]
            if not mine:
                raise Refused("eds_revocation_unknown", "no list of this issuer")
            for one in mine:
                check_not_revoked(leaf, crl=one, issuer=issuer, at=evidence.at)
        except Refused as refusal:
            if refusal.code == "eds_certificate_revoked":
                raise
            # We fetched the list: one that cannot be read is our fault, never the borrower's.
            raise Refused("eds_revocation_unknown", refusal.detail, facts=refusal.facts) from refusal
        return {"crl_sha256": mine[0].sha256, "crl_this_update": mine[0].this_update.isoformat()}

    return _measured("eds.revocation", measure)


def check_statement_fresh(case: Case, evidence: Evidence, policy: EdsPolicy) -> Result:
    """Step 10: the statement is this verification's and was in time; the signature was never presented before."""

    def measure() -> Detail:
        text = _stored(evidence, TEXT)
        says = json.loads(text)
        times = {name: str(says[name]) for name in ("nonce", "issued", "expires")}
        if statement(case, **times) != text:
            raise Refused("eds_statement_mismatch", "the stored statement is not that of this case")
        if _answered(evidence) > datetime.fromisoformat(times["expires"]):
            raise Refused("eds_statement_expired")
        if SIGNATURE in evidence.seen:
            raise Refused("eds_signature_replayed")
        return {"issued": times["issued"]}

    return _measured("eds.statement", measure)


STATEMENT = {
    "eds.format": check_format,
    "eds.content": check_statement_signed,
    "eds.signature": check_signature_value,
    "eds.path": check_path,
    "eds.usage": check_signing_certificate,
    "eds.identity": check_identity,
    "eds.revocation": check_revocation,
    "eds.statement": check_statement_fresh,
}


def report_statement(case: Case, evidence: Evidence, policy: EdsPolicy, results: tuple[Result, ...]) -> bytes:
    """The validation report: status and sub-indication of EN 319 102-1, one row a check, signer, times, hashes."""
    refused = [result for result in results if not isinstance(result, Passed)]
    complete = [result.check for result in results] == list(STATEMENT)
    code = refused[0].code if refused else "" if complete else "check_missing"
    status, sub_indication = INDICATIONS[code] if code else ("TOTAL-PASSED", "")
    return canonical_json(
        {
            "status": status,
            "sub_indication": sub_indication,
            "code": code,
            "checks": [_row(result) for result in results],
            "signer": _signer(evidence, policy),
            "times": {"reference": _stated_time(evidence), "checked": evidence.at.isoformat(), "tsp": "not asked"},
            "evidence": {kind: sha256(content).hexdigest() for kind, content in sorted(evidence.items.items())},
            "backend": "pure-python",
            "policy": policy.version,
        }
    )


def _measured(check: str, measure: Callable[[], Detail]) -> Result:
    try:
        return Passed(check, detail=measure())
    except Refused as refusal:
        detail: dict[str, str | int] = {**refusal.facts, "detail": refusal.detail}
        if reasons.require(refusal.code).retry:
            return Inconclusive(check, refusal.code, detail=detail)
        return Failed(check, refusal.code, detail=detail)


def _signed(evidence: Evidence, policy: EdsPolicy) -> SignedStatement:
    return parse_cms(_stored(evidence, SIGNATURE), max_bytes=policy.signature_max_bytes)


def _path(evidence: Evidence, policy: EdsPolicy) -> tuple[Certificate, ...]:
    """The path of the signer at the reference time: when the signature reached us, by our own clock."""
    return build_path(
        _signed(evidence, policy).signer,
        anchors=_pinned(evidence, "shared.anchor"),
        intermediates=_pinned(evidence, "shared.intermediate"),
        at=_answered(evidence),
    )


def _pinned(evidence: Evidence, kind: str) -> list[Certificate]:
    """The operator's certificates. One that cannot be read is our fault: it decides nothing about a person."""
    try:
        return [parse_certificate(der) for der in _all(evidence, kind)]
    except Refused as refusal:
        raise SourceUnavailable("trust_anchors", f"{kind}: {refusal.detail}") from refusal


def _stored(evidence: Evidence, kind: str) -> bytes:
    content = evidence.get(kind)
    if content is None:
        raise Refused("check_missing", f"no evidence {kind}")
    return content


def _all(evidence: Evidence, kind: str) -> list[bytes]:
    return [content for name, content in sorted(evidence.items.items()) if name.startswith(f"{kind}.")]


def _answered(evidence: Evidence) -> datetime:
    return datetime.fromisoformat(json.loads(_stored(evidence, ANSWER))["at"])


def _stated_time(evidence: Evidence) -> str:
    return _answered(evidence).isoformat() if evidence.get(ANSWER) else ""


def _row(result: Result) -> dict[str, Any]:
    code = "" if isinstance(result, Passed) else result.code
    outcome = {Passed: "PASS", Failed: "FAIL", Inconclusive: "INDETERMINATE"}[type(result)]
    return {"name": result.check, "outcome": outcome, "code": code, "detail": dict(result.detail)}


def _signer(evidence: Evidence, policy: EdsPolicy) -> dict[str, str]:
    try:
        signer = _signed(evidence, policy).signer
        masked = Iin(subject_iin(signer)).masked
    except Refused:
        return {}
    return {"iin": masked, "certificate_sha256": signer.sha256, "family": signer.family, "serial": f"{signer.serial:x}"}
