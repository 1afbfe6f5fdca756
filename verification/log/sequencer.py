"""Orders entries: gap-free places, the tree, a signed checkpoint, in one transaction and one
process at a time.

1. Lock the log: others wait or leave.
2. Verify that the stored tree is the last signed one.
3. Take waiting entries, and refuse those without the signature that their type requires.
4. Give each its place, and spell its leaf.
5. Store leaves, tiles and checkpoint; move the head.
6. After the commit: write the head file.
"""

import logging
import secrets
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Final

from django.db import connection, transaction
from django.db.models import Case, Min, QuerySet, When

from verification import clock, transactions
from verification.core import events
from verification.core.errors import BadInput, FenceLost, LogInconsistent
from verification.log import checkpoint, head_file, keys, laws, policy, proofs, signatures, tiles
from verification.log.checkpoint import Checkpoint, SigningKey, VerificationKey
from verification.log.damaged import UNREADABLE, readable
from verification.log.signatures import spell_leaf
from verification.log.tiles import Load
from verification.log.tree import EMPTY_ROOT, leaf_hash
from verification.models import (
    AuditCheckpoint,
    AuditEntry,
    AuditHead,
    AuditLeaf,
    AuditPending,
    AuditTile,
)

logger = logging.getLogger(__name__)

# First half of the PostgreSQL advisory lock's number: "Tulg"; the second is the log's.
_LOCK_CLASS: Final = 0x54756C67


def order(log: str, *, limit: int = policy.BATCH) -> int:
    """Orders up to `limit` waiting entries of a log and returns their number.

    0 if no entry waits or another process holds the log.
    Entries without the required signature, or without a possible leaf, are refused first, so they
    block no others.

    Raises: `LogInconsistent`, without further writes, if the stored log is not the last signed one.
    """
    key = keys.signing_key(log)
    if not _unordered(log).exists():
        return 0
    try:
        return _order(log, key, limit=limit)
    except UNREADABLE:  # of one row among many: find it row by row
        waiting = list(_unordered(log).values_list("pk", flat=True))
        for start in range(0, len(waiting), limit):
            if _refuse(faults(AuditEntry.objects.filter(pk__in=waiting[start : start + limit]))):
                return 0
        raise


def _order(log: str, key: SigningKey, *, limit: int) -> int:
    with transactions.writing(durable=True):
        # 1 A write first takes the row's lock too, and on SQLite the database's: later reads are
        # stable.
        if not _take(log, wait=False):
            return 0
        fence = secrets.token_hex(16)
        if not AuditHead.objects.filter(log=log).update(fence=fence):
            AuditHead.objects.create(log=log, fence=fence)
        load = proofs.tile_loader(log)
        size = _verified_size(log, key=key.public, load=load)  # 2
        # 3 Leave out entries that lack a valid signature, or whose key was revoked by then, and
        # later ones of their verification. They wait until `ask_again`; each refusal is an error.
        waiting = _waiting(log, limit=limit)
        unsigned = _unsigned(waiting, upto=size + len(waiting))
        _refuse(unsigned)
        blocked = {entry.verification_id for entry in waiting if entry.pk in unsigned} - {None}
        batch = [
            entry
            for entry in waiting
            if entry.pk not in unsigned and entry.verification_id not in blocked
        ]
        if not batch:
            return 0
        if size == 0:
            # The head file exists before the first commit, and says that the log is empty.
            # Otherwise a crash between that commit and its head would look like a deleted file.
            empty = checkpoint.sign(Checkpoint(origin=key.name, size=0, root=EMPTY_ROOT), key=key)
            head_file.write(log, empty, key=key.public)
        _store(log, batch, size=size, key=key, load=load)  # 4, 5; and 6, after the commit
        ended, _ = AuditPending.objects.filter(pk__in=[entry.pk for entry in batch]).delete()
        moved = AuditHead.objects.filter(log=log, size=size, fence=fence).update(
            size=size + len(batch)
        )
        if ended != len(batch) or moved != 1:
            raise FenceLost(f"another process ordered the {log} log meanwhile")
    return len(batch)


def faults(entries: QuerySet[AuditEntry, AuditEntry]) -> dict[str, str]:
    """Why some of these waiting entries may not be ordered, by id. Each is read alone if
    necessary.
    """
    reasons, sound = dict[str, str](), list[AuditEntry]()
    for entry in readable(entries, with_damaged=True):
        try:
            spell_leaf(entry, lender_sequence=policy.SIZE if entry.lender_id else None)
            if not isinstance(entry.verification_sequence, int | None):
                raise TypeError("a sequence that is no number")
            sound.append(entry)
        except UNREADABLE:
            reasons[str(entry.pk)] = "it is no leaf"
    ordered = dict(AuditHead.objects.values_list("log", "size"))
    return reasons | _unsigned(
        sound, upto=max(ordered.values(), default=0) + AuditPending.objects.count()
    )


def verify_head(log: str) -> int:
    """The size of the log, if its right edge is the last signed one, here and in the head file.

    Raises: `LogInconsistent` otherwise: a restored backup, a cut log, a changed tile, a deleted
    head file.
    """
    with transactions.writing():
        _take(log, wait=True)
        return _verified_size(log, key=keys.verification_key(log), load=proofs.tile_loader(log))


