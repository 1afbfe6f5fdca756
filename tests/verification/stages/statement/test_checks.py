"""Each check alone, on evidence with one defect; everything else passes, so the right check
speaks.
"""

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from tests.verification.stages.statement import signed_case as given
from tests.verification.stories.conftest import crl_of
from tests.verification.stories.story import OTHER_IIN
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


def test_a_good_signature_passes_every_check(good):
    case, _, evidence = good
    results = given.judge(case, evidence)
    assert given.refusals(results) == {}
    assert decide(results, required=tuple(CHECKS)).outcome is Outcome.PASSED


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


def test_another_persons_certificate_refuses(good, issued, authorities, family):
    case, _, _ = good
    content = given.text(case)
    signature = given.sign(issued(family, iin=OTHER_IIN), content)
    evidence = given.evidence(content, signature, trusted=[authorities[family]])
    assert given.refusals(given.judge(case, evidence)) == {"eds.identity": "eds_iin_mismatch"}


@pytest.mark.parametrize(
    ("role", "check", "code"),
    [("legal", "eds.usage", "eds_not_individual"), ("auth", "eds.usage", "eds_key_usage")],
)
def test_a_certificate_of_another_role_refuses(issued, authorities, role, check, code):
    case = given.case()
    content = given.text(case)
    signature = given.sign(issued("rsa", role=role), content)
    evidence = given.evidence(content, signature, trusted=[authorities["rsa"]])
    assert given.refusals(given.judge(case, evidence))[check] == code


def test_a_certificate_of_an_authority_we_did_not_pin_refuses(good, authorities, family):
    case, credential, evidence = good
    other = "rsa" if family == "gost512" else "gost512"
    content = given.text(case)
    evidence = given.evidence(
        content, given.sign(credential, content), trusted=[authorities[other]]
    )
    found = given.refusals(given.judge(case, evidence))
    assert found["eds.path"] == "eds_path_untrusted"


def test_without_any_revocation_list_nobody_can_tell(good, authorities, family):
    case, credential, _ = good
    content = given.text(case)
    trusted = [authorities[family]]
    evidence = given.evidence(content, given.sign(credential, content), trusted=trusted, lists=[])
    results = given.judge(case, evidence)
    assert given.refusals(results) == {"eds.revocation": "eds_revocation_unknown"}
    assert [type(one) for one in results if not isinstance(one, Passed)] == [Inconclusive]
    assert decide(results, required=tuple(CHECKS)).outcome is Outcome.RETRY


def test_a_revoked_certificate_refuses_and_the_next_serial_does_not(issued, authorities):
    case = given.case()
    content = given.text(case)
    lists = [crl_of(authorities["gost512"], revoked=(4711,))]
    for serial, expected in ((4711, {"eds.revocation": "eds_certificate_revoked"}), (4712, {})):
        signature = given.sign(issued(serial=serial), content)
        evidence = given.evidence(content, signature, trusted=[authorities["gost512"]], lists=lists)
        assert given.refusals(given.judge(case, evidence)) == expected


@pytest.mark.parametrize("missing", ["statement.text", "statement.signature", "statement.answer"])
def test_missing_evidence_never_passes(good, missing):
    case, _, evidence = good
    items = {kind: content for kind, content in evidence.items.items() if kind != missing}
    results = given.judge(case, type(evidence)(items=items, at=evidence.at))
    assert decide(results, required=tuple(CHECKS)).outcome is Outcome.FAILED


JUNK = [b"", b"\x30\x03\x02\x01\x01", b"<html>"]


@pytest.mark.parametrize("junk", JUNK)
def test_junk_in_place_of_the_revocation_list_is_tried_again(good, junk):
    case, _, evidence = good
    results = given.judge(case, changed(evidence, **{"shared.crl.0": junk}))
    assert decide(results, required=tuple(CHECKS)).outcome is Outcome.RETRY


@pytest.mark.parametrize("kind", ["shared.anchor.0", "shared.intermediate.0"])
@pytest.mark.parametrize("junk", JUNK)
def test_an_unreadable_certificate_of_the_operator_is_a_fault_and_judges_nobody(good, kind, junk):
    case, _, evidence = good
    with pytest.raises(SourceUnavailable, match="trust_anchors"):
        given.judge(case, changed(evidence, **{kind: junk}))


def test_the_report_of_a_refusal_has_its_indication_and_one_row_a_check(
    good, issued, authorities, family
):
    case, _, _ = good
    content = given.text(case)
    signature = given.sign(issued(family, iin=OTHER_IIN), content)
    evidence = given.evidence(content, signature, trusted=[authorities[family]])
    report = json.loads(
        report_statement(
            measure_statement(case, evidence, POLICY), POLICY, given.judge(case, evidence)
        )
    )
    assert (report["status"], report["sub_indication"]) == (
        "INDETERMINATE",
        "SIG_CONSTRAINTS_FAILURE",
    )
    assert [row["name"] for row in report["checks"]] == list(CHECKS)
    assert OTHER_IIN not in json.dumps(report)


def test_a_report_on_half_of_the_checks_never_says_passed(good):
    case, _, evidence = good
    half = given.judge(case, evidence)[:4]
    report = json.loads(report_statement(measure_statement(case, evidence, POLICY), POLICY, half))
    assert (report["status"], report["code"]) == ("INDETERMINATE", "check_missing")


def test_the_same_evidence_gives_the_same_results(good):
    case, _, evidence = good
    assert given.judge(case, evidence) == given.judge(case, evidence)
