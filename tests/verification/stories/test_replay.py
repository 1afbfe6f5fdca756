"""A judgement repeated from what is stored gives the same word, and what was changed since is
found.
"""

import json
from dataclasses import fields, make_dataclass, replace
from io import StringIO

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.utils import timezone

from tests.entries import body_of
from tests.scenes import staged
from tests.verification.checks_on_record import checks, take_away, write_over
from tests.verification.log.rows import tamper
from tests.verification.stories import camera_story as camera
from tests.verification.stories.destruction_story import destroyed
from tests.verification.stories.document_reading import documents_of
from tests.verification.stories.story import (
    OTHER_IIN,
    at_statement,
    begin,
    lender,
    verified_at_second_try,
)
from verification import routes
from verification.case import dossier
from verification.core.ids import new_id
from verification.core.results import Failed
from verification.engines.gost import backends
from verification.evidence import store, vault
from verification.models import Attempt, AuditEntry, EvidenceItem, SharedEvidenceUse
from verification.stages import statement
from verification.stages.statement.checks import CHECKS
from verification.worker.replay import Verdict, replay

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("seen_once")]


@pytest.fixture
def verified(trusted, issued):
    """A story that ended well at the second try of its signature."""
    return staged("verified", lambda: verified_at_second_try(issued))


def command(story):
    out = StringIO()
    try:
        call_command("replay", story.id, stdout=out)
    except CommandError as error:
        return error.returncode, out.getvalue() + str(error)
    return 0, out.getvalue()


def word(story):
    """The verdict on the last attempt, and what is said of it."""
    last = replay(verification_id=story.id)[-1]
    return last.verdict, last.detail


def last_attempt(story):
    return (
        Attempt.objects.filter(verification_id=story.id, stage="statement").order_by("turn").last()
    )


def own(story, kind):
    return EvidenceItem.objects.get(attempt=last_attempt(story), kind=kind)


def test_every_judged_attempt_comes_out_the_same_and_the_log_says_that_somebody_looked(verified):
    before = AuditEntry.objects.count()
    code, said = command(verified)
    assert (code, said.count(": same"), said.count(": same (from: evidence)")) == (0, 5, 4)
    assert AuditEntry.objects.count() == before + 1
    entry = AuditEntry.objects.get(type="replay.read")
    assert body_of(entry) == {
        "v": 1,
        "verification": verified.id,
        "same": 4,
        "different": 0,
        "cannot": 0,
        "from_facts": 0,
    }
    assert (entry.verification_id, entry.lender_id) == (None, None)


def test_a_replay_asks_no_source_and_changes_no_row(verified, trusted):
    trusted.asked, row = 0, verified.row()
    trusted.lists["gost512"] = ()
    records = checks()
    assert command(verified)[0] == 0
    assert (trusted.asked, checks()) == (0, records)
    assert verified.row().sequence == row.sequence


def test_a_refusal_that_rested_on_what_was_shown_before_comes_out_the_same(trusted, issued):
    story = at_statement()
    story.sign(issued(iin=OTHER_IIN))
    signature = story_signature(story)
    story.work()
    story.answer(signature=signature)
    story.work()
    assert "eds_signature_replayed" in [said["code"] for said in checks()]
    assert command(story)[0] == 0


def story_signature(story):
    key = vault.open(verification_id=story.id, lender_id=story.lender.pk)
    return store.opening(key, own(story, "statement.signature")).plain.decode()


@pytest.mark.forges
def test_a_record_that_says_otherwise_is_different(verified):
    write_over(last_attempt(verified), "eds.identity", outcome="fail", code="eds_iin_mismatch")
    code, said = command(verified)
    assert code == 1
    assert "eds.identity was fail eds_iin_mismatch and is pass" in said


@pytest.mark.forges
def test_a_record_that_is_gone_is_different(verified):
    take_away(last_attempt(verified), "eds.statement")
    assert word(verified) == (
        Verdict.DIFFERENT,
        "; ".join(
            f"from {source}: {len(CHECKS) - 1} checks are on record, and {len(CHECKS)} were run"
            for source in ("evidence", "facts")
        ),
    )


def test_a_check_that_says_something_else_today_is_different(verified, monkeypatch):
    def stricter(facts, policy):
        return Failed("eds.usage", "eds_key_usage")

    monkeypatch.setitem(CHECKS, "eds.usage", stricter)
    verdict, detail = word(verified)
    assert verdict is Verdict.DIFFERENT
    assert "the attempt was passed and is failed eds_key_usage" in detail
    assert "the report's status differs" in detail


def test_another_arithmetic_gives_the_same_report(verified, monkeypatch):
    other = replace(backends.in_use(), streebog_name="another")
    monkeypatch.setattr(backends, "in_use", lambda: other)
    assert command(verified)[0] == 0


@pytest.mark.parametrize(
    "kind", ["statement.signature", "statement.text", "statement.terms", "statement.report"]
)
def test_what_is_gone_from_where_it_lay_cannot_be_judged(verified, settings, kind):
    item = own(verified, kind)
    if item.sealed is None:
        name = item.sealed_sha256
        (settings.TULGA_EVIDENCE_DIR / name[:2] / name).unlink()
    else:
        EvidenceItem.objects.filter(pk=item.pk).update(sealed=b"")
    code, said = command(verified)
    detail = said.partition("cannot: evidence_unreadable: evidence is missing: ")[2]
    assert (code, kind in detail) == (2, True), "it may lie in one file with others"


@pytest.mark.parametrize("kind", ["statement.signature", "statement.terms", "statement.report"])
def test_a_row_of_evidence_that_is_gone_cannot_be_judged_and_is_no_refusal(verified, kind):
    own(verified, kind).delete()
    assert word(verified) == (Verdict.CANNOT, f"evidence is missing: {kind}")


