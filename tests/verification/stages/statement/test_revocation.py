"""Step 8 of the route on evidence: the responder's answer, and the lists."""

import json
from dataclasses import replace
from datetime import timedelta

from insecure_sandbox.ocsp_responder import revoked
from tests.verification.stages.statement import signed_case as given
from tests.verification.stages.statement.answered_case import code, judge, outcome
from verification.core.results import Outcome
from verification.stages.statement.checks import report_statement
from verification.stages.statement.measure import measure_statement
from verification.stages.statement.policy import POLICY


def test_a_good_answer_of_the_responder_passes_without_a_list(signed):
    results = judge(signed, signed.asked(signed.answer()))
    assert given.refusals(results) == {}
    (found,) = [one for one in results if one.check == "eds.revocation"]
    assert (found.detail["source"], found.detail["issuer"]) == ("ocsp", "not asked")


def test_an_answer_without_the_nonce_we_kept_is_tried_again(signed):
    evidence = signed.evidence(statement__ocsp=signed.answer())
    assert outcome(signed, evidence) is Outcome.RETRY


def test_a_revocation_after_the_time_stamp_passes_only_under_a_policy_that_says_so(signed):
    signed.stamped(signed.token(time=signed.at - timedelta(minutes=5)))
    evidence = signed.asked(signed.answer(status=revoked(signed.at, reason=1)))
    assert code(signed, evidence) == ["eds_certificate_revoked"]
    lenient = replace(POLICY, accepts_later_revocation=True)
    assert code(signed, evidence, lenient) == []
    early = signed.asked(signed.answer(status=revoked(signed.at - timedelta(hours=1), reason=1)))
    assert code(signed, early, lenient) == ["eds_certificate_revoked"]


def test_every_row_of_the_report_has_a_status_of_the_standard(signed):
    evidence = signed.asked(signed.answer(status=revoked(signed.at)))
    results = judge(signed, evidence)
    report = json.loads(
        report_statement(measure_statement(signed.case, evidence, POLICY), POLICY, results)
    )
    rows = {row["name"]: (row["status"], row["sub_indication"]) for row in report["checks"]}
    assert rows["eds.revocation"] == ("TOTAL-FAILED", "REVOKED")
    assert {status for name, status in rows.items() if name != "eds.revocation"} == {("PASSED", "")}
