"""The tests that `make check` leaves out: each takes too much of a core to run with every commit.
tests/long.json names them by file. `pytest --keep-long` over the whole suite writes it anew.
"""

import json
import os
from collections.abc import Generator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import pytest

LONG: Final = Path(__file__).with_name("long.json")
CORE_SECONDS: Final = 0.03
"""What a case of a test may take of a core, on the mean, and still run with every commit."""
CORE_SECONDS_OF_ALL: Final = 1.0
"""What all its cases may take together: a thousand of a hundredth are as long as one of ten."""
_NEVER_LONG: Final = ("tests/test_house_", "tests/test_import_rules", "tests/test_plain_words")
_PROPERTY: Final = "core_seconds"
_began = pytest.StashKey[float]()


def names() -> set[str]:
    """The tests that were measured as long, without their cases."""
    files = json.loads(LONG.read_text(encoding="utf-8"))
    return {f"{file}::{test}" for file, tests in files.items() for test in tests}


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the switch."""
    parser.addoption("--keep-long", action="store_true", help="write tests/long.json anew")


@pytest.hookimpl(tryfirst=True)  # before marks are selected by
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what was measured as long."""
    long = names()
    for item in items:
        if item.nodeid.partition("[")[0] in long:
            item.add_marker("long")


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, Any, Any]:
    """Note where the process's clock of the core stands."""
    item.stash[_began] = _core_seconds()
    return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, Any, Any]:
    """Say in the last report of a test what it took of a core."""
    report = yield
    if report.when == "teardown":
        report.user_properties.append((_PROPERTY, _core_seconds() - item.stash[_began]))
    return report


class _Keeper:
    """Gathers what every test took, of all workers."""

    def __init__(self) -> None:
        self.spent: dict[str, float] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        properties = dict(report.user_properties)
        if report.when == "teardown" and _PROPERTY in properties:
            self.spent[report.nodeid] = float(str(properties[_PROPERTY]))

    def pytest_sessionfinish(self) -> None:
        content = json.dumps(long_ones(self.spent), indent=0, sort_keys=True)
        LONG.write_text(content + "\n", encoding="utf-8")


def pytest_sessionstart(session: pytest.Session) -> None:
    """Gather only where it was asked for, and in the process that was called."""
    if session.config.getoption("--keep-long") and "PYTEST_XDIST_WORKER" not in os.environ:
        session.config.pluginmanager.register(_Keeper())


def long_ones(spent: Mapping[str, float]) -> Mapping[str, Sequence[str]]:
    """By file, the tests that take more of a core than those of every commit may.

    spent: core seconds by the name of each case.
    """
    cases: dict[str, list[float]] = {}
    for name, seconds in spent.items():
        cases.setdefault(name.partition("[")[0], []).append(seconds)
    files: dict[str, list[str]] = {}
    for name, cores in sorted(cases.items()):
        is_long = sum(cores) / len(cores) >= CORE_SECONDS or sum(cores) >= CORE_SECONDS_OF_ALL
        if is_long and not name.startswith(_NEVER_LONG):
            file, _, test = name.partition("::")
            files.setdefault(file, []).append(test)
    return files


def _core_seconds() -> float:
    """What this process and its ended children have had of a core."""
    spent = os.times()
    return spent.user + spent.system + spent.children_user + spent.children_system
