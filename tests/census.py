"""Which codes really leave the product: noted from answers to requests as tests run, and judged
after a whole run.

A code counts once an answer brings it: of the API, of a borrower's page, of the regulator's and the
desk's. What a function gives does not count, nor what follows from rows or pages that a test made
by hand. With `--codes` a run fails by a code of the tables that no answer brought, unless
tests/codes_owed.toml owes it with a reason. `tests/noting.py` reads the answers.
"""

import os
import tomllib
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import pytest
from django.utils.module_loading import import_string

from tests.environment import CODES_VARIABLE

OWED: Final = Path(__file__).with_name("codes_owed.toml")
_STORIES: Final = str(Path(__file__).parent / "verification")
_MADE_BY_HAND: Final = frozenset({"shows", "opened", "script", "glances"})
"""Fixtures by which a test puts what it wants in the place of what the product would say."""
_OUTPUT: Final = "codes"
_state = {"forges": False}
known: Final[set[str]] = set()
"""Codes of the product's tables, as this process and its workers know them."""
seen: Final[set[str]] = set()
"""Codes that an answer brought to this process or to its workers."""


def is_counted() -> bool:
    """Whether what the product answers now is its own word, in a run that counts."""
    return CODES_VARIABLE in os.environ and not _state["forges"]


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Whether what the product says in this test rests on rows or pages that the test made."""
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
            import_string("tests.noting.ask")()


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Join what a worker of pytest-xdist saw."""
    told = getattr(node, "workeroutput", {}).get(_OUTPUT, {})
    known.update(told.get("known", ()))
    seen.update(told.get("seen", ()))


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Hand on what a worker saw; judge it in the process that was called."""
    if CODES_VARIABLE not in os.environ:
        return
    output = getattr(session.config, "workeroutput", None)
    if output is not None:
        output[_OUTPUT] = {"known": sorted(known), "seen": sorted(seen)}
    elif wrong := judge():
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
        print("", *(f"NOT GOOD: {sentence}" for sentence in wrong), sep="\n", flush=True)


def judge() -> list[str]:
    """What is wrong with all that was seen; nothing if it is good."""
    owed: Mapping[str, str] = tomllib.loads(OWED.read_text(encoding="utf-8")).get("owed", {})
    return list(faults(known, seen=seen, owed=owed))


def faults(
    known: Collection[str], *, seen: Collection[str], owed: Mapping[str, str]
) -> Iterator[str]:
    """A sentence for every code that no answer brought and no debt names, and for each debt without
    code, reason or use.
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
