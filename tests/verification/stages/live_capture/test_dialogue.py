"""The dialogue of a live capture: one command at a time, frames that belong to it, in parts, over
lines that are lost; nothing else is taken.
"""

import json
import random
from datetime import timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.verification.stages.live_capture.turns import NOW, answer, begun, said, seen
from verification.core.errors import BadInput, NotYourTurn, Refused
from verification.core.route import LOOK_AT, PARTS, Evidence, Looked, Memory, Next, Turn
from verification.stages.live_capture import dialogue as live_capture
from verification.stages.live_capture import measure
from verification.stages.live_capture.dialogue import NEUTRAL, ORDER
from verification.stages.live_capture.policy import (
    CANNOT,
    CAPTURE,
    COMMANDS_MAX,
    LOST_MAX,
    OTHERS,
    REST_REPEATS,
    TURNS,
    CaptureLimits,
)

_LIMITS = CaptureLimits(
    chain_max=10, stills_max=2, chain_most_bytes=1024, still_most_bytes=2048, seconds=90
)
_CHANCE = random.Random(14)  # of what is missed in a test


def test_an_order_holds_both_turns_and_one_or_two_other_commands() -> None:
    orders = {live_capture.fresh_order(()) for _ in range(200)}
    assert len(orders) > 20
    for order in orders:
        assert set(TURNS) <= set(order)
        assert len(order) == len(set(order))
        assert len(set(order) & set(OTHERS)) in (1, 2)


def test_an_order_is_not_the_one_before() -> None:
    memory = live_capture.begin({}, replaced_max=0)
    for _ in range(200):
        following = live_capture.begin(memory, replaced_max=0)
        assert following["order"] != memory["order"]
        assert following["order"][0] == NEUTRAL
        assert following["nonce"] != memory["nonce"]
        memory = following


def test_only_the_command_that_is_due_leaves_the_server() -> None:
    memory = begun()
    for step, command in enumerate(memory["order"]):
        said = live_capture.prompt_live_capture(memory)
        assert said["command"] == command
        assert memory["nonce"] not in json.dumps(dict(said))
        for later in memory["order"][step + 1 :]:
            assert later not in json.dumps(dict(said))
        memory = seen(memory).memory


def test_each_command_is_looked_at_and_after_the_last_the_attempt_is_judged() -> None:
    memory = begun()
    for command in memory["order"]:
        answered = answer(memory)
        assert (answered.next, answered.memory[LOOK_AT]) == (
            Next.LOOK,
            f"live_capture.{memory['number']}.",
        )
        turn = seen(memory)
        is_last = command == memory["order"][-1]
        assert turn.next is (Next.COLLECT if is_last else Next.ASK)
        memory = turn.memory
    assert live_capture.prompt_live_capture(memory) == {"state": "ready", "missed": ""}


def test_the_next_command_is_shown_after_a_look_at_the_last_and_says_whether_it_was_seen() -> None:
    memory = begun(replaced_max=2)
    assert live_capture.prompt_live_capture(memory)["seen"] is None
    memory = seen(memory).memory
    asked = live_capture.prompt_live_capture(memory)
    assert (asked["seen"], asked["revealed"]) == (True, (NOW + timedelta(seconds=3)).isoformat())
    assert live_capture.prompt_live_capture(seen(memory, is_right=False).memory)["seen"] is False


def test_under_a_law_that_repeats_the_check_a_missed_command_ends_it() -> None:
    memory = seen(begun()).memory
    missed = memory["order"][1]
    turn = seen(memory, is_right=False)
    assert turn.next is Next.COLLECT
    following = live_capture.begin(turn.memory, replaced_max=0)
    assert live_capture.prompt_live_capture(following) == {"state": "ready", "missed": missed}
    assert following["order"][1:] != memory["drawn"]
    again = live_capture.accept_live_capture(following, {"ready": True}, NOW).memory
    assert live_capture.begin(again, replaced_max=0)["missed"] == ""


