"""What is asked by a statement that was spelled once is what the query set itself would give."""

import gc
import re
import weakref
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.db import DEFAULT_DB_ALIAS, connection, connections, transaction
from django.db.models.sql.compiler import SQLCompiler

from tests.statements import statements
from tests.verification.stories import story as stories
from verification.compiled import Compiled
from verification.log import actors
from verification.models import Verification

pytestmark = pytest.mark.django_db(transaction=True)


def test_rows_are_those_of_the_query_set_with_what_they_lead_to():
    of = stories.lender()
    first, second = (stories.begin(of, reference).row() for reference in ("A-1", "A-2"))
    asked = Compiled(lambda id_: Verification.objects.filter(pk=id_).select_related("lender"))
    for row in (first, second, first):
        with statements() as sent:
            (found,) = asked.ask(row.pk)
            lender = found.lender
        assert (found, lender, len(sent)) == (row, of, 1)
        assert {
            field.attname: getattr(found, field.attname)
            for field in Verification._meta.concrete_fields
        } == {
            field.attname: getattr(row, field.attname)
            for field in Verification._meta.concrete_fields
        }
    assert asked.ask("ver_nowhere") == []


def test_a_value_may_stand_in_several_places_and_times_and_bytes_are_told_as_they_are_kept():
    row = stories.begin(stories.lender()).row()
    at = row.created_at
    asked = Compiled(
        lambda at: Verification.objects.filter(created_at__lte=at, expires_at__gt=at).values_list(
            "pk"
        )
    )
    assert asked.ask(at) == [(row.pk,)]
    assert asked.ask(at - timedelta(microseconds=1)) == []
    by_index = Compiled(
        lambda index: Verification.objects.filter(borrower_index=index).values_list("pk", flat=True)
    )
    assert by_index.ask(bytes(row.borrower_index or b"")) == [row.pk]
    assert by_index.ask(b"") == []


def test_it_is_compiled_once(monkeypatch):
    row = stories.begin(stories.lender()).row()
    asked = Compiled(lambda id_: Verification.objects.filter(pk=id_))
    asked.ask(row.pk)
    with monkeypatch.context() as patched:
        patched.setattr(SQLCompiler, "pre_sql_setup", lambda *_, **__: pytest.fail("compiled anew"))
        assert asked.ask(row.pk)[0].pk == row.pk


def test_threads_share_the_sql_and_no_connection():
    row = stories.begin(stories.lender()).row()
    asked = Compiled(lambda id_: Verification.objects.filter(pk=id_))
    asked.ask(row.pk)

    def elsewhere():
        try:
            return asked.ask(row.pk), connection.connection
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        found, other = pool.submit(elsewhere).result()
    assert (found, other is connection.connection) == ([row], False)


def test_a_thread_that_ended_leaves_no_connection_behind():
    row = stories.begin(stories.lender()).row()
    asked = Compiled(lambda id_: Verification.objects.filter(pk=id_))

    def elsewhere():
        asked.ask(row.pk)
        connection.close()
        return weakref.ref(connections[DEFAULT_DB_ALIAS])

    with ThreadPoolExecutor(1) as pool:
        left = pool.submit(elsewhere).result()
    gc.collect()
    assert left() is None
    assert asked.ask(row.pk) == [row]


def test_a_value_too_few_or_too_many_is_a_fault():
    asked = Compiled(lambda id_: Verification.objects.filter(pk=id_))
    for values in ((), ("ver_1", "ver_2")):
        with pytest.raises(ValueError, match="zip"):
            asked.ask(*values)


def test_what_a_query_could_not_compare_with_has_no_place():
    asked = Compiled(lambda id_: Verification.objects.filter(pk=id_))
    values: list[Any] = [None, ["ver_1"], 1.5]
    for value in values:
        with pytest.raises(TypeError, match="no place in a compiled query"):
            asked.ask(value)


@pytest.mark.skipif("connection.vendor != 'postgresql'", reason="SQLite keeps no plans")
def test_a_plan_for_all_values_finds_an_actor_by_the_index_of_statements():
    kept, values = actors._OF_TWO._compile(("test", "usr_1", "usr_2"), connection)
    # The server gets a number for each value that is left.
    numbered = (f"${number}" for number, _ in enumerate(values, start=1))
    prepared = re.sub("%s", lambda _: next(numbered), kept.sql)
    with transaction.atomic(), connection.cursor() as cursor:
        # As a great table is read: by an index, where the plan can use it.
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute("SET LOCAL plan_cache_mode = force_generic_plan")
        cursor.execute(f"PREPARE kept AS {prepared}")
        cursor.execute(f"EXPLAIN EXECUTE kept ({', '.join(map(repr, values))})")
        plan = "\n".join(line for (line,) in cursor.fetchall())
        cursor.execute("DEALLOCATE kept")
    assert plan.count("on statement_of_actor") == 2, plan


def test_words_that_never_vary_stand_in_the_statement():
    _, values = actors._OF_TWO._compile(("test", "usr_1", "usr_2"), connection)
    assert set(values) - {'$."actor"'} == {"test", "usr_1", "usr_2"}
