"""Which codes really leave the product: noted from answers to requests as tests run, and joined
after a whole run.

A code counts once an answer brings it: of the API, of a borrower's page, of the regulator's and the
desk's. What a function gives does not, nor what a test leads to that puts rows or pages of its own
in the place of the product's. `make test` fails by a code of the tables that no answer brought,
unless tests/codes_owed.toml owes it with a reason. A part of a run notes and judges nothing.
`tests/noting.py` reads the answers.
"""

import json
import os
import tomllib
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

import pytest
from django.utils.module_loading import import_string

VARIABLE: Final = "TULGA_TEST_CODES"
"""Names the folder in which each process writes what it saw, a file each; without it nothing is
noted.
"""
OWED: Final = Path(__file__).with_name("codes_owed.toml")
_STORIES: Final = str(Path(__file__).parent / "verification")
_MADE_BY_HAND: Final = frozenset({"shows", "opened", "script", "glances"})
"""Fixtures by which a test puts what it wants in the place of what the product would say."""
_state = {"forges": False}


def is_counted() -> bool:
    """Whether what the product answers now is its own word, in a run that counts."""
    return VARIABLE in os.environ and not _state["forges"]


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Whether what the product says in this test rests on rows or pages that nobody but the test
    made.
    """
    is_made = not _MADE_BY_HAND.isdisjoint(getattr(item, "fixturenames", ()))
    _state["forges"] = is_made or item.get_closest_marker("forges") is not None


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_teardown(item: pytest.Item) -> None:
    """The cases that a story played are asked for once, as their lenders would: by requests."""
    if (
        is_counted()
        and item.get_closest_marker("django_db")
        and str(item.path).startswith(_STORIES)
    ):
        with suppress(Exception):  # it may leave a broken transaction or a clock of its own
            import_string("tests.noting.ask")(is_long=item.get_closest_marker("long") is not None)


def write(word: str, names: Collection[str]) -> None:
    """Keeps what this process knows or saw, a line each time."""
    if (folder := os.environ.get(VARIABLE)) and names:
        line = json.dumps({word: [*names]}) + "\n"
        place = os.open(
            Path(folder) / f"{os.getpid()}.codes", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666
        )
        try:
            os.write(place, line.encode())
        finally:
            os.close(place)


def judge(folder: Path) -> list[str]:
    """What is wrong with all that the processes of a whole run wrote into this folder; nothing if
    it is good.
    """
    said = [
        json.loads(line)
        for path in sorted(folder.glob("*.codes"))
        for line in path.read_text().splitlines()
    ]
    known, seen = (
        {name for one in said for name in one.get(word, ())} for word in ("known", "seen")
    )
    owed: Mapping[str, str] = tomllib.loads(OWED.read_text(encoding="utf-8")).get("owed", {})
    return list(faults(known, seen=seen, owed=owed))


def faults(
    known: Collection[str], *, seen: Collection[str], owed: Mapping[str, str]
) -> Iterator[str]:
    """A sentence for every code that nobody was answered and nobody owes, and each debt of no code,
    reason or use.
    """
    if not known:
        yield "no process said which codes there are"
        return
    for name in sorted({*known} - {*seen} - owed.keys()):
        yield (
            f"{name}: no test was answered this code; write one that is, or take it out of its"
            " table"
        )
    for name, why in sorted(owed.items()):
        if name not in known:
            yield f"{name}: it is owed, and there is no such code"
        elif not why.strip():
            yield f"{name}: it is owed without a reason"
        elif name in seen:
            yield (
                f"{name}: it is owed, and a test was answered it; strike it out, or mark what was"
                " made by hand"
            )
