"""A mask over mouth and nose is told from a bare face: drawn masks, and real bare faces where their
pictures are.
"""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.verification.engines.liveness import insecure_masks
from tests.verification.engines.liveness.clips import Clip, read_clip
from verification.core import stored
from verification.engines.liveness import frames, landmarks, masks, pictures, policy
from verification.engines.liveness.frames import Floats, Image
from verification.engines.liveness.networks import Networks
from verification.engines.liveness.pictures import ChainNumbers, SentStep

_HINT = (240, 4_096)  # pixels and bytes, as static/borrower/commands.js sends it
_STILL = (640, 14_500)


def _sent(image: Image, side: int, most_bytes: int) -> bytes:
    """The picture as the page sends it."""
    scale = min(1.0, side / max(image.shape[:2]))
    small = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)[:, :, ::-1]
    for quality in range(85, 5, -5):
        made = cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, quality])[1].tobytes()
        if len(made) <= most_bytes:
            break
    return made


def _meshed(image: Image, loaded: Networks) -> tuple[Image, Floats]:
    face = landmarks.detect(image, network=loaded.detection)[0]
    return image, landmarks.fit(image, face, network=loaded.mesh).points


def _is_masked(image: Image, loaded: Networks) -> bool:
    found = masks.measure(*_meshed(image, loaded), side=policy.MASK.side)
    assert found is not None
    return found.is_masked(policy.MASK)


def _looks_masked(stills: list[bytes]) -> bool:
    step = SentStep("look_straight", (), tuple(stills), (0,) * len(stills), ())
    return pictures.look_at_full(step).is_masked


def _near(image: Image, loaded: Networks) -> Image:
    """The face of a photograph in the middle of a camera's picture, at arm's length."""
    found = landmarks.measure(image, networks=loaded).face
    assert found is not None
    left, top, right, bottom = found.box
    scale = 80 / found.interocular
    matrix = np.array(
        [[scale, 0, 320 - scale * (left + right) / 2], [0, scale, 240 - scale * (top + bottom) / 2]]
    )
    small = cv2.warpAffine(
        image, matrix, (640, 480), flags=cv2.INTER_AREA, borderValue=(120, 120, 120)
    )
    return np.asarray(small, dtype=np.uint8)


@pytest.fixture(scope="module")
def bare(portraits: dict[str, Image], loaded: Networks) -> Image:
    """A face without a mask."""
    return _near(portraits["obama3.jpg"], loaded)


@pytest.mark.parametrize("colour", insecure_masks.COLOURS)
def test_a_drawn_mask_is_told_in_full_frames_and_in_hints(
    bare: Image, loaded: Networks, colour: str
) -> None:
    full = frames.decode(_sent(bare, *_STILL), limits=policy.FRAMES)
    masked = insecure_masks.masked(*_meshed(full, loaded), colour)
    assert _is_masked(frames.decode(_sent(masked, *_HINT), limits=policy.HINTS.frames), loaded)
    assert _looks_masked([_sent(masked, *_STILL)] * 3)


def test_the_portraits_of_the_samples_are_bare(
    portraits: dict[str, Image], loaded: Networks
) -> None:
    for name, portrait in portraits.items():
        image = _near(portrait, loaded)
        assert not _is_masked(
            frames.decode(_sent(image, *_HINT), limits=policy.HINTS.frames), loaded
        ), name
        assert not _looks_masked([_sent(image, *_STILL)]), name


def test_most_frames_at_rest_decide(bare: Image, loaded: Networks) -> None:
    full = frames.decode(_sent(bare, *_STILL), limits=policy.FRAMES)
    covered = _sent(insecure_masks.masked(*_meshed(full, loaded), "black"), *_STILL)
    open_faced = _sent(bare, *_STILL)
    assert _looks_masked([covered, open_faced, covered])
    assert not _looks_masked([open_faced, covered, open_faced])
    assert not _looks_masked([open_faced, covered])
    assert not _looks_masked([_sent(np.full((480, 640, 3), 120, np.uint8), *_STILL)])


def test_full_frames_at_rest_are_measured_once(
    bare: Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    small, large = _sent(bare, 214, 8_000), _sent(bare, *_STILL)
    step = SentStep("look_straight", (small,) * 3, (large,) * 2, (0, 2), (0, 167, 333))
    looked, _ = pictures.look(step, pictures.look_at_full(step))
    kept = stored.read(json.loads(stored.to_bytes(looked)), into=ChainNumbers, what="look")
    (anew,) = pictures.measure([step])
    monkeypatch.setattr(landmarks, "measure_all", lambda *_, **__: pytest.fail("measured again"))
    (joined,) = pictures.measure([replace(step, looked=kept)])
    assert (joined.numbers, joined.fit) == (anew.numbers, anew.fit)
    assert all(frame.face is not None for frame in joined.numbers.stills)


def test_a_face_that_leaves_the_picture_is_not_judged(bare: Image, loaded: Networks) -> None:
    image, mesh = _meshed(bare, loaded)
    assert masks.measure(image, mesh, side=policy.MASK.side) is not None
    below = mesh + np.array([0.0, image.shape[0], 0.0])
    assert masks.measure(image, below, side=policy.MASK.side) is None


def test_real_faces_at_rest_are_bare(shared_data: Path, loaded: Networks) -> None:
    for clip in Clip:
        stills = read_clip(shared_data / "liveness", clip, *clip.rest, count=3)
        assert not _looks_masked([_sent(image, *_STILL) for image in stills]), clip.name
        for image in stills:
            assert not _is_masked(
                frames.decode(_sent(image, *_HINT), limits=policy.HINTS.frames), loaded
            ), clip.name


def test_portraits_of_other_people_are_bare_and_masked_with_a_mask(
    shared_data: Path, loaded: Networks
) -> None:
    people = 0
    for name, image in _londoners(shared_data / "faces" / "london"):
        hint = frames.decode(_sent(image, *_HINT), limits=policy.HINTS.frames)
        assert not _is_masked(hint, loaded), name
        assert not _looks_masked([_sent(image, *_STILL)]), name
        people += 1
        if people % 8 == 0:
            masked = insecure_masks.masked(*_meshed(image, loaded), "blue")
            assert _is_masked(
                frames.decode(_sent(masked, *_HINT), limits=policy.HINTS.frames), loaded
            ), name
            assert _looks_masked([_sent(masked, *_STILL)]), name
    assert people >= 40


def _londoners(folder: Path) -> Iterator[tuple[str, Image]]:
    for path in sorted(folder.glob("*_neutral.jpg")):
        yield path.name, np.asarray(cv2.imread(str(path), cv2.IMREAD_COLOR_RGB), dtype=np.uint8)
