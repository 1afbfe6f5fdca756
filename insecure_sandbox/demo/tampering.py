"""Flips one byte in a copy of the database and lets `audit_verify` report it. The original stays
untouched.

`is_refused` makes a case `verified` by SQL alone, in the running database, shows the effect and
removes it again.
One UPDATE and two INSERTs are all that the application's role may do.
The decision carries a signature copied from an honest one.
"""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path

import urllib3

from insecure_sandbox.demo.processes import Processes, wait_until
from insecure_sandbox.demo.progress import say, write_line
from insecure_sandbox.demo.stage import Stage


def original_is_sound(processes: Processes) -> bool:
    """Whether the log of the demo itself verifies."""
    done = processes.manage("audit_verify", "--log", "test")
    say("audit_verify on the demo's own log:")
    _quote(done.stdout + done.stderr)
    return done.returncode == 0


def flipped_byte_is_named(processes: Processes, *, database: Path, entry_of: str) -> bool:
    """Whether `audit_verify` finds the flipped byte in a verification's decision, and names that
    entry.
    """
    copy = database.with_name("tampered-copy.sqlite3")
    copy.unlink(missing_ok=True)
    with closing(sqlite3.connect(database)) as source, closing(sqlite3.connect(copy)) as target:
        source.backup(target)
    entry = _flip(copy, verification_id=entry_of)
    done = processes.manage("audit_verify", "--log", "test", database=copy)
    say(f"one byte flipped in a copy, in entry {entry}; audit_verify says:")
    _quote(done.stdout + done.stderr)
    return done.returncode == 1 and entry in done.stdout + done.stderr


def _flip(copy: Path, *, verification_id: str) -> str:
    with closing(sqlite3.connect(copy)) as database, database:
        # An insider with the database would first drop the trigger.
        for (name,) in database.execute(
            "SELECT name FROM sqlite_master WHERE type = 'trigger'"
        ).fetchall():
            database.execute(f'DROP TRIGGER "{name}"')
        entry, body = database.execute(
            "SELECT id, body FROM verification_auditentry WHERE verification_id = ? AND type ="
            " 'verification.verified'",
            (verification_id,),
        ).fetchone()
        database.execute(
            "UPDATE verification_auditentry SET body = ? WHERE id = ?", (_flipped(body), entry)
        )
    return str(entry)


def _flipped(body: str) -> str:
    position = body.index("KZ-2021")
    return body[:position] + chr(ord(body[position]) ^ 1) + body[position + 1 :]


def _quote(text: str) -> None:
    for line in text.strip().splitlines()[:12]:
        write_line(f"           | {line}")


_FORGED = "evt_forgedbythedemo"
_WAIT_SECONDS = 30.0
_APPEND_ONLY = "*_no_*"  # names of the triggers that refuse a change of the log


def is_refused(stage: Stage, *, database: Path, like: str) -> bool:
    """Whether the log refuses a forged decision, similar to that of another verification, and
    keeps it private.
    """
    opened, _ = stage.arrive("forged", stage.known(), routes=("eds",))
    victim = str(opened["id"])
    with _forged(database, victim=victim, like=like):
        say(f"{victim} was made `verified` by one UPDATE and two INSERTs, with a copied signature")
        wait_until(
            lambda: _is_refused(database), what="the log to refuse it", seconds=_WAIT_SECONDS
        )
        status = stage.api.read(victim)["status"]
        ready = urllib3.request("GET", f"{stage.url}/readyz", retries=False).status
        done = stage.processes.manage("audit_verify", "--log", "test")
        is_named = done.returncode == 1 and _FORGED in done.stdout
        say(f"  the log refuses it, /readyz answers {ready}, the lender is told {status!r}")
        say(f"  audit_verify {'names the entry' if is_named else 'DOES NOT NAME IT'}")
    status_after = stage.api.read(victim)["status"]
    say(f"  taken out again, as only the tables' owner could: {status_after!r}")
    return (status, ready, is_named, status_after) == ("processing", 503, True, "requires_input")


@contextmanager
def _forged(database: Path, *, victim: str, like: str) -> Iterator[None]:
    at = datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")
    with _writing(database) as rows:
        sequence, last_status = rows.execute(
            "SELECT sequence, status FROM verification_verification WHERE id = ?", (victim,)
        ).fetchone()
        body, lender = rows.execute(
            "SELECT body, lender_id FROM verification_auditentry"
            " WHERE verification_id = ? AND type = 'verification.verified'",
            (like,),
        ).fetchone()
        rows.execute(
            "UPDATE verification_verification SET status = 'verified', finished_at = ?, sequence ="
            " ? WHERE id = ?",
            (at, sequence + 1, victim),
        )
        rows.execute(
            "INSERT INTO verification_auditentry (id, log, type, at, verification_id,"
            " verification_sequence, lender_id, body) VALUES (?, 'test', 'verification.verified',"
            " ?, ?, ?, ?, ?)",
            (_FORGED, at, victim, sequence + 1, lender, json.dumps(json.loads(body))),
        )
        rows.execute(
            "INSERT INTO verification_auditpending (entry_id, refused) VALUES (?, 0)", (_FORGED,)
        )
    try:
        yield
    finally:
        with _writing(database) as rows:
            # Only those of the log: the monthly counts must learn of the case's return.
            stored = rows.execute(
                "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND name GLOB ?",
                (_APPEND_ONLY,),
            ).fetchall()
            for name, _ in stored:
                rows.execute(f'DROP TRIGGER "{name}"')
            rows.execute("DELETE FROM verification_auditpending WHERE entry_id = ?", (_FORGED,))
            rows.execute("DELETE FROM verification_auditentry WHERE id = ?", (_FORGED,))
            rows.execute(
                "UPDATE verification_verification SET status = ?, finished_at = NULL, sequence = ?"
                " WHERE id = ?",
                (last_status, sequence, victim),
            )
            for _, made_by in stored:
                rows.execute(made_by)


@contextmanager
def _writing(database: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(database, timeout=30, isolation_level=None)) as rows:
        rows.execute("BEGIN IMMEDIATE")
        yield rows
        rows.execute("COMMIT")


def _is_refused(database: Path) -> bool:
    with closing(sqlite3.connect(database, timeout=30)) as rows:
        row = rows.execute(
            "SELECT refused FROM verification_auditpending WHERE entry_id = ?", (_FORGED,)
        ).fetchone()
    return bool(row and row[0])
