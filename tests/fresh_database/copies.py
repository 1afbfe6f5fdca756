"""Make the migrated database once, and copy it as often as needed."""

import fcntl
import os
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from hashlib import sha256
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import psycopg
from django.conf import settings
from django.db import connection, connections
from psycopg import sql

from tests.fresh_database import emptying

_ROOT = Path(__file__).resolve().parent.parent.parent
Kept = Path | emptying.Migrated

_COMMANDS = """
import django
from config import env
from django.core.management import call_command
env.act_as_owner()
django.setup()
for command in ("migrate", "grant_process_roles"):
    call_command(command, verbosity=0, skip_checks=True)
"""

_EMPTIED_MOST = 100  # times, then the dead rows of a PostgreSQL database are left with it

_as_put: tuple[str, int] | None = None
_migrated: emptying.Migrated | None = None
_emptied = 0


def make() -> None:
    """Migrate a template as the owner, once for all processes of a run, and copy it. The test's
    role takes no part.
    """
    connections.close_all()
    # A thread of the live server lives as long as its client; it would take its connection into the
    # next test.
    connections.settings["default"]["CONN_MAX_AGE"] = 0
    folder = Path(_run_folder() or os.environ["TULGA_VAR_DIR"])
    with (folder / f"{connection.vendor}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        made = folder / f"{connection.vendor}.made"
        if not made.exists():
            _make_template()
            made.touch()
    renew()


def _make_template() -> None:
    if connection.vendor == "postgresql":
        _recreate(_template(), like="template1")
    _migrate()
    if connection.vendor == "sqlite":
        with closing(sqlite3.connect(_sqlite_template())) as template:
            template.execute("PRAGMA wal_checkpoint(TRUNCATE)")  # the file alone is the database


def renew() -> None:
    """Put back the migrated database. Connections of other processes to the old one break: it is
    gone.
    """
    connections.close_all()
    if connection.vendor == "postgresql":
        _renew_postgresql()
        return
    _restore_sqlite(_sqlite_template())


def sqlite_file() -> Path:
    """The file that the configured name stands for at this moment."""
    return _sqlite_name().resolve()


def keep(place: Path) -> Kept:
    """The database as it is at this moment, for `put`: a file at this place, or rows in memory."""
    if connection.vendor == "postgresql":
        return emptying.remember(_owners_address())
    with closing(sqlite3.connect(_sqlite_name())) as database:
        database.execute("VACUUM INTO ?", (str(place),))
    return place


def put(kept: Kept) -> bool:
    """Make what was kept the database until the test's end; False where rows may not be put back,
    see `emptying`.
    """
    global _as_put
    connections.close_all()
    if isinstance(kept, Path):
        _restore_sqlite(kept)
        _as_put = None
        return True
    return emptying.empty(_owners_address(), kept)


def is_untouched() -> bool:
    """Whether it is as migrated, nothing written since; on a file, neither to it nor to the log
    beside.
    """
    if connection.vendor == "postgresql":
        return _migrated is not None and emptying.is_as(_owners_address(), _migrated)
    log = Path(f"{sqlite_file()}-wal")
    return _as_put == _stamp(sqlite_file()) and (not log.exists() or not log.stat().st_size)


def digest() -> str:
    """A hash of all rows: where it is the same, so are they."""
    if connection.vendor == "postgresql":
        return emptying.digest(_owners_address())
    hashed = sha256()
    with closing(sqlite3.connect(_sqlite_name())) as database:
        for (table,) in database.execute(
            "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name"
        ):
            hashed.update(repr((table, *database.execute(f'SELECT * FROM "{table}"'))).encode())  # noqa: S608
    return hashed.hexdigest()


def put_sqlite(content: Path) -> Path:
    """Make a copy of this file the database until the test's end; gives the copy, which is not open
    yet.
    """
    connections.close_all()
    _restore_sqlite(content)
    return sqlite_file()


def drop() -> None:
    """Remove what this process made on a server; a template of the whole run ends with the
    server.
    """
    connections.close_all()
    emptying.leave()
    if connection.vendor == "postgresql":
        for name in (_name(), *(() if _run_folder() else (_template(),))):
            _as_owner(
                sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
            )


def _migrate() -> None:
    """Run the owner's commands of the product, in a process of their own, on the template."""
    environment = dict(os.environ, DJANGO_SETTINGS_MODULE="config.settings")
    if connection.vendor == "postgresql":
        for variable in ("DATABASE_URL", "MIGRATION_DATABASE_URL"):
            environment[variable] = _renamed(os.environ[variable], _template())
    else:
        environment["DATABASE_URL"] = f"sqlite:///{_sqlite_template()}"
    call = [sys.executable, "-c", _COMMANDS]
    done = subprocess.run(
        call, env=environment, cwd=_ROOT, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(f"the template was not made:\n{done.stderr}")


def _renew_postgresql() -> None:
    global _migrated, _emptied
    address = _owners_address()
    if _migrated is not None and _emptied < _EMPTIED_MOST and emptying.empty(address, _migrated):
        _emptied += 1
        return
    _recreate(_name(), like=_template())
    _migrated, _emptied = emptying.remember(address), 0


def _restore_sqlite(content: Path) -> None:
    """A fresh file under the old name, which is a link to it. No lock is asked for, and no file in
    use is touched.

    A process that still has the file of the test before keeps that one, its `-wal` and its
    locks, and meets no other process there. To write over it would wait for its writer without end;
    to copy it or to remove its `-wal` would take the locks and the log from under every connection
    to it: <https://www.sqlite.org/howtocorrupt.html>, 2.2 and 4.
    """
    name, used = _sqlite_name(), sqlite_file()
    fresh = name.with_name(f"{name.name}.{uuid4().hex}")
    global _as_put
    shutil.copyfile(content, fresh)
    _as_put = _stamp(fresh)
    _forget_sqlite(used)
    link = name.with_name(f"{name.name}.link")
    link.symlink_to(fresh)
    link.replace(name)


def _stamp(database: Path) -> tuple[str, int]:
    return database.name, database.stat().st_mtime_ns


def _forget_sqlite(database: Path) -> None:
    for suffix in ("", "-wal", "-shm"):
        Path(f"{database}{suffix}").unlink(missing_ok=True)


def _sqlite_name() -> Path:
    return Path(settings.DATABASES["default"]["NAME"])


def _run_folder() -> str:
    """Where the processes of one run share what they made; empty for one that runs alone."""
    return os.environ.get("TULGA_TEST_RUN_DIR", "")


def _sqlite_template() -> Path:
    return Path(_run_folder() or os.environ["TULGA_VAR_DIR"]) / "template.sqlite3"


def _recreate(name: str, *, like: str) -> None:
    database, template = sql.Identifier(name), sql.Identifier(like)
    emptying.leave()
    _as_owner(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(database))
    _as_owner(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(database, template))


def _owners_address() -> str:
    return _renamed(os.environ["MIGRATION_DATABASE_URL"], _name())


def _as_owner(statement: sql.Composed) -> None:
    # From `postgres`, for a database cannot be dropped or copied from within itself.
    address = _renamed(os.environ["MIGRATION_DATABASE_URL"], "postgres")
    with psycopg.connect(address, autocommit=True) as owner:
        owner.execute(statement)


def _renamed(address: str, name: str) -> str:
    return urlunsplit(urlsplit(address)._replace(path=f"/{name}"))


def _name() -> str:
    return str(settings.DATABASES["default"]["NAME"])


def _template() -> str:
    return "tulga_test_template" if _run_folder() else f"{_name()}_template"
