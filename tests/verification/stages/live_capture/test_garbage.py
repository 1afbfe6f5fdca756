"""Frames are somebody else's bytes: whatever they are, every check answers, and none of them by
passing them.
"""

from io import BytesIO

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image as Pillow

from tests.verification.engines.liveness import insecure_paper
from tests.verification.stages.live_capture import captures, insecure_captures
from verification.core.results import Outcome

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
