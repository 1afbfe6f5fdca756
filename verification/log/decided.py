"""The public status of a verification: its end is public once the log has ordered a signed
decision.

A row's status drives processes, and a writer of rows can change it. So it never makes an end
public.
An end, its code and its time come from the decision's entry.
That entry has its place in the log, matches its hash, and has the signature that its type requires.
Until then the verification is `processing`, and its outcome stays hidden.
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
    """The public status of a verification.

    finished_at, log_index: of its public end; then `decision` is its entry, with its leaf.
    is_refused: it has ended here, and the log has refused an entry of it.
    """

    status: str
    code: str
    finished_at: datetime | None = None
    log_index: int | None = None
    is_refused: bool = False
    decision: AuditEntry | None = None


def statuses_of(rows: Collection[Verification]) -> dict[str, PublicStatus]:
    """The public status of each of these rows, by id: one statement for all ended ones, none if
    none has ended.
    """
    statuses = {row.pk: PublicStatus(row.status, row.code) for row in rows if row.status in OPEN}
    # An unknown status is not an end.
    ended = {row.pk: row for row in rows if row.status not in OPEN}
    if not ended:
        return statuses
    # Entries signed with a decision share its time. If the time was changed, the entry is read
    # alone.
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
    # Of several, which no key can have signed, take the first in the log.
    for entry in sorted(sound, key=lambda entry: entry.leaf.leaf_index, reverse=True):
        status, code = entry.type.removeprefix("verification."), str(entry.body.get("code", ""))
        public = PublicStatus(status, code, entry.at, entry.leaf.leaf_index, decision=entry)
        statuses[str(entry.verification_id)] = public
    return statuses


def status_of(row: Verification) -> PublicStatus:
    """The public status of one row."""
    return statuses_of([row])[row.pk]


def receipt_entry(row: Verification) -> AuditEntry | None:
    """The entry of the receipt, with its leaf, once it and the decision are public; None before."""
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
    """The entries, read with their `leaf`, that are ordered, match their hash, and are signed.

    context: entries that may share a signature; missing ones need one more statement.
    revoked: the index from which on a key's signatures do not count, by key id.
    """
    signers = _signers(entries, context)
    signed = [entry for entry in entries if entry.pk in signers]
    return [
        entry
        for entry in signed
        if not keys.is_revoked(revoked, signers[entry.pk], entry.leaf.leaf_index)
    ]


def judgements(verification: Verification) -> list[AuditEntry]:
    """Workers' judgements of its attempts, in order: proven entries `attempt.judged`."""
    judged = AuditEntry.objects.filter(
        verification=verification, log=verification.mode, type="attempt.judged"
    )
    return proven(list(readable(judged.select_related("leaf").order_by("verification_sequence"))))


def leaves_after(log: str, *, lender_id: str, lender_sequence: int, limit: int) -> list[AuditLeaf]:
    """A lender's events after a sequence number, in log order without a gap.

    It stops before an unproven leaf: later ones follow after its repair, and all arrive.
    Exception: a decision under a revoked key is never delivered again, and leaves a gap.
    Each leaf has its `entry`, and that its verification, whose case is not read.
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
    """The entries among these that are a lender's events, as `leaves_after` gives them."""
    leaves = list(
        _with_case(AuditLeaf.objects.filter(entry__in=entry_ids, lender_sequence__isnull=False))
    )
    _, counting = _sound(leaves)
    return [leaf for leaf in leaves if leaf.entry_id in counting]


def last_sequence(*, lender_id: str, log: str) -> int:
    """The number of the last event of a lender in one log; 0 without one."""
    return (
        _counted(log=log, told_to=lender_id).values_list("lender_sequence", flat=True).first() or 0
    )


def last_sequence_of_row(*, lender: str, log: str) -> Subquery:
    """The same as an expression over rows with these two columns: one look-up per row; null
    without one.
    """
    newest = _counted(log=OuterRef(log), told_to=OuterRef(lender))
    return Subquery(newest.values("lender_sequence")[:1])


def with_ordered_end(
    rows: QuerySet[Verification, Verification], status: str
) -> QuerySet[Verification, Verification]:
    """The rows with this end whose decision has a place in the log; its signature is not
    verified.
    """
    ordered = AuditLeaf.objects.filter(
        entry__verification=OuterRef("pk"), entry__type=f"verification.{status}"
    )
    return rows.filter(Exists(ordered), status=status)


def with_unordered_end(
    rows: QuerySet[Verification, Verification],
) -> QuerySet[Verification, Verification]:
    """The ended rows whose decision waits for its place in the log."""
    waiting = AuditPending.objects.filter(entry__type__in=events.DECISIONS).values(
        "entry__verification"
    )
    return rows.filter(pk__in=waiting, status__in=sorted(TERMINAL))


def _counted(**where: Any) -> QuerySet[AuditLeaf, AuditLeaf]:
    """A lender's events of one log, last first. PostgreSQL would sort NULLs before them."""
    return AuditLeaf.objects.filter(lender_sequence__isnull=False, **where).order_by(
        "-lender_sequence"
    )


def _with_case(leaves: QuerySet[AuditLeaf, AuditLeaf]) -> QuerySet[AuditLeaf, AuditLeaf]:
    # The sender has no right to these columns.
    sealed = ("sealed_case", "borrower_index", "borrower_index_version")
    deferred = (f"entry__verification__{column}" for column in sealed)
    return leaves.select_related("entry__verification").defer(*deferred)


def _sound(leaves: Sequence[AuditLeaf]) -> tuple[set[str], set[str]]:
    """The ids of the proven entries that still count: no decision under a revoked key."""
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
    """For entries that are ordered, match their hash and are signed: the key's id, by entry id."""
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
    """Whether a decision matches this row: log, lender, law, and lender's reference."""
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
    mark: object = reference_mark(row.pk, row.client_reference)
    if not row.client_reference:  # erased: no lender asks for an empty one
        mark = body.get("reference")
    return stated == (row.mode, row.lender_id, row.profile_id, row.profile_sha256, mark)


def issuing() -> QuerySet[AuditPending, Any]:
    """The verifications with an issue that waits for its place in the log."""
    waiting = AuditPending.objects.filter(entry__type=events.CLEARED)
    return waiting.values("entry__verification")


def issue_waits() -> Exists:
    """A condition on clearance rows: the issue waits for its place in the log.

    Until then it is not delivered, nor can it be consumed. A restored database has lost its
    payouts, and its log cannot continue: no payout happens twice.
    """
    issues = AuditPending.objects.filter(
        entry__verification=OuterRef("verification_id"), entry__type=events.CLEARED
    )
    return Exists(issues)
