"""What is on record is neither changed nor deleted, not even by our own code."""

from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction
from django.db.models import Model

from tests.verification.log.rows import add_entry, order_all
from verification.models import AuditCheckpoint, AuditEntry, AuditLeaf

pytestmark = pytest.mark.django_db(transaction=True)

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


@pytest.mark.parametrize("table", CHANGES)
def test_a_row_on_record_is_not_changed(table: type[Model]) -> None:
    add_entry()
    order_all()
    before = table._default_manager.values().get()
    with pytest.raises(DatabaseError), transaction.atomic():
        table._default_manager.update(**CHANGES[table])
    assert table._default_manager.values().get() == before


@pytest.mark.parametrize("table", CHANGES)
def test_a_row_on_record_is_not_deleted(table: type[Model]) -> None:
    add_entry()
    order_all()
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(DELETES[table])
    assert table._default_manager.count() == 1


@pytest.mark.parametrize("table", CHANGES)
def test_a_table_on_record_is_not_emptied(table: type[Model]) -> None:
    if connection.vendor != "postgresql":
        pytest.skip("only PostgreSQL knows TRUNCATE")
    add_entry()
    order_all()
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"TRUNCATE {connection.ops.quote_name(table._meta.db_table)} CASCADE")
    assert table._default_manager.count() == 1
