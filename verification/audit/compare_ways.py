"""The ways in: links, sessions, codes for an app and for a phone. Each row is what the entries make of it, one by one.

A row that no entry made would let somebody in whom nobody invited, and one that was changed somebody else.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from verification.audit.held_rows import Held, Said, advanced_by, earlier, named, reconcile, spelled
from verification.core.events import ADVANCED
from verification.core.findings import Finding
from verification.models import AuditEntry

Key = tuple[str, str]
"""The table and the hash that is kept of a row's secret, in hex."""


@dataclass
class _Made:
    """Rows as entries make them, and the entry that made or changed each last."""

    rows: dict[Key, dict[str, Any]] = field(default_factory=dict)
    by: dict[Key, AuditEntry] = field(default_factory=dict)

    def set(self, entry: AuditEntry, key: Key, **columns: Any) -> None:
        self.rows[key] = self.rows.get(key, {}) | columns
        self.by[key] = entry

    def of(self, table: str, **columns: Any) -> list[Key]:
        """The keys of a table's rows that hold these values."""
        rows = [(key, row) for key, row in self.rows.items() if key[0] == table]
        return [key for key, row in rows if all(row.get(name) == value for name, value in columns.items())]


def compare_ways(log: str, held: Held) -> Iterator[Finding]:
    """Everything that the ways in and their entries say differently."""
    made = _Made()
    for entry in held.entries:
        if entry.type in _WRITERS and isinstance(entry.body, dict):
            _WRITERS[entry.type](made, entry, entry.body)
    there = _there(held)
    said: list[Said] = []
    for key, row in made.rows.items():
        pairs = named(row, **there[key]) if key in there else None
        said.append((made.by[key], key, f"{key[0]} {key[1][:16]} of verification {held.verification.pk}", pairs))
    yield from reconcile(log, held, said, {key: f"{key[0]} {key[1][:16]}" for key in there})


def _there(held: Held) -> dict[Key, Mapping[str, Any]]:
    rows: dict[Key, Mapping[str, Any]] = {}
    sessions = {session.pk: spelled(session.token_sha256) for session in held.sessions}
    for link in held.links:
        times = {"created_at": link.created_at, "expires_at": spelled(link.expires_at), "spent_at": link.spent_at}
        rows["link", spelled(link.token_sha256)] = times
    for session in held.sessions:
        rows["session", spelled(session.token_sha256)] = {
            "created_at": session.created_at,
            "ended_at": session.ended_at,
        }
    for signing in held.signings:
        rows["signing", spelled(signing.code_sha256)] = {
            "turn": signing.turn,
            "session": sessions.get(signing.session_id, ""),
            "access": spelled(signing.access_sha256),
            "expires_at": spelled(signing.expires_at),
            "outcome": signing.outcome,
        }
    for hand_over in held.hand_overs:
        rows["hand_over", spelled(hand_over.code_sha256)] = {
            "session": sessions.get(hand_over.session_id, ""),
            "phone": spelled(hand_over.phone_sha256),
            "expires_at": spelled(hand_over.expires_at),
            "outcome": hand_over.outcome,
        }
    return rows


def _mint_link(made: _Made, entry: AuditEntry, body: Mapping[str, Any]) -> None:
    if "link" in body:
        _end_links(made, entry)
        link = {"created_at": entry.at, "expires_at": body.get("link_expires_at"), "spent_at": None}
        made.set(entry, ("link", str(body["link"])), **link)


def _end_links(made: _Made, entry: AuditEntry) -> None:
    """No link that was minted before lets anybody in any more."""
    for key in made.of("link", spent_at=None):
        if datetime.fromisoformat(str(made.rows[key]["expires_at"])) > entry.at:
            made.set(entry, key, expires_at=spelled(entry.at))


def _spend_link(made: _Made, entry: AuditEntry, body: Mapping[str, Any]) -> None:
    if "link" in body:
        made.set(entry, ("link", str(body["link"])), spent_at=entry.at)
        _begin_session(made, entry, body)


def _begin_session(made: _Made, entry: AuditEntry, body: Mapping[str, Any]) -> None:
    for key in made.of("session", ended_at=None):
        made.set(entry, key, ended_at=entry.at)
    made.set(entry, ("session", str(body.get("session"))), created_at=entry.at, ended_at=None)


def _mint_signing(made: _Made, entry: AuditEntry, body: Mapping[str, Any]) -> None:
    for key in made.of("signing", turn=body.get("turn"), outcome=""):
        made.set(entry, key, outcome="superseded")
    own = {"turn": body.get("turn"), "session": body.get("session"), "expires_at": body.get("expires_at")}
    made.set(entry, ("signing", str(body.get("signing"))), access="", outcome="", **own)


def _mint_hand_over(made: _Made, entry: AuditEntry, body: Mapping[str, Any]) -> None:
    for key in made.of("hand_over", outcome=""):
        made.set(entry, key, outcome="superseded")
    own = {"session": body.get("session"), "expires_at": body.get("expires_at")}
    made.set(entry, ("hand_over", str(body.get("hand_over"))), phone="", outcome="", **own)


def _read(table: str, secret: str) -> Callable[[_Made, AuditEntry, Mapping[str, Any]], None]:
    def write(made: _Made, entry: AuditEntry, body: Mapping[str, Any]) -> None:
        own = {secret: body.get(secret), "expires_at": body.get("expires_at")}
        made.set(entry, (table, str(body.get(table))), **own)

    return write


def _advance(made: _Made, entry: AuditEntry, body: Mapping[str, Any]) -> None:
    """Every way in ends so much earlier."""
    for row in made.rows.values():
        if "expires_at" in row:
            row["expires_at"] = earlier(str(row["expires_at"]), advanced_by(entry))


def _end(table: str, outcome: str) -> Callable[[_Made, AuditEntry, Mapping[str, Any]], None]:
    """outcome: empty where the body says it under `code`."""

    def write(made: _Made, entry: AuditEntry, body: Mapping[str, Any]) -> None:
        made.set(entry, (table, str(body.get(table))), outcome=outcome or body.get("code"))

    return write


def _hand_over(made: _Made, entry: AuditEntry, body: Mapping[str, Any]) -> None:
    made.set(entry, ("hand_over", str(body.get("hand_over"))), outcome="done")
    _begin_session(made, entry, body)
    _end_links(made, entry)


_WRITERS: Final[Mapping[str, Callable[[_Made, AuditEntry, Mapping[str, Any]], None]]] = {
    "verification.created": _mint_link,
    "link.minted": _mint_link,
    "link.spent": _spend_link,
    "mobile_signing.minted": _mint_signing,
    "mobile_signing.read": _read("signing", "access"),
    "mobile_signing.taken": _end("signing", "taken"),
    "mobile_signing.refused": _end("signing", ""),
    "hand_over.minted": _mint_hand_over,
    "hand_over.read": _read("hand_over", "phone"),
    "hand_over.refused": _end("hand_over", "refused"),
    "hand_over.stopped": _end("hand_over", "stopped"),
    "verification.handed_over": _hand_over,
    ADVANCED: _advance,
}
