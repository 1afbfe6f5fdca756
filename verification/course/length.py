"""How many entries the row of a case counts: it knows of a newest one that was taken away."""

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

from verification.course.row import Lawful, Row
from verification.course.state import State
from verification.course.tables import CASE


def of_length(state: State, *, case: str) -> Iterator[Row]:
    """The count of the entries of a case: what it counts more is lost. Fewer than an opened one has
    it never counts."""
    if not state.length:
        return
    opening = state.opening.entry
    is_opened = opening is not None and "profile" in opening.body

    def wrong(row: Mapping[str, Any], *, is_lost: bool) -> str:
        counted = row["sequence"]
        is_wrong = counted > state.length if is_lost else is_opened and counted < state.length
        if not is_wrong:
            return ""
        cause = "the newest are missing" if is_lost else "the count was turned back"
        return f"verification {case} counted {counted} entries, {state.length} are there: {cause}"

    for code, is_lost in (("entry_lost", True), ("row_differs", False)):
        values = {"sequence": Lawful(partial(wrong, is_lost=is_lost), code)}
        yield Row(CASE, (case,), "", values)
