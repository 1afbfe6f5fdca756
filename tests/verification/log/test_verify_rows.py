"""What the tables hold beside the log is compared with it: every row that was changed, added or
taken away is named.
"""

from collections.abc import Sequence

import pytest
from django.db import connection, transaction
from django.utils import timezone

from tests.verification.log.judged import (
    audit,
    delete,
    entry_of,
    findings,
    judged,
    lapsed,
    places,
    update,
)
from tests.verification.log.looks import findings_of
from tests.verification.log.rows import order_all, tamper
from tests.verification.stories.conftest import (
    Issued,
    authorities,  # noqa: F401
    issued,  # noqa: F401
    trusted,  # noqa: F401
)
from tests.verification.stories.story import OTHER_IIN, Story, begin, lender
from verification.access import links, openings
from verification.case import moving
from verification.core.events import KEEPING
from verification.core.keeping import claims
from verification.course import tables
from verification.log import verify_cases
from verification.log.stored_rows import Case, load
from verification.models import Attempt, AuditEntry, AuditPending, EvidenceItem, SharedEvidenceUse
from verification.stages.confirmation.policy import CONSENT_CURRENT as CURRENT

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("trusted")]


@pytest.fixture
def story(issued: Issued) -> Story:  # noqa: F811
    return judged(issued)


def test_honest_cases_have_no_findings(story: Story, issued: Issued) -> None:  # noqa: F811
    canceled = begin(story.lender, "A-2", iin=OTHER_IIN).to_statement()
    openings.cancel(lender_id=canceled.lender.pk, mode="test", verification_id=canceled.id)
    lapsed(begin(story.lender, "A-3", iin=OTHER_IIN))
    declined = begin(lender("Other", number=500), "A-4")
    declined.answer(agreed=False, version=CURRENT, language="kk")
    declined.work()
    judging = begin(lender("Third", number=700), "A-5").to_statement()
    judging.sign(issued())
    statuses = set(Attempt.objects.values_list("status", flat=True))
    assert statuses >= {"passed", "failed", "void", "lapsed", "judging"}
    assert findings() == []
    order_all()
    told = audit()
    assert told["findings"] == []
    assert told["unchecked"]["test"] == {"cases": 0, "indexes": 0}


VERIFICATION = {
    "code = 'eds_iin_mismatch'": "code",
    "profile_id = 'KZ-2025-01'": "profile",
    "profile_sha256 = borrower_index": "profile_sha256",
    'passed_routes = \'["eds", "biometric"]\'': "routes",
    "finished_at = '2026-01-01 00:00:00'": "at",
}


@pytest.mark.parametrize("change", VERIFICATION)
def test_a_verification_that_is_not_as_it_was_decided_is_named(story: Story, change: str) -> None:
    tamper(update("verification", change, story.id))
    decision = entry_of(story, "verification.verified")
    assert ("row_differs", decision.pk, VERIFICATION[change]) in places(findings())


def test_a_verification_moved_to_another_mode_or_time_is_named_by_its_opening(story: Story) -> None:
    created = entry_of(story, "verification.created")
    tamper(update("verification", "mode = 'live', created_at = '2026-01-01 00:00:00'", story.id))
    for arguments in (("--log", "test"), ("--log", "live")):
        named = places(findings(*arguments))
        assert {("row_differs", created.pk, "log"), ("row_differs", created.pk, "at")} <= named


def test_a_newest_entry_taken_away_before_it_was_ordered_is_named(story: Story) -> None:
    waiting = begin(story.lender, "A-2", iin=OTHER_IIN)
    links.mint(verification_id=waiting.id, lender_id=story.lender.pk, mode="test")
    newest = AuditEntry.objects.filter(verification_id=waiting.id).latest("verification_sequence")
    assert AuditPending.objects.filter(entry=newest).exists()
    tamper(
        ("DELETE FROM verification_auditpending WHERE entry_id = %s", (newest.pk,)),
        delete("auditentry", newest.pk),
    )
    named = {(found["code"], found.get("field")) for found in findings()}
    # Without it no entry speaks of the link that it made either.
    assert named == {
        ("entry_lost", "sequence"),
        ("row_unsaid", None),
        ("row_differs", "expires_at"),
    }
    assert any(waiting.id in found["detail"] for found in findings())
    tamper(update("verification", "sequence = 1", waiting.id))
    assert ("row_differs", "sequence") in {
        (named["code"], named.get("field")) for named in findings()
    }


