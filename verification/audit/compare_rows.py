"""Does every row about a verification say what its entries say, and has every row its entry?

`course/projection.py` says which rows the entries imply; here stands what no row shows. Only what a body names is
compared: the bytes of a body are signed, so a name that is taken out of it is seen.
"""

from collections.abc import Collection, Iterator
from typing import Final

from verification.audit import projected_rows
from verification.audit.compare_evidence import compare_evidence
from verification.audit.held_rows import Held
from verification.audit.history import course_entry
from verification.core.findings import Finding
from verification.course import fold, policy, tables
from verification.course.projection import project

_PROJECTED: Final = tuple(name for name, table in tables.TABLES.items() if table.title)
"""The tables whose rows the course projects."""


def compare(log: str, held: Held) -> Iterator[Finding]:
    """Everything that the rows of one verification and its entries say differently."""
    yield from _compare_sequence(log, held)
    yield from _compare_closings(log, held)
    yield from _compare_projected(log, held, _PROJECTED)
    yield from compare_evidence(log, held)


def _compare_projected(log: str, held: Held, names: Collection[str]) -> Iterator[Finding]:
    """The rows of these tables that are not what the entries imply."""
    row, state = held.verification, fold.reach(map(course_entry, held.entries))
    index = bytes(row.borrower_index).hex() if row.borrower_index is not None else None
    projected = project(state, case=row.pk, borrower_index=index)
    yield from projected_rows.differences(log, held, projected, names)


def _compare_sequence(log: str, held: Held) -> Iterator[Finding]:
    """Whether every entry that the row counts is there, and one at least."""
    row = held.verification
    # The row counts its entries, so it knows of a newest one that was taken away before it was ordered.
    last = max((entry.verification_sequence or 0 for entry in held.entries), default=0)
    detail = f"verification {row.pk} counted {row.sequence} entries, the last one there is number {last}"
    if row.sequence > last:
        yield Finding(code="entry_lost", log=log, field="sequence", detail=f"{detail}: the newest are missing")
    elif row.sequence < last and any(held.said("verification.created", naming="profile")):
        yield Finding(code="row_differs", log=log, field="sequence", detail=f"{detail}: the count was turned back")
    if not held.entries:
        detail = f"verification {row.pk} is there, and no entry speaks of it"
        yield Finding(code="row_unsaid", log=log, detail=detail)


def _compare_closings(log: str, held: Held) -> Iterator[Finding]:
    """Whether each attempt is closed once, and what people decide of it by enough votes."""
    closings = held.said("attempt.judged", "attempt.lapsed", "attempt.reviewed", naming="attempt")
    closed = dict[str, str]()
    for entry, body in closings:
        name, outcome = str(body["attempt"]), str(body.get("outcome"))
        is_open = closed[name] == "review" if name in closed else entry.type != "attempt.reviewed"
        closed[name] = outcome
        if not is_open:
            detail = f"attempt {name} had been decided before this entry, or was never left to people"
            yield Finding(code="row_differs", log=log, entry=entry.pk, field="status", detail=detail)
        if entry.type == "attempt.reviewed":
            people = {
                str(vote.get("person"))
                for voted, vote in held.said("review.voted", naming="attempt")
                if (vote["attempt"], vote.get("outcome")) == (body["attempt"], body.get("outcome"))
                and (voted.verification_sequence or 0) < (entry.verification_sequence or 0)
            }
            if len(people) < (policy.VOTES_TO_PASS if outcome == "passed" else 1):
                detail = f"fewer people than it takes had voted so on attempt {name} before this entry"
                yield Finding(code="row_differs", log=log, entry=entry.pk, field="votes", detail=detail)
