"""The committed list of columns names every column there is, and no other; the page for regulators is the list."""

import importlib

import pytest
from django.apps import apps
from django.db import connection

from scripts.write_log_columns import PAGE, page
from verification.audit.columns import COLUMNS

_NO_TABLES_OF_OURS = {"sqlite_sequence"}


def test_every_column_of_every_model_is_in_the_list_and_no_other() -> None:
    models = {
        model._meta.db_table: {field.column for field in model._meta.concrete_fields}
        for model in apps.get_models(include_auto_created=True)
    }
    listed = {table: set(columns) for table, columns in COLUMNS.items() if table != "django_migrations"}
    assert listed == models


@pytest.mark.django_db(transaction=True)
def test_every_column_of_the_database_is_in_the_list_and_no_other() -> None:
    with connection.cursor() as cursor:
        tables = set(connection.introspection.table_names(cursor)) - _NO_TABLES_OF_OURS
        found = {
            table: {column.name for column in connection.introspection.get_table_description(cursor, table)}
            for table in tables
        }
    assert found == {table: set(columns) for table, columns in COLUMNS.items()}


def test_each_column_says_who_compares_it_or_why_nobody_does() -> None:
    for table, columns in COLUMNS.items():
        for name, column in columns.items():
            assert column.what, (table, name)
            assert bool(column.by) == (column.kind in ("covered", "derived")), (table, name)
            if column.by:
                importlib.import_module(f"verification.{column.by.replace('/', '.')}")
            if column.kind == "not_covered":
                assert not table.startswith("verification_"), (table, name)


def test_the_page_is_the_list() -> None:
    assert PAGE.read_text(encoding="utf-8") == page()
