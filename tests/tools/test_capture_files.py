"""Folders and videos of captures as files."""

import json
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools import video
from tools.capture_files import MANIFEST_MAX_BYTES, STEPS_MAX, parse_manifest, parse_windows
from tools.video import Taken, Taking, Window
from verification.core.errors import BadInput
from verification.engines.liveness import frames, policy

# A manifest or a list of windows is read whole, or refused by one code; whatever it says,
# nothing breaks.


WHOLE: dict[str, Any] = {
    "schema": "tulga-liveness-manifest-1",
    "steps": [
        {
            "command": command,
            "frames": [{"at_ms": 500 + 160 * at, "file": f"{command}/{at}.jpg"} for at in range(8)],
            "stills": [{"at_ms": 500, "file": "still.jpg"}],
        }
        for command in ("look_straight", "turn_left", "blink", "turn_right")
    ],
    "reference": "photo.jpg",
}


def refusal(read: Callable[[Any], object], untrusted: object) -> str:
    """The code it is refused by; empty where it is read."""
    try:
        read(untrusted)
    except BadInput as refused:
        return refused.code
    return ""


def spelled(value: object) -> bytes:
    return json.dumps(value).encode()


def test_a_manifest_says_commands_times_and_files() -> None:
    found = parse_manifest(spelled(WHOLE))
    assert found.reference == "photo.jpg"
    assert [command for command, _, _ in found.steps] == [
        "look_straight",
        "turn_left",
        "blink",
        "turn_right",
    ]
    assert found.steps[1][1][2] == (820, "turn_left/2.jpg")
    assert found.steps[1][2] == ((500, "still.jpg"),)
    assert parse_manifest(spelled({**WHOLE, "reference": None})).reference == ""


@pytest.mark.parametrize(
    ("place", "value", "pointer"),
    [
        (("schema",), "tulga-liveness-manifest-2", "/schema"),
        (("steps",), [], "/steps"),
        (("steps",), WHOLE["steps"][:1], "/steps"),
        (("steps",), WHOLE["steps"][:1] + WHOLE["steps"][1:2] * STEPS_MAX, "/steps"),
        (("steps", 0, "command"), "turn_left", "/steps/0/command"),
        (("steps", 1, "command"), "look_straight", "/steps/1/command"),
        (("steps", 1, "command"), "smile", "/steps/1/command"),
        (("steps", 1, "frames"), [], "/steps/1/frames"),
        (("steps", 1, "stills"), [], "/steps/1/stills"),
        (("steps", 1, "stills"), WHOLE["steps"][1]["frames"], "/steps/1/stills"),
        (
            ("steps", 1, "frames"),
            [{"at_ms": at, "file": "a.jpg"} for at in range(41)],
            "/steps/1/frames",
        ),
        (("steps", 1, "frames", 1, "at_ms"), 500, "/steps/1/frames/1/at_ms"),
        (("steps", 1, "frames", 1, "at_ms"), -1, "/steps/1/frames/1/at_ms"),
        (("steps", 1, "frames", 1, "at_ms"), "660", "/steps/1/frames/1/at_ms"),
        (("steps", 1, "frames", 1, "at_ms"), True, "/steps/1/frames/1/at_ms"),
        (("steps", 1, "frames", 1, "at_ms"), 660.5, "/steps/1/frames/1/at_ms"),
        (("steps", 1, "frames", 7, "at_ms"), 4751, "/steps/1/frames/7/at_ms"),
        (("steps", 0, "frames", 7, "at_ms"), 3001, "/steps/0/frames/7/at_ms"),
        (("steps", 1, "frames", 1, "file"), "../a.jpg", "/steps/1/frames/1/file"),
        (("steps", 1, "frames", 1, "file"), "a/../b.jpg", "/steps/1/frames/1/file"),
        (("steps", 1, "frames", 1, "file"), "/etc/passwd", "/steps/1/frames/1/file"),
        (("steps", 1, "frames", 1, "file"), "", "/steps/1/frames/1/file"),
        (("steps", 1, "frames", 1, "file"), 7, "/steps/1/frames/1/file"),
        (("steps", 1, "frames", 1, "more"), "1", "/steps/1/frames/1"),
        (("steps", 1, "more"), "1", "/steps/1"),
        (("more",), "1", "/"),
        (("reference",), "../photo.jpg", "/reference"),
        (("reference",), ["photo.jpg"], "/reference"),
    ],
)
def test_a_manifest_that_is_wrong_in_one_thing_is_refused_with_its_place(
    place: tuple[str | int, ...], value: object, pointer: str
) -> None:
    changed: Any = deepcopy(WHOLE)
    inside = changed
    for name in place[:-1]:
        inside = inside[name]
    inside[place[-1]] = value
    with pytest.raises(BadInput) as refused:
        parse_manifest(spelled(changed))
    assert refused.value.code == "manifest_malformed"
    assert refused.value.detail.endswith(f" {pointer}")


