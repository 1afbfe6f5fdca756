"""On PostgreSQL the role that web, workers and ticks use can add to the log and do nothing else to
it.
"""

import psycopg
import pytest
from psycopg import errors, sql

from tests.service import database

pytestmark = [
    pytest.mark.service,
    pytest.mark.skipif(not database.is_postgresql(), reason="SQLite has no roles"),
]

_TABLES = ("verification_auditentry", "verification_auditleaf", "verification_auditcheckpoint")


def refuse(deployment, statement, **names):
    """The error PostgreSQL answers the application's role with."""
    spelled = sql.SQL(statement).format(
        **{name: sql.Identifier(word) for name, word in names.items()}
    )
    with psycopg.connect(database.environment()["DATABASE_URL"]) as application:
        try:
            application.execute(spelled)
        except errors.InsufficientPrivilege as refused:
            return refused
        raise AssertionError(f"{statement} was done")


@pytest.mark.parametrize("table", _TABLES)
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE {table} SET log = log",
        "DELETE FROM {table}",
        "TRUNCATE {table} CASCADE",
        "ALTER TABLE {table} DISABLE TRIGGER ALL",
        "ALTER TABLE {table} DISABLE TRIGGER USER",
        "DROP TABLE {table} CASCADE",
    ],
)
def test_the_application_role_may_not(deployment, statement, table):
    assert refuse(deployment, statement, table=table)


def test_the_application_role_cannot_drop_a_trigger_of_the_log(deployment):
    triggers = deployment.rows(
        "SELECT tgname::text, tgrelid::regclass::text FROM pg_trigger "
        "WHERE NOT tgisinternal AND tgrelid::regclass::text = ANY(%s)",
        list(_TABLES),
    )
    assert {table for _, table in triggers} == set(_TABLES), "a log table without a trigger"
    for trigger, table in triggers:
        assert refuse(deployment, "DROP TRIGGER {trigger} ON {table}", trigger=trigger, table=table)


@pytest.mark.parametrize("table", _TABLES)
def test_the_application_role_may_read_the_log_and_add_to_it(deployment, table):
    rights = "SELECT has_table_privilege(%s, 'SELECT'), has_table_privilege(%s, 'INSERT')"
    assert deployment.rows(rights, table, table) == [(True, True)]


def test_the_application_role_cannot_switch_triggers_off_or_become_the_owner(deployment):
    assert refuse(deployment, "SET session_replication_role = replica")
    owners = "SELECT DISTINCT tableowner::text FROM pg_tables WHERE tablename = ANY(%s)"
    [(owner,)] = deployment.rows(owners, list(_TABLES))
    assert refuse(deployment, "SET ROLE {owner}", owner=owner)


def test_the_tests_run_as_a_role_without_powers_of_its_own(deployment):
    powers = (
        "SELECT rolsuper, rolcreaterole, rolcreatedb, rolbypassrls, rolreplication "
        "FROM pg_roles WHERE rolname = current_user"
    )
    assert deployment.rows(powers) == [(False,) * 5]


def test_the_owner_of_the_log_is_stopped_by_its_triggers(deployment):
    with psycopg.connect(database.environment()["MIGRATION_DATABASE_URL"]) as owner:
        [(is_super,)] = owner.execute(
            "SELECT rolsuper FROM pg_roles WHERE rolname = current_user"
        ).fetchall()
        assert not is_super
        with pytest.raises(errors.RaiseException):
            owner.execute("UPDATE verification_auditentry SET type = 'x'")
