"""Clips and frames of a capture."""

import io
import struct
from functools import cache
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image as Pillow

from tests.verification.engines.liveness import insecure_paper
from tests.verification.engines.liveness.clips import WINDOWS, Clip, Window, read_clip
from verification.core.errors import Refused
from verification.engines.liveness import (
    continuity,
    frames,
    gestures,
    landmarks,
    networks,
    pictures,
    planarity,
    policy,
)
from verification.engines.liveness.frames import Floats, Image, measurable
from verification.engines.liveness.landmarks import FrameMeasurement
from verification.engines.liveness.networks import Networks
from verification.engines.liveness.pictures import SentStep

# Real people: each window of a real clip passes the gesture it shows and no other; skipped where
# there are none.


_FRAMES = 10  # in a step


@pytest.fixture(scope="module")
def folder(shared_data: Path) -> Path:
    """The folder of clips."""
    return shared_data / "liveness"


@cache
def _loaded() -> Networks:
    return networks.load()


@cache
def _measured(
    folder: Path, clip: Clip, first: int, last: int, count: int
) -> tuple[FrameMeasurement, ...]:
    images = read_clip(folder, clip, first, last, count=count)
    return tuple(landmarks.measure(image, networks=_loaded()) for image in images)


def _step(folder: Path, window: Window) -> tuple[FrameMeasurement, ...]:
    return _measured(folder, window.clip, window.first, window.last, _FRAMES)


@pytest.mark.parametrize("window", WINDOWS, ids=str)
def test_a_real_clip_passes_what_it_shows_and_nothing_else(folder: Path, window: Window) -> None:
    rest = gestures.neutral(
        _measured(folder, window.clip, *window.clip.rest, 3), limits=policy.NEUTRAL
    )
    passed = [
        gesture
        for gesture in gestures.GESTURES
        if gestures.judge(
            gesture, _step(folder, window), at_rest=rest, thresholds=policy.GESTURES
        ).is_right
    ]
    assert passed == ([window.shows] if window.shows else [])


@pytest.mark.parametrize("window", WINDOWS, ids=str)
def test_a_real_clip_passes_the_gates_that_hold_for_every_step(
    folder: Path, window: Window
) -> None:
    frames = _step(folder, window)
    there = continuity.presence((frames, policy.SECOND_FACE))
    assert there.one_face >= policy.GATES.one_face_share
    assert there.most <= policy.GATES.most_faces
    overlap = continuity.continuity([frames], distances=[]).overlap
    assert overlap is not None
    assert overlap >= policy.GATES.overlap
    images = read_clip(folder, window.clip, window.first, window.last, count=_FRAMES)
    fresh = continuity.freshness(
        [continuity.trace(images)], frame=images.__getitem__, limits=policy.FRESHNESS
    )
    assert (fresh.frozen_run, fresh.repeated) == (1, 0)
    assert fresh.noise is not None
    assert fresh.noise > policy.GATES.noise
    assert not any(landmarks.flaws(frame, limits=policy.QUALITY) for frame in frames)


def test_a_real_head_that_turns_is_not_flat(folder: Path) -> None:
    turns = [
        planarity.measure(*_turn(folder, window), limits=policy.PLANARITY)
        for window in _first_turns()
    ]
    depth = planarity.together(turns)
    assert depth.ratio is not None
    assert depth.residual is not None
    assert depth.ratio >= policy.GATES.planarity_ratio
    assert depth.residual >= policy.GATES.planarity_residual


def test_faces_that_do_not_turn_give_little_evidence_of_depth(folder: Path) -> None:
    still = next(window for window in WINDOWS if window.clip is Clip.D19)
    assert planarity.measure(*_turn(folder, still), limits=policy.PLANARITY).ratio is None


def _first_turns() -> list[Window]:
    sides = {
        window.shows: window
        for window in reversed(WINDOWS)
        if window.shows in ("turn_left", "turn_right")
    }
    return list(sides.values())


