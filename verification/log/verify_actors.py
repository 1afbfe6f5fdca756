"""Do the rows of people, lenders, keys and endpoints say what their statements say?

A statement is judged as an actor's next one, and the last lawful one is compared with the row.
Sources and processes have no row: only their statements are judged.
"""

from collections.abc import Iterator, Mapping
from itertools import groupby
from typing import Any, Final

from django.apps import apps
from django.db.models import OuterRef, Subquery

from verification.core import events
from verification.core.findings import Finding
from verification.course import actors as course
from verification.course.actors import Actor, Values
from verification.fields import columns_of
from verification.log import actors, keys, signatures
from verification.log.damaged import UNREADABLE, Damaged, pages
from verification.models import ACTOR, AuditEntry

_MODELS: Final = {
    events.PERSON: ("people", "User"),
    events.LENDER: ("lenders", "Lender"),
    events.API_KEY: ("lenders", "ApiKey"),
    events.ENDPOINT: ("lenders", "WebhookEndpoint"),
}
_FACTOR: Final = ("people", "SecondFactor")
_IN_A_MODE: Final = (events.API_KEY, events.ENDPOINT)
"""Actors of one log, which their row names as `mode`; the others are in every log that is ordered.
"""


def verify_actors() -> Iterator[Finding]:
    """Findings about all actors of both logs."""
    stated = dict[str, dict[str, Actor]]()
    for log in keys.LOGS:
        stated[log] = {}
        yield from _verify_statements(log, stated[log])
    for entry_type in events.WITH_ROW:
        yield from _verify_rows(entry_type, stated)


def _verify_statements(log: str, stated: dict[str, Actor]) -> Iterator[Finding]:
    """The faults in the statements of a log, whose actors are put into `stated`."""
    revoked = keys.revoked(log)
    entries = AuditEntry.objects.filter(log=log, type__in=events.ACTORS).annotate(actor=ACTOR)
    statements = list[AuditEntry]()
    for page in pages(entries.select_related("leaf"), column="pk"):
        statements += [entry for entry in page if not isinstance(entry, Damaged)]
    sound = actors.in_order(signatures.sound_by(statements, revoked=revoked))
    for name, of_actor in groupby(sound, key=lambda entry: str(entry.body.get("actor"))):
        actor: Actor | None = None
        for entry in of_actor:
            actor, faults = course.apply(actor, signatures.course_entry(entry))
            for code, detail in faults:
                yield Finding(code=code, log=log, entry=entry.pk, detail=f"{name}: {detail}")
        if actor is not None:
            stated[name] = actor


def _verify_rows(entry_type: str, stated: Mapping[str, Mapping[str, Actor]]) -> Iterator[Finding]:
    """Where the rows of a kind of actor differ from their statements in each log."""
    remaining = {
        (log, name)
        for log, by_id in stated.items()
        for name, actor in by_id.items()
        if actor.type == entry_type
    }
    for row in rows(entry_type):
        name = str(row["id"])
        logs = [str(row["mode"])] if entry_type in _IN_A_MODE else list(keys.ordered_logs())
        # A log that is not ordered now may have been.
        logs += [log for log, of_log in stated.items() if name in of_log and log not in logs]
        for log in logs:
            remaining.discard((log, name))
            yield from _compare(log, entry_type, row, stated.get(log, {}).get(name))
    for log, name in sorted(remaining):
        detail = f"the row of {name}, which this entry states, is not there any more"
        entry = stated[log][name].entry
        yield Finding(code="row_missing", log=log, entry=entry, detail=detail)


def rows(entry_type: str) -> Iterator[Values]:
    """The rows by column; a damaged one has its id alone."""
    query: Any = apps.get_model(*_MODELS[entry_type])._default_manager.all()
    if entry_type == events.PERSON:
        factors = apps.get_model(*_FACTOR)._default_manager.filter(user=OuterRef("pk"))
        query = query.annotate(sealed_key=Subquery(factors.order_by("pk").values("sealed_key")[:1]))
    for page in pages(query, column="pk"):
        for row in page:
            if isinstance(row, Damaged):
                yield {"id": row.pk, "mode": ""}
            elif entry_type == events.PERSON:
                yield columns_of(row) | {"sealed_key": row.sealed_key}
            else:
                yield columns_of(row)


def _compare(log: str, entry_type: str, row: Values, actor: Actor | None) -> Iterator[Finding]:
    name = str(row["id"])
    if actor is None:
        detail = f"there is a row of {name}, of which no entry speaks"
        yield Finding(code="row_unsaid", log=log, detail=detail)
        return
    try:
        fields = course.stated(entry_type, row)
    except (KeyError, *UNREADABLE):
        detail = f"the row of {name} cannot be read"
        yield Finding(code="unreadable", log=log, entry=actor.entry, detail=detail)
        return
    for field, value in fields.items():
        if value != actor.fields[field]:
            detail = f"the {field} of {name} is not what this entry states"
            yield Finding(
                code="row_differs", log=log, entry=actor.entry, field=field, detail=detail
            )
