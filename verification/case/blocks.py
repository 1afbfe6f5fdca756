"""Whether the processing of a case is blocked, by its signed entries alone. Law: O-82.

A door that opens personal data asks here first. A row's columns only shorten lists.
"""

from collections.abc import Collection, Mapping
from copy import copy
from dataclasses import dataclass
from datetime import datetime

from verification import clock
from verification.case.moving import History, read_sound
from verification.core.codes import PROCESSING_BLOCKED
from verification.core.errors import Conflict
from verification.core.events import BLOCKING
from verification.course import blocking, retention
from verification.course.entry import moment, text
from verification.log import entries
from verification.models import Verification


@dataclass(frozen=True)
class Reason:
    """One entry that blocks: its type, time and author; an answer to it is due at `answer_due_at`.

    asked_by: `lender` or `person`.
    """

    type: str
    since: datetime
    asked_by: str
    answer_due_at: datetime | None


@dataclass(frozen=True)
class Block:
    """A blocked case.

    reasons: the first is the earliest.
    kept_until: the day of the erasure; None while an obligation is open.
    is_readable: something rests on the case, which its lender still reads.
    is_withdrawn: the consent is withdrawn, so no payout may follow.
    """

    reasons: tuple[Reason, ...]
    kept_until: datetime | None
    is_readable: bool
    is_withdrawn: bool

    @property
    def since(self) -> datetime:
        """The time of the first entry that blocks."""
        return self.reasons[0].since

    @property
    def asked_by(self) -> str:
        """The author of that entry."""
        return self.reasons[0].asked_by

    @property
    def answer_due_at(self) -> datetime | None:
        """When an answer to the newest entry is due."""
        return self.reasons[-1].answer_due_at


def of_history(history: History) -> Block | None:
    """The block of a case whose signatures are verified; None without one."""
    state = history.state
    if not state.blocks:
        return None
    return Block(
        reasons=tuple(
            Reason(
                entry.type,
                entry.at,
                text(entry.body, "asked_by"),
                moment(entry.body, "due"),
            )
            for entry in state.blocks
        ),
        kept_until=retention.until(state),
        is_readable=blocking.rests_on(state, at=clock.now()),
        is_withdrawn=blocking.is_withdrawn(state),
    )


def of_rows(rows: Collection[Verification]) -> Mapping[str, Block]:
    """The blocked ones of these rows, by id: one statement, and one more for each of them."""
    named = entries.of_cases([row.pk for row in rows], types=BLOCKING) if rows else ()
    cases = {entry.verification_id for entry in named}
    # A copy gets the values of the entries: the row as stored stays as it is.
    blocks = {row.pk: of_history(read_sound(copy(row))) for row in rows if row.pk in cases}
    return {case: block for case, block in blocks.items() if block is not None}


def of_row(row: Verification) -> Block | None:
    """The block of one row; None without one."""
    return of_rows([row]).get(row.pk)


def require_readable(row: Verification) -> None:
    """Raises: `Conflict` (processing_blocked), unless its lender may read the case."""
    block = of_row(row)
    if block is not None and not block.is_readable:
        raise refusal()


def require_unblocked(row: Verification) -> None:
    """Raises: `Conflict` (processing_blocked) while the case is blocked, whatever rests on it."""
    if of_row(row) is not None:
        raise refusal()


def require_payable(block: Block | None) -> None:
    """Raises: `Conflict` (processing_blocked) if it bars a step towards a payout."""
    if block is not None and (block.is_withdrawn or not block.is_readable):
        raise refusal()


def refusal() -> Conflict:
    """The refusal of a door."""
    return Conflict("the processing of these data is blocked", code=PROCESSING_BLOCKED)
