"""Attacks on the whole route, signs of injection, and frames of any bytes."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image as Pillow

from insecure_sandbox import camera as demo_camera
from insecure_sandbox import warp
from tests.painted import painted
from tests.verification.engines.liveness import insecure_paper
from tests.verification.stages.live_capture import captures, insecure_captures
from tests.verification.stages.live_capture import insecure_captures as attack
from tests.verification.stages.live_capture.captures import Frames, Sent, refusals
from tests.verification.stages.live_capture.conftest import Player
from tests.verification.stages.live_capture.turns import answer, begun, said
from verification.core import codes, stored
from verification.core.codes import REASONS
from verification.core.errors import BadInput
from verification.core.results import Inconclusive, Outcome, Passed, Step, decide
from verification.core.route import Evidence
from verification.course.policy import FRAMES_HELD_FOR
from verification.engines.liveness import landmarks, networks
from verification.engines.liveness.frames import Image
from verification.engines.liveness.injection import Injection
from verification.stages.live_capture import STAGE
from verification.stages.live_capture.checks import CHECKS
from verification.stages.live_capture.dialogue import accept_live_capture, prompt_live_capture
from verification.stages.live_capture.measure import LiveCaptureFacts
from verification.stages.live_capture.policy import LiveCapturePolicy

# Attacks on the whole route, each refused, and by which code. The gates that stop them are
# tested on their own beside `verification.engines.liveness`; what is not stopped stands in
# docs/security/liveness.md.


# Minutes of painting and measuring: not for every commit's quick check.

_SEEDS = (1, pytest.param(2, marks=pytest.mark.whole))


@pytest.fixture(scope="module")
def faces(portraits: Path) -> Mapping[str, Image]:
    """The portraits, decoded."""
    names = ("obama3.jpg", "biden.jpg")
    return {
        name: np.asarray(Pillow.open(portraits / name).convert("RGB"), dtype=np.uint8)
        for name in names
    }


@pytest.fixture(scope="module")
def paper(faces: Mapping[str, Image]) -> Image:
    """A print of the borrower."""
    face = landmarks.measure(faces["obama3.jpg"], networks=networks.load()).face
    assert face is not None
    return attack.print_of(faces["obama3.jpg"], eyes=face.interocular)


def _refused(evidence: Evidence) -> str:
    return next(iter(_refusals(evidence).values()))


def _refusals(evidence: Evidence) -> dict[str, str]:
    """The codes of the checks that did not pass; with the first that leaves nothing to people the
    attempt ends.
    """
    results = captures.judge(evidence)
    decision, refusals = decide(results, required=tuple(CHECKS)), captures.refusals(results)
    assert decision.outcome is Outcome.FAILED
    assert decision.code == next(
        code for code in refusals.values() if not codes.require(code).review
    )
    return refusals


@pytest.mark.proof("live_capture_attacks")
@pytest.mark.parametrize("seed", _SEEDS)
def test_a_framed_print_is_refused(paper: Image, obama: bytes, seed: int) -> None:
    refused = _refusals(captures.Sent(attack.framed(paper, seed=seed)).evidence(photo=obama))
    assert refused["face.depth"] == "liveness_depth_missing"
    assert "face.commands" in refused


@pytest.mark.proof("live_capture_attacks")
@pytest.mark.parametrize("seed", _SEEDS)
def test_a_still_in_a_shaking_hand_is_refused(paper: Image, obama: bytes, seed: int) -> None:
    refused = _refusals(captures.Sent(attack.in_a_hand(paper, seed=seed)).evidence(photo=obama))
    assert refused["face.depth"] == "liveness_depth_missing"
    assert "face.commands" in refused


@pytest.mark.proof("live_capture_attacks")
@pytest.mark.parametrize("seed", _SEEDS)
def test_flat_paper_turned_to_the_side_that_is_asked_for_is_refused(
    paper: Image, obama: bytes, seed: int
) -> None:
    refused = _refusals(captures.Sent(attack.turned(paper, seed=seed)).evidence(photo=obama))
    assert refused["face.depth"] == "liveness_depth_flat"
    assert "face.commands" in refused


@pytest.mark.proof("live_capture_attacks")
def test_frozen_frames_are_refused(live: captures.Frames, obama: bytes) -> None:
    frozen = {**live, "turn_left": (*live["turn_left"][:2], *[live["turn_left"][-1]] * 10)}
    assert (
        _refusals(captures.Sent(frozen).evidence(photo=obama))["face.fresh"]
        == "liveness_frame_frozen"
    )


@pytest.mark.proof("live_capture_attacks")
@pytest.mark.parametrize("seed", _SEEDS)
def test_a_recording_of_another_order_on_a_screen_is_refused(
    live: captures.Frames, obama: bytes, seed: int
) -> None:
    """What stops a recording is the order it cannot know; moiré by itself is not looked for."""
    screen = attack.on_a_screen(live, seed=seed)
    neutral, *others = captures.ORDER
    other_order = dict(
        zip(
            captures.ORDER,
            (screen[each] for each in (neutral, *others[1:], others[0])),
            strict=True,
        )
    )
    assert _refused(captures.Sent(other_order).evidence(photo=obama)) == "liveness_command_missed"


@pytest.mark.proof("live_capture_attacks")
def test_gestures_in_the_wrong_order_are_refused(live: captures.Frames, obama: bytes) -> None:
    swapped = {**live, "turn_left": live["turn_right"], "turn_right": live["turn_left"]}
    assert _refusals(captures.Sent(swapped).evidence(photo=obama)) == {
        "face.commands": "liveness_command_missed"
    }


@pytest.mark.proof("live_capture_attacks")
def test_frames_that_come_before_they_are_taken_are_refused(
    live: captures.Frames, obama: bytes
) -> None:
    in_time = captures.Sent(live, waits={"turn_right": 2.1}).evidence(photo=obama)
    early = captures.Sent(live, waits={"turn_right": 1.9}).evidence(photo=obama)
    assert captures.decided(in_time).outcome is Outcome.PASSED
    assert _refusals(early) == {"face.timing": "liveness_frame_early"}


@pytest.mark.proof("live_capture_attacks")
def test_frames_bound_to_another_attempt_are_refused(live: captures.Frames, obama: bytes) -> None:
    other = captures.Sent(live, bound_to=captures.begun()).evidence(photo=obama)
    assert _refusals(other) == {"face.binding": "liveness_frame_unbound"}


@pytest.mark.proof("live_capture_attacks")
@pytest.mark.parametrize("kind", ["live_capture.0.frame.12", "live_capture.3.frame.13"])
def test_a_frame_of_another_verification_is_refused(good: Evidence, kind: str) -> None:
    assert kind in good.items
    seen = replace(good, presented=frozenset({kind}))
    assert _refusals(seen) == {"face.fresh": "liveness_frame_seen_before"}


@pytest.mark.proof("live_capture_attacks")
def test_a_second_face_in_one_frame_is_refused(
    live: captures.Frames, faces: Mapping[str, Image], obama: bytes
) -> None:
    somebody = attack.beside(live, faces["biden.jpg"][100:1100, 50:850], command="blink")
    assert (
        _refusals(captures.Sent(somebody).evidence(photo=obama))["face.one_face"]
        == "multiple_faces"
    )


@pytest.mark.proof("live_capture_attacks")
@pytest.mark.parametrize("first", [1, pytest.param(2, marks=pytest.mark.whole)])
def test_a_person_swapped_after_the_first_steps_is_refused(
    live: captures.Frames, play: Player, obama: bytes, first: int
) -> None:
    other = play("biden.jpg")
    swapped = {
        command: (live if at < first else other)[command]
        for at, command in enumerate(captures.ORDER)
    }
    assert (
        _refusals(captures.Sent(swapped).evidence(photo=obama))["face.continuity"]
        == "liveness_face_changed"
    )


@pytest.mark.proof("live_capture_attacks")
def test_the_right_gestures_of_another_person_are_refused(play: Player, obama: bytes) -> None:
    # His warped mouth does not open far enough, so it is not asked for. He turns so far that he may
    # be unlike himself, too: whether that shows, and where, depends on which frames are drawn.
    order = ("look_straight", "turn_right", "blink", "turn_left")
    evidence = captures.Sent(play("biden.jpg", order=order), order=order).evidence(photo=obama)
    refusals = _refusals(evidence)
    assert refusals.pop("face.match") == "face_mismatch"
    assert {*refusals.values()} <= {"liveness_face_changed", "liveness_actor_review"}


@pytest.mark.proof("live_capture_attacks")
def test_full_frames_of_the_victim_beside_a_chain_of_somebody_else_are_refused(
    live: captures.Frames, play: Player, obama: bytes
) -> None:
    order = ("look_straight", "turn_right", "blink", "turn_left")
    theirs = play("biden.jpg", order=order)
    shown = dict.fromkeys(order, live["look_straight"])
    assert _refusals(captures.Sent(theirs, order=order, shown=shown).evidence(photo=obama)) == {
        "face.fresh": "liveness_frame_repeated",  # the same pictures for every command
        "face.continuity": "liveness_face_changed",
        "face.match": "face_mismatch",  # of who acts in the chain
    }
    fresh = {command: live[command] for command in order}
    evidence = captures.Sent(theirs, order=order, shown=fresh).evidence(photo=obama)
    assert _refusals(evidence) == {
        "face.continuity": "liveness_face_changed",
        "face.match": "face_mismatch",
    }


@pytest.mark.proof("live_capture_attacks")
def test_frames_sent_twice_under_new_numbers_are_refused(
    live: captures.Frames, obama: bytes
) -> None:
    neutral = live["look_straight"]
    twice = {**live, "look_straight": (*neutral[:6], *neutral[:2])}
    assert _refusals(captures.Sent(twice).evidence(photo=obama)) == {
        "face.fresh": "liveness_frame_repeated"
    }


@pytest.mark.proof("live_capture_attacks")
def test_one_picture_written_again_for_every_frame_of_a_step_is_refused(
    live: captures.Frames, obama: bytes
) -> None:
    copies = {
        command: attack.written_again(frames[-1], times=12) for command, frames in live.items()
    }
    assert (
        _refusals(captures.Sent(copies).evidence(photo=obama))["face.depth"]
        == "liveness_depth_missing"
    )


@pytest.mark.proof("live_capture_attacks")
def test_a_frame_beyond_its_size_is_not_taken(live: captures.Frames) -> None:
    memory = captures.begun()
    large = live["look_straight"][0] + bytes(40 * 1024)
    with pytest.raises(BadInput):
        accept_live_capture(
            memory, demo_camera.bound([(0, large)], [], prompt_live_capture(memory)), captures.NOW
        )


@pytest.mark.proof("live_capture_attacks")
@pytest.mark.parametrize(
    "spoil", [attack.on_its_side, attack.bomb, attack.with_a_tail, attack.no_picture]
)
def test_a_frame_that_is_no_upright_camera_picture_is_refused(
    live: captures.Frames, obama: bytes, spoil: Callable[[bytes], bytes]
) -> None:
    *before, last = live["blink"][:7]  # the seventh of twelve is sent in full
    spoilt = {**live, "blink": (*before, spoil(last), *live["blink"][7:])}
    assert _refused(captures.Sent(spoilt).evidence(photo=obama)) == "liveness_frame_unreadable"


ORDER = ("look_straight", "turn_right", "blink", "turn_left")
COUNT = 12


def _photograph(folder: Path, name: str) -> Path:
    return folder / "faces" / "london" / f"{name}.jpg"


def _played(photograph: Path, *gestures: warp.Play) -> Mapping[str, tuple[bytes, ...]]:
    return {gesture: painted(photograph, gesture, COUNT, seed=1) for gesture in gestures}


def _registered(photograph: Path) -> bytes:
    written = BytesIO()
    Pillow.open(photograph).convert("RGB").save(written, "JPEG", quality=90)
    return captures.photo_answer(written.getvalue())


@pytest.mark.proof("live_capture_attacks")
@pytest.mark.parametrize(
    ("registered", "neutral", "actor", "code"),
    [
        pytest.param(
            "005_smiling", "005_neutral", "067_neutral", "face_mismatch", marks=pytest.mark.whole
        ),
        # The two people of the set who are nearest to each other.
        ("062_neutral", "062_smiling", "126_neutral", "face_mismatch"),
    ],
)
def test_the_face_that_does_the_commands_is_matched_too(
    shared_data: Path, registered: str, neutral: str, actor: str, code: str
) -> None:
    victim = _played(
        _photograph(shared_data, neutral), "neutral", "turn_right", "blink", "turn_left"
    )
    theirs = _played(_photograph(shared_data, actor), "turn_right", "blink", "turn_left")
    photo = _registered(_photograph(shared_data, registered))
    honest = captures.Sent({**victim, "look_straight": victim["neutral"]}, order=ORDER).evidence(
        photo=photo
    )
    swapped = captures.Sent({**theirs, "look_straight": victim["neutral"]}, order=ORDER).evidence(
        photo=photo
    )
    assert isinstance(captures.said("face.match", honest), Passed)
    assert captures.refusals([captures.said("face.match", swapped)]) == {"face.match": code}


@pytest.mark.proof("live_capture_attacks")
def test_one_command_that_somebody_else_does_is_enough(play: Player, obama: bytes) -> None:
    own, theirs = play("obama3.jpg", order=ORDER), play("biden.jpg", order=ORDER)
    mixed = captures.Sent({**own, "blink": theirs["blink"]}, order=ORDER).evidence(photo=obama)
    assert captures.refusals([captures.said("face.match", mixed)]) == {
        "face.match": "face_mismatch"
    }


@pytest.mark.proof("live_capture_attacks")
@pytest.mark.parametrize(
    "order",
    [
        ("look_straight", "turn_left", "nod", "turn_right"),
        ("look_straight", "come_closer", "turn_right", "turn_left"),
        ("look_straight", "turn_right", "blink", "open_mouth", "turn_left"),
    ],
    ids=" ".join,
)
@pytest.mark.parametrize("seed", _SEEDS)
def test_the_borrower_who_does_the_commands_is_matched(
    play: Player, obama: bytes, order: tuple[str, ...], seed: int
) -> None:
    evidence = captures.Sent(play("obama3.jpg", seed=seed, order=order), order=order).evidence(
        photo=obama
    )
    result = captures.said("face.match", evidence)
    assert not isinstance(result, Inconclusive)
    assert isinstance(result, Passed)
    assert float(result.detail["commands"]) <= LiveCapturePolicy().zones.match.value - 0.01


# Signs of injection: each raises a review and nothing else, none lowers anything, and what is
# told is kept sealed.


CODE = "liveness_injection_"
PHONE = {"label": "camera2 1, facing front", "facing": "user", "width": 480, "height": 640}
WEBCAM = {"label": "Integrated Camera (13d3:5405)", "width": 640, "height": 480}


def with_signs(facts: LiveCaptureFacts, **changes: Any) -> LiveCaptureFacts:
    """The facts with other numbers of injection."""
    assert isinstance(facts.injection, Injection)
    return replace(facts, injection=replace(facts.injection, **changes))


def with_told(live: Frames, photo: bytes, **of: dict[str, Any]) -> Evidence:
    """A capture whose page tells this of the camera with a command, and with each other that it has
    no sensor.
    """
    return Sent(
        live, tells={command: of.get(command, of["every"]) for command in captures.ORDER}
    ).evidence(photo=photo)


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("virtual_camera", {"virtual": "obs virtual camera"}),
        ("regular_frames", {"pictures": 60, "off_us": 1.0}),
        ("still_phone", {"facing": "user", "events": 60, "moved": 0, "shaken": 3}),
        ("near_duplicates", {"returned": 8}),
        ("camera_changed", {"cameras": 2}),
    ],
)
def test_each_signal_alone_raises_a_review_and_nothing_else(
    facts: LiveCaptureFacts, name: str, changes: dict[str, Any]
) -> None:
    results = STAGE.judge(with_signs(facts, **changes), captures.POLICY)
    assert refusals(results) == {"face.injection": CODE + name}
    [result] = [one for one in results if one.check == "face.injection"]
    assert result.detail["signals"] == name
    assert {key: result.detail[key] for key in changes if key != "off_us"} == {
        key: value for key, value in changes.items() if key != "off_us"
    }
    decision = decide(results, required=tuple(CHECKS))
    assert (decision.outcome, decision.code, decision.burns) == (Outcome.REVIEW, CODE + name, False)


@pytest.mark.parametrize(
    "changes",
    [
        {"pictures": 59, "off_us": 0.0},
        {"pictures": 600, "off_us": 2.1},
        {"pictures": 600, "off_us": 0.0, "facing": "user"},
        {"facing": "user", "events": 59, "shaken": 3},
        {"facing": "user", "events": 60, "shaken": 2},
        {"facing": "user", "events": 60, "shaken": 3, "moved": 1},
        {"facing": "", "events": 60, "shaken": 3},
        {"returned": 7},
        {"cameras": 1},
    ],
)
def test_below_each_number_nothing_is_raised(
    facts: LiveCaptureFacts, changes: dict[str, Any]
) -> None:
    assert refusals(STAGE.judge(with_signs(facts, **changes), captures.POLICY)) == {}


def test_signals_together_are_all_named_and_a_refusal_stays_a_refusal(
    facts: LiveCaptureFacts, biden: bytes
) -> None:
    signs = {"virtual": "manycam", "cameras": 2, "returned": 30}
    results = {one.check: one for one in STAGE.judge(with_signs(facts, **signs), captures.POLICY)}
    assert (
        results["face.injection"].detail["signals"]
        == "virtual_camera, near_duplicates, camera_changed"
    )
    assert not isinstance(facts.match, Step)
    refused = replace(with_signs(facts, **signs), match=replace(facts.match, at_rest=1.3))
    decision = decide(STAGE.judge(refused, captures.POLICY), required=tuple(CHECKS))
    assert (decision.outcome, decision.code) == (Outcome.FAILED, "face_mismatch")


def test_a_camera_that_is_told_and_one_that_is_not_pass_alike(
    live: Frames, obama: bytes, facts: LiveCaptureFacts
) -> None:
    told = with_told(live, obama, every={**PHONE, "events": 200, "moved": 350, "pictures": 50})
    assert refusals(captures.judge(told)) == {}
    assert isinstance(captures.said("face.injection", told), Passed)
    assert refusals(STAGE.judge(facts, captures.POLICY)) == {}


def test_the_label_of_a_virtual_camera_raises_a_review_and_is_in_no_fact(
    live: Frames, obama: bytes
) -> None:
    label = "Aliya's OBS Virtual Camera"
    evidence = with_told(live, obama, every={**WEBCAM, "label": label})
    found = STAGE.measure(captures.case(), evidence, captures.POLICY)
    results = STAGE.judge(found, captures.POLICY)
    assert refusals(results) == {"face.injection": CODE + "virtual_camera"}
    assert b"Aliya" not in stored.to_bytes(found)
    assert not any("Aliya" in str(one.detail) for one in results)
    assert label in evidence.items["live_capture.1.part.0"].decode()  # sealed with the attempt


def test_a_clock_that_counts_and_a_camera_that_changes_are_found_in_what_came(
    live: Frames, obama: bytes
) -> None:
    counted = {"pictures": 50, "span_us": 50 * 33_333, "shortest_us": 33_333, "longest_us": 33_333}
    regular = captures.said("face.injection", with_told(live, obama, every={**WEBCAM, **counted}))
    assert regular.detail["signals"] == "regular_frames"
    changed = captures.said("face.injection", with_told(live, obama, every=WEBCAM, blink=PHONE))
    assert changed.detail["signals"] == "camera_changed"


def test_turns_that_are_played_there_and_back_again_are_for_people(
    live: Frames, obama: bytes
) -> None:
    frames = dict(live)
    for turn in ("turn_left", "turn_right"):
        back = [insecure_captures.written_again(jpeg, times=1)[0] for jpeg in reversed(live[turn])]
        frames[turn] = (*live[turn], *back)
    evidence = Sent(frames, waits={"turn_left": 4.5, "turn_right": 4.5}).evidence(photo=obama)
    assert refusals(captures.judge(evidence)) == {"face.injection": CODE + "near_duplicates"}


def test_what_cannot_be_seen_raises_nothing_and_passes_nothing(live: Frames, obama: bytes) -> None:
    evidence = captures.without_pictures(Sent(live).evidence(photo=obama))
    assert captures.said("face.injection", evidence).detail.keys().isdisjoint({"signals"})
    assert "face.injection" in refusals(captures.judge(evidence))


@pytest.mark.parametrize(
    "camera", [{"deviceId": "a"}, {"label": "a" * 201}, {"events": -1}, ["OBS"], "OBS", False]
)
def test_what_no_page_tells_is_refused_with_its_part(camera: Any) -> None:
    memory = begun()
    with pytest.raises(BadInput) as refused:
        answer(memory, untrusted_camera=camera)
    assert (refused.value.code, str(refused.value.pointer)[:7]) == ("bad_answer", "/camera")


def test_what_is_told_is_kept_with_the_part() -> None:
    assert said(answer(begun(), untrusted_camera=PHONE))["camera"] == PHONE


def test_the_borrower_reads_only_that_people_look_and_the_pictures_stay() -> None:
    reasons = [reason for code, reason in REASONS.items() if code.startswith(CODE)]
    assert len(reasons) == 5
    assert {reason.borrower_message for reason in reasons} == {
        REASONS["face_review"].borrower_message
    }
    assert all(reason.review and not reason.burns for reason in reasons)
    assert {reason.code for reason in reasons} <= FRAMES_HELD_FOR


# Frames are somebody else's bytes: whatever they are, every check answers, and none of them by
# passing them.


_LOOKING = (
    "face.fresh",
    "face.one_face",
    "face.quality",
    "face.commands",
    "face.depth",
    "face.continuity",
)
_SOME = insecure_paper.jpeg(
    np.random.default_rng(1).integers(0, 255, (180, 180, 3)).astype(np.uint8), quality=40
)
_garbage = st.binary(min_size=1, max_size=200)
_headed = _garbage.map(lambda garbage: b"\xff\xd8" + garbage)
_damaged = st.tuples(st.integers(0, len(_SOME) - 1), st.binary(min_size=1, max_size=4)).map(
    lambda change: _SOME[: change[0]] + change[1] + _SOME[change[0] + len(change[1]) :]
)
_SIZES = ((180, 180), (180, 181), (181, 180), (180, 240), (240, 180), (400, 160))


def _picture(width: int, height: int, *, grey: bool) -> bytes:
    written, pixels = (
        BytesIO(),
        np.random.default_rng(width).integers(0, 255, (height, width, 3)).astype(np.uint8),
    )
    Pillow.fromarray(pixels).convert("L" if grey else "RGB").save(written, "JPEG", quality=30)
    return written.getvalue()


_PICTURES = {(size, grey): _picture(*size, grey=grey) for size in _SIZES for grey in (False, True)}
_whole = st.sampled_from(sorted(_PICTURES)).map(_PICTURES.__getitem__)
_PHOTO = captures.photo_answer(b"\xff\xd8\xff no picture \xff\xd9")


@settings(max_examples=25)
@given(st.lists(_garbage | _headed | _damaged, min_size=6, max_size=8))
def test_frames_of_garbage_are_refused_by_every_check_that_looks_at_them(
    frames: list[bytes],
) -> None:
    _refuse(captures.Sent({command: tuple(frames) for command in captures.ORDER}))


@settings(max_examples=25)
@given(st.lists(_whole, min_size=6, max_size=8), st.lists(_whole, min_size=6, max_size=8))
def test_pictures_of_several_sizes_and_without_colour_are_refused(
    first: list[bytes], others: list[bytes]
) -> None:
    steps = [first, *[others] * (len(captures.ORDER) - 1)]
    _refuse(
        captures.Sent(
            {command: tuple(frames) for command, frames in zip(captures.ORDER, steps, strict=True)}
        )
    )


@pytest.mark.parametrize("across", [1, 64])
@pytest.mark.parametrize("command", captures.ORDER)
def test_a_real_face_whose_frames_change_their_size_is_refused(
    live: captures.Frames, obama: bytes, command: str, across: int
) -> None:
    first, *others = live[command]  # the first is sent in full
    narrower = insecure_captures.pixels(first)[:, across:]
    changed = {**live, command: (insecure_paper.jpeg(narrower), *others)}
    refused = captures.refusals(captures.judge(captures.Sent(changed).evidence(photo=obama)))
    assert {refused[check] for check in _LOOKING} == {"liveness_frame_unreadable"}


def _refuse(sent: captures.Sent) -> None:
    evidence = sent.evidence(photo=_PHOTO)
    assert captures.decided(evidence).outcome is Outcome.FAILED
    assert set(captures.refusals(captures.judge(evidence))) >= {*_LOOKING, "face.match"}
