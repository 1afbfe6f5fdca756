"""Who is refused as another person, and who is only looked at: on the way to a gesture, and where
it is deep.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from verification.core.results import Passed
from verification.stages.live_capture.checks import CHECKS
from verification.stages.live_capture.measure import LiveCaptureFacts, Shown
from verification.stages.live_capture.policy import LiveCapturePolicy

POLICY = LiveCapturePolicy()
GATES, SAME, ACTOR = POLICY.gates, POLICY.same_face.value, POLICY.same_actor.value
NAN = float("nan")


# What proves a person on the way to a gesture, and what is deep no stranger's: at the edge of every
# limit.
WAY = {
    "frames": GATES.way_frames,
    "median": GATES.way_near * ACTOR,
    "second": ACTOR,
    "farthest": SAME,
    "acting": GATES.acting_median * ACTOR,
    "to_reference": GATES.way_reference * ACTOR,
    "deep_median": GATES.deep_median * ACTOR,
    "deep": GATES.deep * ACTOR,
}


def on_the_way(
    facts: LiveCaptureFacts, changes: Mapping[str, Any], **chain: Any
) -> LiveCaptureFacts:
    assert isinstance(facts.shown, Shown)
    shown: Any = facts.shown
    way = replace(shown.throughout.way, **{**WAY, **changes})
    return replace(
        facts, shown=replace(shown, throughout=replace(shown.throughout, way=way, **chain))
    )


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"median": GATES.way * ACTOR}, ""),
        ({"median": GATES.way * ACTOR + 1e-6}, "liveness_face_changed"),
        ({"median": NAN}, "liveness_face_changed"),
        ({"second": SAME}, ""),
        ({"second": SAME + 1e-6}, "liveness_face_changed"),
        ({"second": NAN}, "liveness_face_changed"),
    ],
    ids=str,
)
def test_whoever_is_another_on_the_way_is_refused(
    facts: LiveCaptureFacts, changes: Mapping[str, Any], code: str
) -> None:
    said = CHECKS["face.continuity"](on_the_way(facts, changes), POLICY)
    assert getattr(said, "code", "") == code


@pytest.mark.parametrize(
    "far",
    [{"acting_median": 1.2, "acting": 1.2, "farthest": 1.2}, {"next": GATES.deep_next * ACTOR}],
)
@pytest.mark.parametrize(
    "changes",
    [
        *({name: value + 1e-6} for name, value in WAY.items() if name != "frames"),
        *({name: NAN} for name in WAY if name not in ("frames", "median", "second")),
        {"frames": GATES.way_frames - 1},
        {"frames": None},
        {"to_reference": None},
    ],
    ids=str,
)
def test_what_is_deep_and_far_is_for_people_unless_whoever_it_is_was_met_on_the_way(
    facts: LiveCaptureFacts, changes: Mapping[str, Any], far: Mapping[str, float]
) -> None:
    assert isinstance(CHECKS["face.continuity"](on_the_way(facts, {}, **far), POLICY), Passed)
    said = CHECKS["face.continuity"](on_the_way(facts, changes, **far), POLICY)
    assert getattr(said, "code", "") == "liveness_actor_review"


@pytest.mark.parametrize(
    "far",
    [
        {"farthest": SAME + 1e-6},
        {"second": ACTOR + 1e-6},
        {"acting": ACTOR + 1e-6},
        {"acting_median": GATES.acting_median * ACTOR + 1e-6},
        {"next": GATES.next_face * ACTOR + 1e-6},
        {"farthest": NAN},
        {"acting_median": NAN},
    ],
    ids=str,
)
def test_what_is_far_anywhere_is_for_people_where_nobody_was_met_on_the_way(
    facts: LiveCaptureFacts, far: Mapping[str, float]
) -> None:
    assert isinstance(CHECKS["face.continuity"](on_the_way(facts, {"frames": 0}), POLICY), Passed)
    said = CHECKS["face.continuity"](on_the_way(facts, {"frames": 0}, **far), POLICY)
    assert getattr(said, "code", "") == "liveness_actor_review"


def test_from_one_frame_to_the_next_nothing_may_be_as_far_as_a_stranger(
    facts: LiveCaptureFacts,
) -> None:
    said = CHECKS["face.continuity"](
        on_the_way(facts, {}, next=GATES.deep_next * ACTOR + 1e-6), POLICY
    )
    assert getattr(said, "code", "") == "liveness_actor_review"


@pytest.mark.parametrize(
    ("jumps", "code"),
    [
        (((0.1, GATES.next_face * ACTOR),), ""),
        (((0.1, 0.1), (0.2, GATES.next_face * ACTOR + 1e-6)), "liveness_actor_review"),
        (((0.1, NAN),), "liveness_actor_review"),
        ((), "liveness_actor_review"),
    ],
    ids=str,
)
def test_where_corners_do_not_stay_the_faces_on_both_sides_may_join_them(
    facts: LiveCaptureFacts, jumps: tuple[tuple[float, float], ...], code: str
) -> None:
    said = CHECKS["face.continuity"](on_the_way(facts, {}, corners=0.1, jumps=jumps), POLICY)
    assert getattr(said, "code", "") == code


@pytest.mark.parametrize(
    ("far", "code"),
    [(1.0, ""), (1.01, "face_review"), (1.09, "face_mismatch"), (None, "check_missing")],
)
def test_whoever_is_met_on_the_way_is_the_registers_person_too(
    facts: LiveCaptureFacts, far: float | None, code: str
) -> None:
    once = replace(on_the_way(facts, {"to_reference": far}), left=1)
    assert getattr(CHECKS["face.match"](once, POLICY), "code", "") == code


@pytest.mark.parametrize(
    ("changes", "far", "code"),
    [
        ({}, 1.08, ""),
        ({}, 1.09, "face_review"),
        ({"frames": 0}, 1.0, ""),
        ({"frames": 0}, 1.01, "face_review"),
        ({"frames": 0}, NAN, "face_review"),
        ({}, None, "check_missing"),
    ],
)
def test_a_deep_gesture_far_from_the_register_is_for_people_unless_its_way_shows_the_person(
    facts: LiveCaptureFacts, changes: Mapping[str, Any], far: float | None, code: str
) -> None:
    once = replace(on_the_way(facts, changes, to_reference=far), left=1)
    assert getattr(CHECKS["face.match"](once, POLICY), "code", "") == code
