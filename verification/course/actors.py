"""An actor is the fold of its statements: a person, a lender, an API key, a webhook's endpoint,
a source in use, a kind of process.

Each statement gives the whole actor, and the last lawful one counts. What they say of rows stands
here once: a writer spells its row by `stated`, and `audit_verify` compares rows by the same table.
Names, addresses and secrets are not stated, but their commitment or hash.
"""

import hmac
from collections.abc import Callable, Iterator, Mapping, Set
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any, Final

from verification.core.events import API_KEY, ENDPOINT, LENDER, PERSON, PROCESS, SOURCE
from verification.core.stored import canonical_json, moment
from verification.course.entry import ACTOR, Entry, Fault, number, text

Values = Mapping[str, Any]
"""A row by its columns; that of a person has the `sealed_key` of their second factor, and their
`passkeys`, each with id, public_key and origin. A source and a process have no row, and describe
themselves by the same names.
"""
ACTIVE, CLOSED = "active", "closed"
OPERATOR: Final = "operator"
"""The role whose people approve changes of actors."""
REVIEWER: Final = "reviewer"
"""The role whose people vote and attest, for the one lender that their statement names."""
_PURPOSE: Final = b"known as\0"


@dataclass(frozen=True)
class Actor:
    """An actor after its last lawful statement.

    fields: as stated, without `actor` and `version`.
    entry: the id of that statement.
    """

    id: str
    type: str
    version: int
    fields: Mapping[str, Any]
    entry: str
    at: datetime

    @property
    def is_active(self) -> bool:
        """Whether it may act: a person not closed, a key not revoked, an endpoint not deleted."""
        return _KINDS[self.type].end(self.fields) in ("", ACTIVE)


@dataclass(frozen=True)
class Kind:
    """One kind of actor.

    prefix: of its ids, so that a statement of one kind cannot take the id of another.
    fields: what a row states, from its columns.
    lasting: fields that never change.
    ended: the field that says that it ended; empty without one.
    is_final: an end lasts, too.
    """

    prefix: str
    fields: Mapping[str, Callable[[Values], Any]]
    lasting: tuple[str, ...]
    ended: str = ""
    is_final: bool = True

    def end(self, fields: Mapping[str, Any]) -> Any:
        """What says that it ended; empty without an end."""
        return fields[self.ended] if self.ended else ""


def _same(column: str) -> Callable[[Values], Any]:
    return lambda row: row[column]


def _hash(column: str) -> Callable[[Values], str]:
    """The SHA-256 of text or bytes; empty for none."""

    def hashed(row: Values) -> str:
        value = row[column]
        if not value:
            return ""
        content = value.encode() if isinstance(value, str) else bytes(value)
        return sha256(content).hexdigest()

    return hashed


def _time(column: str) -> Callable[[Values], str]:
    return lambda row: moment(row[column]) if row[column] else ""


def _known_as(row: Values) -> str:
    """The commitment to a person's address and name; it opens with the row's salt alone."""
    content = canonical_json([row["email"], row["full_name"]])
    return hmac.digest(bytes(row["salt"]), _PURPOSE + content, "sha256").hex()


