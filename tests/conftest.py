"""What every test may ask for."""

import json
import shutil
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import hypothesis
import pytest
from django.conf import settings
from pytest_django import DjangoDbBlocker

from tests import jobs, legs
from tests.fresh_database import copies
from verification import clock
from verification.core import profiles

pytest_plugins = [
    "tests.proofs",
    "tests.insecure_sandbox_process",
    "tests.seen_once",
    "tests.census",
    "tests.said_by_the_log",
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

_SHARED_DATA = Path(__file__).resolve().parent.parent.parent / "shared" / "data"
_ROWS_FIXTURES = {"db", "transactional_db", "django_db_reset_sequences", "live_server"}


def pytest_addoption(parser: pytest.Parser) -> None:
    """The switches by which a leg of a server and the one on a file share the tests that touch
    rows.
    """
    parser.addoption(
        "--rows-only", action="store_true", help="only tests that touch rows, a broker or processes"
    )
    parser.addoption(
        "--long-rows-elsewhere",
        action="store_true",
        help="without the long tests that a server runs",
    )


@pytest.hookimpl(tryfirst=True)  # before marks are selected by
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark what was measured as long. With `--rows-only` a test that no server can change is left
    out: it would only repeat the leg on a file. With `--long-rows-elsewhere` what is long and
    touches rows is left to that server.
    """
    long = {
        f"{file}::{test}"
        for file, tests in json.loads(jobs.LONG.read_text()).items()
        for test in tests
    }
    for item in items:
        if item.nodeid.partition("[")[0] in long:
            item.add_marker("long")
    for option, is_kept in (
        ("--rows-only", _needs_servers),
        ("--long-rows-elsewhere", _stays_on_a_file),
    ):
        if config.getoption(option):
            kept = [item for item in items if is_kept(item)]
            config.hook.pytest_deselected(items=list(set(items) - set(kept)))
            items[:] = kept


def _needs_servers(item: pytest.Item) -> bool:
    if item.get_closest_marker("django_db") or item.get_closest_marker("service"):
        return True
    return not _ROWS_FIXTURES.isdisjoint(getattr(item, "fixturenames", ()))


def _stays_on_a_file(item: pytest.Item) -> bool:
    """Short, a proof, no matter of rows, of each database what it is, or not run on PostgreSQL at
    all.
    """
    if (
        not item.get_closest_marker("long")
        or not _needs_servers(item)
        or item.get_closest_marker("proof")
    ):
        return True
    return item.get_closest_marker("each_database") is not None or legs.is_left_out(
        item.nodeid, place="redis"
    )


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
    """Evidence, the log's head, the hour and the law of one test are no other's. Most leave none,
    which costs nothing.

    The law is read from the rows only where a test asks for it (`tests/verification/law_files.py`):
    a look in the middle of a test would be among the statements it counts.
    """
    profiles.read_amendments_by(None)
    yield
    profiles.hold_amendments(profiles.NO_AMENDMENTS)
    clock._state.offset = timedelta(0)
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
