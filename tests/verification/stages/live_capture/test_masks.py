"""A masked face ends the capture where it should rest, before the first real command, and is refused by its name."""

from datetime import timedelta

import pytest

from tests.verification.engines.liveness import insecure_masks, insecure_paper
from tests.verification.stages.live_capture import captures as given
from tests.verification.stages.live_capture.captures import NOW, Frames
from tests.verification.stages.live_capture.insecure_captures import pixels
from verification.core.results import Outcome, Step, decide
from verification.core.route import LOOK_AT, Evidence, Looked, Next
from verification.engines.liveness import landmarks, networks
from verification.stages.live_capture import STAGE
from verification.stages.live_capture.checks import CHECKS
from verification.stages.live_capture.dialogue import (
    accept_live_capture,
    go_on_live_capture,
    order_evidence,
    prompt_live_capture,
)
from verification.stages.live_capture.facts import LiveCaptureFacts
from verification.stages.live_capture.kept import compare_captures
from verification.stages.live_capture.measure import look_at_live_capture


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


def _looked_at(rest: tuple[bytes, ...], photo: bytes) -> tuple[Looked, Next, Evidence]:
    """What is seen of these frames at rest, who moves then, and the evidence of it."""
    memory, at = given.begun(), NOW + timedelta(seconds=given.WAIT)
    taken = accept_live_capture(memory, given.answer(rest, prompt_live_capture(memory)), at)
    looked = look_at_live_capture(Evidence(items=taken.evidence, at=at), {LOOK_AT: taken.memory[LOOK_AT]})
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


def test_a_mask_ends_the_capture_before_the_first_command(masked: tuple[bytes, ...], obama: bytes) -> None:
    looked, following, evidence = _looked_at(masked, obama)
    assert looked.is_right is None
    assert following is Next.COLLECT
    facts = STAGE.measure(given.case(), evidence, given.POLICY)
    assert isinstance(facts, LiveCaptureFacts)
    assert isinstance(facts.shown, Step)
    assert facts.shown.detail["masked"] == facts.shown.detail["of"]
    decision = decide(STAGE.judge(facts, given.POLICY), required=tuple(CHECKS))
    assert (decision.outcome, decision.code, decision.burns) == (Outcome.FAILED, "liveness_face_masked", False)


def test_a_bare_face_is_asked_for_the_first_command(live: Frames, obama: bytes) -> None:
    looked, following, _ = _looked_at(live["look_straight"], obama)
    assert looked.is_right is True
    assert following is Next.ASK


def test_a_mask_in_the_full_frames_alone_is_found_too(live: Frames, masked: tuple[bytes, ...], obama: bytes) -> None:
    shown = {command: masked if command == "look_straight" else () for command in given.ORDER}
    said = given.refusals(given.judge(given.Sent(live, shown=shown).evidence(photo=obama)))
    assert set(said.values()) == {"liveness_face_masked"}
