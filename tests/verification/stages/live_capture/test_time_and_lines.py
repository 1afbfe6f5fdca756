"""When the pictures of a capture came, held to what our clock can know; and a line that ended
it.
"""

from dataclasses import replace
from typing import Any

import pytest

from tests.verification.stages.live_capture import captures as given
from verification.core.results import Outcome, Step, decide
from verification.engines.liveness.planarity import Planarity
from verification.stages.live_capture import STAGE
from verification.stages.live_capture.checks import CHECKS, check_binding, check_timing
from verification.stages.live_capture.measure import LiveCaptureFacts, Sent, Shown
from verification.stages.live_capture.policy import LiveCapturePolicy

POLICY = LiveCapturePolicy()
LEFT_OUT = "liveness_commands_left_out"


def sent_of(facts: LiveCaptureFacts) -> Sent:
    """What came for the commands."""
    assert isinstance(facts.sent, Sent)
    return facts.sent


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"latest": 4.75}, ""),
        ({"latest": 4.76}, "liveness_command_missed"),
        ({"transfer": 6.0}, ""),
        ({"transfer": 6.01}, "liveness_command_missed"),
        ({"soonest": 0.25}, ""),
        ({"soonest": 0.24}, "liveness_frame_early"),
        ({"earliest": 0.24}, "liveness_frame_early"),
        ({"ahead": -0.25}, ""),
        ({"ahead": -0.26}, "liveness_frame_early"),
        ({"rate": 4.5}, ""),
        ({"gap": 1.0}, ""),
        ({"gap": 1.01}, "liveness_line_review"),
        ({"rate": 4.4}, "liveness_line_review"),
    ],
)
def test_time_is_held_to_what_our_clock_can_know(
    facts: LiveCaptureFacts, changes: dict[str, Any], code: str
) -> None:
    changed = replace(facts, sent=replace(sent_of(facts), **changes))
    said = check_timing(changed, POLICY)
    assert getattr(said, "code", "") == code


@pytest.mark.parametrize(
    ("before", "code"),
    [(0, "liveness_line_lost"), (1, "liveness_line_lost"), (2, "liveness_line_review")],
)
def test_a_capture_that_the_line_ended_is_done_again_and_the_third_of_a_day_is_for_people(
    facts: LiveCaptureFacts, before: int, code: str
) -> None:
    sent = replace(sent_of(facts), by_line=True, lost=3, lost_before=before)
    cut_off = Step("liveness_line_lost")
    ended = replace(facts, sent=sent, shown=cut_off, match=cut_off, injection=cut_off)
    results = STAGE.judge(ended, POLICY)
    gates = results
    said = {
        getattr(each, "code", "")
        for each in gates
        if each.check not in ("face.passive", "face.hand_over")
    }
    assert said == {code}
    decision = decide(results, required=tuple(CHECKS))
    outcome = Outcome.REVIEW if code.endswith("review") else Outcome.FAILED
    assert (decision.outcome, decision.code, decision.burns) == (outcome, code, False)


@pytest.mark.parametrize("before", [0, 4, 5, 50])
@pytest.mark.parametrize("flaw", ["face_not_found", "face_quality", "face_too_dark"])
def test_whoever_ends_captures_by_a_poor_picture_is_for_people_after_six_of_a_day(
    facts: LiveCaptureFacts, flaw: str, before: int
) -> None:
    assert isinstance(facts.shown, Shown)
    shown: dict[str, Shown | Step] = {
        "face_not_found": replace(
            facts.shown, presence=replace(facts.shown.presence, one_face=0.0)
        ),
        "face_quality": replace(facts.shown, flaws=("face_quality",)),
        "face_too_dark": Step("face_too_dark"),
    }
    ended = replace(facts, sent=replace(sent_of(facts), unburnt_before=before), shown=shown[flaw])
    said = {getattr(each, "code", "") for each in STAGE.judge(ended, POLICY)} - {""}
    assert said == {flaw if before < 5 else "liveness_line_review"}
    outcome = decide(STAGE.judge(ended, POLICY), required=tuple(CHECKS)).outcome
    assert outcome is (Outcome.FAILED if before < 5 else Outcome.REVIEW)


