"""Each room keeps to its budget of statements, and names say what they name."""

import tomllib
from pathlib import Path

from scripts.measure_house import PRODUCT, count_rooms

_ROOT = Path(__file__).resolve().parent.parent
_BUDGETS = tomllib.loads((_ROOT / "house.toml").read_text(encoding="utf-8"))
_ROOMS = count_rooms(_ROOT)
_SLACK = 1.05
"""How much larger than its room a budget may be: who makes a room smaller lowers its budget."""


def test_every_room_has_a_budget_and_keeps_to_it() -> None:
    budgets = _BUDGETS["statements"]
    rooms = {room for room in _ROOMS if room != "tests"}
    assert set(budgets) == rooms
    over = {
        room: (_ROOMS[room]["statements"], budget)
        for room, budget in budgets.items()
        if _ROOMS[room]["statements"] > budget
    }
    assert over == {}, "a room is larger than house.toml allows: make it smaller, or say there why"


def test_no_budget_is_left_high_when_its_room_shrank() -> None:
    loose = {
        room: (_ROOMS[room]["statements"], budget)
        for room, budget in _BUDGETS["statements"].items()
        if budget > _ROOMS[room]["statements"] * _SLACK + 10
    }
    assert loose == {}, "lower these budgets in house.toml"


def test_names_of_the_product_say_what_they_name() -> None:
    counts = [room for name, room in _ROOMS.items() if name.split("/")[0] in PRODUCT]
    bindings = sum(room["bindings"] for room in counts)
    vague = sum(room["vague_names"] for room in counts)
    assert 100 * vague <= _BUDGETS["names"]["vague_percent"] * bindings, (
        f"{vague} of {bindings} names are in scripts/vague_names.txt"
    )
