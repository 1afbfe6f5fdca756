"""Steps 8 and 9 of the route on evidence: what the responder and the lists say, and a time-stamp of
the signature.
"""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from insecure_sandbox import ocsp_responder, timestamping
from insecure_sandbox.authority import make_crl
from insecure_sandbox.keys import generate_old_key
from insecure_sandbox.ocsp_responder import revoked
from tests.verification.stages.statement import signed_case as given
from tests.verification.stages.statement.answered_case import (
    NONCE,
    Given,
    code,
    judge,
    outcome,
    timestamper,
)
from tests.verification.stories.conftest import crl_of
from verification.core.results import Outcome
from verification.stages.statement.checks import report_statement
from verification.stages.statement.dialogue import OF_TOKEN_INSIDE
from verification.stages.statement.measure import measure_statement
from verification.stages.statement.policy import POLICY


def test_a_time_stamp_in_the_signature_is_told_and_sets_the_reference_time(signed):
    before = signed.at - timedelta(seconds=5)
    evidence = signed.stamped(signed.token(time=before)).asked(signed.answer())
    results = judge(signed, evidence)
    assert given.refusals(results) == {}
    report = json.loads(
        report_statement(measure_statement(signed.case, evidence, POLICY), POLICY, results)
    )
    assert (report["status"], report["times"]["tsp"]) == ("TOTAL-PASSED", before.isoformat())
    assert report["times"]["reference"] == before.isoformat()


def test_a_foreign_time_stamp_authority_is_believed_only_where_it_is_pinned(
    signed, authorities, family
):
    other = timestamper(authorities["rsa" if family == "gost512" else "gost512"])
    value = timestamping.signature_value(signed.signature)
    signed.stamped(timestamping.encode(timestamping.stamp(other, value, at=signed.at)))
    assert unproven(signed, signed.asked(signed.answer())) == "eds_timestamp_untrusted"
    assert unproven(signed, signed.asked(signed.answer(), shared__tsa__0=other.certificate)) == ""


def tsa_list(signed, *, reason=None, since=-timedelta(minutes=5)):
    serial = timestamper(signed.authority).serial
    return make_crl(
        signed.authority,
        revoked={serial: signed.at + since},
        reasons={} if reason is None else {serial: reason},
        number=7,
        this_update=signed.at - timedelta(minutes=1),
        next_update=signed.at + timedelta(hours=1),
    )


def row_of(of, evidence, policy=POLICY):
    (found,) = [one for one in judge(of, evidence, policy) if one.check == "eds.timestamp"]
    return found


def unproven(of, evidence, policy=POLICY):
    """Why a time-stamp proves nothing, empty for one that does. It is no refusal either way."""
    assert code(of, evidence, policy) == []
    found = row_of(of, evidence, policy).detail
    assert ("unproven" in found) == (found["time"] == "none")
    return found.get("unproven", "")


def test_the_row_says_by_what_the_time_stamps_authority_was_cleared(signed):
    evidence = signed.stamped(signed.token()).asked(signed.answer())
    detail = row_of(signed, evidence).detail
    assert (detail["authority"], detail["source"]) == ("good", "crl")


@pytest.mark.parametrize(
    ("reason", "later", "code_"),
    [
        (1, True, "eds_timestamp_untrusted"),
        (None, True, "eds_timestamp_untrusted"),
        (6, True, "eds_timestamp_untrusted"),
        (4, False, "eds_timestamp_untrusted"),
        (4, True, ""),
        (5, True, ""),
    ],
)
def test_a_time_stamp_outlives_its_authority_only_if_that_ended_later_with_its_key_intact(
    signed, reason, later, code_
):
    since = timedelta(seconds=-30 if later else -90)
    signed.stamped(signed.token(time=signed.at - timedelta(minutes=1)))
    evidence = signed.asked(signed.answer(), tsa=tsa_list(signed, reason=reason, since=since))
    assert unproven(signed, evidence) == code_
    if not code_:
        assert row_of(signed, evidence).detail["authority"] == "revoked after the time-stamp"
    else:
        assert row_of(signed, evidence).detail["reason"] == (reason or 0)


def test_the_time_of_a_revoked_authority_is_no_reference(authorities, issued, family):
    now = datetime.now(UTC)
    expired = issued(family, at=now - timedelta(days=1, seconds=30) + timedelta(hours=1), days=1)
    signed = Given(authorities[family], expired)
    signed.stamped(signed.token(time=now.replace(microsecond=0) - timedelta(minutes=1)))
    assert code(signed, signed.asked(signed.answer())) == []
    revoked_ = signed.asked(signed.answer(), tsa=tsa_list(signed, reason=1))
    assert "eds_certificate_expired" in code(signed, revoked_)


