"""Every number that a gate compares is told with its limit: moved to just beyond it, the gate no
longer passes.
"""

import math
from dataclasses import replace
from typing import Any

import pytest

from tests.verification.stages.live_capture import captures as given
from tools.capture_limits import Limit, limits
from verification.core.results import Passed, Step
from verification.engines.liveness.prints import Alike
from verification.stages.live_capture.checks import CHECKS
from verification.stages.live_capture.measure import Compared, ComparedAll, LiveCaptureFacts
from verification.stages.live_capture.policy import LiveCapturePolicy

POLICY = LiveCapturePolicy()
DEEP = ("farthest", "second", "acting", "acting_median", "next", "gestures")
# Of a capture that passes: no page told of its camera's clock, and nothing beyond the head changed
# enough to be judged.
NOT_MEASURED = {("face.injection", "off_us"), ("face.continuity", "surroundings")}


def is_held(limit: Limit) -> bool:
    value = math.nan if limit.value is None else limit.value
    sides = [
        limit.least is None or value >= limit.least,
        limit.most is None or value <= limit.most,
        limit.above is None or value > limit.above,
        limit.below is None or value < limit.below,
    ]
    return all(sides)


def test_every_gate_of_a_capture_that_passes_has_a_value_and_its_limits_hold(
    facts: LiveCaptureFacts,
) -> None:
    told = limits(facts, POLICY)
    # A phone took nothing over, so no sum is held against that.
    assert set(told) == set(CHECKS) - {"face.hand_over"}
    for name, check in CHECKS.items():
        result = check(facts, POLICY)
        assert isinstance(result, Passed)
        assert result.score is not None, name
        assert result.threshold is not None, name
    every = {(gate, name): limit for gate, own in told.items() for name, limit in own.items()}
    assert {name for name, limit in every.items() if limit.value is None} == NOT_MEASURED
    assert not [
        name for name, limit in every.items() if name not in NOT_MEASURED and not is_held(limit)
    ]


@pytest.mark.parametrize(
    ("gate", "name", "place"),
    [
        ("face.binding", "frames", "gates.frames_min"),
        ("face.timing", "soonest", "gates.arrival_min_seconds"),
        ("face.timing", "earliest", "gates.arrival_min_seconds"),
        ("face.timing", "rate", "chain_rate_min"),
        ("face.timing", "gap", "chain_gap_max"),
        ("face.fresh", "noise", "gates.noise"),
        ("face.fresh", "frozen_run", "gates.frozen_run"),
        ("face.fresh", "repeated", "gates.repeated"),
        ("face.fresh", "windows", "windows_min"),
        ("face.one_face", "one_face", "gates.one_face_share"),
        ("face.one_face", "most", "gates.most_faces"),
        ("face.commands", "shown", "commands_min"),
        ("face.depth", "ratio", "gates.planarity_ratio"),
        ("face.depth", "residual", "gates.planarity_residual"),
        ("face.continuity", "full_frames", "same_face.value"),
        ("face.continuity", "way", "gates.way"),
        ("face.continuity", "way_second", "same_face.value"),
        ("face.continuity", "farthest", "same_face.value"),
        ("face.continuity", "second", "same_actor.value"),
        ("face.continuity", "acting", "same_actor.value"),
        ("face.continuity", "acting_median", "gates.acting_median"),
        ("face.continuity", "next", "gates.next_face"),
        ("face.continuity", "overlap", "gates.overlap"),
        ("face.continuity", "corners", "gates.corners"),
        ("face.passive", "sum", "unaided_max"),
        ("face.match", "rest", "zones.match.value"),
        ("face.match", "commands", "zones.match.value"),
        ("face.match", "chain", "zones.match.value"),
        ("face.match", "gestures", "zones.match.value"),
        ("face.match", "farthest", "zones.review.value"),
    ],
)
def test_a_limit_beyond_what_was_measured_is_one_that_the_gate_holds_to(
    facts: LiveCaptureFacts, gate: str, name: str, place: str
) -> None:
    facts = unproven(facts) if name in DEEP else facts
    limit = limits(facts, POLICY)[gate][name]
    assert limit.value is not None
    # Shares of a distance are told as distances.
    share = (
        POLICY.same_actor.value
        if place in ("gates.acting_median", "gates.next_face", "gates.way")
        else 1.0
    )
    low = limit.least is not None or limit.above is not None
    other = moved(POLICY, place, (limit.value + (1e-6 if low else -1e-6)) / share)
    assert not is_held(limits(facts, other)[gate][name])
    assert not isinstance(CHECKS[gate](facts, other), Passed)


def unproven(facts: LiveCaptureFacts) -> LiveCaptureFacts:
    """Without a frame on the way to what is deep, so that what is deep counts."""
    shown: Any = facts.shown
    way = replace(shown.throughout.way, frames=0)
    return replace(facts, shown=replace(shown, throughout=replace(shown.throughout, way=way)))


def moved(of: Any, place: str, value: float) -> Any:
    name, _, rest = place.partition(".")
    return replace(of, **{name: moved(getattr(of, name), rest, value) if rest else value})


def _like(pair: Alike) -> ComparedAll:
    return ComparedAll((Compared("b", pair),), is_whole=True)


@pytest.mark.parametrize(
    ("part", "changes", "gate", "name"),
    [
        ("sent", {"stills": (3, 2, 0, 2, 2)}, "face.binding", "stills"),
        ("sent", {"commands": given.ORDER[:-1]}, "face.binding", "steps"),
        ("sent", {"ahead": -0.3}, "face.timing", "ahead"),
        ("sent", {"latest": 4.76}, "face.timing", "latest"),
        ("sent", {"transfer": 6.01}, "face.timing", "transfer"),
        ("sent", {"presented_before": True}, "face.fresh", "presented_before"),
        ("sent", {"compared": _like(Alike(0.5, 4, 2, 0.4, 0.0))}, "face.fresh", "replayed"),
        ("sent", {"compared": _like(Alike(0.5, 12, 3, 0.2, 0.0))}, "face.fresh", "fits"),
        ("sent", {"compared": _like(Alike(0.0, 12, 0, 0.0, 0.9))}, "face.fresh", "likeness"),
        ("injection", {"cameras": 2}, "face.injection", "cameras"),
        ("injection", {"returned": 8}, "face.injection", "returned"),
        ("injection", {"pictures": 60, "off_us": 2.0, "facing": ""}, "face.injection", "off_us"),
        (
            "injection",
            {"facing": "user", "events": 60, "moved": 0, "shaken": 3},
            "face.injection",
            "shaken",
        ),
        ("match", {"farthest": 1.09}, "face.match", "farthest"),
    ],
)
def test_what_was_measured_beyond_a_limit_does_not_pass_its_gate(
    facts: LiveCaptureFacts, part: str, changes: dict[str, Any], gate: str, name: str
) -> None:
    other: LiveCaptureFacts = replace(facts, **{part: replace(getattr(facts, part), **changes)})
    assert not is_held(limits(other, POLICY)[gate][name])
    assert not isinstance(CHECKS[gate](other, POLICY), Passed)


def test_where_nothing_was_measured_nothing_is_told_but_sums(facts: LiveCaptureFacts) -> None:
    gone = Step("liveness_frame_unreadable")
    nothing = replace(facts, sent=gone, shown=gone, match=gone, injection=gone)
    assert set(limits(nothing, POLICY)) == {"face.passive"}
    taken_over = limits(replace(facts, handed_over=True), POLICY)["face.hand_over"]
    assert taken_over == {"sum": Limit(float(facts.amount), most=POLICY.handed_over_max)}