def test_elsewhere_a_missed_command_is_replaced_twice_and_both_turns_must_come() -> None:
    for _ in range(300):
        memory = seen(begun(replaced_max=2)).memory
        shown: list[str] = []
        missed: list[str] = []
        while True:
            command = live_capture.prompt_live_capture(memory)["command"]
            is_missed = bool(_CHANCE.getrandbits(1))
            if missed:
                assert shown[-1] != command or shown[-1] not in missed
            shown.append(command)
            turn = seen(memory, is_right=not is_missed)
            missed += [command] * is_missed
            memory = turn.memory
            if turn.next is Next.COLLECT:
                break
        assert len(missed) <= 3
        if len(missed) < 3:
            right = list(shown)
            for command in missed:
                right.remove(command)
            assert set(TURNS) <= set(right)
            assert len(right) >= len(memory["drawn"])
            assert memory["missed"] == ""
        else:
            assert memory["missed"] == missed[-1] == shown[-1]


def test_a_borrower_who_does_not_look_straight_is_asked_twice_more_and_then_judged() -> None:
    memory = begun()
    for _ in range(REST_REPEATS):
        memory = seen(memory, is_right=False).memory
        assert live_capture.prompt_live_capture(memory)["command"] == NEUTRAL
    turn = seen(memory, is_right=False)
    assert (turn.next, turn.memory["missed"]) == (Next.COLLECT, "")


def test_what_cannot_be_measured_is_judged_at_once() -> None:
    assert seen(begun(replaced_max=2), is_right=None).next is Next.COLLECT


def test_what_a_look_found_is_remembered_until_the_capture_is_over() -> None:
    memory = seen(begun(), rest={"turn": "0.1"}).memory
    assert memory["rest"] == {"turn": "0.1"}
    assert "rest" not in seen(memory, is_right=False).memory


def test_pictures_are_bound_to_their_step_their_part_and_the_moment_it_was_shown() -> None:
    memory = begun()
    assert said(answer(memory)) == {
        "arrived": (NOW + timedelta(seconds=2)).isoformat(),
        "chain": [250, 400],
        "stills": [[2, 250]],
        "is_bound": True,
        "camera": {},
    }
    assert not said(answer(memory, step=2))["is_bound"]
    later = live_capture.prompt_live_capture(
        {**memory, "revealed": (NOW + timedelta(seconds=1)).isoformat()}
    )
    assert not said(answer(memory, key=later["key"]))["is_bound"]
    other = live_capture.prompt_live_capture(begun())
    assert not said(answer(memory, key=other["key"]))["is_bound"]
    second = answer(answer(memory, parts=2).memory, part=1, parts=2)
    assert said(second)["is_bound"]
    assert said(second)["stills"] == [[102, 250]]


def _played(*misses: bool) -> Evidence:
    """A capture whose commands were missed or not, one after another; all later ones are shown."""
    memory, ahead = begun(replaced_max=2), [False, *misses]
    items = {ORDER: live_capture.order_evidence(memory)}
    while memory["step"] is not None:
        answered, looked = answer(memory), Looked(is_right=not (ahead.pop(0) if ahead else False))
        turn = live_capture.go_on_live_capture(answered.memory, looked, NOW)
        memory, items = turn.memory, {**items, **answered.evidence, **turn.evidence}
    return Evidence(items=items, at=NOW)


def test_what_was_captured_is_read_back() -> None:
    evidence = _played()
    found = measure.captured(evidence)
    steps = found.steps
    assert (found.lost, found.by_line, live_capture.ordered(evidence).lost_before) == (0, False, 0)
    assert live_capture.ordered(evidence).commands == tuple(step.sent.command for step in steps)
    assert live_capture.ordered(evidence).replaced_max == 2
    assert all(step.is_bound for step in steps)
    assert [(step.soonest, step.transfer, step.ahead) for step in steps] == [(2.0, 1.6, 1.6)] * len(
        steps
    )
    assert (steps[0].taken_ms, steps[0].sent.chain, steps[0].sent.stills) == (
        (250, 400),
        (b"thin 0", b"thin 1"),
        (b"full 0",),
    )
    for kind in evidence.items:
        less = Evidence(
            items={name: each for name, each in evidence.items.items() if name != kind}, at=NOW
        )
        with pytest.raises(Refused):
            _all_captured(less)


def test_commands_that_were_missed_are_read_back_with_those_that_followed() -> None:
    evidence = _played(True, False, True)
    commands = [step.sent.command for step in measure.captured(evidence).steps]
    assert len(commands) == len(live_capture.ordered(evidence).commands) + 2
    assert commands[:2] == list(live_capture.ordered(evidence).commands[:2])


def _all_captured(evidence: Evidence) -> None:
    live_capture.ordered(evidence)
    measure.captured(evidence)


