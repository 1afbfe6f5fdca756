"""The readers of the log give the entries that are asked for, in their order, by one statement."""

from datetime import timedelta

import pytest
from django.db import connection

from tests.statements import statements
from tests.verification.log.rows import (
    NOON,
    add_case,
    add_entry,
    add_lender,
    add_verification,
    order_all,
    slip_in,
    tamper,
)
from verification.core.events import DECISIONS
from verification.log import entries
from verification.log.damaged import UNREADABLE
from verification.models import AuditEntry, AuditLeaf, Verification
from verification.worker import sweep

pytestmark = pytest.mark.django_db(transaction=True)


def numbers(rows: list[AuditEntry]) -> list[int | None]:
    return [entry.verification_sequence for entry in rows]


def test_entries_of_cases_come_case_by_case_and_each_in_its_order() -> None:
    lender = add_lender()
    cases = sorted(add_case(lender).pk for _ in range(2))
    add_case(lender)
    add_entry()
    with statements() as sent:
        read = entries.of_cases(cases)
    assert len(sent) == 1
    assert [entry.verification_id for entry in read] == [cases[0]] * 3 + [cases[1]] * 3
    assert numbers(read) == [1, 2, 3] * 2


def test_cases_may_be_rows_that_stay_a_part_of_the_statement() -> None:
    case = add_case(add_lender())
    with statements() as sent:
        read = entries.of_cases(Verification.objects.filter(pk=case.pk), types=DECISIONS)
    assert len(sent) == 1
    assert numbers(read) == [3]


def test_entries_of_no_case_ask_nothing() -> None:
    with statements() as sent:
        assert entries.of_cases([]) == []
        assert entries.of_cases([add_lender().pk], types=()) == []
    assert not [statement for statement in sent if "auditentry" in statement]


def test_entries_are_chosen_by_type_by_log_and_by_what_their_bodies_say() -> None:
    case = add_case(add_lender())
    for number, log, cause in ((4, "test", "a"), (5, "test", "b"), (6, "live", "b")):
        body = {"step": "judge", "cause": cause}
        add_entry(case, type="step.faulted", verification_sequence=number, log=log, body=body)

    def chosen(**how: object) -> list[int | None]:
        return numbers(entries.of_cases([case.pk], types=("step.faulted",), **how))  # type: ignore[arg-type]

    assert chosen() == [4, 5, 6]
    assert chosen(log="test") == [4, 5]
    assert chosen(saying={"step": "judge", "cause": "b"}) == [5, 6]
    assert chosen(saying={"cause": "b"}, log="live") == [6]
    assert chosen(saying={"cause": "c"}) == []
    assert chosen(saying={"step": "judge", "code": "b"}) == []


def test_leaves_are_loaded_where_they_are_asked_for_and_waiting_entries_have_none() -> None:
    case = add_case(add_lender())
    order_all()
    later = NOON + timedelta(days=1)
    add_entry(case, type="verification.disputed", verification_sequence=4, at=later)
    read = entries.of_cases([case.pk], with_leaf=True)
    with statements() as sent:
        assert [entry.leaf.leaf_index for entry in read[:3]] == [0, 1, 2]
        with pytest.raises(AuditLeaf.DoesNotExist):
            _ = read[3].leaf
    assert sent == []


def test_an_entry_that_cannot_be_read_is_left_out_only_where_that_is_asked_for() -> None:
    case = add_case(add_lender())
    first, second, third = entries.of_cases([case.pk])
    no_time = "infinity" if connection.vendor == "postgresql" else "2026-99-99 00:00:00"
    tamper(("UPDATE verification_auditentry SET at = %s WHERE id = %s", [no_time, second.pk]))
    assert numbers(entries.of_cases([case.pk], skips_damaged=True)) == [1, 3]
    read = entries.by_ids([first.pk, second.pk, third.pk], skips_damaged=True)
    assert {entry.pk for entry in read} == {first.pk, third.pk}
    with pytest.raises(UNREADABLE):
        entries.of_cases([case.pk])
    with pytest.raises(UNREADABLE):
        entries.by_ids([second.pk])


