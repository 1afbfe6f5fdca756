"""Parts of an answer, and lines that are lost: what the dialogue of a live capture makes of
them.
"""

import json
from datetime import timedelta
from itertools import pairwise

import pytest

from tests.verification.stages.live_capture.turns import NOW, answer, begun, seen
from verification.core.errors import BadInput, NotYourTurn, Refused
from verification.core.route import PARTS, Evidence, Looked, Memory, Next, Turn
from verification.stages.live_capture import dialogue as live_capture
from verification.stages.live_capture import measure
from verification.stages.live_capture.dialogue import NEUTRAL, ORDER
from verification.stages.live_capture.policy import CANNOT, CAPTURE, COMMANDS_MAX, LOST_MAX, TURNS


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


def test_whoever_drops_the_line_draws_only_as_often_as_that_and_turns_stay() -> None:
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
