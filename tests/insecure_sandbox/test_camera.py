"""The demo's borrower answers the camera's commands as the product understands them."""

import io
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from PIL import Image

from insecure_sandbox.camera import SHOWN, answer_to, as_told, bound, wrongly
from insecure_sandbox.warp_picture import taken_anew
from verification.core.route import Looked, Memory, Next
from verification.stages.live_capture.dialogue import (
    NEUTRAL,
    accept_live_capture,
    begin,
    go_on_live_capture,
    prompt_live_capture,
)
from verification.stages.live_capture.policy import OTHERS, TURNS, LiveCapturePolicy

AT = datetime(2026, 11, 24, tzinfo=UTC)
CHAIN = [(250, b"first"), (350, b"second"), (450, b"third")]
STILLS = [(250, b"whole")]


def ready() -> Memory:
    """The memory of a capture that shows its first command."""
    return accept_live_capture(begin({}, replaced_max=0), {"ready": True}, AT).memory


def is_bound(memory: Memory, answer: dict[str, Any]) -> bool:
    """Whether the product finds all of an answer bound to the command that is due."""
    turn = accept_live_capture(memory, answer, AT + timedelta(seconds=2))
    said = json.loads(turn.evidence[f"live_capture.{memory['number']}.part.0"])
    return said["is_bound"] is True


def asked_of(memory: Memory, **changes: Any) -> Mapping[str, Any]:
    """What the page is told, or something else."""
    return {**prompt_live_capture(memory), **changes}


def test_pictures_are_bound_to_their_command_place_and_time() -> None:
    memory = ready()
    assert is_bound(memory, bound(CHAIN, STILLS, asked_of(memory)))


@pytest.mark.parametrize("change", [{"step": 2}, {"key": "00" * 32}])
def test_pictures_of_another_command_are_not_bound(change: Mapping[str, Any]) -> None:
    memory = ready()
    assert not is_bound(memory, bound(CHAIN, STILLS, asked_of(memory, **change)))


def test_a_picture_or_a_time_that_is_changed_after_it_was_bound_is_not_bound() -> None:
    memory = ready()
    answer = bound(CHAIN, STILLS, asked_of(memory))
    assert not is_bound(memory, {**answer, "files": [b"another", *answer["files"][1:]]})
    later = [*answer["frames"][:-1], {**answer["frames"][-1], "at_ms": 999}]
    assert not is_bound(memory, {**answer, "frames": later})


def test_each_command_in_turn_is_answered_to_the_end() -> None:
    memory = ready()
    for _ in memory["order"]:
        answer = bound(CHAIN, STILLS, asked_of(memory))
        assert is_bound(memory, answer)
        taken = accept_live_capture(memory, answer, AT)
        turn = go_on_live_capture(taken.memory, Looked(is_right=True), AT)
        memory = turn.memory
    assert turn.next is Next.COLLECT


def test_what_is_sent_of_a_command_is_a_thin_chain_and_few_full_frames() -> None:
    frames = [_picture(shade) for shade in range(8)]
    for command, stills in ((0, 3), (1, 2)):
        memory = {**ready(), "step": command}
        answer = answer_to(frames, asked_of(memory))
        sizes = [Image.open(io.BytesIO(file)).size for file in answer["files"]]
        assert sizes == [(320, 240)] * 8 + [(640, 480)] * stills
        assert [told["still"] for told in answer["frames"]] == [False] * 8 + [True] * stills
        assert is_bound(memory, answer)


def _picture(shade: int) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (640, 480), (20 * shade,) * 3).save(file, "JPEG")
    return file.getvalue()


@pytest.mark.parametrize("command", [*TURNS, *OTHERS])
def test_whoever_plays_wrongly_never_shows_what_is_asked(command: str) -> None:
    assert as_told(command) == command
    assert wrongly(command) != command


def test_whoever_plays_wrongly_still_looks_straight() -> None:
    assert as_told(NEUTRAL) == wrongly(NEUTRAL) == "neutral"


def test_a_stuck_picture_is_stuck_for_longer_than_a_camera_and_then_shows_the_gesture() -> None:
    frames = [bytes([place]) for place in range(12)]
    sent = SHOWN["stuck"].sent(frames)
    stuck = sent.count(frames[0])
    assert stuck > LiveCapturePolicy().gates.frozen_run
    assert list(sent) == [frames[0]] * stuck + frames[stuck:]


def test_another_face_looks_in_as_a_gesture_begins_and_leaves_the_rest_of_it_alone() -> None:
    frames, other = [_picture(5)] * 6, np.full((320, 260, 3), 255, dtype=np.uint8)
    taken = taken_anew(frames, chance=np.random.default_rng(1), neighbour=other)
    corners = [
        np.asarray(Image.open(io.BytesIO(one)).convert("L"))[-200:, :150].mean() for one in taken
    ]
    assert [corner > 150 for corner in corners] == [True, True, False, False, False, False]
