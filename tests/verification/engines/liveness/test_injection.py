"""Signs of injection, and one face throughout a capture."""

import random
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from insecure_sandbox import warp
from insecure_sandbox.warp_picture import thinned
from tests.verification.engines.liveness import insecure_paper
from tests.verification.engines.liveness.clips import Clip, read_clip
from verification.core.errors import BadInput, Refused
from verification.engines.faces.embedding import Embedding
from verification.engines.liveness import (
    corners,
    frames,
    gestures,
    injection,
    landmarks,
    networks,
    pictures,
    planarity,
    policy,
)
from verification.engines.liveness import throughout as throughout_of
from verification.engines.liveness.frames import Floats, Image
from verification.engines.liveness.injection import Injection, Told, injection_of
from verification.engines.liveness.pictures import SentStep, StepMeasurement
from verification.engines.liveness.planarity import Grey, Planarity, evened, follow, measure, oval
from verification.engines.liveness.policy import GATES, THROUGHOUT
from verification.engines.liveness.throughout import Throughout, throughout
from verification.stages.live_capture.policy import INJECTION

# What speaks of pictures put in a camera's place: read strictly, each sign found by itself; real
# people give none.


PHONE = Told(label="camera2 1, facing front", facing="user", width=480, height=640)
WEBCAM = Told(label="Integrated Camera (13d3:5405)", width=640, height=480)
# What a script tells that hands over pictures 66 667 µs apart, and what a camera's own clock does.
COUNTED: dict[str, Any] = {
    "pictures": 60,
    "span_us": 60 * 66_667,
    "shortest_us": 66_667,
    "longest_us": 66_667,
}
SENSED: dict[str, Any] = {
    "pictures": 60,
    "span_us": 60 * 66_664,
    "shortest_us": 66_490,
    "longest_us": 66_835,
}
STILL: dict[str, Any] = {"events": 100, "moved": 0}
STEP = 22  # pictures of the chain of one command


def found(*told: Told, chains: Sequence[Sequence[Image]] = ()) -> Injection:
    """What one part of each command tells, and what the chains show."""
    return injection_of(chains, [(each,) for each in told], limits=INJECTION)


def raised(*told: Told, chains: Sequence[Sequence[Image]] = ()) -> tuple[str, ...]:
    """The signals."""
    return INJECTION.raised(found(*told, chains=chains))


def wandering(count: int, *, seed: int, hand: float = 0.0) -> list[Image]:
    """A bright oval that wanders and changes before a pattern; `hand`: pixels of the camera's own
    move each time.
    """
    chance = np.random.default_rng(seed)
    wall = cv2.GaussianBlur(chance.integers(0, 256, (240, 300)).astype(np.float32), (0, 0), 3)
    wall = (wall - wall.mean()) * 6 + 110
    camera = np.clip(np.cumsum(chance.normal(0, hand, (count, 2)), axis=0), -30, 30)
    # As a head does: aside, up, nearer, turned, in another light. With fewer ways to move it would
    # soon come back.
    path = np.cumsum(chance.normal(0, 1, (count, 5)), axis=0)
    pictures = []
    for (right, down), (x, y, wide, high, light) in zip(camera, path, strict=True):
        at = np.array([[1, 0, -45 + right], [0, 1, -40 + down]], dtype=np.float64)
        seen = cv2.warpAffine(wall, at, (213, 160))
        size = max(8, round(28 + wide)), max(8, round(40 + high))
        cv2.ellipse(
            seen, (round(106 + x), round(95 + y)), size, 0, 0, 360, 190 + 3 * light, -1, cv2.LINE_AA
        )
        grey = np.clip(seen, 0, 255).astype(np.uint8)
        pictures.append(np.repeat(grey[..., None], 3, axis=2))
    return pictures


def coded(pictures: Sequence[Image], *, seed: int = 5) -> list[Image]:
    """The same pictures filmed and compressed once more: no two files or pictures are alike to the
    last grey level.
    """
    chance = np.random.default_rng(seed)
    again = []
    for picture in pictures:
        grainy = np.clip(picture + chance.normal(0, 2, picture.shape), 0, 255).astype(np.uint8)
        jpeg = cv2.imencode(".jpg", grainy, [cv2.IMWRITE_JPEG_QUALITY, 60])[1]
        again.append(np.asarray(cv2.imdecode(jpeg, cv2.IMREAD_COLOR), dtype=np.uint8))
    return again


