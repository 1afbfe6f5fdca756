"""The gates and the checks of a live capture, their limits, facts and pictures."""

import io
import json
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.verification.engines.liveness import insecure_detectors as made
from tests.verification.engines.liveness import insecure_masks, insecure_paper
from tests.verification.stages.live_capture import captures as given
from tests.verification.stages.live_capture.captures import NOW, Frames
from tests.verification.stages.live_capture.conftest import Player
from tests.verification.stages.live_capture.insecure_captures import pixels
from tools.capture_limits import Limit, limits
from verification.core import stored
from verification.core.codes import REASONS
from verification.core.errors import BadInput, CalibrationMismatch, Misconfigured, Refused
from verification.core.results import Inconclusive, Outcome, Passed, Step, decide
from verification.core.route import Evidence, Looked, Next
from verification.core.stored import canonical_json
from verification.engines import weights
from verification.engines.faces.embedding import Zones
from verification.engines.liveness import landmarks, looks, networks, passive, policy, prints
from verification.engines.liveness.planarity import Planarity
from verification.engines.liveness.prints import Alike, Prints, Windows
from verification.engines.liveness.throughout import Throughout
from verification.routes import BIOMETRIC, LIVE_FACE
from verification.stages.live_capture import STAGE
from verification.stages.live_capture import dialogue as live_capture
from verification.stages.live_capture.checks import (
    CHECKS,
    check_binding,
    check_passive,
    check_timing,
)
from verification.stages.live_capture.dialogue import (
    ORDER,
    accept_live_capture,
    go_on_live_capture,
    order_evidence,
    prompt_live_capture,
)
from verification.stages.live_capture.measure import (
    Compared,
    ComparedAll,
    LiveCaptureFacts,
    Sent,
    Shown,
    compare_captures,
    look_at_live_capture,
    marks_of_capture,
    measure_live_capture,
    ready,
    sought_by_capture,
)
from verification.stages.live_capture.policy import TURNS, LiveCapturePolicy

# The table of checks of a live capture, its facts and its pictures.


# The route's whole table of checks over evidence that passes, and over evidence that is changed
# in one thing.


POLICY = LiveCapturePolicy()

_KINDS = (
    "consent.answer",
    "live_capture.order",
    "live_capture.photo",
    *(f"live_capture.{step}.turn" for step in range(len(given.ORDER))),
    *(
        f"live_capture.{step}.{kind}"
        for step in range(len(given.ORDER))
        for kind in ("chain.0", "frame.12", "part.0", "seen")
    ),
)


def test_a_capture_that_does_what_is_asked_passes_against_a_photo_of_the_same_person(
    good: Evidence,
) -> None:
    assert given.refusals(given.judge(good)) == {}
    assert given.decided(good).outcome is Outcome.PASSED


def test_the_other_commands_pass_too(play: Player, obama: bytes) -> None:
    order = ("look_straight", "nod", "turn_left", "come_closer", "turn_right")
    evidence = given.Sent(play("obama3.jpg", order=order), order=order).evidence(photo=obama)
    assert given.refusals(given.judge(evidence)) == {}


@pytest.mark.parametrize(
    ("amount", "currency", "code"),
    [
        ("294900.00", "KZT", ""),
        ("294900.01", "KZT", "liveness_review"),
        ("1.00", "USD", "liveness_review"),
    ],
)
def test_above_a_sum_two_people_look_because_no_detector_did(
    amount: str, currency: str, code: str
) -> None:
    case = given.case()
    borrowed = replace(case, loan=replace(case.loan, amount=amount, currency=currency))
    result = given.said("face.passive", Evidence(items={}, at=given.NOW), of=borrowed)
    assert getattr(result, "code", "") == code
    assert isinstance(result, Inconclusive if code else Passed)