_GOOD = {"at_ms": 0, "still": False, "mac": "00"}
_STILL = {**_GOOD, "still": True}


@pytest.mark.parametrize(
    ("frames", "files"),
    [
        (None, [b"jpeg"]),
        ([_GOOD], None),
        ([_GOOD], []),
        ([], []),
        ([_GOOD], [b"jpeg"] * 2),
        ([_GOOD] * 2, [b"jpeg"] * 2),
        ([{**_GOOD, "at_ms": number} for number in range(11)], [b"jpeg"] * 11),
        ([{**_STILL, "at_ms": number} for number in range(3)], [b"jpeg"] * 3),
        ([{**_GOOD, "at_ms": 1}, _GOOD], [b"jpeg"] * 2),
        ([{**_GOOD, "at_ms": True}], [b"jpeg"]),
        ([{**_GOOD, "at_ms": 90_000}], [b"jpeg"]),
        ([{**_GOOD, "at_ms": -1}], [b"jpeg"]),
        ([{**_GOOD, "still": 1}], [b"jpeg"]),
        ([_GOOD], [b""]),
        ([_GOOD], [bytes(1025)]),
        ([_STILL], [bytes(2049)]),
        ([{**_GOOD, "mac": "0" * 65}], [b"jpeg"]),
        ([{**_GOOD, "mac": "ж"}], [b"jpeg"]),
        ([{**_GOOD, "mac": None}], [b"jpeg"]),
        ([[]], [b"jpeg"]),
    ],
)
def test_anything_but_a_few_small_pictures_in_order_is_not_taken(
    frames: object, files: object
) -> None:
    assert live_capture.read_frames(
        {"frames": [_GOOD, _STILL], "files": [bytes(1024), bytes(2048)]}, limits=_LIMITS
    )
    with pytest.raises(BadInput):
        live_capture.read_frames({"frames": frames, "files": files}, limits=_LIMITS)


@pytest.mark.parametrize("ready", [None, False, "true", 1])
def test_nothing_is_shown_before_the_borrower_is_ready(ready: object) -> None:
    with pytest.raises(BadInput):
        live_capture.accept_live_capture(
            live_capture.begin({}, replaced_max=0), {"ready": ready}, NOW
        )


_anything = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=40)
    | st.binary(max_size=40),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["at_ms", "mac", "x"]), inner, max_size=4)
    ),
    max_leaves=12,
)
_almost = st.fixed_dictionaries(
    {
        "at_ms": st.integers(-2, 12) | _anything,
        "still": st.booleans() | _anything,
        "mac": st.text("0123456789abcdef", max_size=66) | _anything,
    }
)
_MEMORY = begun()
_WHOLE = _played()


@given(
    st.dictionaries(
        st.sampled_from(["frames", "ready", "lost", "part", "parts"]),
        _anything | st.lists(_almost, max_size=11),
    ),
    st.lists(
        st.binary(max_size=1100), max_size=11
    ),  # what a request has beside: bytes, whatever they are
)
def test_an_answer_is_taken_or_named_bad_and_nothing_else(
    untrusted: dict[str, object], files: list[bytes]
) -> None:
    for memory in (_MEMORY, live_capture.begin({}, replaced_max=0)):
        try:
            turn = live_capture.accept_live_capture(memory, {**untrusted, "files": files}, NOW)
        except BadInput:
            continue
        assert all(kind.startswith("live_capture.0.") for kind in turn.evidence)


@given(
    st.binary(max_size=200)
    | st.text(max_size=60).map(str.encode)
    | _anything.map(lambda each: repr(each).encode())
)
def test_evidence_that_is_garbage_is_refused_and_nothing_else(content: bytes) -> None:
    for kind in (
        ORDER,
        "live_capture.0.turn",
        "live_capture.1.seen",
        "live_capture.1.part.0",
    ):
        with pytest.raises(Refused):
            _all_captured(Evidence(items={**_WHOLE.items, kind: content}, at=NOW))


