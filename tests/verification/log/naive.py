"""The Merkle tree word for word as RFC 9162, 2.1 defines it: recursive, slow, and written apart
from ours.
"""

import hashlib


def split(size: int) -> int:
    power = 1
    while power * 2 < size:
        power *= 2
    return power


def root(leaves: list[bytes]) -> bytes:
    if not leaves:
        return hashlib.sha256().digest()
    if len(leaves) == 1:
        return hashlib.sha256(b"\x00" + leaves[0]).digest()
    at = split(len(leaves))
    return hashlib.sha256(b"\x01" + root(leaves[:at]) + root(leaves[at:])).digest()


def path(index: int, leaves: list[bytes]) -> list[bytes]:
    if len(leaves) == 1:
        return []
    at = split(len(leaves))
    if index < at:
        return [*path(index, leaves[:at]), root(leaves[at:])]
    return [*path(index - at, leaves[at:]), root(leaves[:at])]


def consistency(first: int, leaves: list[bytes], *, whole: bool = True) -> list[bytes]:
    if first == len(leaves):
        return [] if whole else [root(leaves)]
    at = split(len(leaves))
    if first <= at:
        return [*consistency(first, leaves[:at], whole=whole), root(leaves[at:])]
    return [*consistency(first - at, leaves[at:], whole=False), root(leaves[:at])]
