"""The one place that begins transactions. In each it says whose rows may be seen, for PostgreSQL's
row policies.

`running` stands around all that a process does for one request, step or round. Within it
1. `writing` is a transaction that is kept or taken back as a whole; one inside another is a
  savepoint;
2. statements outside of any are reads: on PostgreSQL the first begins a transaction, which the next
   `writing` goes on with, or `end_reading` or `running` end; on SQLite they need none: there a
   transaction keeps other writers away;
3. whose rows: `tulga.lender` is one lender's id, or `tulga.scope` is `all`. Whoever names neither
   will see none. Both are local to the transaction, so a kept connection never carries them on.
   SQLite knows no such policies.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import Error, connection, transaction

from verification import clock
from verification.core import profiles

ALL = "all"
# A later process may have an earlier one's number: it began after the time that is asked about.
_STILL_THERE = "SELECT FROM pg_stat_activity WHERE pid = %s AND backend_start < %s"
_CLOCKS_APART = timedelta(seconds=2)
_NAME = "SELECT set_config('tulga.lender', %s, true), set_config('tulga.scope', %s, true)"

LOOK_UPS = {
    "api_key": "a key is found by its hash, and says whose it is",
    "link": (
        "the borrower's link and session are found by their hash, and say whose verification it is"
    ),
    "egov_mobile": "the app's code is found by its hash, and says whose verification it is",
    "hand_over": (
        "the phone's code and token are found by their hash, and say whose verification it is"
    ),
    "served": "which lenders are served is public, and told to whoever asks who runs this address",
    "overdue": (
        "how many keep frames for too long is a number over all lenders, for whoever runs the"
        " processes"
    ),
    "law": "what was taken of the law stands in the logs, and counts for everybody",
    "sign_in": (
        "a person is found by their session or address, and says for which lender they work, if"
        " for any"
    ),
}
"""What is asked before the lender is known, each with the reason why it may be asked over all of
them.
"""


@dataclass
class _Run:
    """What this thread is doing, whose rows it may see, and the transaction that is open for it.

    scope_sent: whose rows its transaction was told of last. has_written: in the transaction of its
    reads, which then ends before another begins.
    """

    lender: str = ""
    scope: str = ""
    scope_sent: tuple[str, str] | None = None
    reading: transaction.Atomic | None = None
    has_written: bool = False
    is_writing: bool = False


_run: ContextVar[_Run | None] = ContextVar("run", default=None)


@contextmanager
def running(*, lender: str = "", scope: str = "") -> Iterator[None]:
    """All statements inside run in transactions that say whose rows may be seen; `see` may say it
    later.
    """
    outer = _run.get()
    end_reading()
    run = _Run(lender, scope)
    token = _run.set(run)
    is_told = connection.vendor == "postgresql" and outer is None
    try:
        with connection.execute_wrapper(_say_first) if is_told else nullcontext():
            clock.keep_right()
            profiles.keep_current()
            yield
            end_reading()
    finally:
        end_reading(is_kept=False)
        _run.reset(token)


@contextmanager
def writing(*, durable: bool = False) -> Iterator[None]:
    """A transaction that is kept as a whole or taken back as a whole; a savepoint within another.

    durable: what it wrote is kept when it ends, so it must not be within another. Raises
        `RuntimeError` if it is.
    """
    run = _run.get()
    if run is None or run.is_writing:
        if durable and run is not None:
            raise RuntimeError("a durable transaction cannot be a part of another")
        outer_scope, is_kept = (run.lender, run.scope) if run else ("", ""), False
        try:
            with transaction.atomic(durable=durable):
                yield
                is_kept = True
        finally:
            if (
                run is not None and not is_kept
            ):  # what was said since the savepoint was taken back with it
                (run.lender, run.scope), run.scope_sent = outer_scope, None
        return
    if connection.needs_rollback or run.has_written:
        # What was written among the reads is kept, whatever becomes of what follows.
        end_reading(is_kept=not connection.needs_rollback)
    begun, run.reading, run.is_writing = run.reading, None, True
    try:
        with ExitStack() as ending:
            if begun is None:
                ending.enter_context(transaction.atomic(durable=durable))
                run.scope_sent = None
            else:
                # What was read in it is no older for that: at PostgreSQL's READ COMMITTED each
                # statement sees what has been kept until it begins. It saves a transaction in every
                # request that reads before it writes.
                ending.push(begun)
            yield
    finally:
        run.is_writing = False


def end_reading(*, is_kept: bool = True) -> None:
    """Ends the transaction of reads, if one is open: the database is not kept waiting for a long
    errand.

    is_kept: what was written among the reads. What an exception left is not: nothing of it counts.
    """
    run = _run.get()
    if run is not None and run.reading is not None:
        reading, run.reading = run.reading, None
        error = None if is_kept else RuntimeError("left")
        reading.__exit__(type(error) if error else None, error, None)


def process() -> int:
    """By what the database knows whoever asks it: its own process for us on PostgreSQL, ours on
    SQLite.
    """
    if connection.vendor != "postgresql":
        return os.getpid()
    connection.ensure_connection()
    return int(connection.connection.info.backend_pid)


def is_gone(number: int, *, since: datetime) -> bool:
    """Whether whoever was there under this number at that time has gone, and so commits nothing any
    more.

    False where it cannot be told: behind a pooler, say, whose processes outlive ours.
    """
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(_STILL_THERE, [number, since + _CLOCKS_APART])
            return cursor.fetchone() is None
    try:
        # Signal 0 is not sent: the system only says whether there is somebody to send it to.
        os.kill(number, 0)
    except ProcessLookupError:
        return True
    except OSError:
        return False
    return False


def see(*, lender: str = "", scope: str = "") -> None:
    """From here on this request may see this lender's rows, or all. The database is told before the
    next statement.
    """
    if (run := _run.get()) is not None:
        run.lender, run.scope = lender, scope


@contextmanager
def looking_up(name: str) -> Iterator[None]:
    """Sees all rows for one of `LOOK_UPS`, and afterwards what was seen before, or what `see` named
    meanwhile.
    """
    if name not in LOOK_UPS:
        raise KeyError(name)
    run = _run.get()
    outer_scope = (run.lender, run.scope) if run else ("", "")
    see(scope=ALL)
    try:
        yield
    finally:
        if run is not None and (run.lender, run.scope) == ("", ALL):
            see(lender=outer_scope[0], scope=outer_scope[1])


def _say_first(
    execute: Callable[..., Any], sql: str, params: Any, many: bool, context: dict[str, Any]
) -> Any:
    """Before each statement: begins its transaction, if it is a read outside of any; says whose
    rows may be seen.
    """
    run = _run.get()
    if run is None or sql == _NAME:
        return execute(sql, params, many, context)
    is_read = not run.is_writing
    if is_read and run.reading is None:
        if connection.in_atomic_block:
            # Django began this one by itself (a deletion, say), within the statement after which we
            # rest anyway.
            is_read, run.scope_sent = False, None
        else:
            run.reading, run.has_written, run.scope_sent = transaction.atomic(), False, None
            run.reading.__enter__()
    try:
        if run.scope_sent != (run.lender, run.scope):
            with connection.cursor() as cursor:
                cursor.execute(_NAME, (run.lender, run.scope))
            run.scope_sent = run.lender, run.scope
        run.has_written |= is_read and not sql.startswith("SELECT")
        return execute(sql, params, many, context)
    except Error:
        # PostgreSQL takes no more statements in a transaction one of whose failed. One inside it is
        # Django's to end.
        if is_read and not connection.savepoint_ids:
            end_reading(is_kept=False)
        raise
