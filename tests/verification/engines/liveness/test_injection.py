"""What speaks of pictures put in a camera's place: read strictly, each sign found by itself; real
people give none.
"""

import random
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from tests.verification.engines.liveness.clips import Clip, read_clip
from verification.core.errors import BadInput
from verification.engines.liveness import injection
from verification.engines.liveness.frames import Image
from verification.engines.liveness.injection import Injection, Told, injection_of
from verification.stages.live_capture.policy import INJECTION

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
