"""A capture that comes again in another verification, and what is left of the first: words, numbers, nothing."""

import json
from functools import partial

import pytest
from django.utils import timezone
from pytest_django import Settings

from insecure_sandbox.warp_picture import taken_anew
from tests.insecure_sandbox_process import SandboxProcess
from tests.verification.workflow import camera_story as camera
from tests.verification.workflow.story import IIN, OTHER_IIN, Story, begin, lender
from verification.evidence import vault
from verification.models import Attempt, AuditEntry, CaptureWord, EvidenceItem
from verification.stages import live_capture
from verification.workflow import cases
from verification.workflow.moving import again, dossier
from verification.workflow.reading.replay import Verdict, replay

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("seen_once")]

_FRAMES = 14  # of a command: a window of the comparison, and more


@pytest.fixture(autouse=True)
def _played_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every capture here is the same film, in the noise of another moment."""
    monkeypatch.setattr(camera, "taken_anew", partial(taken_anew, drift=(0.0, 0.0, 0.0, 0.0)))


@pytest.fixture(autouse=True)
def _sources(sandbox: SandboxProcess, settings: Settings) -> None:
    settings.TULGA_ROUTES = ["biometric"]
    camera.ask_at(sandbox, settings)
    for iin in (IIN, OTHER_IIN):
        camera.register(sandbox, iin)


def _captured(reference: str, *, iin: str = IIN, number: int = 1) -> Story:
    story = begin(lender(f"Lender {number}", number=number), reference, iin=iin)
    camera.agree(story)
    camera.free(story)
    camera.capture(story, camera.Shown(count=_FRAMES))
    return story


def _attempt(story: Story) -> Attempt:
    # The one that was judged; after a refusal another is open already.
    return Attempt.objects.get(verification_id=story.id, stage="live_capture", answers__gt=1)


def _codes(story: Story) -> dict[str, str]:
    entry = AuditEntry.objects.get(type="attempt.judged", body__attempt=_attempt(story).pk)
    return {check["check"]: check["code"] for check in entry.body["checks"]}


def _compared(story: Story) -> list[dict[str, object]]:
    kept = dossier.contents([_attempt(story)], key=cases.key_of(story.row()))
    found: list[dict[str, object]] = json.loads(kept["live_capture.compared"])["others"]
    return found


def test_it_is_refused_for_whomever_it_comes_and_nothing_of_the_first_is_told() -> None:
    first = _captured("A-1")
    assert (first.row().status, {*_codes(first).values()}) == ("verified", {""})
    assert _compared(first) == []
    second = _captured("B-1", iin=OTHER_IIN, number=2)
    assert _codes(second)["face.fresh"] == "liveness_capture_replayed"
    assert [one["attempt"] for one in _compared(second)] == [_attempt(first).pk]
    told = json.dumps(list(AuditEntry.objects.filter(verification=second.id).values_list("body", flat=True)))
    assert _attempt(first).pk not in told
    assert first.id not in told
    # Judged again by what was found then, whatever is left of the first.
    assert [one.verdict for one in replay(verification_id=second.id)] == [Verdict.SAME] * 3
    vault.destroy(verification_id=first.id, at=timezone.now())
    assert [one.verdict for one in replay(verification_id=second.id)] == [Verdict.SAME] * 3


def test_words_go_with_the_key_and_then_nothing_is_found() -> None:
    first = _captured("A-1")
    attempt = _attempt(first)
    words = CaptureWord.objects.filter(attempt=attempt)
    assert 40 < words.count() < 1000
    evidence = dossier.contents([attempt], key=cases.key_of(first.row()))
    other = Attempt.objects.create(**_copied(attempt, mode="test"))
    of = live_capture.STAGE.again
    assert of is not None
    found = again.compared(other, of, evidence)
    assert [one["attempt"] for one in json.loads(found["live_capture.compared"])["others"]] == [attempt.pk]
    # What was captured in the sandbox is nothing to real borrowers, and none is compared with itself.
    for same in (Attempt(**_copied(attempt, mode="live")), attempt):
        found = again.compared(same, of, evidence)
        assert json.loads(found["live_capture.compared"])["others"] == []
    vault.destroy(verification_id=first.id, at=timezone.now())
    assert not words.exists()
    found = again.compared(other, of, evidence)
    assert json.loads(found["live_capture.compared"])["others"] == []


def test_what_does_not_open_is_no_evidence_against_anybody() -> None:
    first = _captured("A-1")
    EvidenceItem.objects.filter(attempt=_attempt(first), kind="live_capture.1.prints").update(commitment="0" * 64)
    second = _captured("B-1", iin=OTHER_IIN, number=2)
    assert _codes(second)["face.fresh"] == ""
    assert _compared(second) == []


def _copied(attempt: Attempt, *, mode: str) -> dict[str, object]:
    names = ("verification_id", "lender_id", "route", "stage", "turn", "sealed_memory", "opened_at", "expires_at")
    return {**{name: getattr(attempt, name) for name in names}, "mode": mode, "status": "failed"}
