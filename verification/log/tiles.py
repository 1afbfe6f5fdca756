"""The tree as C2SP tlog-tiles: rows of up to 256 hashes, so that appending touches only the right
edge. Pure.

Hash number i of a level L tile covers 256^L leaves. Only a full tile is hashed into the level
above.
Source: C2SP tlog-tiles, "Merkle Tree".
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from verification.core.errors import LogInconsistent
from verification.log.tree import HASH_BYTES, Node, fold, root_of

HEIGHT: Final = 8
WIDTH: Final = 1 << HEIGHT
FULL_BYTES: Final = WIDTH * HASH_BYTES


@dataclass(frozen=True)
class Place:
    """The place of a tile: its level and its number within the level."""

    level: int
    index: int


Load = Callable[[Place], bytes]
"""Gives the hashes of the tile at a place, concatenated; empty if absent."""


def edge(size: int) -> list[tuple[Place, int]]:
    """The unfinished tiles of a tree of `size` leaves with their widths (1 to 255), lowest level
    first.
    """
    hashes = []
    level = 0
    while size:
        if size % WIDTH:
            hashes.append((Place(level, size // WIDTH), size % WIDTH))
        size //= WIDTH
        level += 1
    return hashes


def places(size: int) -> Iterator[tuple[Place, int]]:
    """Every tile of a tree of `size` leaves with its width, level by level, left to right."""
    level = 0
    while size:
        for index in range(size // WIDTH):
            yield Place(level, index), WIDTH
        if size % WIDTH:
            yield Place(level, size // WIDTH), size % WIDTH
        size //= WIDTH
        level += 1


def grow(load: Load, *, size: int, leaves: Iterable[bytes]) -> dict[Place, bytes]:
    """The tiles that change when leaf hashes are appended to a tree of `size` leaves.

    Raises: `LogInconsistent` for a missing or short tile on the right edge.
    """
    pending, level, changed = list(leaves), 0, {}
    while pending:
        index, width = divmod(size, WIDTH)
        begun = _at_least(load, Place(level, index), width)[: width * HASH_BYTES] if width else b""
        row = begun + b"".join(pending)
        pending = []
        for offset in range(0, len(row), FULL_BYTES):
            tile = row[offset : offset + FULL_BYTES]
            changed[Place(level, index + offset // FULL_BYTES)] = tile
            # Only full tiles have a parent, so a hash above never changes.
            if len(tile) == FULL_BYTES:
                pending.append(root_of(hashes(tile)))
        size, level = size // WIDTH, level + 1
    return changed


def edge_root(load: Load, size: int) -> bytes:
    """Root of the first `size` leaves from the tiles on its right edge alone.

    Raises: `LogInconsistent` for a missing or short tile.
    """
    peaks: list[bytes] = []
    for place, width in reversed(edge(size)):
        tile = _at_least(load, place, width)
        peaks.extend(_peaks(list(hashes(tile))[:width]))
    return fold(peaks)


def node_reader(load: Load) -> Node:
    """A reader of tree nodes for proofs.

    Raises: `LogInconsistent`, on reading, for a missing or short tile.
    """

    def node(level: int, index: int) -> bytes:
        # Levels between two rows of tiles are not stored: they follow from the 256 hashes of the
        # row below.
        tile_level, height = divmod(level, HEIGHT)
        start = index << height
        tile_index, offset = divmod(start, WIDTH)
        end = offset + (1 << height)
        tile = _at_least(load, Place(tile_level, tile_index), end)
        return root_of(hashes(tile[offset * HASH_BYTES : end * HASH_BYTES]))

    return node


def hashes(tile: bytes) -> Iterator[bytes]:
    """The hashes of a tile, left to right."""
    return (tile[start : start + HASH_BYTES] for start in range(0, len(tile), HASH_BYTES))


def _at_least(load: Load, place: Place, width: int) -> bytes:
    tile = load(place)
    if len(tile) < width * HASH_BYTES:
        raise LogInconsistent(
            f"tile {place.level}/{place.index} holds {len(tile)} bytes, not {width * HASH_BYTES}"
        )
    return tile


def _peaks(row: list[bytes]) -> list[bytes]:
    """Roots of the complete subtrees over a row, largest first."""
    peaks, start = [], 0
    for bit in reversed(range(HEIGHT)):
        if len(row) & 1 << bit:
            peaks.append(root_of(row[start : start + (1 << bit)]))
            start += 1 << bit
    return peaks