@pytest.mark.parametrize(
    ("amount", "currency", "code"),
    [
        ("98300.00", "KZT", ""),
        ("98300.01", "KZT", "hand_over_review"),
        ("1.00", "USD", "hand_over_review"),
    ],
)
@pytest.mark.parametrize("handed_over", [True, False])
def test_above_a_smaller_sum_two_people_look_at_a_phone_that_took_over(
    handed_over: bool, amount: str, currency: str, code: str
) -> None:
    case = given.case()
    borrowed = replace(case, loan=replace(case.loan, amount=amount, currency=currency))
    result = given.said(
        "face.hand_over", Evidence(items={}, at=given.NOW, handed_over=handed_over), of=borrowed
    )
    assert getattr(result, "code", "") == (code if handed_over else "")
    assert isinstance(result, Inconclusive if handed_over and code else Passed)


def test_a_photo_of_somebody_else_refuses_though_every_gate_passes(
    live: given.Frames, biden: bytes
) -> None:
    evidence = given.Sent(live).evidence(photo=biden)
    results = given.judge(evidence)
    assert given.refusals(results) == {"face.match": "face_mismatch"}
    score = results[-1].score
    assert score is not None
    assert score > POLICY.zones.review.value + 0.2


def test_every_check_that_looks_names_the_file_of_its_model(good: Evidence) -> None:
    results = {result.check: result for result in given.judge(good)}
    for name in ("face.one_face", "face.quality", "face.commands", "face.depth"):
        assert results[name].detail["mesh_sha256"] == weights.FACE_MESH.sha256, name
    for name in ("face.continuity", "face.match"):
        assert results[name].detail["model_sha256"] == weights.SFACE.sha256, name


@pytest.mark.parametrize("kind", _KINDS)
def test_nothing_passes_without_one_original_or_with_one_spoilt(good: Evidence, kind: str) -> None:
    assert kind in good.items
    spoilt = replace(good, items={**good.items, kind: b"{}"})
    for broken in (given.without(good, kind), spoilt):
        assert given.decided(broken).outcome is Outcome.FAILED


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({}, "face_reference_unavailable"),
        ({"iin": "990101100020"}, "face_reference_unavailable"),
        ({"sha256": "ab" * 32}, "check_missing"),
        ({"source": "BORROWER"}, "check_missing"),
    ],
)
def test_a_photo_that_is_not_the_borrowers_reference_refuses(
    good: Evidence, obama: bytes, changes: dict[str, object], code: str
) -> None:
    photo = given.photo_answer(b"\xff\xd8\xff no picture \xff\xd9", **changes)
    spoilt = given.with_items(good, live_capture__photo=photo)
    assert given.refusals(given.judge(spoilt)) == {"face.match": code}


def test_every_attempt_asks_under_ids_of_its_own() -> None:
    memory = live_capture.begin({}, replaced_max=0)
    one, other = live_capture.order_evidence(memory), live_capture.order_evidence(memory)
    assert one != other
    assert memory["nonce"].encode() not in one


# What a capture's facts say of what came, and what of it is compared with other captures.


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


_MOVES = np.array([0.2, 6.0, 4.0, 0.1, 0.1, 0.1, 5.0, 5.0, 3.0])
_MIDDLE = np.array([0, 0, 0, 0.1, 0.3, 0.3, 100.0, 80.0, 40.0])


def _step(seed: int, frames: int) -> bytes:
    """A step of one face that moves smoothly, in its own way."""
    chance = np.random.default_rng(seed)
    at = np.arange(frames)[:, None] / 6
    moved = np.sin(2 * np.pi * chance.uniform(0.1, 0.5, 9) * at + chance.uniform(0, 6, 9)) * _MOVES
    signs = np.random.default_rng(0).random(prints.SIGNS) < 0.5
    still = np.zeros((frames, looks.NUMBERS))
    return Prints(np.tile(signs, (frames, 1)), moved + _MIDDLE, still).to_bytes()


