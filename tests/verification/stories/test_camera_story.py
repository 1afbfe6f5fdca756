"""Routes with a camera from the opening to the verdict, and the destruction of their frames."""

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime, timedelta
from functools import partial

import numpy as np
import pytest
from django.core.files.storage import storages
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from insecure_sandbox.warp_picture import taken_anew
from tests.insecure_sandbox_process import SandboxProcess
from tests.verification.checks_on_record import checks, passed
from tests.verification.log.judged import findings
from tests.verification.oversight import rows
from tests.verification.stages.person.told import codes
from tests.verification.stories import camera_story
from tests.verification.stories import camera_story as camera
from tests.verification.stories.conftest import Issued
from tests.verification.stories.destruction_story import (
    claim,
    destroyed,
    dispute,
    entries,
    file_of,
    frames,
    gone,
    kept,
    step,
    turn,
)
from tests.verification.stories.document_reading import documents_of
from tests.verification.stories.insecure_capture import at_commands, played, show, show_to_end
from tests.verification.stories.insecure_capture import script as script
from tests.verification.stories.insecure_revocation import InsecureRevocation
from tests.verification.stories.insecure_route import install
from tests.verification.stories.kept import originals
from tests.verification.stories.purge_story import purged
from tests.verification.stories.story import (
    IIN,
    OTHER_IIN,
    Story,
    begin,
    in_parallel,
    lender,
    retry,
    until_given_up,
)
from verification import clock, routes, tasks, transactions
from verification.access import answers, erasures, open_page, openings
from verification.case import contents, dossier, moving, policy, stages, steps
from verification.core import profiles, stored
from verification.core.errors import (
    BadInput,
    EvidenceUnreadable,
    FenceLost,
    NotYourTurn,
    TulgaError,
)
from verification.core.profiles import Profile, Status
from verification.core.route import Again, Looked, Route
from verification.engines.liveness import prints
from verification.engines.liveness.gestures import GESTURES
from verification.engines.liveness.policy import AGAIN, AGAIN_SHARED
from verification.engines.liveness.prints import Prints
from verification.evidence import erasure, store, vault
from verification.models import Attempt, AuditEntry, CaptureWord, EvidenceItem, Verification
from verification.oversight.case_file import case_file
from verification.stages import code, live_capture, statement
from verification.stages.code.checks import CHECKS as CODE
from verification.stages.confirmation.policy import CONSENT_CURRENT as CURRENT
from verification.stages.live_capture.measure import ComparedAll
from verification.stages.statement.checks import CHECKS as STATEMENT
from verification.worker import destruction, queue, sweep
from verification.worker import run as advance
from verification.worker.replay import Verdict, replay

pytestmark = pytest.mark.django_db(transaction=True)


# Routes with a camera or a code, from the opening to the verdict: real frames, a real sandbox.


@pytest.fixture
def _asked(sandbox, settings):
    settings.TULGA_ROUTES = ["biometric"]
    camera.ask_at(sandbox, settings)
    yield
    sandbox.mend()


def at_camera(of=None, reference="A-1", **more):
    story = begin(of or lender(), reference, **more)
    camera.agree(story)
    camera.free(story)
    return story


def attempts():
    return Attempt.objects.filter(stage="live_capture")


@pytest.mark.usefixtures("seen_once")
@pytest.mark.usefixtures("_asked")
@pytest.mark.service
def test_a_live_face_that_follows_and_matches_is_verified_with_every_gate_on_record(sandbox):
    camera.register(sandbox)
    story = at_camera()
    camera.capture(story)
    assert (story.row().status, story.row().code) == ("verified", "")
    records = checks(stage="live_capture")
    assert [said["outcome"] for said in records] == ["pass"] * len(records)
    key = vault.open(verification_id=story.id, lender_id=story.lender.pk)
    judged = Attempt.objects.get(stage="live_capture")
    results = dossier.checks_in(originals([judged], key=key), stage="live_capture")
    measured = {
        said.name for said in results if said.score is not None and said.threshold is not None
    }
    assert {
        "face.timing",
        "face.fresh",
        "face.one_face",
        "face.depth",
        "face.continuity",
        "face.match",
    } <= measured
    assert (
        EvidenceItem.objects.filter(
            attempt__stage="live_capture", kind="live_capture.terms"
        ).count()
        == 1
    )


@pytest.mark.usefixtures("seen_once")
@pytest.mark.usefixtures("_asked")
@pytest.mark.service
def test_a_virtual_camera_is_for_people_and_its_label_is_in_no_entry(sandbox):
    camera.register(sandbox)
    story = at_camera()
    camera.capture(
        story,
        camera.Shown(told={"label": "Aliya's OBS Virtual Camera", "width": 640, "height": 480}),
    )
    assert (story.row().status, story.row().code) == (
        "in_review",
        "liveness_injection_virtual_camera",
    )
    assert [
        said["check"] for said in checks(stage="live_capture") if said["outcome"] != "pass"
    ] == ["face.injection"]
    assert not any(
        "Aliya" in str(body) for body in AuditEntry.objects.values_list("body", flat=True)
    )
    assert {one.verdict for one in replay(verification_id=story.id)} == {Verdict.SAME}


@pytest.mark.usefixtures("seen_once")
@pytest.mark.usefixtures("_asked")
def test_the_next_order_differs_from_the_last_and_no_reload_shows_more_than_one_command(sandbox):
    camera.register(sandbox)
    story = at_camera()
    story.answer(ready=True)
    first = story.page().data
    assert story.page().data == first
    assert set(first) & {"order", "nonce"} == set()
    assert first["command"] == "look_straight"


