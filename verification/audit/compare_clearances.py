"""Clearances: each row is what its entries make of it. A row that no entry made would let money out."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from verification.audit.held_rows import Held, Said, advanced_since, earlier, named, reconcile, spelled
from verification.core.clearance import CONSUMED, FROZEN, ISSUED, OPEN, PROCESSING, REFUSED, SUPERSEDED
from verification.core.events import ADVANCED, CLEARED, CLEARINGS
from verification.core.findings import Finding
from verification.models import AuditEntry

_SAID: Final[Mapping[str, str]] = {
    "clearance.requested": PROCESSING,
    CLEARED: ISSUED,
    "clearance.refused": REFUSED,
    "clearance.consumed": CONSUMED,
    "clearance.frozen": FROZEN,
}
_TIMES: Final = {ISSUED: "issued_at", CONSUMED: "consumed_at", FROZEN: "frozen_at", PROCESSING: "created_at"}
_COLUMNS: Final[Mapping[str, str]] = {
    "lender": "lender_id",
    "mode": "mode",
    "status": "status",
    "code": "code",
    "profile": "profile_id",
    "contract": "contract_sha256",
    "cap": "cap_tiyn",
    "created_at": "created_at",
    "issued_at": "issued_at",
    "expires_at": "expires_at",
    "fresh_until": "fresh_until",
    "iin": "iin_index",
    "account": "account_index",
    "gates": "gates",
    "consumed_at": "consumed_at",
    "amount": "amount_tiyn",
    "frozen_at": "frozen_at",
}
"""By the word of entries, or by what they make of it, the column that holds it."""
_UNTIL: Final = ("expires_at", "fresh_until")
_SPELLED: Final = (*_UNTIL, "iin", "account")
"""What bodies spell as text."""
_NAMED: Final = ("profile", "contract", "cap", "code", "gates", "amount", *_SPELLED)
"""What the body of an entry says of it."""
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
        if entry.type == ADVANCED and (ahead := advanced_since(None, [entry])):
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
        said = {word: body[word] for word in _NAMED if word in body}
        made[name] = made.get(name, {}) | said | {"status": status}
        if status in _TIMES:
            made[name][_TIMES[status]] = entry.at
        by[name] = entry
    there = {row.pk: {word: getattr(row, column) for word, column in _COLUMNS.items()} for row in held.clearances}
    for holds in there.values():
        holds |= {word: spelled(holds[word]) for word in _SPELLED}
    names = {pk: f"clearance {pk}" for pk in there.keys() | made.keys()}
    said_of: list[Said] = [
        (by[pk], pk, names[pk], named(row, **there[pk]) if pk in there else None) for pk, row in made.items()
    ]
    yield from reconcile(log, held, said_of, {pk: names[pk] for pk in there})