def test_a_manifest_that_is_too_long_is_not_read() -> None:
    with pytest.raises(BadInput, match="bytes"):
        parse_manifest(spelled(WHOLE) + b" " * MANIFEST_MAX_BYTES)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4)
    ),
    max_leaves=20,
)


@given(st.binary(max_size=400) | JSON.map(spelled))
def test_anything_at_all_is_refused_by_one_code(untrusted: bytes) -> None:
    with pytest.raises(BadInput) as refused:
        parse_manifest(untrusted)
    assert refused.value.code == "manifest_malformed"


@given(st.data())
def test_with_any_value_in_any_place_it_is_read_or_refused_by_one_code(data: st.DataObject) -> None:
    changed: Any = deepcopy(WHOLE)
    inside = changed
    while True:
        name = data.draw(
            st.sampled_from(sorted(inside) if isinstance(inside, dict) else range(len(inside)))
        )
        if not isinstance(inside[name], dict | list) or data.draw(st.booleans()):
            break
        inside = inside[name]
    inside[name] = data.draw(JSON)
    if code := refusal(parse_manifest, spelled(changed)):
        assert code == "manifest_malformed"
        return
    found = parse_manifest(spelled(changed))
    assert found.steps[0][0] == "look_straight"
    assert all(
        not file.startswith(("/", ".")) and "/." not in file
        for _, of, _ in found.steps
        for _, file in of
    )


@given(st.data())
def test_with_any_byte_changed_it_is_read_or_refused_by_one_code(data: st.DataObject) -> None:
    whole = spelled(WHOLE)
    at = data.draw(st.integers(0, len(whole) - 1))
    changed = (
        whole[:at] + data.draw(st.binary(max_size=3)) + whole[at + data.draw(st.integers(0, 3)) :]
    )
    assert refusal(parse_manifest, changed) in ("", "manifest_malformed")


def test_windows_are_commands_with_seconds_in_rising_order() -> None:
    found = parse_windows("look_straight:0-2.5,turn_left:2.5-6.5,nod:7.125-10")
    assert found == (("look_straight", 0.0, 2.5), ("turn_left", 2.5, 6.5), ("nod", 7.125, 10.0))


@pytest.mark.parametrize(
    "untrusted",
    [
        "",
        "look_straight:0-2.5",
        "turn_left:0-2.5,nod:2.5-5",
        "look_straight:0-2.5,look_straight:3-5",
        "look_straight:0-2.5,smile:3-5",
        "look_straight:0-2.5,nod:2.4-5",
        "look_straight:0-2.5,nod:5-3",
        "look_straight:0-0.6,nod:3-5",
        "look_straight:0-2.5,nod:3-5,",
        "look_straight:0-2.5, nod:3-5",
        "look_straight:0-2.5,nod:3-1e9",
        "look_straight:0-2.5,nod:3-nan",
        "look_straight:٠-2.5,nod:3-5",
        "look_straight:0-2.5,"
        + ",".join(f"nod:{3 * at}-{3 * at + 2}" for at in range(1, STEPS_MAX + 1)),
    ],
)
def test_windows_that_are_none_are_refused(untrusted: str) -> None:
    with pytest.raises(BadInput) as refused:
        parse_windows(untrusted)
    assert refused.value.code == "commands_malformed"


@given(st.text(alphabet="lok_straigh:0123456789.-,nd", max_size=60))
def test_whatever_windows_are_said_nothing_breaks(untrusted: str) -> None:
    assert refusal(parse_windows, untrusted) in ("", "commands_malformed")


# A video is cut as a page takes pictures: so often, so large, and so few of them in full.


RATE = 10  # frames a second
TAKING = Taking(chain_ms=167, chain_side=160, chain_bytes=4_000, still_side=640, still_bytes=14_500)
REST = Window(at=0.0, first_ms=500, last_ms=2_000, stills=3, is_rest=True)
COMMAND = Window(at=2.0, first_ms=500, last_ms=2_000, stills=2, is_rest=False)


def filmed(
    path: Path, greys: list[int], *, size: tuple[int, int] = (320, 240), code: str = "MJPG"
) -> Path:
    """A video of which each frame is as bright as is said, with a little noise."""
    chance = np.random.default_rng(1)
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*code), RATE, size)
    assert writer.isOpened()
    for grey in greys:
        noisy = grey + chance.normal(0, 2, (size[1], size[0], 3))
        writer.write(np.clip(noisy, 0, 255).astype(np.uint8))
    writer.release()
    return path


def grey(jpeg: bytes) -> float:
    return float(frames.decode(jpeg, limits=policy.FRAMES).mean())


def cut(path: Path, *windows: Window) -> tuple[Taken, ...]:
    return video.cut(path, windows, taking=TAKING)


