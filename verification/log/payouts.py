"""A lender's payouts in a range of time, as the signed log states them: each once, none left out.

A payout can be committed after one with a later time, so a page by time alone could miss it.
The list therefore has two parts, and each payout belongs to one of them for ever.
1. What the log had ordered when the list began: a fixed set, by time.
2. What it has ordered since, by place in the log.
"""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q

from verification.core.errors import LogInconsistent
from verification.core.events import PAID
from verification.log import decided
from verification.models import AuditEntry, AuditLeaf


@dataclass(frozen=True)
class Place:
    """Where a list continues: after the `lender_sequence` `since`.

    last: the id of the last entry listed of the first part; empty before its first, None after
    its end.
    """

    since: int
    last: str | None = None


@dataclass(frozen=True)
class Range:
    """Whose payouts, and of which times: from `start` up to `end`, itself left out."""

    lender_id: str
    log: str
    start: datetime | None = None
    end: datetime | None = None

    def times(self, column: str) -> Q:
        """The condition on a column of times."""
        condition = Q()
        if self.start is not None:
            condition &= Q(**{f"{column}__gte": self.start})
        if self.end is not None:
            condition &= Q(**{f"{column}__lt": self.end})
        return condition


def beginning(asked: Range) -> Place:
    """The place before the first payout of a list that begins now."""
    return Place(decided.last_sequence(lender_id=asked.lender_id, log=asked.log), "")


def page(asked: Range, place: Place, *, limit: int) -> tuple[list[AuditEntry], Place | None]:
    """The next payouts of a range, each with its leaf, and the place after them; None at the end.

    Raises: `LookupError` for a place that is no payout of the range's lender and log.
    Raises: `LogInconsistent` for an entry that its hash or its signature contradicts.
    """
    known = [] if place.last is None else _known(asked, place.since, place.last, limit + 1)
    later = _later(asked, place.since, limit + 1 - len(known))
    listed = [*known, *later][:limit]
    proven = {entry.pk for entry in decided.proven(listed)}
    if doubtful := [entry.pk for entry in listed if entry.pk not in proven]:
        raise LogInconsistent(f"the {asked.log} log does not prove the payout {doubtful[0]}")
    if len(known) + len(later) <= limit:
        return listed, None
    if len(known) >= limit:
        return listed, Place(place.since, listed[-1].pk)
    return listed, Place(listed[-1].leaf.lender_sequence or 0)


def _known(asked: Range, upto: int, last: str, limit: int) -> list[AuditEntry]:
    """Of the fixed set, by time: those after the entry `last`."""
    payouts = AuditEntry.objects.filter(
        asked.times("at"), type=PAID, lender=asked.lender_id, log=asked.log
    )
    if last:
        before = payouts.filter(pk=last).first()
        if before is None:
            raise LookupError("no such payout")
        # The first condition bounds the scan of the index.
        payouts = payouts.filter(at__gte=before.at).exclude(at=before.at, pk__lte=last)
    ordered = payouts.filter(leaf__log=asked.log, leaf__lender_sequence__lte=upto)
    return list(ordered.select_related("leaf").order_by("at", "pk")[:limit])


def _later(asked: Range, since: int, limit: int) -> list[AuditEntry]:
    """Those with a larger number for the lender, in the order of the log."""
    if limit < 1:
        return []
    leaves = AuditLeaf.objects.filter(
        asked.times("entry__at"),
        log=asked.log,
        told_to=asked.lender_id,
        lender_sequence__gt=since,
        entry__type=PAID,
    )
    return [
        leaf.entry for leaf in leaves.select_related("entry").order_by("lender_sequence")[:limit]
    ]