def steps(pictures: Sequence[Image]) -> list[Sequence[Image]]:
    """As the chains of commands."""
    return [pictures[at : at + STEP] for at in range(0, len(pictures), STEP)]


# What is read


@pytest.mark.parametrize(
    "told", [None, {}, {"label": "", "pictures": 0}, vars(PHONE), {**vars(WEBCAM), **COUNTED}]
)
def test_what_a_page_tells_is_read_as_it_is(told: dict[str, Any] | None) -> None:
    assert injection.read(told) == (told or {})


@pytest.mark.parametrize(
    "told",
    [
        [],
        "OBS Virtual Camera",
        True,
        {"deviceId": "a"},
        {"label": 1},
        {"label": None},
        {"label": "a" * 201},
        {"facing": "sideways"},
        {"facing": True},
        {"width": -1},
        {"width": True},
        {"width": 640.0},
        {"width": "640"},
        {"pictures": None},
        {"span_us": 10**9 + 1},
        {"moved": [0]},
        {"events": float("nan")},
    ],
)
def test_anything_else_is_refused_by_its_place(told: Any) -> None:
    with pytest.raises(BadInput) as refused:
        injection.read(told)
    assert refused.value.code == "bad_answer"
    assert str(refused.value.pointer).startswith("/camera")


def test_whatever_is_told_is_read_or_refused_and_what_is_read_can_be_measured() -> None:
    chance = random.Random(11)
    words: list[Any] = [
        "",
        "user",
        "é\u202e" * 50,
        "v4l2loopback",
        0,
        1,
        -1,
        10**9,
        10**30,
        True,
        None,
        0.5,
        [],
        {},
    ]
    names = [*vars(Told()), "deviceId", "groupId", ""]
    read = 0
    for _ in range(3_000):
        told = {name: chance.choice(words) for name in chance.sample(names, chance.randint(0, 5))}
        with suppress(BadInput):
            kept: dict[str, Any] = injection.read(told)
            read += 1
            assert kept == told
            assert set(raised(Told(**kept))) <= {"virtual_camera", "regular_frames"}
    assert 100 < read < 2_900


# Each signal by itself


@pytest.mark.parametrize(
    "told", [(), (Told(),), (PHONE,), (WEBCAM,), (replace(WEBCAM, **SENSED),) * 3]
)
def test_a_camera_that_gives_no_sign_and_one_that_tells_nothing_raise_nothing(
    told: tuple[Told, ...],
) -> None:
    assert raised(*told) == ()


@pytest.mark.parametrize(
    "label",
    [
        *(
            "OBS Virtual Camera",
            "OBS Virtual Camera (m-de:vice)",
            "OBS-Camera",
            "ManyCam Virtual Webcam",
            "Snap Camera",
        ),
        *(
            "XSplit VCam",
            "e2eSoft iVCam",
            "DroidCam Source 3",
            "Iriun Webcam",
            "Dummy video device (0x0000)",
        ),
        *("fake_device_0", "/clips/somebody.y4m", "/clips/somebody.mjpeg"),
    ],
)
def test_a_label_of_the_list_is_a_virtual_camera(label: str) -> None:
    assert raised(WEBCAM, replace(WEBCAM, label=label)) == ("virtual_camera", "camera_changed")
    one = found(replace(WEBCAM, label=label))
    assert INJECTION.raised(one) == ("virtual_camera",)
    assert one.virtual in INJECTION.virtual_cameras


