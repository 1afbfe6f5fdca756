"""What may be told of a verification: its end, once the log has ordered the decision and a
signature shows who decided.

A row's status is what processes work by, and whoever writes rows writes it. So nobody is told an
end by it: an end, its code and its time are those of the decision's entry, which has its place in
the log, says what was hashed there, and is signed as its type asks. Until then the verification is
`processing`, and nothing says how it will end.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import takewhile
from types import MappingProxyType
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery

from verification.compiled import Compiled
from verification.core import events
from verification.core.keeping import reference_mark
from verification.core.status import OPEN, TERMINAL, Status
from verification.log import keys, signatures
from verification.log.damaged import readable
from verification.log.signatures import hashed_bytes
from verification.models import AuditEntry, AuditLeaf, AuditPending, Verification


@dataclass(frozen=True)
class PublicStatus:
    """Where a verification stands, for whoever asks. `finished_at`, `log_index`: of its end, once
    that is told; then `decision` is its entry, with its leaf.

    is_refused: it has ended for us, and the log has refused an entry of it.
    """

    status: str
    code: str
    finished_at: datetime | None = None
    log_index: int | None = None
    is_refused: bool = False
    decision: AuditEntry | None = None


def statuses_of(rows: Collection[Verification]) -> dict[str, PublicStatus]:
    """What may be told of each of these rows, by id: one statement for all that have ended, none if
    none has.
    """
    statuses = {row.pk: PublicStatus(row.status, row.code) for row in rows if row.status in OPEN}
    # What is no status at all has not ended as anybody said, either.
    ended = {row.pk: row for row in rows if row.status not in OPEN}
    if not ended:
        return statuses
    # What was signed with a decision was written with it. Where somebody changed the time, it is
    # read by itself.
    at_end = Q(at__in={row.finished_at for row in ended.values()} - {None})
    is_decision = Q(type__in=events.DECISIONS) | at_end | Q(pending__refused=True)
    of_ended = Q(is_decision, verification__in=list(ended))
    of_keys = Q(type=events.REVOKED, log__in={row.mode for row in ended.values()})
    entries = list(
        readable(AuditEntry.objects.filter(of_ended | of_keys).select_related("leaf", "pending"))
    )
    refusals = {
        entry.verification_id
        for entry in entries
        if (at := getattr(entry, "pending", None)) and at.refused
    }
    statuses |= {pk: PublicStatus(Status.PROCESSING, "", is_refused=pk in refusals) for pk in ended}
    of_rows = [
        (entry, ended[case]) for entry in entries if (case := entry.verification_id) in ended
    ]
    decisions = [
        entry for entry, row in of_rows if entry.type in events.DECISIONS and _fits(entry, row)
    ]
    own_log = [entry for entry, row in of_rows if entry.log == row.mode]
    sound = proven(decisions, context=own_log, revoked=keys.revoked(entries))
    # Of several that nobody can have signed, the one that stands first in the log.
    for entry in sorted(sound, key=lambda entry: entry.leaf.leaf_index, reverse=True):
        status, code = entry.type.removeprefix("verification."), str(entry.body.get("code", ""))
        public = PublicStatus(status, code, entry.at, entry.leaf.leaf_index, decision=entry)
        statuses[str(entry.verification_id)] = public
    return statuses


def status_of(row: Verification) -> PublicStatus:
    """What may be told of one row."""
    return statuses_of([row])[row.pk]


def receipt_entry(row: Verification) -> AuditEntry | None:
    """The entry that names the receipt, with its leaf, once it and the decision are told; None
    before.
    """
    decision = status_of(row).decision
    if decision is None or "receipt" in decision.body:
        return decision
    later = AuditEntry.objects.filter(
        verification=row, log=row.mode, type=events.RECEIPT
    ).select_related("leaf")
    receipts = [entry for entry in readable(later) if entry.body.get("decision") == decision.pk]
    return next(iter(proven(receipts, revoked=keys.revoked(row.mode))), None)


_REFUSED = Compiled(
    lambda of: AuditPending.objects.filter(refused=True, entry__verification=of).values_list(
        "pk", flat=True
    )[:1]
)


def is_refused(verification: Verification) -> bool:
    """Whether the log has refused an entry of it."""
    return bool(_REFUSED.ask(verification.pk))


def proven(
    entries: Sequence[AuditEntry],
    *,
    context: Iterable[AuditEntry] = (),
    revoked: Mapping[str, int] = MappingProxyType({}),
) -> list[AuditEntry]:
    """Those of these entries, read with their `leaf`, that are ordered, say what was hashed, and
    are signed.

    context: what may have been signed with them; what is missing there is read by one statement
    more. revoked: from which index on what a key signed counts for nothing, by its id.
    """
    signers = _signers(entries, context)
    signed = [entry for entry in entries if entry.pk in signers]
    return [
        entry
        for entry in signed
        if not keys.is_revoked(revoked, signers[entry.pk], entry.leaf.leaf_index)
    ]


def judgements(verification: Verification) -> list[AuditEntry]:
    """What workers said of its attempts, in order: proven entries `attempt.judged`."""
    judged = AuditEntry.objects.filter(
        verification=verification, log=verification.mode, type="attempt.judged"
    )
    return proven(list(readable(judged.select_related("leaf").order_by("verification_sequence"))))


def leaves_after(log: str, *, lender_id: str, lender_sequence: int, limit: int) -> list[AuditLeaf]:
    """What a lender is told after a sequence number, in the log's order without a gap.

    It ends before a leaf that is not proven: what follows is told when that one is repaired, and
        nothing is left out.
    But for a decision whose key was revoked: it is never told again, and leaves a gap. Each leaf
    with its `entry`, and that with its verification, whose case is not read.
    """
    told_leaves = AuditLeaf.objects.filter(
        log=log, told_to=lender_id, lender_sequence__gt=lender_sequence
    )
    leaves = list(_with_case(told_leaves).order_by("lender_sequence")[:limit])
    sound, counting = _sound(leaves)
    return [
        leaf
        for leaf in takewhile(lambda leaf: leaf.entry_id in sound, leaves)
        if leaf.entry_id in counting
    ]


def leaves_of(entry_ids: Collection[str]) -> list[AuditLeaf]:
    """Those of these entries that some lender is told, as `leaves_after` gives them."""
    leaves = list(
        _with_case(AuditLeaf.objects.filter(entry__in=entry_ids, lender_sequence__isnull=False))
    )
    _, counting = _sound(leaves)
    return [leaf for leaf in leaves if leaf.entry_id in counting]


def last_sequence(*, lender_id: str, log: str) -> int:
    """The number of the last event that a lender is told of one log; 0 while there is none."""
    return (
        _counted(log=log, told_to=lender_id).values_list("lender_sequence", flat=True).first() or 0
    )


def last_sequence_of_row(*, lender: str, log: str) -> Subquery:
    """The same as a part of a statement over rows with these two columns: one look-up a row; null
    for none.
    """
    newest = _counted(log=OuterRef(log), told_to=OuterRef(lender))
    return Subquery(newest.values("lender_sequence")[:1])


def with_ordered_end(
    rows: QuerySet[Verification, Verification], status: str
) -> QuerySet[Verification, Verification]:
    """Those of these rows that have ended so and whose decision has a place in the log; its
    signature is not read.
    """
    ordered = AuditLeaf.objects.filter(
        entry__verification=OuterRef("pk"), entry__type=f"verification.{status}"
    )
    return rows.filter(Exists(ordered), status=status)


def with_unordered_end(
    rows: QuerySet[Verification, Verification],
) -> QuerySet[Verification, Verification]:
    """Those of these rows that have ended and whose decision waits for its place in the log."""
    waiting = AuditPending.objects.filter(entry__type__in=events.DECISIONS).values(
        "entry__verification"
    )
    return rows.filter(pk__in=waiting, status__in=sorted(TERMINAL))


def _counted(**where: Any) -> QuerySet[AuditLeaf, AuditLeaf]:
    """What one lender is told of one log, the last first. PostgreSQL would put what is not counted
    before it.
    """
    return AuditLeaf.objects.filter(lender_sequence__isnull=False, **where).order_by(
        "-lender_sequence"
    )


def _with_case(leaves: QuerySet[AuditLeaf, AuditLeaf]) -> QuerySet[AuditLeaf, AuditLeaf]:
    return leaves.select_related("entry__verification").defer("entry__verification__sealed_case")


def _sound(leaves: Sequence[AuditLeaf]) -> tuple[set[str], set[str]]:
    """The ids of the entries that are proven, and of those that count still: no decision by a key
    that was revoked.
    """
    every = [leaf.entry for leaf in leaves]
    of_row = [
        entry
        for entry in every
        if entry.type not in events.DECISIONS or _fits(entry, entry.verification)
    ]
    signers = _signers(of_row, ())
    decisions = [
        leaf for leaf in leaves if leaf.entry_id in signers and leaf.entry.type in events.DECISIONS
    ]
    revoked = {log: keys.revoked(log) for log in {leaf.log for leaf in decisions}}
    gone = {
        leaf.entry_id
        for leaf in decisions
        if keys.is_revoked(revoked[leaf.log], signers[leaf.entry_id], leaf.leaf_index)
    }
    return set(signers), signers.keys() - gone


def _signers(entries: Sequence[AuditEntry], context: Iterable[AuditEntry]) -> dict[str, str]:
    """Of those that are ordered, say what was hashed and are signed, by id the id of the key."""
    ordered = []
    for entry in entries:
        leaf: AuditLeaf | None = getattr(entry, "leaf", None)
        if leaf is None or leaf.log != entry.log:
            continue
        if (
            hashed_bytes(entry, lender_sequence=leaf.lender_sequence, leaf_hash=leaf.leaf_hash)
            is not None
        ):
            ordered.append(entry)
    if not ordered:
        return {}
    _, signers = signatures.inspect({entry.pk: entry for entry in (*context, *ordered)}.values())
    return {entry.pk: signers[entry.pk] for entry in ordered if entry.pk in signers}


def _fits(entry: AuditEntry, row: Verification | None) -> bool:
    """Whether a decision speaks of this row as it stands: its log, its lender, its law, its
    lender's own reference.
    """
    if row is None:
        return False
    body = entry.body if isinstance(entry.body, dict) else {}
    stated = (
        entry.log,
        entry.lender_id,
        body.get("profile"),
        body.get("profile_sha256"),
        body.get("reference"),
    )
    mark = reference_mark(row.pk, row.client_reference)
    return stated == (row.mode, row.lender_id, row.profile_id, row.profile_sha256, mark)


def issue_waits() -> Exists:
    """Whether the issue of a clearance waits for its place in the log: a condition of rows of
    clearances.

    Until then it is told to no lender, nor consumed. A database that was put back has forgotten
    what
    has left, and its log goes on no more: no money leaves anew.
    """
    issues = AuditPending.objects.filter(
        entry__verification=OuterRef("verification_id"), entry__type=events.CLEARED
    )
    return Exists(issues)