def test_the_last_part_takes_the_turn_and_each_is_kept_once() -> None:
    memory = begun()
    first = answer(memory, parts=2)
    assert (first.next, first.memory[PARTS]) == (Next.PART, [1, 2])
    with pytest.raises(NotYourTurn):
        answer(first.memory, parts=2)
    with pytest.raises(BadInput):
        answer(memory, part=1, parts=2)
    with pytest.raises(BadInput):
        answer(memory, parts=3)
    last = answer(first.memory, part=1, parts=2)
    assert last.next is Next.LOOK
    items = {**first.evidence, **last.evidence}
    step = measure.captured_step(Evidence(items=items, at=NOW), "live_capture.0.")
    assert step.sent.chain == (b"thin 0", b"thin 1") * 2
    assert step.sent.stills == (b"full 0",) * 2
    assert step.taken_ms == (250, 400, 250, 400)


@pytest.mark.parametrize(
    ("each", "most"), [(CAPTURE.chain_bytes, 760_000), (CAPTURE.slow_bytes, 600_000)]
)
def test_a_capture_with_its_hints_takes_few_kilobytes_and_a_line_of_400_kilobits(
    each: int, most: int
) -> None:
    first, hint = 500, 4_096  # milliseconds, of pictures.js; bytes, of commands.js
    frames, at_rest = (
        1 + (until - first) // CAPTURE.chain_ms for until in (CAPTURE.window_ms, CAPTURE.rest_ms)
    )
    command = frames * each + CAPTURE.stills * CAPTURE.still_bytes
    rest = at_rest * each + CAPTURE.rest_stills * CAPTURE.still_bytes
    assert rest + COMMANDS_MAX * command + 5 * hint <= most
    assert command / (CAPTURE.window_ms / 1000) <= 400_000 / 8, (
        "what is asked again needs no faster line"
    )


@pytest.mark.parametrize(("says", "side"), [(True, 160), (False, 240), (None, 240), (1, 240)])
def test_over_a_line_that_the_page_calls_slow_smaller_pictures_are_asked_for(
    says: object, side: int
) -> None:
    told = {"ready": True} if says is None else {"ready": True, "slow": says}
    memory = live_capture.accept_live_capture(
        live_capture.begin({}, replaced_max=0), told, NOW
    ).memory
    asked = live_capture.prompt_live_capture(memory)
    wanted = {160: CAPTURE.slow_bytes, 240: CAPTURE.chain_bytes}[side]
    assert (asked["chain_side"], asked["chain_bytes"]) == (side, wanted)


def test_what_was_too_long_on_its_way_is_no_answer_and_another_command_is_asked_for() -> None:
    memory = seen(begun()).memory
    seconds = CAPTURE.transfer_ms / 1000 + 0.4
    assert answer(memory, after=seconds).next is Next.LOOK
    for lost in (answer(memory, after=seconds + 0.001), _reported(memory)):
        assert lost.next is Next.ASK
        asked = live_capture.prompt_live_capture(lost.memory)
        assert asked["command"] != memory["order"][1]
        assert (asked["seen"], lost.memory["lost"]) == (None, 1)
        assert not any(".frame." in kind or ".chain." in kind for kind in lost.evidence)


def _reported(memory: Memory) -> Turn:
    """The page says that it lost the line."""
    return live_capture.accept_live_capture(memory, {"lost": True}, NOW + timedelta(seconds=4))


def test_a_line_that_is_lost_in_the_second_part_loses_the_first_too() -> None:
    memory = begun()
    first = answer(memory, parts=2)
    lost = answer(first.memory, part=1, parts=2, after=60)
    assert lost.next is Next.ASK
    items = {ORDER: live_capture.order_evidence(memory), **first.evidence, **lost.evidence}
    with pytest.raises(Refused):
        measure.captured(Evidence(items=items, at=NOW))
    assert live_capture.prompt_live_capture(lost.memory)["command"] == NEUTRAL


def test_a_line_that_is_lost_more_than_twice_ends_the_capture_whatever_was_shown() -> None:
    for shown in range(3):
        memory, items = begun(), {}
        items[ORDER] = live_capture.order_evidence(memory)
        for _ in range(shown):
            answered = answer(memory)
            turn = live_capture.go_on_live_capture(answered.memory, Looked(is_right=True), NOW)
            memory, items = turn.memory, {**items, **answered.evidence, **turn.evidence}
        for _ in range(LOST_MAX):
            turn = _reported(memory)
            assert turn.next is Next.ASK
            memory, items = turn.memory, {**items, **turn.evidence}
        turn = _reported(memory)
        assert turn.next is Next.COLLECT
        found = measure.captured(Evidence(items={**items, **turn.evidence}, at=NOW))
        assert (len(found.steps), found.lost, found.by_line) == (shown, LOST_MAX + 1, True)


