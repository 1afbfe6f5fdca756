"""One verification by EDS, from the opening to the log, by the workflow's own functions."""

import base64
import json
from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from insecure_sandbox.authority import forge_like_nca
from insecure_sandbox.signing import sign_cms
from lenders.resources import verifications
from tests.verification import checks_on_record
from tests.verification.stories.conftest import crl_of
from tests.verification.stories.story import IIN, OTHER_IIN, at_statement, begin, lender
from verification.case import contents, policy
from verification.evidence import store
from verification.models import Attempt, AuditEntry, EvidenceItem, SharedEvidenceUse, Verification
from verification.stages.confirmation.policy import CONSENT_CURRENT as CURRENT

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("trusted")]

STEPS = (
    "format",
    "content",
    "signature",
    "path",
    "usage",
    "identity",
    "revocation",
    "timestamp",
    "statement",
)


def codes(story):
    answer = verifications.read(
        lender_id=story.lender.pk, mode="test", verification_id=story.id, with_checks=True
    )
    return [check["code"] for check in answer["checks"] if check["code"]]


def types(story):
    entries = AuditEntry.objects.filter(verification_id=story.id).order_by("verification_sequence")
    return [entry.type for entry in entries]


@pytest.mark.parametrize("family", ["gost512", "rsa"])
def test_the_borrowers_own_signature_verifies(issued, family):
    story = at_statement()
    story.sign(issued(family))
    story.work()
    row = story.row()
    assert (row.status, row.code, row.passed_routes) == ("verified", "", ["eds"])
    assert types(story)[0] == "verification.created"
    assert types(story)[-1] == "verification.verified"
    assert types(story).count("attempt.judged") == 3
    assert "verification.processing" not in types(story)


def test_the_log_holds_every_check_and_the_commitment_of_all_evidence(issued):
    """What of a judgement can be shown to a regulator stands in the entries of the answers and of
    the judgements.
    """
    story = at_statement()
    story.sign(issued(iin=OTHER_IIN))
    story.work()
    story.sign(issued())
    story.work()
    bodies = [entry.body for entry in AuditEntry.objects.filter(verification_id=story.id)]
    checks = [(body["attempt"], check) for body in bodies for check in body.get("checks", ())]
    said = {(attempt, check["check"], check["outcome"], check["code"]) for attempt, check in checks}
    recorded = checks_on_record.checks(verification=story.id)
    assert said == {(one["attempt"], one["check"], one["outcome"], one["code"]) for one in recorded}
    assert len(said) == 1 + 1 + 2 * len(STEPS)
    kept = [(body["attempt"], one) for body in bodies for one in body.get("evidence", ())]
    sealed = {
        (attempt, one["kind"], one["commitment"], one["size"])
        for attempt, one in kept
        if "id" in one
    }
    items = EvidenceItem.objects.filter(verification_id=story.id)
    assert sealed == set(items.values_list("attempt_id", "kind", "commitment", "size"))
    uses = SharedEvidenceUse.objects.filter(attempt__verification_id=story.id)
    shared = {(attempt, one["kind"], one["sha256"]) for attempt, one in kept if "sha256" in one}
    assert shared == set(uses.values_list("attempt_id", "kind", "evidence_id"))


def test_every_check_of_the_procedure_is_recorded_and_passed(issued):
    story = at_statement()
    story.sign(issued())
    story.work()
    recorded = checks_on_record.checks(verification=story.id, stage="statement")
    assert [(one["check"], one["outcome"]) for one in recorded] == [
        (f"eds.{step}", "pass") for step in STEPS
    ]


def test_the_report_is_kept_as_evidence_with_a_status_of_the_standard(issued):
    story = at_statement()
    story.sign(issued())
    story.work()
    item = EvidenceItem.objects.get(verification_id=story.id, kind="statement.report")
    report = json.loads(store.opening(contents.key_of(story.row()), item).plain)
    assert (report["status"], report["sub_indication"]) == ("TOTAL-PASSED", "")
    assert report["signer"]["iin"] == "********0010"
    assert {row["outcome"] for row in report["checks"]} == {"PASS"}
    assert set(report["evidence"]) >= {
        "statement.text",
        "statement.signature",
        "shared.crl.0",
        "shared.anchor.0",
    }


def refuse(story, code):
    story.work()
    row = story.row()
    assert row.status == "requires_input"
    assert row.last_failure == code
    assert code in codes(story)
    assert story.page().notice == code
    assert story.page().attempt == 2


def test_another_persons_certificate_refuses(issued):
    story = at_statement()
    story.sign(issued(iin=OTHER_IIN))
    refuse(story, "eds_iin_mismatch")


