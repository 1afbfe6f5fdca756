"""Each gate says by its code exactly what it found, at its threshold and not before."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from tests.verification.stages.live_capture import captures as given
from verification.core.codes import REASONS
from verification.core.results import Outcome, Passed, Step, decide
from verification.core.route import Evidence
from verification.engines.liveness.planarity import Planarity
from verification.engines.liveness.prints import Alike, Windows
from verification.engines.liveness.throughout import Throughout
from verification.stages.live_capture import STAGE
from verification.stages.live_capture.checks import CHECKS, check_binding, check_timing
from verification.stages.live_capture.measure import (
    Compared,
    ComparedAll,
    LiveCaptureFacts,
    Sent,
    Shown,
)
from verification.stages.live_capture.policy import TURNS, LiveCapturePolicy

POLICY = LiveCapturePolicy()
GATES, SAME, ACTOR = POLICY.gates, POLICY.same_face.value, POLICY.same_actor.value
FAR = {
    "to_reference": GATES.known * ACTOR + 1e-6
}  # so that the register alone says nothing of who acts
NAN = float("nan")


def shown_of(facts: LiveCaptureFacts) -> Shown:
    """What the frames show."""
    assert isinstance(facts.shown, Shown)
    return facts.shown


def sent_of(facts: LiveCaptureFacts) -> Sent:
    """What came for the commands."""
    assert isinstance(facts.sent, Sent)
    return facts.sent


@pytest.mark.parametrize(
    ("check", "part", "changes", "code"),
    [
        ("face.fresh", "freshness", {"frozen_run": 4}, ""),
        ("face.fresh", "freshness", {"frozen_run": 5}, "liveness_frame_frozen"),
        (
            "face.fresh",
            "freshness",
            {"frozen_run": 5, "repeated": 1, "noise": None},
            "liveness_frame_frozen",
        ),
        ("face.fresh", "freshness", {"repeated": 1}, "liveness_frame_repeated"),
        ("face.fresh", "freshness", {"noise": GATES.noise + 1e-6}, ""),
        ("face.fresh", "freshness", {"noise": GATES.noise}, "liveness_frame_noiseless"),
        ("face.fresh", "freshness", {"noise": None}, "liveness_frame_noiseless"),
        (
            "face.depth",
            "depth",
            {"ratio": GATES.planarity_ratio, "residual": GATES.planarity_residual},
            "",
        ),
        ("face.depth", "depth", {"ratio": GATES.planarity_ratio - 1e-6}, "liveness_depth_flat"),
        (
            "face.depth",
            "depth",
            {"residual": GATES.planarity_residual - 1e-6},
            "liveness_depth_flat",
        ),
        ("face.depth", "depth", {"ratio": None}, "liveness_depth_missing"),
        ("face.continuity", "continuity", {"overlap": GATES.overlap, "distance": SAME}, ""),
        (
            "face.continuity",
            "continuity",
            {"overlap": GATES.overlap - 1e-6},
            "liveness_face_jumped",
        ),
        ("face.continuity", "continuity", {"distance": SAME + 1e-6}, "liveness_face_changed"),
        (
            "face.continuity",
            "continuity",
            {"overlap": 0.0, "distance": 2.0},
            "liveness_face_changed",
        ),
        ("face.continuity", "continuity", {"distance": None}, "liveness_face_missing"),
        ("face.continuity", "throughout", {"farthest": SAME, "second": ACTOR, "acting": ACTOR}, ""),
        ("face.continuity", "throughout", {"acting_median": GATES.acting_median * ACTOR}, ""),
        ("face.continuity", "throughout", {"next": GATES.next_face * ACTOR}, ""),
        ("face.continuity", "throughout", {"corners": GATES.corners}, ""),
        (
            "face.continuity",
            "throughout",
            {"corners": GATES.corners - 1e-6},
            "liveness_actor_review",
        ),
        ("face.continuity", "throughout", {"surroundings": GATES.surroundings}, ""),
        (
            "face.continuity",
            "throughout",
            {"surroundings": GATES.surroundings - 1e-6},
            "liveness_surroundings_jumped",
        ),
        ("face.continuity", "throughout", {"surroundings": NAN}, "liveness_surroundings_jumped"),
        (
            "face.continuity",
            "throughout",
            {"surroundings": 0.0, "corners": 0.0},
            "liveness_surroundings_jumped",
        ),
        ("face.continuity", "throughout", {**FAR, "common": GATES.common * ACTOR}, ""),
        ("face.continuity", "throughout", {**FAR, "common": None, "resting": None}, ""),
        (
            "face.continuity",
            "throughout",
            {**FAR, "to_reference": None, "common": 1.0},
            "liveness_actor_review",
        ),
        (
            "face.continuity",
            "throughout",
            {**FAR, "to_reference": NAN, "common": 1.0},
            "liveness_actor_review",
        ),
        (
            "face.continuity",
            "throughout",
            {"to_reference": GATES.known * ACTOR, "common": 1.0, "resting": 1.0},
            "",
        ),
        ("face.continuity", "throughout", {**FAR, "resting": GATES.resting * ACTOR}, ""),
        (
            "face.continuity",
            "throughout",
            {**FAR, "resting": GATES.resting * ACTOR + 1e-6},
            "liveness_actor_review",
        ),
        ("face.continuity", "throughout", {**FAR, "resting": NAN}, "liveness_actor_review"),
        (
            "face.continuity",
            "throughout",
            {**FAR, "common": GATES.common * ACTOR + 1e-6},
            "liveness_actor_review",
        ),
        ("face.continuity", "throughout", {**FAR, "common": NAN}, "liveness_actor_review"),
        ("face.continuity", "throughout", {"common": 1.0, "next": 2.0}, "liveness_actor_review"),
        ("face.continuity", "throughout", {"corners": NAN}, "liveness_actor_review"),
    ],
    ids=str,
)
def test_what_the_frames_show_is_refused_by_its_own_code(
    facts: LiveCaptureFacts, check: str, part: str, changes: Mapping[str, Any], code: str
) -> None:
    shown = shown_of(facts)
    changed: Any = {part: replace(getattr(shown, part), **changes)}
    said = CHECKS[check](replace(facts, shown=replace(shown, **changed)), POLICY)
    assert getattr(said, "code", "") == code


@pytest.mark.parametrize("command", ["turn_left", "turn_right", "blink", "open_mouth"])
def test_a_command_with_too_little_to_be_known_again_is_for_people(
    facts: LiveCaptureFacts, command: str
) -> None:
    shown, at = shown_of(facts), sent_of(facts).commands.index(command)
    step, is_turn = shown.numbers[at], command in TURNS
    for windows, code in (
        (Windows(1, 1), ""),
        (Windows(3, 0), "liveness_line_review" if is_turn else ""),
        (Windows(0, 0), "liveness_line_review"),
    ):
        numbers = (*shown.numbers[:at], replace(step, windows=windows), *shown.numbers[at + 1 :])
        said = CHECKS["face.fresh"](replace(facts, shown=replace(shown, numbers=numbers)), POLICY)
        assert getattr(said, "code", "") == code


def test_a_face_at_rest_need_not_move(facts: LiveCaptureFacts) -> None:
    shown = shown_of(facts)
    numbers = (replace(shown.numbers[0], windows=Windows(0, 0)), *shown.numbers[1:])
    assert isinstance(
        CHECKS["face.fresh"](replace(facts, shown=replace(shown, numbers=numbers)), POLICY), Passed
    )


def test_a_capture_that_earlier_ones_may_be_is_for_people(facts: LiveCaptureFacts) -> None:
    again = Compared("att_" + "b" * 26, Alike(0.9, 12, 9, 0.8, 0.95))
    by_chance = replace(again, alike=replace(again.alike, fits=POLICY.again.fits - 1))
    in_part = replace(
        again, alike=replace(again.alike, fits=POLICY.again.many, fitting=POLICY.again.fitting / 2)
    )
    for others, is_whole, code in (
        ((), False, "liveness_replay_review"),
        ((again,), False, "liveness_capture_replayed"),
        ((by_chance,), True, "liveness_replay_review"),
        ((in_part,), True, "liveness_replay_review"),
        ((by_chance, again), True, "liveness_capture_replayed"),
    ):
        part = replace(facts, sent=replace(sent_of(facts), compared=ComparedAll(others, is_whole)))
        decision = decide(STAGE.judge(part, POLICY), required=tuple(CHECKS))
        assert (decision.outcome is Outcome.REVIEW, decision.code) == (
            code == "liveness_replay_review",
            code,
        )


def test_a_frame_that_was_presented_before_is_refused_whatever_else_it_shows(
    facts: LiveCaptureFacts,
) -> None:
    for shown in (facts.shown, Step("frame_truncated")):
        seen = replace(facts, sent=replace(sent_of(facts), presented_before=True), shown=shown)
        assert (
            getattr(CHECKS["face.fresh"](seen, POLICY), "code", "") == "liveness_frame_seen_before"
        )


def test_a_chain_without_a_face_to_compare_is_refused(facts: LiveCaptureFacts) -> None:
    unseen = replace(
        facts, shown=replace(shown_of(facts), throughout=Step("liveness_face_missing"))
    )
    said = CHECKS["face.continuity"](unseen, POLICY)
    assert getattr(said, "code", "") == "liveness_face_missing"


def test_a_capture_that_comes_again_is_refused_and_no_word_tells_whose_it_was(
    facts: LiveCaptureFacts,
) -> None:
    again, other = (
        Compared("att_" + "b" * 26, Alike(0.9, 12, 9, 0.8, 0.95)),
        Compared("att_" + "c" * 26, Alike(0.9, 12, 2, 0.3, 0.0)),
    )
    for shown in (facts.shown, Step("frame_truncated")):
        seen = replace(
            facts,
            sent=replace(sent_of(facts), compared=ComparedAll((again, other), is_whole=True)),
            shown=shown,
        )
        said = CHECKS["face.fresh"](seen, POLICY)
        assert (getattr(said, "code", ""), said.score, said.threshold) == (
            "liveness_capture_replayed",
            0.8,
            0.4,
        )
        assert said.detail == {}
    like = replace(
        facts, sent=replace(sent_of(facts), compared=ComparedAll((other,), is_whole=True))
    )
    assert isinstance(CHECKS["face.fresh"](like, POLICY), Passed)


def test_what_was_not_compared_with_others_is_refused(good: Evidence) -> None:
    alone = given.without_pictures(given.without(good, "live_capture.compared"))
    assert getattr(given.said("face.fresh", alone), "code", "") == "check_missing"


@pytest.mark.parametrize("inner", ["frame_truncated", "frame_size_changed", "frame_unmeasurable"])
def test_frames_that_cannot_be_read_are_one_code_to_everybody(
    facts: LiveCaptureFacts, inner: str
) -> None:
    unread = replace(facts, shown=Step(inner), match=Step(inner))
    said = given.refusals(STAGE.judge(unread, POLICY))
    assert set(said.values()) == {"liveness_frame_unreadable"}
    assert {"face.fresh", "face.commands", "face.depth", "face.continuity", "face.match"} <= set(
        said
    )


@pytest.mark.parametrize(
    ("shown", "code"),
    [
        (None, "liveness_command_missed"),
        (Step("liveness_neutral_missing"), "liveness_not_at_rest"),
        (Step("liveness_neutral_unfit"), "liveness_not_at_rest"),
    ],
    ids=["a command missed", "no face at rest", "a face not at rest"],
)
def test_a_capture_that_ended_early_says_by_what_it_ended(
    facts: LiveCaptureFacts, shown: Step | None, code: str
) -> None:
    sent, seen = sent_of(facts), shown_of(facts)
    ended = replace(sent, commands=sent.order[:1], chain=sent.chain[:1], stills=sent.stills[:1])
    early = replace(facts, sent=ended, shown=replace(seen, gestures=() if shown is None else shown))
    decision = decide(STAGE.judge(early, POLICY), required=tuple(CHECKS))
    assert (decision.outcome, decision.code, decision.burns) == (Outcome.FAILED, code, True)
    unread = decide(
        STAGE.judge(replace(early, shown=Step("frame_truncated")), POLICY), required=tuple(CHECKS)
    )
    assert (unread.code, unread.burns) == ("liveness_frame_unreadable", True)


def test_a_masked_face_is_named_and_costs_no_attempt_until_people_look(
    facts: LiveCaptureFacts,
) -> None:
    sent, masked = sent_of(facts), Step("liveness_face_masked")
    for commands in (1, len(sent.order)):
        ended = replace(
            sent,
            commands=sent.order[:commands],
            chain=sent.chain[:commands],
            stills=sent.stills[:commands],
        )
        early = replace(facts, sent=ended, shown=masked, match=masked)
        decision = decide(STAGE.judge(early, POLICY), required=tuple(CHECKS))
        assert (decision.outcome, decision.code, decision.burns) == (
            Outcome.FAILED,
            "liveness_face_masked",
            False,
        )
        sixth = replace(early, sent=replace(ended, unburnt_before=POLICY.unburnt_captures_max - 1))
        decision = decide(STAGE.judge(sixth, POLICY), required=tuple(CHECKS))
        assert (decision.outcome, decision.code) == (Outcome.REVIEW, "liveness_line_review")


def test_what_is_wrong_on_our_side_never_makes_a_capture_that_ended_early_free(
    facts: LiveCaptureFacts,
) -> None:
    sent = sent_of(facts)
    ended = replace(facts, sent=replace(sent, commands=sent.order[:1]), shown=Step("check_missing"))
    decision = decide(STAGE.judge(ended, POLICY), required=tuple(CHECKS))
    assert (decision.code, decision.burns) == ("liveness_command_missed", True)
    assert not REASONS["check_missing"].burns


def test_each_compared_frame_stands_among_the_facts(facts: LiveCaptureFacts) -> None:
    assert isinstance(facts.shown, Shown)
    assert isinstance(found := facts.shown.throughout, Throughout)
    assert len(found.each) == found.frames
    assert {one.step for one in found.each} == set(range(5))
    assert max(one.to_neutral for one in found.each) == found.farthest
    assert found.farthest_reference is not None
    assert all(one.to_reference is not None for one in found.each)


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
def test_another_person_on_the_way_to_a_gesture_is_refused(
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
def test_a_far_face_in_a_deep_gesture_is_for_people_unless_it_was_met_on_the_way(
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
def test_a_far_face_is_for_people_where_no_face_was_met_on_the_way(
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
def test_the_person_met_on_the_way_is_the_registers_person_too(
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


LEFT_OUT = "liveness_commands_left_out"


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
def test_a_poor_picture_is_for_people_after_six_captures_of_a_day(
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