@pytest.mark.usefixtures("seen_once")
@pytest.mark.usefixtures("_asked")
def test_who_leaves_a_capture_they_had_begun_has_used_up_that_attempt(sandbox, settings):
    settings.TULGA_ROUTES = ["eds", "biometric"]
    camera.register(sandbox)
    story = begin(lender())
    for _ in range(3):
        answers.choose_route(verification_id=story.id, route="biometric")
        camera.agree(story)
        camera.free(story)
        story.answer(ready=True)
        answers.choose_route(verification_id=story.id, route="eds")
        assert story.page().page == "wait"
        story.work()
        assert (story.row().route, story.page().page) == ("eds", "consent")
    assert (
        list(attempts().values_list("status", "code", "burnt"))
        == [("lapsed", "liveness_command_missed", True)] * 3
    )
    answers.choose_route(verification_id=story.id, route="biometric")
    camera.agree(story)
    camera.free(story)
    assert (story.row().status, story.row().code) == ("declined", "attempts_exhausted")


@pytest.mark.usefixtures("seen_once")
@pytest.mark.usefixtures("_asked")
@pytest.mark.service
def test_twenty_parallel_posts_make_no_fourth_attempt(sandbox):
    camera.register(sandbox)
    of = lender()
    story = at_camera(of)
    for _ in range(2):
        camera.junk_capture(story)
        story.work()
    waiting = [at_camera(of, f"B-{number}") for number in range(4)]
    third = [story, *waiting]

    def post(number):
        one = third[number % len(third)]
        try:
            camera.junk_capture(one)
            one.work()
        except TulgaError:
            return 0
        return 1

    in_parallel(post, 20)
    for one in third:
        until_given_up(one)
    assert attempts().filter(burnt=True).count() == attempts().count() == 3
    assert {one.row().status for one in third} == {"declined"}


# Under KZ-2025-01 a signature and a face are needed together: first the one, then the other,
# both on record.
BOTH = "KZ-2025-01"


@pytest.fixture
def _both_routes(
    trusted: type[InsecureRevocation], sandbox: SandboxProcess, settings: Settings
) -> None:
    camera.ask_for_signatures_too(sandbox, settings)
    camera.register(sandbox)


def signed_first(issued: Issued, reference: str = "A-1") -> Story:
    story = begin(lender(), reference, profile=BOTH).to_statement()
    story.sign_to_end(issued())
    return story


@pytest.mark.usefixtures("seen_once")
@pytest.mark.service
@pytest.mark.usefixtures("_both_routes")
def test_a_signature_and_then_a_face_verify_and_neither_alone(issued: Issued) -> None:
    story = signed_first(issued)
    row = story.row()
    assert (row.status, row.route, row.passed_routes) == ("requires_input", "biometric", ["eds"])
    # Consent was given for the whole; the question that breaks a script is asked before each last
    # step.
    assert (story.page().page, story.page().step, story.page().steps) == ("question", 4, 5)
    camera.free(story)
    assert (story.page().page, story.page().step) == ("commands", 5)
    camera.capture(story)
    row = story.row()
    assert (row.status, row.passed_routes) == ("verified", ["eds", "biometric"])
    assert {"face.match", "face.commands", "person.alive"} <= passed(verification=story.id)
    assert AuditEntry.objects.filter(type="verification.verified").count() == 1


@pytest.mark.usefixtures("seen_once")
@pytest.mark.service
@pytest.mark.usefixtures("_both_routes")
def test_after_the_signature_there_is_no_way_round_the_face(issued: Issued) -> None:
    story = signed_first(issued)
    for route in ("eds", "biometric", "live_face"):
        with pytest.raises((NotYourTurn, BadInput)):
            answers.choose_route(verification_id=story.id, route=route)
    assert story.page().routes == ()


@pytest.mark.usefixtures("seen_once")
@pytest.mark.service
@pytest.mark.usefixtures("_both_routes")
def test_a_signature_and_a_face_that_does_not_follow_are_declined(issued: Issued) -> None:
    story = signed_first(issued)
    camera.free(story)
    for _ in range(2):
        camera.junk_capture(story)
        story.work()
    camera.capture(story, camera.Shown("neutral"))
    row = story.row()
    assert (row.status, row.code, row.passed_routes) == ("declined", "attempts_exhausted", ["eds"])
    assert not AuditEntry.objects.filter(type="verification.verified").exists()


@pytest.mark.usefixtures("seen_once")
@pytest.mark.service
@pytest.mark.usefixtures("_both_routes")
def test_a_signature_and_another_persons_face_are_not_verified(
    issued: Issued, sandbox: SandboxProcess
) -> None:
    camera.register(sandbox, photo="biden.jpg")
    story = signed_first(issued)
    camera.free(story)
    camera.capture(story)
    assert (story.row().status, story.page().notice, story.page().attempt) == (
        "requires_input",
        "face_mismatch",
        2,
    )


# A fourth route of known stages: its entry, its name in the settings, and a profile that counts
# it. Its line in the table of releases besides, which `test_replay.py` prints. That each
# story here was lawful by it is asked at its end, as of every story.
# Who signed is known by the signature, so no register of phones is asked: there is no consent to
# ask one.
SIGNED_CODE = Route(
    name="signed_code",
    title="EDS and a code",
    label="Signature and code",
    explanation="Your own key, then a code by SMS.",
    stages=(
        statement.STAGE,
        code.STAGE.differing(
            checks={name: check for name, check in CODE.items() if name != "code.owner"}
        ),
    ),
)
PROFILE = Profile(
    id="TEST-1",
    status=Status.IN_FORCE,
    since=date(2026, 1, 1),
    combinations=(("signed_code",),),
    replaced_max=0,
    source="no law: a test of ours",
)