def _turn(folder: Path, window: Window) -> tuple[list[Image], list[Floats]]:
    images = read_clip(folder, window.clip, window.first, window.last, count=_FRAMES)
    frames = _step(folder, window)
    return images, [
        frame.face.mesh
        for frame in frames
        if frame.face is not None and frame.face.mesh is not None
    ]


# The gate of camera frames: one file that passes, and the smallest change of it that does not,
# code by code; and captures that cannot be measured.


_QUALITY = 80


def _picture(width: int = 640, height: int = 480) -> Pillow.Image:
    down, across = np.mgrid[0:height, 0:width]
    return Pillow.fromarray(
        np.stack([across % 256, down % 256, (across + down) % 256], axis=-1).astype(np.uint8)
    )


def _saved(picture: Pillow.Image, kind: str = "JPEG", **how: object) -> bytes:
    written = io.BytesIO()
    picture.save(written, kind, **({"quality": _QUALITY} | how if kind == "JPEG" else how))
    return written.getvalue()


_GOOD = _saved(_picture())


def _resized_header(width: int, height: int) -> bytes:
    at = _GOOD.index(b"\xff\xc0") + 5
    return _GOOD[:at] + struct.pack(">HH", height, width) + _GOOD[at + 4 :]


def _with_orientation(value: int) -> bytes:
    exif = Pillow.Exif()
    exif[0x0112] = value
    return _saved(_picture(), exif=exif)


def _segment(marker: int, body: bytes) -> bytes:
    return bytes([0xFF, marker]) + struct.pack(">H", len(body) + 2) + body


def _after_start(extra: bytes) -> bytes:
    return _GOOD[:2] + extra + _GOOD[2:]


_FRAME_HEADER = _GOOD[_GOOD.index(b"\xff\xc0") : _GOOD.index(b"\xff\xc0") + 19]


def _outcome(content: bytes) -> tuple[int, ...] | str:
    try:
        return frames.decode(content, limits=policy.FRAMES).shape
    except Refused as refused:
        return refused.code


