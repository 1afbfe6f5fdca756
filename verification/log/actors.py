"""Statements of actors in a log: written with the row they state, read before an actor acts."""

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from django.db.models import Q

from verification import clock
from verification.compiled import Compiled
from verification.core import events
from verification.core.errors import EvidenceUnreadable, Refused
from verification.course import actors
from verification.course.actors import Actor, Values
from verification.course.entry import number, text
from verification.log import approvals, keys, log, signatures
from verification.log.approvals import Approval, Statement
from verification.log.damaged import readable
from verification.models import ACTOR, AuditEntry


def state(
    entry_type: str,
    actor: str,
    row: Values,
    *,
    logs: Collection[str] = (),
    by: str = "",
    lender: str | None = None,
    approval: Approval | None = None,
) -> None:
    """States a changed row in these logs, by default in all that are ordered. Without a change of
    what it states, nothing is written.

    The caller's transaction has written the row, and holds its lock.
    by: the id of the person or key who acts; empty for a command.
    A log that asks for an approval takes no statement without it, until `state_actors` has the
    root's. Until then the actor does not act there.

    Raises: `Misconfigured` without a key that signs it, `Refused` (approval_invalid).
    """
    fields = actors.stated(entry_type, row)
    for name in logs or keys.ordered_logs():
        before = read(name, [actor]).get(actor)
        if before is not None and before.fields == fields:
            continue
        body = _next(actor, before, fields) | {"by": by}
        if approval is not None:
            statement = approvals.statement_of(name, entry_type, body)
            body["approval"] = dict(approval(statement))
        entry = AuditEntry(log=name, type=entry_type, at=clock.now(), body=body, lender_id=lender)
        if fault := signatures.unproven([entry]).get(entry.pk):
            if approval is None:
                continue
            raise Refused("approval_invalid", fault)
        log.append(log=name, type=entry_type, body=body, lender=lender)


def next_statement(log: str, entry_type: str, row: Values) -> Statement:
    """What would be stated of a row in a log, for the root to sign."""
    actor = str(row["id"])
    body = _next(actor, read(log, [actor]).get(actor), actors.stated(entry_type, row))
    return approvals.statement_of(log, entry_type, body)


def _next(actor: str, before: Actor | None, fields: Mapping[str, Any]) -> dict[str, Any]:
    version = 1 if before is None else before.version + 1
    return {"actor": actor, "version": version, **fields}


_OF_TWO = Compiled(
    lambda name, one, other: (
        AuditEntry.objects.annotate(actor=ACTOR)
        .filter(
            Q(actor=one, type__in=events.ACTORS)
            | Q(actor=other, type__in=events.ACTORS)
            | Q(type=events.REVOKED),
            log=name,
        )
        .select_related("leaf")
    )
)
"""The statements of two actors, and the revocations of keys of their log."""


def read(name: str, ids: Collection[str]) -> dict[str, Actor]:
    """These actors by their signed statements in a log, by id; unknown ones are absent.

    Ordered or not: an actor that ended a moment ago must not act. One statement for one or two.
    """
    if len(ids) in (1, 2):
        first, *others = ids
        rows = list(readable(_OF_TWO, name, first, others[0] if others else first))
    else:
        of_actors = Q(actor__in=ids, type__in=events.ACTORS) | Q(type=events.REVOKED)
        query = AuditEntry.objects.annotate(actor=ACTOR).filter(of_actors, log=name)
        rows = list(readable(query.select_related("leaf")))
    statements = [row for row in rows if row.type in events.ACTORS]
    return fold(signatures.sound_by(statements, revoked=keys.revoked(rows)))


def lenders() -> set[str]:
    """The ids of all lenders that a signed statement of an ordered log names, with a row or not."""
    # The index of statements serves a type only among those of actors.
    statements = AuditEntry.objects.filter(
        Q(type=events.LENDER) & Q(type__in=events.ACTORS), log__in=keys.ordered_logs()
    )
    entries = map(signatures.course_entry, signatures.sound(readable(statements)))
    return {text(entry.body, "actor") for entry in entries}


def versions(actor: str, *, logs: Collection[str] = ()) -> dict[str, int]:
    """The last statement of an actor in these logs, by default in all that are ordered; 0 without
    one.
    """
    stated = {name: read(name, [actor]).get(actor) for name in logs or keys.ordered_logs()}
    return {name: last.version if last is not None else 0 for name, last in stated.items()}


def require_as_stated(actor: str, row: Values, *, logs: Collection[str] = ()) -> None:
    """Before a change: a log that states the actor must state this row, or the change would sign
    what was written past it. `row`: locked.

    Raises: `EvidenceUnreadable`.
    """
    for name in logs or keys.ordered_logs():
        stated = read(name, [actor]).get(actor)
        if stated is not None and not is_as_stated(row, stated):
            raise EvidenceUnreadable(f"the row of {actor} is not what the {name} log states")


def is_as_stated(row: Values, actor: Actor | None) -> bool:
    """Whether a row is what the log states of this actor; False for one it does not state."""
    return actor is not None and actors.stated(actor.type, row) == actor.fields


def as_stated(name: str, rows: Mapping[str, Values]) -> set[str]:
    """The ids of those of these rows, by id, that are as a log states them."""
    return {pk for pk, actor in read(name, rows).items() if is_as_stated(rows[pk], actor)}


def in_order(entries: Iterable[AuditEntry]) -> list[AuditEntry]:
    """The statements of each actor by version; of one version, the one that came first counts."""

    def version(entry: AuditEntry) -> tuple[str, int]:
        body = signatures.course_entry(entry).body
        return text(body, "actor"), number(body, "version")

    return sorted(sorted(entries, key=signatures.turn), key=version)


def fold(entries: Iterable[AuditEntry]) -> dict[str, Actor]:
    """The actors after these valid statements, by id."""
    by_id = dict[str, Actor]()
    for entry in map(signatures.course_entry, in_order(entries)):
        actor_id = text(entry.body, "actor")
        actor, _ = actors.apply(by_id.get(actor_id), entry)
        if actor is not None:
            by_id[actor_id] = actor
    return by_id