@pytest.mark.parametrize(
    ("unburnt", "code"), [(4, "liveness_line_lost"), (5, "liveness_line_review")]
)
def test_a_lost_line_counts_among_them(facts: LiveCaptureFacts, unburnt: int, code: str) -> None:
    sent = replace(sent_of(facts), by_line=True, lost=3, lost_before=1, unburnt_before=unburnt)
    lost = Step("liveness_line_lost")
    results = STAGE.judge(replace(facts, sent=sent, shown=lost, match=lost), POLICY)
    assert code in {getattr(each, "code", "") for each in results}


def test_a_refusal_that_costs_an_attempt_is_no_cheaper_after_many_that_cost_none(
    facts: LiveCaptureFacts,
) -> None:
    assert isinstance(facts.shown, Shown)
    two = replace(facts.shown, presence=replace(facts.shown.presence, most=2))
    ended = replace(facts, sent=replace(sent_of(facts), unburnt_before=50), shown=two)
    decision = decide(STAGE.judge(ended, POLICY), required=tuple(CHECKS))
    assert (decision.outcome, decision.code, decision.burns) == (
        Outcome.FAILED,
        "multiple_faces",
        True,
    )


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({}, ""),
        ({"chain": (8, 8, 5, 8, 8)}, "liveness_command_missed"),
        ({"stills": (3, 2, 0, 2, 2)}, "liveness_command_missed"),
        ({"is_bound": False}, "liveness_frame_unbound"),
        ({"order": ()}, "liveness_order_differs"),
        ({"commands": given.ORDER[:-1]}, "liveness_command_missed"),
        ({"commands": given.ORDER[::-1]}, "liveness_order_differs"),
        ({"commands": (*given.ORDER, "nod")}, "liveness_order_differs"),
        ({"commands": (*given.ORDER, "nod", "turn_left"), "missed": 1}, ""),
        (
            {"commands": (*given.ORDER, "nod", "turn_left", "nod"), "missed": 1},
            "liveness_order_differs",
        ),
        ({"commands": ("look_straight", "nod", "blink", "turn_left", "turn_right"), "lost": 1}, ""),
    ],
    ids=str,
)
def test_what_came_is_what_was_asked_for(
    facts: LiveCaptureFacts, changes: dict[str, Any], code: str
) -> None:
    changed = replace(facts, sent=replace(sent_of(facts), **changes))
    assert getattr(check_binding(changed, POLICY), "code", "") == code


@pytest.mark.parametrize(
    ("without", "lost_gestures", "code"),
    [
        (("turn",), 2, LEFT_OUT),
        (("blink",), 1, LEFT_OUT),
        (("blink",), 0, LEFT_OUT),
        (("turn",), 4, "liveness_command_missed"),
    ],
)
def test_a_capture_without_some_commands_is_for_people_and_never_passes(
    facts: LiveCaptureFacts, without: tuple[str, ...], lost_gestures: int, code: str
) -> None:
    assert isinstance(facts.shown, Shown)
    assert isinstance(facts.shown.gestures, tuple)
    shown = facts.shown.gestures[lost_gestures:]
    order = ("look_straight", *(one.gesture for one in shown), *(("nod",) if not shown else ()))
    sent = replace(sent_of(facts), without=without, order=order, commands=order)
    changed = replace(facts, sent=sent, shown=replace(facts.shown, gestures=shown))
    assert getattr(CHECKS["face.commands"](changed, POLICY), "code", "") == code
    decision = decide(STAGE.judge(changed, POLICY), required=tuple(CHECKS))
    assert decision.outcome is (Outcome.FAILED if code.endswith("missed") else Outcome.REVIEW)
    flat = replace(facts.shown, depth=Planarity(0, None, None, 0.0))
    is_asked = "turn" not in without
    said = CHECKS["face.depth"](replace(changed, shown=flat), POLICY)
    assert getattr(said, "code", "") == ("liveness_depth_missing" if is_asked else LEFT_OUT)
