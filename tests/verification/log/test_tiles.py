"""Tiles hold the tree: grown in any batches they are the same, and roots and proofs read from them
are the tree's.
"""

from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from verification.core.errors import LogInconsistent
from verification.log import tiles, tree
from verification.log.tiles import Place

HASHES = [tree.leaf_hash(str(number).encode()) for number in range(70_000)]


class Stored:
    """Tiles in memory, and how many were read."""

    def __init__(self) -> None:
        self.rows: dict[Place, bytes] = {}
        self.reads = 0

    def load(self, place: Place) -> bytes:
        self.reads += 1
        return self.rows.get(place, b"")

    def append(self, size: int, more: list[bytes]) -> dict[Place, bytes]:
        changed = tiles.grow(self.load, size=size, leaves=more)
        self.rows.update(changed)
        return changed


def stored(size: int) -> Stored:
    grown = Stored()
    grown.rows = dict(_rows(size))
    return grown


@cache
def _rows(size: int, *, batch: int = 4096) -> dict[Place, bytes]:
    grown = Stored()
    for start in range(0, size, batch):
        grown.append(start, HASHES[start : min(size, start + batch)])
    return grown.rows


@cache
def root(size: int) -> bytes:
    return tree.root_of(HASHES[:size])


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(min_value=1, max_value=700), max_size=8))
def test_the_batches_do_not_matter(batches: list[int]) -> None:
    grown, size = Stored(), 0
    for batch in batches:
        grown.append(size, HASHES[size : size + batch])
        size += batch
        assert tiles.edge_root(grown.load, size) == tree.root_of(HASHES[:size])
    assert grown.rows == stored(size).rows


def test_a_tree_of_70_000_has_the_tiles_of_the_standards_example() -> None:
    assert tiles.edge(70_000) == [(Place(0, 273), 112), (Place(1, 1), 17), (Place(2, 0), 1)]
    assert {place: width * 32 for place, width in tiles.places(70_000)} == {
        place: len(row) for place, row in stored(70_000).rows.items()
    }


def test_a_tree_of_256_has_one_full_tile_and_one_of_width_one() -> None:
    assert {place: len(row) // 32 for place, row in stored(256).rows.items()} == {
        Place(0, 0): 256,
        Place(1, 0): 1,
    }
    assert tiles.edge(256) == [(Place(1, 0), 1)]
    assert tiles.edge(0) == []


def test_appending_touches_only_the_right_edge() -> None:
    grown = stored(70_000 - 1)
    grown.reads = 0
    changed = grown.append(70_000 - 1, HASHES[70_000 - 1 :])
    assert list(changed) == [Place(0, 273)]
    assert grown.reads == 1


@pytest.mark.parametrize("size", [1, 255, 256, 257, 511, 512, 65_536, 65_537, 69_999])
def test_roots_of_earlier_sizes_are_still_read_from_the_grown_tiles(size: int) -> None:
    grown = stored(70_000)
    assert tiles.edge_root(grown.load, size) == root(size)
    assert tree.root_at(tiles.node_reader(grown.load), size) == root(size)


@pytest.mark.parametrize("index", [0, 1, 255, 256, 65_535, 65_536, 69_999])
def test_an_inclusion_proof_reads_few_tiles_and_verifies(index: int) -> None:
    grown = stored(70_000)
    grown.reads = 0
    proof = tree.inclusion_proof(tiles.node_reader(grown.load), index=index, size=70_000)
    tree.verify_inclusion(
        leaf=HASHES[index], index=index, size=70_000, proof=proof, root=root(70_000)
    )
    assert grown.reads <= 40


def test_a_tile_that_is_missing_or_short_is_noticed() -> None:
    for damage in (lambda row: b"", lambda row: row[:-32]):
        grown = stored(300)
        grown.rows[Place(0, 1)] = damage(grown.rows[Place(0, 1)])
        with pytest.raises(LogInconsistent, match="tile 0/1"):
            tiles.edge_root(grown.load, 300)
        with pytest.raises(LogInconsistent, match="tile 0/1"):
            tiles.grow(grown.load, size=300, leaves=HASHES[:1])


def test_a_changed_tile_leads_to_another_root() -> None:
    grown = stored(300)
    row = grown.rows[Place(0, 1)]
    grown.rows[Place(0, 1)] = bytes([row[0] ^ 1]) + row[1:]
    assert tiles.edge_root(grown.load, 300) != tree.root_of(HASHES[:300])
