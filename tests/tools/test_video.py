"""A video is cut as a page takes pictures: so often, so large, and so few of them in full."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from tools import video
from tools.video import Taken, Taking, Window
from verification.core.errors import BadInput
from verification.engines.liveness import frames, policy

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


def refusal(path: Path, *windows: Window) -> str:
    with pytest.raises(BadInput) as refused:
        cut(path, *windows)
    return refused.value.code


def test_a_video_that_ends_before_a_window_does_is_too_short(tmp_path: Path) -> None:
    path = filmed(tmp_path / "video.avi", [100] * 30)
    assert refusal(path, REST, COMMAND) == "video_too_short"
    assert refusal(path, Window(60.0, 500, 2_000, 2, is_rest=False)) == "video_too_short"


@pytest.mark.parametrize(
    "content", [b"", b"#EXTM3U\nhttp://127.0.0.1/a.ts", b"ffconcat version 1.0", b"GIF89a" * 9]
)
def test_what_holds_no_pictures_of_its_own_is_never_opened_as_a_video(
    tmp_path: Path, content: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cv2, "VideoCapture", lambda *_: pytest.fail("it was opened"))
    (tmp_path / "video.mp4").write_bytes(content)
    assert refusal(tmp_path / "video.mp4", REST) == "video_unreadable"


@pytest.mark.parametrize(
    "head", [b"\0\0\0\x18ftypmp42", b"\x1a\x45\xdf\xa3" + bytes(8), b"RIFF\0\0\0\0AVI "]
)
def test_a_container_of_nothing_is_refused(tmp_path: Path, head: bytes) -> None:
    (tmp_path / "video.mp4").write_bytes(head + bytes(500))
    assert refusal(tmp_path / "video.mp4", REST) == "video_unreadable"


def test_what_is_not_there_is_refused(tmp_path: Path) -> None:
    assert refusal(tmp_path / "absent.mp4", REST) == "video_unreadable"
    assert refusal(tmp_path, REST) == "video_unreadable"


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
    assert refusal(path, REST) == code
