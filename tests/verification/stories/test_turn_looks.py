"""What a worker does with one turn of a capture: it looks, says whether the command was seen, and
asks on by that.
"""

import json
from dataclasses import replace
from datetime import datetime

import pytest
from django.utils import timezone

from tests.verification.stories import camera_story as camera
from tests.verification.stories.document_reading import documents_of
from tests.verification.stories.insecure_capture import at_commands, script, show
from tests.verification.stories.story import begin, lender, make_due
from verification import tasks
from verification.access import open_page, openings
from verification.case import dossier, stages, steps
from verification.core import profiles
from verification.core.errors import FenceLost, NotYourTurn
from verification.core.route import Looked
from verification.engines.liveness.gestures import GESTURES
from verification.evidence import vault
from verification.models import Attempt, AuditEntry, EvidenceItem, Verification
from verification.worker import queue, replay
from verification.worker import run as advance

__all__ = ["script"]

pytestmark = [pytest.mark.django_db(transaction=True)]


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


def test_while_a_worker_looks_nobody_may_answer_and_the_page_says_so(script):
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
    make_due(story)
    story.work()
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


# Real frames and real models


@pytest.fixture
def asked(sandbox, settings, seen_once):
    settings.TULGA_ROUTES = ["biometric"]
    camera.ask_at(sandbox, settings)
    camera.register(sandbox)
    yield
    sandbox.mend()


def played(*, misses):
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
    story, said = played(misses=range(1, 10))
    # Looking straight is no command, and a portrait does it.
    assert said == [True, False, False, None]
    assert story.page().notice == "liveness_command_missed"
    assert story.page().data["missed"] in GESTURES


@pytest.mark.service
def test_a_missed_command_is_replaced_and_the_whole_is_judged_and_replayed_from_both(asked):
    story, said = played(misses={1})
    assert said[:2] == [True, False]
    assert story.row().status == "verified"
    # What was measured turn by turn gives what measuring all of it anew gives.
    assert {one.verdict for one in replay.replay(verification_id=story.id)} == {"same"}
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
    story, said = played(misses={2})
    assert said == [True, True, None]
    page = story.page()
    assert (page.page, page.notice, page.attempt) == ("commands", "liveness_command_missed", 2)
    (document,) = documents_of(story)
    assert [one["seen"] for one in document["live_image"]["commands"]] == [True, True, False]
    assert page.data["missed"] == document["live_image"]["commands"][2]["command"]
