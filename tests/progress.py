"""Tells the runner how far this process of pytest is: JSON lines in the file that
TULGA_TEST_PROGRESS names.

First how many tests there are, then for each one its name when it starts, and when it is over its
outcome, its seconds and those of a core that it took.
"""

import gc
import json
import os
from functools import cache
from pathlib import Path
from typing import Any, BinaryIO

import pytest

_reports = pytest.StashKey[dict[str, dict[str, Any]]]()
_began = pytest.StashKey[float]()


def pytest_configure(config: pytest.Config) -> None:
    """Begin with no test under way. Nothing of what is collected is garbage: to look for some is
    lost time.
    """
    config.stash[_reports] = {}
    gc.disable()


def pytest_collection_finish(session: pytest.Session) -> None:
    """So many are to come. What is loaded by now stays: the collector of garbage need not look
    through it again.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000)
    gc.enable()
    _tell(total=len(session.items))


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Any:
    """This one is under way."""
    item.stash[_began] = _core_seconds()
    _tell(started=item.nodeid)
    return (yield)


def pytest_sessionfinish() -> None:
    """Look once for what was left behind; pytest looks ten times more, and need not look through
    all of it again.
    """
    gc.collect()
    gc.freeze()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Any:
    """Gather the phases of a test; when the last is over, tell."""
    report = yield
    known = item.config.stash[_reports].setdefault(
        item.nodeid, {"outcome": "passed", "seconds": 0.0}
    )
    known["seconds"] += report.duration
    if report.failed or (report.skipped and known["outcome"] == "passed"):
        known["outcome"] = report.outcome
    if report.when == "teardown":
        ended = item.config.stash[_reports].pop(item.nodeid)
        core = _core_seconds() - item.stash[_began]
        _tell(
            test=item.nodeid,
            outcome=ended["outcome"],
            seconds=round(ended["seconds"], 3),
            core=round(core, 3),
        )
    return report


def _core_seconds() -> float:
    """What this process and its ended children have had of a core."""
    spent = os.times()
    return spent.user + spent.system + spent.children_user + spent.children_system


def _tell(**said: Any) -> None:
    if file := _file():
        file.write(json.dumps(said).encode() + b"\n")


@cache
def _file() -> BinaryIO | None:
    """Unbuffered, so that every line is there when it is told."""
    path = os.environ.get("TULGA_TEST_PROGRESS")
    return Path(path).open("ab", buffering=0) if path else None
