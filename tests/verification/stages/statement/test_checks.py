"""Each check alone, on evidence with one defect; everything else passes, so the right check
speaks.
"""

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from tests.verification.stages.statement import signed_case as given
from verification.core.errors import SourceUnavailable
from verification.core.results import Inconclusive, Outcome, Passed, decide
from verification.stages.statement.checks import CHECKS, report_statement
from verification.stages.statement.dialogue import OTHER_VALUE, OWN_VALUE
from verification.stages.statement.measure import measure_statement
from verification.stages.statement.policy import POLICY


@pytest.fixture(params=["gost512", "rsa"])
def family(request):
    return request.param


@pytest.fixture
def good(authorities, issued, family):
    """A case and evidence that pass every check."""
    case = given.case()
    content = given.text(case)
    credential = issued(family)
    return (
        case,
        credential,
        given.evidence(content, given.sign(credential, content), trusted=[authorities[family]]),
    )


def changed(evidence, **items):
    return type(evidence)(
        items={**evidence.items, **items}, at=evidence.at, presented=evidence.presented
    )


def test_a_statement_of_another_amount_refuses_though_its_own_signature_is_good(
    good, authorities, family
):
    case, credential, _ = good
    other = given.text(
        replace(case, loan=replace(case.loan, amount="950000.00", total_repayable="955000.00"))
    )
    evidence = given.evidence(other, given.sign(credential, other), trusted=[authorities[family]])
    assert given.refusals(given.judge(case, evidence)) == {
        "eds.statement": "eds_statement_mismatch"
    }


def test_a_signature_that_came_after_the_statement_had_expired_refuses(good, authorities, family):
    case, credential, _ = good
    content = given.text(case)
    late = given.LATER + timedelta(seconds=1)
    signature = given.sign(credential, content)
    trusted = [authorities[family]]
    in_time = given.evidence(content, signature, trusted=trusted, answered=given.LATER)
    too_late = given.evidence(content, signature, trusted=trusted, answered=late)
    assert given.refusals(given.judge(case, in_time)) == {}
    assert given.refusals(given.judge(case, too_late)) == {"eds.statement": "eds_statement_expired"}


@pytest.mark.parametrize("kind", [OWN_VALUE, OTHER_VALUE])
def test_a_signature_whose_value_was_presented_before_refuses(good, kind):
    case, _, evidence = good
    again = type(evidence)(items=evidence.items, at=evidence.at, presented=frozenset({kind}))
    assert given.refusals(given.judge(case, again)) == {"eds.statement": "eds_signature_replayed"}


def test_without_a_revocation_list_the_check_is_tried_again(good, authorities, family):
    case, credential, _ = good
    content = given.text(case)
    trusted = [authorities[family]]
    evidence = given.evidence(content, given.sign(credential, content), trusted=trusted, lists=[])
    results = given.judge(case, evidence)
    assert given.refusals(results) == {"eds.revocation": "eds_revocation_unknown"}
    assert [type(one) for one in results if not isinstance(one, Passed)] == [Inconclusive]
    assert decide(results, required=tuple(CHECKS)).outcome is Outcome.RETRY


@pytest.mark.parametrize("missing", ["statement.text", "statement.signature", "statement.answer"])
def test_missing_evidence_never_passes(good, missing):
    case, _, evidence = good
    items = {kind: content for kind, content in evidence.items.items() if kind != missing}
    results = given.judge(case, type(evidence)(items=items, at=evidence.at))
    assert decide(results, required=tuple(CHECKS)).outcome is Outcome.FAILED


JUNK = [b"", b"\x30\x03\x02\x01\x01", b"<html>"]


@pytest.mark.parametrize("kind", ["shared.anchor.0", "shared.intermediate.0"])
@pytest.mark.parametrize("junk", JUNK)
def test_an_unreadable_certificate_of_the_operator_is_a_fault_of_ours(good, kind, junk):
    case, _, evidence = good
    with pytest.raises(SourceUnavailable, match="trust_anchors"):
        given.judge(case, changed(evidence, **{kind: junk}))


def test_a_report_on_half_of_the_checks_never_says_passed(good):
    case, _, evidence = good
    half = given.judge(case, evidence)[:4]
    report = json.loads(report_statement(measure_statement(case, evidence, POLICY), POLICY, half))
    assert (report["status"], report["code"]) == ("INDETERMINATE", "check_missing")


def test_the_same_evidence_gives_the_same_results(good):
    case, _, evidence = good
    assert given.judge(case, evidence) == given.judge(case, evidence)