ATTEMPT = {
    "burnt = NOT burnt": ("attempt.judged", "burnt"),
    "code = 'eds_certificate_revoked'": ("attempt.judged", "code"),
    "status = 'passed'": ("attempt.judged", "status"),
    "closed_at = '2026-01-01 00:00:00'": ("attempt.judged", "at"),
    "route = 'biometric'": ("attempt.opened", "route"),
    "stage = 'consent'": ("attempt.opened", "stage"),
    "mode = 'live'": ("attempt.opened", "log"),
    "borrower_index = NULL": ("attempt.opened", "borrower_index"),
}


@pytest.mark.parametrize("change", ATTEMPT)
def test_an_attempt_that_is_not_as_it_was_judged_is_named(story: Story, change: str) -> None:
    burnt = Attempt.objects.get(verification_id=story.id, burnt=True)
    entry_type, field = ATTEMPT[change]
    tamper(update("attempt", change, burnt.pk))
    assert ("row_differs", entry_of(story, entry_type, attempt=burnt.pk).pk, field) in places(
        findings()
    )


def test_a_lapsed_attempt_that_counts_as_passed_is_named(story: Story) -> None:
    silent = lapsed(begin(story.lender, "A-3", iin=OTHER_IIN))
    attempt = Attempt.objects.get(verification_id=silent.id)
    assert findings() == []
    tamper(update("attempt", "status = 'passed'", attempt.pk))
    assert places(findings()) == {("row_differs", entry_of(silent, "attempt.lapsed").pk, "status")}


def test_an_open_attempt_that_counts_as_judged_is_named(story: Story) -> None:
    asked = begin(story.lender, "A-2", iin=OTHER_IIN)
    attempt = Attempt.objects.get(verification_id=asked.id)
    for change, field in (
        ("status = 'passed'", "status"),
        ("burnt = NOT burnt, status = 'open'", "burnt"),
    ):
        tamper(update("attempt", change, attempt.pk))
        [named] = findings()
        assert (named["code"], named["field"], attempt.pk in named["detail"]) == (
            "row_differs",
            field,
            True,
        )


def test_an_attempt_taken_away_is_named_by_its_entries(story: Story) -> None:
    burnt = Attempt.objects.get(verification_id=story.id, burnt=True)
    tamper(delete("attempt", burnt.pk))
    named = places(findings())
    for entry_type in ("attempt.opened", "attempt.judged"):
        assert ("row_missing", entry_of(story, entry_type, attempt=burnt.pk).pk, "") in named
    assert any("attempt" in one["detail"] and one.get("field") == "attempt" for one in findings())


def test_an_attempt_added_is_named(story: Story) -> None:
    added = Attempt.objects.filter(verification_id=story.id, status="passed").first()
    assert added is not None
    added.pk = "att_added"
    added.save(force_insert=True)
    details = [named["detail"] for named in findings()]
    assert any(
        "holds the attempt att_added, of which no entry speaks" in detail for detail in details
    )


def _refused(story: Story) -> Attempt:
    return Attempt.objects.get(verification_id=story.id, burnt=True)


def test_a_failed_attempt_that_people_pass_afterwards_is_named(story: Story) -> None:
    """Somebody turns a failure into a case for people, who mean well, and turns the rows back."""
    attempt = _refused(story)
    body = {
        "v": 1,
        "attempt": attempt.pk,
        "route": "eds",
        "stage": "statement",
        "outcome": "passed",
        "code": "",
    }
    with transaction.atomic():
        moving.record(
            story.row(), "attempt.reviewed", at=timezone.now(), body=body | {"burnt": False}
        )
    order_all()
    tamper(update("attempt", "status = 'passed', code = '', burnt = false", attempt.pk))
    entry = entry_of(story, "attempt.reviewed", attempt=attempt.pk)
    tamper(("UPDATE verification_attempt SET closed_at = %s WHERE id = %s", (entry.at, attempt.pk)))
    assert places(findings()) == {("after_end", entry.pk, "")}


def test_terms_exchanged_under_their_judgement_are_named(story: Story) -> None:
    """The judgement's entry commits to the facts that it judged by: they are in its terms."""
    terms = EvidenceItem.objects.filter(verification_id=story.id, kind="statement.terms").first()
    assert terms is not None
    entry = entry_of(story, "attempt.judged", attempt=terms.attempt_id)
    assert terms.commitment in [one.digest for one in claims(entry.body)]
    tamper(update("evidenceitem", "commitment = sealed_sha256", terms.pk))
    assert ("evidence_differs", entry.pk, "commitment") in places(findings())


