"""What a judgement leaves: documents, and the same word when it is repeated."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from hashlib import sha256
from io import StringIO

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db.models import F
from django.utils import timezone
from pytest_django import Settings

from insecure_sandbox import samples
from tests.entries import body_of
from tests.scenes import staged
from tests.vectors.stored import grown
from tests.verification import lawful
from tests.verification.checks_on_record import checks, take_away, write_over
from tests.verification.log import owned_web
from tests.verification.log.judged import erase
from tests.verification.log.rows import tamper
from tests.verification.stages.live_capture.captures import photo_answer
from tests.verification.stories import camera_story as camera
from tests.verification.stories import story as story_module
from tests.verification.stories.conftest import Issued
from tests.verification.stories.destruction_story import destroyed
from tests.verification.stories.document_reading import documents_of, download, endings, listed
from tests.verification.stories.insecure_capture import (
    PORTRAIT,
    Script,
    at_commands,
    played,
    show,
    show_to_end,
)
from tests.verification.stories.insecure_capture import script as script
from tests.verification.stories.insecure_glance import people, voted
from tests.verification.stories.reviewers import leave
from tests.verification.stories.story import (
    IIN,
    OTHER_IIN,
    Story,
    at_statement,
    begin,
    lender,
    retry,
    run_out,
    swept,
    until_given_up,
    verified_at_second_try,
    wait_until,
)
from verification import routes
from verification.case import contents, dossier, policy, stages
from verification.core import profiles, releases
from verification.core.answers import PHOTO_SOURCES
from verification.core.codes import REASONS
from verification.core.errors import Conflict
from verification.core.ids import new_id
from verification.core.releases import RELEASES, Release
from verification.core.route import Check, Report, Stage
from verification.engines.gost import backends
from verification.evidence import erasure, store, vault
from verification.log import sequencer
from verification.log.verify import verify_log
from verification.models import Attempt, AuditEntry, EvidenceItem, SharedEvidenceUse, Verification
from verification.stages import statement
from verification.stages.live_capture.policy import LiveCapturePolicy
from verification.stages.register import REGISTER
from verification.stages.statement.checks import CHECKS
from verification.worker import replay as replaying
from verification.worker.replay import FACTS, Replayed, Sample, Verdict, replay

# A judgement repeated from what is stored gives the same word.


# A judgement repeated from what is stored gives the same word; what was changed since is found.


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


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("seen_once")
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


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("seen_once")
def test_a_replay_asks_no_source_and_changes_no_row(verified, trusted):
    trusted.asked, row = 0, verified.row()
    trusted.lists["gost512"] = ()
    records = checks()
    assert command(verified)[0] == 0
    assert (trusted.asked, checks()) == (0, records)
    assert verified.row().sequence == row.sequence


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("seen_once")
def test_a_refusal_that_rested_on_what_was_shown_before_comes_out_the_same(trusted, issued):
    story = at_statement()
    story.sign(issued(iin=OTHER_IIN))
    key = vault.open(verification_id=story.id, lender_id=story.lender.pk)
    signature = store.opening(key, own(story, "statement.signature")).plain.decode()
    story.work()
    story.reply(signature=signature)
    assert "eds_signature_replayed" in [said["code"] for said in checks()]
    assert command(story)[0] == 0


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("seen_once")
@pytest.mark.forges
def test_a_record_that_says_otherwise_or_is_gone_is_different(verified):
    attempt = last_attempt(verified)
    write_over(attempt, "eds.identity", outcome="fail", code="eds_iin_mismatch")
    code, said = command(verified)
    assert (code, "eds.identity was fail eds_iin_mismatch and is pass" in said) == (1, True)
    take_away(attempt, "eds.statement")
    verdict, detail = word(verified)
    assert verdict is Verdict.DIFFERENT
    assert f"{len(CHECKS) - 1} checks are on record, and {len(CHECKS)} were run" in detail


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("seen_once")
@pytest.mark.parametrize("has_row", [True, False])
@pytest.mark.parametrize("kind", ["statement.signature", "statement.terms", "statement.report"])
def test_evidence_that_is_gone_cannot_be_judged_and_is_no_refusal(
    verified, settings, kind, has_row
):
    item = own(verified, kind)
    if not has_row:
        item.delete()
    elif item.sealed is None:
        name = item.sealed_sha256
        (settings.TULGA_EVIDENCE_DIR / name[:2] / name).unlink()
    else:
        EvidenceItem.objects.filter(pk=item.pk).update(sealed=b"")
    code, said = command(verified)
    detail = said.partition("cannot: evidence_unreadable: evidence is missing: ")[2]
    assert (code, kind in detail) == (2, True), "it may lie in one file with others"


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("seen_once")
def test_a_shared_list_that_is_gone_cannot_be_judged(verified, settings):
    uses = SharedEvidenceUse.objects.filter(attempt=last_attempt(verified), kind="shared.crl.0")
    name = uses.get().evidence_id
    uses.delete()
    assert word(verified)[0] is Verdict.SAME
    (settings.TULGA_EVIDENCE_DIR / name[:2] / name).unlink()
    assert word(verified) == (Verdict.CANNOT, "evidence is missing: shared.crl.0")


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("seen_once")
def test_a_row_of_evidence_that_no_entry_lists_is_ignored(verified):
    item = own(verified, "statement.signature")
    item.pk, item.kind = new_id("evd"), "statement.unheard_of"
    item.save(force_insert=True)
    assert word(verified) == (Verdict.SAME, "")


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("seen_once")
@pytest.mark.forges
def test_a_judgement_that_no_worker_signed_cannot_be_judged_nor_any_other_of_its_case(verified):
    entry = AuditEntry.objects.get(type="attempt.judged", body__attempt=last_attempt(verified).pk)
    body = {name: value for name, value in entry.body.items() if name != "signed"}
    tamper(
        ("UPDATE verification_auditentry SET body = %s WHERE id = %s", (json.dumps(body), entry.pk))
    )
    code, said = command(verified)
    assert code == 2
    assert f"evidence_unreadable: entry {entry.pk} is invalid" in said


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("seen_once")
def test_what_is_done_otherwise_today_changes_nothing(verified, monkeypatch):
    stricter = replace(
        statement.STAGE.policy_in_use(), version="eds-2030-01", certificate_policies=()
    )
    judge_by(monkeypatch, stricter)
    other = replace(backends.in_use(), streebog_name="another")
    monkeypatch.setattr(backends, "in_use", lambda: other)
    assert command(verified)[0] == 0


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("seen_once")
@pytest.mark.parametrize("is_erased", [True, False], ids=["erased", "not installed"])
def test_nothing_is_judged_again(verified, settings, is_erased):
    if is_erased:
        erasure.erase(verified.id, at=timezone.now())
    else:
        settings.TULGA_ROUTES = []
    assert command(verified)[0] == 2


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("seen_once")
def test_a_case_without_a_judgement_cannot_be_judged_again():
    story = begin(lender())
    assert command(story) == (2, f"{story.id}: cannot")


def judge_by(monkeypatch, policy):
    """Today's policy of the signature is this one."""
    stages = (statement.STAGE.differing(policy_in_use=lambda: policy),)
    monkeypatch.setitem(routes.ROUTES, "eds", replace(routes.EDS, stages=stages))


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("seen_once")
@pytest.mark.parametrize("number", ["ver_none", "", "'; --"])
def test_an_unknown_verification_cannot_be_judged(number, db):
    with pytest.raises(CommandError, match="not_found") as caught:
        call_command("replay", number)
    assert caught.value.returncode == 2


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("seen_once")
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


