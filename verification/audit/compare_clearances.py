"""Clearances: each row is what its entries make of it. A row that no entry made would let money out."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from verification.audit.held_rows import Held, Said, advanced_by, earlier, named, reconcile, spelled
from verification.core.clearance import CONSUMED, FROZEN, ISSUED, OPEN, PROCESSING, REFUSED, SUPERSEDED
from verification.core.events import CLEARED, CLEARINGS
from verification.core.findings import Finding
from verification.models import AuditEntry, Clearance

_SAID: Final[Mapping[str, str]] = {
    "clearance.requested": PROCESSING,
    CLEARED: ISSUED,
    "clearance.refused": REFUSED,
    "clearance.consumed": CONSUMED,
    "clearance.frozen": FROZEN,
}
_TIMES: Final = {ISSUED: "issued_at", CONSUMED: "consumed_at", FROZEN: "frozen_at", PROCESSING: "created_at"}
_COLUMNS: Final = (
    "profile",
    "contract",
    "cap",
    "code",
    "gates",
    "iin",
    "account",
    "expires_at",
    "fresh_until",
    "amount",
)
_UNTIL: Final = ("expires_at", "fresh_until")
_NEW: Final[Mapping[str, Any]] = {
    "code": "",
    "gates": [],
    "iin": "",
    "account": "",
    "expires_at": "",
    "fresh_until": "",
    "amount": None,
    "issued_at": None,
    "consumed_at": None,
    "frozen_at": None,
}


def compare_clearances(log: str, held: Held) -> Iterator[Finding]:
    """Everything that the clearances and their entries say differently."""
    made, by = dict[str, dict[str, Any]](), dict[str, AuditEntry]()
    for entry in held.entries:
        if ahead := advanced_by(entry):
            for row in made.values():
                row |= {until: earlier(str(row[until]), ahead) for until in _UNTIL if until in row}
        body = entry.body
        if entry.type not in CLEARINGS or not isinstance(body, dict) or "clearance" not in body:
            continue
        name, status = str(body["clearance"]), _SAID[entry.type]
        if status == PROCESSING:
            for row in made.values():
                row["status"] = SUPERSEDED if row["status"] in OPEN else row["status"]
            made[name] = {**_NEW, "lender": entry.lender_id, "mode": entry.log}
        said = {column: body[column] for column in _COLUMNS if column in body}
        made[name] = made.get(name, {}) | said | {"status": status}
        if status in _TIMES:
            made[name][_TIMES[status]] = entry.at
        by[name] = entry
    there = {row.pk: _holds(row) for row in held.clearances}
    names = {pk: f"clearance {pk}" for pk in there.keys() | made.keys()}
    said_of: list[Said] = [
        (by[pk], pk, names[pk], named(row, **there[pk]) if pk in there else None) for pk, row in made.items()
    ]
    yield from reconcile(log, held, said_of, {pk: names[pk] for pk in there})


def _holds(row: Clearance) -> dict[str, Any]:
    return {
        "lender": row.lender_id,
        "mode": row.mode,
        "status": row.status,
        "code": row.code,
        "profile": row.profile_id,
        "contract": row.contract_sha256,
        "cap": row.cap_tiyn,
        "created_at": row.created_at,
        "issued_at": row.issued_at,
        "expires_at": spelled(row.expires_at),
        "fresh_until": spelled(row.fresh_until),
        "iin": spelled(row.iin_index),
        "account": spelled(row.account_index),
        "gates": row.gates,
        "consumed_at": row.consumed_at,
        "amount": row.amount_tiyn,
        "frozen_at": row.frozen_at,
    }
