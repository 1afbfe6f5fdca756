"""Entries are put on record in the caller's transaction, or refused before anything is written."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.db.models import Model
from django.db.transaction import TransactionManagementError

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
from verification.core.errors import LogInconsistent
from verification.core.events import DECISIONS
from verification.log import decided, entries, keys, log, policy, proofs, signatures, tlog_proof
from verification.log.damaged import UNREADABLE
from verification.log.log import require_anonymous
from verification.log.signatures import spell_leaf
from verification.models import AuditCheckpoint, AuditEntry, AuditLeaf, AuditPending, Verification
from verification.worker import sweep


@pytest.mark.django_db(transaction=True)
def test_an_entry_outside_a_transaction_is_refused() -> None:
    with pytest.raises(TransactionManagementError):
        log.append(log="test", type="log.heartbeat", body={})
    assert not AuditEntry.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_an_entry_falls_with_its_transaction() -> None:
    with transaction.atomic():
        log.append(log="test", type="log.heartbeat", body={})
        transaction.set_rollback(True)
    assert (AuditEntry.objects.count(), AuditPending.objects.count()) == (0, 0)


@pytest.mark.django_db
def test_an_entry_of_a_verification_is_its_lenders() -> None:
    verification = add_verification(add_lender())
    assert add_entry(verification).lender_id == verification.lender_id
    assert add_entry().lender_id is None


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("given", "error"),
    [
        ({"type": "verification.typo"}, KeyError),
        ({"log": "tset"}, ValueError),
        ({"body": {"score": 0.25}}, TypeError),
        ({"body": {"iin": "850101300123"}}, ValueError),
        ({"body": {"text": "x" * 65_535}}, ValueError),
    ],
)
def test_what_could_not_become_a_leaf_is_refused(
    given: dict[str, Any], error: type[Exception]
) -> None:
    with pytest.raises(error):
        add_entry(**given)
    assert not AuditEntry.objects.exists()


@pytest.mark.django_db
def test_a_second_decision_is_refused_by_the_database() -> None:
    verification = add_case(add_lender())
    with pytest.raises(IntegrityError):
        add_entry(verification, type="verification.declined", verification_sequence=4)


@pytest.mark.django_db
def test_a_heartbeat_comes_once_an_hour_in_each_log() -> None:
    assert log.heartbeat("test", at=NOON) is not None
    assert log.heartbeat("test", at=NOON + timedelta(minutes=59)) is None
    assert log.heartbeat("live", at=NOON + timedelta(minutes=59)) is not None
    assert log.heartbeat("test", at=NOON + timedelta(minutes=60)) is not None
    assert (
        AuditEntry.objects.filter(type="log.heartbeat").count() == AuditPending.objects.count() == 3
    )


# What a leaf says, byte for byte, and what may not stand in one.


ROW = {
    "id": "evt_a",
    "log": "test",
    "type": "attempt.opened",
    "at": datetime(2026, 3, 1, 12, 0, 0, 5, tzinfo=UTC),
    "verification_id": "ver_a",
    "verification_sequence": 2,
    "lender_id": "len_a",
    "body": {"outcome": "failed", "codes": ["x"], "text": "тұлға"},
}

SPELT = (
    '{"at":"2026-03-01T12:00:00.000005Z","body":{"codes":["x"],"outcome":"failed","text":"тұлға"},"id":"evt_a",'
    '"lender":"len_a","lender_sequence":7,"mode":"test","schema":1,"type":"attempt.opened","verification":"ver_a",'
    '"verification_sequence":2}'
).encode()


def spelt(*, lender_sequence: int | None = 7, **changes: object) -> bytes:
    return spell_leaf(AuditEntry(**{**ROW, **changes}), lender_sequence=lender_sequence)


def test_a_leaf_has_one_spelling() -> None:
    assert spelt() == SPELT
    assert spelt(body={"text": "тұлға", "codes": ["x"], "outcome": "failed"}) == SPELT
    assert spelt(at=datetime(2026, 3, 1, 17, 0, 0, 5, tzinfo=timezone(timedelta(hours=5)))) == SPELT


def test_absent_fields_are_left_out() -> None:
    bare = spelt(
        lender_sequence=None,
        verification_id=None,
        verification_sequence=None,
        lender_id=None,
        body={},
    )
    assert (
        bare
        == b'{"at":"2026-03-01T12:00:00.000005Z","body":{},"id":"evt_a","mode":"test","schema":1,"type":"attempt.opened"}'  # noqa: E501
    )


def test_a_time_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="zone"):
        spelt(at=datetime(2026, 3, 1))


def test_a_leaf_fits_in_two_bytes_of_length() -> None:
    room = policy.LEAF_BYTES - len(spelt(body={"a": ""}))
    assert len(spelt(body={"a": "x" * room})) == 65_535
    with pytest.raises(ValueError, match="at most 65535 bytes"):
        spelt(body={"a": "x" * (room + 1)})


@pytest.mark.parametrize("value", [0.5, b"x", {1: "x"}, object()])
def test_a_value_without_one_spelling_is_refused(value: object) -> None:
    with pytest.raises(TypeError):
        spelt(body={"a": value})


@pytest.mark.parametrize("value", ["850101300123", "+77011234567", "77011234567"])
@pytest.mark.parametrize(
    "wrap", [lambda value: value, lambda value: [value], lambda value: {"b": [{"c": value}]}]
)
def test_a_string_that_is_an_iin_or_a_phone_is_refused_and_not_repeated(
    value: str, wrap: object
) -> None:
    with pytest.raises(ValueError, match="personal data") as refusal:
        require_anonymous({"a": wrap(value)})  # type: ignore[operator]
    assert value not in str(refusal.value)


@pytest.mark.parametrize(
    "value", ["8501013001", "8501013001234", "x850101300123", 850101300123, "", "a1" * 32]
)
def test_other_values_are_no_personal_data(value: object) -> None:
    require_anonymous({"a": value, "b": [value]})


# The readers of the log give the entries that are asked for, in their order, by one statement.


def numbers(rows: list[AuditEntry]) -> list[int | None]:
    return [entry.verification_sequence for entry in rows]


@pytest.mark.django_db(transaction=True)
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


@pytest.mark.django_db(transaction=True)
def test_cases_may_be_rows_that_stay_a_part_of_the_statement() -> None:
    case = add_case(add_lender())
    with statements() as sent:
        read = entries.of_cases(Verification.objects.filter(pk=case.pk), types=DECISIONS)
    assert len(sent) == 1
    assert numbers(read) == [3]


@pytest.mark.django_db(transaction=True)
def test_entries_of_no_case_ask_nothing() -> None:
    with statements() as sent:
        assert entries.of_cases([]) == []
        assert entries.of_cases([add_lender().pk], types=()) == []
    assert not [statement for statement in sent if "auditentry" in statement]


@pytest.mark.django_db(transaction=True)
def test_entries_are_chosen_by_type_by_log_and_by_what_their_bodies_say() -> None:
    case = add_case(add_lender())
    for number, mode, cause in ((4, "test", "a"), (5, "test", "b"), (6, "live", "b")):
        body = {"step": "judge", "cause": cause}
        add_entry(case, type="step.faulted", verification_sequence=number, log=mode, body=body)

    def chosen(**how: object) -> list[int | None]:
        return numbers(entries.of_cases([case.pk], types=("step.faulted",), **how))  # type: ignore[arg-type]

    assert chosen() == [4, 5, 6]
    assert chosen(log="test") == [4, 5]
    assert chosen(saying={"step": "judge", "cause": "b"}) == [5, 6]
    assert chosen(saying={"cause": "b"}, log="live") == [6]
    assert chosen(saying={"cause": "c"}) == []
    assert chosen(saying={"step": "judge", "code": "b"}) == []


@pytest.mark.django_db(transaction=True)
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


@pytest.mark.django_db(transaction=True)
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


@pytest.mark.django_db(transaction=True)
def test_entries_are_found_by_their_ids() -> None:
    known = sorted(entry.pk for entry in (add_entry(), add_entry(log="live")))
    add_entry()
    assert [entry.pk for entry in entries.by_ids([*reversed(known), "evt_none"])] == known


@pytest.mark.django_db(transaction=True)
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


@pytest.mark.django_db(transaction=True)
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


@pytest.mark.django_db(transaction=True)
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


@pytest.mark.django_db(transaction=True)
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
        entries.Look("usr_a", "review.viewed", "case", 1, minutes[0], minutes[0]),
        entries.Look("key_b", "document.read", "document", 2, minutes[1], minutes[2]),
    )


@pytest.mark.django_db(transaction=True)
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


# What is on record is read in order, and each ordered entry has a proof.


@pytest.mark.django_db(transaction=True)
def test_every_entry_has_a_proof_that_verifies_offline_once_it_is_ordered() -> None:
    entries = [add_entry(body={"number": number}) for number in range(11)]
    assert proofs.proof_for(entries[0].pk) is None
    assert signatures.leaf_bytes(entries[0]) is None
    order_all(limit=4)
    for entry in entries:
        proof, leaf = proofs.proof_for(entry.pk), signatures.leaf_bytes(entry)
        assert proof is not None
        assert leaf is not None
        assert tlog_proof.verify(proof, leaf=leaf, key=keys.verification_key("test")).size == 11
        with pytest.raises(LogInconsistent):
            tlog_proof.verify(proof, leaf=leaf, key=keys.verification_key("live"))


@pytest.mark.django_db(transaction=True)
def test_what_a_lender_is_told_is_read_behind_a_cursor_and_has_no_gap() -> None:
    lender, other = add_lender("111111111111"), add_lender("222222222222")
    for owner in (lender, lender, other, lender):
        add_case(owner, names_law=True)
    assert decided.leaves_after("test", lender_id=lender.pk, lender_sequence=0, limit=9) == []
    order_all()
    read = decided.leaves_after("test", lender_id=lender.pk, lender_sequence=0, limit=9)
    assert [(leaf.lender_sequence, leaf.entry.type) for leaf in read] == [
        (number, "verification.verified") for number in (1, 2, 3)
    ]
    assert {leaf.entry.lender_id for leaf in read} == {lender.pk}
    assert (
        decided.leaves_after("test", lender_id=lender.pk, lender_sequence=1, limit=1) == read[1:2]
    )
    assert decided.leaves_after("live", lender_id=lender.pk, lender_sequence=0, limit=9) == []


# What is on record is neither changed nor deleted, not even by our own code.


DELETES = {
    AuditEntry: "DELETE FROM verification_auditentry",
    AuditLeaf: "DELETE FROM verification_auditleaf",
    AuditCheckpoint: "DELETE FROM verification_auditcheckpoint",
}

CHANGES: dict[type[Model], dict[str, Any]] = {
    AuditEntry: {"type": "link.spent"},
    AuditLeaf: {"leaf_hash": b""},
    AuditCheckpoint: {"note": ""},
}


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("table", CHANGES)
def test_a_row_on_record_is_not_changed(table: type[Model]) -> None:
    add_entry()
    order_all()
    before = table._default_manager.values().get()
    with pytest.raises(DatabaseError), transaction.atomic():
        table._default_manager.update(**CHANGES[table])
    assert table._default_manager.values().get() == before


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("table", CHANGES)
def test_a_row_on_record_is_not_deleted(table: type[Model]) -> None:
    add_entry()
    order_all()
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(DELETES[table])
    assert table._default_manager.count() == 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("table", CHANGES)
def test_a_table_on_record_is_not_emptied(table: type[Model]) -> None:
    if connection.vendor != "postgresql":
        pytest.skip("only PostgreSQL knows TRUNCATE")
    add_entry()
    order_all()
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"TRUNCATE {connection.ops.quote_name(table._meta.db_table)} CASCADE")
    assert table._default_manager.count() == 1
