"""Is this statement signed by this borrower? Each check reports one step of the procedure in
`measure.py`.
"""

from collections.abc import Collection
from functools import partial
from typing import Any, Final

from verification.core.codes import INDICATIONS
from verification.core.results import Failed, Inconclusive, Passed, Result, judged, judged_step
from verification.core.stored import canonical_json
from verification.stages.statement.measure import StatementFacts
from verification.stages.statement.policy import NOT_ASKED, StatementPolicy

_PREFIX: Final = "eds."


def check_step(name: str, facts: StatementFacts, policy: StatementPolicy) -> Result:
    """The findings of the step of this name, or its refusal."""
    return judged_step(f"{_PREFIX}{name}", getattr(facts, name))


def check_identity(facts: StatementFacts, policy: StatementPolicy) -> Result:
    """The certificate's IIN is the borrower's. Another spelling of the surname is only a remark."""
    result, step = check_step("identity", facts, policy), facts.identity
    is_remarked = isinstance(result, Passed) and step.detail.get("surname") == "different"
    return (
        judged("eds.identity", "eds_surname_differs", detail=step.detail) if is_remarked else result
    )


# One check for each step of the procedure, in order; `measure.py` defines the steps.
CHECKS = {
    f"{_PREFIX}{name}": check_identity if name == "identity" else partial(check_step, name)
    for name in (
        # 1, 2: a CMS or XML within the limits, with exactly one signer and the signer's certificate
        "format",
        # 3: the digest is that of the stored statement, whatever the signature carries
        "content",
        # 4: over the signed attributes, or SignedInfo, it verifies under the signer's key
        "signature",
        "path",  # 5: to a pinned anchor, valid when the signature came
        # 6: a signing certificate of a natural person acting personally, under an accepted policy
        "usage",
        "identity",  # 7: see `check_identity`
        # 8: a verified, fresh answer or list clears the certificate, and a list its issuer
        "revocation",
        # 9: one in the signature, and the requested one if the policy requires it, prove the time
        "timestamp",
        # 10: this verification's, in time, and the signature was never presented before
        "statement",
    )
}


def report_statement(
    facts: StatementFacts,
    policy: StatementPolicy,
    results: tuple[Result, ...],
    checks: Collection[str] = CHECKS.keys(),
) -> bytes:
    """The validation report: status and sub-indication of EN 319 102-1, one row per check, signer,
    times, hashes.

    checks: the names of all required checks, in order. Those of an errand are left out.
    """
    signature_results = [result for result in results if result.check.startswith(_PREFIX)]
    refusals = [result for result in signature_results if not isinstance(result, Passed)]
    complete = [result.check for result in signature_results] == [
        name for name in checks if name.startswith(_PREFIX) and name not in policy.not_asked
    ]
    code = refusals[0].code if refusals else "" if complete else "check_missing"
    status, sub_indication = INDICATIONS[code] if code else ("TOTAL-PASSED", "")
    rows: list[dict[str, Any]] = []
    for result in signature_results:
        outcome = {Passed: "PASS", Failed: "FAIL", Inconclusive: "INDETERMINATE"}[type(result)]
        its_status, its_sub = (
            ("PASSED", "") if isinstance(result, Passed) else INDICATIONS[result.code]
        )
        row = {
            "name": result.check,
            "outcome": outcome,
            "status": its_status,
            "sub_indication": its_sub,
        }
        rows.append({**row, "code": result.code, "detail": dict(result.detail)})
    return canonical_json(
        {
            "status": status,
            "sub_indication": sub_indication,
            "code": code,
            "checks": [*rows, *({"name": name, **NOT_ASKED} for name in policy.not_asked)],
            "signer": facts.signer,
            "times": facts.times,
            "evidence": facts.evidence,
            "backend": facts.arithmetic,
            "policy": policy.version,
        }
    )
