"""The product recognises a picture or a time that was changed after the camera bound it."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from insecure_sandbox.camera import bound
from verification.core.route import Memory
from verification.stages.live_capture.dialogue import (
    accept_live_capture,
    begin,
    prompt_live_capture,
)

AT = datetime(2026, 11, 24, tzinfo=UTC)
CHAIN = [(250, b"first"), (350, b"second"), (450, b"third")]
STILLS = [(250, b"whole")]


def is_bound(memory: Memory, answer: dict[str, Any]) -> bool:
    """Whether the product finds all of an answer bound to the command that is due."""
    turn = accept_live_capture(memory, answer, AT + timedelta(seconds=2))
    part = json.loads(turn.evidence[f"live_capture.{memory['number']}.part.0"])
    return part["is_bound"] is True


def test_a_picture_or_a_time_that_is_changed_after_it_was_bound_is_not_bound() -> None:
    memory = accept_live_capture(begin({}, replaced_max=0), {"ready": True}, AT).memory
    answer = bound(CHAIN, STILLS, prompt_live_capture(memory))
    assert is_bound(memory, answer)
    assert not is_bound(memory, {**answer, "files": [b"another", *answer["files"][1:]]})
    later = [*answer["frames"][:-1], {**answer["frames"][-1], "at_ms": 999}]
    assert not is_bound(memory, {**answer, "frames": later})
