"""The Merkle tree of RFC 9162 over SHA-256: hashes, roots, inclusion and consistency proofs. Pure.

Proofs come from a `Node` reader, so that each reads O(log n) hashes whatever the storage.
"""

import hashlib
from collections.abc import Callable, Iterable, Sequence
from typing import Final

from verification.core.errors import LogInconsistent

HASH_BYTES: Final = 32
# RFC 9162, 2.1.1: without leaves, the hash of the empty string.
EMPTY_ROOT: Final = hashlib.sha256(b"").digest()

Node = Callable[[int, int], bytes]
"""`node(level, index)` gives the hash over the leaves [index·2^level, (index+1)·2^level)."""


def leaf_hash(leaf: bytes) -> bytes:
    """Hash of a leaf's bytes. Source: RFC 9162, 2.1.1."""
    # The first byte differs from a node's, so two hashes cannot pass as a leaf (a second preimage).
    return hashlib.sha256(b"\x00" + leaf).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Hash over two subtrees. Source: RFC 9162, 2.1.1."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def fold(peaks: Sequence[bytes]) -> bytes:
    """Root over complete subtrees of falling size, left to right; the empty root if there are
    none.
    """
    if not peaks:
        return EMPTY_ROOT
    root = peaks[-1]
    for peak in reversed(peaks[:-1]):
        root = node_hash(peak, root)
    return root


class Growing:
    """A tree that leaves are appended to and that keeps O(log n) hashes."""

    def __init__(self) -> None:
        self.size = 0
        self._peaks: list[bytes] = []

    def append(self, value: bytes) -> None:
        """Appends one hash on the right."""
        self.size += 1
        peaks = self._peaks
        peaks.append(value)
        # This leaf completes as many subtrees as its number has trailing zero bits.
        for _ in range((self.size & -self.size).bit_length() - 1):
            right = peaks.pop()
            peaks[-1] = node_hash(peaks[-1], right)

    def fork(self) -> "Growing":
        """A tree of the same leaves that grows independently."""
        copy = Growing()
        copy.size, copy._peaks = self.size, list(self._peaks)
        return copy

    @property
    def root(self) -> bytes:
        """Root over everything appended so far."""
        return fold(self._peaks)


def root_of(hashes: Iterable[bytes]) -> bytes:
    """Root over hashes of equal height, read once."""
    growing = Growing()
    for value in hashes:
        growing.append(value)
    return growing.root


def root_at(node: Node, size: int) -> bytes:
    """Root of the first `size` leaves."""
    return _range_hash(node, 0, size)


def inclusion_proof(node: Node, *, index: int, size: int) -> list[bytes]:
    """Hashes from the leaf `index` to the root of `size` leaves, lowest first. Source: RFC 9162,
    2.1.3.1.
    """
    if not 0 <= index < size:
        raise ValueError(f"leaf {index} is not in a tree of {size}")
    low, high = 0, size
    proof: list[bytes] = []
    while high - low > 1:
        middle = low + _split(high - low)
        if index < middle:
            proof.append(_range_hash(node, middle, high))
            high = middle
        else:
            proof.append(_range_hash(node, low, middle))
            low = middle
    return proof[::-1]


def consistency_proof(node: Node, *, first: int, second: int) -> list[bytes]:
    """Hashes that prove the tree of `first` leaves to be a prefix of that of `second`. Source:
    RFC 9162, 2.1.4.1.
    """
    if not 0 <= first <= second:
        raise ValueError(f"a tree of {first} is not a prefix of a tree of {second}")
    if first == 0:
        return []
    low, high = 0, second
    proof: list[bytes] = []
    while first != high:
        middle = low + _split(high - low)
        if first <= middle:
            proof.append(_range_hash(node, middle, high))
            high = middle
        else:
            proof.append(_range_hash(node, low, middle))
            low = middle
    # The verifier knows the old root; it needs this hash only if the old tree is not one whole
    # subtree.
    if low:
        proof.append(_range_hash(node, low, high))
    return proof[::-1]


def verify_inclusion(
    *, leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes
) -> None:
    """Raises: `LogInconsistent` unless the proof leads from the leaf's hash to the root.

    Source: RFC 9162, 2.1.3.2.
    """
    if not 0 <= index < size:
        raise LogInconsistent(f"leaf {index} is not in a tree of {size}")
    # The RFC's fn and sn: the positions of our subtree and of the last one, per level upwards.
    number, last, value = index, size - 1, leaf
    for sibling in proof:
        if last == 0:
            raise LogInconsistent("the inclusion proof is longer than the tree is high")
        # Step 4 of the RFC: a right child, or the last of its level, has its sibling on the left.
        if number & 1 or number == last:
            value = node_hash(sibling, value)
            # An incomplete right edge has no sibling on these levels: climb past them.
            while not number & 1 and number:
                number, last = number >> 1, last >> 1
        else:
            value = node_hash(value, sibling)
        number, last = number >> 1, last >> 1
    if last:
        raise LogInconsistent("the inclusion proof is shorter than the tree is high")
    if value != root:
        raise LogInconsistent("the inclusion proof leads to another root")


def verify_consistency(
    *, first: int, first_root: bytes, second: int, second_root: bytes, proof: Sequence[bytes]
) -> None:
    """Raises: `LogInconsistent` unless the first tree is a prefix of the second.

    Source: RFC 9162, 2.1.4.2.
    """
    if not 0 <= first <= second:
        raise LogInconsistent(f"a tree of {first} is not a prefix of a tree of {second}")
    if first == 0 or first == second:
        _verify_without_proof(first_root, second_root if first else EMPTY_ROOT, proof=proof)
        return
    # If the first tree is one whole subtree, start from the old root itself.
    path = list(proof) if first & (first - 1) else [first_root, *proof]
    if not path:
        raise LogInconsistent("the consistency proof is empty")
    # Steps 3 and 4 of the RFC: climb to the largest subtree that ends the first tree, where its
    # proof begins.
    number, last = first - 1, second - 1
    while number & 1:
        number, last = number >> 1, last >> 1
    old = new = path[0]
    for sibling in path[1:]:
        if last == 0:
            raise LogInconsistent("the consistency proof is longer than the tree is high")
        if number & 1 or number == last:
            old, new = node_hash(sibling, old), node_hash(sibling, new)
            while not number & 1 and number:
                number, last = number >> 1, last >> 1
        else:
            new = node_hash(new, sibling)
        number, last = number >> 1, last >> 1
    if last:
        raise LogInconsistent("the consistency proof is shorter than the tree is high")
    if old != first_root or new != second_root:
        raise LogInconsistent("the consistency proof leads to other roots")


def _verify_without_proof(root: bytes, expected: bytes, *, proof: Sequence[bytes]) -> None:
    """An empty first tree has the empty root, and equal sizes have equal roots: neither needs a
    proof.

    Raises: `LogInconsistent`.
    """
    if proof:
        raise LogInconsistent("the consistency proof should be empty")
    if root != expected:
        raise LogInconsistent("the roots differ")


def _split(size: int) -> int:
    """Largest power of two below `size` (`size` > 1)."""
    # The k of RFC 9162, 2.1.1: every tree is split there, so that its left part is complete for
    # ever.
    return 1 << (size - 1).bit_length() - 1


def _range_hash(node: Node, low: int, high: int) -> bytes:
    """Hash over the leaves [low, high), where `low` is where a subtree of that many leaves may
    start.
    """
    peaks: list[bytes] = []
    while low < high:
        level = (high - low).bit_length() - 1
        peaks.append(node(level, low >> level))
        low += 1 << level
    return fold(peaks)
