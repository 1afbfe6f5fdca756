"""Reads the log's entries: the only queries of them outside this room.

Each reader returns rows as stored. It verifies no signature or hash, and includes waiting entries.
`signatures.sound` filters by signature, `decided.proven` also by order.
`signatures.sound_of` reads and verifies one whole case in one statement.
An unreadable entry raises the database's error, unless the reader says otherwise.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, Max, Min, QuerySet, TextField, Value
from django.db.models.fields.json import KT
from django.db.models.functions import Coalesce

from verification.core.errors import Misconfigured
from verification.core.events import LENT, LOOKS, READINGS
from verification.log import sequencer
from verification.log.damaged import readable
from verification.models import LOOKED_AT, READER, AuditEntry, AuditPending, Verification

_TEXT = TextField()
_NONE = Value("", _TEXT)
Cases = Collection[str] | QuerySet[Verification, Any]
"""Verifications by id, or a query of rows, which stays part of the statement."""


@dataclass(frozen=True)
class Look:
    """Who looked, by id (`usr_…`, `key_…`) or by the hash of the person's session, how often,
    when. The operator's replay names no one.

    type: the entry's. what: `case`, `picture`, `document`, `statement`, `signature`, `openings`,
    `subject`, `proof` or `leaf`.
    """

    who: str
    type: str
    what: str
    times: int
    first: datetime
    last: datetime


def of_cases(
    cases: Cases,
    *,
    types: Collection[str] | None = None,
    saying: Mapping[str, str] | None = None,
    log: str = "",
    with_leaf: bool = False,
    skips_damaged: bool = False,
) -> list[AuditEntry]:
    """The entries of some verifications, case by case, each case in order; one statement.

    types: only these.
    saying: only entries whose body has these values.
    log: only of one log; otherwise a case may have entries in both, if its mode was changed.
    with_leaf: load `leaf` where present, without further statements.
    skips_damaged: unreadable entries are left out instead of raising.
    """
    entries = AuditEntry.objects.filter(verification__in=cases)
    if types is not None:
        entries = entries.filter(type__in=types)
    if log:
        entries = entries.filter(log=log)
    entries = entries.filter(**{f"body__{name}": value for name, value in (saying or {}).items()})
    if with_leaf:
        entries = entries.select_related("leaf")
    in_order = entries.order_by("verification_id", "verification_sequence", "pk")
    return list(readable(in_order)) if skips_damaged else list(in_order)


def by_ids(ids: Collection[str], *, skips_damaged: bool = False) -> list[AuditEntry]:
    """The entries with these ids, ascending; missing ones are left out.

    skips_damaged: as `of_cases`.
    """
    entries = AuditEntry.objects.filter(pk__in=ids).order_by("pk")
    return list(readable(entries)) if skips_damaged else list(entries)


def of_log(log: str, *, types: Collection[str], from_index: int, limit: int) -> list[AuditEntry]:
    """The ordered entries of these types from an index of a log on, in its order, with `leaf`."""
    ordered = AuditEntry.objects.filter(leaf__log=log, leaf__leaf_index__gte=from_index)
    in_order = ordered.filter(type__in=types).select_related("leaf").order_by("leaf__leaf_index")
    return list(in_order[:limit])


def ids_of_type(log: str, entry_type: str, *, are_ordered: bool = False) -> Iterator[str]:
    """The ids of all entries of a type about cases, ascending, in pages.

    are_ordered: only those with a place in this log.
    """
    entries = AuditEntry.objects.filter(log=log, type=entry_type, verification__isnull=False)
    if are_ordered:
        entries = entries.filter(leaf__log=log)
    return entries.order_by("pk").values_list("pk", flat=True).iterator()


def readings_by(person_id: str, *, log: str, limit: int) -> list[AuditEntry]:
    """A regulator's readings, newest first, with `leaf`. A reading is no entry of a case."""
    readings = AuditEntry.objects.annotate(person=READER).filter(person=person_id)
    newest = readings.filter(log=log, type__in=READINGS).order_by("-at", "-id")
    return list(newest.select_related("leaf")[:limit])


def looks_at(case: Verification) -> tuple[Look, ...]:
    """Who looked at a case, by their first look. A look is no entry of the case."""
    # Only the body names the case. No look is older than the case.
    looks = AuditEntry.objects.filter(log=case.mode, type__in=LOOKS, at__gte=case.created_at)
    about = looks.annotate(case=LOOKED_AT).filter(case=case.pk)
    viewers = about.exclude(type=LENT).annotate(
        who=Coalesce(KT("body__person"), KT("body__key"), KT("body__session"), _NONE),
        what=Coalesce(KT("body__what"), Value("document", _TEXT)),
    )
    groups = viewers.values("who", "type", "what")
    counted = groups.annotate(times=Count("pk"), first=Min("at"), last=Max("at"))
    in_order = counted.order_by("first", "who", "type", "what")
    return tuple(Look(**group) for group in in_order)


def waiting(*, case: str = "", until: datetime | None = None, are_refused: bool = False) -> int:
    """How many entries wait for their place in a log.

    case: only of one verification. until: only those up to then. are_refused: only those that the
    log refuses.
    """
    pending = AuditPending.objects.all()
    if case:
        pending = pending.filter(entry__verification=case)
    if until is not None:
        pending = pending.filter(entry__at__lte=until)
    return (pending.filter(refused=True) if are_refused else pending).count()


def refusals(*, limit: int) -> list[tuple[AuditEntry, str]]:
    """Some of the entries that the logs refuse, newest first, each with the reason.

    An empty reason: the log would order it now, and tries again.
    Their verifications are loaded, without the sealed case. Unreadable entries are left out.
    """
    ids = list(AuditPending.objects.filter(refused=True).values_list("pk", flat=True)[:limit])
    rows = AuditEntry.objects.filter(pk__in=ids).select_related("verification")
    newest = rows.defer("verification__sealed_case").order_by("-at", "-pk")
    entries = list(readable(newest))
    if not entries:
        return []
    try:
        why = sequencer.faults(AuditEntry.objects.filter(pk__in=[entry.pk for entry in entries]))
    except Misconfigured as fault:
        why = dict.fromkeys((entry.pk for entry in entries), fault.detail)
    return [(entry, why.get(entry.pk, "")) for entry in entries]
