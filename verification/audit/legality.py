"""Was every verification moved lawfully? Each is the fold of its ordered entries alone, never of a row.

A worker's signature tells who decided; the course tells whether it might. What an entry says of other verifications and
of law files is looked up beside it: `related_cases.py`, `law_places.py`.
"""

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import groupby
from operator import attrgetter
from typing import Final

from django.db.models import QuerySet

from verification.audit import keys, law_places, laws, related_cases, signatures
from verification.audit.damaged import UNREADABLE, names, readable
from verification.audit.history import course_entry
from verification.audit.spread import spread
from verification.core.findings import Finding
from verification.course.entry import Fault
from verification.course.fold import fold
from verification.models import AuditEntry

_PAGE: Final = 100  # verifications in memory at a time; each brings some dozens of entries


def verify_legality(log: str, *, are_signed: bool = False, processes: int = 1) -> Iterator[Finding]:
    """A finding for everything that a verification of this log might not have been moved by.

    What lacks the signature that its type asks for counts for nothing; that it lacks it is told elsewhere.
    `are_signed`: all of them were found to hold just now, so that nobody verifies them a second time.
    """
    look = partial(_verify_page, log, are_signed, keys.revoked(log), laws.begun(log))
    pages = names(_ordered(log).distinct(), by="verification_id", most=_PAGE)
    yield from spread(look, pages, processes=processes)


def _ordered(log: str) -> QuerySet[AuditEntry, AuditEntry]:
    return AuditEntry.objects.filter(log=log, leaf__log=log)


def _verify_page(
    log: str, are_signed: bool, revoked: Mapping[str, int], begun: laws.Begun, ids: Sequence[str]
) -> Iterator[Finding]:
    rows = _ordered(log).filter(verification_id__in=ids).select_related("leaf")
    entries = list(readable(rows.order_by("verification_id", "verification_sequence", "pk")))
    forged = frozenset[str]()
    if not are_signed:
        # Those that lack the signature that their type asks for, or have that of a key that was revoked by then.
        faults, signers = signatures.inspect(entries)
        places = {entry.pk: entry.leaf.leaf_index for entry in entries}
        forged = frozenset(faults) | {pk for pk, key in signers.items() if keys.is_revoked(revoked, key, places[pk])}
    for _, group in groupby(entries, key=attrgetter("verification_id")):
        case = list(group)
        try:
            for entry, (code, detail) in faults_of(case, forged):
                detail = f"{detail}; by the key {signatures.said_by(entry, case)}"
                yield Finding(code=code, log=log, leaf_index=entry.leaf.leaf_index, entry=entry.pk, detail=detail)
        except UNREADABLE as error:
            detail = f"the course cannot be replayed ({type(error).__name__})"
            yield Finding(code="unreadable", log=log, detail=detail)
    yield from law_places.verify_begun(log, entries, forged=forged, begun=begun)
    yield from related_cases.verify_related(log, entries, forged=forged)


def faults_of(entries: Iterable[AuditEntry], forged: Container[str] = ()) -> Iterator[tuple[AuditEntry, Fault]]:
    """What is unlawful in the entries of one verification, in their order; `forged`: those without their signature."""
    rows = list(entries)
    steps = fold(course_entry(entry, is_signed=entry.pk not in forged) for entry in rows)
    for entry, (_, _, faults) in zip(rows, steps, strict=True):
        yield from ((entry, fault) for fault in faults)
