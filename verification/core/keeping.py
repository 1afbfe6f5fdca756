"""Evidence and keyed columns in the log: the kinds that each key may record, the items of an entry,
and marks.

A mark is a hash bound to its row, so equal values in two rows have different marks.
Most marked columns are keyed hashes already, so a mark reveals no value.
After erasure deletes the column, its mark leads nowhere.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final

from verification.core.stored import digest

DOOR_KEEPS: Final = frozenset(
    {
        *("consent.answer", "question.answer", "person.answer", "code.guess.N", "renewal.answer"),
        *("statement.signature", "statement.answer"),
        *("live_capture.other_order", "live_capture.N.turn", "live_capture.N.lost"),
        *("live_capture.N.part.N", "live_capture.N.frame.N", "live_capture.N.chain.N"),
        *("review.reason.N", "attestation.comment.N", "attestation.place.N"),
        *("review.salt.N", "attestation.salt.N"),
    }
)
"""Kinds of evidence that the door key may record; `N` stands for a number.

They are what people submit through web. Workers record all else: questions, look-ups and
measurements.
"""
_OF_NO_STAGE: Final = ("review", "attestation")
_NUMBER: Final = re.compile(r"(?<=\.)[0-9]+(?=\.|$)")


@dataclass(frozen=True)
class Claim:
    """One piece of evidence that an entry lists.

    digest: its commitment, or its SHA-256 if it is about no person and has no id.
    """

    attempt: str
    kind: str
    digest: str
    id: str = ""


def claims(body: Any) -> Iterator[Claim]:
    """The items that an entry's body lists; unreadable ones are skipped."""
    if not isinstance(body, dict):
        return
    listed = body.get("evidence")
    for item in listed if isinstance(listed, list) else ():
        fields = item if isinstance(item, dict) else {}
        name, digest = (
            fields.get("id", ""),
            fields.get("commitment" if "id" in fields else "sha256"),
        )
        parts = (body.get("attempt"), fields.get("kind"), digest, name)
        if all(isinstance(word, str) for word in parts):
            yield Claim(*map(str, parts))


def placed(listed: Any) -> Iterator[Mapping[str, Any]]:
    """The place of each item in the list `evidence`; items of one file name that file once.

    Unreadable items are skipped.
    """
    file = None
    for item in listed if isinstance(listed, list) else ():
        if isinstance(item, dict):
            file = item.get("sealed_sha256", file)
            yield {**item, "sealed_sha256": file} if "id" in item else item


def is_of_door(body: Any) -> bool:
    """Whether the door key may record all evidence of a body, each kind for the body's stage.

    Input from outside a stage, such as a reviewer's, has no stage.
    """
    fields = body if isinstance(body, dict) else {}
    listed, stage = fields.get("evidence", []), fields.get("stage")
    if not isinstance(listed, list):
        return False
    kinds = [item.get("kind") if isinstance(item, dict) else None for item in listed]
    return all(
        isinstance(kind, str)
        and "N" not in kind
        and _NUMBER.sub("N", kind) in DOOR_KEEPS
        and kind.partition(".")[0] in (stage, *_OF_NO_STAGE)
        for kind in kinds
    )


def index_mark(row_id: str, index: bytes) -> str:
    """The mark of one keyed index of a row."""
    return sha256(b"index %s %s" % (row_id.encode(), index)).hexdigest()


def inputs_mark(digests: Iterable[str]) -> str:
    """The mark of the evidence under a judgement; an earlier entry lists each item."""
    return digest(sorted(set(digests)))


def words_mark(row_id: str, numbers: Iterable[int]) -> str:
    """The mark of all keyed words of a row, in any order."""
    spelling = " ".join(str(word) for word in sorted(numbers))
    return sha256(f"words {row_id} {spelling}".encode()).hexdigest()


def reference_mark(row_id: str, reference: str) -> str:
    """The mark of a lender's reference, which must not be a personal number."""
    return sha256(f"{row_id}\0{reference}".encode()).hexdigest()