@pytest.mark.parametrize(
    ("name", "code"), [("video.avi", "MJPG"), ("video.mp4", "mp4v"), ("video.mkv", "MJPG")]
)
def test_pictures_are_due_at_the_chains_rate_and_carry_their_times(
    tmp_path: Path, name: str, code: str
) -> None:
    taken, _ = cut(
        filmed(tmp_path / name, [40 + 5 * at for at in range(41)], code=code), REST, COMMAND
    )
    # The first frame at or after each of 500, 667, 834 … milliseconds, in a video with one each
    # 100.
    assert [at for at, _ in taken.chain] == [500, 700, 900, 1100, 1200, 1400, 1600, 1700, 1900]
    # Each is the frame of its time: so much brighter than the first. Codecs shift all of them
    # alike.
    first, *others = [grey(jpeg) - at / 20 for at, jpeg in taken.chain]
    assert others == pytest.approx([first] * 8, abs=2)


def test_each_picture_passes_the_gate_of_its_stream_and_is_as_large_as_a_pages(
    tmp_path: Path,
) -> None:
    path = filmed(tmp_path / "large.avi", [100, 140] * 11, size=(1280, 720))
    for taken in cut(path, REST):
        chain = [frames.decode(jpeg, limits=policy.CHAIN) for _, jpeg in taken.chain]
        stills = [frames.decode(jpeg, limits=policy.FRAMES) for _, jpeg in taken.stills]
        assert {each.shape for each in chain} == {(160, 284, 3)}
        assert {each.shape for each in stills} == {(360, 640, 3)}
        assert max(len(jpeg) for _, jpeg in taken.chain) <= TAKING.chain_bytes
        assert max(len(jpeg) for _, jpeg in taken.stills) <= TAKING.still_bytes


def test_a_small_picture_is_never_enlarged(tmp_path: Path) -> None:
    taken, *_ = cut(filmed(tmp_path / "small.avi", [100] * 21, size=(160, 120)), REST)
    header = frames.read_header(taken.chain[0][1])
    assert (header.width, header.height) == (160, 120)


def test_full_frames_of_rest_are_spread_and_of_a_command_the_first_and_the_farthest(
    tmp_path: Path,
) -> None:
    greys = [100] * 41
    greys[29] = 160  # 900 milliseconds after the second command is shown
    rest, command = cut(filmed(tmp_path / "video.avi", greys), REST, COMMAND)
    assert [at for at, _ in rest.stills] == [500, 1100, 1600]
    assert [at for at, _ in command.stills] == [500, 900]
    assert grey(command.stills[1][1]) == pytest.approx(160, abs=3)


def test_where_nothing_moves_the_farthest_still_has_a_time_of_its_own(tmp_path: Path) -> None:
    _, command = cut(filmed(tmp_path / "video.avi", [255] * 41), REST, COMMAND)
    assert command.stills[0][0] < command.stills[1][0]


def video_refusal(path: Path, *windows: Window) -> str:
    with pytest.raises(BadInput) as refused:
        cut(path, *windows)
    return refused.value.code


def test_a_video_that_ends_before_a_window_does_is_too_short(tmp_path: Path) -> None:
    path = filmed(tmp_path / "video.avi", [100] * 30)
    assert video_refusal(path, REST, COMMAND) == "video_too_short"
    assert video_refusal(path, Window(60.0, 500, 2_000, 2, is_rest=False)) == "video_too_short"


@pytest.mark.parametrize(
    "content", [b"", b"#EXTM3U\nhttp://127.0.0.1/a.ts", b"ffconcat version 1.0", b"GIF89a" * 9]
)
def test_what_holds_no_pictures_of_its_own_is_never_opened_as_a_video(
    tmp_path: Path, content: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cv2, "VideoCapture", lambda *_: pytest.fail("it was opened"))
    (tmp_path / "video.mp4").write_bytes(content)
    assert video_refusal(tmp_path / "video.mp4", REST) == "video_unreadable"


@pytest.mark.parametrize(
    "head", [b"\0\0\0\x18ftypmp42", b"\x1a\x45\xdf\xa3" + bytes(8), b"RIFF\0\0\0\0AVI "]
)
def test_a_container_of_nothing_is_refused(tmp_path: Path, head: bytes) -> None:
    (tmp_path / "video.mp4").write_bytes(head + bytes(500))
    assert video_refusal(tmp_path / "video.mp4", REST) == "video_unreadable"


def test_what_is_not_there_is_refused(tmp_path: Path) -> None:
    assert video_refusal(tmp_path / "absent.mp4", REST) == "video_unreadable"
    assert video_refusal(tmp_path, REST) == "video_unreadable"


@pytest.mark.parametrize(
    ("name", "most", "code"),
    [
        ("MAX_BYTES", 1_000, "video_too_large"),
        ("MAX_SIDE", 300, "video_too_large"),
        ("MAX_SECONDS", 0.5, "video_too_long"),
    ],
)
def test_a_video_beyond_a_limit_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, most: float, code: str
) -> None:
    path = filmed(tmp_path / "video.avi", [100] * 25)
    assert cut(path, REST)
    monkeypatch.setattr(video, name, most)
    assert video_refusal(path, REST) == code
