"""What looks like a mask at rest ends the first capture of a day with advice; in a later one it is
for people.
"""

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from tests.verification.engines.liveness import insecure_masks, insecure_paper
from tests.verification.stages.live_capture import captures as given
from tests.verification.stages.live_capture.captures import NOW, Frames
from tests.verification.stages.live_capture.insecure_captures import pixels
from verification.core.results import Outcome, Step, decide
from verification.core.route import Evidence, Looked, Next
from verification.core.stored import canonical_json
from verification.engines.liveness import landmarks, networks, policy
from verification.stages.live_capture import STAGE
from verification.stages.live_capture.checks import CHECKS
from verification.stages.live_capture.dialogue import (
    ORDER,
    accept_live_capture,
    go_on_live_capture,
    order_evidence,
    prompt_live_capture,
)
from verification.stages.live_capture.measure import (
    LiveCaptureFacts,
    compare_captures,
    look_at_live_capture,
)


@pytest.fixture(scope="module")
def masked(live: Frames) -> tuple[bytes, ...]:
    """The frames of the borrower at rest, a mask drawn over mouth and nose."""
    drawn = []
    for image in map(pixels, live["look_straight"]):
        face = landmarks.measure(image, networks=networks.load()).face
        assert face is not None
        assert face.mesh is not None
        drawn.append(insecure_paper.jpeg(insecure_masks.masked(image, face.mesh, "blue")))
    return tuple(drawn)


def _looked_at(
    rest: tuple[bytes, ...], photo: bytes, *, before: int = 0
) -> tuple[Looked, Next, Evidence]:
    """What is seen of these frames at rest, who moves then, and the evidence of it. before:
    captures of the day that cost no attempt.
    """
    memory, at = given.begun() | {"unburnt_before": before}, NOW + timedelta(seconds=given.WAIT)
    taken = accept_live_capture(memory, given.answer(rest, prompt_live_capture(memory)), at)
    looked = look_at_live_capture(Evidence(items=taken.evidence, at=at), taken.memory)
    turn = go_on_live_capture(taken.memory, looked, at)
    items = {
        "live_capture.order": order_evidence(memory),
        **taken.evidence,
        **looked.evidence,
        **turn.evidence,
        **given.sources(photo=photo),
        **compare_captures({}, {}, True),
    }
    return looked, turn.next, Evidence(items=items, at=at + timedelta(seconds=30))


def test_a_mask_ends_the_capture_before_the_first_command(
    masked: tuple[bytes, ...], obama: bytes
) -> None:
    looked, following, evidence = _looked_at(masked, obama)
    assert looked.is_right is None
    assert following is Next.COLLECT
    facts = STAGE.measure(given.case(), evidence, given.POLICY)
    assert isinstance(facts, LiveCaptureFacts)
    assert isinstance(facts.shown, Step)
    decision = decide(STAGE.judge(facts, given.POLICY), required=tuple(CHECKS))
    assert (decision.outcome, decision.code, decision.burns) == (
        Outcome.FAILED,
        "liveness_face_masked",
        False,
    )


@pytest.fixture
def bearded(live: Frames, monkeypatch: pytest.MonkeyPatch) -> Frames:
    """A face that looks masked by limits under which every face does."""
    monkeypatch.setattr(policy, "MASK", replace(policy.MASK, rough=float("inf")))
    return live


@pytest.mark.parametrize(("before", "following"), [(0, Next.COLLECT), (1, Next.ASK), (5, Next.ASK)])
def test_what_looks_masked_ends_the_first_capture_of_a_day_alone(
    bearded: Frames, obama: bytes, before: int, following: Next
) -> None:
    assert _looked_at(bearded["look_straight"], obama, before=before)[1] is following


@pytest.mark.parametrize(("before", "outcome"), [(0, Outcome.FAILED), (1, Outcome.REVIEW)])
def test_what_looks_masked_is_refused_with_advice_once_and_then_for_people(
    bearded: Frames, obama: bytes, before: int, outcome: Outcome
) -> None:
    evidence = given.Sent(bearded).evidence(photo=obama)
    order = json.loads(evidence.items[ORDER]) | {"unburnt_before": before}
    sent = replace(evidence, items={**evidence.items, ORDER: canonical_json(order)})
    decision = given.decided(sent)
    code = {Outcome.FAILED: "liveness_face_masked", Outcome.REVIEW: "liveness_line_review"}[outcome]
    assert (decision.outcome, decision.code, decision.burns) == (outcome, code, False)


def test_a_bare_face_is_asked_for_the_first_command(live: Frames, obama: bytes) -> None:
    looked, following, _ = _looked_at(live["look_straight"], obama)
    assert looked.is_right is True
    assert following is Next.ASK


def test_a_mask_in_the_full_frames_alone_is_found_too(
    live: Frames, masked: tuple[bytes, ...], obama: bytes
) -> None:
    shown = {command: masked if command == "look_straight" else () for command in given.ORDER}
    said = given.refusals(given.judge(given.Sent(live, shown=shown).evidence(photo=obama)))
    assert set(said.values()) == {"liveness_face_masked"}
