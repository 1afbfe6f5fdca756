"""The dialogue of a live capture: one command at a time, frames that belong to it, and nothing else is taken."""

import base64
import hmac
import json
from datetime import UTC, datetime, timedelta
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verification.core.errors import BadInput, Refused
from verification.core.route import Evidence, Memory, Next, Turn
from verification.stages.live_capture import dialogue as live_capture
from verification.stages.live_capture.dialogue import NEUTRAL, ORDER, OTHERS, TURNS
from verification.stages.live_capture.policy import CaptureLimits

_LIMITS = CaptureLimits(frames_max=10, frame_max_bytes=1024, not_before_ms=250, window_ms=7000, seconds=90)
_NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


def _begun() -> Memory:
    return live_capture.accept_live_capture(live_capture.begin({}), {"ready": True}, _NOW).memory


def _answer(memory: Memory, *, key: str = "", step: int = 0, count: int = 2) -> Turn:
    asked = live_capture.prompt_live_capture(memory)
    frames = []
    for seq in range(count):
        jpeg = f"frame {asked['command']} {seq}".encode()
        said = f"{step or asked['step']}:{seq}:{sha256(jpeg).hexdigest()}".encode()
        mac = hmac.new((key or asked["key"]).encode(), said, sha256).hexdigest()
        frames.append({"seq": seq, "jpeg": base64.b64encode(jpeg).decode(), "mac": mac})
    return live_capture.accept_live_capture(memory, {"frames": frames}, _NOW + timedelta(seconds=2))


def _facts(turn: Turn) -> dict[str, object]:
    (facts,) = (content for kind, content in turn.evidence.items() if kind.endswith(".turn"))
    found: dict[str, object] = json.loads(facts)
    return found


def test_an_order_holds_both_turns_and_one_or_two_other_commands() -> None:
    orders = {live_capture.fresh_order(()) for _ in range(200)}
    assert len(orders) > 20
    for order in orders:
        assert set(TURNS) <= set(order)
        assert len(order) == len(set(order))
        assert len(set(order) & set(OTHERS)) in (1, 2)


def test_an_order_is_not_the_one_before() -> None:
    memory = live_capture.begin({})
    for _ in range(200):
        following = live_capture.begin(memory)
        assert following["order"] != memory["order"]
        assert following["order"][0] == NEUTRAL
        assert following["nonce"] != memory["nonce"]
        memory = following


def test_only_the_command_that_is_due_leaves_the_server() -> None:
    memory = _begun()
    for step, command in enumerate(memory["order"]):
        said = live_capture.prompt_live_capture(memory)
        assert said["command"] == command
        assert memory["nonce"] not in json.dumps(dict(said))
        for later in memory["order"][step + 1 :]:
            assert later not in json.dumps(dict(said))
        memory = _answer(memory).memory


def test_after_the_last_command_the_attempt_is_judged() -> None:
    memory = _begun()
    for command in memory["order"]:
        turn = _answer(memory)
        is_last = command == memory["order"][-1]
        assert turn.next is (Next.COLLECT if is_last else Next.ASK)
        memory = turn.memory


def test_frames_are_bound_to_their_step_and_to_the_moment_it_was_shown() -> None:
    memory = _begun()
    assert _facts(_answer(memory))["bound"] == [0, 1]
    assert _facts(_answer(memory, step=2))["bound"] == []
    later = live_capture.prompt_live_capture({**memory, "revealed": (_NOW + timedelta(seconds=1)).isoformat()})
    assert _facts(_answer(memory, key=later["key"]))["bound"] == []
    other = live_capture.prompt_live_capture(_begun())
    assert _facts(_answer(memory, key=other["key"]))["bound"] == []


