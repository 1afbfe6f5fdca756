"""The log's tables refuse changes: the second line behind the application role's grants."""

from collections.abc import Sequence
from typing import Any, Final

from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

TABLES: Final = ("verification_auditentry", "verification_auditleaf", "verification_auditcheckpoint")
REFUSAL: Final = "what is on record is neither changed nor deleted"


def protect(apps: Any, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Puts the triggers up. Statements go one by one: SQLite's own splitting does not understand triggers."""
    for statement in protecting(schema_editor.connection.vendor):
        schema_editor.execute(statement)


def lift(apps: Any, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Takes the triggers down: for going back a migration, and for test databases that are emptied."""
    for statement in lifting(schema_editor.connection.vendor):
        schema_editor.execute(statement)


def protecting(vendor: str) -> Sequence[str]:
    """The statements that put the triggers up, for `sqlite` or `postgresql`; raises `ValueError` for another."""
    if vendor == "sqlite":
        return [_sqlite_trigger(table, verb) for table in TABLES for verb in ("UPDATE", "DELETE")]
    if vendor == "postgresql":
        return [_POSTGRESQL_FUNCTION, *(_postgresql_trigger(table) for table in TABLES)]
    raise ValueError(f"no triggers are written for {vendor}")


def lifting(vendor: str) -> Sequence[str]:
    """The statements that take the triggers down."""
    if vendor == "sqlite":
        return [f"DROP TRIGGER IF EXISTS {table}_no_{verb}" for table in TABLES for verb in ("update", "delete")]
    if vendor == "postgresql":
        dropped = [f"DROP TRIGGER IF EXISTS {table}_no_change ON {table}" for table in TABLES]
        return [*dropped, "DROP FUNCTION IF EXISTS verification_refuse_change()"]
    raise ValueError(f"no triggers are written for {vendor}")


def _sqlite_trigger(table: str, verb: str) -> str:
    return (
        f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} BEGIN SELECT RAISE(ABORT, '{REFUSAL}'); END"
    )


def _postgresql_trigger(table: str) -> str:
    # For each statement, so that TRUNCATE and a change of no rows are refused as well.
    return (
        f"CREATE TRIGGER {table}_no_change BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
        f"FOR EACH STATEMENT EXECUTE FUNCTION verification_refuse_change()"
    )


_POSTGRESQL_FUNCTION: Final = (
    "CREATE OR REPLACE FUNCTION verification_refuse_change() RETURNS trigger LANGUAGE plpgsql AS "
    f"$$BEGIN RAISE EXCEPTION '{REFUSAL}'; END$$"
)


class Migration(migrations.Migration):
    dependencies = [("verification", "0001_initial")]

    operations = [migrations.RunPython(protect, lift)]
