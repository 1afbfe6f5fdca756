"""Compares leaves, tiles and checkpoints with each other and with the entries."""

import json
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from functools import partial
from typing import Any, Final, NamedTuple

from django.db import connection
from django.db.models import Model, TextField
from django.db.models.functions import Cast

from verification.core import events
from verification.core.errors import BadInput, LogInconsistent
from verification.core.findings import Finding
from verification.core.keeping import placed
from verification.core.stored import SHA256
from verification.log import keys, signatures, tiles
from verification.log.checkpoint import VerificationKey, open_checkpoint
from verification.log.damaged import PAGE, Damaged, as_bytes, pages, readable
from verification.log.signatures import hashed_bytes
from verification.log.spread import spread
from verification.log.tiles import Place
from verification.log.tree import HASH_BYTES, Growing, root_of
from verification.models import (
    AuditCheckpoint,
    AuditEntry,
    AuditLeaf,
    AuditTile,
    EvidenceItem,
    SharedEvidence,
)

Signed = tuple[int, bytes]
"""A size and its signed root."""


def signed_roots(
    log: str, *, key: VerificationKey, upto: int, wrong: list[Finding]
) -> Iterator[Signed]:
    """Size and root of every valid checkpoint up to a size; `wrong` receives the invalid ones."""
    for page in pages(AuditCheckpoint.objects.filter(log=log, size__lte=upto), column="size"):
        for row in page:
            try:
                if isinstance(row, Damaged):
                    raise BadInput("the row cannot be read")
                signed = open_checkpoint(str(row.note), key=key)
                if signed.size != row.size:
                    raise LogInconsistent(f"it is of {signed.size} entries")
            except (BadInput, LogInconsistent) as error:
                name = row.pk if isinstance(row, Damaged) else f"of {row.size} entries"
                detail = f"the stored checkpoint {name} is not good: {error.detail}"
                wrong.append(Finding(code="checkpoint", log=log, detail=detail))
                continue
            yield signed.size, signed.root


