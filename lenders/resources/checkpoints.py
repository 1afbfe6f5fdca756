"""Checkpoints of the log, and proofs under them."""

from base64 import b64encode
from typing import Any

from rest_framework import serializers

from verification.core.errors import BadInput, Conflict, NotFound
from verification.log import entries, proofs


class ConsistencyAnswer(serializers.Serializer[Any]):
    """The proof that one size of the log continues another."""

    hashes = serializers.ListField(
        child=serializers.CharField(),
        help_text="Base64, 32 bytes each, lowest first; none between equal sizes.",
    )


def checkpoint(mode: str) -> str:
    """The newest signed note of a log.

    Raises: `Conflict` before the first ordering.
    """
    note = newest_checkpoint(mode)
    if note is None:
        raise Conflict("nothing is ordered yet", code="receipt_not_ready")
    return note


def newest_checkpoint(mode: str) -> str | None:
    """The newest signed note of a log; None before the first ordering."""
    return proofs.latest_checkpoint(mode)


def is_covered(untrusted: object, *, mode: str, log_index: int) -> bool:
    """Whether the log's key signed this checkpoint, and it covers this place."""
    return isinstance(untrusted, str) and proofs.covers(untrusted, log=mode, index=log_index)


def proof(*, lender_id: str, mode: str, event_id: str) -> str:
    """The tlog-proof of one of the lender's entries.

    Raises: `NotFound`, or `Conflict` before it is ordered.
    """
    matches = entries.by_ids([event_id], skips_damaged=True)
    if [(entry.lender_id, entry.log) for entry in matches] != [(lender_id, mode)]:
        raise NotFound("no such event")
    text = proofs.proof_for(event_id)
    if text is None:
        raise Conflict("the log has not ordered this event yet", code="receipt_not_ready")
    return text


def consistency(mode: str, *, first: int, second: int) -> dict[str, list[str]]:
    """The answer: hashes by which a log of `second` entries continues one of `first`.

    Raises: `BadInput` for impossible sizes.
    """
    size = proofs.latest_size(mode)
    if second > size:
        raise BadInput(f"the log has {size} entries", code="out_of_range", pointer="?second")
    if first > second:
        raise BadInput("larger than `second`", code="out_of_range", pointer="?first")
    hashes = proofs.consistency_for(mode, first=first, second=second)
    return {"hashes": [b64encode(digest).decode() for digest in hashes]}
