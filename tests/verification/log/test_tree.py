"""Roots and proofs against an independent recursive tree, and against the roots everybody's tests
of RFC 6962 use.
"""

from functools import cache
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.verification.log import naive
from verification.core.errors import LogInconsistent
from verification.log import tiles, tree
from verification.log.tiles import Place

# The eight leaves of Certificate Transparency's own tests, and the roots over the first n of them.
KNOWN_LEAVES = [
    bytes.fromhex(text)
    for text in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]

KNOWN_ROOTS = {
    0: "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    1: "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    8: "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
}

LEAVES = [str(number).encode() for number in range(80)]

SIZES = st.integers(min_value=1, max_value=len(LEAVES))


def nodes(leaves: list[bytes]) -> tree.Node:
    return lambda level, index: naive.root(leaves[index << level : (index + 1) << level])


@pytest.mark.parametrize("size", KNOWN_ROOTS)
def test_roots_are_those_of_certificate_transparency(size: int) -> None:
    assert tree.root_of(map(tree.leaf_hash, KNOWN_LEAVES[:size])).hex() == KNOWN_ROOTS[size]


@pytest.mark.parametrize("size", range(len(LEAVES) + 1))
def test_every_root_is_that_of_the_recursive_definition(size: int) -> None:
    growing = tree.Growing()
    for leaf in LEAVES[:size]:
        growing.append(tree.leaf_hash(leaf))
    assert growing.root == naive.root(LEAVES[:size]) == tree.root_at(nodes(LEAVES), size)
    assert growing.size == size


def test_a_fork_has_the_same_leaves_and_grows_on_its_own() -> None:
    growing, hashes = tree.Growing(), [tree.leaf_hash(leaf) for leaf in LEAVES[:5]]
    for value in hashes[:3]:
        growing.append(value)
    other = growing.fork()
    other.append(hashes[3])
    growing.append(hashes[4])
    assert (other.size, other.root) == (4, naive.root(LEAVES[:4]))
    assert (growing.size, growing.root) == (4, naive.root([*LEAVES[:3], LEAVES[4]]))


def test_a_leaf_and_a_node_over_the_same_bytes_have_different_hashes() -> None:
    left, right = tree.leaf_hash(b"a"), tree.leaf_hash(b"b")
    assert tree.leaf_hash(left + right) != tree.node_hash(left, right)


@given(size=SIZES, data=st.data())
def test_inclusion_proofs_are_those_of_the_recursive_definition_and_verify(
    size: int, data: st.DataObject
) -> None:
    index = data.draw(st.integers(0, size - 1))
    proof = tree.inclusion_proof(nodes(LEAVES), index=index, size=size)
    assert proof == naive.path(index, LEAVES[:size])
    tree.verify_inclusion(
        leaf=tree.leaf_hash(LEAVES[index]),
        index=index,
        size=size,
        proof=proof,
        root=naive.root(LEAVES[:size]),
    )


@given(second=SIZES, data=st.data())
def test_consistency_proofs_are_those_of_the_recursive_definition_and_verify(
    second: int, data: st.DataObject
) -> None:
    first = data.draw(st.integers(1, second))
    proof = tree.consistency_proof(nodes(LEAVES), first=first, second=second)
    assert proof == naive.consistency(first, LEAVES[:second])
    tree.verify_consistency(
        first=first,
        first_root=naive.root(LEAVES[:first]),
        second=second,
        second_root=naive.root(LEAVES[:second]),
        proof=proof,
    )


@given(size=SIZES, data=st.data())
def test_an_inclusion_proof_fits_no_other_place(size: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, size - 1))
    proof, root = naive.path(index, LEAVES[:size]), naive.root(LEAVES[:size])
    leaf = tree.leaf_hash(LEAVES[index])
    flipped = data.draw(st.sampled_from(range(len(proof)))) if proof else None
    changes: list[dict[str, Any]] = [
        {"leaf": tree.leaf_hash(b"another")},
        {"root": naive.root([b"another"])},
        {"proof": [*proof, root]},
        {"index": size},
        {"index": -1},
        *({"index": other} for other in range(size) if other != index),
        *([{"proof": proof[:-1]}, {"proof": _flip(proof, flipped)}] if flipped is not None else []),
    ]
    for change in changes:
        wrong: dict[str, Any] = {
            "leaf": leaf,
            "index": index,
            "size": size,
            "proof": proof,
            "root": root,
        } | change
        with pytest.raises(LogInconsistent):
            tree.verify_inclusion(**wrong)


