"""The demo's borrower answers the camera's commands as the product understands them."""

import base64
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from insecure_sandbox.demo.camera import as_told, bound, wrongly
from verification.core.route import Memory, Next
from verification.stages.live_capture.dialogue import (
    NEUTRAL,
    OTHERS,
    TURNS,
    accept_live_capture,
    begin,
    prompt_live_capture,
)

AT = datetime(2026, 11, 24, tzinfo=UTC)
FRAMES = [b"first", b"second", b"third"]


def ready() -> Memory:
    """The memory of a capture that shows its first command."""
    return accept_live_capture(begin({}), {"ready": True}, AT).memory


def bound_by_the_product(memory: Memory, sent: list[dict[str, Any]]) -> list[int]:
    """The numbers of those frames that the product finds bound to the command that is due."""
    turn = accept_live_capture(memory, {"frames": sent}, AT + timedelta(seconds=2))
    facts = turn.evidence[f"live_capture.{memory['step']}.turn"]
    return list(json.loads(facts)["bound"])


def test_frames_are_bound_to_their_command_and_place() -> None:
    memory = ready()
    assert bound_by_the_product(memory, bound(FRAMES, prompt_live_capture(memory))) == [0, 1, 2]


@pytest.mark.parametrize("change", [{"step": 2}, {"key": "00" * 32}])
def test_frames_of_another_command_are_not_bound(change: Mapping[str, Any]) -> None:
    memory = ready()
    assert bound_by_the_product(memory, bound(FRAMES, {**prompt_live_capture(memory), **change})) == []


def test_a_frame_that_is_changed_after_it_was_bound_is_not_bound() -> None:
    memory = ready()
    sent = bound(FRAMES, prompt_live_capture(memory))
    sent[1]["jpeg"] = base64.b64encode(b"another").decode()
    assert bound_by_the_product(memory, sent) == [0, 2]


def test_each_command_in_turn_is_answered_to_the_end() -> None:
    memory = ready()
    for _ in memory["order"]:
        sent = bound(FRAMES, prompt_live_capture(memory))
        assert bound_by_the_product(memory, sent) == [0, 1, 2]
        turn = accept_live_capture(memory, {"frames": sent}, AT)
        memory = turn.memory
    assert turn.next is Next.COLLECT


@pytest.mark.parametrize("command", [*TURNS, *OTHERS])
def test_whoever_plays_wrongly_never_shows_what_is_asked(command: str) -> None:
    assert as_told(command) == command
    assert wrongly(command) != command


def test_whoever_plays_wrongly_still_looks_straight() -> None:
    assert as_told(NEUTRAL) == wrongly(NEUTRAL) == "neutral"
