"""Signed heads of the log (C2SP signed notes), what stands under them, and a memory that the log has to agree with."""

import re
from collections.abc import Sequence
from hashlib import sha256

from tulga.errors import Refused
from tulga.fields import Record
from tulga.signed import from_base64, is_certified, is_signed, key_set

SIZE = r"0|[1-9][0-9]{0,18}"


class Checkpoint(Record):  # How large a log is, and the root over all its leaves
    origin: str
    size: int
    root: bytes


def log_key(keys: bytes, *, mode: str, root: bytes | None = None) -> bytes:
    """The public key of a mode's log out of `get_keys`; with `root`, the operator's root.pub, certified by it."""
    found = [key for key in key_set(keys, "log_keys") if key.get("mode") == mode]
    if len(found) != 1:
        raise Refused(f"the given keys have {len(found)} of the {mode} log, not one")
    public = from_base64(found[0].get("x"), 32, url=True)
    is_certified(found[0], public, kind="log", root=root)
    return public


def verify(note: str, *, key: bytes) -> Checkpoint:
    """The checkpoint in a note, once the log's key has signed it; raises `Refused`."""
    text, blank, tail = note.rpartition("\n\n")
    lines, signatures = text.split("\n"), tail.split("\n")[:-1]
    size = lines[1] if len(lines) == 3 else ""
    if not blank or not tail.endswith("\n") or re.fullmatch(SIZE, size) is None or not lines[0]:
        raise Refused("no checkpoint")
    name = sha256(f"{lines[0]}\n".encode(errors="replace") + b"\x01" + key).digest()[:4]
    begins = f"\u2014 {lines[0]} "
    found = [from_base64(one.removeprefix(begins), 68) for one in signatures if one.startswith(begins)]
    of_log = [one[4:] for one in found if one[:4] == name]
    if len(of_log) != 1:
        raise Refused("the checkpoint is not signed by the log's key")
    is_signed(key, of_log[0], f"{text}\n".encode(errors="replace"), "checkpoint")
    return Checkpoint(origin=lines[0], size=int(size), root=from_base64(lines[2], 32))


class Memory:
    """The largest checkpoint that a mode's log has shown you. Keep `note` where it outlives the process."""

    def __init__(self, key: bytes, note: str = "") -> None:
        """`key` of `log_key`; `note` of the memory before."""
        self._key, self.note = key, note
        self.last = verify(note, key=key) if note else None

    def take(self, note: str, *, may_be_older: bool = False) -> Checkpoint:
        """The checkpoint in a note that agrees with the last one; raises `Refused`, and remembers the last.

        may_be_older: it came by a webhook, which may be late.
        """
        fresh, last = verify(note, key=self._key), self.last
        if last is not None and fresh.origin != last.origin:
            raise Refused("the checkpoint is of another log")
        if last is not None and fresh.size < last.size:
            if not may_be_older:
                raise Refused(f"the log has shrunk from {last.size} to {fresh.size} entries")
            return fresh
        if last is not None and fresh.size == last.size and fresh.root != last.root:
            raise Refused(f"two different logs of {last.size} entries are signed")
        self.last, self.note = fresh, note
        return fresh


def root_over(leaf: bytes, *, index: int, size: int, hashes: Sequence[bytes]) -> bytes | None:
    """The root to which a proof leads from a leaf; None if it is no proof of this length. Source: RFC 9162, 2.1.3.2."""
    if index >= size:
        return None
    number, last, value = index, size - 1, sha256(b"\x00" + leaf).digest()
    for sibling in hashes:
        if last == 0:
            return None
        is_right = bool(number & 1) or number == last
        value = sha256(b"\x01" + (sibling + value if is_right else value + sibling)).digest()
        while is_right and not number & 1 and number:
            number, last = number >> 1, last >> 1
        number, last = number >> 1, last >> 1
    return None if last else value
