"""The demo's borrower answers the camera's commands as the product understands them."""

import base64
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from insecure_sandbox.demo.camera import as_told, bound, wrongly
from verification.core.live_capture import NEUTRAL, OTHERS, TURNS, CaptureLimits, accept, begin, prompt
from verification.core.route import Memory, Next

LIMITS = CaptureLimits(frames_max=10, frame_max_bytes=40 * 1024, not_before_ms=250, window_ms=7000, seconds=90)
AT = datetime(2026, 11, 24, tzinfo=UTC)
FRAMES = [b"first", b"second", b"third"]


def ready() -> Memory:
    """The memory of a capture that shows its first command."""
    return accept(begin({}), {"ready": True}, AT, stage="commands", limits=LIMITS).memory


def bound_by_the_product(memory: Memory, sent: list[dict[str, Any]]) -> list[int]:
    """The numbers of those frames that the product finds bound to the command that is due."""
    turn = accept(memory, {"frames": sent}, AT + timedelta(seconds=2), stage="commands", limits=LIMITS)
    facts = turn.evidence[f"commands.{memory['step']}.facts"]
    return list(json.loads(facts)["bound"])


def test_frames_are_bound_to_their_command_and_place() -> None:
    memory = ready()
    assert bound_by_the_product(memory, bound(FRAMES, prompt(memory, limits=LIMITS))) == [0, 1, 2]


@pytest.mark.parametrize("change", [{"step": 2}, {"key": "00" * 32}])
def test_frames_of_another_command_are_not_bound(change: Mapping[str, Any]) -> None:
    memory = ready()
    assert bound_by_the_product(memory, bound(FRAMES, {**prompt(memory, limits=LIMITS), **change})) == []


def test_a_frame_that_is_changed_after_it_was_bound_is_not_bound() -> None:
    memory = ready()
    sent = bound(FRAMES, prompt(memory, limits=LIMITS))
    sent[1]["jpeg"] = base64.b64encode(b"another").decode()
    assert bound_by_the_product(memory, sent) == [0, 2]


def test_each_command_in_turn_is_answered_to_the_end() -> None:
    memory = ready()
    for _ in memory["order"]:
        sent = bound(FRAMES, prompt(memory, limits=LIMITS))
        assert bound_by_the_product(memory, sent) == [0, 1, 2]
        turn = accept(memory, {"frames": sent}, AT, stage="commands", limits=LIMITS)
        memory = turn.memory
    assert turn.next is Next.COLLECT


@pytest.mark.parametrize("command", [*TURNS, *OTHERS])
def test_whoever_plays_wrongly_never_shows_what_is_asked(command: str) -> None:
    assert as_told(command) == command
    assert wrongly(command) != command


def test_whoever_plays_wrongly_still_looks_straight() -> None:
    assert as_told(NEUTRAL) == wrongly(NEUTRAL) == "neutral"
