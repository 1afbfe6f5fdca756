"""Proof that a leaf is in the log, verified offline: C2SP tlog-proof. Pure.

The extra data is not authenticated, so no decision may use it.
Source: C2SP tlog-proof.
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
    """A parsed proof, untrusted before `verify`."""

    index: int
    hashes: tuple[bytes, ...]
    note: str
    extra: bytes = b""


def make(*, index: int, hashes: Sequence[bytes], note: str, extra: bytes = b"") -> str:
    """The proof as text: leaf index, inclusion proof, and its checkpoint, verbatim."""
    lines = [_HEADER]
    if extra:
        lines.append(f"extra {b64encode(extra).decode()}")
    lines.append(f"index {index}")
    lines.extend(b64encode(value).decode() for value in hashes)
    return "\n".join(lines) + "\n\n" + note


def parse(untrusted: str) -> Proof:
    """A parsed proof.

    Raises: `BadInput` for a proof outside C2SP tlog-proof.
    """
    # The first blank line ends the proof: the note after it has its own, before its signatures.
    head, blank, note = untrusted.partition("\n\n")
    if not blank:
        raise BadInput("the proof has no checkpoint")
    # A header, at most an extra and an index line, then hashes: the rest of a hostile text stays
    # unsplit.
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
    """The checkpoint under which this leaf is proven to be in the log of this key.

    Raises: `BadInput` for an unreadable proof, `LogInconsistent` for a failed verification.
    """
    # Verify the note before climbing the tree: its size and root are untrusted until a known key
    # has signed them.
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
