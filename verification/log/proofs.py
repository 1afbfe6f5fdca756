"""Proofs under the newest checkpoint, and their tiles."""

from functools import cache

from django.db.models import Max

from verification.core.errors import BadInput, LogInconsistent
from verification.log import keys, tiles, tlog_proof, tree
from verification.log.checkpoint import (
    open_checkpoint,
)
from verification.log.tiles import Load, Place
from verification.models import AuditCheckpoint, AuditLeaf, AuditTile


def latest_checkpoint(log: str) -> str | None:
    """The newest signed note of a log, or None before the first ordering."""
    newest = AuditCheckpoint.objects.filter(log=log).order_by("-size").first()
    return newest.note if newest else None


def latest_size(log: str) -> int:
    """The size of a log's newest checkpoint; 0 before the first ordering."""
    return AuditCheckpoint.objects.filter(log=log).aggregate(size=Max("size"))["size"] or 0


def covers(untrusted: str, *, log: str, index: int) -> bool:
    """Whether the log's key signed this checkpoint, and its tree includes this leaf."""
    try:
        return open_checkpoint(untrusted, key=keys.verification_key(log)).size > index
    except (BadInput, LogInconsistent):
        return False


def proof_for(entry_id: str) -> str | None:
    """The tlog-proof of an entry under the newest checkpoint, or None while unordered."""
    leaf = AuditLeaf.objects.filter(entry_id=entry_id).only("log", "leaf_index").first()
    if leaf is None:
        return None
    # A leaf and its checkpoint are committed together, so the newest one covers the leaf.
    newest = AuditCheckpoint.objects.filter(log=leaf.log).latest("size")
    node = tiles.node_reader(tile_loader(leaf.log))
    hashes = tree.inclusion_proof(node, index=leaf.leaf_index, size=newest.size)
    return tlog_proof.make(index=leaf.leaf_index, hashes=hashes, note=newest.note)


def first_proof(leaf: AuditLeaf) -> tuple[str, str]:
    """The tlog-proof of a leaf under the first checkpoint that covers it, and that checkpoint;
    constant for a leaf.
    """
    covering = AuditCheckpoint.objects.filter(log=leaf.log, size__gt=leaf.leaf_index).order_by(
        "size"
    )[0]
    hashes = tree.inclusion_proof(
        tiles.node_reader(tile_loader(leaf.log)), index=leaf.leaf_index, size=covering.size
    )
    return tlog_proof.make(index=leaf.leaf_index, hashes=hashes, note=covering.note), covering.note


def consistency_for(log: str, *, first: int, second: int) -> list[bytes]:
    """Hashes that prove the log of `first` leaves to be a prefix of that of `second`."""
    return tree.consistency_proof(tiles.node_reader(tile_loader(log)), first=first, second=second)


def tile_loader(log: str) -> Load:
    """A reader of stored tiles that reads each at most once; make a fresh one per question."""

    @cache
    def load(place: Place) -> bytes:
        tiles = AuditTile.objects.filter(log=log, level=place.level, index=place.index)
        return bytes(tiles.values_list("hashes", flat=True).first() or b"")

    return load