@pytest.mark.parametrize("seen", [True, False])
def test_a_film_between_commands_that_were_missed_is_found(seen: bool) -> None:
    film = {f"live_capture.{at}.prints": _step(at, 23) for at in range(3)}
    fillers = {f"live_capture.{at}.prints": _step(100 + at, 40) for at in range(3, 9)}
    said = {
        f"live_capture.{at}.seen": json.dumps({"seen": seen, "then": "blink"}).encode()
        for at in range(3, 9)
    }
    found = compare_captures({**film, **fillers, **said}, {"att_film": film}, True)
    [one] = stored.read(
        json.loads(found["live_capture.compared"]), into=ComparedAll, what="compared"
    ).others
    assert policy.AGAIN.finds(one.alike) is not seen


@pytest.mark.parametrize("beside", [(), ("att_before",)])
def test_the_look_of_another_attempt_of_the_same_verification_does_not_count(
    beside: tuple[str, ...],
) -> None:
    chance = np.random.default_rng(5)
    faces = [np.cumsum(chance.normal(0, 4, (23, looks.NUMBERS)), axis=0) for _ in range(3)]
    signs, motion = np.zeros((23, prints.SIGNS), dtype=bool), np.tile(_MIDDLE, (23, 1))
    kept = {
        f"live_capture.{at}.prints": Prints(signs, motion, face).to_bytes()
        for at, face in enumerate(faces)
    }
    found = compare_captures(kept, {"att_before": kept}, True, beside)
    [before] = stored.read(
        json.loads(found["live_capture.compared"]), into=ComparedAll, what="compared"
    ).others
    assert before.is_beside is bool(beside)
    assert policy.AGAIN.resembles(before.alike)
    assert not policy.AGAIN.resembles(before.alike, by_look=False)


def test_a_capture_is_sought_by_all_marks_that_are_kept_of_it() -> None:
    items = {f"live_capture.{at}.prints": _step(at, 23) for at in range(3)}
    marks = marks_of_capture(items)
    assert marks
    assert marks <= sought_by_capture(items)


# What the camera routes let reviewers look at: the register's photo and every frame, each with
# its command.


ROUTES = [BIOMETRIC, LIVE_FACE]


def picture(shade: int) -> bytes:
    kept = io.BytesIO()
    Image.new("RGB", (64, 48), (shade, shade, shade)).save(kept, "JPEG")
    return kept.getvalue()


@pytest.fixture(scope="module")
def captured() -> Evidence:
    """Two frames for each command, and a photo."""
    frames = {
        command: (picture(10 * number), picture(10 * number + 5))
        for number, command in enumerate(given.ORDER)
    }
    return given.Sent(frames).evidence(photo=given.photo_answer(picture(200)))


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.name)
def test_reviewers_see_the_reference_first_and_the_frames_in_the_order_of_the_commands(
    route, captured
):
    stage = route.stages[-1]
    listed = stage.pictures(captured)
    assert [one.command for one in listed] == [
        "",
        *(command for command in given.ORDER for _ in range(2)),
    ]
    assert {one.kind for one in listed} <= set(captured.items)
    for one in listed:
        assert Image.open(io.BytesIO(stage.show(one.kind, captured.items[one.kind]))).size == (
            64,
            48,
        )


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.name)
@pytest.mark.parametrize("kind", ["live_capture.order", "live_capture.0.turn", "register.consent"])
def test_other_evidence_is_no_picture(route, kind, captured):
    with pytest.raises((BadInput, Refused)):
        route.stages[-1].show(kind, captured.items[kind])


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.name)
def test_an_answer_without_a_photo_and_a_capture_without_its_order_are_refused(route, captured):
    stage = route.stages[-1]
    with pytest.raises((BadInput, Refused)):
        stage.show("live_capture.photo", b"{}")
    with pytest.raises(Refused):
        stage.pictures(given.without(captured, "live_capture.order"))


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.name)
def test_a_stage_without_a_camera_has_no_pictures(route):
    assert [stage.pictures is None for stage in route.stages] == [True] * (
        len(route.stages) - 1
    ) + [False]


# The gates of a live capture, their limits, masks and presentation attacks.


# Each gate says by its code exactly what it found, at its threshold and not before.


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


# Every number that a gate compares is told with its limit: moved to just beyond it, the gate no
# longer passes.


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


