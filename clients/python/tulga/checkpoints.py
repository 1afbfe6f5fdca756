"""Signed heads of the log (C2SP signed notes), and a memory that detects a forked or shortened
log.
"""

import re
from collections.abc import Sequence
from hashlib import sha256
from threading import Lock

from tulga.fields import Record
from tulga.resources import Consistency
from tulga.signed import from_base64, is_certified, is_signed, key_set, require

SIZE = r"0|[1-9][0-9]{0,18}"


class Checkpoint(Record):  # The size of a log, and the root over all its leaves
    origin: str
    size: int
    root: bytes


def log_key(keys: bytes, *, mode: str, root: bytes | None = None) -> bytes:
    """The public key of a mode's log from `get_keys`; with `root`, the operator's root.pub,
    certified by it.
    """
    found = [key for key in key_set(keys, "log_keys") if key.get("mode") == mode]
    require(len(found) == 1, f"the given keys have {len(found)} keys of the {mode} log, not one")
    public = from_base64(found[0].get("x"), 32, url=True)
    is_certified(found[0], public, kind="log", root=root)
    return public


def verify(note: str, *, key: bytes) -> Checkpoint:
    """The checkpoint in a note signed by the log's key.

    Raises: `Refused`.
    """
    text, blank, tail = note.rpartition("\n\n")
    lines, signatures = text.split("\n"), tail.split("\n")[:-1]
    size = lines[1] if len(lines) == 3 else ""
    require(
        blank and tail.endswith("\n") and re.fullmatch(SIZE, size) and lines[0], "no checkpoint"
    )
    name = sha256(f"{lines[0]}\n".encode(errors="replace") + b"\x01" + key).digest()[:4]
    begins = f"\u2014 {lines[0]} "
    found = [
        from_base64(one.removeprefix(begins), 68) for one in signatures if one.startswith(begins)
    ]
    of_log = [one[4:] for one in found if one[:4] == name]
    require(len(of_log) == 1, "the checkpoint is not signed by the log's key")
    is_signed(key, of_log[0], f"{text}\n".encode(errors="replace"), "checkpoint")
    return Checkpoint(origin=lines[0], size=int(size), root=from_base64(lines[2], 32))


class Memory:
    """The largest checkpoint of a mode's log that you have seen. Store `note` to keep it longer
    than the process.
    """

    def __init__(self, key: bytes, note: str = "") -> None:
        """`key`: of `log_key`; `note`: of the previous memory."""
        self._key, self.note, self._lock = key, note, Lock()
        self.last = verify(note, key=key) if note else None

    def gap(self, note: str) -> tuple[int, int] | None:
        """The sizes of the proof that `take` needs, for `get_consistency`; None without need."""
        sizes = sorted((verify(note, key=self._key).size, self.last.size if self.last else 0))
        return (sizes[0], sizes[1]) if 0 < sizes[0] < sizes[1] else None

    def take(
        self, note: str, proof: Consistency | None = None, *, may_be_older: bool = False
    ) -> Checkpoint:
        """The checkpoint in a note, verified to continue the last one; the larger is remembered.

        proof: that the larger continues the smaller.
        may_be_older: it came by a webhook, which may be late.

        Raises: `Refused`.
        """
        fresh = verify(note, key=self._key)
        with self._lock:  # compare and replace under one lock, whatever other threads do
            last, hashes = (
                self.last or fresh,
                [from_base64(one, 32) for one in (proof.hashes if proof else ())],
            )
            require(fresh.origin == last.origin, "the checkpoint is of another log")
            require(
                may_be_older or fresh.size >= last.size,
                f"the log has shrunk: {last.size} to {fresh.size} entries",
            )
            is_one = goes_on(*((last, fresh) if last.size <= fresh.size else (fresh, last)), hashes)
            require(
                is_one,
                f"nothing shows that the logs of {last.size} and {fresh.size} entries are one",
            )
            self.last, self.note = (fresh, note) if fresh.size >= last.size else (last, self.note)
        return fresh


def goes_on(old: Checkpoint, new: Checkpoint, hashes: Sequence[bytes]) -> bool:
    """Whether these hashes prove that a log continues a smaller or equal one. Source: RFC 9162,
    2.1.4.2.
    """
    if old.size in (0, new.size):
        return not hashes and old.root == (new.root if old.size == new.size else sha256().digest())
    number, last = old.size - 1, new.size - 1
    while number & 1:
        number, last = number >> 1, last >> 1
    # If the first tree is one whole subtree, start from its root.
    path = [*hashes] if old.size & (old.size - 1) else [old.root, *hashes]
    return _climbed(path[0], path[1:], number, last) == (old.root, new.root) if path else False


def root_over(leaf: bytes, *, index: int, size: int, hashes: Sequence[bytes]) -> bytes | None:
    """The root to which a proof leads from a leaf; None if the length is wrong. Source: RFC
    9162, 2.1.3.2.
    """
    return (
        _climbed(sha256(b"\x00" + leaf).digest(), hashes, index, size - 1)[1]
        if index < size
        else None
    )


def _climbed(
    start: bytes, hashes: Sequence[bytes], number: int, last: int
) -> tuple[bytes | None, bytes | None]:
    """The roots to which hashes lead from a subtree: of the tree that ends with it, and of the
    whole one.
    """
    old = new = start
    for sibling in hashes:
        if last == 0:
            return None, None
        if number & 1 or number == last:
            old, new = (sha256(b"\x01" + sibling + each).digest() for each in (old, new))
            while not number & 1 and number:
                number, last = number >> 1, last >> 1
        else:
            new = sha256(b"\x01" + new + sibling).digest()
        number, last = number >> 1, last >> 1
    return (None, None) if last else (old, new)