def test_a_forged_certificate_with_the_authoritys_names_refuses(issued, authorities):
    story = at_statement()
    issuer = authorities["gost512"].issuing.certificate
    yesterday = datetime.now(UTC) - timedelta(days=1)
    story.sign(forge_like_nca(issuer, iin=IIN, surname="ТЕСТОВ", given_name="ТЕСТ", at=yesterday))
    refuse(story, "eds_path_untrusted")


def test_a_revoked_certificate_refuses(issued, authorities, trusted):
    credential = issued(serial=4711)
    trusted.lists["gost512"] = (crl_of(authorities["gost512"], revoked=(4711,)),)
    story = at_statement()
    story.sign(credential)
    refuse(story, "eds_certificate_revoked")


def test_a_stale_revocation_list_is_tried_again_and_never_a_pass(issued, authorities, trusted):
    trusted.lists["gost512"] = (crl_of(authorities["gost512"], age=3),)
    story = at_statement()
    story.sign(issued())
    story.work()
    row = story.row()
    assert (row.status, row.step, row.faults) == ("processing", "judge", 1)
    entry = AuditEntry.objects.get(verification_id=story.id, type="step.faulted")
    assert entry.body["cause"] == "eds_revocation_unknown"


def test_a_list_that_stays_stale_ends_in_failed_with_its_report_as_evidence(
    issued, authorities, trusted
):
    trusted.lists["gost512"] = (crl_of(authorities["gost512"], age=3),)
    story = at_statement()
    story.sign(issued())
    for _ in range(policy.FAULTS_MAX):
        Verification.objects.filter(pk=story.id).update(due_at=timezone.now())
        story.work()
    assert (story.row().status, story.row().code) == ("failed", "retries_exhausted")
    item = EvidenceItem.objects.get(verification_id=story.id, kind="statement.report")
    report = json.loads(store.opening(contents.key_of(story.row()), item).plain)
    assert (report["status"], report["sub_indication"]) == ("INDETERMINATE", "TRY_LATER")
    assert not Attempt.objects.filter(verification_id=story.id, burnt=True).exists()


def test_three_failures_are_final_for_verifications_that_waited_beside(issued):
    of = lender()
    first, second, third = (begin(of, f"A-{number}").to_statement() for number in (1, 2, 3))
    for _ in range(3):
        first.sign(issued(iin=OTHER_IIN))
        first.work()
    for waiting in (second, third):
        Verification.objects.filter(pk=waiting.id).update(due_at=timezone.now())
        waiting.work()
        assert (waiting.row().status, waiting.row().code) == ("declined", "attempts_exhausted")
    assert Attempt.objects.filter(burnt=True).count() == 3


def test_an_expired_certificate_refuses(issued):
    story = at_statement()
    story.sign(issued(at=datetime.now(UTC) - timedelta(days=20), days=10))
    refuse(story, "eds_certificate_expired")


def test_a_signature_over_another_text_refuses(issued):
    story = at_statement()
    story.sign(issued(), content=b"another text")
    refuse(story, "eds_statement_mismatch")


def test_a_signature_of_an_earlier_attempt_is_not_accepted_again(issued):
    story = at_statement()
    first = sign_cms(issued(iin=OTHER_IIN), story.statement(), signed_at=datetime.now(UTC))
    presented = base64.b64encode(first).decode()
    story.answer(signature=presented)
    refuse(story, "eds_iin_mismatch")
    story.answer(signature=presented)
    story.work()
    assert {"eds_statement_mismatch", "eds_signature_replayed"} <= set(codes(story))
    assert story.row().status == "requires_input"


def test_what_is_no_cms_refuses_by_name_and_leaves_nothing_half_done(issued):
    story = at_statement()
    story.answer(signature="bm90IGEgQ01T")
    refuse(story, "eds_malformed")


def test_three_failures_decline_and_a_new_verification_starts_declined_at_the_statement(issued):
    of = lender()
    story = begin(of).to_statement()
    for _ in range(3):
        story.sign(issued(iin=OTHER_IIN))
        story.work()
    row = story.row()
    assert (row.status, row.code, row.last_failure) == (
        "declined",
        "attempts_exhausted",
        "eds_iin_mismatch",
    )
    second = begin(of, "A-2")
    second.to_statement() if second.row().status == "requires_input" else None
    assert (second.row().status, second.row().code) == ("declined", "attempts_exhausted")


def test_no_consent_ends_it_at_once(issued):
    story = begin(lender())
    story.answer(agreed=False, version=CURRENT, language="kk")
    story.work()
    assert (story.row().status, story.row().code) == ("declined", "consent_declined")


def test_somebody_telling_the_borrower_what_to_press_ends_it_at_once(issued):
    story = begin(lender())
    story.answer(agreed=True, version=CURRENT, language="en")
    story.work()
    story.answer(somebody_tells_me=True)
    story.work()
    assert (story.row().status, story.row().code) == ("declined", "coercion_reported")