def test_an_authority_of_unknown_revocation_proves_nothing_unless_the_policy_takes_it(signed):
    signed.stamped(signed.token())
    lenient = replace(POLICY, accepts_unknown_timestamp_revocation=True)
    silent = signed.asked(signed.answer(), tsa=b"")
    assert outcome(signed, silent) is Outcome.PASSED
    assert unproven(signed, silent) == "eds_revocation_unknown"
    assert "of the time-stamp authority" in row_of(signed, silent).detail["detail"]
    assert row_of(signed, silent, lenient).detail["authority"] == "unknown"
    assert outcome(signed, silent, lenient) is Outcome.PASSED
    known = signed.asked(signed.answer(), tsa=tsa_list(signed, reason=1))
    assert unproven(signed, known, lenient) == "eds_timestamp_untrusted"


def test_the_list_of_the_signers_issuer_clears_the_authority_too(signed):
    signed.stamped(signed.token())
    both = (crl_of(signed.authority),)
    assert unproven(signed, signed.evidence(lists=both, tsa=b"")) == ""
    gone = (tsa_list(signed, reason=1),)
    assert unproven(signed, signed.evidence(lists=gone, tsa=b"")) == "eds_timestamp_untrusted"


def test_the_responders_word_on_the_authority_counts_with_our_nonce(signed):
    signed.stamped(signed.token())
    said = OF_TOKEN_INSIDE
    for status, expected in (
        (ocsp_responder.GOOD, ""),
        (revoked(signed.at, reason=1), "eds_timestamp_untrusted"),
    ):
        answer = signed.answer(of=timestamper(signed.authority), status=status)
        kept = {said.ocsp.replace(".", "__"): answer, said.ocsp_nonce.replace(".", "__"): NONCE}
        assert unproven(signed, signed.asked(signed.answer(), tsa=b"", **kept)) == expected
    other = kept | {said.ocsp_nonce.replace(".", "__"): bytes(32)}
    assert (
        unproven(signed, signed.asked(signed.answer(), tsa=b"", **other))
        == "eds_revocation_unknown"
    )


def test_a_pinned_authority_is_not_asked_about_and_its_row_says_so(signed):
    pinned = {"shared__tsa__0": timestamper(signed.authority).certificate}
    evidence = signed.stamped(signed.token()).asked(
        signed.answer(), tsa=tsa_list(signed, reason=1), **pinned
    )
    assert code(signed, evidence) == []
    assert row_of(signed, evidence).detail["authority"] == "pinned"


@pytest.fixture(scope="module")
def old_root():
    return timestamping.create_old_root(at=datetime.now(UTC))


def old_stamper(signed, old_root):
    key = generate_old_key()
    return timestamping.certify_timestamping(
        signed.authority, at=signed.at - timedelta(days=1), key=key, by=old_root
    )


def test_a_time_stamp_of_the_old_gost_passes_where_its_authority_is_pinned_and_nowhere_else(
    signed, old_root
):
    by, answer = old_stamper(signed, old_root), signed.answer()
    value = timestamping.signature_value(signed.signature)
    signed.stamped(timestamping.encode(timestamping.stamp(by, value, at=signed.at)))
    lenient = replace(POLICY, accepts_unknown_timestamp_revocation=True)
    assert unproven(signed, signed.asked(answer), lenient) == "eds_timestamp_untrusted"
    pinned = signed.asked(answer, shared__tsa__0=by.certificate)
    assert code(signed, pinned) == []
    assert row_of(signed, pinned).detail["policy"] == "1.2.398.3.3.2.6.1"
    # Under its pinned root its revocation is unknown, which suffices under a policy that says so.
    under_root = signed.asked(answer, shared__tsa__0=old_root.certificate)
    assert unproven(signed, under_root) == "eds_timestamp_untrusted"
    assert "must be pinned" in row_of(signed, under_root).detail["detail"]
    assert row_of(signed, under_root, lenient).detail["authority"] == "unknown"


@pytest.mark.parametrize("inside", [{}, {"imprint": bytes(64)}])
def test_a_policy_that_asks_for_a_time_stamp_takes_the_one_that_it_asked_for_whatever_came_inside(
    signed, inside
):
    wanting, answer = replace(POLICY, asks_timestamp=True), signed.answer()
    asked = {
        "statement__timestamp": timestamping.granted(signed.token(nonce=77)),
        "statement__timestamp_nonce": b"77",
    }
    signed.stamped(signed.token(**inside))
    assert outcome(signed, signed.asked(answer, **asked), wanting) is Outcome.PASSED
    unusable = {**asked, "statement__timestamp": b"<html>"}
    assert outcome(signed, signed.asked(answer, **unusable), wanting) is Outcome.RETRY
    assert (
        row_of(signed, signed.asked(answer, **unusable), wanting).code
        == "eds_timestamp_unavailable"
    )


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
