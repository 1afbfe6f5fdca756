"""Streebog (GOST R 34.11-2012, ST RK 34.11): the hash of the current Kazakh signature certificates.

The RFC prints vectors with the most significant byte first. Files, certificates, OpenSSL and this
module put the least significant byte first.
Source: RFC 6986.
"""

import struct
from collections.abc import Callable
from functools import reduce
from operator import xor

from verification.engines.gost.streebog_constants import MATRIX, ROUNDS, SUBSTITUTION

BLOCK = 64  # bytes
_MASK = (1 << 512) - 1
_pack = struct.Struct("<8Q").pack
_int: Callable[[bytes, str], int] = int.from_bytes  # type: ignore[assignment]


# S and L in one look-up: the share of the multiplied word, by byte position and value.
_ROWS = [[MATRIX[63 - 8 * position - bit] for bit in range(8)] for position in range(8)]
_T0, _T1, _T2, _T3, _T4, _T5, _T6, _T7 = (
    tuple(
        reduce(xor, (row for bit, row in enumerate(rows) if value >> bit & 1), 0)
        for value in SUBSTITUTION
    )
    for rows in _ROWS
)


def _substitute_transpose_multiply(state: int) -> int:
    """LPS of RFC 6986 §6. The stride of the slices is the byte transposition: word i takes byte
    i of each word.
    """
    b = state.to_bytes(64, "little")
    columns = zip(
        b[:8], b[8:16], b[16:24], b[24:32], b[32:40], b[40:48], b[48:56], b[56:], strict=True
    )
    words = [
        _T0[b0] ^ _T1[b1] ^ _T2[b2] ^ _T3[b3] ^ _T4[b4] ^ _T5[b5] ^ _T6[b6] ^ _T7[b7]
        for b0, b1, b2, b3, b4, b5, b6, b7 in columns
    ]
    return _int(_pack(*words), "little")


def _compress(chain: int, block: int, length: int) -> int:
    """g_N(h, m) of RFC 6986 §8: twelve keyed rounds, then the feed-forward."""
    mix = _substitute_transpose_multiply
    # RFC 6986 §8: the first key includes the length so far, so no two blocks are compressed alike.
    key = mix(chain ^ length)
    state = block
    for constant in ROUNDS:
        state = mix(state ^ key)
        key = mix(key ^ constant)
    return state ^ key ^ chain ^ block


def _digest(data: bytes, chain: int) -> int:
    # The stages of RFC 6986: each whole block, the padded rest, then length and sum of all blocks
    # at position 0.
    length = checksum = 0
    aligned = len(data) - len(data) % BLOCK
    for start in range(0, aligned, BLOCK):
        block = _int(data[start : start + BLOCK], "little")
        chain = _compress(chain, block, length)
        length = (length + 512) & _MASK
        checksum = (checksum + block) & _MASK
    # The last block always holds one to 64 bytes: the rest and a single set bit above it.
    tail = data[aligned:]
    block = _int(tail + b"\x01", "little")
    chain = _compress(chain, block, length)
    length = (length + 8 * len(tail)) & _MASK
    checksum = (checksum + block) & _MASK
    return _compress(_compress(chain, length, 0), checksum, 0)


def streebog512(data: bytes) -> bytes:
    """64 bytes of hash, in the order of certificates and OpenSSL. About 0.1 ms for each 64 bytes
    of `data`.
    """
    return _digest(data, 0).to_bytes(64, "little")


def streebog256(data: bytes) -> bytes:
    """32 bytes of hash: another start value, then the more significant half."""
    return _digest(data, _int(b"\x01" * BLOCK, "little")).to_bytes(64, "little")[32:]
