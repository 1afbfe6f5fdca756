"""Each test that commits begins with the database as the migrations left it."""

import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from threading import Thread

import psycopg
import pytest
import urllib3
from django.conf import settings
from django.db import connection, connections
from pytest_django.live_server_helper import LiveServer

from lenders.models import Lender
from tests import registered
from tests.fresh_database import copies, emptying
from tests.verification.stories.story import begin, lender
from verification.log import sequencer
from verification.models import AuditEntry, AuditLeaf

pytestmark = pytest.mark.django_db(transaction=True)


# What a test leaves open, or locked, never reaches the database of the next one.


SECONDS = 20.0
# A worker: a process of its own that finds the database by its name, writes, and is the last to
# leave or not.
WORKER = """import sqlite3, sys
database = sqlite3.connect(sys.argv[1], timeout=5)
database.execute("INSERT INTO note VALUES ('worker')")
database.commit()
print(*(said for (said,) in database.execute("SELECT said FROM note ORDER BY said")))
database.close()"""


@pytest.fixture
def _only_files() -> None:
    if connection.vendor != "sqlite":
        pytest.skip("a server drops a database in spite of connections")


@contextmanager
def left_open(*statements: str) -> Iterator[sqlite3.Connection]:
    """Somebody's connection to the database of this moment, after these statements."""
    with closing(sqlite3.connect(name(), isolation_level=None, timeout=1)) as left:
        left.execute("PRAGMA journal_mode=WAL")
        for statement in statements:
            left.execute(statement)
        yield left


def name() -> str:
    return str(settings.DATABASES["default"]["NAME"])


def renewed() -> None:
    """Renews within seconds, or fails: a wait without an end would be the end of the whole run."""
    waiting = Thread(target=copies.renew, daemon=True)
    waiting.start()
    waiting.join(SECONDS)
    assert not waiting.is_alive(), f"a fresh database was not there after {SECONDS:.0f} s"
    connections.close_all()


