"""Proof that a leaf stands in the log, checked offline: C2SP tlog-proof. Pure.

Source: C2SP tlog-proof. The extra data is not authenticated, so nothing we decide may rest on it.
"""

from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from verification.core.errors import BadInput
from verification.log import policy
from verification.log.checkpoint import (
    Checkpoint,
    VerificationKey,
    open_checkpoint,
    parse_base64,
    parse_decimal,
    parse_hash,
)
from verification.log.tree import leaf_hash, verify_inclusion

_HEADER: Final = "c2sp.org/tlog-proof@v1"


@dataclass(frozen=True)
class Proof:
    """A parsed proof. Nothing in it is to be believed before `verify`."""

    index: int
    hashes: tuple[bytes, ...]
    note: str
    extra: bytes = b""


def make(*, index: int, hashes: Sequence[bytes], note: str, extra: bytes = b"") -> str:
    """The proof as text: leaf index, inclusion proof, and the checkpoint it leads to, verbatim."""
    lines = [_HEADER]
    if extra:
        lines.append(f"extra {b64encode(extra).decode()}")
    lines.append(f"index {index}")
    lines.extend(b64encode(value).decode() for value in hashes)
    return "\n".join(lines) + "\n\n" + note


def parse(untrusted: str) -> Proof:
    """Reads a proof; raises `BadInput` for anything C2SP tlog-proof does not allow."""
    # The first blank line ends the proof: the note behind it has one of its own, before its
    # signatures.
    head, blank, note = untrusted.partition("\n\n")
    if not blank:
        raise BadInput("the proof has no checkpoint")
    # A header, at most an extra and an index line, then hashes: what a hostile text has beyond is
    # left in one piece.
    header, *lines = head.split("\n", policy.PROOF_HASHES + 3)
    if header != _HEADER:
        raise BadInput(f"the proof does not begin with {_HEADER}")
    extra = b""
    if lines and lines[0].startswith("extra "):
        extra = parse_base64(lines.pop(0).removeprefix("extra "))
        if not 0 < len(extra) <= policy.EXTRA_BYTES:
            raise BadInput("the extra data is empty or too large")
    if not lines or not lines[0].startswith("index "):
        raise BadInput("the proof has no index")
    index = parse_decimal(lines.pop(0).removeprefix("index "))
    if len(lines) > policy.PROOF_HASHES:
        raise BadInput("the proof has too many hashes")
    return Proof(
        index=index, hashes=tuple(parse_hash(line) for line in lines), note=note, extra=extra
    )


def verify(untrusted: str, *, leaf: bytes, key: VerificationKey) -> Checkpoint:
    """The checkpoint under which this leaf is proved to stand in the log of this key.

    Raises `BadInput` for a proof that cannot be read, `LogInconsistent` for one that does not
    verify.
    """
    # The note is opened before the tree is climbed: its size and root are nobody's until a known
    # key has signed them.
    proof = parse(untrusted)
    checkpoint = open_checkpoint(proof.note, key=key)
    verify_inclusion(
        leaf=leaf_hash(leaf),
        index=proof.index,
        size=checkpoint.size,
        proof=proof.hashes,
        root=checkpoint.root,
    )
    return checkpoint
