"""Appends entries, signed by the key of their process. The sequencer orders them later."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import IntegrityError, transaction

from verification import clock, transactions
from verification.core import events, stored
from verification.log import keys, policy, signatures
from verification.log.keys import LOGS
from verification.log.signatures import spell_leaf
from verification.models import AuditEntry, AuditPending, Verification

# A string of 11 or 12 digits is a phone number or an IIN that was left in by mistake.
_IDENTIFIES: Final = re.compile(r"\+?[0-9]{11,12}")
_gathered: ContextVar[list[AuditEntry] | None] = ContextVar("gathered", default=None)


def require_anonymous(body: Mapping[str, Any]) -> None:
    """Raises: `ValueError`, naming the key only, if a string of the body is an IIN or a phone
    number.
    """
    # A work list instead of recursion, because the depth of bodies is not under our control.
    waiting: list[tuple[str, Any]] = list(body.items())
    while waiting:
        key, value = waiting.pop()
        if isinstance(value, Mapping):
            waiting.extend((f"{key}.{inner}", item) for inner, item in value.items())
        elif isinstance(value, list | tuple):
            waiting.extend((key, item) for item in value)
        elif isinstance(value, str) and _IDENTIFIES.fullmatch(value):
            raise ValueError(
                f"the body's {key} looks like personal data, which a leaf may not hold"
            )


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
    """Inserts an entry in the caller's transaction.

    verification: the row, whose lender is used, or its id.
    body: strings, integers, lists, maps; no personal data.

    Raises: Django's error outside a transaction.
    Raises: `KeyError` for a type that `core/events.py` lacks, `ValueError` or `TypeError` for an
    impossible leaf.
    """
    if not transaction.get_connection().in_atomic_block:
        raise transaction.TransactionManagementError(
            "an entry is written in the transaction of what it records"
        )
    if log not in LOGS:
        raise ValueError(f"there is no log {log!r}")
    if isinstance(verification, Verification):
        lender, verification = lender or verification.lender_id, verification.pk
    entry = AuditEntry(
        log=log,
        type=events.ENTRY_TYPES[type].name,
        at=at or clock.now(),
        verification_id=verification,
        verification_sequence=verification_sequence,
        lender_id=lender,
        body={"v": stored.VERSION, **body},
    )
    # Refuse an impossible leaf here, or it would stop the sequencer later. The largest sequence is
    # the longest.
    require_anonymous(entry.body)
    spell_leaf(entry, lender_sequence=policy.SIZE if lender else None)
    if (gathered := _gathered.get()) is not None:
        gathered.append(entry)
        return entry
    with gathering() as alone:
        alone.append(entry)
    return entry


@contextmanager
def gathering() -> Iterator[list[AuditEntry]]:
    """Entries appended inside are signed and inserted at the end, in two statements; after an
    error, none.

    Use it directly inside the transaction: reads inside do not see the entries yet.
    The list is for this module only: others use `append`, which checks the entry.
    """
    entries: list[AuditEntry] = []
    token = _gathered.set(entries)
    try:
        yield entries
    finally:
        _gathered.reset(token)
    signatures.sign(entries)
    AuditEntry.objects.bulk_create(entries)
    AuditPending.objects.bulk_create([AuditPending(entry_id=entry.pk) for entry in entries])


def certify(log: str) -> int:
    """Records the root's certificates from this host's files, and returns how many were new."""
    of_log = {f"evt_{certificate.id}": certificate for certificate in keys.of_files(log)}
    recorded = set(AuditEntry.objects.filter(pk__in=of_log).values_list("pk", flat=True))
    done = 0
    for pk in sorted(of_log.keys() - recorded):
        with suppress(IntegrityError):  # another process was faster
            with transactions.writing(), gathering() as alone:
                body = {"v": stored.VERSION, **of_log[pk].body}
                alone.append(
                    AuditEntry(pk=pk, log=log, type=events.CERTIFIED, at=clock.now(), body=body)
                )
            done += 1
    return done


def heartbeat(log: str, *, at: datetime | None = None) -> AuditEntry | None:
    """An entry that shows the log to be alive, if the last one is an hour old; else None."""
    now = at or clock.now()
    since = now - timedelta(seconds=policy.HEARTBEAT_SECONDS)
    lately = AuditEntry.objects.filter(log=log, type=events.HEARTBEAT, at__gt=since, at__lte=now)
    if lately.exists():
        return None
    with transactions.writing():
        if lately.exists():  # another was faster
            return None
        return append(log=log, type=events.HEARTBEAT, body={}, at=now)