def note(said: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE IF NOT EXISTS note (said TEXT)")
        cursor.execute("INSERT INTO note VALUES (%s)", [said])


def notes() -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT said FROM note ORDER BY said")
        return [said for (said,) in cursor.fetchall()]


def said_by_a_worker() -> str:
    done = subprocess.run(
        [sys.executable, "-c", WORKER, name()],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.stdout.strip() or done.stderr


def assert_shared_and_whole() -> None:
    """This process and another one write to the same database, in turns, and SQLite finds nothing
    wrong with it.
    """
    note("page")
    assert said_by_a_worker() == "page worker"
    note("page")
    assert notes() == ["page", "page", "worker"]
    assert said_by_a_worker() == "page page worker worker"
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA integrity_check")
        assert cursor.fetchall() == [("ok",)]


def assert_nothing_was_taken_away() -> None:
    """A process that left after `assert_shared_and_whole` removed no file by its name."""
    note("page")
    assert said_by_a_worker().count("page") == 3


@pytest.mark.usefixtures("_only_files")
@pytest.mark.embedded
@pytest.mark.parametrize(
    "held", [(), ("BEGIN",), ("BEGIN IMMEDIATE",), ("BEGIN EXCLUSIVE",)], ids=str
)
def test_a_database_is_renewed_below_a_process_that_still_holds_it(held: tuple[str, ...]) -> None:
    registered.lender(name="of this test", bin="120340000125", phone="+77270000044")
    with left_open(*held, "SELECT count(*) FROM lenders_lender") as left:
        renewed()
        assert not Lender.objects.exists()
        assert_shared_and_whole()
        assert left.execute("SELECT count(*) FROM lenders_lender").fetchone() == (1,)
    assert_nothing_was_taken_away()


@pytest.mark.usefixtures("_only_files")
@pytest.mark.embedded
def test_another_file_is_put_below_a_process_that_still_holds_the_database(tmp_path: Path) -> None:
    whole = tmp_path / "whole.sqlite3"
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connections.close_all()
    whole.write_bytes(copies.sqlite_file().read_bytes())
    with left_open("DELETE FROM django_session", "SELECT count(*) FROM lenders_lender"):
        copies.put_sqlite(whole)
        assert_shared_and_whole()
    assert_nothing_was_taken_away()


@pytest.mark.usefixtures("_only_files")
def test_a_thread_of_the_live_server_keeps_no_connection_between_requests(
    live_server: LiveServer,
) -> None:
    address = f"{live_server.url}/v1/events"
    with urllib3.PoolManager(headers={"Authorization": f"Bearer tlg_test_{'x' * 43}"}) as client:
        assert client.request("GET", address, timeout=SECONDS, retries=False).status == 401
        connections.close_all()
        deadline = time.monotonic() + SECONDS
        while held := open_files():  # the thread hangs up just after its answer
            assert time.monotonic() < deadline, held
            time.sleep(0.01)


def open_files() -> list[str]:
    """The database's files that this process has open."""
    links = (Path("/proc/self/fd") / number for number in os.listdir("/proc/self/fd"))
    return [
        target for link in links if (target := _target(link)).startswith(str(copies.sqlite_file()))
    ]


def _target(link: Path) -> str:
    try:
        return str(link.readlink())
    except FileNotFoundError:  # closed since it was listed
        return ""


# Rows are put back on PostgreSQL as they were, without rights of another role, and a change of
# anything else is noticed.


@pytest.fixture
def _only_a_server() -> None:
    if connection.vendor != "postgresql":
        pytest.skip("a database that is a file is put back whole")


def as_owner(statement: str) -> None:
    with psycopg.connect(os.environ["MIGRATION_DATABASE_URL"]) as owner:
        owner.execute(statement)


def put_back() -> emptying.Migrated:
    """What the database was, after it was put back."""
    before = emptying.remember(os.environ["MIGRATION_DATABASE_URL"])
    begin(lender())
    sequencer.order("test")
    assert AuditLeaf.objects.exists()
    copies.renew()
    return before


@pytest.mark.usefixtures("_only_a_server")
def test_rows_that_no_role_may_delete_are_gone_and_numbers_begin_anew() -> None:
    before = put_back()
    assert not AuditEntry.objects.exists()
    after = emptying.remember(os.environ["MIGRATION_DATABASE_URL"])
    assert (after.rows, after.sequences) == (before.rows, before.sequences)


@pytest.mark.usefixtures("_only_a_server")
def test_a_second_client_is_sent_away_with_its_lock() -> None:
    lender()
    with psycopg.connect(os.environ["DATABASE_URL"]) as left:
        left.execute("SELECT * FROM lenders_lender FOR UPDATE")
        copies.renew()
        with pytest.raises(psycopg.OperationalError):
            left.execute("SELECT 1")
    assert not Lender.objects.exists()


@pytest.mark.usefixtures("_only_a_server")
def test_rows_of_the_migrations_that_were_changed_are_as_they_were() -> None:
    before = emptying.remember(os.environ["MIGRATION_DATABASE_URL"])
    as_owner("DELETE FROM django_migrations WHERE app = 'lenders'")
    copies.renew()
    assert emptying.remember(os.environ["MIGRATION_DATABASE_URL"]).rows == before.rows


@pytest.mark.usefixtures("_only_a_server")
@pytest.mark.parametrize(
    "statement",
    [
        "ALTER TABLE lenders_lender ADD COLUMN more integer",
        "CREATE TABLE more ()",
        "REVOKE SELECT ON lenders_lender FROM tulga_app",
        "ALTER TABLE verification_auditentry DISABLE TRIGGER USER",
    ],
)
def test_with_another_catalogue_there_is_a_new_copy(statement: str) -> None:
    before = emptying.remember(os.environ["MIGRATION_DATABASE_URL"])
    as_owner(statement)
    assert not emptying.empty(os.environ["MIGRATION_DATABASE_URL"], before)
    copies.renew()
    assert emptying.remember(os.environ["MIGRATION_DATABASE_URL"]) == before