# A policy, facts and checks grow, checks change and go: what was judged before is judged the
# same again.
Change = Callable[[Stage], Stage]


def release_a_change(monkeypatch: pytest.MonkeyPatch, change: Change) -> None:
    """The next release, in which the stage of the signature has changed."""
    now = change(statement.STAGE)
    registered = change(REGISTER.beside(statement.STAGE))
    monkeypatch.setitem(
        routes.ROUTES, "eds", replace(routes.EDS, stages=(now,), registered=(registered,))
    )
    lawful.know_route(monkeypatch, "eds", (now,))


def again(story: Story) -> set[tuple[str, Verdict, str, str]]:
    """How each stage comes out, from what, and what is told of it."""
    replays = replay(verification_id=story.id)
    return {
        (replayed.stage, replayed.verdict, replayed.source, replayed.detail) for replayed in replays
    }


def of_statement(story: Story) -> Replayed:
    return replay(verification_id=story.id)[-1]


FIRST = next(iter(statement.STAGE.checks))
SAME = {(name, Verdict.SAME, "evidence", "") for name in ("consent", "question", "statement")}


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("seen_once")
@pytest.mark.parametrize(
    "change",
    [
        grown.with_policy_field,
        grown.with_fact,
        grown.with_check,
        grown.with_changed_check,
        grown.without_check,
        grown.grown,
    ],
)
def test_an_earlier_case_comes_out_the_same_after(
    verified: Story, monkeypatch: pytest.MonkeyPatch, change: Change
) -> None:
    release_a_change(monkeypatch, change)
    assert again(verified) == SAME


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("seen_once")
def test_a_case_of_the_new_release_comes_out_the_same_beside_an_earlier_one(
    verified: Story, issued: Issued, monkeypatch: pytest.MonkeyPatch
) -> None:
    def change(stage: Stage) -> Stage:
        now = grown.with_changed_check(grown.with_fact(stage))
        first = next(iter(stage.checks))
        return now.differing(
            checks={**now.checks, first: stage.checks[first], "eds.later": later(stage)}
        )

    release_a_change(monkeypatch, change)
    story = begin(lender("Other Credit", number=2)).to_statement()
    story.sign_to_end(issued())
    assert story.row().status == "verified"
    judged = AuditEntry.objects.filter(verification=story.id, type="attempt.judged")
    body = body_of(judged.get(body__stage="statement"))
    assert "eds.later" in [check["check"] for check in body["checks"]]
    release = releases.RELEASES[body["release"]]
    assert (release.changes(FIRST), release.changes("eds.later")) == (1, 0)
    assert again(story) == SAME
    assert again(verified) == SAME


