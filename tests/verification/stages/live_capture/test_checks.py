"""The table of checks of a live capture, its facts and its pictures."""

import io
import json
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from tests.verification.stages.live_capture import captures as given
from tests.verification.stages.live_capture.conftest import Player
from verification.core import stored
from verification.core.errors import BadInput, Refused
from verification.core.results import Inconclusive, Outcome, Passed, Step
from verification.core.route import Evidence
from verification.engines import weights
from verification.engines.liveness import looks, policy, prints
from verification.engines.liveness.prints import Prints
from verification.routes import BIOMETRIC, LIVE_FACE
from verification.stages.live_capture import dialogue as live_capture
from verification.stages.live_capture.measure import (
    ComparedAll,
    Sent,
    compare_captures,
    marks_of_capture,
    measure_live_capture,
    sought_by_capture,
)
from verification.stages.live_capture.policy import LiveCapturePolicy

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
