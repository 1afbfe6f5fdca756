"""A law file on record: when it counts, what completes it, which is refused, and how often a
process looks.
"""

from contextlib import suppress
from typing import Any

import pytest
from django.db import Error, connection
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from tests.verification import law_files
from tests.verification.log import judged as audits
from tests.verification.log.law_story import (
    DAY,
    FIRST,
    LOGS,
    SECOND,
    body_of,
    code,
    kinds,
    number,
    order,
    read_from_rows,  # noqa: F401
    take,
)
from tests.verification.log.rows import NOON, order_all, slip_in, tamper
from verification import transactions
from verification.core import profiles
from verification.log import laws
from verification.models import AuditEntry

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("read_from_rows")]


def test_it_counts_once_both_logs_have_ordered_it_and_not_before():
    assert take(FIRST) == LOGS
    assert number() == 0
    order_all("test")
    assert number() == 0
    assert not profiles.is_mci_known(DAY)
    order_all("live")
    assert profiles.is_mci_known(DAY)
    assert number() == 1
    assert profiles.get(law_files.STRICTER).cooling_off_hours == 48
    assert profiles.get("KZ-2026-01").status == "in_force"
    assert kinds() == kinds("live") == []


def test_where_live_mode_is_off_it_counts_by_the_test_log_and_goes_on_counting_once_it_is_on(
    settings: Settings,
) -> None:
    settings.TULGA_MODES_LIVE = False
    assert take(FIRST) == LOGS
    order_all("test")
    assert number() == 1
    settings.TULGA_MODES_LIVE = True
    laws.forget()
    assert number() == 0
    order_all("live")
    assert number() == 1


def test_what_was_rolled_back_never_counts():
    with suppress(KeyboardInterrupt), transactions.writing():
        take(FIRST)
        raise KeyboardInterrupt
    order()
    assert (AuditEntry.objects.count(), number()) == (0, 0)


def test_the_log_alone_holds_the_whole_file_and_nothing_about_a_person():
    take(FIRST)
    body = AuditEntry.objects.filter(log="live").get().body
    assert body == {"v": 1, "number": 1, "sha256": body["sha256"], **law_files.signed(FIRST)}
    assert len(body["sha256"]) == 64


def test_files_follow_each_other_before_and_after_they_are_ordered():
    assert code(SECOND) == "law_out_of_order"
    take(FIRST)
    assert code(FIRST) == "law_replayed"
    take(SECOND)
    order()
    assert code(FIRST) == code(SECOND) == "law_replayed"
    assert number() == 2
    assert kinds() == []


def test_another_file_of_the_same_number_is_refused():
    take(FIRST)
    assert code(law_files.document()) == "law_split"


@pytest.mark.parametrize("is_ordered", [True, False])
def test_after_a_crash_between_the_logs_the_same_call_completes_it(is_ordered: bool) -> None:
    take(FIRST)
    gone = AuditEntry.objects.get(log="live").pk
    tamper(
        ("DELETE FROM verification_auditpending WHERE entry_id = %s", (gone,)),
        ("DELETE FROM verification_auditentry WHERE id = %s", (gone,)),
    )
    if is_ordered:
        order()
    assert number() == 0
    assert take(FIRST) == ("live",)
    order()
    assert number() == 1
    assert [kinds(log) for log in LOGS] == [[], []]


REFUSED = {
    "unsigned": (law_files.document(), bytes(31) + b"1", "law_forged"),
    "of another installation": (
        law_files.document(installation="elsewhere"),
        None,
        "law_elsewhere",
    ),
    "a second value": (
        law_files.document(mci=[law_files.MCI_2027 | {"year": 2026}]),
        None,
        "law_mci_known",
    ),
    "laxer": (
        law_files.document(profiles=[law_files.profile(visit_over_mci=76)]),
        None,
        "law_laxer",
    ),
    "left out": (SECOND, None, "law_out_of_order"),
}


@pytest.mark.parametrize(("said", "seed", "expected"), REFUSED.values(), ids=REFUSED)
def test_a_file_that_may_not_be_taken_is_refused_and_leaves_nothing(said, seed, expected):
    assert code(said, seed=seed) == expected


def test_two_logs_that_say_different_things_under_one_number_count_for_nothing():
    for log, said in zip(LOGS, (FIRST, law_files.document()), strict=True):
        slip_in(
            AuditEntry(log=log, type="law.taken", at=NOON, body=body_of(said)),
            verification_sequence=None,
        )
    order()
    assert (number(), profiles.current_amendments().values) == (1, ())
    assert not profiles.is_mci_known(DAY)
    assert kinds() == kinds("live") == ["law_split"]
    assert [code(untrusted) for untrusted in (FIRST, law_files.document())] == [
        "law_split",
        "law_split",
    ]
    # The next number goes on behind it.
    take(SECOND)
    order()
    assert number() == 2
    assert [value.in_force_from.year for value in profiles.current_amendments().values] == [2028]


def test_a_process_looks_once_in_two_seconds_by_one_small_statement(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    take(FIRST)
    order()
    seconds = [1000.0]
    monkeypatch.setattr("verification.log.laws.time.monotonic", lambda: seconds[0])
    with CaptureQueriesContext(connection) as first, transactions.running():
        pass
    assert profiles.current_amendments().number == 1
    assert sum("auditleaf" in query["sql"] for query in first) == 3
    with CaptureQueriesContext(connection) as soon, transactions.running():
        pass
    assert not [query for query in soon if "audit" in query["sql"]]
    seconds[0] += laws.LOOK_SECONDS
    with CaptureQueriesContext(connection) as later, transactions.running():
        pass
    assert sum("audit" in query["sql"] for query in later) == 1


def test_a_database_that_is_away_leaves_the_book_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    take(FIRST)
    order()
    assert number() == 1
    seconds = [1000.0]
    monkeypatch.setattr("verification.log.laws.time.monotonic", lambda: seconds[0])

    def fail(execute: Any, sql: str, *more: Any) -> Any:
        raise Error("away") if "auditleaf" in sql else AssertionError(sql)

    with connection.execute_wrapper(fail):
        laws.look(False)
        assert laws.look(False) is None
        seconds[0] += laws.LOOK_SECONDS
        laws.look(False)
        with pytest.raises(Error):
            laws.look(True)
    assert profiles.current_amendments().number == 1


def test_several_processes_of_the_audit_find_what_one_finds():
    take(FIRST)
    order()
    assert audits.findings("--processes", "1") == audits.findings("--processes", "2") == []
