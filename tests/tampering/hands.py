"""Whose hands change rows: the application's role, the tables' owner, and an attacker with the disk
too, but no key.
"""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from django.db import Error, connection, transaction

Statement = tuple[str, Sequence[Any]]

APPEND_ONLY = (
    "verification_auditentry",
    "verification_auditleaf",
    "verification_auditcheckpoint",
    "verification_receipt",
    "verification_reviewvote",
)
"""Into these the application's role may insert, and that is all: see `grant_process_roles`."""
READ_ONLY = ("django_migrations",)


class Hand(StrEnum):
    """Who changes something."""

    APPLICATION = "application"
    OWNER = "owner"
    DISK = "disk"


@dataclass(frozen=True)
class Change:
    """One thing that is done behind the log's back. `word`: what was done; `old` and `new`: of one
    column.
    """

    hand: Hand
    table: str
    column: str
    word: str
    statements: tuple[Statement, ...]
    row: tuple[tuple[str, Any], ...] = ()
    new: Any = None

    def __str__(self) -> str:
        return (
            f"{self.hand}: {self.word} {self.table}.{self.column} {dict(self.row).get('id', '')} →"
            f" {self.new!r:.60}"
        )


class Refused(Exception):
    """The database itself took no such change."""


@contextmanager
def taken_back() -> Iterator[None]:
    """What is done within is taken back at its end. On SQLite no foreign key and no check holds it
    up.
    """
    is_file = connection.vendor == "sqlite"
    with connection.cursor() as cursor:
        if is_file:
            cursor.execute("PRAGMA foreign_keys = OFF")
            cursor.execute("PRAGMA ignore_check_constraints = ON")
    try:
        around: Any = transaction.atomic()
        around._from_testcase = True  # the sequencer's own transaction may be a part of it
        with around:
            yield
            transaction.set_rollback(True)
    finally:
        if is_file:
            with connection.cursor() as cursor:
                cursor.execute("PRAGMA foreign_keys = ON")
                cursor.execute("PRAGMA ignore_check_constraints = OFF")


def do(change: Change) -> None:
    """Does it. Raises `Refused` where the database, or the rights of these hands, do not allow
    it.
    """
    if change.hand is not Hand.APPLICATION:
        disarm()
    try:
        with connection.cursor() as cursor:
            for statement, values in change.statements:
                cursor.execute(statement, list(values))
    except Error as error:
        raise Refused(type(error).__name__) from error


def disarm() -> None:
    """What only the owner can do: no trigger is left."""
    assert connection.vendor == "sqlite", os.environ.get("DATABASE_URL", "")
    with connection.cursor() as cursor:
        cursor.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")
        for (name,) in cursor.fetchall():
            cursor.execute(f"DROP TRIGGER {name}")


def may(hand: Hand, verb: str, table: str) -> bool:
    """Whether these hands have the right to it: on SQLite, which knows no roles, as PostgreSQL
    grants it.
    """
    if hand is not Hand.APPLICATION:
        return True
    return table not in READ_ONLY and (verb == "insert" or table not in APPEND_ONLY)
