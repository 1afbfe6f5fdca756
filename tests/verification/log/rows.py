"""Rows to put on record, and a hand that changes what is on record as only the database's owner
could.
"""

import json
import os
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
from django.db import connection, transaction

from lenders.models import Lender
from verification.core.ids import new_id
from verification.core.keeping import reference_mark
from verification.log import log, sequencer
from verification.models import AuditEntry, Verification

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


# What the tables' owner can do without being a superuser: take triggers and foreign keys down. Who
# may set them aside for one connection leaves the catalogue as it was, and then rows alone have to
# be put back.
_LET_GO = """
DO $$ DECLARE held record; BEGIN
    FOR held IN SELECT conrelid::regclass AS name, conname FROM pg_constraint WHERE contype = 'f' LOOP
        EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', held.name, held.conname);
    END LOOP;
    FOR held IN SELECT DISTINCT tgrelid::regclass AS name FROM pg_trigger WHERE NOT tgisinternal LOOP
        EXECUTE format('ALTER TABLE %s DISABLE TRIGGER USER', held.name);
    END LOOP;
END $$
"""  # noqa: E501


def add_lender(bin: str = "123456789012") -> Lender:
    return Lender.objects.create(name="Lender", bin=bin, phone="+77270000044")


def add_verification(
    lender: Lender, *, status: str = "processing", mode: str = "test"
) -> Verification:
    return Verification.objects.create(
        lender=lender,
        mode=mode,
        client_reference=new_id("ref"),
        created_at=NOON,
        expires_at=NOON + timedelta(days=1),
        status=status,
        locale="en",
        profile_id="KZ-2021-04",
        profile_sha256="0" * 64,
        combinations=[["eds"]],
        sealed_case=b"",
    )


def add_entry(verification: Verification | None = None, **given: Any) -> AuditEntry:
    fields = {"log": "test", "type": "link.minted", "body": {"route": "eds"}} | given
    with transaction.atomic():
        return log.append(verification=verification, **fields)


def add_case(
    lender: Lender, *, length: int = 3, mode: str = "test", names_law: bool = False
) -> Verification:
    """A verification that was verified, with its entries numbered from 1; the last one is the
    decision.
    """
    verification = add_verification(lender, status="verified", mode=mode)
    law = {"profile": verification.profile_id, "profile_sha256": verification.profile_sha256}
    law |= {"reference": reference_mark(verification.pk, verification.client_reference)}
    for sequence in range(1, length + 1):
        add_entry(
            verification,
            log=mode,
            type="verification.verified" if sequence == length else "attempt.opened",
            verification_sequence=sequence,
            body={"sequence": sequence, "codes": ["eds_certificate_revoked"]}
            | (law if names_law else {}),
            at=NOON + timedelta(seconds=sequence),
        )
    return verification


def order_all(name: str = "test", *, limit: int = 1024) -> int:
    ordered = 0
    while more := sequencer.order(name, limit=limit):
        ordered += more
    return ordered


def tamper(*statements: tuple[str, Sequence[Any]]) -> None:
    """Changes committed rows behind the application's back, triggers and foreign keys switched
    off.
    """
    if connection.vendor == "postgresql":
        with psycopg.connect(os.environ["MIGRATION_DATABASE_URL"]) as owner:
            try:
                owner.execute("SET session_replication_role = replica")
            except psycopg.errors.InsufficientPrivilege:
                owner.rollback()
                owner.execute(_LET_GO)
            for statement, values in statements:
                owner.execute(statement, values)
        return
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA foreign_keys = OFF")
        cursor.execute("PRAGMA ignore_check_constraints = ON")
        cursor.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")
        for (name,) in cursor.fetchall():
            cursor.execute(f"DROP TRIGGER {name}")
        for statement, values in statements:
            cursor.execute(statement, values)
        cursor.execute("PRAGMA ignore_check_constraints = OFF")
        cursor.execute("PRAGMA foreign_keys = ON")


def slip_in(entry: AuditEntry, **changes: Any) -> str:
    """What the application's role can do by SQL: one more entry, like this one but for the changes,
    and its place in the queue of the log. Its id.
    """
    row = {
        field.attname: getattr(entry, field.attname) for field in AuditEntry._meta.concrete_fields
    }
    row |= {
        "id": new_id("evt"),
        "verification_sequence": (entry.verification_sequence or 0) + 1000,
        **changes,
    }
    row["body"] = json.dumps(row["body"])
    if isinstance(row["at"], datetime):  # or a word of PostgreSQL's own
        row["at"] = connection.ops.adapt_datetimefield_value(row["at"])
    columns = ", ".join(row)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO verification_auditentry ({columns}) VALUES"  # noqa: S608
            f" ({', '.join(['%s'] * len(row))})",
            list(row.values()),
        )
        cursor.execute(
            "INSERT INTO verification_auditpending (entry_id, refused) VALUES (%s, %s)",
            [row["id"], False],
        )
    return str(row["id"])
