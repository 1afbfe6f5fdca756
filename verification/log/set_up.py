"""Statements of actors without a row: the sources that workers ask, and processes with their
settings.

Several processes may start at once. Under a lock of the log one after the other reads the last
statements, so none states a version twice.
"""

from collections.abc import Mapping
from typing import Any, Final

from django.conf import settings
from django.db import connection
from django.db.models import Q

from verification import transactions
from verification.core import events
from verification.course import actors as course
from verification.course.actors import ACTIVE, CLOSED, Actor
from verification.log import actors, keys, log, signatures
from verification.log.damaged import readable
from verification.models import AuditEntry

# First half of the PostgreSQL advisory lock's number: "SetU"; the second is the log's.
_LOCK_CLASS: Final = 0x53657455


def may_sign(process: str, name: str) -> bool:
    """Whether this process holds a key that signs for its kind in a log."""
    held: Mapping[str, Mapping[str, Any]] = settings.TULGA_SIGNING_KEYS
    kinds = (kind for kind, holder in events.PROCESSES.items() if holder == process)
    return any(held.get(kind, {}).get(name) for kind in kinds)


def state(
    name: str, process: Mapping[str, Any], sources: Mapping[str, Mapping[str, Any]] | None = None
) -> list[str]:
    """States a kind of process in a log, and the sources in use; returns the actors stated anew.

    Nothing is written if the last statements say the same.
    process: its name under `process`, settings, law and software.
    sources: by name, all that this log's mode uses; others end. None: of those nothing is known.

    Raises: `Misconfigured` without a key that signs it.
    """
    if not _differing(name, process, sources):
        return []
    with transactions.writing():
        _take(name)
        changes = _differing(name, process, sources)
        for actor_id, (entry_type, version, fields) in changes.items():
            body = {"actor": actor_id, "version": version, "by": "", **fields}
            log.append(log=name, type=entry_type, body=body)
    return list(changes)


def read(name: str) -> dict[str, Actor]:
    """The sources and processes by their valid statements in a log, by id; ordered or not."""
    rows = list(
        readable(
            AuditEntry.objects.filter(
                Q(type__in=events.SET_UP) | Q(type=events.REVOKED), log=name
            ).select_related("leaf")
        )
    )
    statements = [row for row in rows if row.type in events.SET_UP]
    return actors.fold(signatures.sound_by(statements, revoked=keys.revoked(rows)))


def _differing(
    name: str, process: Mapping[str, Any], sources: Mapping[str, Mapping[str, Any]] | None
) -> dict[str, tuple[str, int, dict[str, Any]]]:
    """The type, version and fields of each statement that is due, by actor."""
    stated = read(name)
    rows = {f"process_{process['process']}": (events.PROCESS, process)}
    if sources is not None:
        rows |= {
            f"src_{source}": (events.SOURCE, {**row, "status": ACTIVE})
            for source, row in sources.items()
        }
        rows |= {
            actor.id: (events.SOURCE, {**actor.fields, "status": CLOSED})
            for actor in stated.values()
            if actor.type == events.SOURCE and actor.id not in rows and actor.is_active
        }
    due = dict[str, tuple[str, int, dict[str, Any]]]()
    for actor_id, (entry_type, row) in rows.items():
        before, fields = stated.get(actor_id), course.stated(entry_type, row)
        if before is None or before.fields != fields:
            due[actor_id] = entry_type, 1 if before is None else before.version + 1, fields
    return due


def _take(name: str) -> None:
    """Waits until no other process states its set-up in this log.

    SQLite's transactions are exclusive already: each takes the database's write lock first.
    """
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            numbers = [_LOCK_CLASS, keys.LOGS.index(name)]
            cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", numbers)
