"""What a capture's facts say of what came, whatever the frames show."""

from dataclasses import replace

import pytest

from tests.verification.stages.live_capture import captures as given
from verification.core.results import Step
from verification.stages.live_capture.measure import Sent, measure_live_capture
from verification.stages.live_capture.policy import LiveCapturePolicy

_FRAMES = {
    command: tuple(f"{command} {number}".encode() for number in range(2)) for command in given.ORDER
}


@pytest.mark.parametrize(
    ("kind", "is_told"),
    [("live_capture.0.frame.2", True), ("live_capture.0.turn", False), ("other.0.frame.1", False)],
)
def test_a_frame_that_was_presented_before_is_told_and_other_originals_are_not(
    kind: str, is_told: bool
) -> None:
    evidence = replace(given.Sent(_FRAMES).evidence(photo=b""), presented=frozenset({kind}))
    facts = measure_live_capture(given.case(), evidence, LiveCapturePolicy())
    assert isinstance(facts.sent, Sent)
    assert facts.sent.presented_before is is_told


def test_frames_that_are_none_leave_what_came_and_nothing_shown() -> None:
    facts = measure_live_capture(
        given.case(), given.Sent(_FRAMES).evidence(photo=b""), LiveCapturePolicy()
    )
    assert isinstance(facts.sent, Sent)
    assert (facts.sent.chain, facts.sent.is_bound) == ((2,) * len(given.ORDER), True)
    assert isinstance(facts.shown, Step)
    assert facts.shown.code.startswith("frame_")
    assert isinstance(facts.match, Step)