def adopt_head(log: str) -> int | None:
    """Writes the missing head file of a log from its last checkpoint, and returns its size; None if
    present.

    For a host that takes over the ordering, and only after a full verification: adopting a log that
    was turned back would continue it from there.

    Raises: `LogInconsistent` if the right edge is not the last signed one.
    """
    key = keys.verification_key(log)
    with transactions.writing():
        _take(log, wait=True)
        if head_file.read(log, key=key) is not None:
            return None
        size = _stored_size(log, key=key, load=proofs.tile_loader(log))
        if size == 0:
            return None
        head_file.write(log, AuditCheckpoint.objects.get(log=log, size=size).note, key=key)
    return size


def _take(log: str, *, wait: bool) -> bool:
    """Whether this transaction is the only one to order the log, so that sizes agree; can wait for
    it.

    SQLite's transactions are exclusive already: each takes the database's write lock first.
    """
    if connection.vendor != "postgresql":
        return True
    # Released at the end of the transaction in any case. Locks with two numbers never collide with
    # those with one.
    claimed = (
        "SELECT pg_advisory_xact_lock(%s, %s)"
        if wait
        else "SELECT pg_try_advisory_xact_lock(%s, %s)"
    )
    with connection.cursor() as cursor:
        cursor.execute(claimed, [_LOCK_CLASS, keys.LOGS.index(log)])
        return wait or bool(cursor.fetchone()[0])


def _verified_size(log: str, *, key: VerificationKey, load: Load) -> int:
    """The size of the log, if its right edge is the last signed one, here and in the head file."""
    size, stored = _stored_size(log, key=key, load=load), head_file.read(log, key=key)
    if stored is None and size == 0:
        return size
    if stored is None:
        detail = f"the {log} log holds {size} entries and has no head file here"
        raise LogInconsistent(
            f"{detail}; on a new host `manage.py audit_verify --adopt-head` writes it"
        )
    if stored.size > size:
        raise LogInconsistent(
            f"the {log} log was signed up to {stored.size} entries, but holds {size}:"
            " an old backup?"
        )
    if tiles.edge_root(load, stored.size) != stored.root:
        raise LogInconsistent(
            f"the {log} log's tiles do not lead to the root signed at {stored.size} entries"
        )
    return size


def _stored_size(log: str, *, key: VerificationKey, load: Load) -> int:
    """The size of the log, if its right edge matches the last stored checkpoint."""
    head = AuditHead.objects.filter(log=log).first()
    size = head.size if head else 0
    last = AuditLeaf.objects.filter(log=log).order_by("-leaf_index").first()
    leaves = last.leaf_index + 1 if last else 0
    if leaves != size:
        raise LogInconsistent(f"the {log} log's head says {size} entries, its leaves say {leaves}")
    newest = AuditCheckpoint.objects.filter(log=log).order_by("-size").first()
    if newest is None and size == 0:
        return size
    if newest is None or newest.size != size:
        signed_size = newest.size if newest else "none"
        raise LogInconsistent(
            f"the {log} log has {size} entries; its last checkpoint is of {signed_size}"
        )
    try:
        signed = checkpoint.open_checkpoint(newest.note, key=key)
    except BadInput as error:
        raise LogInconsistent(
            f"the {log} log's last checkpoint cannot be read: {error.detail}"
        ) from None
    if signed.size != size:
        raise LogInconsistent(
            f"the {log} log's last checkpoint is of {signed.size} entries, its row says {size}"
        )
    if tiles.edge_root(load, size) != signed.root:
        raise LogInconsistent(
            f"the {log} log's tiles do not lead to the root signed at {size} entries"
        )
    return size


def _unordered(log: str) -> QuerySet[AuditEntry, AuditEntry]:
    """Waiting entries: revocations, then by time; without refused ones and all of their
    verifications.
    """
    # By the ids of waiting entries: for a join SQLite would read every entry.
    waits = AuditPending.objects.values("entry")
    refusals = AuditEntry.objects.filter(
        pk__in=waits.filter(refused=True), log=log, verification__isnull=False
    )
    # An entry with a leaf, in either log, can get no other: `audit_verify` reports it.
    unplaced = AuditEntry.objects.filter(
        pk__in=waits.filter(refused=False), log=log, leaf__isnull=True
    )
    # A revocation precedes the entries that it voids, however late it came.
    last = Case(When(type=events.REVOKED, then=0), default=1)
    return unplaced.exclude(verification__in=refusals.values("verification")).order_by(
        last, "at", "id"
    )


