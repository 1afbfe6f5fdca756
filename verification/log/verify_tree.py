"""Do the leaves lead through the tiles to every root that was signed? If not, where is the
change?
"""

from collections.abc import Iterator

from verification.core.errors import BadInput, LogInconsistent
from verification.core.findings import Finding
from verification.log import tiles
from verification.log.checkpoint import VerificationKey, open_checkpoint
from verification.log.damaged import PAGE, Damaged, as_bytes, pages
from verification.log.tiles import Place
from verification.log.tree import HASH_BYTES, Growing, root_of
from verification.models import AuditCheckpoint, AuditTile

Signed = tuple[int, bytes]
"""A size and the root signed at it."""


def signed_roots(
    log: str, *, key: VerificationKey, upto: int, wrong: list[Finding]
) -> Iterator[Signed]:
    """Size and root of every checkpoint up to a size that verifies, by size; about the others
    `wrong` is told.
    """
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
    """Takes the hash of one leaf after the other and compares with tiles and signed roots on the
    way.

    Two trees grow: one over the hashes of the leaf rows, one over those of the tiles. They are one
    until a hash differs; then the next signed root says which of the two was changed.
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
        """The next leaf's hash, as its row says it, or None if the leaf is missing."""
        index = self._by_leaves.size
        if index % tiles.WIDTH == 0:
            self._tile = list(tiles.hashes(_tile(self._log, Place(0, index // tiles.WIDTH))))
        offset = index % tiles.WIDTH
        of_tile = self._tile[offset] if offset < len(self._tile) else of_leaf
        # Neither leaf nor tile: any value will do, for no root above will fit.
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
        """What is left to say at the end: later checkpoints, unresolved differences, the tiles
        above the leaves.
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
