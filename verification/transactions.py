"""The only module that starts transactions. Each states whose rows are visible, for PostgreSQL's
row policies.

`running` encloses all that a process does for one request, step or round. Inside it:
1. `writing` is a transaction that commits or rolls back as a whole; a nested one is a savepoint.
2. Statements outside `writing` are reads. On PostgreSQL the first starts a transaction, which the
   next `writing` continues, or `end_reading` or `running` ends. On SQLite they need none: a
   transaction would block other writers.
3. Visible rows: `tulga.lender` is one lender's id, or `tulga.scope` is `all`. Without either, no
   row is visible. Both are local to the transaction, so a pooled connection never carries them on.
   SQLite has no such policies.
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
# A later process may reuse a number: it started after the time in question.
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
    "served": "the lenders served are public: /about lists them for everybody",
    "overdue": (
        "the number of kept frames is counted over all lenders, for the operator of the processes"
    ),
    "law": "the law files stand in the logs, and apply to everybody",
    "subject": (
        "a person reads what all lenders hold of them, after a worker has judged their signature,"
        " or two operators have seen them"
    ),
    "sign_in": ("a person is found by their session or address, and names their lender, if any"),
}
"""Look-ups before the lender is known, each with the reason why it may cover all lenders."""


@dataclass
class _Run:
    """This thread's run: its visible rows, and its open transaction.

    scope_sent: the scope last sent to its transaction.
    has_written: in the transaction of its reads, which then ends before another begins.
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
    """All statements inside run in transactions with visible rows; `see` may set them later."""
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
    """A transaction that commits or rolls back as a whole; a savepoint inside another.

    durable: it commits when it ends, so it must not be nested.

    Raises: `RuntimeError` if a durable one is nested.
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
            ):  # a scope set since the savepoint was rolled back with it
                (run.lender, run.scope), run.scope_sent = outer_scope, None
        return
    if connection.needs_rollback or run.has_written:
        # Commit writes among the reads, whatever follows.
        end_reading(is_kept=not connection.needs_rollback)
    begun, run.reading, run.is_writing = run.reading, None, True
    try:
        with ExitStack() as ending:
            if begun is None:
                ending.enter_context(transaction.atomic(durable=durable))
                run.scope_sent = None
            else:
                # Continue the transaction of reads. Under PostgreSQL's READ COMMITTED each
                # statement sees all earlier commits, so the data are no older. This saves a
                # transaction in every request that reads before it writes.
                ending.push(begun)
            yield
    finally:
        run.is_writing = False


def end_reading(*, is_kept: bool = True) -> None:
    """Ends the open transaction of reads, if any, so that the database need not wait for a long
    task.

    is_kept: commit writes among the reads. After an exception they roll back.
    """
    run = _run.get()
    if run is not None and run.reading is not None:
        reading, run.reading = run.reading, None
        error = None if is_kept else RuntimeError("left")
        reading.__exit__(type(error) if error else None, error, None)


def process() -> int:
    """The process that the database sees: its own backend on PostgreSQL, ours on SQLite."""
    if connection.vendor != "postgresql":
        return os.getpid()
    connection.ensure_connection()
    return int(connection.connection.info.backend_pid)


def is_gone(number: int, *, since: datetime) -> bool:
    """Whether the process with this number at that time has ended, and so commits nothing any more.

    False if unknown, for example behind a pooler whose processes outlive ours.
    """
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(_STILL_THERE, [number, since + _CLOCKS_APART])
            return cursor.fetchone() is None
    try:
        # Signal 0 is not sent: the system only says whether the process exists.
        os.kill(number, 0)
    except ProcessLookupError:
        return True
    except OSError:
        return False
    return False


def see(*, lender: str = "", scope: str = "") -> None:
    """This request may now see this lender's rows, or all. The database is told before the next
    statement.
    """
    if (run := _run.get()) is not None:
        run.lender, run.scope = lender, scope


@contextmanager
def looking_up(name: str) -> Iterator[None]:
    """All rows are visible for one of `LOOK_UPS`; afterwards the previous scope, or one set by
    `see` meanwhile.
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
    """Before each statement: starts a transaction of reads if needed, and sends the scope."""
    run = _run.get()
    if run is None or sql == _NAME:
        return execute(sql, params, many, context)
    is_read = not run.is_writing
    if is_read and run.reading is None:
        if connection.in_atomic_block:
            # Django started this one itself (for a deletion, say), inside the statement after which
            # we are idle anyway.
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
        # PostgreSQL accepts no statement after a failed one in the transaction. A nested one is
        # Django's to end.
        if is_read and not connection.savepoint_ids:
            end_reading(is_kept=False)
        raise