_DEFECTS: list[tuple[str, bytes, str]] = [
    ("larger_than_40_kilobytes", _after_start(_segment(0xFE, bytes(41_000))), "frame_too_large"),
    ("png", _saved(_picture(160, 160), "PNG"), "frame_not_jpeg"),
    ("webp", _saved(_picture(), "WEBP"), "frame_not_jpeg"),
    ("empty", b"", "frame_not_jpeg"),
    ("script", b"<script>alert(1)</script>", "frame_not_jpeg"),
    ("start_marker_only", _GOOD[:2], "frame_truncated"),
    ("cut_in_its_header", _GOOD[:100], "frame_truncated"),
    ("cut_in_its_scan", _GOOD[:-200], "frame_truncated"),
    ("without_its_end", _GOOD[:-2], "frame_truncated"),
    ("one_byte_after_the_end", _GOOD + b"\x00", "frame_trailing_bytes"),
    ("a_zip_after_the_end", _GOOD + b"PK\x03\x04", "frame_trailing_bytes"),
    ("two_pictures", _GOOD + _GOOD, "frame_trailing_bytes"),
    ("progressive", _saved(_picture(), progressive=True), "frame_not_baseline"),
    ("grey", _saved(_picture().convert("L")), "frame_not_colour"),
    (
        "cmyk",
        _saved(_picture().convert("CMYK"), quality=50),
        "frame_foreign_segment",
    ),  # Adobe's, before its header
    ("bomb_65535", _resized_header(65535, 65535), "frame_too_many_pixels"),
    (
        "one_pixel_too_wide",
        _saved(_picture(policy.FRAMES.most_side + 1, 200), quality=20),
        "frame_too_many_pixels",
    ),
    ("one_pixel", _saved(_picture(1, 1)), "frame_too_few_pixels"),
    ("height_zero", _resized_header(640, 0), "frame_too_few_pixels"),
    (
        "one_pixel_too_narrow",
        _saved(_picture(policy.FRAMES.least_side - 1, 200)),
        "frame_too_few_pixels",
    ),
    ("turned_by_exif", _with_orientation(6), "frame_rotated"),
    ("mirrored_by_exif", _with_orientation(2), "frame_rotated"),
    ("exif_that_cannot_be_read", _after_start(_segment(0xE1, b"Exif\x00\x00XX")), "frame_rotated"),
    (
        "exif_that_points_outside",
        _after_start(_segment(0xE1, b"Exif\x00\x00II*\x00\xff\xff\xff\xff")),
        "frame_rotated",
    ),
    ("a_comment", _after_start(_segment(0xFE, b"again")), "frame_foreign_segment"),
    (
        "an_xmp_packet",
        _after_start(_segment(0xE1, b"http://ns.adobe.com/xap/1.0/\x00")),
        "frame_foreign_segment",
    ),
    (
        "a_segment_of_adobe",
        _after_start(_segment(0xEE, b"Adobe\x00d\x00\x00\x00\x00\x01")),
        "frame_foreign_segment",
    ),
    (
        "jfif_twice",
        _after_start(_segment(0xE0, b"JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00")),
        "frame_foreign_segment",
    ),
    (
        "a_long_exif",
        _after_start(_segment(0xE1, b"Exif\x00\x00" + bytes(507))),
        "frame_foreign_segment",
    ),
    (
        "a_profile_in_parts",
        _after_start(_segment(0xE2, b"ICC_PROFILE\x00\x01\x02")),
        "frame_foreign_segment",
    ),
    ("two_frame_headers", _after_start(_FRAME_HEADER), "frame_malformed"),
    ("segment_of_no_length", _after_start(b"\xff\xfe\x00\x00"), "frame_malformed"),
    ("noise_for_a_segment", _after_start(b"\x00\x01\x02\x03"), "frame_malformed"),
    (
        "an_end_where_a_scan_must_be",
        _GOOD[: _GOOD.index(b"\xff\xc4")] + b"\xff\xd9\x00\x00",
        "frame_malformed",
    ),
    ("a_scan_before_its_frame_header", _after_start(_segment(0xDA, bytes(10))), "frame_malformed"),
]


def test_a_frame_of_a_camera_passes() -> None:
    decoded = frames.decode(_GOOD, limits=policy.FRAMES)
    assert decoded.shape == (480, 640, 3)
    # Red grows to the right and green downwards, so the colours are not swapped.
    assert decoded[240, 200, 0] > decoded[240, 20, 0] + 100
    assert decoded[200, 128, 1] > decoded[20, 128, 1] + 100


@pytest.mark.parametrize("fill", [1, 2, 5])
def test_fill_bytes_before_the_end_of_a_scan_are_of_its_marker(fill: int) -> None:
    assert frames.read_header(_GOOD[:-2] + b"\xff" * fill + _GOOD[-2:]) == frames.read_header(_GOOD)


@pytest.mark.parametrize(
    "beside",
    [
        _segment(0xE2, b"ICC_PROFILE\x00\x01\x01" + bytes(456)),
        _segment(0xE1, b"Exif\x00\x00MM\x00*\x00\x00\x00\x08\x00\x00")
        + _segment(0xED, b"Photoshop 3.0\x00" + bytes(40)),
    ],
    ids=["chromium", "safari"],
)
def test_what_a_browser_writes_beside_a_picture_passes(beside: bytes) -> None:
    assert frames.decode(_after_start(beside), limits=policy.FRAMES).shape == (480, 640, 3)


def test_an_upright_orientation_passes() -> None:
    assert frames.decode(_with_orientation(1), limits=policy.FRAMES).shape == (480, 640, 3)


