"""Proofs that a leaf stands in the log: made, and verified offline.

Source: C2SP tlog-proof. The extra data is not authenticated, so nothing we decide may rest on it.
"""

from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final

from django.db.models import Max

from verification.core.errors import BadInput, LogInconsistent
from verification.log import keys, policy, tiles, tree
from verification.log.checkpoint import (
    Checkpoint,
    VerificationKey,
    open_checkpoint,
    parse_base64,
    parse_decimal,
    parse_hash,
)
from verification.log.tiles import Load, Place
from verification.log.tree import leaf_hash, verify_inclusion
from verification.models import AuditCheckpoint, AuditLeaf, AuditTile

_HEADER: Final = "c2sp.org/tlog-proof@v1"


@dataclass(frozen=True)
class Proof:
    """A parsed proof. Nothing in it is to be believed before `verify`."""

    index: int
    hashes: tuple[bytes, ...]
    note: str
    extra: bytes = b""


def make(*, index: int, hashes: Sequence[bytes], note: str, extra: bytes = b"") -> str:
    """The proof as text: leaf index, inclusion proof, and the checkpoint it leads to, verbatim."""
    lines = [_HEADER]
    if extra:
        lines.append(f"extra {b64encode(extra).decode()}")
    lines.append(f"index {index}")
    lines.extend(b64encode(value).decode() for value in hashes)
    return "\n".join(lines) + "\n\n" + note


def parse(untrusted: str) -> Proof:
    """Reads a proof; raises `BadInput` for anything C2SP tlog-proof does not allow."""
    # The first blank line ends the proof: the note behind it has one of its own, before its
    # signatures.
    head, blank, note = untrusted.partition("\n\n")
    if not blank:
        raise BadInput("the proof has no checkpoint")
    # A header, at most an extra and an index line, then hashes: what a hostile text has beyond is
    # left in one piece.
    header, *lines = head.split("\n", policy.PROOF_HASHES + 3)
    if header != _HEADER:
        raise BadInput(f"the proof does not begin with {_HEADER}")
    extra = b""
    if lines and lines[0].startswith("extra "):
        extra = parse_base64(lines.pop(0).removeprefix("extra "))
        if not 0 < len(extra) <= policy.EXTRA_BYTES:
            raise BadInput("the extra data is empty or too large")
    if not lines or not lines[0].startswith("index "):
        raise BadInput("the proof has no index")
    index = parse_decimal(lines.pop(0).removeprefix("index "))
    if len(lines) > policy.PROOF_HASHES:
        raise BadInput("the proof has too many hashes")
    return Proof(
        index=index, hashes=tuple(parse_hash(line) for line in lines), note=note, extra=extra
    )


def verify(untrusted: str, *, leaf: bytes, key: VerificationKey) -> Checkpoint:
    """The checkpoint under which this leaf is proved to stand in the log of this key.

    Raises `BadInput` for a proof that cannot be read, `LogInconsistent` for one that does not
    verify.
    """
    # The note is opened before the tree is climbed: its size and root are nobody's until a known
    # key has signed them.
    proof = parse(untrusted)
    checkpoint = open_checkpoint(proof.note, key=key)
    verify_inclusion(
        leaf=leaf_hash(leaf),
        index=proof.index,
        size=checkpoint.size,
        proof=proof.hashes,
        root=checkpoint.root,
    )
    return checkpoint


def latest_checkpoint(log: str) -> str | None:
    """The newest signed note of a log, or None while nothing is ordered."""
    newest = AuditCheckpoint.objects.filter(log=log).order_by("-size").first()
    return newest.note if newest else None


def latest_size(log: str) -> int:
    """How many entries the newest checkpoint of a log covers; 0 while nothing is ordered."""
    return AuditCheckpoint.objects.filter(log=log).aggregate(size=Max("size"))["size"] or 0


def covers(untrusted: str, *, log: str, index: int) -> bool:
    """Whether this is a checkpoint that the key of a log has signed, of a tree that has this
    leaf.
    """
    try:
        return open_checkpoint(untrusted, key=keys.verification_key(log)).size > index
    except (BadInput, LogInconsistent):
        return False


def proof_for(entry_id: str) -> str | None:
    """The tlog-proof of an entry under the newest checkpoint, or None while it is not ordered."""
    leaf = AuditLeaf.objects.filter(entry_id=entry_id).only("log", "leaf_index").first()
    if leaf is None:
        return None
    # A leaf and the checkpoint over it are committed together, so the newest one covers the leaf.
    newest = AuditCheckpoint.objects.filter(log=leaf.log).latest("size")
    node = tiles.node_reader(tile_loader(leaf.log))
    hashes = tree.inclusion_proof(node, index=leaf.leaf_index, size=newest.size)
    return make(index=leaf.leaf_index, hashes=hashes, note=newest.note)


def first_proof(leaf: AuditLeaf) -> tuple[str, str]:
    """The tlog-proof of a leaf under the first checkpoint that covers it, and that checkpoint:
    always the same.
    """
    covering = AuditCheckpoint.objects.filter(log=leaf.log, size__gt=leaf.leaf_index).order_by(
        "size"
    )[0]
    hashes = tree.inclusion_proof(
        tiles.node_reader(tile_loader(leaf.log)), index=leaf.leaf_index, size=covering.size
    )
    return make(index=leaf.leaf_index, hashes=hashes, note=covering.note), covering.note


def consistency_for(log: str, *, first: int, second: int) -> list[bytes]:
    """Hashes that show the log of `first` leaves to be a prefix of that of `second`."""
    return tree.consistency_proof(tiles.node_reader(tile_loader(log)), first=first, second=second)


def tile_loader(log: str) -> Load:
    """A reader of stored tiles that reads each at most once; a fresh one for each question."""

    @cache
    def load(place: Place) -> bytes:
        tiles = AuditTile.objects.filter(log=log, level=place.level, index=place.index)
        return bytes(tiles.values_list("hashes", flat=True).first() or b"")

    return load