def test_what_was_captured_is_read_back() -> None:
    memory, items = _begun(), {}
    order = tuple(memory["order"])
    items[ORDER] = live_capture.order_evidence(memory)
    for _ in order:
        turn = _answer(memory)
        memory, items = turn.memory, {**items, **turn.evidence}
    evidence = Evidence(items=items, at=_NOW)
    steps = [live_capture.captured(evidence, number) for number in range(len(order))]
    assert live_capture.ordered(evidence) == tuple(step.command for step in steps) == order
    assert all(step.is_bound for step in steps)
    # The story answers every step at the same moment, so only the first has waited.
    assert [step.wait for step in steps] == [2.0, *[0.0] * (len(order) - 1)]
    assert steps[0].frames == (b"frame look_straight 0", b"frame look_straight 1")
    for kind in items:
        less = Evidence(items={name: each for name, each in items.items() if name != kind}, at=_NOW)
        with pytest.raises(Refused):
            _all_captured(less)


def _all_captured(evidence: Evidence) -> None:
    for number in range(len(live_capture.ordered(evidence))):
        live_capture.captured(evidence, number)


_JPEG = base64.b64encode(b"jpeg").decode()
_GOOD = {"seq": 0, "jpeg": _JPEG, "mac": "00"}


@pytest.mark.parametrize(
    "frames",
    [
        None,
        [],
        [_GOOD] * 2,
        [{**_GOOD, "seq": seq} for seq in range(11)],
        [{**_GOOD, "seq": 1}, _GOOD],
        [{**_GOOD, "seq": True}],
        [{**_GOOD, "seq": 10}],
        [{**_GOOD, "seq": -1}],
        [{**_GOOD, "jpeg": ""}],
        [{**_GOOD, "jpeg": "not base64"}],
        [{**_GOOD, "jpeg": base64.b64encode(bytes(1025)).decode()}],
        [{**_GOOD, "jpeg": "A" * 4096}],
        [{**_GOOD, "mac": "0" * 65}],
        [{**_GOOD, "mac": "ж"}],
        [{**_GOOD, "mac": None}],
        [[]],
    ],
)
def test_anything_but_a_few_small_frames_in_order_is_not_taken(frames: object) -> None:
    assert live_capture.read_frames([_GOOD], limits=_LIMITS)
    with pytest.raises(BadInput):
        live_capture.read_frames(frames, limits=_LIMITS)


@pytest.mark.parametrize("ready", [None, False, "true", 1])
def test_nothing_is_shown_before_the_borrower_is_ready(ready: object) -> None:
    with pytest.raises(BadInput):
        live_capture.accept_live_capture(live_capture.begin({}), {"ready": ready}, _NOW)


_anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=40) | st.binary(max_size=40),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["seq", "jpeg", "mac", "x"]), inner, max_size=4)
    ),
    max_leaves=12,
)
_almost = st.fixed_dictionaries(
    {
        "seq": st.integers(-2, 12) | _anything,
        "jpeg": st.binary(max_size=1100).map(lambda raw: base64.b64encode(raw).decode()) | _anything,
        "mac": st.text("0123456789abcdef", max_size=66) | _anything,
    }
)
_MEMORY = _begun()


@given(st.dictionaries(st.sampled_from(["frames", "ready", "turn"]), _anything | st.lists(_almost, max_size=11)))
def test_an_answer_is_taken_or_named_bad_and_nothing_else(untrusted: dict[str, object]) -> None:
    for memory in (_MEMORY, live_capture.begin({})):
        try:
            turn = live_capture.accept_live_capture(memory, untrusted, _NOW)
        except BadInput:
            continue
        assert all(kind.startswith("live_capture.0.") for kind in turn.evidence)


@given(st.binary(max_size=200) | st.text(max_size=60).map(str.encode) | _anything.map(lambda each: repr(each).encode()))
def test_evidence_that_is_garbage_is_refused_and_nothing_else(content: bytes) -> None:
    good = {ORDER: b'{"order":["look_straight"]}'} | dict(_answer(_begun()).evidence)
    for kind in (ORDER, "live_capture.0.turn"):
        with pytest.raises(Refused):
            _all_captured(Evidence(items={**good, kind: content}, at=_NOW))
