"""Entries that were lost, doubled or reordered are named, and so is a status that the log did not
decide.
"""

import pytest
from django.db import connection

from tests.verification.log.ordered import ENTRY, found
from tests.verification.log.rows import add_entry, add_lender, add_verification, order_all, tamper
from verification.models import AuditLeaf, AuditPending

pytestmark = pytest.mark.django_db(transaction=True)

ON_ENTRY = "UPDATE verification_auditentry SET {} WHERE id = %s"


def test_an_entry_that_no_longer_waits_is_named(log: list[AuditLeaf]) -> None:
    waiting = AuditPending.objects.get().entry_id
    tamper(("DELETE FROM verification_auditpending", ()))
    assert [(finding.code, finding.entry) for finding in found()] == [("entry_lost", waiting)]


def test_an_entry_that_is_ordered_and_waits_is_named(log: list[AuditLeaf]) -> None:
    AuditPending.objects.create(entry_id=log[0].entry_id)
    assert [(finding.code, finding.entry) for finding in found()] == [
        ("entry_waits", log[0].entry_id)
    ]


def test_a_status_that_the_log_did_not_decide_is_named(log: list[AuditLeaf]) -> None:
    decision = log[5].entry
    tamper(
        (
            "UPDATE verification_verification SET status = 'declined' WHERE id = %s",
            (decision.verification_id,),
        )
    )
    assert [(finding.code, finding.entry, finding.field) for finding in found()] == [
        ("status", decision.pk, "status")
    ]
    assert decision.lender is not None
    undecided = add_verification(decision.lender, status="verified")
    assert [finding.detail for finding in found() if finding.code == "undecided"] == [
        f"verification {undecided.pk} stands as verified, but the log decided nothing"
    ]


def test_two_decisions_are_named(log: list[AuditLeaf]) -> None:
    drop = {"sqlite": "DROP INDEX", "postgresql": "DROP INDEX"}[connection.vendor]
    tamper(
        (f"{drop} one_decision_per_verification", ()),
        (ON_ENTRY.format("type = 'verification.verified'"), (log[ENTRY].entry_id,)),
    )
    named = {finding.code: finding for finding in found()}
    assert (
        named["decisions"].detail
        == f"verification {log[ENTRY].entry.verification_id} has 2 decisions"
    )
    assert named["entry_differs"].entry == log[ENTRY].entry_id


def test_sequences_that_run_backwards_in_the_log_are_named() -> None:
    verification = add_verification(add_lender())
    second = add_entry(verification, verification_sequence=2)
    order_all()
    first = add_entry(verification, verification_sequence=1)
    order_all()
    assert [(finding.code, finding.entry) for finding in found()] == [
        ("verification_order", first.pk)
    ]
    assert second.pk != first.pk


def test_sequences_begin_at_one_and_have_no_gaps() -> None:
    lender = add_lender()
    for numbers in ((1, 3), (2, 3), (1, 2)):
        verification = add_verification(lender)
        for number in numbers:
            add_entry(verification, verification_sequence=number)
    order_all()
    assert [finding.code for finding in found()] == ["verification_sequence"] * 2


def test_a_waiting_entry_whose_name_is_damaged_is_not_read_for_ever(log: list[AuditLeaf]) -> None:
    if connection.vendor != "sqlite":
        pytest.skip("this database stores no such row")
    # Bytes stand behind every text, and before it once they are asked for as one.
    waiting = AuditPending.objects.get().entry_id
    tamper(
        ("UPDATE verification_auditentry SET id = CAST(id AS BLOB) WHERE id = %s", (waiting,)),
        (
            (
                "UPDATE verification_auditpending SET entry_id = CAST(entry_id AS BLOB) WHERE"
                " entry_id = %s"
            ),
            (waiting,),
        ),
    )
    assert {finding.code for finding in found()} <= {"entry_refused"}
