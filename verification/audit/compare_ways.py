"""The ways in: links, sessions, codes for an app and for a phone. Each row is what the entries make of it, one by one.

A row that no entry made would let somebody in whom nobody invited, and one that was changed somebody else.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from verification.audit.held_rows import Held, Said, advanced_since, earlier, named, reconcile, spelled
from verification.core.events import ADVANCED
from verification.core.findings import Finding
from verification.models import AuditEntry

Key = tuple[str, str]
"""The table and the hash that is kept of a row's secret, in hex."""
_MINTED: Final = {"mobile_signing.minted": ("signing", "access"), "hand_over.minted": ("hand_over", "phone")}
"""The table of a code, and the column of the secret by which its reader goes on: empty until it is read."""
_READ: Final = {"mobile_signing.read": ("signing", "access"), "hand_over.read": ("hand_over", "phone")}
_OUTCOMES: Final = {
    "mobile_signing.taken": ("signing", "taken"),
    "mobile_signing.refused": ("signing", ""),
    "hand_over.refused": ("hand_over", "refused"),
    "hand_over.stopped": ("hand_over", "stopped"),
    "verification.handed_over": ("hand_over", "done"),
}
"""What becomes of a code; empty where the body says it under `code`."""


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

    def take(self, entry: AuditEntry, body: Mapping[str, Any]) -> None:
        """What one more entry makes of them."""
        kind, at = entry.type, entry.at
        is_link = kind in ("verification.created", "link.minted") and "link" in body
        if is_link or kind == "verification.handed_over":
            # No link that was minted before lets anybody in any more.
            for key in self.of("link", spent_at=None):
                if datetime.fromisoformat(str(self.rows[key]["expires_at"])) > at:
                    self.set(entry, key, expires_at=spelled(at))
        if is_link:
            until = body.get("link_expires_at")
            self.set(entry, ("link", str(body["link"])), created_at=at, expires_at=until, spent_at=None)
        if kind in _MINTED:
            table, secret = _MINTED[kind]
            same = {"turn": body.get("turn")} if table == "signing" else {}
            for key in self.of(table, outcome="", **same):
                self.set(entry, key, outcome="superseded")
            own = {**same, "session": body.get("session"), "expires_at": body.get("expires_at"), secret: ""}
            self.set(entry, (table, str(body.get(table))), outcome="", **own)
        if kind in _READ:
            table, secret = _READ[kind]
            own = {secret: body.get(secret), "expires_at": body.get("expires_at")}
            self.set(entry, (table, str(body.get(table))), **own)
        if kind in _OUTCOMES:
            table, outcome = _OUTCOMES[kind]
            self.set(entry, (table, str(body.get(table))), outcome=outcome or body.get("code"))
        is_spent = kind == "link.spent" and "link" in body
        if is_spent:
            self.set(entry, ("link", str(body["link"])), spent_at=at)
        if is_spent or kind == "verification.handed_over":
            for key in self.of("session", ended_at=None):
                self.set(entry, key, ended_at=at)
            self.set(entry, ("session", str(body.get("session"))), created_at=at, ended_at=None)
        for row in self.rows.values() if kind == ADVANCED else ():  # every way in ends so much earlier
            if "expires_at" in row:
                row["expires_at"] = earlier(str(row["expires_at"]), advanced_since(None, [entry]))


def compare_ways(log: str, held: Held) -> Iterator[Finding]:
    """Everything that the ways in and their entries say differently."""
    made = _Made()
    for entry in held.entries:
        if isinstance(entry.body, dict):
            made.take(entry, entry.body)
    there: dict[Key, Mapping[str, Any]] = {}
    sessions = {session.pk: spelled(session.token_sha256) for session in held.sessions}
    for link in held.links:
        times = {"created_at": link.created_at, "expires_at": spelled(link.expires_at), "spent_at": link.spent_at}
        there["link", spelled(link.token_sha256)] = times
    for session in held.sessions:
        there["session", sessions[session.pk]] = {"created_at": session.created_at, "ended_at": session.ended_at}
    for signing in held.signings:
        there["signing", spelled(signing.code_sha256)] = {
            "turn": signing.turn,
            "session": sessions.get(signing.session_id, ""),
            "access": spelled(signing.access_sha256),
            "expires_at": spelled(signing.expires_at),
            "outcome": signing.outcome,
        }
    for hand_over in held.hand_overs:
        there["hand_over", spelled(hand_over.code_sha256)] = {
            "session": sessions.get(hand_over.session_id, ""),
            "phone": spelled(hand_over.phone_sha256),
            "expires_at": spelled(hand_over.expires_at),
            "outcome": hand_over.outcome,
        }
    said: list[Said] = []
    for key, row in made.rows.items():
        pairs = named(row, **there[key]) if key in there else None
        said.append((made.by[key], key, f"{key[0]} {key[1][:16]} of verification {held.verification.pk}", pairs))
    yield from reconcile(log, held, said, {key: f"{key[0]} {key[1][:16]}" for key in there})
