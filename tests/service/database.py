"""The deployment's own database: made by the owner as an operator would, read by the tests from
outside.
"""

import os
import sqlite3
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg
from psycopg import sql

from tests.servers import PROCESS_ROLES

_VARIABLES = ("DATABASE_URL", "MIGRATION_DATABASE_URL")


def is_postgresql() -> bool:
    """Whether this leg runs on PostgreSQL."""
    return os.environ.get("DATABASE_URL", "").startswith("postgres")


def environment() -> dict[str, str]:
    """What points processes to it. On SQLite nothing has to: it is a file in the run-time
    folder.
    """
    if not is_postgresql():
        return {}
    return {variable: _renamed(os.environ[variable], _name()) for variable in _VARIABLES}


def as_process(process: str) -> dict[str, str]:
    """What points a process to it under its own role."""
    if not is_postgresql():
        return {}
    parts = urlsplit(environment()["DATABASE_URL"])
    place = f"{PROCESS_ROLES[process]}@{parts.netloc.rpartition('@')[2]}"
    return {"DATABASE_URL": urlunsplit(parts._replace(netloc=place))}


def roles() -> dict[str, str]:
    """The setting by which every process has a role."""
    pairs = (f"{process}={role}" for process, role in PROCESS_ROLES.items())
    return {"TULGA_PROCESS_ROLES": ",".join(pairs) if is_postgresql() else ""}


def make() -> None:
    """An empty one, and none left over from a session that was killed. SQLite makes its file by
    itself.
    """
    drop()
    if is_postgresql():
        _as_owner("CREATE DATABASE {}")


def drop() -> None:
    """Removes it and ends its connections."""
    if is_postgresql():
        _as_owner("DROP DATABASE IF EXISTS {} WITH (FORCE)")


def rows(folder: Path, statement: str, *values: object) -> list[tuple[Any, ...]]:
    """What a SELECT gives; `%s` stands for a value. `folder`: the run-time folder."""
    if is_postgresql():
        with psycopg.connect(environment()["DATABASE_URL"]) as application:
            return application.execute(statement.encode(), values).fetchall()
    reader = sqlite3.connect(folder / "tulga.sqlite3", timeout=30)
    try:
        return reader.execute(statement.replace("%s", "?"), values).fetchall()
    finally:
        reader.close()


def write(folder: Path, statement: str, *values: object) -> None:
    """One statement that changes rows, kept at once; placeholders as for `rows`."""
    if is_postgresql():
        with psycopg.connect(environment()["DATABASE_URL"], autocommit=True) as application:
            application.execute(statement.encode(), values)
        return
    writer = sqlite3.connect(folder / "tulga.sqlite3", timeout=30, isolation_level=None)
    try:
        writer.execute(statement.replace("%s", "?"), values)
    finally:
        writer.close()


def _as_owner(statement: str) -> None:
    # From `postgres`, for a database cannot be dropped from within itself.
    address = _renamed(os.environ["MIGRATION_DATABASE_URL"], "postgres")
    with psycopg.connect(address, autocommit=True) as owner:
        owner.execute(sql.SQL(statement).format(sql.Identifier(_name())))


def _name() -> str:
    return urlsplit(os.environ["DATABASE_URL"]).path.lstrip("/") + "_service"


def _renamed(address: str, name: str) -> str:
    return urlunsplit(urlsplit(address)._replace(path=f"/{name}"))