def test_entries_are_found_by_their_ids() -> None:
    known = sorted(entry.pk for entry in (add_entry(), add_entry(log="live")))
    add_entry()
    assert [entry.pk for entry in entries.by_ids([*reversed(known), "evt_none"])] == known


def test_a_log_is_read_from_an_index_on_and_in_its_order() -> None:
    lender = add_lender()
    cases = [add_case(lender) for _ in range(3)]
    add_case(lender, mode="live")
    order_all()
    order_all("live")
    add_case(lender)  # waits
    read = entries.of_log("test", types=DECISIONS, from_index=0, limit=9)
    with statements() as sent:
        places = [entry.leaf.leaf_index for entry in read]
    assert sent == []
    assert places == sorted(places)
    assert {entry.verification_id for entry in read} == {case.pk for case in cases}
    behind = entries.of_log("test", types=DECISIONS, from_index=places[0] + 1, limit=1)
    assert [entry.pk for entry in behind] == [read[1].pk]
    assert entries.of_log("test", types=("law.taken",), from_index=0, limit=9) == []


def test_the_ids_of_a_type_are_those_of_entries_about_cases_ordered_or_not() -> None:
    lender = add_lender()
    for _ in range(2):
        add_case(lender)
        order_all()
    add_case(lender)
    add_case(lender, mode="live")
    add_entry(type="verification.verified")
    names = list(entries.ids_of_type("test", "verification.verified"))
    assert len(names) == 3
    assert names == sorted(names)


def test_readings_are_those_of_one_person_the_newest_first() -> None:
    for number in range(3):
        body, at = {"person": "usr_a", "what": "case"}, NOON + timedelta(minutes=number)
        add_entry(type="oversight.viewed", body=body, at=at)
    add_entry(type="oversight.viewed", body={"person": "usr_b", "what": "case"})
    add_entry(type="oversight.viewed", body={"person": "usr_a", "what": "case"}, log="live")
    add_entry(type="review.viewed", body={"person": "usr_a", "what": "case"})
    order_all()
    with statements() as sent:
        read = entries.readings_by("usr_a", log="test", limit=2)
        assert [(entry.at - NOON).seconds for entry in read] == [120, 60]
        assert all(entry.leaf for entry in read)
    assert len(sent) == 1


def test_looks_at_a_case_are_counted_by_who_looked_at_what() -> None:
    case = add_verification(add_lender())
    bodies = ({"person": "usr_a", "what": "case"}, {"key": "key_b"}, {"key": "key_b"})
    for minute, body in enumerate(bodies):
        kind = "review.viewed" if "person" in body else "document.read"
        at = NOON + timedelta(minutes=minute)
        add_entry(type=kind, body={**body, "verification": case.pk}, at=at)
    add_entry(type="document.read", body={"key": "key_b", "verification": "ver_other"})
    add_entry(type="document.read", body={"key": "key_b", "verification": case.pk}, log="live")
    minutes = [NOON + timedelta(minutes=number) for number in range(3)]
    assert entries.looks_at(case) == (
        entries.Look("usr_a", "case", 1, minutes[0], minutes[0]),
        entries.Look("key_b", "document", 2, minutes[1], minutes[2]),
    )


def test_what_waits_is_counted_by_case_and_by_time_and_what_is_refused_says_why() -> None:
    lender = add_lender()
    case = add_case(lender)
    assert entries.waiting() == entries.waiting(case=case.pk) == 3
    assert entries.waiting(case=case.pk, until=NOON + timedelta(seconds=2)) == 2
    assert entries.waiting(are_refused=True) == 0
    order_all()
    assert entries.waiting() == 0
    (decision,) = entries.of_cases([case.pk], types=DECISIONS)
    forged = slip_in(add_entry(add_case(lender), verification_sequence=9), body={"v": 1})
    slip_in(decision, type="attempt.opened", body={"v": 1}, at=NOON - timedelta(days=1))
    sweep.run_round(is_whole=False)
    assert entries.waiting(are_refused=True) == 2
    newest, oldest = entries.refusals(limit=9)
    assert newest[0].pk == forged
    assert {why for _, why in (newest, oldest)} == {"it has no signature"}
    assert oldest[0].verification is not None
    assert oldest[0].verification.pk == case.pk
    assert len(entries.refusals(limit=1)) == 1