def _waiting(log: str, *, limit: int) -> list[AuditEntry]:
    """Waiting entries by time, but those of one verification by sequence, whatever the clocks say.

    A slow clock dates a later entry of a verification before an earlier one. In a full batch,
    earlier entries of a verification come along, which makes the batch a little larger.
    """
    waiting = _unordered(log)
    batch = list(waiting[:limit])
    if len(batch) == limit:
        in_batch = {entry.pk for entry in batch}
        last: dict[str, int] = {}
        for entry in batch:
            if entry.verification_id and entry.verification_sequence is not None:
                last[entry.verification_id] = max(
                    entry.verification_sequence, last.get(entry.verification_id, 0)
                )
        related = waiting.filter(
            verification_id__in=last, verification_sequence__lt=max(last.values(), default=0)
        )
        numbers = related.values_list("pk", "verification_id", "verification_sequence")
        missing = [
            pk
            for pk, owner, number in numbers
            if pk not in in_batch and owner and number and number < last[owner]
        ]
        batch += waiting.filter(pk__in=missing)
    places: dict[str, list[int]] = defaultdict(list)
    for place, entry in enumerate(batch):
        if entry.verification_id and entry.verification_sequence is not None:
            places[entry.verification_id].append(place)
    ordered = list(batch)
    for places_of_case in places.values():
        by_sequence = sorted(
            (batch[place] for place in places_of_case),
            key=lambda entry: entry.verification_sequence or 0,
        )
        for place, entry in zip(places_of_case, by_sequence, strict=True):
            ordered[place] = entry
    return ordered


def _unsigned(entries: Sequence[AuditEntry], *, upto: int) -> dict[str, str]:
    """Why entries at or after an index may not be ordered, by id.

    Unsigned, signed by a key revoked before it, or a law file that may not follow the earlier ones.
    """
    faults, signers = signatures.inspect(entries)
    logs = {entry.log for entry in entries if entry.pk in signers}
    gone = {key for log in logs for key, index in keys.revoked(log).items() if index < upto}
    revoked = {
        pk: "the key that signed it was revoked" for pk, signer in signers.items() if signer in gone
    }
    return laws.faults(entries) | faults | revoked


def _refuse(faults: Mapping[str, str]) -> int:
    for pk, fault in faults.items():
        logger.error("the log refuses entry %s: %s", pk, fault)
    return AuditPending.objects.filter(pk__in=faults).update(refused=True) if faults else 0


def waiting_since(log: str) -> datetime | None:
    """The time of the oldest entry of a log that waits for its place; None without one."""
    oldest: datetime | None = _unordered(log).aggregate(oldest=Min("at"))["oldest"]
    return oldest


def ask_again(log: str) -> None:
    """Queues some refused entries again: their signing key may have reached this host since.

    A revocation that was taken out of the queue waits again, too.
    """
    # In random order: a batch that is refused for ever would otherwise block the rest.
    refusals = (
        AuditPending.objects.filter(entry__log=log, refused=True)
        .order_by("?")
        .values_list("pk", flat=True)
    )
    AuditPending.objects.filter(pk__in=list(refusals[: policy.BATCH])).update(refused=False)
    lost = AuditEntry.objects.filter(log=log, type=events.REVOKED, leaf=None, pending=None)
    rows = [AuditPending(entry=entry) for entry in readable(lost) if keys.is_of_root(entry)]
    AuditPending.objects.bulk_create(rows, ignore_conflicts=True)


def _store(
    log: str, batch: Sequence[AuditEntry], *, size: int, key: SigningKey, load: Load
) -> None:
    # Leaves, tiles and the signed head in one transaction: a tree always has its signature.
    lenders = {entry.lender_id for entry in batch if entry.lender_id and entry.type in events.TOLD}
    counted = AuditLeaf.objects.filter(log=log, lender_sequence__isnull=False).order_by(
        "-lender_sequence"
    )
    numbers = counted.values_list("lender_sequence", flat=True)
    sequences = {lender: numbers.filter(told_to=lender).first() or 0 for lender in lenders}
    leaves = []
    for index, entry in enumerate(batch, start=size):
        sequence, lender = None, entry.lender_id or ""
        # Only events are counted: a gap in a lender's numbers means a missing event.
        if lender and entry.type in events.TOLD:
            sequence = sequences[lender] = sequences[lender] + 1
        leaves.append(
            AuditLeaf(
                log=log,
                leaf_index=index,
                entry_id=entry.pk,
                told_to=lender if sequence else "",
                lender_sequence=sequence,
                leaf_hash=leaf_hash(spell_leaf(entry, lender_sequence=sequence)),
            )
        )
    AuditLeaf.objects.bulk_create(leaves)
    grown = tiles.grow(load, size=size, leaves=[bytes(leaf.leaf_hash) for leaf in leaves])
    # The tiles on the right edge exist already, and have grown.
    AuditTile.objects.bulk_create(
        [
            AuditTile(log=log, level=place.level, index=place.index, hashes=row)
            for place, row in grown.items()
        ],
        update_conflicts=True,
        unique_fields=("log", "level", "index"),
        update_fields=("hashes",),
    )
    size += len(batch)
    root = tiles.edge_root(lambda place: grown.get(place) or load(place), size)
    note = checkpoint.sign(Checkpoint(origin=key.name, size=size, root=root), key=key)
    AuditCheckpoint.objects.create(log=log, size=size, note=note, created_at=clock.now())
    transaction.on_commit(partial(head_file.write, log, note, key=key.public))
