"""The table of the database's rights names every table, in words that PostgreSQL knows."""

import re
from io import StringIO

import pytest
from django.apps import apps
from django.core.management import call_command
from django.db import connection
from pytest_django import Settings

from config import env, rights, starting
from verification.core.certificates import PROCESSES
from verification.core.errors import Misconfigured

COLUMNS = {
    model._meta.db_table: {field.column for field in model._meta.concrete_fields}
    for model in apps.get_models(include_auto_created=True)
}
_CELLS = [
    (table, process, cell)
    for table, cells in rights.RIGHTS.items()
    for process, cell in cells.items()
]
_PRIVILEGE = r"(?:SELECT|INSERT|UPDATE|DELETE)(?: \([a-z0-9_]+(?:, [a-z0-9_]+)*\))?"


def test_each_table_is_in_it() -> None:
    assert set(rights.RIGHTS) == {*COLUMNS, "django_migrations"}
    assert rights._SHARED.keys() <= rights.RIGHTS.keys()


@pytest.mark.parametrize(("table", "process", "cell"), _CELLS)
def test_a_cell_is_of_a_process_and_names_columns_of_its_table(
    table: str, process: str, cell: str
) -> None:
    assert process in PROCESSES
    assert re.fullmatch(rf"{_PRIVILEGE}(?:, {_PRIVILEGE})*", cell)
    granted = rights.granted(process, table)
    assert {column for _, _, column in granted} - {""} <= COLUMNS.get(table, set())
    # The parser loses no word of it.
    assert {privilege for _, privilege, _ in granted} == set(re.findall(r"[A-Z]+", cell))
    assert {column for _, _, column in granted} - {""} == set(
        re.findall(r"\b[a-z][a-z0-9_]*", cell)
    )


def test_no_process_has_what_another_holds_alone() -> None:
    def may(privilege: str, table: str) -> set[str]:
        return {
            process
            for process in PROCESSES
            if any(right[1] == privilege for right in rights.granted(process, table))
        }

    assert may("INSERT", "verification_auditleaf") == {"tick"}
    assert may("DELETE", "verification_auditpending") == {"tick"}
    assert may("INSERT", "verification_receipt") == {"worker"}
    assert may("INSERT", "verification_reviewvote") == {"web"}
    assert may("UPDATE", "people_user") == {"web"}
    assert may("UPDATE", "verification_datakey") == {"worker"}
    assert may("UPDATE", "verification_auditentry") == set()
    assert {table for table in rights.RIGHTS if "DELETE" in rights.cell("worker", table)} == {
        "verification_captureword",
        "verification_pulse",
    }


_ON_POSTGRESQL = pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has no roles")


@_ON_POSTGRESQL
@pytest.mark.django_db
def test_the_role_of_all_has_what_is_granted_to_it_and_nothing_beyond() -> None:
    assert rights.differences(rights.SHARED) == ([], [])


@_ON_POSTGRESQL
@pytest.mark.django_db
def test_a_role_of_all_is_named_in_live_mode_alone(settings: Settings) -> None:
    settings.TULGA_PROCESS = "worker"
    starting.require_rights()
    assert rights.check_role(None) == []
    settings.TULGA_MODES_LIVE = True
    [fault] = rights.check_role(None)
    assert (fault.id, "connect as one role" in fault.msg) == ("tulga.E902", True)
    with pytest.raises(Misconfigured, match="connect as one role"):
        starting.require_rights()


@_ON_POSTGRESQL
@pytest.mark.django_db
def test_in_live_mode_another_role_is_refused_with_each_right_beyond(settings: Settings) -> None:
    settings.TULGA_MODES_LIVE, settings.TULGA_PROCESS = True, "worker"
    settings.TULGA_PROCESS_ROLES = {process: f"tulga_{process}" for process in PROCESSES}
    told = [fault.msg for fault in rights.check_role(None)]
    title = "the database role of the process worker"
    assert told[0] == f"{title} is tulga_app, not tulga_worker."
    assert f"{title} may DELETE people_user." in told
    with pytest.raises(Misconfigured, match=r"tulga_app, not tulga_worker \(the first of \d+ such"):
        starting.require_rights()


@pytest.mark.skipif(connection.vendor == "postgresql", reason="PostgreSQL has roles")
@pytest.mark.django_db
def test_sqlite_has_no_roles(settings: Settings) -> None:
    settings.TULGA_MODES_LIVE = True
    assert rights.faults() == ([], [])
    assert rights.check_role(None) == []
    starting.require_rights()
    told = StringIO()
    call_command("grant_process_roles", stdout=told)
    assert told.getvalue() == "SQLite has no roles: nothing to grant\n"


@_ON_POSTGRESQL
@pytest.mark.django_db
@pytest.mark.parametrize("name", ["", "the owner"])
def test_the_owner_is_no_processes_role(name: str, settings: Settings) -> None:
    settings.TULGA_APPLICATION_ROLE = name and str(connection.settings_dict["USER"])
    with pytest.raises(Misconfigured, match="must be another role"):
        call_command("grant_process_roles")


ROLES = "web=a, worker=b,tick=c,sender=d"


def test_roles_are_read_by_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ROLES", raising=False)
    assert env.process_roles("ROLES", PROCESSES) == {}
    monkeypatch.setenv("ROLES", ROLES)
    assert env.process_roles("ROLES", PROCESSES) == {
        "web": "a",
        "worker": "b",
        "tick": "c",
        "sender": "d",
    }


@pytest.mark.parametrize(
    "word",
    [
        "1",
        "web=a",
        ROLES.replace("d", "a"),
        ROLES.replace("sender", "root"),
        ROLES.replace("=d", "="),
        f"{ROLES},web=e",
    ],
)
def test_roles_that_are_not_one_for_each_process_are_refused(
    word: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ROLES", word)
    with pytest.raises(Misconfigured, match=r"(?s)ROLES does not name.*web=tulga_web"):
        env.process_roles("ROLES", PROCESSES)
