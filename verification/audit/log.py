"""Putting something on record: inserted here, in the caller's transaction; ordered later by the sequencer."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from verification.audit import policy
from verification.audit.keys import LOGS
from verification.audit.leaf import Leaf, require_anonymous
from verification.core import events
from verification.models import AuditEntry, AuditPending, Verification

_HEARTBEAT = "log.heartbeat"


def append(
    *,
    log: str,
    type: str,
    body: Mapping[str, Any],
    verification: Verification | str | None = None,
    verification_sequence: int | None = None,
    lender: str | None = None,
    at: datetime | None = None,
) -> AuditEntry:
    """Inserts an entry that stands or falls with the transaction around it.

    `log`: the mode, `test` or `live`. `verification`: the row or its id; with the row, its lender is taken. `lender`:
    an id. `body`: strings, integers, lists and maps, no personal data. `at`: now, if left out.
    Raises `KeyError` for a type that `core/events.py` does not list, `ValueError` or `TypeError` for a body that
    is no leaf, `TransactionManagementError` outside a transaction.
    """
    if not transaction.get_connection().in_atomic_block:
        raise transaction.TransactionManagementError("an entry is written in the transaction of what it records")
    if log not in LOGS:
        raise ValueError(f"there is no log {log!r}")
    if isinstance(verification, Verification):
        lender = lender or verification.lender_id
        verification = verification.pk
    entry = AuditEntry(
        log=log,
        type=events.require(type).name,
        at=at or timezone.now(),
        verification_id=verification,
        verification_sequence=verification_sequence,
        lender_id=lender,
        body=dict(body),
    )
    _require_leaf(entry)
    entry.save(force_insert=True)
    AuditPending(entry=entry).save(force_insert=True)
    return entry


def heartbeat(log: str, *, at: datetime | None = None) -> AuditEntry | None:
    """An entry that shows the log to be alive, if the last one is an hour old; None otherwise."""
    now = at or timezone.now()
    since = now - timedelta(seconds=policy.HEARTBEAT_SECONDS)
    with transaction.atomic():
        if AuditEntry.objects.filter(log=log, type=_HEARTBEAT, at__gt=since).exists():
            return None
        return append(log=log, type=_HEARTBEAT, body={}, at=now)


def leaf_of_entry(entry: AuditEntry, *, lender_sequence: int | None) -> Leaf:
    """What the leaf of an entry says once the lender's sequence is known."""
    return Leaf(
        id=entry.pk,
        log=entry.log,
        type=entry.type,
        at=entry.at,
        verification=entry.verification_id,
        verification_sequence=entry.verification_sequence,
        lender=entry.lender_id,
        lender_sequence=lender_sequence,
        body=entry.body,
    )


def _require_leaf(entry: AuditEntry) -> None:
    """Raises unless the entry fits in a leaf, so that no entry can stop the sequencer later."""
    require_anonymous(entry.body)
    # The largest sequence is the longest to spell.
    longest = policy.SIZE if entry.lender_id else None
    _ = leaf_of_entry(entry, lender_sequence=longest).bytes