class TreeInspection:
    """Takes the hash of each leaf in turn and compares it with tiles and signed roots.

    Two trees grow: over the leaf rows' hashes, and over the tiles'.
    They are one until a hash differs; then the next signed root shows which of the two was changed.
    """

    def __init__(self, log: str, *, size: int, signed: Iterator[Signed]) -> None:
        self._log = log
        self._size = size
        self._signed = signed
        self._next = next(signed, None)
        self._by_leaves = Growing()
        self._by_tiles = self._by_leaves
        self._tile: list[bytes] = []
        self._different: list[int] = []
        self._fits = 0
        self._misfits: list[int] = []

    def take(self, of_leaf: bytes | None) -> Iterator[Finding]:
        """The next leaf's hash, from its row, or None if the leaf is missing."""
        index = self._by_leaves.size
        if index % tiles.WIDTH == 0:
            self._tile = list(tiles.hashes(_tile(self._log, Place(0, index // tiles.WIDTH))))
        offset = index % tiles.WIDTH
        of_tile = self._tile[offset] if offset < len(self._tile) else of_leaf
        # Without leaf and tile any value will do, because no root above will match.
        of_leaf = of_leaf or of_tile or bytes(HASH_BYTES)
        of_tile = of_tile or of_leaf
        self._append(index, of_leaf, of_tile)
        while self._next and self._next[0] <= index + 1:
            size, root = self._next
            by_leaves, by_tiles = self._by_leaves.root == root, self._by_tiles.root == root
            if by_leaves and by_tiles:
                self._fits = size
            elif by_tiles:
                yield from self._tell("is not the one that was signed")
                self._by_leaves, self._fits = self._by_tiles, size
            elif by_leaves:
                detail = "is the one that was signed, but the tile's copy of it was changed"
                yield from self._tell(detail, field="tile")
                self._by_tiles, self._fits = self._by_leaves, size
            else:
                yield from self._tell(
                    "differs from the tile's, and neither leads to the signed root"
                )
                self._misfits.append(size)
            self._next = next(self._signed, None)
        if len(self._different) > PAGE:
            yield from self._tell(
                "differs from the tile's, and no signed root says which was changed"
            )

    def _append(self, index: int, of_leaf: bytes, of_tile: bytes) -> None:
        if of_leaf != of_tile:
            self._different.append(index)
            if self._by_tiles is self._by_leaves:
                self._by_tiles = self._by_leaves.fork()
        self._by_leaves.append(of_leaf)
        if self._by_tiles is not self._by_leaves:
            self._by_tiles.append(of_tile)

    def finish(self) -> Iterator[Finding]:
        """The final findings: later checkpoints, unresolved differences, the tiles above the
        leaves.
        """
        yield from self._tell("differs from the tile's, and no signed root says which was changed")
        if self._misfits:
            first, later = self._misfits[0], len(self._misfits) - 1
            detail = (
                f"the entries do not lead to the root signed at {first} entries, nor to {later}"
                " later ones"
            )
            which = f"one of the entries {self._fits} to {first - 1} is not what was signed"
            yield Finding(code="root", log=self._log, detail=f"{detail}: {which}")
        beyond = [self._next[0]] if self._next else []
        beyond += [size for size, _ in self._signed]
        if beyond:
            detail = (
                f"checkpoints were signed up to {beyond[-1]} entries, the log holds {self._size}:"
                " it was cut"
            )
            yield Finding(code="truncated", log=self._log, detail=detail)
        # Every tile has its width, and every hash above level 0 is the root of the full tile below
        # it.
        for place, width in tiles.places(self._size):
            row = _tile(self._log, place)
            name = f"tile {place.level}/{place.index}"
            detail = f"{name} holds {len(row)} bytes, not {width * HASH_BYTES}"
            if not width * HASH_BYTES <= len(row) <= tiles.FULL_BYTES or len(row) % HASH_BYTES:
                yield Finding(code="tile", log=self._log, detail=detail)
                continue
            if not place.level:
                continue
            start = place.index * tiles.WIDTH
            # Those under one tile: 2 MiB at most.
            interval = {"index__gte": start, "index__lt": start + tiles.WIDTH}
            under = AuditTile.objects.filter(log=self._log, level=place.level - 1, **interval)
            rows = {
                index: as_bytes(hashes) for index, hashes in under.values_list("index", "hashes")
            }
            for offset, value in enumerate(list(tiles.hashes(row))[:width]):
                below = Place(place.level - 1, start + offset)
                if root_of(tiles.hashes(rows.get(below.index, b""))) != value:
                    detail = f"{name} and tile {below.level}/{below.index} below it do not agree"
                    yield Finding(code="tile", log=self._log, detail=detail)

    def _tell(self, difference: str, *, field: str = "leaf") -> Iterator[Finding]:
        detail = f"the leaf's hash {difference}"
        for index in self._different:
            yield Finding(
                code="leaf_hash", log=self._log, leaf_index=index, field=field, detail=detail
            )
        self._different = []


def _tile(log: str, place: Place) -> bytes:
    tiles = AuditTile.objects.filter(log=log, level=place.level, index=place.index)
    return as_bytes(tiles.values_list("hashes", flat=True).first())


LEAF_PAGE: Final = 500
"""Leaves in memory at a time: few enough that several processes end together."""
# The evidence columns that a leaf may also state.
_CLAIMED: Final[Mapping[type[Model], tuple[str, ...]]] = {
    EvidenceItem: ("commitment", "kind", "sealed_sha256", "size"),
    SharedEvidence: ("size",),
}


class Leaf(NamedTuple):
    """A leaf's row. Not a model: the log has millions of entries."""

    log: str
    leaf_index: int
    entry_id: str
    told_to: str
    lender_sequence: int | None
    leaf_hash: bytes


class Told(NamedTuple):
    """A leaf's number for the lender, to be compared with the previous one."""

    leaf: Leaf
    lender: str
    sequence: int


Seen = Finding | Told | bytes | None


def verify_leaves(
    log: str, *, size: int, tree: TreeInspection, processes: int = 1
) -> Iterator[Finding]:
    """Findings about the leaves of a log of `size` entries, in order; `tree` receives every
    hash.
    """
    sequences: dict[str, int] = defaultdict(int)
    # A page at a time: a log of millions of entries is verified in the memory of one page.
    look = partial(_verify_page, log, size, keys.revoked(log))
    for leaf in spread(look, range(0, size, LEAF_PAGE), processes=processes):
        if isinstance(leaf, Finding):
            yield leaf
        elif isinstance(leaf, Told):
            # A lender's events count 1, 2, 3, … from the present number on: a gap is reported once.
            previous, sequences[leaf.lender] = sequences[leaf.lender], leaf.sequence
            if leaf.sequence != previous + 1:
                detail = (
                    f"the sequence of lender {leaf.lender} goes from {previous} to {leaf.sequence}"
                )
                yield _finding(leaf.leaf, "lender_sequence", detail, field="lender_sequence")
        else:
            yield from tree.take(leaf)


def _verify_page(log: str, size: int, revoked: Mapping[str, int], start: int) -> Iterator[Seen]:
    """Each leaf's hash on a page, None if missing, then the findings; the reader adds findings
    on order.
    """
    end = min(start + LEAF_PAGE, size)
    page = AuditLeaf.objects.filter(log=log, leaf_index__gte=start, leaf_index__lt=end).values_list(
        *Leaf._fields
    )
    rows = (Leaf._make(row) for row in readable(page))
    leaves = {row.leaf_index: row._replace(leaf_hash=as_bytes(row.leaf_hash)) for row in rows}
    about = AuditEntry.objects.filter(pk__in=[leaf.entry_id for leaf in leaves.values()])
    ops = connection.ops if connection.vendor == "sqlite" else None
    if ops is not None:
        about = about.annotate(body_text=Cast("body", TextField()), at_text=Cast("at", TextField()))
    entries, altered = {entry.pk: entry for entry in readable(about, with_damaged=True)}, set[str]()
    for index in range(start, end):
        leaf = leaves.get(index)
        yield leaf.leaf_hash if leaf else None
        if leaf is None:
            yield Finding(
                code="leaf_missing",
                log=log,
                leaf_index=index,
                detail="there is no such leaf any more",
            )
            continue
        for finding in _verify_leaf(leaf, entries.get(leaf.entry_id), ops):
            if isinstance(finding, Finding) and finding.code in (
                "entry_differs",
                "entry_unreadable",
            ):
                altered.add(finding.entry)
            yield finding
    yield from _verify_evidence_claims(leaves, entries)
    # Each entry's key may sign it, and was not revoked by then. An entry that differs from its hash
    # is reported for that alone.
    there = {leaf.entry_id: leaf for _, leaf in sorted(leaves.items())}
    intact = {
        pk: entry
        for pk, entry in entries.items()
        if pk not in altered and isinstance(entry, AuditEntry)
    }
    faults, signers = signatures.inspect(intact.values())
    unproven = signatures.unproven(intact[pk] for pk in faults)
    for pk, fault in faults.items():
        if pk in unproven and intact[pk].type in events.ACTORS:
            yield _finding(there[pk], "actor_unapproved", fault)
        elif pk in unproven:
            yield _finding(there[pk], "vote_unsigned", fault)
        else:
            yield _finding(there[pk], "entry_unsigned", fault)
    for pk, signer in signers.items():
        if keys.is_revoked(revoked, signer, there[pk].leaf_index):
            yield _finding(
                there[pk],
                "key_revoked",
                f"the key {signer} that signed it was revoked from {revoked[signer]} on",
            )


def _verify_leaf(
    leaf: Leaf, entry: AuditEntry | Damaged | None, ops: Any
) -> Iterator[Finding | Told]:
    """1 its entry has the leaf's hash   2 it has a number for its lender, if it is an event."""
    if entry is None:
        yield _finding(leaf, "entry_missing", "the leaf's entry is not there any more")
    elif isinstance(entry, Damaged):
        yield _finding(leaf, "entry_unreadable", "the entry cannot be read")
    else:
        if leaf.told_to != ((entry.lender_id or "") if leaf.lender_sequence else ""):
            detail = "the leaf names another lender to be told than the entry"
            yield _finding(leaf, "lender", detail, field="told_to")
        # SQLite stores a text as received, and for a duplicate name it reads another value than
        # Python.
        texts = (getattr(entry, "body_text", None), getattr(entry, "at_text", None))
        if (
            hashed_bytes(entry, lender_sequence=leaf.lender_sequence, leaf_hash=leaf.leaf_hash)
            is None
        ):
            yield _finding(leaf, "entry_differs", "what the entry says is not what was hashed")
        elif ops is not None and texts != (
            json.dumps(entry.body),
            ops.adapt_datetimefield_value(entry.at),
        ):
            yield _finding(leaf, "entry_spelled", "the entry's row is not spelled as we spell it")
    # 2. Other leaves have no number.
    lender, sequence = leaf.told_to, leaf.lender_sequence
    is_counted = sequence is not None
    if isinstance(entry, AuditEntry) and is_counted != bool(
        entry.lender_id and entry.type in events.TOLD
    ):
        detail = (
            f"an entry of the type {entry.type} is {'' if is_counted else 'not '}counted for its"
            " lender"
        )
        yield _finding(leaf, "lender_sequence", detail, field="lender_sequence")
    if not is_counted:
        return
    if not isinstance(lender, str) or not lender or not isinstance(sequence, int):
        yield _finding(
            leaf,
            "lender_sequence",
            "the lender's sequence is not a number",
            field="lender_sequence",
        )
        return
    yield Told(leaf, lender, sequence)


def _verify_evidence_claims(
    leaves: Mapping[int, Leaf], entries: Mapping[str, Any]
) -> Iterator[Finding]:
    """If a body lists evidence, sealed (`id`) or shared (`sha256`), its rows exist and agree."""
    claims: list[tuple[Leaf, str, Mapping[str, Any]]] = []
    for _, leaf in sorted(leaves.items()):
        entry = entries.get(leaf.entry_id)
        body = entry.body if isinstance(entry, AuditEntry) and isinstance(entry.body, dict) else {}
        for claim in placed(body.get("evidence")):
            if isinstance(name := claim.get("id", claim.get("sha256")), str):
                claims.append((leaf, name, claim))
    # Two statements per page instead of one per item.
    sealed_names = {name for _, name, claim in claims if "id" in claim}
    shared_names = {
        name for _, name, claim in claims if "id" not in claim and SHA256.fullmatch(name)
    }
    items, shared = _rows_of(EvidenceItem, sealed_names), _rows_of(SharedEvidence, shared_names)
    for leaf, name, claim in claims:
        row = items.get(name) if "id" in claim else shared.get(name)
        if row is None:
            yield _finding(
                leaf, "evidence_missing", f"the evidence {name} that it lists is not there any more"
            )
            continue
        for column in row:
            if claim.get(column, row[column]) != row[column]:
                detail = f"the {column} of evidence {name} is not what its leaf says"
                yield _finding(leaf, "evidence_differs", detail, field=column)


def _rows_of(model: type[Model], names: Collection[str]) -> dict[str, Mapping[str, Any]]:
    """The columns of these rows that a leaf may state."""
    columns = _CLAIMED[model]
    rows = model._default_manager.filter(pk__in=names).values_list("pk", *columns)
    return {pk: dict(zip(columns, values, strict=True)) for pk, *values in readable(rows)}


def _finding(leaf: Leaf, code: str, detail: str, *, field: str = "") -> Finding:
    return Finding(
        code=code,
        log=leaf.log,
        leaf_index=leaf.leaf_index,
        entry=str(leaf.entry_id),
        field=field,
        detail=detail,
    )