@pytest.mark.parametrize(
    "label",
    [
        *(
            "FaceTime HD Camera (Built-in) (05ac:8514)",
            "HD Pro Webcam C920 (046d:082d)",
            "USB2.0 HD UVC WebCam",
        ),
        *(
            "camera2 1, facing front",
            "Front Camera",
            "Фронтальная камера",
            "Integrated Webcam_HD",
            "Intel Virtual Camera",
        ),
        *(
            "hBEPMg/nBZuthYVNmG5PJeCWAT9XCvo+YIvSxFsDCOo=",
            "036c630f-304a-4825-8ef4-e4a932f16ec6",
            "",
        ),
    ],
)
def test_no_other_label_is(label: str) -> None:
    assert raised(replace(WEBCAM, label=label)) == ()


def test_the_list_is_in_the_spelling_that_labels_are_compared_in() -> None:
    names = INJECTION.virtual_cameras
    assert [name for name in names if name != name.casefold() or len(name) < 4] == []
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("step", [66_667, 66_666, 66_000, 67_000, 33_333, 40_000, 33_367])
def test_pictures_whose_clock_counts_exact_steps_are_regular(step: int) -> None:
    counted: dict[str, Any] = {
        "pictures": 60,
        "span_us": 60 * step,
        "shortest_us": step,
        "longest_us": step,
    }
    assert raised(replace(WEBCAM, **counted)) == ("regular_frames",)


@pytest.mark.parametrize(
    "changes",
    [
        SENSED,
        COUNTED | {"pictures": 59, "span_us": 59 * 66_667},  # too few to tell
        COUNTED | {"longest_us": 66_670},
        COUNTED | {"shortest_us": 66_663},
        COUNTED | {"span_us": 60 * 66_667 + 5},
        {
            "pictures": 60,
            "span_us": 60 * 66_700,
            "shortest_us": 66_700,
            "longest_us": 66_700,
        },  # no usual rate
    ],
)
def test_a_clock_that_is_a_little_off_is_not(changes: dict[str, Any]) -> None:
    assert raised(replace(WEBCAM, **changes)) == ()


def test_one_command_of_a_clock_that_is_off_is_enough_and_a_phone_may_be_exact() -> None:
    assert raised(replace(WEBCAM, **COUNTED), replace(WEBCAM, **SENSED)) == ()
    assert raised(replace(PHONE, **COUNTED)) == ()


def test_a_phone_that_never_moves_while_its_picture_does_is_still() -> None:
    chains = steps(coded(wandering(STEP, seed=1, hand=2.0)))
    assert raised(replace(PHONE, **STILL), chains=chains) == ("still_phone",)


@pytest.mark.parametrize(
    ("told", "hand"),
    [
        (replace(PHONE, **STILL), 0.0),  # on a stand
        (replace(PHONE, **STILL | {"moved": 100}), 2.0),  # in a hand
        (replace(PHONE, **STILL | {"events": 59}), 2.0),
        (replace(WEBCAM, **STILL), 2.0),
        (PHONE, 2.0),  # no sensor, or another question to the person
    ],
)
def test_a_phone_on_a_stand_one_in_a_hand_and_one_without_a_sensor_are_not(
    told: Told, hand: float
) -> None:
    assert raised(told, chains=steps(coded(wandering(STEP, seed=1, hand=hand)))) == ()


def test_a_camera_that_changes_between_parts_is_told_and_one_that_is_turned_is_not() -> None:
    assert raised(WEBCAM, replace(WEBCAM, label="another")) == ("camera_changed",)
    assert raised(PHONE, replace(PHONE, facing="environment")) == ("camera_changed",)
    assert raised(PHONE, replace(PHONE, width=1280)) == ("camera_changed",)
    assert raised(PHONE, Told(), replace(PHONE, width=640, height=480)) == ()
    changed = injection_of([], [(PHONE, replace(PHONE, label="another"))], limits=INJECTION)
    assert INJECTION.raised(changed) == ("camera_changed",)


# Pictures that come back


def test_pictures_that_never_come_back_are_no_duplicates() -> None:
    assert found(chains=steps(coded(wandering(4 * STEP, seed=2)))).returned <= 1


def test_pictures_that_stand_still_are_no_duplicates_of_each_other() -> None:
    assert found(chains=steps(coded(wandering(1, seed=2) * STEP * 4))).returned == 0