# What a detector of presentation attacks may do to a capture: send it to people, and if
# certified lift the sum.


SMALL, LARGE = "294900.00", "294900.01"
BONA_FIDE, ATTACK = 4.0, -4.0


@pytest.fixture
def installed(tmp_path: Path) -> Iterator[Callable[..., LiveCapturePolicy]]:
    """`installed(BONA_FIDE, certified=True)`: a detector that says so of every picture, and what is
    judged by then.
    """

    def put(says: float, *, certified: bool = False) -> LiveCapturePolicy:
        papers = [made.CERTIFICATE] if certified else []
        passive.use(made.install(tmp_path, made.saying(says), certificates=papers))
        return LiveCapturePolicy()

    yield put
    passive.use(None)


def measured(
    evidence: Evidence, policy: LiveCapturePolicy, *, amount: str = SMALL
) -> LiveCaptureFacts:
    case = given.case()
    found = STAGE.measure(replace(case, loan=replace(case.loan, amount=amount)), evidence, policy)
    assert isinstance(found, LiveCaptureFacts)
    return found


def test_without_a_detector_all_is_as_it_was(good: Evidence) -> None:
    facts = measured(good, LiveCapturePolicy())
    said = check_passive(facts, LiveCapturePolicy())
    assert facts.passive is None
    assert (said.detail, said.score, said.threshold) == ({"passive": "none"}, 294_900.0, 294_900.0)
    assert ready()["passive"] == "none"


@pytest.mark.parametrize(
    ("says", "certified", "amount", "code"),
    [
        (BONA_FIDE, False, SMALL, ""),
        (BONA_FIDE, False, LARGE, "liveness_review"),
        (BONA_FIDE, True, SMALL, ""),
        (BONA_FIDE, True, LARGE, ""),
        (ATTACK, False, SMALL, "liveness_passive_review"),
        (ATTACK, False, LARGE, "liveness_passive_review"),
        (ATTACK, True, SMALL, "liveness_passive_review"),
        (ATTACK, True, LARGE, "liveness_passive_review"),
    ],
)
def test_a_detector_sends_to_people_and_only_a_certified_one_lifts_the_sum(
    good: Evidence,
    installed: Callable[..., LiveCapturePolicy],
    says: float,
    certified: bool,
    amount: str,
    code: str,
) -> None:
    policy = installed(says, certified=certified)
    facts = measured(good, policy, amount=amount)
    results = STAGE.judge(facts, policy)
    assert given.refusals(results) == ({"face.passive": code} if code else {})
    decision = decide(results, required=tuple(STAGE.checks))
    assert (decision.outcome, decision.burns) == (Outcome.REVIEW if code else Outcome.PASSED, False)


def test_the_check_says_which_detector_gave_which_score_at_which_threshold(
    good: Evidence, installed: Callable[..., LiveCapturePolicy]
) -> None:
    policy = installed(BONA_FIDE)
    facts = measured(good, policy)
    assert facts.passive is not None
    assert policy.passive is not None
    said = check_passive(facts, policy)
    assert len(facts.passive.scores) == len(given.ORDER)  # the best still of each command
    assert said.score == min(score for score in facts.passive.scores if score is not None)
    assert (said.threshold, said.detail["passive"]) == (0.5, policy.passive.detector)
    assert ready()["passive"] == policy.passive.detector


def test_facts_and_policy_are_read_back_as_they_were_judged(
    good: Evidence, installed: Callable[..., LiveCapturePolicy]
) -> None:
    policy = installed(ATTACK)
    facts = measured(good, policy)
    kept = json.loads(
        stored.to_bytes({"facts": stored.as_record(facts), "policy": stored.as_record(policy)})
    )
    passive.use(None)  # a replay needs no detector for what was kept
    again = stored.read(kept["facts"], into=LiveCaptureFacts, what="facts")
    judged_by = stored.read(kept["policy"], into=LiveCapturePolicy, what="policy", is_whole=True)
    assert check_passive(again, judged_by) == check_passive(facts, policy)
    assert isinstance(check_passive(again, judged_by), Inconclusive)


