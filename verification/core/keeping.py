"""What the log says of evidence and of columns: which kinds each key may put on record, what an
entry lists, and marks.

A mark is a hash bound to the row: no two rows are seen to hold the same. Most columns under one are
keyed hashes already, so nobody finds what they stand for; whoever takes them away, as erasure does,
leaves a mark that leads to nothing.
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
    }
)
"""The kinds of evidence that the door key may put on record, `N` for a number: what people gave at
the door. All else is a worker's word: what it asked, drew, sent, looked up, measured. Source:
audit.md §6.
"""
_OF_NO_STAGE: Final = ("review", "attestation")
_NUMBER: Final = re.compile(r"(?<=\.)[0-9]+(?=\.|$)")


@dataclass(frozen=True)
class Claim:
    """One piece of evidence as an entry lists it. `digest`: its commitment or, of what is about
    nobody and has no id, its SHA-256.
    """

    attempt: str
    kind: str
    digest: str
    id: str = ""


def claims(body: Any) -> Iterator[Claim]:
    """What the body of an entry lists; what cannot be read there is none."""
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
    """What a list `evidence` says of each item, with its file, which it says once where several lie
    in one.

    What cannot be read there is none.
    """
    file = None
    for item in listed if isinstance(listed, list) else ():
        if isinstance(item, dict):
            file = item.get("sealed_sha256", file)
            yield {**item, "sealed_sha256": file} if "id" in item else item


def is_of_door(body: Any) -> bool:
    """Whether all that a body lists as evidence is what the door key may put on record, each of the
    body's own stage.

    What people give outside of a stage, as reviewers do, is of none.
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
    """What a judgement says of all evidence that it rests on: each of it is listed by an entry
    before.
    """
    return digest(sorted(set(digests)))


def words_mark(row_id: str, numbers: Iterable[int]) -> str:
    """The mark of all keyed words of a row, in whatever order they come."""
    spelling = " ".join(str(word) for word in sorted(numbers))
    return sha256(f"words {row_id} {spelling}".encode()).hexdigest()


def reference_mark(row_id: str, reference: str) -> str:
    """The mark of a lender's own reference: a lender's word, which may be no personal number."""
    return sha256(f"{row_id}\0{reference}".encode()).hexdigest()
