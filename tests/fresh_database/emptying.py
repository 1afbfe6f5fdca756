"""Puts the rows of a PostgreSQL database back, as the migrations or a scene left them, where only
rows had changed.

A new copy is dearer: to drop a database the server writes out what every database has changed, and
waits for every client. Dead rows stay behind, so a copy is still due now and then.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256

import psycopg
from psycopg import sql

_CATALOGUE = " UNION ALL ".join(
    f"SELECT '{name}', count(*), max(xmin::text::bigint) FROM {name}"  # noqa: S608
    for name in (
        "pg_class",
        "pg_attribute",
        "pg_constraint",
        "pg_trigger",
        "pg_proc",
        "pg_policy",
        "pg_namespace",
    )
)
_TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY tablename"
_SEQUENCES = (
    "SELECT sequencename, start_value, last_value FROM pg_sequences WHERE schemaname = 'public'"
    " ORDER BY 1"
)
_OTHERS = "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"  # noqa: E501

_owners: dict[str, psycopg.Connection] = {}


@dataclass(frozen=True, kw_only=True)
class Migrated:
    """A database as it was: its catalogue, the rows of each table, and how far its sequences
    are.
    """

    catalogue: list[tuple[object, ...]]
    rows: dict[str, bytes]
    sequences: list[tuple[object, ...]]


def remember(address: str) -> Migrated:
    """What `empty` puts back."""
    with _owner(address) as owner:
        tables = [str(name) for (name,) in owner.execute(_TABLES)]
        return Migrated(
            catalogue=owner.execute(_CATALOGUE).fetchall(),
            rows={table: _rows(owner, table) for table in tables},
            sequences=owner.execute(_SEQUENCES).fetchall(),
        )


def empty(address: str, migrated: Migrated) -> bool:
    """Put the rows back, without other clients; False where that is not enough, or may not be done
    by this role.
    """
    with _owner(address) as owner:
        try:
            # Neither triggers nor foreign keys have a say in it.
            owner.execute("SET LOCAL session_replication_role = replica")
        except psycopg.errors.InsufficientPrivilege:
            return False
        owner.execute(_OTHERS)
        if owner.execute(_CATALOGUE).fetchall() != migrated.catalogue:
            return False
        for table in _tables_with_rows(owner, migrated.rows) | {
            table for table, rows in migrated.rows.items() if rows
        }:
            kept = migrated.rows[table]
            if kept and kept == _rows(owner, table):
                continue
            owner.execute(sql.SQL("DELETE FROM {}").format(sql.Identifier(table)))
            if kept:
                with owner.cursor().copy(
                    sql.SQL("COPY {} FROM STDIN").format(sql.Identifier(table))
                ) as copy:
                    copy.write(kept)
        for now, before in zip(
            owner.execute(_SEQUENCES).fetchall(), migrated.sequences, strict=True
        ):
            if now != before:
                name, start, last = before
                owner.execute("SELECT setval(%s, %s, %s)", (name, last or start, last is not None))
    return True


def is_as(address: str, migrated: Migrated) -> bool:
    """Whether the tables that have rows are those that had some then."""
    with _owner(address) as owner:
        return _tables_with_rows(owner, migrated.rows) == {
            table for table, rows in migrated.rows.items() if rows
        }


def digest(address: str) -> str:
    """A hash of the rows of all tables that have some."""
    hashed = sha256()
    with _owner(address) as owner:
        tables = [str(name) for (name,) in owner.execute(_TABLES)]
        for table in sorted(_tables_with_rows(owner, tables)):
            hashed.update(table.encode() + b"\0" + _rows(owner, table) + b"\0")
    return hashed.hexdigest()


def leave() -> None:
    """Close what was kept: a database is about to be dropped, or the session ends."""
    while _owners:
        _owners.popitem()[1].close()


@contextmanager
def _owner(address: str) -> Iterator[psycopg.Connection]:
    """The owner in one transaction. The connection is kept: a new one, which has yet to read every
    table's definition, takes several times as long as all that is asked here.
    """
    try:
        owner = _owners[address]
        owner.execute("SELECT")
    except (KeyError, psycopg.OperationalError):  # none yet, or somebody sent it away
        owner = _owners[address] = psycopg.connect(address, autocommit=True)
    with owner.transaction():
        yield owner


def _tables_with_rows(owner: psycopg.Connection, tables: Iterable[str]) -> set[str]:
    asked = sql.SQL(" UNION ALL ").join(
        sql.SQL("SELECT {} WHERE EXISTS (SELECT FROM {})").format(
            sql.Literal(table), sql.Identifier(table)
        )
        for table in tables
    )
    return {str(name) for (name,) in owner.execute(asked)}


def _rows(owner: psycopg.Connection, table: str) -> bytes:
    with owner.cursor().copy(sql.SQL("COPY {} TO STDOUT").format(sql.Identifier(table))) as copy:
        return b"".join(bytes(part) for part in copy)
