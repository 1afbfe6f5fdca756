"""What every test may ask for."""

import gc
import logging
import shutil
import time
from collections.abc import Iterator
from copy import deepcopy
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import hypothesis
import pytest
from django.conf import settings
from pytest_django import DjangoDbBlocker
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

from config.log_lines import OncePerMinute
from tests.fresh_database import copies
from verification import clock
from verification.access import rates
from verification.core import profiles

pytest_plugins = [
    "tests.proofs",
    "tests.insecure_sandbox_process",
    "tests.seen_once",
    "tests.long_tests",
    "tests.census",
    "tests.said_by_the_log",
    "tests.approving",
]

# A machine that is busy is not a defect, and what failed once is told by the seed, not by a
# database beside the code.
hypothesis.settings.register_profile(
    "tulga", deadline=None, database=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("tulga")

# The database is on this machine, and a measurement in the middle of a test would be among the
# statements it counts.
clock.MEASURE_SECONDS = clock.LEAP_SECONDS = 10**9
# Nothing is counted from a reading either: a clock that is slewed leaves the monotonic one behind
# within a long run.
clock._state.measured_at, clock._state.read_at, clock._state.is_right = time.monotonic(), None, True

_ROOT = Path(__file__).resolve().parent.parent
_DEPLOYMENTS = {"tests/service"}  # folders whose tests share the processes of one
_IN_REAL_TIME = ("tests/browser/", "tests/service/test_lines.py", "tests/service/test_noise.py")
_SHARED_DATA = _ROOT.parent / "shared" / "data"


def pytest_configure() -> None:
    """Nothing of what is collected is garbage: to look for some is lost time."""
    gc.disable()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put what takes longest first, so that no core waits at the end."""
    slow = {scope_of(item.nodeid) for item in items if item.get_closest_marker("service")}

    def rank(item: pytest.Item) -> int:
        scope = scope_of(item.nodeid)
        return 0 if scope in _DEPLOYMENTS else 1 if scope in slow else 2

    items.sort(key=rank)


def pytest_collection_finish() -> None:
    """The collector of garbage need not look again through what is loaded by now."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000)
    gc.enable()


def pytest_sessionfinish() -> None:
    """Look once for what was left behind; pytest looks ten times more, at less."""
    gc.collect()
    gc.freeze()


class _ByDeployment(LoadScopeScheduling):  # type: ignore[misc]
    """Gives a worker one file at a time, or a folder whose tests share a deployment."""

    def _split_scope(self, nodeid: str) -> str:
        return scope_of(nodeid)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadScopeScheduling | None:
    """How pytest-xdist deals tests to its workers; `--dist=worksteal` asks for its own way."""
    return None if config.getoption("dist") == "worksteal" else _ByDeployment(config, log)


def scope_of(nodeid: str) -> str:
    """The file of a test, or its folder where one deployment serves the whole folder."""
    path = nodeid.partition("::")[0]
    folder = path.rpartition("/")[0]
    return folder if folder in _DEPLOYMENTS else path


@pytest.hookimpl(trylast=True)
def pytest_itemcollected(item: pytest.Item) -> None:
    """What is played in real time may fail on a busy machine, and is tried again then."""
    if item.nodeid.startswith(_IN_REAL_TIME):
        item.add_marker(pytest.mark.flaky(reruns=2, reruns_delay=2))


@pytest.fixture(scope="session")
def django_db_setup(django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """A database migrated by the owner and used by the application's role; in the embedded set-up
    one file.
    """
    with django_db_blocker.unblock():
        copies.make()
    yield
    with django_db_blocker.unblock():
        copies.drop()


@pytest.fixture(autouse=True)
def _own_folders_and_hour() -> Iterator[None]:
    """Evidence, the log's head, hour, rates, law and sources of one test are no other's. Most leave
    none, which costs nothing.

    The law is read from the rows only where a test asks for it (`tests/verification/law_files.py`):
    a look in the middle of a test would be among the statements it counts.
    """
    profiles.read_amendments_by(None)
    sources = settings.TULGA_SOURCES
    settings.TULGA_SOURCES = deepcopy(sources)  # tests change its dicts in place
    yield
    settings.TULGA_SOURCES = sources
    profiles.hold_amendments(profiles.NO_AMENDMENTS)
    clock._state.offset = timedelta(0)
    rates._windows.clear()
    for line_filter in (each for one in logging.getLogger().handlers for each in one.filters):
        if isinstance(line_filter, OncePerMinute):
            line_filter._passed.clear()
    for folder in (settings.TULGA_EVIDENCE_DIR, settings.TULGA_LOG_HEAD_DIR):
        if folder.exists():
            gone = folder.rename(folder.with_name(f"{folder.name}.{uuid4().hex}"))
            shutil.rmtree(gone, ignore_errors=True)  # somebody's last word may still arrive in it


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of other people's samples, beside the repository; skips where it is absent."""
    if not _SHARED_DATA.is_dir():
        pytest.skip("the shared samples are not here")
    return _SHARED_DATA
