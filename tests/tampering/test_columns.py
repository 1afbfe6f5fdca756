"""The list of columns names every column there is, and no other."""

import pytest
from django.apps import apps
from django.db import connection

from tests.tampering.columns import COLUMNS
from verification.course.tables import TABLES, Kind

_NO_TABLES_OF_OURS = {"sqlite_sequence"}


def test_every_column_of_every_model_is_in_the_list_and_no_other() -> None:
    models = {
        model._meta.db_table: {field.column for field in model._meta.concrete_fields}
        for model in apps.get_models(include_auto_created=True)
    }
    listed = {
        table: set(columns) for table, columns in COLUMNS.items() if table != "django_migrations"
    }
    assert listed == models


@pytest.mark.django_db(transaction=True)
def test_every_column_of_the_database_is_in_the_list_and_no_other() -> None:
    with connection.cursor() as cursor:
        tables = set(connection.introspection.table_names(cursor)) - _NO_TABLES_OF_OURS
        found = {
            table: {
                column.name
                for column in connection.introspection.get_table_description(cursor, table)
            }
            for table in tables
        }
    assert found == {table: set(columns) for table, columns in COLUMNS.items()}


def test_each_column_has_its_source_or_a_reason() -> None:
    for table, columns in COLUMNS.items():
        for name, field in columns.items():
            assert field.source, (table, name)


def test_each_table_of_a_case_names_its_rows_by_columns_that_entries_state() -> None:
    for name, table in TABLES.items():
        if table.title:
            assert all(table.fields[column].kind is Kind.STATED for column in table.key), name