def test_a_shared_list_that_is_gone_cannot_be_judged(verified, settings):
    uses = SharedEvidenceUse.objects.filter(attempt=last_attempt(verified), kind="shared.crl.0")
    name = uses.get().evidence_id
    uses.delete()
    assert word(verified)[0] is Verdict.SAME
    (settings.TULGA_EVIDENCE_DIR / name[:2] / name).unlink()
    assert word(verified) == (Verdict.CANNOT, "evidence is missing: shared.crl.0")


def test_a_row_of_evidence_that_no_entry_lists_is_ignored(verified):
    item = own(verified, "statement.signature")
    item.pk, item.kind = new_id("evd"), "statement.unheard_of"
    item.save(force_insert=True)
    assert word(verified) == (Verdict.SAME, "")


@pytest.mark.forges
def test_a_judgement_that_no_worker_signed_cannot_be_judged_nor_any_other_of_its_case(verified):
    entry = AuditEntry.objects.get(type="attempt.judged", body__attempt=last_attempt(verified).pk)
    body = {name: value for name, value in entry.body.items() if name != "signed"}
    tamper(
        ("UPDATE verification_auditentry SET body = %s WHERE id = %s", (json.dumps(body), entry.pk))
    )
    code, said = command(verified)
    assert code == 2
    assert f"evidence_unreadable: entry {entry.pk} does not count" in said


def test_evidence_that_was_redacted_cannot_be_judged(verified):
    vault.destroy(verification_id=verified.id, at=timezone.now())
    assert command(verified)[0] == 2


def test_another_policy_today_changes_nothing_for_it_is_judged_by_that_of_its_time(
    verified, monkeypatch
):
    stricter = replace(
        statement.STAGE.policy_in_use(), version="eds-2030-01", certificate_policies=()
    )
    judge_by(monkeypatch, stricter)
    assert command(verified)[0] == 0


def judge_by(monkeypatch, policy):
    """Today's policy of the signature is this one."""
    stages = (statement.STAGE.differing(policy_in_use=lambda: policy),)
    monkeypatch.setitem(routes.ROUTES, "eds", replace(routes.EDS, stages=stages))


def release(**changes):
    """The policy's type of another release: these fields have another type, or are there or not
    (None).
    """
    types = {each.name: each.type for each in fields(statement.STAGE.policy_in_use())} | changes
    return make_dataclass(
        "Policy", [(name, kind) for name, kind in types.items() if kind], frozen=True
    )


def test_a_policy_of_another_release_cannot_be_judged_by_and_says_which_field(
    verified, monkeypatch
):
    for other, said in (
        (release(mood=int), "policy.mood is missing, which this release needs"),
        (release(attempts=None), "policy.attempts is a field that this release does not know"),
        (release(attempts=str), "policy.attempts is no str"),
    ):
        values = dict.fromkeys((each.name for each in fields(other)), 0)
        judge_by(monkeypatch, other(**values))
        last = replay(verification_id=verified.id)[-1]
        assert (last.verdict, last.code, last.detail) == (Verdict.CANNOT, "stored_unreadable", said)
    code, out = command(verified)
    assert (code, f"cannot: stored_unreadable: {said}" in out) == (2, True)


def test_a_route_that_is_not_installed_any_more_cannot_be_judged(verified, settings):
    settings.TULGA_ROUTES = []
    assert command(verified)[0] == 2


@pytest.mark.parametrize("number", ["ver_none", "", "'; --"])
def test_an_unknown_verification_cannot_be_judged(number, db):
    with pytest.raises(CommandError, match="not_found") as caught:
        call_command("replay", number)
    assert caught.value.returncode == 2


def test_a_verification_of_which_nothing_was_judged_cannot_be(trusted):
    story = begin(lender())
    code, said = command(story)
    assert (code, said) == (2, f"{story.id}: cannot")


@pytest.mark.service
@pytest.mark.forges
def test_a_live_capture_comes_out_the_same_and_a_changed_record_is_found(sandbox, settings):
    settings.TULGA_ROUTES = ["biometric"]
    camera.ask_at(sandbox, settings)
    camera.register(sandbox)
    story = begin(lender())
    camera.agree(story)
    camera.free(story)
    camera.capture(story)
    judged = Attempt.objects.get(verification_id=story.id, stage="live_capture")
    key = vault.open(verification_id=story.id, lender_id=story.lender.pk)
    kept = {
        own.kind: store.opening(key, own).plain
        for own in judged.evidence.filter(kind="live_capture.terms")
    }
    assert any(one.score is not None for one in dossier.checks_in(kept, stage="live_capture"))
    settings.TULGA_SOURCES = {"test": {}, "live": {}}
    code, said = command(story)
    assert (code, "live_capture" in said, "(from: facts)" in said) == (0, True, False), said
    # 72 hours later the frames that were compared are left, and the facts that were measured then.
    destroyed(story)
    best = json.loads(kept["live_capture.terms"])["facts"]["best"]
    left = judged.evidence.filter(kind__contains=".frame.", destroyed_at=None)
    assert sorted(left.values_list("kind", flat=True)) == best == sorted(best)
    assert not judged.evidence.filter(kind__contains=".chain.", destroyed_at=None).exists()
    (document,) = documents_of(story)
    assert document["live_image"]["face"] == best[0].removeprefix("live_capture.").replace(
        "frame.", ""
    )
    code, said = command(story)
    assert (code, said.count("(from: facts)")) == (0, 1), said
    write_over(judged, "face.match", outcome="inconclusive", code="face_review")
    assert (
        command(story)[0] == 2
    )  # an entry that was changed does not count, and no part of its case is judged
