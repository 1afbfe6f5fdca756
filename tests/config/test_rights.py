"""The table of the database's rights names every table, in words that PostgreSQL knows."""

import re

import pytest
from django.apps import apps

from config import env, rights
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
    assert may("UPDATE", "verification_datakey") == set()
    assert may("UPDATE", "verification_auditentry") == set()
    assert {table for table in rights.RIGHTS if "DELETE" in rights.cell("worker", table)} == {
        "verification_pulse"
    }


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
