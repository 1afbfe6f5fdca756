"""Step 8 of the route on evidence: the responder's answer, and the lists."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from insecure_sandbox.authority import make_crl
from insecure_sandbox.ocsp_responder import TRY_LATER, UNKNOWN, revoked
from tests.verification.stages.statement import signed_case as given
from tests.verification.stages.statement.answered_case import SOON, code, judge, outcome
from tests.verification.stories.conftest import crl_of
from verification.core.results import Outcome
from verification.stages.statement.checks import report_statement
from verification.stages.statement.measure import measure_statement
from verification.stages.statement.policy import POLICY


def test_a_good_answer_of_the_responder_passes_without_a_list(signed):
    results = judge(signed, signed.asked(signed.answer()))
    assert given.refusals(results) == {}
    (found,) = [one for one in results if one.check == "eds.revocation"]
    assert (found.detail["source"], found.detail["issuer"]) == ("ocsp", "not asked")


@pytest.mark.parametrize("reason", [None, 1, 6])
def test_a_revoked_or_held_certificate_refuses_whatever_a_list_says(signed, reason):
    answer = signed.answer(status=revoked(signed.at, reason=reason))
    for lists in ((), (crl_of(signed.authority),)):
        assert code(signed, signed.asked(answer, lists=lists)) == ["eds_certificate_revoked"]


@pytest.mark.parametrize(
    "changes",
    [
        {"signature": bytes(128)},
        {"nonce": bytes(32)},
        {"nonce": None},
        {"this_update": given.NOW - timedelta(hours=1)},
        {"this_update": given.NOW + timedelta(hours=1)},
        {"certificates": ()},
    ],
)
def test_an_answer_that_cannot_be_believed_is_tried_again_or_gives_way_to_a_list(signed, changes):
    answer = signed.answer(**changes)
    assert outcome(signed, signed.asked(answer)) is Outcome.RETRY
    assert (
        outcome(signed, signed.asked(answer, lists=(crl_of(signed.authority),))) is Outcome.PASSED
    )


@pytest.mark.parametrize("junk", [b"", TRY_LATER, b"<html>", bytes(POLICY.ocsp_max_bytes + 1)])
def test_junk_in_the_place_of_an_answer_is_tried_again(signed, junk):
    assert outcome(signed, signed.asked(junk)) is Outcome.RETRY


def test_an_answer_without_the_nonce_we_kept_is_tried_again(signed):
    evidence = signed.evidence(statement__ocsp=signed.answer())
    assert outcome(signed, evidence) is Outcome.RETRY


def test_a_certificate_the_responder_does_not_know_is_never_passed_by_a_list(signed):
    evidence = signed.asked(signed.answer(status=UNKNOWN), lists=(crl_of(signed.authority),))
    assert outcome(signed, evidence) is Outcome.RETRY


def test_an_answer_is_good_for_five_minutes(signed):
    age = timedelta(seconds=POLICY.ocsp_max_age_seconds)
    assert outcome(signed, signed.asked(signed.answer(), at=signed.at + age)) is Outcome.PASSED
    assert (
        outcome(signed, signed.asked(signed.answer(), at=signed.at + age + SOON)) is Outcome.RETRY
    )


def root_list(authority, *serials):
    now = datetime.now(UTC)
    return make_crl(
        authority,
        revoked=dict.fromkeys(serials, now - timedelta(hours=1)),
        number=1,
        this_update=now - timedelta(minutes=1),
        next_update=now + timedelta(hours=1),
        by=authority.root,
    )


def test_a_revoked_issuer_refuses_and_a_missing_list_of_its_issuer_is_tried_again(signed):
    authority = signed.authority
    of_root = {"shared__authority_crl__0": root_list(authority)}
    assert outcome(signed, signed.asked(signed.answer(), **of_root)) is Outcome.PASSED
    of_root = {"shared__authority_crl__0": root_list(authority, authority.issuing.serial)}
    assert code(signed, signed.asked(signed.answer(), **of_root)) == ["eds_issuer_revoked"]
    swapped = {"shared__authority_crl__0": crl_of(authority)}
    assert outcome(signed, signed.asked(signed.answer(), **swapped)) is Outcome.RETRY


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
