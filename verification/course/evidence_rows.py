"""What the entries of a case imply of its evidence and of the words of its captures."""

from collections.abc import Iterator, Mapping
from typing import Any

from verification.core.events import DESTROYED
from verification.course.entry import Entry, listed, maps
from verification.course.row import Lawful, Row
from verification.course.standing import LOOKED_AT, REDACTED
from verification.course.state import State
from verification.course.tables import ITEM, SHARED_USE, WORD


def of_evidence(state: State, *, case: str) -> Iterator[Row]:
    """Sealed items, uses of shared evidence, and words."""
    is_erased, entry_of_word = REDACTED in state.standing.times, dict[str, Entry]()
    items, destroyed = set[str](), set[str]()
    for entry in state.standing.listings:
        attempt = entry.body.get("attempt")
        if entry.type == DESTROYED:
            for name in map(str, listed(entry.body, "destroyed")):
                destroyed.add(name)
                values = {"attempt_id": attempt, "destroyed_at": entry.at}
                yield Row(ITEM, (name,), entry.id, values)
            continue
        for claim in maps(entry.body, "evidence"):
            if "id" in claim:
                items.add(str(claim["id"]))
                yield _of_item(entry, claim, is_erased=is_erased)
            if "sha256" in claim:
                key = (str(attempt), str(claim.get("kind")))
                yield Row(SHARED_USE, key, entry.id, {"evidence_id": claim["sha256"]})
        if entry.type == LOOKED_AT and "words" in entry.body:
            entry_of_word[str(attempt)] = entry
    for name in sorted(items - destroyed):
        yield Row(ITEM, (name,), "", {"destroyed_at": _unless_destroyed(case)})
    for name, entry in entry_of_word.items():
        values = {} if is_erased else {"word": entry.body["words"]}
        yield Row(WORD, (name,), entry.id, values)


def _of_item(entry: Entry, claim: Mapping[str, Any], *, is_erased: bool) -> Row:
    """An item that an entry lists. Erasure takes away what it is found by."""
    name, marks = str(claim["id"]), claim.get("seen")

    def wrong(row: Mapping[str, Any]) -> str:
        if row["seen_index"] in (None, marks):
            return ""
        return f"the seen of evidence {name} is not what this entry says"

    values = {
        "attempt_id": entry.body.get("attempt"),
        "kind": claim.get("kind"),
        "created_at": entry.at,
        "seen_index": Lawful(wrong) if is_erased else marks,
    }
    return Row(ITEM, (name,), entry.id, values)


def _unless_destroyed(case: str) -> Lawful:
    """What counts as destroyed was destroyed by an entry."""

    def wrong(row: Mapping[str, Any]) -> str:
        if row["destroyed_at"] is None:
            return ""
        title = f"destroyed evidence {row['id']} ({row['kind']}) of attempt {row['attempt_id']}"
        return f"verification {case} holds the {title}, of which no entry speaks"

    return Lawful(wrong, "row_unsaid")