def test_evidence_of_another_attempt_or_kind_is_named(story: Story) -> None:
    item = EvidenceItem.objects.filter(verification_id=story.id, kind="statement.signature").first()
    other = EvidenceItem.objects.filter(verification_id=story.id, kind="statement.signature").last()
    assert item is not None
    assert other is not None
    assert item.attempt_id != other.attempt_id
    entry = next(
        entry
        for entry in AuditEntry.objects.filter(type__in=KEEPING)
        if item.pk in [claim.get("id") for claim in entry.body["evidence"]]
    )
    tamper(update("evidenceitem", "attempt_id = NULL", item.pk))
    assert places(findings()) == {("row_differs", entry.pk, "attempt")}
    tamper(update("evidenceitem", f"attempt_id = '{item.attempt_id}', kind = 'x'", item.pk))
    assert ("row_differs", entry.pk, "kind") in places(findings())
    tamper(delete("evidenceitem", item.pk))
    assert ("row_missing", entry.pk, "") in places(findings())


def test_a_key_taken_away_is_named_by_the_opening(story: Story) -> None:
    tamper(("DELETE FROM verification_datakey WHERE verification_id = %s", (story.id,)))
    assert ("row_missing", entry_of(story, "verification.created").pk, "") in places(findings())


def test_evidence_added_to_an_attempt_is_named(story: Story) -> None:
    item = EvidenceItem.objects.filter(verification_id=story.id).first()
    assert item is not None
    item.pk, item.kind = "evd_added", "statement.added"
    item.save(force_insert=True)
    details = [named["detail"] for named in findings() if named["code"] == "row_unsaid"]
    assert len(details) == 1
    assert "evd_added" in details[0]


def test_shared_evidence_exchanged_taken_away_or_added_is_named(story: Story) -> None:
    uses = SharedEvidenceUse.objects.filter(attempt__verification_id=story.id).order_by("pk")
    use, another = uses[0], next(one for one in uses if one.evidence_id != uses[0].evidence_id)
    entries = AuditEntry.objects.filter(type__in=KEEPING, body__attempt=use.attempt_id)
    entry = next(
        one for one in entries if use.kind in [claim["kind"] for claim in one.body["evidence"]]
    )
    which = "WHERE attempt_id = %s AND kind = %s"
    exchanged = f"UPDATE verification_sharedevidenceuse SET evidence_id = %s {which}"  # noqa: S608
    tamper((exchanged, (bytes.fromhex(another.evidence_id), *use.pk)))
    assert places(findings()) == {("row_differs", entry.pk, "sha256")}
    tamper((f"DELETE FROM verification_sharedevidenceuse {which}", use.pk))  # noqa: S608
    assert places(findings()) == {("row_missing", entry.pk, "")}
    use.save(force_insert=True)
    assert findings() == []
    SharedEvidenceUse.objects.create(
        attempt_id=use.attempt_id, evidence_id=use.evidence_id, kind="shared.added"
    )
    [named] = findings()
    assert (named["code"], "shared.added" in named["detail"]) == ("row_unsaid", True)


def test_a_verification_taken_away_with_its_rows_is_named_by_its_entries(story: Story) -> None:
    tamper(delete("verification", story.id))
    named = {one.get("entry"): one["detail"] for one in findings() if one["code"] == "row_missing"}
    assert story.id in named[entry_of(story, "verification.created").pk]


def test_a_verification_that_moves_while_it_is_read_is_looked_at_again(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    moving = begin(story.lender, "A-2", iin=OTHER_IIN)
    looked: list[Sequence[str]] = []

    def cancel_after_loading(ids: Sequence[str]) -> dict[str, Case]:
        cases = load(ids)
        looked.append(ids)
        if len(looked) == 2:  # between the tables: the entries are old, the attempts are new
            openings.cancel(lender_id=moving.lender.pk, mode="test", verification_id=moving.id)
            for attempt in cases[moving.id].rows[tables.ATTEMPT].values():
                attempt["status"] = "passed"
        if len(looked) == 1:
            cases[moving.id].rows[tables.ATTEMPT].clear()
        return cases

    monkeypatch.setattr(verify_cases, "load", cancel_after_loading)
    assert list(verify_cases.verify_cases("test")) == []
    assert looked[1:] == [[moving.id], [moving.id]]
    monkeypatch.undo()
    assert findings_of(moving.id) == []


@pytest.mark.embedded
def test_a_row_that_cannot_be_read_is_named_and_reading_goes_on(story: Story) -> None:
    if connection.vendor != "sqlite":
        pytest.skip("only SQLite keeps a column of another type")
    tamper(update("verification", "created_at = '2026-13-45 00:00:00'", story.id))
    details = [named["detail"] for named in findings()]
    assert f"the row of verification {story.id} cannot be read" in details
