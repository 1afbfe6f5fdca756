"""Connections to the database: its roles, a lost connection, a killed worker of the pool."""

import os
import signal
import time
from typing import Any

import pytest
from celery import concurrency
from celery.fixups.django import DjangoWorkerFixup  # type: ignore[attr-defined]
from django.contrib.contenttypes.models import ContentType
from django.db import ProgrammingError, connection
from django.db.backends.base.base import BaseDatabaseWrapper

from config import celery
from config.pool import FileLock
from insecure_sandbox.demo.processes import wait_until
from tests.statements import statements
from verification import tasks

# The test database itself: each test begins with what the migrations left, and the role may not
# rewrite the log.


_TESTS_WRITE = pytest.mark.django_db(transaction=True)


@_TESTS_WRITE
@pytest.mark.parametrize("time", [1, 2])
def test_a_test_that_commits_leaves_nothing_to_the_next(time: int) -> None:
    assert ContentType.objects.count() > 0
    assert not ContentType.objects.filter(app_label="left_over").exists()
    ContentType.objects.create(app_label="left_over", model="row")


@pytest.mark.django_db
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE verification_auditentry SET type='x'",
        "DELETE FROM verification_auditentry",
        "UPDATE verification_reviewvote SET passes=true",
        "DELETE FROM verification_reviewvote",
    ],
)
@pytest.mark.skipif("connection.vendor == 'sqlite'", reason="SQLite knows no roles")
def test_the_application_role_cannot_rewrite_the_log_or_a_vote(statement: str) -> None:
    with pytest.raises(ProgrammingError, match="permission denied"), connection.cursor() as cursor:
        cursor.execute(statement)


# A kept connection that ended is noticed by its socket, one that lives is asked nothing, and no
# index is for LIKE.


# the stubs lack it


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif("connection.vendor != 'postgresql'", reason="SQLite has no server to lose")
def test_a_connection_that_lives_is_asked_nothing() -> None:
    connection.ensure_connection()
    with statements() as sent:
        assert connection.is_usable()
    assert sent == []


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif("connection.vendor != 'postgresql'", reason="SQLite has no server to lose")
def test_a_connection_that_the_server_ended_is_noticed_and_made_anew() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        process = cursor.fetchone()[0]
    observer = connection.copy()
    with observer.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s)", [process])
    observer.close()
    deadline = time.monotonic() + 5
    while connection.is_usable() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not connection.is_usable()
    connection.close()
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif("connection.vendor != 'postgresql'", reason="SQLite has no server to lose")
def test_a_child_keeps_its_connection_from_step_to_step(monkeypatch: pytest.MonkeyPatch) -> None:
    """Celery's own would close it before and after each, and the database would plan every
    statement anew.
    """
    closed: list[object] = []
    monkeypatch.setattr(BaseDatabaseWrapper, "close", closed.append)
    fixup = DjangoWorkerFixup(celery.app)
    fixup.on_task_postrun(tasks.advance)
    fixup.on_task_prerun(tasks.advance)
    assert closed == []


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif("connection.vendor != 'postgresql'", reason="SQLite has no server to lose")
def test_a_step_begins_anew_after_one_that_a_limit_struck_as_its_transaction_ended() -> None:
    connection.ensure_connection()
    connection.in_atomic_block = True
    celery.keep_what_lives()
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    assert not connection.in_atomic_block


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif("connection.vendor != 'postgresql'", reason="SQLite has no server to lose")
@pytest.mark.parametrize("ended", ["too old", "broken"])
def test_a_step_begins_without_a_connection_that_is_too_old_or_broken(ended: str) -> None:
    connection.ensure_connection()
    connection.close_at = None
    celery.keep_what_lives()
    assert connection.connection is not None
    if ended == "too old":
        connection.close_at = time.monotonic()
    else:
        connection.connection.close()
        connection.errors_occurred = True
    celery.keep_what_lives()
    assert connection.connection is None


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif("connection.vendor != 'postgresql'", reason="SQLite has no server to lose")
def test_no_text_has_a_second_index_for_how_it_begins() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT indexdef FROM pg_indexes WHERE schemaname = 'public' AND tablename ~"
            " '^(verif|lenders)'"
        )
        indexes = [row[0] for row in cursor.fetchall()]
    assert len(indexes) > 50
    assert not [index for index in indexes if "pattern_ops" in index]


# The pool of a worker: a child that is killed while it waits takes nothing with it.


def test_a_lock_ends_with_its_holder() -> None:
    lock = FileLock()
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        lock.acquire()
        os.write(writer, b"held")
        signal.pause()
    os.read(reader, 4)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    with lock:
        pass
    os.close(reader)
    os.close(writer)


@pytest.mark.rabbitmq
@pytest.mark.service  # it takes the pool a second to see that a child is gone
def test_children_that_are_killed_while_they_wait_leave_a_pool_that_works() -> None:
    ours: Any = concurrency.get_implementation(celery.app.conf.worker_pool)
    pool: Any = ours.BlockingPool(2, threads=True)
    try:
        assert pool.apply_async(os.getpid).get(timeout=20) in {child.pid for child in pool._pool}
        first = {child.pid for child in pool._pool}
        for child in first:
            os.kill(child, signal.SIGKILL)
        wait_until(
            lambda: len({child.pid for child in pool._pool} - first) == 2, what="others", seconds=20
        )
        assert pool.apply_async(os.getpid).get(timeout=20) in {child.pid for child in pool._pool}
    finally:
        pool.terminate()
        pool.join()