@given(second=SIZES, data=st.data())
def test_a_consistency_proof_fits_no_other_trees(second: int, data: st.DataObject) -> None:
    first = data.draw(st.integers(1, second))
    proof = naive.consistency(first, LEAVES[:second])
    right: dict[str, Any] = {
        "first": first,
        "first_root": naive.root(LEAVES[:first]),
        "second": second,
        "second_root": naive.root(LEAVES[:second]),
        "proof": proof,
    }
    other = naive.root([b"another"])
    changes: list[dict[str, Any]] = [{"first_root": other}, {"second_root": other}]
    changes += [{"proof": [*proof, other]}, {"first": second + 1}]
    if proof:
        flipped = data.draw(st.sampled_from(range(len(proof))))
        changes += [
            {"proof": proof[:-1]},
            {"proof": proof[1:]},
            {"proof": []},
            {"proof": _flip(proof, flipped)},
        ]
    for change in changes:
        with pytest.raises(LogInconsistent):
            tree.verify_consistency(**(right | change))


def test_a_proof_of_larger_trees_is_too_long_for_smaller_ones_though_it_leads_to_the_roots() -> (
    None
):
    seven, eight = naive.root(LEAVES[:7]), naive.root(LEAVES[:8])
    with pytest.raises(LogInconsistent, match="longer than the tree is high"):
        tree.verify_inclusion(
            leaf=tree.leaf_hash(LEAVES[6]),
            index=2,
            size=4,
            proof=naive.path(6, LEAVES[:8]),
            root=eight,
        )
    with pytest.raises(LogInconsistent, match="longer than the tree is high"):
        tree.verify_consistency(
            first=3,
            first_root=seven,
            second=4,
            second_root=eight,
            proof=naive.consistency(7, LEAVES[:8]),
        )


def test_a_proof_of_smaller_trees_is_too_short_for_larger_ones_though_it_leads_to_the_roots() -> (
    None
):
    two, three = naive.root(LEAVES[:2]), naive.root(LEAVES[:3])
    with pytest.raises(LogInconsistent, match="shorter than the tree is high"):
        tree.verify_inclusion(
            leaf=tree.leaf_hash(LEAVES[0]),
            index=0,
            size=5,
            proof=naive.path(0, LEAVES[:3]),
            root=three,
        )
    with pytest.raises(LogInconsistent, match="shorter than the tree is high"):
        tree.verify_consistency(
            first=2,
            first_root=two,
            second=5,
            second_root=three,
            proof=naive.consistency(2, LEAVES[:3]),
        )


def test_an_empty_tree_is_a_prefix_of_every_tree_if_its_root_is_the_empty_one() -> None:
    later = naive.root(LEAVES[:3])
    tree.verify_consistency(
        first=0, first_root=tree.EMPTY_ROOT, second=3, second_root=later, proof=[]
    )
    assert tree.consistency_proof(nodes(LEAVES), first=0, second=3) == []
    with pytest.raises(LogInconsistent):
        tree.verify_consistency(first=0, first_root=later, second=3, second_root=later, proof=[])
    with pytest.raises(LogInconsistent):
        tree.verify_consistency(
            first=0, first_root=tree.EMPTY_ROOT, second=3, second_root=later, proof=[later]
        )


@pytest.mark.parametrize(("index", "size"), [(0, 0), (3, 3), (-1, 3)])
def test_no_proof_is_made_for_a_leaf_outside_the_tree(index: int, size: int) -> None:
    with pytest.raises(ValueError, match="is not in a tree"):
        tree.inclusion_proof(nodes(LEAVES), index=index, size=size)


@pytest.mark.parametrize(("first", "second"), [(4, 3), (-1, 3)])
def test_no_proof_is_made_that_a_larger_tree_is_a_prefix_of_a_smaller(
    first: int, second: int
) -> None:
    with pytest.raises(ValueError, match="is not a prefix"):
        tree.consistency_proof(nodes(LEAVES), first=first, second=second)


def _flip(proof: list[bytes], at: int) -> list[bytes]:
    return [
        value if number != at else bytes([value[0] ^ 1]) + value[1:]
        for number, value in enumerate(proof)
    ]


# Tiles hold the tree: grown in any batches they are the same, and roots and proofs read from them
# are the tree's.


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