@pytest.fixture
def _fourth(
    trusted: type[InsecureRevocation],
    sandbox: SandboxProcess,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(routes.ROUTES, "signed_code", SIGNED_CODE)
    monkeypatch.setitem(profiles.PROFILES, PROFILE.id, PROFILE)
    settings.TULGA_ROUTES = ["signed_code"]
    for_signatures = dict(settings.TULGA_SOURCES["test"])
    camera_story.ask_at(sandbox, settings)
    settings.TULGA_SOURCES = {"test": for_signatures | settings.TULGA_SOURCES["test"], "live": {}}


def at_the_code(issued: Issued) -> Story:
    story = begin(lender(), profile=PROFILE.id)
    story.reply(agreed=True, version=CURRENT, language="ru")
    assert story.page().page == "statement"
    story.sign_to_end(issued())
    story.reply(somebody_tells_me=False)
    assert (story.page().page, story.page().step, story.page().steps) == ("code", 4, 4)
    return story


@pytest.mark.usefixtures("seen_once")
@pytest.mark.service
@pytest.mark.usefixtures("_fourth")
def test_a_signature_and_a_code_verify_end_to_end_and_are_judged_the_same_again(
    issued: Issued, sandbox: SandboxProcess
) -> None:
    story = at_the_code(issued)
    story.reply(code=codes(sandbox)[-1])
    row = story.row()
    assert (row.status, row.passed_routes) == ("verified", ["signed_code"])
    assert passed(verification=story.id) == {
        "consent.agreed",
        "question.free",
        "code.sent",
        "code.guess",
        *STATEMENT,
    }
    assert {one.verdict for one in replay(verification_id=story.id)} == {Verdict.SAME}


# What a worker does with one turn of a capture: it looks, says whether the command was seen,
# and asks on by that.


def answered(story):
    """The story's first command is answered, and a worker owes a look."""
    story.answer(ready=True)
    story.answer(**part())


def part():
    """The pictures of a command, bound to nothing, in one part."""
    told = [{"at_ms": 0, "still": is_still, "mac": "00"} for is_still in (False, True)]
    return {"part": 0, "parts": 1, "frames": told, "files": [b"first", b"first"]}


def entries_of(story, kind="attempt.looked_at"):
    return list(
        AuditEntry.objects.filter(verification_id=story.id, type=kind).order_by(
            "verification_sequence"
        )
    )


def attempt():
    return Attempt.objects.get(stage="live_capture")


def test_while_a_worker_looks_no_answer_is_taken_and_the_page_says_so(script):
    story = at_commands()
    answered(story)
    page, row = story.page(), story.row()
    assert (page.page, page.is_looked_at, row.status, attempt().status) == (
        "wait",
        True,
        "processing",
        "judging",
    )
    assert open_page.is_looked_at(verification_id=story.id)
    with pytest.raises(NotYourTurn):
        story.answer(**part())
    before = timezone.now()
    story.work()
    page = story.page()
    assert datetime.fromisoformat(page.data["revealed"]) > before
    assert (page.page, page.is_looked_at, page.data["step"], page.data["seen"]) == (
        "commands",
        False,
        2,
        True,
    )
    assert (story.row().status, attempt().status) == ("requires_input", "open")
    assert not open_page.is_looked_at(verification_id=story.id)


def test_each_look_is_an_entry_that_says_what_it_kept_and_what_follows(script):
    story = at_commands()
    show(story)
    looked, answers = (
        entries_of(story),
        entries_of(story, "attempt.answered")[3:],
    )  # after consent, question and "ready"
    assert [entry.body["next"] for entry in looked] == ["ask"] * (len(answers) - 1) + ["collect"]
    assert [entry.body["turn"] for entry in looked] == [entry.body["turn"] for entry in answers]
    kinds = [one["kind"] for entry in looked for one in entry.body["evidence"]]
    assert kinds == [f"live_capture.{number}.seen" for number in range(len(looked))]


def test_a_look_that_faults_is_tried_again_and_nothing_is_lost_or_done_twice(script, monkeypatch):
    story = at_commands()
    answered(story)
    looks = iter([OSError("made by a test")])

    def look(evidence, memory):
        for fault in looks:
            raise fault
        assert evidence.items.keys() == {
            f"live_capture.0.{kind}" for kind in ("chain.0", "frame.1", "part.0", "turn")
        }
        return Looked(is_right=True)

    look_by(monkeypatch, look)
    story.work()
    assert (story.row().step, story.row().faults, entries_of(story)) == (steps.LOOK, 1, [])
    retry(story)
    assert story.page().data["step"] == 2
    assert (len(entries_of(story)), story.row().faults, attempt().burnt) == (1, 0, False)
    assert EvidenceItem.objects.filter(kind="live_capture.0.seen").count() == 1


def test_a_worker_whose_lease_ran_out_meanwhile_asks_nothing_on(script, monkeypatch):
    story = at_commands()
    answered(story)
    claimed = queue.claim(story.id)
    assert claimed is not None

    def look(evidence, memory):
        Verification.objects.filter(pk=story.id).update(fence="another's")
        return Looked(is_right=True)

    look_by(monkeypatch, look)
    with pytest.raises(FenceLost):
        advance.run(claimed)
    assert (entries_of(story), attempt().status) == ([], "judging")


def test_a_capture_that_is_withdrawn_from_counts_so_that_no_attempt_is_won(script):
    """Else a borrower would withdraw whenever a capture goes wrong, and never run out of them."""
    story = at_commands()
    show(story, commands=2)
    erasures.withdraw(story.id)
    tasks.advance(story.id)
    assert (story.row().code, attempt().status, attempt().burnt) == (
        "consent_withdrawn",
        "lapsed",
        True,
    )
    assert len(AuditEntry.objects.filter(verification_id=story.id, type="receipt.issued")) == 1


def test_a_capture_that_is_canceled_while_a_worker_looks_is_over(script, monkeypatch):
    story = at_commands()
    answered(story)

    def look(evidence, memory):
        openings.cancel(lender_id=story.lender.pk, mode="test", verification_id=story.id)
        return Looked(is_right=True)

    look_by(monkeypatch, look)
    tasks.advance(story.id)
    assert (story.row().status, attempt().status, entries_of(story)) == ("canceled", "void", [])


def look_by(monkeypatch, look):
    way = stages.installed("biometric")
    other = {**way, "live_capture": way["live_capture"].differing(look=look)}
    monkeypatch.setattr(stages, "of_route", lambda _, **__: other)


@pytest.fixture
def asked(sandbox, settings, seen_once):
    settings.TULGA_ROUTES = ["biometric"]
    camera.ask_at(sandbox, settings)
    camera.register(sandbox)
    yield
    sandbox.mend()


def played_missing(*, misses):
    """A capture that answers these commands, numbered from 1, by a face at rest; what the page said
    after each.
    """
    story = begin(lender())
    camera.agree(story)
    camera.free(story)
    story.answer(ready=True)
    said: list[bool | None] = []
    while story.page().data.get("state") == "command":
        camera.step(story, camera.Shown("neutral" if len(said) in misses else None))
        said.append(story.page().data.get("seen"))
    story.work()
    return story, said


@pytest.mark.service
def test_a_portrait_that_does_nothing_is_never_told_that_a_command_was_seen(asked):
    story, said = played_missing(misses=range(1, 10))
    # Looking straight is no command, and a portrait does it.
    assert said == [True, False, False, None]
    assert story.page().notice == "liveness_command_missed"
    assert story.page().data["missed"] in GESTURES


@pytest.mark.service
def test_a_missed_command_is_replaced_and_the_whole_is_judged_and_replayed_from_both(asked):
    story, said = played_missing(misses={1})
    assert said[:2] == [True, False]
    assert story.row().status == "verified"
    # What was measured turn by turn gives what measuring all of it anew gives.
    assert {one.verdict for one in replay(verification_id=story.id)} == {"same"}
    (document,) = documents_of(story)
    shown = document["live_image"]["commands"]
    # The document says what the page was told, one more miss of a noisy film included; only the
    # last it was not told.
    assert [one["seen"] for one in shown] == [*said[:-1], True]
    assert len(shown) > len(document["live_image"]["ordered"])
    key = vault.open(verification_id=story.id, lender_id=story.lender.pk)
    kept = originals([attempt()], key=key)
    looks = [json.loads(content) for kind, content in kept.items() if kind.endswith(".look")]
    assert len(looks) == len(shown)
    assert {frame["face"]["mesh"] for look in looks for frame in look["frames"]} == {None}


@pytest.mark.service
def test_under_a_law_that_repeats_the_check_the_capture_ends_with_the_missed_command(
    asked, monkeypatch
):
    strict = replace(profiles.get("KZ-2021-04"), replaced_max=0)
    monkeypatch.setitem(profiles.PROFILES, strict.id, strict)
    story, said = played_missing(misses={2})
    assert said == [True, True, None]
    page = story.page()
    assert (page.page, page.notice, page.attempt) == ("commands", "liveness_command_missed", 2)
    (document,) = documents_of(story)
    assert [one["seen"] for one in document["live_image"]["commands"]] == [True, True, False]
    assert page.data["missed"] == document["live_image"]["commands"][2]["command"]


# A capture that comes again in another verification, and what is left of the first: words,
# numbers, nothing.
_FRAMES = 14  # of a command: a window of the comparison, and more
# in place of AGAIN_OTHERS: who is compared of too many does not depend on how many are too many
_OTHERS = 6


@pytest.fixture
def _played_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every capture here is the same film, in the noise of another moment."""
    monkeypatch.setattr(camera, "taken_anew", partial(taken_anew, drift=(0.0, 0.0, 0.0, 0.0)))


@pytest.fixture
def _sources(sandbox: SandboxProcess, settings: Settings) -> None:
    settings.TULGA_ROUTES = ["biometric"]
    camera.ask_at(sandbox, settings)
    for iin in (IIN, OTHER_IIN):
        camera.register(sandbox, iin)


@pytest.fixture
def _few_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    few = replace(_again(), others_max=_OTHERS)
    stages = routes.ROUTES["biometric"].stages
    install(
        monkeypatch,
        "biometric",
        *(stage.differing(again=few) if stage.again else stage for stage in stages),
    )


def _captured(reference: str, *, iin: str = IIN, number: int = 1) -> Story:
    story = begin(lender(f"Lender {number}", number=number), reference, iin=iin)
    camera.agree(story)
    camera.free(story)
    camera.capture(story, camera.Shown(count=_FRAMES))
    return story


def attempt_of(story: Story) -> Attempt:
    # The one that was judged; after a refusal another is open already.
    return Attempt.objects.get(verification_id=story.id, stage="live_capture", answers__gt=1)


def _codes(story: Story) -> dict[str, str]:
    entry = AuditEntry.objects.get(type="attempt.judged", body__attempt=attempt_of(story).pk)
    return {check["check"]: check["code"] for check in entry.body["checks"]}


def _compared(story: Story) -> list[dict[str, object]]:
    kept = originals([attempt_of(story)], key=contents.key_of(story.row()))
    found: list[dict[str, object]] = json.loads(kept["live_capture.compared"])["others"]
    return found


@pytest.mark.service
@pytest.mark.usefixtures("seen_once")
@pytest.mark.usefixtures("_played_again", "_sources")
def test_it_is_refused_for_any_borrower_and_nothing_of_the_first_is_told() -> None:
    first = _captured("A-1")
    assert (first.row().status, {*_codes(first).values()}) == ("verified", {""})
    assert _compared(first) == []
    second = _captured("B-1", iin=OTHER_IIN, number=2)
    assert _codes(second)["face.fresh"] == "liveness_capture_replayed"
    assert [one["attempt"] for one in _compared(second)] == [attempt_of(first).pk]
    told = json.dumps(
        list(AuditEntry.objects.filter(verification=second.id).values_list("body", flat=True))
    )
    assert attempt_of(first).pk not in told
    assert first.id not in told
    # Judged again by what was found then, whatever is left of the first.
    assert [one.verdict for one in replay(verification_id=second.id)] == [Verdict.SAME] * 3
    erasure.erase(first.id, at=timezone.now())
    assert [one.verdict for one in replay(verification_id=second.id)] == [Verdict.SAME] * 3


@pytest.mark.service
@pytest.mark.usefixtures("seen_once")
@pytest.mark.usefixtures("_played_again", "_sources")
def test_words_go_with_the_key_and_then_nothing_is_found() -> None:
    first = _captured("A-1")
    attempt = attempt_of(first)
    words = CaptureWord.objects.filter(attempt=attempt)
    assert 40 < words.count() < 1000
    evidence = originals([attempt], key=contents.key_of(first.row()))
    other = Attempt.objects.create(**_copied(attempt, mode="test"))
    of = live_capture.STAGE.again
    assert of is not None
    found = dossier.compared(other, of, evidence)
    assert [one["attempt"] for one in json.loads(found["live_capture.compared"])["others"]] == [
        attempt.pk
    ]
    # What was captured in the sandbox is nothing to real borrowers, and no capture is compared
    # with itself.
    for same in (Attempt(**_copied(attempt, mode="live")), attempt):
        found = dossier.compared(same, of, evidence)
        assert json.loads(found["live_capture.compared"])["others"] == []
    erasure.erase(first.id, at=timezone.now())
    assert not words.exists()
    found = dossier.compared(other, of, evidence)
    assert json.loads(found["live_capture.compared"])["others"] == []


@pytest.mark.service
@pytest.mark.usefixtures("seen_once")
@pytest.mark.usefixtures("_played_again", "_sources")
def test_what_does_not_open_is_no_evidence_against_anybody() -> None:
    first = _captured("A-1")
    EvidenceItem.objects.filter(attempt=attempt_of(first), kind="live_capture.1.prints").update(
        commitment="0" * 64
    )
    second = _captured("B-1", iin=OTHER_IIN, number=2)
    assert _codes(second)["face.fresh"] == ""
    assert _compared(second) == []


@pytest.mark.service
@pytest.mark.usefixtures("seen_once")
@pytest.mark.usefixtures("_played_again", "_sources")
@pytest.mark.usefixtures("_few_compared")
@pytest.mark.parametrize(("older", "later"), [(0, _OTHERS), (_OTHERS, 0)])
def test_no_number_of_decoys_lets_a_capture_pass_that_comes_again(older: int, later: int) -> None:
    first = _captured("A-1")
    _deceive(first, older, opened_at=timezone.now() - timedelta(days=1))
    _deceive(first, later, opened_at=timezone.now())
    second = _captured("B-1", iin=OTHER_IIN, number=2)
    ends = {"liveness_capture_replayed": "requires_input"}
    # Where older decoys left it uncompared, people look; a decoy that fits by chance refuses as
    # well.
    ends |= {"liveness_replay_review": "in_review"} if older else {}
    assert _codes(second)["face.fresh"] in ends
    assert second.row().status == ends[_codes(second)["face.fresh"]]
    assert len(_compared(second)) == _OTHERS


@pytest.mark.service
@pytest.mark.usefixtures("seen_once")
@pytest.mark.usefixtures("_played_again", "_sources")
def test_more_captures_than_can_be_compared_or_words_than_can_be_counted_are_not_left_out_silently(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    first, decoys = _captured("A-1"), _OTHERS - 1
    attempt, evidence = (
        attempt_of(first),
        originals([attempt_of(first)], key=contents.key_of(first.row())),
    )
    presented = Attempt.objects.create(**_copied(attempt, mode="test"))

    def found() -> tuple[int, bool, bool]:
        of = dossier.compared(presented, replace(_again(), others_max=_OTHERS), evidence)[
            "live_capture.compared"
        ]
        told = stored.read(json.loads(of), into=ComparedAll, what="compared")
        return len(told.others), attempt.pk in {one.attempt for one in told.others}, told.is_whole

    assert found() == (1, True, True)
    _deceive(first, decoys, opened_at=timezone.now())
    assert found() == (
        _OTHERS,
        True,
        True,
    )  # a person with so many earlier captures is compared with all of them
    _deceive(first, 1, opened_at=timezone.now())
    assert found() == (_OTHERS, True, False)  # half of those compared are the oldest
    monkeypatch.setattr(policy, "WORDS_COUNTED", AGAIN_SHARED - 1)
    assert found() == (0, False, False)


def _again() -> Again:
    of = live_capture.STAGE.again
    assert of is not None
    return of


def _deceive(first: Story, number: int, *, opened_at: datetime) -> None:
    """So many captures of the pictures of the first, in orders that are like none, and each three
    times: the index of every third frame has them all, so that each shares more words with what
    comes again than the first does.
    """
    chance, key, attempt = (
        np.random.default_rng([number]),
        contents.key_of(first.row()),
        attempt_of(first),
    )
    kept = originals([attempt], key=key)
    steps = {kind: prints.from_bytes(kept[kind]) for kind in kept if kind.endswith(".prints")}
    for at in range(number):
        shuffled = _shuffled(steps, chance)
        moment = {"opened_at": opened_at + timedelta(milliseconds=at)}
        decoy = Attempt.objects.create(**_copied(attempt, mode="test") | moment)
        with transactions.writing():
            dossier.put(
                decoy,
                {kind: step.to_bytes() for kind, step in shuffled.items()},
                key=key,
                at=timezone.now(),
            )
            dossier.remember(
                decoy, _again(), {kind: step.to_bytes() for kind, step in shuffled.items()}
            )


def _shuffled(steps: Mapping[str, Prints], chance: np.random.Generator) -> dict[str, Prints]:
    """Shuffled until the capture would not be taken for it."""
    while True:
        found = {}
        for kind, shown in steps.items():
            order = np.repeat(chance.permutation(len(shown.signs)), 3)
            found[kind] = Prints(shown.signs[order], shown.motion[order], shown.looks[order])
        if (
            prints.compare(list(steps.values()), list(found.values()), limits=AGAIN).fitting
            < AGAIN.fitting / 2
        ):
            return found


def _copied(attempt: Attempt, *, mode: str) -> dict[str, object]:
    names = (
        "verification_id",
        "lender_id",
        "route",
        "stage",
        "turn",
        "sealed_memory",
        "opened_at",
        "expires_at",
    )
    return {**{name: getattr(attempt, name) for name in names}, "mode": mode, "status": "failed"}


# Of a camera's frames one a command stays; the others go 72 hours after the end, unless held.


HOUR = 3600


@pytest.fixture
def story(script):
    """Verified by a capture."""
    return played()


def past_72_hours():
    """It is 73 hours later, and the tick looks."""
    turn(73)
    sweep.run_round()


@pytest.mark.usefixtures("seen_once")
def test_after_72_hours_one_frame_of_each_command_is_left_and_the_files_of_all_others_are_gone(
    script, story
):
    before, sequence = frames(story), story.row().sequence
    assert {file_of(item).exists() for item in before} == {True}
    turn(71.9)
    sweep.run_round()
    assert (step(story), story.row().step, gone(story)) == (False, "", [])
    turn(0.2)
    sweep.run_round()
    assert (story.row().step, story.row().queue, step(story)) == ("destroy", "storage", True)
    # Keys and entry first: were the files gone before, a crash would leave rows that point at
    # nothing.
    assert {item.wrapped_key for item in gone(story)} == {None}
    assert {file_of(item).exists() for item in gone(story)} == {True}
    assert step(story)
    steps = len({kind.split(".")[1] for kind in kept(story)})
    assert kept(story) == [f"live_capture.{number}.frame.3" for number in range(steps)]
    assert {file_of(item).exists() for item in gone(story)} == {False}
    assert len(gone(story)) == len(before) - steps == 3 * steps
    key = vault.open(verification_id=story.id, lender_id=story.lender.pk)
    for item in frames(story):
        if item.destroyed_at is None:
            assert store.opening(key, item).plain.startswith(story.id.encode())
        else:
            with pytest.raises(EvidenceUnreadable, match="was destroyed"):
                store.opening(key, item)
    row = story.row()
    assert (row.status, row.step, row.frames_until, row.sequence) == (
        "verified",
        "",
        None,
        sequence + 1,
    )
    turn(100)
    sweep.run_round()
    assert not step(story)


@pytest.mark.usefixtures("seen_once")
def test_one_entry_of_each_attempt_lists_what_was_destroyed(script):
    script.gate = "liveness_command_missed"
    story = played()
    script.gate = ""
    show_to_end(story)
    assert story.row().status == "verified"
    destroyed(story)
    captures = Attempt.objects.filter(verification_id=story.id, stage="live_capture")
    listed = {entry.body["attempt"]: entry.body["destroyed"] for entry in entries(story)}
    assert listed == {
        attempt.pk: sorted(item.pk for item in gone(story) if item.attempt_id == attempt.pk)
        for attempt in captures
    }
    # One frame of each command is left, which is what the documents show.
    shown = [
        f"live_capture.{frame['name'].replace('.', '.frame.')}"
        for document in documents_of(story)
        for command in document["live_image"]["commands"]
        for frame in command["frames"]
        if frame["jpeg"]
    ]
    assert sorted(kept(story)) == sorted(shown)
    sweep.run_round()
    assert findings() == []


def canceled(script):
    story = at_commands()
    show(story, commands=2)
    openings.cancel(lender_id=story.lender.pk, mode="test", verification_id=story.id)
    assert step(story)  # the document
    return story


def expired(script):
    story = at_commands()
    show(story, commands=2)
    turn(25)
    sweep.run_round()
    assert step(story)
    # 72 hours after it began.
    turn(48)
    sweep.run_round()
    assert not step(story)
    return story


@pytest.mark.usefixtures("seen_once")
@pytest.mark.parametrize(
    ("end", "status"),
    [(canceled, "canceled"), (expired, "expired")],
)
def test_of_a_capture_that_was_never_judged_the_middle_frames_are_left(script, end, status):
    story = end(script)
    assert story.row().status == status
    destroyed(story)
    assert kept(story) == [f"live_capture.{number}.frame.4" for number in range(2)]
    assert story.row().status == status
    sweep.run_round()
    assert findings() == []


@pytest.mark.usefixtures("seen_once")
def test_a_verification_without_a_camera_is_owed_nothing_after_its_end(script):
    story = begin(lender())
    openings.cancel(lender_id=story.lender.pk, mode="test", verification_id=story.id)
    story.work()  # its receipt
    turn(100)
    sweep.run_round()
    assert (story.row().frames_until, story.row().step) == (None, "")


@pytest.mark.usefixtures("seen_once")
def test_a_refusal_for_liveness_holds_all_frames_without_an_entry(script):
    script.gate, script.word = "liveness_face_jumped", "wrong"
    story = played()
    script.gate = "face_quality"
    for _ in range(2):
        show_to_end(story)
    assert (story.row().status, story.row().code) == ("declined", "attempts_exhausted")
    before = story.row().sequence
    past_72_hours()
    assert (step(story), step(story)) == (True, False)
    turn(24 * 365)
    sweep.run_round()
    assert (step(story), gone(story), story.row().sequence) == (False, [], before)
    assert {file_of(item).exists() for item in frames(story)} == {True}


@pytest.mark.usefixtures("seen_once")
def test_a_disputed_case_keeps_all_of_it_and_is_asked_again_a_day_later(script, story):
    past_72_hours()
    claimed = claim(story)
    # It comes while a worker has begun.
    dispute(story)
    before = story.row().sequence
    advance.run(claimed)
    assert (gone(story), story.row().step, story.row().sequence) == ([], "", before)
    turn(23.9)
    sweep.run_round()
    assert not step(story)
    turn(0.2)
    sweep.run_round()
    assert (step(story), step(story), gone(story), story.row().sequence) == (
        True,
        False,
        [],
        before,
    )
    Verification.objects.filter(pk=story.id).update(disputed_at=None)  # no row takes a dispute back
    turn(24.1)
    sweep.run_round()
    assert (step(story), gone(story)) == (True, [])


@pytest.mark.usefixtures("seen_once")
def test_of_an_erased_verification_no_frame_is_left(script):
    story = played()
    destroyed(story)
    assert kept(story)
    purged(story)
    assert kept(story) == []
    assert {file_of(item).exists() for item in frames(story)} == {False}
    assert findings() == []


# Whatever breaks while frames are destroyed, what must go is owed until it is gone, and no
# status moves.


@pytest.mark.usefixtures("seen_once")
def test_a_worker_that_dies_between_the_keys_and_the_files_leaves_them_to_the_next(script, story):
    past_72_hours()
    assert step(story)
    assert step(story, dies=True)
    assert not step(story), "its lease holds"
    left = {file_of(item).exists() for item in gone(story)}
    assert left == {True}
    sweep.run_round()
    assert findings() == [], "what a worker owes is not tampering"
    turn(0.01)
    assert step(story)
    assert {file_of(item).exists() for item in gone(story)} == {False}
    assert (story.row().step, story.row().frames_until, len(entries(story))) == ("", None, 1)


@pytest.mark.usefixtures("seen_once")
def test_a_worker_that_comes_late_destroys_nothing(script, story):
    past_72_hours()
    late = claim(story)
    turn(0.01)
    dispute(story)
    step(story)
    with pytest.raises(FenceLost):
        advance.run(late)
    assert gone(story) == []


def break_storage(monkeypatch, fault):
    kind = type(storages["evidence"])
    monkeypatch.setattr(kind, "delete", fault)


@pytest.mark.usefixtures("seen_once")
def test_a_store_that_faults_moves_no_status_and_the_step_stays_owed(script, monkeypatch):
    def insecure_delete(storage, name):
        raise PermissionError(name)

    story = played()
    past_72_hours()
    assert step(story)
    with monkeypatch.context() as broken:
        break_storage(broken, insecure_delete)
        waits = []
        for _ in range(policy.FAULTS_MAX + 3):
            before = clock.now()
            assert step(story)
            row = story.row()
            assert (row.status, row.code, row.step) == ("verified", "", "destroy")
            assert row.due_at is not None
            waits.append(round((row.due_at - before).total_seconds()))
            turn((waits[-1] + 1) / HOUR)
    assert waits == [*policy.BACKOFF_SECONDS[:4], *[policy.DESTRUCTION_SECONDS] * 4]
    (fault,) = entries(story, "step.faulted")
    assert (fault.body["step"], fault.body["cause"]) == ("destroy", "PermissionError")
    assert step(story)
    assert {file_of(item).exists() for item in gone(story)} == {False}
    assert (story.row().step, story.row().status) == ("", "verified")


@pytest.mark.usefixtures("seen_once")
def test_a_step_whose_workers_die_without_a_word_is_put_off_and_never_given_up(script, story):
    past_72_hours()
    for _ in range(policy.FAULTS_MAX):
        assert step(story, dies=True)
        turn(0.01)
    assert step(story)
    row = story.row()
    assert (row.status, row.step, gone(story)) == ("verified", "destroy", [])
    assert [entry.body["cause"] for entry in entries(story, "step.faulted")] == ["worker_lost"]
    assert not step(story)
    turn(1.1)
    assert (step(story), bool(gone(story))) == (True, True)


@pytest.mark.usefixtures("seen_once")
def test_of_two_rounds_that_find_it_due_one_owes_it(script, story):
    turn(73)
    owe = partial(sweep._owe, steps.DESTROY, destruction.QUEUE, Q(step=""), story.id)
    assert in_parallel(lambda _: owe(at=clock.now()), 2).count(1) == 1
    claimed = claim(story)
    assert owe(at=clock.now()) == 0
    assert story.row().fence == claimed.fence


# Who can write rows, and entries, makes no worker destroy what must stay, and no replay or
# check of the log agrees.


def make_due(story):
    Verification.objects.filter(pk=story.id).update(
        step="destroy", queue="storage", due_at=clock.now()
    )


def all_there(story):
    return gone(story) == [] and {file_of(item).exists() for item in frames(story)} == {True}


@pytest.mark.usefixtures("seen_once")
def test_a_step_that_somebody_made_due_destroys_nothing_of_a_case_in_review(script):
    script.word = "grey"
    story = played()
    assert story.row().status == "in_review"
    make_due(story)
    assert step(story)
    assert all_there(story)
    assert story.row().step == ""
    assert AuditEntry.objects.get(type="step.faulted").body["cause"] == "too_early"


def forged(story, items):
    """An entry as the product writes it, of items of the attacker's choice, whose keys and files
    are gone.
    """
    row = Verification.objects.get(pk=story.id)
    at = clock.now()
    with transactions.writing():
        store.destroy(items, at=at)
        attempt = items[0].attempt_id
        body = {
            "attempt": attempt,
            "route": "biometric",
            "stage": "live_capture",
            "number": len(items),
        }
        listed = [item.pk for item in items]
        moving.record(row, "evidence.destroyed", at=at, body=body | {"destroyed": listed})
    store.remove_files(story.id, sealed_hashes={item.pk: item.sealed_sha256 for item in items})
    sweep.run_round()


@pytest.mark.usefixtures("seen_once")
@pytest.mark.forges
def test_no_replay_agrees_where_the_frame_that_stands_for_a_command_is_gone(script):
    story = destroyed(played())
    (shown, *_) = [item for item in frames(story) if item.destroyed_at is None]
    forged(story, [shown])
    last = replay(verification_id=story.id)[-1]
    assert (last.verdict, last.detail) == (Verdict.CANNOT, f"evidence is missing: {shown.kind}")


# What was judged by frames that are destroyed is judged the same, and what went without an
# entry is named.


@pytest.mark.usefixtures("seen_once")
def test_judged_again_the_facts_that_were_kept_give_the_same_word(script, story):
    assert {(one.verdict, one.source) for one in replay(verification_id=story.id)} == {
        (Verdict.SAME, "evidence")
    }
    destroyed(story)
    before = script.measured
    found = {one.stage: (one.verdict, one.source) for one in replay(verification_id=story.id)}
    assert script.measured == before, "what is left of the frames is no evidence to measure"
    assert found == {
        "consent": (Verdict.SAME, "evidence"),
        "question": (Verdict.SAME, "evidence"),
        "live_capture": (Verdict.SAME, "facts"),
    }
    assert AuditEntry.objects.filter(type="replay.read").latest("at").body["from_facts"] == 1


@pytest.mark.usefixtures("seen_once")
def test_the_regulator_reads_which_evidence_was_destroyed_and_when(script):
    story = destroyed(played())
    (entry,) = entries(story)
    file = case_file(person_id="usr_a", verification_id=story.id)
    assert {item.kind for item in file.evidence if item.destroyed_at is not None} == {
        item.kind for item in gone(story)
    }
    assert {item.destroyed_at for item in file.evidence} == {None, entry.at}
    page = rows.signed_in(rows.person("regulator")).get(
        reverse("oversight:case", args=[story.id]), headers={"accept-language": "en"}
    )
    shown = page.content.decode()
    assert "Camera frames destroyed by rule" in shown
    assert len(re.findall(r"destroyed by rule, [0-9]{2}\.[0-9]{2}\.20", shown)) == len(gone(story))


@pytest.mark.usefixtures("seen_once")
def test_a_frame_that_went_without_an_entry_is_missing_and_named(script):
    story = played()
    item = frames(story)[0]
    store.destroy([item], at=clock.now())
    store.remove_files(story.id, sealed_hashes={item.pk: item.sealed_sha256})
    last = replay(verification_id=story.id)[-1]
    assert (last.verdict, last.detail) == (Verdict.CANNOT, f"evidence is missing: {item.kind}")
    sweep.run_round()
    (finding,) = findings()
    assert (finding["code"], item.pk in finding["detail"]) == ("row_unsaid", True)


@pytest.mark.usefixtures("seen_once")
def test_a_step_that_is_made_due_too_early_puts_the_row_right(script):
    story = played()
    turn(71)
    Verification.objects.filter(pk=story.id).update(
        frames_until=clock.now(), finished_at="2020-01-01T00:00:00Z"
    )
    sweep.run_round()
    assert step(story)
    assert all_there(story)
    sweep.run_round()
    assert story.row().step == "", "the row is right again"
    turn(2)
    sweep.run_round()
    assert story.row().step == "destroy"
