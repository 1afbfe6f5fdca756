"""Make the migrated database once, and copy it as often as needed."""

import os
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing, suppress
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
from django.conf import settings
from django.db import connection, connections
from psycopg import sql

_ROOT = Path(__file__).resolve().parent.parent.parent


def make() -> None:
    """Migrate a template as the owner, then copy it. The test's own role takes no part in it."""
    connections.close_all()
    if connection.vendor == "postgresql":
        _recreate(_template(), like="template1")
    else:
        _forget_sqlite(Path(settings.DATABASES["default"]["NAME"]))
    for command in ("migrate", "grant_application_role"):
        _manage(command)
    if connection.vendor == "sqlite":
        _checkpointed_copy()
    renew()


def renew() -> None:
    """Put back the migrated database. Connections of other processes to the old one break: it is gone."""
    connections.close_all()
    if connection.vendor == "postgresql":
        _recreate(_name(), like=_template())
        return
    _restore_sqlite(Path(settings.DATABASES["default"]["NAME"]))


def drop() -> None:
    """Remove both databases."""
    connections.close_all()
    if connection.vendor == "postgresql":
        for name in (_name(), _template()):
            _as_owner(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


def _manage(command: str) -> None:
    """Run a command of the product, in a process of its own, on the template."""
    environment = dict(os.environ, DJANGO_SETTINGS_MODULE="config.settings")
    if connection.vendor == "postgresql":
        for variable in ("DATABASE_URL", "MIGRATION_DATABASE_URL"):
            environment[variable] = _renamed(os.environ[variable], _template())
    call = [sys.executable, str(_ROOT / "manage.py"), command, "--verbosity=0", "--skip-checks"]
    done = subprocess.run(call, env=environment, cwd=_ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"manage.py {command} failed:\n{done.stderr}")


def _checkpointed_copy() -> None:
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connections.close_all()
    shutil.copyfile(settings.DATABASES["default"]["NAME"], _sqlite_template())


def _restore_sqlite(database: Path) -> None:
    """Write the template over the file, so that a connection some thread still holds sees it too."""
    with (
        closing(sqlite3.connect(_sqlite_template())) as template,
        closing(sqlite3.connect(database)) as target,
        suppress(sqlite3.OperationalError),  # somebody died or sleeps inside a transaction
    ):
        target.execute("PRAGMA busy_timeout=2000")
        target.execute("PRAGMA synchronous=OFF")
        template.backup(target)
        return
    _forget_sqlite(database)
    shutil.copyfile(_sqlite_template(), database)


def _forget_sqlite(database: Path) -> None:
    for suffix in ("", "-wal", "-shm"):
        Path(f"{database}{suffix}").unlink(missing_ok=True)


def _sqlite_template() -> Path:
    return Path(f"{settings.DATABASES['default']['NAME']}.template")


def _recreate(name: str, *, like: str) -> None:
    database, template = sql.Identifier(name), sql.Identifier(like)
    _as_owner(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(database))
    _as_owner(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(database, template))


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
    return f"{_name()}_template"
