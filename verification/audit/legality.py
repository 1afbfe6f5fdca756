"""Was every verification moved lawfully? Each is replayed from its ordered entries alone, never from a row.

A worker's signature says who decided; this says whether it might: `legal_course.py` and `legal_ends.py` have the rules.
"""

from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import chain, groupby
from operator import attrgetter
from typing import Final

from django.db.models import QuerySet

from verification.audit import (
    keys,
    laws,
    legal_after,
    legal_clearances,
    legal_ends,
    legal_laws,
    legal_renewals,
    legal_steps,
    signatures,
)
from verification.audit.damaged import UNREADABLE, names, readable
from verification.audit.legal_course import Course
from verification.audit.legal_tries import verify_tries
from verification.audit.legal_words import AFTER_END, LAW, MOVE, Fault
from verification.audit.spread import spread
from verification.core import clearance, events
from verification.core.findings import Finding
from verification.models import AuditEntry

_PAGE: Final = 100  # verifications in memory at a time; each brings some dozens of entries

_COURSE: Final[dict[str, Callable[..., Iterator[Fault]]]] = {
    "verification.created": legal_steps.created,
    "route.chosen": legal_steps.chosen,
    "link.minted": legal_steps.minted,
    "hand_over.stopped": legal_steps.stopped,
    events.SIMULATED: legal_steps.simulated,
    "attempt.opened": legal_steps.opened,
    "attempt.answered": legal_steps.answered,
    "attempt.looked_at": legal_steps.looked_at,
    "attempt.judged": legal_steps.judged,
    "attempt.lapsed": legal_steps.lapsed,
    "attempt.reviewed": legal_steps.reviewed,
    "review.voted": legal_steps.voted,
    "evidence.kept": legal_steps.kept,
    "step.faulted": legal_steps.faulted_at,
    events.ATTESTED: legal_after.attested,
    "obligation.opened": partial(legal_after.obliged, word="opened"),
    "obligation.closed": partial(legal_after.obliged, word="closed"),
    "clearance.requested": partial(legal_clearances.cleared, came=clearance.PROCESSING),
    events.CLEARED: partial(legal_clearances.cleared, came=clearance.ISSUED),
    "clearance.refused": partial(legal_clearances.cleared, came=clearance.REFUSED),
    "clearance.consumed": partial(legal_clearances.cleared, came=clearance.CONSUMED),
    "clearance.frozen": partial(legal_clearances.cleared, came=clearance.FROZEN),
    events.REPORTED: legal_after.reported,
    events.RENEWED: legal_after.renewed,
    events.ADVANCED: legal_after.advanced,
    "verification.disputed": legal_after.disputed,
}
_ENDS: Final[dict[str, Callable[..., Iterator[Fault]]]] = {
    "verification.in_review": legal_ends.in_review,
    "verification.verified": legal_ends.verified,
    "verification.declined": legal_ends.declined,
    "verification.expired": legal_ends.expired,
    "verification.canceled": legal_ends.canceled,
    "verification.failed": legal_ends.failed,
}
_VERIFIED: Final = "verification.verified"
_OF_VERIFIED: Final = (*events.CLEARINGS, events.ATTESTED, *events.OBLIGATIONS, events.REPORTED, events.RENEWED)
_MAY_FOLLOW_AN_END: Final = frozenset(
    {
        *("attempt.lapsed", "evidence.kept", "document.missing", events.DESTROYED, "step.faulted", events.RECEIPT),
        *("verification.redacted", "verification.disputed", "verification.key_revoked"),
        *(events.ADVANCED, *_OF_VERIFIED),
    }
)
"""What is left open is closed, a canceled case gets its receipt, an attempt its document, frames go; a person asks for
what the law gives them."""
_MOVES_NOTHING: Final = frozenset(
    {
        *("link.spent", "mobile_signing.minted", "mobile_signing.read", "mobile_signing.taken"),
        *("mobile_signing.refused", "hand_over.minted", "hand_over.read", "hand_over.refused"),
        *("verification.handed_over", "verification.redacted", "verification.key_revoked"),
        *("document.missing", events.DESTROYED, events.RECEIPT),
    }
)


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
    found = _ordered(log).filter(verification_id__in=ids).select_related("leaf")
    entries = list(readable(found.order_by("verification_id", "verification_sequence", "pk")))
    forged = frozenset[str]()
    if not are_signed:
        # Those that lack the signature that their type asks for, or have that of a key that was revoked by then.
        faults, signers = signatures.inspect(entries)
        there = {entry.pk: entry.leaf.leaf_index for entry in entries}
        forged = frozenset(faults) | {pk for pk, by in signers.items() if keys.is_revoked(revoked, by, there[pk])}
    for _, of_one in groupby(entries, key=attrgetter("verification_id")):
        own = list(of_one)
        try:
            for entry, (code, detail) in faults_of(own, forged):
                detail = f"{detail}; by the key {signatures.said_by(entry, own)}"
                yield Finding(code=code, log=log, leaf_index=entry.leaf.leaf_index, entry=entry.pk, detail=detail)
        except UNREADABLE as error:
            detail = f"the course cannot be replayed ({type(error).__name__})"
            yield Finding(code="unreadable", log=log, detail=detail)
    yield from legal_laws.verify_begun(log, entries, forged=forged, begun=begun)
    yield from verify_tries(log, entries, forged=forged)
    yield from legal_renewals.verify_renewals(log, entries, forged=forged)
    yield from legal_renewals.verify_declined(log, entries, forged=forged)


def faults_of(entries: Iterable[AuditEntry], forged: Container[str] = ()) -> Iterator[tuple[AuditEntry, Fault]]:
    """What is unlawful in the entries of one verification, in their order; `forged`: those without their signature."""
    course, end = Course(), ""
    for at, entry in enumerate(entries, start=1):
        body = entry.body if isinstance(entry.body, dict) else {}
        if at == 1 and entry.type != "verification.created":
            yield entry, (MOVE, "the first entry of a verification opens it")
        if end and entry.type not in _MAY_FOLLOW_AN_END:
            yield entry, (AFTER_END, f"nothing of this kind may follow {end}")
            continue
        if end and entry.type == events.ADVANCED and end != _VERIFIED:
            yield entry, (AFTER_END, f"nothing is due any more after {end}")
            continue
        if entry.type in _OF_VERIFIED and end != _VERIFIED:
            yield entry, (AFTER_END, "nothing of a credit is said of what was not verified")
        course.is_signed, course.stamped, course.log = entry.pk not in forged, entry.at, entry.log
        found: Iterable[Fault] = ()
        if (step := _COURSE.get(entry.type)) is not None:
            found = step(course, body, at=at)
        elif (ends := _ENDS.get(entry.type)) is not None:
            found = ends(course, body)
        elif entry.type not in events.ENTRY_TYPES:
            found = [(LAW, "nobody knows this kind of entry")]
        elif entry.type not in _MOVES_NOTHING:
            found = [(MOVE, "an entry of this kind is about no verification")]
        for fault in chain(legal_ends.in_vain(course, entry.type), found):
            if course.is_signed:
                yield entry, fault
        course.fault = course.fault if entry.type == "step.faulted" else ""
        if entry.type in events.DECISIONS:
            end, course.has_ended, course.ended_at, course.ages_from = entry.type, True, entry.at, course.now
            course.decision = entry.pk if course.is_signed else ""