def later(stage: Stage) -> Check:
    """A check of the new release, which passes."""
    return lambda facts, policy: replace(
        stage.checks["eds.usage"](facts, policy), check="eds.later"
    )


UNKEPT: dict[str, tuple[Change, Verdict, str, str]] = {
    "a changed check": (
        partial(grown.with_changed_check, keeps_former=False),
        Verdict.DIFFERENT,
        "",
        f"from evidence: {FIRST} was pass and is fail check_missing",
    ),
    "a check that is gone": (
        partial(grown.without_check, keeps_former=False),
        Verdict.CANNOT,
        "misconfigured",
        "eds.statement as release ",
    ),
    "a policy field without an earlier value": (
        partial(grown.with_policy_field, before=grown.UNDECLARED),
        Verdict.CANNOT,
        "stored_unreadable",
        "policy.is_strict is missing, which this release needs",
    ),
    "an earlier value that judges otherwise": (
        partial(grown.with_policy_field, before=True),
        Verdict.DIFFERENT,
        "",
        "",
    ),
}


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("seen_once")
@pytest.mark.parametrize("name", UNKEPT)
def test_what_left_nothing_of_before_cannot_be_judged_or_is_different(
    verified: Story, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    change, verdict, code, detail = UNKEPT[name]
    release_a_change(monkeypatch, change)
    last = of_statement(verified)
    assert (last.verdict, last.code) == (verdict, code)
    assert detail in last.detail


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("seen_once")
def test_a_report_that_lost_a_field_or_says_another_is_different(
    verified: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    reports: tuple[tuple[Report | None, str], ...] = (
        (lambda *_: b"{}", "the report's checks differs"),
        (lambda *_: b'{"status": "TOTAL-FAILED"}', "the report's status differs"),
        (None, "the report's signer differs"),
    )
    for report, problem in reports:
        release_a_change(monkeypatch, partial(Stage.differing, report=report))
        last = of_statement(verified)
        assert last.verdict is Verdict.DIFFERENT
        assert f"from facts: {problem}" in last.detail


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("seen_once")
def test_a_release_that_is_not_known_cannot_be_judged_by(
    verified: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = stages.release("eds", law=verified.row().profile_sha256).id
    table = {key: release for key, release in releases.RELEASES.items() if key != name}
    with monkeypatch.context() as before_it:
        before_it.setattr(releases, "RELEASES", table)
        last = of_statement(verified)
    assert (last.verdict, last.code) == (Verdict.CANNOT, "stored_unreadable")
    assert last.detail == f"release {name} is unknown to this release"


# Judgements drawn by chance are judged again: what comes out otherwise is named, what cannot be
# is counted apart.


@pytest.fixture
def ordered(trusted, issued):
    """A story of four judgements that ended well at the second try of its signature, ordered."""

    def play():
        story = verified_at_second_try(issued)
        sequencer.order("test")
        return story

    return staged("verified and ordered", play)


def audited(*arguments):
    out = StringIO()
    try:
        call_command("audit_verify", "--log", "test", *arguments, stdout=out)
    except CommandError as error:
        return error.returncode, out.getvalue() + str(error)
    return 0, out.getvalue()


def drawn(number, *, seed=1):
    sample = Sample(number, seed)
    found = list(replaying.replay_sample("test", sample))
    return sample, found


def entry_of(attempt):
    return AuditEntry.objects.get(type="attempt.judged", body__attempt=attempt.pk)


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("seen_once")
def test_all_that_is_drawn_comes_out_the_same_and_each_reading_is_on_record(ordered):
    sample, found = drawn(9)
    assert (sample.of, sample.drawn, sample.same, sample.from_facts, sample.different, found) == (
        4,
        4,
        4,
        0,
        0,
        [],
    )
    read = AuditEntry.objects.filter(type="replay.read").values_list("body", flat=True)
    assert [(body["verification"], body["same"]) for body in read] == [(ordered.id, 1)] * 4


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("seen_once")
def test_the_same_seed_draws_the_same_and_others_draw_others(ordered, monkeypatch):
    ids = set(AuditEntry.objects.filter(type="attempt.judged").values_list("pk", flat=True))
    looked = []

    def judged_again(entry):
        looked.append(entry.pk)
        return Replayed(entry.pk, "eds", "statement", Verdict.SAME, source=FACTS)

    monkeypatch.setattr(replaying, "_judged_again", judged_again)
    for seed in (*range(20), 3):
        sample, _ = drawn(2, seed=seed)
        assert (sample.of, sample.same, sample.from_facts) == (4, 2, 2)
        assert "2 come out the same (2 from facts alone)" in str(sample)
    draws = [tuple(looked[at : at + 2]) for at in range(0, len(looked), 2)]
    assert draws[-1] == draws[3]
    assert len(set(draws)) > 3
    assert {pk for draw in draws for pk in draw} == ids


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("seen_once")
@pytest.mark.forges
def test_a_judgement_that_comes_out_otherwise_is_a_finding_of_its_entry(ordered):
    attempt = last_attempt(ordered)
    write_over(attempt, "eds.identity", outcome="fail", code="eds_iin_mismatch")
    _, [found] = drawn(9)
    assert (found.code, found.entry, found.log) == (
        "judged_otherwise",
        entry_of(attempt).pk,
        "test",
    )
    assert "eds.identity was fail eds_iin_mismatch and is pass" in found.detail
    code, said = audited("--replay", "9", "--seed", "5")
    assert (code, found.detail in said, "1 otherwise" in said) == (1, True, True)


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("seen_once")
def test_what_cannot_be_judged_for_want_of_a_key_is_counted_apart_and_is_no_finding(ordered):
    signature = EvidenceItem.objects.get(attempt=last_attempt(ordered), kind="statement.signature")
    tamper(("DELETE FROM verification_evidenceitem WHERE id = %s", (signature.pk,)))
    sample, found = drawn(9)
    assert (sample.same, dict(sample.cannot), sample.is_blind, found) == (
        3,
        {"evidence_unreadable": 1},
        False,
        [],
    )
    assert "1 could not be judged again: evidence_unreadable 1" in str(sample)


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("seen_once")
def test_the_command_says_what_it_drew_and_by_which_seed(ordered):
    code, said = audited("--replay", "2", "--seed", "77")
    assert (code, "test log: 2 of 4 judgements drawn (seed 77): 2 come out the same" in said) == (
        0,
        True,
    )
    code, said = audited("--replay", "2", "--json")
    told = json.loads(said)
    assert (code, told["ok"], told["replayed"]["test"]["drawn"]) == (0, True, 2)
    assert 0 <= told["replayed"]["test"]["seed"] < 2**32


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("seen_once")
def test_where_nothing_that_was_drawn_can_be_judged_again_it_could_not_look(ordered):
    tamper(("DELETE FROM verification_datakey", ()))
    sample, found = drawn(9)
    assert (sample.cannot.total(), sample.is_blind, found) == (4, True, [])


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("seen_once")
@pytest.mark.parametrize("arguments", [("--replay", "-1"), ("--seed", "5")])
def test_a_sample_that_cannot_be_drawn_is_told_and_exits_with_3(transactional_db, arguments):
    code, said = audited(*arguments)
    assert (code, "--replay needs a number of judgements" in said) == (3, True)


# The table of releases knows the routes as they are done now, and forgets none that was ever
# used.


EVER = {
    "f1f2771ef4a30aef": "eds",
    "a1a1b13cb611c566": "biometric",
    "780511b7b3221402": "eds",
    "5ea6975897819754": "biometric",
    "d5b9465450b66679": "live_face",
    "500fec7118e88ee3": "renewal",
}
"""Each release that was ever used, by its hash: what it says may never be changed."""

LEADS_TO = {
    "burns": {
        *(
            "coercion_reported",
            "consent_declined",
            "document_expired",
            "document_invalid",
            "birth_date_differs",
            "eds_algorithm_refused",
        ),
        *("eds_certificate_expired", "eds_certificate_missing", "eds_certificate_not_yet_valid"),
        *(
            "eds_certificate_revoked",
            "eds_iin_mismatch",
            "eds_iin_missing",
            "eds_issuer_revoked",
            "eds_key_usage",
        ),
        *(
            "eds_malformed",
            "eds_not_individual",
            "eds_path_untrusted",
            "eds_policy_refused",
            "eds_signature_invalid",
        ),
        *(
            "eds_signature_replayed",
            "eds_signed_attributes_invalid",
            "eds_signer_count",
            "eds_statement_mismatch",
        ),
        *("eds_too_large", "face_again"),
        *(
            "face_again_light",
            "face_again_near",
            "face_again_still",
            "face_mismatch",
            "liveness_capture_replayed",
        ),
        *(
            "liveness_command_missed",
            "liveness_face_changed",
            "liveness_face_jumped",
            "liveness_face_missing",
        ),
        *(
            "liveness_frame_early",
            "liveness_frame_frozen",
            "liveness_frame_noiseless",
            "liveness_frame_repeated",
        ),
        *(
            "liveness_frame_seen_before",
            "liveness_frame_unbound",
            "liveness_frame_unreadable",
            "liveness_not_at_rest",
        ),
        *(
            "liveness_order_differs",
            "multiple_faces",
            "name_mismatch",
            "otp_attempts_exhausted",
            "otp_wrong",
        ),
        *(
            "person_deceased",
            "person_unknown",
            "phone_owner_mismatch",
            "registry_mismatch",
            "review_refused",
            "sms_refused",
        ),
    },
    "review": {
        *("face_review", "hand_over_review", "liveness_commands_left_out", "liveness_depth_flat"),
        *(
            "liveness_depth_missing",
            "liveness_injection_camera_changed",
            "liveness_injection_near_duplicates",
        ),
        *(
            "liveness_injection_regular_frames",
            "liveness_injection_still_phone",
            "liveness_injection_virtual_camera",
        ),
        *(
            "liveness_line_review",
            "liveness_passive_review",
            "liveness_replay_review",
            "liveness_review",
        ),
        *("liveness_actor_review", "liveness_surroundings_jumped"),
    },
    "retry": {"eds_revocation_unknown", "eds_timestamp_unavailable"},
    "final": {
        *(
            "coercion_reported",
            "consent_declined",
            "person_deceased",
            "review_refused",
            "person_unknown",
        ),
        *("name_mismatch", "birth_date_differs", "document_invalid", "document_expired"),
    },
    "remark": {"consent_phone_stated", "eds_surname_differs"},
}
"""What the log is weighed by besides. A new code is added; one that is there keeps its meaning, or
is a code anew.
"""


@pytest.mark.parametrize("law", profiles.ALL, ids=lambda law: law.id)
@pytest.mark.parametrize("name", routes.ROUTES)
def test_a_route_is_done_as_the_table_says(
    name: str, law: profiles.Profile, settings: Settings
) -> None:
    settings.TULGA_ROUTES = list(routes.ROUTES)
    is_now = stages.release(name, law=law.sha256)
    assert is_now.asks_register or not law.register_asked
    said = ", ".join(
        f'("{stage}", {list(checks)}, {tries})' for stage, checks, tries in is_now.stages
    )
    changed = f", {is_now.changed}" if is_now.changed else ""
    assert is_now.id in RELEASES, (
        f"{name} is done otherwise than any release in core/releases.py says. Add one beside the"
        " old, which stays: "
        f'Release("{name}", ({said}){changed}), and here to EVER: "{is_now.id}": "{name}"'
    )


def test_no_release_is_changed_or_forgotten() -> None:
    assert {name: release.route for name, release in RELEASES.items()} == EVER


def test_a_release_is_named_by_all_that_it_says() -> None:
    one = Release("eds", (("consent", ("a", "b"), 0), ("statement", ("c",), 3)))
    others = [
        Release("biometric", one.stages),
        Release("eds", tuple(reversed(one.stages))),
        Release("eds", one.stages[:1]),
        Release("eds", (("consent", ("a",), 0), ("statement", ("c",), 3))),
        Release("eds", (("consent", ("b", "a"), 0), ("statement", ("c",), 3))),
        Release("eds", (("consent", ("a", "b"), 0), ("statement", ("c",), 2))),
        Release("eds", one.stages, (("a", 1),)),
        Release("eds", one.stages, (("a", 2),)),
        Release("eds", one.stages, (("b", 1),)),
    ]
    assert len({one.id, *(other.id for other in others)}) == 1 + len(others)
    assert (one.checks("consent"), one.checks("question")) == (("a", "b"), ())
    assert [others[-3].changes(check) for check in ("a", "b")] == [1, 0]
    assert (one.tries("statement"), one.tries("consent"), one.tries("question")) == (3, 0, 0)


@pytest.mark.parametrize("word", LEADS_TO)
def test_a_code_leads_to_what_it_led_to_ever(word: str) -> None:
    assert {code for code, reason in REASONS.items() if getattr(reason, word)} == LEADS_TO[word]


# Each attempt with a live capture ends with one signed document; erasing leaves its trace.


POLICY = LiveCapturePolicy()


def captures(story):
    return Attempt.objects.filter(verification_id=story.id, stage="live_capture").order_by("turn")


def expire(story):
    # Of a review from its beginning, which may be minutes later.
    began = story.row().in_review_since or story.row().created_at
    wait_until(began + timedelta(seconds=policy.VERIFICATION_SECONDS + 60))
    swept()


def passed(script):
    return played()


def another_face(script):
    script.word = "wrong"
    return played()


def unclear(script):
    script.word = "unclear"
    story = played()
    until_given_up(story)
    return story


def broken_worker(script):
    script.faults = 100
    story = played()
    until_given_up(story)
    return story


def silent_midway(script):
    story = at_commands()
    show(story, commands=2)
    run_out(story)
    return story


def canceled_midway(script):
    story = at_commands()
    show(story, commands=1)
    story.cancel()
    story.work()
    return story


def reviewed(decide):
    def play(script):
        script.word = "grey"
        story = played()
        assert (story.row().status, listed(story)) == ("in_review", ())
        decide(story)
        story.work()
        return story

    return play


def left_without_reviewers(script):
    script.word = "grey"
    story = at_commands()
    leave(story.lender)
    show_to_end(story)
    return story


ENDINGS = {
    "passed": (passed, ("passed", None, "checks"), 15),
    "another face": (another_face, ("failed", "face_mismatch", "checks"), 15),
    "unclear": (unclear, ("inconclusive", "eds_revocation_unknown", "checks"), 15),
    "a broken worker": (broken_worker, ("void", "retries_exhausted", "nobody"), 15),
    "silent midway": (silent_midway, ("lapsed", "liveness_command_missed", "nobody"), 6),
    "canceled midway": (canceled_midway, ("void", "canceled_by_lender", "nobody"), 3),
    "passed by people": (reviewed(voted), ("passed", None, "people"), 15),
    "refused by people": (
        reviewed(lambda story: voted(story, passes=False, reviewers=people(story, 1))),
        ("failed", "review_refused", "people"),
        15,
    ),
    "left by reviewers": (reviewed(expire), ("undecided", "review_timeout", "nobody"), 15),
    "left without reviewers": (
        left_without_reviewers,
        ("undecided", "review_unavailable", "nobody"),
        15,
    ),
    "canceled in review": (
        reviewed(Story.cancel),
        ("undecided", "canceled_by_lender", "nobody"),
        15,
    ),
}


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("seen_once")
@pytest.mark.parametrize(("play", "ending", "frames"), ENDINGS.values(), ids=ENDINGS)
def test_each_attempt_that_has_ended_has_one_document(script, play, ending, frames):
    story = play(script)
    assert endings(story)[0] == ending
    document = documents_of(story)[0]
    commands = document["live_image"]["commands"]
    shown = sum(len(command["frames"]) for command in commands)
    # What was judged shows the frames that were compared, the first; all else shows the middle
    # ones.
    place = 0 if ending[2] != "nobody" or ending[0] == "undecided" else 1
    assert [
        [frame["jpeg"] is not None for frame in command["frames"]].index(True)
        for command in commands
    ] == [place for _ in commands]
    assert all(
        sum(frame["jpeg"] is not None for frame in command["frames"]) == 1 for command in commands
    )
    # The order holds four or five commands.
    assert shown in ({12, 15} if frames == 15 else {frames})
    assert document["attempt"]["id"] == captures(story).first().pk
    if ending[2] == "people":
        voters = [vote["person"] for vote in document["result"]["votes"]]
        assert voters == ["usr_0", "usr_1"][: len(voters)]
        assert [stage["stage"] for stage in document["passed_before"]] == ["consent", "question"]
        assert document["comparison"]["zone"] == "review"
    items = EvidenceItem.objects.filter(attempt__in=captures(story), kind="live_capture.document")
    ended = captures(story).exclude(status__in=("open", "judging"))
    assert items.count() == ended.count() == len(listed(story))


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("seen_once")
def test_it_stands_in_the_transaction_of_the_judgement_and_before_the_decision(script):
    story = played()
    entries = AuditEntry.objects.filter(verification_id=story.id).order_by("verification_sequence")
    said = [
        "document" if "document" in json.dumps(entry.body) else entry.type
        for entry in entries
        if entry.type in ("attempt.judged", "verification.verified", "evidence.kept")
    ]
    assert said[-3:] == ["attempt.judged", "document", "verification.verified"]


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("seen_once")
def test_without_a_key_to_sign_by_nothing_is_decided(script, settings):
    kept, settings.TULGA_DOCUMENT_KEYS = settings.TULGA_DOCUMENT_KEYS, {}
    story = played()
    assert (story.row().status, story.row().faults, captures(story).get().status) == (
        "processing",
        1,
        "judging",
    )
    settings.TULGA_DOCUMENT_KEYS = kept
    Verification.objects.filter(pk=story.id).update(
        lease_until=None
    )  # its worker gave up; the lease runs out
    retry(story)
    assert (story.row().status, len(listed(story))) == ("verified", 1)


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("seen_once")
def test_the_document_of_a_canceled_capture_is_owed_until_a_worker_with_its_key_makes_it(
    script, settings
):
    story = at_commands()
    kept, settings.TULGA_DOCUMENT_KEYS = settings.TULGA_DOCUMENT_KEYS, {}
    story.cancel()
    story.work()
    assert (story.row().status, story.row().step, listed(story)) == ("canceled", "document", ())
    settings.TULGA_DOCUMENT_KEYS = kept
    Verification.objects.filter(pk=story.id).update(lease_until=None, reserved_until=None)
    retry(story)
    assert (story.row().status, story.row().step, len(listed(story))) == ("canceled", "", 1)


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("seen_once")
def test_terms_that_are_damaged_leave_what_the_log_says_of_the_checks(script):
    def damaged(story):
        attempt = captures(story).get()
        EvidenceItem.objects.filter(attempt=attempt, kind="live_capture.terms").update(
            commitment="0" * 64
        )
        voted(story)

    document = documents_of(reviewed(damaged)(script))[0]
    assert document["unreadable"] == ["live_capture.terms"]
    told = [(one["name"], one["outcome"]) for one in document["live_image"]["gates"]]
    logged = [(one["check"], one["outcome"]) for one in checks(stage="live_capture")]
    assert [*told, ("face.match", "inconclusive")] == logged


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("seen_once")
@pytest.mark.service
def test_a_real_capture_is_told_with_its_model_and_thresholds(sandbox, settings):
    samples.fetch()
    settings.TULGA_ROUTES = ["biometric"]
    camera.ask_at(sandbox, settings)
    camera.register(sandbox)
    story = begin(lender())
    camera.agree(story)
    camera.free(story)
    camera.capture(story)
    (document,) = documents_of(story)
    assert (document["result"]["outcome"], document["comparison"]["zone"]) == ("passed", "match")
    detail = document["comparison"]["detail"]
    named = {
        name: detail[name]
        for name in ("backend", "training_data", "embedding", "calibration", "calibration_source")
    }
    assert named == {
        "backend": "sface-onnx",
        "training_data": "undocumented",
        "embedding": "sface-2021dec-yunet5/single-l2",
        "calibration": "lfw-2026-11.sface-single-l2",
        "calibration_source": "quoted",
    }
    assert {"model", "model_sha256", "detector_sha256", "decision"} <= detail.keys()
    # Full frames are numbered behind those of the chain, which has twelve here.
    assert (
        document["live_image"]["face"] == f"0.{12 + int(detail['rest_frames'].partition(',')[0])}"
    )
    shown = [
        sum(frame["jpeg"] is not None for frame in one["frames"])
        for one in document["live_image"]["commands"]
    ]
    assert set(shown) == {1}
    checks = [
        document["comparison"]["name"],
        *(gate["name"] for gate in document["live_image"]["gates"]),
    ]
    assert sorted(checks) == sorted(stages.installed("biometric")["live_capture"].checks)
    assert document["policy"]["version"] == POLICY.version
    assert document["reference"]["source"] == "STATE"
    key = vault.open(verification_id=story.id, lender_id=story.lender.pk)
    item = EvidenceItem.objects.get(attempt=captures(story).get(), kind="live_capture.0.frame.12")
    first = document["live_image"]["commands"][0]["frames"][0]
    assert sha256(store.opening(key, item).plain).hexdigest() == first["sha256"]


# A lender lists and downloads its documents; each download is on record, and erasing leaves
# that they existed.


@pytest.mark.django_db(transaction=True)
def test_a_document_is_handed_out_once_the_log_has_ordered_what_it_says(script, monkeypatch):
    with monkeypatch.context() as unordered:
        unordered.setattr(story_module, "order", lambda: None)
        story = played()
    attempt_id = (
        Attempt.objects.filter(verification_id=story.id, stage="live_capture").latest("turn").pk
    )
    assert story.row().status == "verified"
    assert listed(story) == ()
    with pytest.raises(Conflict) as refused:
        download(story, attempt_id)
    assert refused.value.code == "document_not_ready"
    sequencer.order("test")
    assert [one.outcome for one in listed(story)] == ["passed"]
    assert download(story, attempt_id)


@pytest.mark.django_db(transaction=True)
def test_no_document_is_handed_out_of_one_that_a_row_alone_ends(script):
    script.word = "wrong"
    story = played()
    (before,) = listed(story)
    assert story.row().status == "requires_input"
    Verification.objects.filter(pk=story.id).update(status="declined")
    assert listed(story) == ()
    with pytest.raises(Conflict) as refused:
        download(story, before.attempt_id)
    assert refused.value.code == "document_not_ready"


@pytest.mark.django_db(transaction=True)
def test_once_erased_the_log_still_proves_that_it_existed(script):
    story = played()
    (before,) = listed(story)
    document = download(story, before.attempt_id)
    erase(story)
    with pytest.raises(Conflict) as refused:
        download(story, before.attempt_id)
    assert refused.value.code == "document_erased"
    (after,) = listed(story)
    assert (after.is_erased, after.outcome, after.salt) == (True, None, None)
    assert after.commitment == before.commitment
    logged = AuditEntry.objects.filter(verification_id=story.id, type="evidence.kept")
    (said,) = (
        one
        for entry in logged
        for one in entry.body["evidence"]
        if one["kind"] == "live_capture.document"
    )
    # Who kept the document and its salt can show that it is the one in the log.
    assert said["commitment"] == vault.commitment(bytes.fromhex(before.salt), document)
    sequencer.order("test")
    assert list(verify_log("test")) == []


@pytest.mark.django_db(transaction=True)
def test_a_reference_comes_from_a_register_and_there_is_no_other_way_in(script, client):
    """Law O-21: no answer of the borrower and no request of the lender can bring a reference."""
    story = at_commands()
    portrait = {"photo": "AAAA", "reference": "AAAA", "live_capture.photo": "AAAA"}
    story.answer(ready=True, **portrait)
    answered = EvidenceItem.objects.filter(verification_id=story.id).values_list("kind", flat=True)
    assert not [kind for kind in answered if "photo" in kind or "reference" in kind]
    assert PHOTO_SOURCES == ("STATE", "PROVIDER")
    described = client.get("/openapi.json").json()
    taken = [
        media
        for item in described["paths"].values()
        for operation in item.values()
        for media in operation.get("requestBody", {}).get("content", {})
    ]
    assert set(taken) == {"application/json"}
    asked = json.dumps(
        {name: described["components"]["schemas"][name] for name in ("VerificationRequest",)}
    )
    assert not [
        word
        for word in ("photo", "image", "portrait", "reference_sample", "binary")
        if word in asked
    ]


# A signed document says what signed entries say: an attacker who writes rows, or reseals by web's
# key, has no other signed.
MONTH = timedelta(days=30)


def capture_of(story: Story) -> Attempt:
    return Attempt.objects.select_related("verification").get(
        verification_id=story.id, stage="live_capture"
    )


def about_somebody_else(story: Story) -> None:
    row, key = story.row(), contents.key_of(story.row())
    place = vault.CASE
    content = key.unseal(bytes(row.sealed_case), **place).plain.replace(
        IIN.encode(), OTHER_IIN.encode()
    )
    Verification.objects.filter(pk=row.pk).update(sealed_case=key.seal(content, **place).data)


@pytest.mark.django_db(transaction=True)
@pytest.mark.forges
def test_a_document_is_about_whom_the_case_was_opened_for_or_there_is_none(script: Script) -> None:
    script.word = "grey"
    story = played()
    about_somebody_else(story)
    voted(story, passes=False, reviewers=people(story, 1))
    assert story.row().status == "declined"
    assert listed(story) == ()
    missing = AuditEntry.objects.get(verification_id=story.id, type="document.missing")
    assert missing.body["cause"] == "evidence_unreadable"


def a_photo_beside(story: Story) -> None:
    owned_web.plant(capture_of(story), "live_capture.photo", photo_answer(PORTRAIT))


def terms_beside(story: Story) -> None:
    owned_web.plant(
        capture_of(story),
        "live_capture.terms",
        b'{"v": 1, "facts": {}, "checks": [], "policy": {}}',
    )


def another_answer(story: Story) -> None:
    item = EvidenceItem.objects.select_related("verification").get(
        attempt=capture_of(story), kind="live_capture.1.frame.3"
    )
    owned_web.reseal(item, b"another picture")


@pytest.mark.django_db(transaction=True)
@pytest.mark.forges
@pytest.mark.parametrize(
    ("change", "unreadable"),
    [
        (a_photo_beside, []),
        (terms_beside, []),
        (another_answer, ["live_capture.1.frame.3"]),
    ],
)
def test_a_document_holds_what_entries_list_as_they_list_it(
    script: Script, change: Callable[[Story], None], unreadable: list[str]
) -> None:
    story = at_commands()
    show(story, commands=2)
    change(story)
    story.cancel()
    story.work()
    (document,) = documents_of(story)
    assert document["unreadable"] == unreadable
    assert (document["reference"]["status"], document["comparison"], document["policy"]) == (
        "none",
        None,
        None,
    )
    assert document["live_image"]["gates"] == []
    assert document["client_reference"] == "A-1"
    assert [one["stage"] for one in document["passed_before"]] == ["consent", "question"]


@pytest.mark.django_db(transaction=True)
@pytest.mark.forges
def test_the_time_of_a_reference_is_that_of_its_entry(script: Script) -> None:
    script.word = "grey"
    story = played()
    EvidenceItem.objects.filter(verification_id=story.id).update(created_at=F("created_at") - MONTH)
    voted(story, passes=False, reviewers=people(story, 1))
    (document,) = documents_of(story)
    assert datetime.fromisoformat(document["reference"]["at"]) >= story.row().created_at
