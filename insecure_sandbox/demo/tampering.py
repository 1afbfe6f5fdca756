"""Flips one byte in a copy of the database and lets `audit_verify` say what is wrong. The original
stays untouched.
"""

import sqlite3
from contextlib import closing
from pathlib import Path

from insecure_sandbox.demo.processes import Processes
from insecure_sandbox.demo.progress import say, write_line


def original_is_sound(processes: Processes) -> bool:
    """Whether the log of the demo itself verifies."""
    done = processes.manage("audit_verify", "--log", "test")
    say("audit_verify on the demo's own log:")
    _quote(done.stdout + done.stderr)
    return done.returncode == 0


def flipped_byte_is_named(processes: Processes, *, database: Path, entry_of: str) -> bool:
    """Whether `audit_verify` finds the flipped byte in the decision about a verification, and names
    that entry.
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
        # What an insider with the database in hand would do first: take the trigger away.
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