_KINDS: Final[Mapping[str, Kind]] = {
    PERSON: Kind(
        "usr_",
        {
            "role": _same("role"),
            "lender": lambda row: row["lender_id"] or "",
            "status": lambda row: ACTIVE if row["is_active"] else CLOSED,
            "known_as": _known_as,
            "factor": _hash("sealed_key"),
            "passkeys": _same("passkeys"),
            "invitation": _same("invitation"),
            "invited_until": _time("invited_until"),
        },
        lasting=("role", "lender"),
        ended="status",
        is_final=False,
    ),
    LENDER: Kind(
        "len_",
        {
            "name": _same("name"),
            # URIs, so that no number looks like an IIN or a borrower's phone. Source: RFC 3966.
            "bin": lambda row: f"bin:{row['bin']}",
            "phone": lambda row: f"tel:{row['phone']}",
            "test_calendar": _same("test_calendar"),
            "live_calendar": _same("live_calendar"),
            "return_urls": _same("return_urls"),
        },
        lasting=("bin",),
    ),
    API_KEY: Kind(
        "key_",
        {
            "lender": _same("lender_id"),
            "mode": _same("mode"),
            "sha256": _same("sha256"),
            "shown": _same("shown"),
            "scopes": _same("scopes"),
            "cidrs": _same("cidrs"),
            "expires_at": _time("expires_at"),
            "revoked_at": _time("revoked_at"),
        },
        lasting=("lender", "mode", "sha256", "shown", "scopes", "cidrs"),
        ended="revoked_at",
    ),
    ENDPOINT: Kind(
        "whe_",
        {
            "lender": _same("lender_id"),
            "mode": _same("mode"),
            "url": _hash("url"),
            "events": _same("events"),
            "secret": _hash("sealed_secret"),
            "previous_secret": _hash("sealed_previous_secret"),
            "previous_secret_until": _time("previous_secret_until"),
            "signing_key": _hash("sealed_signing_key"),
            "public_key": _same("public_key"),
            "deleted_at": _time("deleted_at"),
        },
        lasting=("lender", "mode", "signing_key", "public_key"),
        ended="deleted_at",
    ),
    SOURCE: Kind(
        "src_",
        {
            "purpose": _same("purpose"),
            "adapter": _same("adapter"),
            "origins": _same("origins"),
            "protocol": _same("protocol"),
            "is_sandbox": _same("is_sandbox"),
            "status": _same("status"),
        },
        lasting=("purpose",),
        ended="status",
        is_final=False,
    ),
    PROCESS: Kind(
        "process_",
        {
            "process": _same("process"),
            "settings": _same("settings"),
            "law": _same("law"),
            "software": _same("software"),
        },
        lasting=("process",),
    ),
}


def fields_of(entry_type: str) -> Set[str]:
    """The names of what a kind of actor states."""
    return _KINDS[entry_type].fields.keys()


def is_of_kind(actor: str, entry_type: str) -> bool:
    """Whether an id is one of this kind of actor."""
    return actor.startswith(_KINDS[entry_type].prefix)


def stated(entry_type: str, row: Values) -> dict[str, Any]:
    """What a row states, by field.

    Raises: `KeyError` without a column, `TypeError` or `ValueError` for a damaged one.
    """
    return {name: spell(row) for name, spell in _KINDS[entry_type].fields.items()}


def apply(actor: Actor | None, entry: Entry) -> tuple[Actor | None, list[Fault]]:
    """The actor after one more signed statement, and its faults; an unlawful one is ignored."""
    kind, version = _KINDS[entry.type], number(entry.body, "version")
    if not is_of_kind(text(entry.body, "actor"), entry.type):
        return actor, [Fault(ACTOR, "its actor is of another kind")]
    fields = {name: entry.body.get(name) for name in kind.fields}
    faults = []
    if missing := sorted(kind.fields.keys() - entry.body.keys()):
        faults.append(f"it does not state {', '.join(missing)}")
    expected = 1 if actor is None else actor.version + 1
    if version != expected:
        faults.append(f"it is statement {version} of its actor, after {expected - 1}")
    if actor is not None:
        faults += _breaches(actor, fields)
    if faults:
        return actor, [Fault(ACTOR, fault) for fault in faults]
    return Actor(text(entry.body, "actor"), entry.type, version, fields, entry.id, entry.at), []


def _breaches(actor: Actor, fields: Mapping[str, Any]) -> Iterator[str]:
    """What in these fields may not follow the actor's."""
    kind = _KINDS[actor.type]
    if changed := [name for name in kind.lasting if fields[name] != actor.fields[name]]:
        yield f"it changes {', '.join(changed)}, which last"
    if kind.is_final and not actor.is_active and kind.end(fields) != kind.end(actor.fields):
        yield "its actor had ended"
