"""Routes with a camera or a code, from the opening to the verdict: real frames, a real sandbox."""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime, timedelta
from functools import partial

import numpy as np
import pytest
from django.utils import timezone
from pytest_django import Settings

from insecure_sandbox.warp_picture import taken_anew
from tests.insecure_sandbox_process import SandboxProcess
from tests.verification.checks_on_record import checks, passed
from tests.verification.stages.person.told import codes
from tests.verification.stories import camera_story
from tests.verification.stories import camera_story as camera
from tests.verification.stories.conftest import Issued
from tests.verification.stories.document_reading import documents_of
from tests.verification.stories.insecure_capture import at_commands, show
from tests.verification.stories.insecure_capture import script as script
from tests.verification.stories.insecure_revocation import InsecureRevocation
from tests.verification.stories.insecure_route import install
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
from verification import routes, tasks, transactions
from verification.access import answers, open_page, openings
from verification.case import contents, dossier, policy, stages, steps
from verification.core import profiles, stored
from verification.core.errors import BadInput, FenceLost, NotYourTurn, TulgaError
from verification.core.profiles import Profile, Status
from verification.core.route import Again, Looked, Route
from verification.engines.liveness import prints
from verification.engines.liveness.gestures import GESTURES
from verification.engines.liveness.policy import AGAIN, AGAIN_SHARED
from verification.engines.liveness.prints import Prints
from verification.evidence import vault
from verification.models import Attempt, AuditEntry, CaptureWord, EvidenceItem, Verification
from verification.stages import code, live_capture, statement
from verification.stages.code.checks import CHECKS as CODE
from verification.stages.confirmation.policy import CONSENT_CURRENT as CURRENT
from verification.stages.live_capture.measure import ComparedAll
from verification.stages.statement.checks import CHECKS as STATEMENT
from verification.worker import queue
from verification.worker import run as advance
from verification.worker.replay import Verdict, replay

pytestmark = pytest.mark.django_db(transaction=True)


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
    results = dossier.checks_in(dossier.contents([judged], key=key), stage="live_capture")
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
# it. Its line in the table of releases besides, which `test_releases.py` prints. That each
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


def entries(story, kind="attempt.looked_at"):
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
        entries(story),
        entries(story, "attempt.answered")[3:],
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
    assert (story.row().step, story.row().faults, entries(story)) == (steps.LOOK, 1, [])
    retry(story)
    assert story.page().data["step"] == 2
    assert (len(entries(story)), story.row().faults, attempt().burnt) == (1, 0, False)
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
    assert (entries(story), attempt().status) == ([], "judging")


def test_a_capture_that_is_canceled_while_a_worker_looks_is_over(script, monkeypatch):
    story = at_commands()
    answered(story)

    def look(evidence, memory):
        openings.cancel(lender_id=story.lender.pk, mode="test", verification_id=story.id)
        return Looked(is_right=True)

    look_by(monkeypatch, look)
    tasks.advance(story.id)
    assert (story.row().status, attempt().status, entries(story)) == ("canceled", "void", [])


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
    kept = dossier.contents([attempt()], key=key)
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
    kept = dossier.contents([attempt_of(story)], key=contents.key_of(story.row()))
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
    vault.destroy(verification_id=first.id, at=timezone.now())
    assert [one.verdict for one in replay(verification_id=second.id)] == [Verdict.SAME] * 3


@pytest.mark.service
@pytest.mark.usefixtures("seen_once")
@pytest.mark.usefixtures("_played_again", "_sources")
def test_words_go_with_the_key_and_then_nothing_is_found() -> None:
    first = _captured("A-1")
    attempt = attempt_of(first)
    words = CaptureWord.objects.filter(attempt=attempt)
    assert 40 < words.count() < 1000
    evidence = dossier.contents([attempt], key=contents.key_of(first.row()))
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
    vault.destroy(verification_id=first.id, at=timezone.now())
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
        dossier.contents([attempt_of(first)], key=contents.key_of(first.row())),
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
    kept = dossier.contents([attempt], key=key)
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
        for kind, step in steps.items():
            order = np.repeat(chance.permutation(len(step.signs)), 3)
            found[kind] = Prints(step.signs[order], step.motion[order], step.looks[order])
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
