"""Entries are put on record in the caller's transaction, or refused before anything is written."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.db.transaction import TransactionManagementError

from tests.verification.log.rows import NOON, add_case, add_entry, add_lender, add_verification
from verification.log import log
from verification.models import AuditEntry, AuditPending


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
