"""What the log says of evidence: which kinds each key may put on record, and what an entry lists."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

DOOR_KEEPS: Final = frozenset(
    {
        *("consent.answer", "question.answer", "person.answer", "code.guess.N", "renewal.answer"),
        *("statement.signature", "statement.answer"),
        *("live_capture.other_order", "live_capture.N.turn", "live_capture.N.lost"),
        *("live_capture.N.part.N", "live_capture.N.frame.N", "live_capture.N.chain.N"),
        *("review.reason.N", "attestation.comment.N", "attestation.place.N"),
    }
)
"""The kinds of evidence that the door key may put on record, `N` for a number: what people gave at the door. All else
is a worker's word: what it asked, drew, sent, looked up, measured. Source: audit.md §6."""
_NUMBER: Final = re.compile(r"(?<=\.)[0-9]+(?=\.|$)")


@dataclass(frozen=True)
class Claim:
    """One piece of evidence as an entry lists it. `digest`: its commitment or, of what is about nobody and has no id,
    its SHA-256."""

    attempt: str
    kind: str
    digest: str
    id: str = ""


def claims(body: Any) -> Iterator[Claim]:
    """What the body of an entry lists; what cannot be read there is none."""
    if not isinstance(body, dict):
        return
    listed = body.get("evidence")
    for one in listed if isinstance(listed, list) else ():
        said = one if isinstance(one, dict) else {}
        name, digest = said.get("id", ""), said.get("commitment" if "id" in said else "sha256")
        words = (body.get("attempt"), said.get("kind"), digest, name)
        if all(isinstance(word, str) for word in words):
            yield Claim(*map(str, words))


def is_of_door(body: Any) -> bool:
    """Whether all that a body lists as evidence is what the door key may put on record."""
    listed = body.get("evidence", []) if isinstance(body, dict) else []
    if not isinstance(listed, list):
        return False
    kinds = [one.get("kind") if isinstance(one, dict) else None for one in listed]
    return all(isinstance(kind, str) and "N" not in kind and _NUMBER.sub("N", kind) in DOOR_KEEPS for kind in kinds)