def test_each_lost_line_draws_one_other_command_and_the_turns_stay() -> None:
    for _ in range(100):
        memory = seen(begun()).memory
        shown = [live_capture.prompt_live_capture(memory)["command"]]
        for _ in range(LOST_MAX):
            memory = _reported(memory).memory
            shown.append(live_capture.prompt_live_capture(memory)["command"])
        assert all(one != other for one, other in pairwise(shown))
        ahead = memory["order"][memory["step"] :]
        assert set(TURNS) <= set(ahead)


def test_how_many_captures_the_line_ended_today_is_drawn_into_the_order() -> None:
    fresh = live_capture.begin(
        {"ended": {"liveness_line_lost": 2, "liveness_face_jumped": 1}}, replaced_max=0
    )
    evidence = Evidence(items={ORDER: live_capture.order_evidence(fresh)}, at=NOW)
    assert live_capture.ordered(evidence).lost_before == 2


def test_how_many_captures_of_today_cost_nothing_is_drawn_into_the_order() -> None:
    ended = {
        "liveness_line_lost": 1,
        "face_too_dark": 2,
        "face_mismatch": 3,
        "abandoned": 1,
        "of another release": 9,
    }
    fresh = live_capture.begin({"ended": ended}, replaced_max=0)
    evidence = Evidence(items={ORDER: live_capture.order_evidence(fresh)}, at=NOW)
    assert live_capture.ordered(evidence).unburnt_before == 4


@pytest.mark.parametrize(
    "name", ["order", "replaced_max", "lost_before", "unburnt_before", "request_nonce"]
)
@pytest.mark.parametrize("other", [None, True, 1.5, "", [], ["nod"]])
def test_an_order_that_does_not_say_all_of_it_refuses(name: str, other: object) -> None:
    said = json.loads(live_capture.order_evidence(live_capture.begin({}, replaced_max=0)))
    assert (
        live_capture.ordered(
            Evidence(items={ORDER: json.dumps(said).encode()}, at=NOW)
        ).replaced_max
        == 0
    )
    with pytest.raises(Refused) as refusal:
        live_capture.ordered(
            Evidence(items={ORDER: json.dumps(said | {name: other}).encode()}, at=NOW)
        )
    assert refusal.value.code == "check_missing"


# Who cannot do some commands


@pytest.mark.parametrize(
    "without", [["turn"], ["blink"], ["open_mouth", "turn"], ["turn", "blink", "open_mouth"]]
)
def test_who_cannot_do_some_commands_is_never_asked_for_them(without: list[str]) -> None:
    left_out = {command for each in without for command in CANNOT[each]}
    for _ in range(60):
        fresh = live_capture.begin({}, replaced_max=2)
        turn = live_capture.accept_live_capture(fresh, {"ready": True, "without": without}, NOW)
        memory, items = turn.memory, {ORDER: live_capture.order_evidence(fresh), **turn.evidence}
        shown = []
        while memory["step"] is not None:
            shown.append(live_capture.prompt_live_capture(memory)["command"])
            answered = answer(memory)
            is_right = len(shown) not in (2, 3)
            turn = live_capture.go_on_live_capture(answered.memory, Looked(is_right), NOW)
            memory, items = turn.memory, {**items, **answered.evidence, **turn.evidence}
        assert not left_out & set(shown)
        assert 3 <= len(shown) <= 7
        evidence = Evidence(items=items, at=NOW)
        assert live_capture.ordered(evidence).without == tuple(sorted(without))
        assert [step.sent.command for step in measure.captured(evidence).steps] == shown


@pytest.mark.parametrize("without", ["turn", ["nod"], [None], [["turn"]], {"turn": True}, [1]])
def test_nothing_else_can_be_left_out(without: object) -> None:
    with pytest.raises(BadInput):
        live_capture.accept_live_capture(
            live_capture.begin({}, replaced_max=0), {"ready": True, "without": without}, NOW
        )


def test_who_leaves_nothing_out_has_the_order_that_was_drawn() -> None:
    fresh = live_capture.begin({}, replaced_max=0)
    turn = live_capture.accept_live_capture(fresh, {"ready": True, "without": []}, NOW)
    assert (turn.memory["order"], turn.evidence) == (fresh["order"], {})