@pytest.mark.parametrize("way", ["loop", "there and back"])
def test_a_loop_and_one_played_there_and_back_give_duplicates(way: str) -> None:
    forth = wandering(30, seed=3)
    played = forth + (forth if way == "loop" else forth[::-1]) + forth
    assert raised(chains=steps(coded(played))) == ("near_duplicates",)


# Real people


def _played(folder: Path, clip: Clip) -> list[Image]:
    """Six pictures a second, as a page would send them."""
    pictures = read_clip(folder / "liveness", clip, 0, clip.frames - 1, count=clip.frames // 5)
    return [
        np.asarray(cv2.resize(each, (160, 160), interpolation=cv2.INTER_AREA), dtype=np.uint8)
        for each in pictures
    ]


@pytest.mark.parametrize("clip", Clip)
def test_real_people_give_no_sign(clip: Clip, shared_data: Path) -> None:
    live = coded(_played(shared_data, clip))
    genuine = found(replace(PHONE, **STILL), chains=steps(live))
    assert INJECTION.raised(genuine) == ()
    assert genuine.returned <= 1


# D18 and D19 move little: what stands nearly still does not visibly come back.
@pytest.mark.parametrize("clip", [Clip.D3, Clip.D10, Clip.D14])
def test_a_loop_of_a_real_person_who_moves_is_found(clip: Clip, shared_data: Path) -> None:
    looped = coded((_played(shared_data, clip)[:20] * 5)[: 4 * STEP])
    assert raised(PHONE, chains=steps(looped)) == ("near_duplicates",)


# Which frames of the thin chain are compared, which corners go on from one to the next, and what
# a cut to another person looks like.


FRAMES, APART = 12, 167


def played(photo: Image, *gestures: warp.Play) -> list[list[bytes]]:
    """The thin chain of each gesture that a portrait is warped to."""
    puppet = warp.Puppet(photo)
    return [
        [
            thinned(frame, side=160, most_bytes=4_000)
            for frame in puppet.play(gesture, FRAMES, seed=7)
        ]
        for gesture in gestures
    ]


def measured(
    chains: list[list[bytes]], *commands: str, apart: int = APART
) -> tuple[StepMeasurement, ...]:
    return _measured(tuple(map(tuple, chains)), commands, apart)


@cache
def _measured(
    chains: tuple[tuple[bytes, ...], ...], commands: tuple[str, ...], apart: int
) -> tuple[StepMeasurement, ...]:
    taken = tuple(apart * at for at in range(FRAMES))
    steps = [
        SentStep(name, chain, (), (), taken) for name, chain in zip(commands, chains, strict=True)
    ]
    return pictures.measure(steps)


def found_of(
    steps: tuple[StepMeasurement, ...], drawn: int = 0, known: Embedding | None = None
) -> Throughout:
    at_rest = gestures.neutral(steps[0].numbers.frames, limits=policy.NEUTRAL)
    steps = tuple(replace(step, sent=replace(step.sent, drawn=drawn)) for step in steps)
    return throughout(steps, at_rest=at_rest, reference=known)


@pytest.fixture(scope="module")
def _seen_once(seen_once: None) -> None:
    """Most tests look at the same frames."""


@pytest.fixture(scope="module")
def victim(portraits: dict[str, Image]) -> list[list[bytes]]:
    return played(portraits["obama.jpg"], "neutral", "turn_left", "open_mouth")


@pytest.fixture(scope="module")
def stranger(portraits: dict[str, Image]) -> list[list[bytes]]:
    return played(portraits["biden.jpg"], "neutral", "turn_left", "open_mouth")


@pytest.mark.usefixtures("_seen_once")
def test_one_person_is_near_to_their_face_at_rest_in_every_frame(victim: list[list[bytes]]) -> None:
    said = found_of(measured(victim[:2], "look_straight", "turn_left"))
    assert said.frames >= 2 * FRAMES // THROUGHOUT.every
    assert said.acting is not None
    assert said.next is not None
    assert said.corners is not None
    assert max(said.farthest, said.acting) < 1.0
    assert said.corners >= GATES.corners
    assert said.jumps == ()


@pytest.mark.usefixtures("_seen_once")
def test_a_turn_is_passed_on_the_way_and_is_deep_beyond_it(victim: list[list[bytes]]) -> None:
    steps = measured(victim[:2], "look_straight", "turn_left")
    way, at_rest = (
        found_of(steps).way,
        gestures.neutral(steps[0].numbers.frames, limits=policy.NEUTRAL),
    )
    assert way.frames is not None
    assert way.frames >= 2
    assert way.deep is not None
    assert way.deep_median is not None
    assert way.acting is None  # a turn is proven where it is deep
    assert way.median <= min(way.farthest, way.deep_median) <= way.deep < 1.0
    turns = [abs(frame.face.turn - at_rest.turn) for frame in steps[1].numbers.frames if frame.face]
    assert min(turns) < THROUGHOUT.way_turn < max(turns)


@pytest.mark.usefixtures("_seen_once")
def test_an_open_mouth_is_proven_on_the_way(victim: list[list[bytes]]) -> None:
    way = found_of(measured([victim[0], victim[2]], "look_straight", "open_mouth")).way
    assert (way.frames, way.deep, way.deep_median) == (None, None, None)
    assert way.acting is not None
    assert way.acting <= way.farthest


@pytest.mark.usefixtures("_seen_once")
def test_gestures_share_little_beyond_the_rest_of_their_person_and_much_of_another(
    victim: list[list[bytes]], stranger: list[list[bytes]]
) -> None:
    names = ("look_straight", "turn_left", "open_mouth")
    own, other = (found_of(measured(each, *names)) for each in (victim, [victim[0], *stranger[1:]]))
    assert own.common is not None
    assert other.common is not None
    assert own.common <= GATES.common < 2 * GATES.common < other.common
    assert own.resting is not None
    between = found_of(measured([victim[0], stranger[0]], "look_straight", "blink")).resting
    assert between is not None
    assert own.resting <= GATES.resting < 1.0 < between


@pytest.mark.usefixtures("_seen_once")
def test_a_face_that_shows_its_gesture_is_not_at_rest(
    victim: list[list[bytes]], portraits: dict[str, Image]
) -> None:
    """Nearer in every frame, and held as at rest."""
    (nearer,) = played(portraits["obama.jpg"], "come_closer")
    nearest = nearer[FRAMES // 2 : FRAMES // 2 + 2] * (FRAMES // 2)
    assert found_of(measured([victim[0], nearest], "look_straight", "come_closer")).resting is None
    assert found_of(measured([victim[0], nearest], "look_straight", "nod")).resting is not None


@pytest.mark.usefixtures("_seen_once")
def test_what_gestures_have_in_common_is_beyond_all_moments_at_rest(
    victim: list[list[bytes]],
) -> None:
    """By chance the first step lies aside; later moments at rest do not, and so neither does the
    mean.
    """
    steps = measured(victim, "look_straight", "turn_left", "open_mouth")
    at_rest = gestures.neutral(steps[0].numbers.frames, limits=policy.NEUTRAL)
    quiet = next(
        at
        for at, each in enumerate(steps[1].numbers.frames)
        if each.face and abs(each.face.turn) < 0.05
    )
    places = [
        throughout_of._Places([], proving, frozenset(proving), [], {}, [])
        for proving in ([], [11], [11])
    ]
    numbers = {
        (0, 0): (1.0, 0.6, 0.0, 0.0),
        (1, 11): (1.0, 0.0, 0.7, 0.0),
        (2, 11): (1.0, 0.0, 0.0, 0.7),
    }
    alone = {place: Embedding("a/single-l2", np.array(each)) for place, each in numbers.items()}
    later = {**alone, (1, quiet): Embedding("a/single-l2", np.array((1.0, -0.6, 0.0, 0.0)))}
    first, all_moments = (
        throughout_of._between(steps, places, faces, at_rest) for faces in (alone, later)
    )
    assert first == {"common": pytest.approx(0.4215, abs=1e-3), "resting": None}
    assert all_moments == {
        "common": pytest.approx(0.0, abs=1e-6),
        "resting": pytest.approx(1.0290, abs=1e-3),
    }


@pytest.mark.usefixtures("_seen_once")
def test_one_gesture_done_twice_is_one_gesture(victim: list[list[bytes]]) -> None:
    assert found_of(measured(victim[:2], "look_straight", "turn_left")).common is None
    twice = [*victim[:2], victim[1]]
    assert found_of(measured(twice, "look_straight", "turn_left", "turn_left")).common is None


@pytest.mark.usefixtures("_seen_once")
def test_a_command_without_a_face_at_rest_says_nothing_of_how_it_rests(
    victim: list[list[bytes]],
) -> None:
    turned = [victim[0], [victim[1][FRAMES // 2]] * FRAMES]
    assert found_of(measured(turned, "look_straight", "turn_left")).resting is None


@pytest.mark.usefixtures("_seen_once")
@pytest.mark.parametrize("drawn", range(THROUGHOUT.every))
def test_a_stranger_who_does_the_command_is_far_from_the_face_at_rest_in_every_draw(
    victim: list[list[bytes]], stranger: list[list[bytes]], drawn: int
) -> None:
    """The victim looks straight, and again at both ends of the command; a stranger does it."""
    spliced = [*victim[0][:2], *stranger[1][2:-2], *victim[0][-2:]]
    said = found_of(measured([victim[0], spliced], "look_straight", "turn_left"), drawn)
    assert said.acting is not None
    assert said.acting > 1.08
    assert said.corners is not None
    assert said.corners < GATES.corners
    # Whatever is drawn, both sides of the cut are compared.
    assert max(apart for _, apart in said.jumps) > GATES.next_face


@pytest.mark.usefixtures("_seen_once")
def test_what_corners_do_not_join_is_compared_on_both_sides(
    victim: list[list[bytes]], stranger: list[list[bytes]]
) -> None:
    """One frame of somebody else, between two gaps of time in which nothing is seen."""
    spliced = [*victim[0][:4], stranger[0][4], *victim[0][5:]]
    gaps = THROUGHOUT.apart_ms + 1
    steps = measured([victim[0], spliced], "look_straight", "blink", apart=gaps)
    for begins in range(THROUGHOUT.every):
        said = found_of(steps, begins)
        assert said.corners is None
        assert said.farthest > 1.08


@pytest.mark.usefixtures("_seen_once")
def test_the_room_is_held_to_what_it_was_also_where_time_is_missing(
    victim: list[list[bytes]],
) -> None:
    steps = measured(victim[:2], "look_straight", "turn_left", apart=THROUGHOUT.apart_ms + 1)
    assert found_of(steps).surroundings is None
    jumped = (0.1, *[None] * (FRAMES - 2))
    there: Any = replace(steps[1].looked, surroundings=jumped)
    said = found_of((steps[0], replace(steps[1], looked=there)))
    assert (said.corners, said.surroundings) == (None, 0.1)


@pytest.mark.usefixtures("_seen_once")
def test_a_chain_in_which_no_face_is_found_cannot_be_compared(victim: list[list[bytes]]) -> None:
    steps = measured(victim[:2], "look_straight", "turn_left")
    none = (None,) * (FRAMES - 1)
    blind: Any = replace(steps[1].looked, points=(None,) * FRAMES, corners=none, surroundings=none)
    with pytest.raises(Refused) as refused:
        found_of((steps[0], replace(steps[1], looked=blind)))
    assert refused.value.code == "liveness_face_missing"


@pytest.mark.usefixtures("_seen_once")
def test_corners_go_on_in_one_picture_that_moves_and_not_into_another(
    portraits: dict[str, Image],
) -> None:
    puppet = warp.Puppet(portraits["obama.jpg"])
    one = [thinned(frame, side=160, most_bytes=4_000) for frame in puppet.play("turn_left", 2)]
    other = [
        thinned(frame, side=160, most_bytes=4_000)
        for frame in warp.Puppet(portraits["biden.jpg"]).play("neutral", 2)
    ]
    joined = pictures.look(
        SentStep("turn_left", (one[0], one[0], one[1], other[0]), (), (), (0, 1, 2, 3))
    )[0].corners
    assert len(joined) == 3
    assert joined[0] == 1.0
    assert joined[2] is None or joined[2] < GATES.corners
    assert np.isfinite(joined[1] or 0.0)


@pytest.mark.usefixtures("_seen_once")
def test_a_face_that_goes_on_in_another_room_is_seen(portraits: dict[str, Image]) -> None:
    """The first frame again, a pixel aside, with another room round the head."""
    frame = thinned(
        warp.Puppet(portraits["obama.jpg"]).play("neutral", 1)[0], side=160, most_bytes=4_000
    )
    image = frames.decode(frame, limits=policy.CHAIN)
    found_of = landmarks.measure(image, networks=networks.load()).face
    assert found_of is not None
    assert found_of.mesh is not None
    head = planarity.oval(found_of.mesh, image.shape, 1.15)[..., None] > 0
    room = cv2.resize(
        np.random.default_rng(1).integers(0, 255, (20, 27, 3), np.uint8), image.shape[1::-1]
    )
    here = corners.grey(image)
    for other, is_there in ((image, True), (np.where(head, image, room).astype(np.uint8), False)):
        moved, there = found_of.mesh + np.array([1, 0, 0]), corners.grey(np.roll(other, 1, axis=1))
        kept, around = (
            corners.kept_share(here, there, found_of.mesh, moved),
            corners.around(here, there, found_of.mesh, moved),
        )
        assert kept is not None
        assert kept >= GATES.corners
        assert around is None if is_there else around is not None and around < GATES.surroundings


def masked(high: int, wide: int, *, at: tuple[int, int], axes: tuple[int, int]) -> Grey:
    return np.asarray(
        cv2.ellipse(np.zeros((high, wide), np.uint8), at, axes, 20, 0, 360, 255, -1), np.uint8
    )


@pytest.mark.usefixtures("_seen_once")
@pytest.mark.parametrize(
    ("at", "axes"), [((100, 80), (40, 55)), ((10, 12), (40, 55)), ((200, 150), (30, 30))]
)
def test_what_lies_far_from_the_face_has_no_say(
    monkeypatch: pytest.MonkeyPatch,
    portraits: dict[str, Image],
    at: tuple[int, int],
    axes: tuple[int, int],
) -> None:
    one = corners.grey(
        np.asarray(cv2.resize(portraits["obama.jpg"], (213, 160), interpolation=cv2.INTER_AREA))
    )
    noise = np.random.default_rng(0).integers(-60, 61, one.shape)
    other = np.clip(np.roll(one, 2, axis=1) + noise, 0, 255).astype(np.uint8)
    mask = masked(160, 213, at=at, axes=axes)
    said = corners.share(one, other, mask, guess=None)
    monkeypatch.setattr(corners, "_AROUND", 1000)  # all of the picture
    assert said is not None
    assert 0 < said < 1
    assert corners.share(one, other, mask, guess=None) == said


@pytest.mark.usefixtures("_seen_once")
@pytest.mark.parametrize("factor", [0.7, 1.3])
def test_a_lamp_takes_no_corner_away_and_brings_none(
    portraits: dict[str, Image], factor: float
) -> None:
    (one, mesh), (other, stranger) = (
        _in_a_chain(portraits[name]) for name in ("obama.jpg", "biden.jpg")
    )
    lit, cut = (np.clip(np.rint(each * factor), 0, 255).astype(np.uint8) for each in (one, other))
    shares = [
        corners.kept_share(one, seen, mesh, there)
        for seen, there in ((one, mesh), (lit, mesh), (cut, stranger))
    ]
    assert shares[0] == 1.0
    assert shares[1] is not None
    assert shares[1] > policy.GATES.corners + 0.4
    assert shares[2] is None or shares[2] < policy.GATES.corners
    assert corners.around(one, lit, mesh, mesh) is None


@pytest.mark.usefixtures("_seen_once")
def test_what_is_evened_has_the_light_of_the_other_and_one_colour_stays(
    portraits: dict[str, Image],
) -> None:
    one, mesh = _in_a_chain(portraits["obama.jpg"])
    inside = oval(mesh, one.shape, 0.9)
    dark = np.clip(np.rint(one * 0.5 + 10), 0, 255).astype(np.uint8)
    found_of = evened(dark, inside, like=one, under=inside)
    assert abs(int(found_of[inside > 0].mean()) - int(one[inside > 0].mean())) <= 1
    flat = np.full_like(one, 90)
    assert len(np.unique(evened(flat, inside, like=one, under=inside))) == 1


@pytest.mark.usefixtures("_seen_once")
def test_a_lamp_that_flickers_takes_no_depth_away_and_gives_paper_none(
    portraits: dict[str, Image],
) -> None:
    puppet = warp.Puppet(portraits["obama.jpg"])
    head, (still,) = puppet.play("turn_left", 12), puppet.play("neutral", 1)
    print_of = frames.decode(still, limits=policy.FRAMES)
    paper = [
        insecure_paper.jpeg(insecure_paper.turned(print_of, yaw=float(yaw), bend=0.0))
        for yaw in np.linspace(0, 36, 12)
    ]
    turning, flat = (_depth(_flickering([_thin(each) for each in seen])) for seen in (head, paper))
    assert turning.ratio is not None
    assert turning.ratio >= policy.GATES.planarity_ratio
    assert flat.ratio is not None
    assert flat.ratio < policy.GATES.planarity_ratio


def _thin(jpeg: bytes) -> Image:
    return frames.decode(thinned(jpeg, side=160, most_bytes=4_000), limits=policy.CHAIN)


def _flickering(seen: list[Image]) -> list[Image]:
    factors = np.random.default_rng(3).uniform(0.7, 1.3, len(seen))
    return [
        np.clip(np.rint(image * each), 0, 255).astype(np.uint8)
        for image, each in zip(seen, factors, strict=True)
    ]


def _depth(seen: list[Image]) -> Planarity:
    faces = [landmarks.measure(image, networks=networks.load()).face for image in seen]
    shown = [
        (image, face.mesh)
        for image, face in zip(seen, faces, strict=True)
        if face and face.mesh is not None
    ]
    return measure(
        [image for image, _ in shown], [mesh for _, mesh in shown], limits=policy.PLANARITY
    )


def _in_a_chain(image: Image) -> tuple[Grey, Floats]:
    sent = thinned(warp.Puppet(image).play("neutral", 1)[0], side=160, most_bytes=4_000)
    small = frames.decode(sent, limits=policy.CHAIN)
    found_of = landmarks.measure(small, networks=networks.load()).face
    assert found_of is not None
    assert found_of.mesh is not None
    return corners.grey(small), found_of.mesh


@pytest.mark.usefixtures("_seen_once")
def test_no_face_has_no_corners() -> None:
    grey = np.zeros((160, 213), np.uint8)
    assert corners.share(grey, grey, grey, guess=None) is None


@pytest.mark.usefixtures("_seen_once")
def test_a_point_that_ends_outside_was_not_found_whatever_opencv_is_asked_for(
    portraits: dict[str, Image],
) -> None:
    one = corners.grey(
        np.asarray(cv2.resize(portraits["obama.jpg"], (213, 160), interpolation=cv2.INTER_AREA))
    )
    chance = np.random.default_rng(0)
    for _ in range(100):
        warp = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]) + chance.normal(0, 1, (2, 3)) * (
            0.1,
            0.1,
            40,
        )
        other = np.asarray(cv2.warpAffine(one, warp, (213, 160)), np.uint8)
        points = chance.uniform(0, (213, 160), (200, 2))
        guess = points + chance.normal(0, 40, points.shape)
        found_of, is_there = follow(one, other, points, guess, side=9, levels=3)
        starts, ends = (each.astype(np.float32).reshape(-1, 1, 2) for each in (points, guess))
        plain, status, _ = cv2.calcOpticalFlowPyrLK(
            one, other, starts, ends, winSize=(9, 9), maxLevel=3, flags=cv2.OPTFLOW_USE_INITIAL_FLOW
        )
        np.testing.assert_array_equal(is_there, np.asarray(status)[:, 0] == 1)
        np.testing.assert_array_equal(found_of, np.asarray(plain)[:, 0])
