"""A dialogue of the live capture played turn by turn, with pictures that are none."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from insecure_sandbox import camera as demo_camera
from verification.core.route import Looked, Memory, Turn
from verification.stages.live_capture import dialogue as live_capture

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


def begun(replaced_max: int = 0) -> Memory:
    fresh = live_capture.begin({}, replaced_max=replaced_max)
    return live_capture.accept_live_capture(fresh, {"ready": True}, NOW).memory


_CHAIN = [(250, b"thin 0"), (400, b"thin 1")]
_STILLS = [(250, b"full 0")]


def answer(
    memory: Memory,
    *,
    after: float = 2.0,
    part: int = 0,
    parts: int = 1,
    untrusted_camera: Any = None,
    **changes: Any,
) -> Turn:
    """One part of what the page sends for the command that is due, so many seconds after it was
    shown.
    """
    asked = {**live_capture.prompt_live_capture(memory), **changes}
    answer = demo_camera.bound(_CHAIN, _STILLS, asked, part=part, parts=parts)
    at = datetime.fromisoformat(memory["revealed"]) + timedelta(seconds=after)
    return live_capture.accept_live_capture(memory, {**answer, "camera": untrusted_camera}, at)


def seen(memory: Memory, *, is_right: bool | None = True, **found: object) -> Turn:
    """The command that is due is answered, and looked at."""
    at = datetime.fromisoformat(memory["revealed"]) + timedelta(seconds=3)
    return live_capture.go_on_live_capture(answer(memory).memory, Looked(is_right, found), at)


def said(turn: Turn) -> dict[str, Any]:
    """What is on record of a part."""
    (said,) = (content for kind, content in turn.evidence.items() if ".part." in kind)
    return dict(json.loads(said))
