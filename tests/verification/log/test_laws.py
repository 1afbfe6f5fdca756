"""A law file on record: when it counts, what completes it, which is refused, and how often a
process looks.
"""

import json
from contextlib import suppress
from datetime import date
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
    SEED,
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
from verification.core import law_file, profiles
from verification.core.certificates import public_of
from verification.log import laws, sequencer
from verification.models import AuditEntry, AuditPending

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("read_from_rows")]


@pytest.fixture
def first_law() -> None:
    """The first law file, taken and ordered by both logs."""
    take(FIRST)
    order()


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


@pytest.mark.usefixtures("first_law")
def test_a_process_looks_once_in_two_seconds_by_one_small_statement(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
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


@pytest.mark.usefixtures("first_law")
def test_a_database_that_is_away_leaves_the_book_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
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


@pytest.mark.usefixtures("first_law")
def test_several_processes_of_the_audit_find_what_one_finds():
    assert audits.findings("--processes", "1") == audits.findings("--processes", "2") == []


# An attacker forges rows about the law. They hold the application's role, or more, and no key of
# the root.
#
# With the application's role they insert entries and leaves; who owns the tables alters them; who
# owns `tick` orders.


def altered() -> dict[str, Any]:
    """A genuine entry in which one digit of a sum is another."""
    said = FIRST | {"mci": [law_files.MCI_2027 | {"tenge": 4501}]}
    return body_of(FIRST, law=said, sha256=law_file.parse(said).sha256)


FORGED = {
    "signed by another key": body_of(FIRST, seed=SEED),
    "unsigned": body_of(FIRST, signature=""),
    "with another signature": body_of(FIRST, signature=body_of(SECOND)["signature"]),
    "altered in one digit": altered(),
    "under another hash": body_of(FIRST, sha256="0" * 64),
    "with more beside": body_of(FIRST, note="counts at once"),
    "without its document": {"v": 1, "number": 1},
    "for another installation": body_of(law_files.document(installation="elsewhere")),
    "of a number that is not next": body_of(SECOND),
    "laxer": body_of(law_files.document(profiles=[law_files.profile(cooling_off_hours=1)])),
    "with a second value": body_of(law_files.document(mci=[law_files.MCI_2027 | {"year": 2026}])),
}


@pytest.mark.parametrize("body", FORGED.values(), ids=FORGED)
def test_a_row_that_an_attacker_inserts_is_not_ordered_and_counts_nowhere(body):
    for log in LOGS:
        slip_in(
            AuditEntry(log=log, type="law.taken", at=NOON, body=body), verification_sequence=None
        )
    order()
    assert AuditPending.objects.filter(refused=True).count() == 2
    assert number() == 0
    assert not profiles.is_mci_known(DAY)
    assert kinds() == kinds("live") == ["entry_refused"]
    # It does not block the genuine file, which is taken behind it.
    assert take(FIRST) == LOGS
    order()
    assert number() == 1


@pytest.mark.usefixtures("first_law")
def test_a_genuine_file_that_is_replayed_by_a_row_is_not_ordered_again():
    for log in LOGS:
        slip_in(AuditEntry.objects.get(log=log), verification_sequence=None)
    order()
    assert AuditPending.objects.filter(refused=True).count() == 2
    assert number() == 1
    faults = sequencer.faults(AuditEntry.objects.filter(pending__isnull=False))
    assert all(fault.startswith("law_replayed: ") for fault in faults.values())
    assert len(faults) == 2


@pytest.mark.usefixtures("first_law")
def test_a_row_with_a_leaf_of_the_attackers_own_counts_nowhere():
    body = body_of(law_files.document(2, mci=[law_files.MCI_2027 | {"year": 2028}]), seed=SEED)
    for log in LOGS:
        pk = slip_in(AuditEntry.objects.get(log=log), verification_sequence=None, body=body)
        with connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO verification_auditleaf (entry_id, log, leaf_index, told_to, leaf_hash)"
                " VALUES (%s, %s, %s, %s, %s)",
                [pk, log, 1, "", bytes(32)],
            )
    assert number() == 1
    assert not profiles.is_mci_known(date(2028, 1, 2))
    assert {"law_forged", "entry_differs"} <= {*kinds()}


@pytest.mark.parametrize(
    ("root", "origin", "expected"),
    [(public_of(SEED), None, "law_forged"), (None, "another.example/log", "law_elsewhere")],
    ids=["another root", "another installation"],
)
def test_what_was_ordered_by_an_owned_tick_is_named_and_counts_nowhere(
    settings: Settings, root: bytes | None, origin: str | None, expected: str
) -> None:
    own, own_origin = settings.TULGA_ROOT, settings.TULGA_LOG_ORIGIN
    settings.TULGA_ROOT = root or own
    said = law_files.document(installation=origin or own_origin)
    for log in LOGS:
        body = body_of(said, seed=SEED if root else None)
        slip_in(
            AuditEntry(log=log, type="law.taken", at=NOON, body=body), verification_sequence=None
        )
    with pytest.MonkeyPatch.context() as owned:
        owned.setattr(sequencer, "_unsigned", lambda entries, *, upto: {})
        order()
    settings.TULGA_ROOT = own
    assert number() == 0
    assert {"entry_unsigned", expected} == {*kinds()}
    # The log's own law goes on behind it.
    take(FIRST)
    order()
    assert number() == 1


@pytest.mark.usefixtures("first_law")
def test_an_entry_that_the_owner_alters_counts_nowhere_and_is_named():
    assert number() == 1
    for entry in AuditEntry.objects.all():
        tamper(
            (
                "UPDATE verification_auditentry SET body = %s WHERE id = %s",
                (json.dumps(altered()), entry.pk),
            )
        )
    laws.forget()
    assert number() == 0
    assert {"entry_differs", "law_forged"} <= {*kinds()}
