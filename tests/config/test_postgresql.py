"""A kept connection that ended is noticed by its socket, one that lives is asked nothing, and no
index is for LIKE.
"""

import time

import pytest

# the stubs lack it
from celery.fixups.django import DjangoWorkerFixup  # type: ignore[attr-defined]
from django.db import connection
from django.db.backends.base.base import BaseDatabaseWrapper

from config import celery
from tests.statements import statements
from verification import tasks

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif("connection.vendor != 'postgresql'", reason="SQLite has no server to lose"),
]


def test_a_connection_that_lives_is_asked_nothing() -> None:
    connection.ensure_connection()
    with statements() as sent:
        assert connection.is_usable()
    assert sent == []


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


def test_a_step_begins_anew_after_one_that_a_limit_struck_as_its_transaction_ended() -> None:
    connection.ensure_connection()
    connection.in_atomic_block = True
    celery.keep_what_lives()
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    assert not connection.in_atomic_block


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


def test_no_text_has_a_second_index_for_how_it_begins() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT indexdef FROM pg_indexes WHERE schemaname = 'public' AND tablename ~"
            " '^(verif|lenders)'"
        )
        indexes = [row[0] for row in cursor.fetchall()]
    assert len(indexes) > 50
    assert not [index for index in indexes if "pattern_ops" in index]