def test_a_score_that_is_missing_or_of_another_detector_is_for_people(
    good: Evidence, installed: Callable[..., LiveCapturePolicy]
) -> None:
    policy = installed(BONA_FIDE, certified=True)
    facts = measured(good, policy, amount=LARGE)
    assert facts.passive is not None
    assert isinstance(check_passive(facts, policy), Passed)
    without = (
        replace(facts, passive=None),
        replace(facts, passive=replace(facts.passive, scores=(None, *facts.passive.scores[1:]))),
        replace(facts, passive=replace(facts.passive, detector="another@1")),
    )
    for each in without:
        assert given.refusals([check_passive(each, policy)]) == {
            "face.passive": "liveness_passive_review"
        }


def test_a_detector_that_gives_up_on_the_pictures_sends_to_people(
    good: Evidence, tmp_path: Path
) -> None:
    passive.use(made.install(tmp_path, made.blind_to_red(), of_net={"crop": "1"}))
    try:
        policy = LiveCapturePolicy()
        facts = measured(good, policy)
    finally:
        passive.use(None)
    assert facts.passive is not None
    assert set(facts.passive.scores) == {None}
    assert given.refusals(STAGE.judge(facts, policy)) == {"face.passive": "liveness_passive_review"}


def test_a_capture_of_which_nothing_was_measured_is_no_attack_to_a_detector(
    good: Evidence, installed: Callable[..., LiveCapturePolicy]
) -> None:
    policy = installed(ATTACK)
    facts = measured(given.with_items(good, live_capture__0__turn=b"{}"), policy)
    assert facts.passive is None
    assert isinstance(check_passive(facts, policy), Passed)
    assert (
        decide(STAGE.judge(facts, policy), required=tuple(STAGE.checks)).outcome is Outcome.FAILED
    )


def test_a_certified_detector_does_not_lift_the_sum_of_a_phone_that_took_over(
    good: Evidence, installed: Callable[..., LiveCapturePolicy]
) -> None:
    policy = installed(BONA_FIDE, certified=True)
    facts = measured(replace(good, handed_over=True), policy, amount=LARGE)
    assert given.refusals(STAGE.judge(facts, policy)) == {"face.hand_over": "hand_over_review"}


@pytest.mark.parametrize(("says", "code"), [(BONA_FIDE, "face_again"), (ATTACK, "face_review")])
def test_whom_the_detector_sends_to_people_is_not_asked_for_a_better_picture(
    good: Evidence, installed: Callable[..., LiveCapturePolicy], says: float, code: str
) -> None:
    usual = installed(says)
    nowhere = replace(usual.zones.match, value=0.01)
    policy = replace(usual, zones=Zones(nowhere, usual.zones.match))
    facts = measured(replace(good, attempts_left=3), policy)
    assert given.refusals(STAGE.judge(facts, policy))["face.match"].startswith(code)


def test_a_capture_is_judged_again_with_the_detector_it_was_judged_with_or_not_at_all(
    good: Evidence, installed: Callable[..., LiveCapturePolicy]
) -> None:
    without, before = LiveCapturePolicy(), installed(BONA_FIDE)
    installed(ATTACK)
    assert measured(good, without).passive is None
    with pytest.raises(CalibrationMismatch, match="small@"):
        measured(good, before)
    passive.use(None)
    with pytest.raises(CalibrationMismatch, match="small@"):
        measured(good, before)


def test_a_detector_that_is_not_as_pinned_keeps_anything_from_being_judged(
    good: Evidence, tmp_path: Path
) -> None:
    passive.use(made.install(tmp_path, made.saying(BONA_FIDE), of_net={"sha256": "ab" * 32}))
    try:
        with pytest.raises(Misconfigured, match="SHA-256"):
            measured(good, LiveCapturePolicy())
        with pytest.raises(Misconfigured, match="SHA-256"):
            ready()
    finally:
        passive.use(None)


# What looks like a mask at rest ends the first capture of a day with advice; in a later one it
# is for people.


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