@pytest.mark.parametrize(
    ("width", "height"), [(policy.FRAMES.least_side, 200), (policy.FRAMES.most_side, 200)]
)
def test_the_limits_themselves_pass(width: int, height: int) -> None:
    small = _saved(_picture(width, height), quality=20)
    assert frames.decode(small, limits=policy.FRAMES).shape == (height, width, 3)


@pytest.mark.parametrize(
    ("defect", "content", "code"), _DEFECTS, ids=[each[0] for each in _DEFECTS]
)
def test_a_defect_refuses_with_its_own_code(defect: str, content: bytes, code: str) -> None:
    with pytest.raises(Refused) as refused:
        frames.decode(content, limits=policy.FRAMES)
    assert refused.value.code == code


def test_a_header_that_lies_about_its_size_shows_no_other_picture() -> None:
    """A decoder fills what the scan does not have, or gives up; a smaller picture never comes
    back.
    """
    assert _outcome(_resized_header(600, 600)) in ((600, 600, 3), "frame_undecodable")


def test_a_scan_without_tables_is_undecodable() -> None:
    start = _GOOD.index(b"\xff\xc0")
    scan = _GOOD.index(b"\xff\xda")
    with pytest.raises(Refused) as refused:
        frames.decode(_GOOD[:2] + _GOOD[start : start + 19] + _GOOD[scan:], limits=policy.FRAMES)
    assert refused.value.code == "frame_undecodable"


def test_every_code_of_the_gate_is_produced_here() -> None:
    assert {code for _, _, code in _DEFECTS} | {"frame_undecodable"} == set(frames.CODES)


@pytest.mark.parametrize("seed", range(8))
def test_a_damaged_frame_is_decoded_or_refused_and_nothing_else(seed: int) -> None:
    chance = np.random.default_rng(seed)
    for _ in range(60):
        damaged = bytearray(_GOOD)
        for at in chance.integers(0, len(damaged) if seed % 2 else 700, 4):
            damaged[at] = int(chance.integers(0, 256))
        cut = (
            bytes(damaged[: int(chance.integers(1, len(damaged)))])
            if chance.random() < 0.3
            else bytes(damaged)
        )
        outcome = _outcome(cut)
        assert outcome in frames.CODES or outcome[2] == 3


def test_a_frame_cut_anywhere_is_refused() -> None:
    outcomes = {_outcome(_GOOD[:length]) for length in range(0, len(_GOOD), 7)}
    assert outcomes == {"frame_not_jpeg", "frame_truncated"}


_CHANCE = np.random.default_rng(1)


def _frame(width: int = 200, height: int = 180) -> bytes:
    return insecure_paper.jpeg(
        _CHANCE.integers(0, 255, (height, width, 3)).astype(np.uint8), quality=5
    )


def _sent_step(stream: str, frames: tuple[bytes, ...]) -> SentStep:
    chain, stills = (frames, ()) if stream == "chain" else ((), frames)
    return SentStep("blink", chain, stills, (), tuple(range(len(chain))))


@pytest.mark.parametrize(("width", "height"), [(201, 180), (200, 181), (180, 200), (160, 160)])
@pytest.mark.parametrize("stream", ["chain", "stills"])
def test_frames_of_two_sizes_in_one_stream_are_refused(
    width: int, height: int, stream: str
) -> None:
    one, other = (_frame(),), (_frame(width, height),)
    within = [_sent_step(stream, one + other)]
    between = [_sent_step(stream, one), _sent_step(stream, other)]
    for steps in (within, between):
        with pytest.raises(Refused) as refused:
            pictures.measure(steps)
        assert refused.value.code == "frame_size_changed"


@pytest.mark.parametrize(
    "fault",
    [cv2.error("made by a test"), ValueError(), np.linalg.LinAlgError(), ZeroDivisionError()],
)
def test_geometry_that_cannot_be_worked_with_is_refused(fault: Exception) -> None:
    with pytest.raises(Refused) as refused, measurable():
        raise fault
    assert refused.value.code == "frame_unmeasurable"
