"""Personal data are erased once, after the end, and not a moment before the law permits it.

Day counts are those of Kazakhstan; the period is five years.
"""

from datetime import UTC, datetime, timedelta

import pytest

from tests.verification.log.histories import (
    AFTER,
    EDS,
    WHOLE,
    Said,
    at,
    codes,
    entries_of,
    timed,
)
from verification.course import fold, retention
from verification.log.signatures import course_entry

DUE = datetime(2031, 3, 1, 19, tzinfo=UTC)
"""The midnight after 1 March 2031 in Astana, five years after the attempt."""
LATE = datetime(2033, 7, 9, 12, tzinfo=UTC)
OBLIGED: list[Said] = [
    ("obligation.opened", {"at": at(60)}),
    ("obligation.closed", {"at": LATE.isoformat()}),
]


def on(history: list[Said], moment: datetime, entry_type: str, **body: object) -> list[Said]:
    """One more entry, at this moment."""
    last = list(timed(history))[-1][2]
    return [*history, (entry_type, {AFTER: (moment - last).total_seconds(), **body})]


def erased(history: list[Said], moment: datetime) -> list[Said]:
    return on(history, moment, "verification.redacted")


def asked(history: list[Said], *, days: float = 15, by: str = "lender") -> list[Said]:
    """The lender, or the person, asks a second later."""
    now = list(timed(history))[-1][2] + timedelta(seconds=1)
    due = (now + timedelta(days=days)).isoformat()
    return [*history, ("verification.redaction_requested", {"due": due, "asked_by": by})]


CLOSED = on(
    [*WHOLE, OBLIGED[0]], LATE, "obligation.closed", at=(LATE - timedelta(hours=1)).isoformat()
)
DISPUTED = on(WHOLE, LATE, "verification.disputed")


def until(history: list[Said]) -> datetime | None:
    return retention.until(fold.reach(map(course_entry, entries_of(history))))


@pytest.mark.parametrize(
    ("history", "expected"),
    [
        (WHOLE, DUE),
        (asked(WHOLE), DUE),
        (asked(asked(WHOLE), by="person"), DUE),
        ([*WHOLE, OBLIGED[0]], None),
        (CLOSED, datetime(2038, 7, 9, 19, tzinfo=UTC)),
        (DISPUTED, datetime(2038, 7, 9, 19, tzinfo=UTC)),
        (erased(WHOLE, DUE), None),
    ],
    ids=[
        "attempt",
        "asked",
        "asked by both",
        "open obligation",
        "closed obligation",
        "disputed",
        "erased",
    ],
)
def test_five_years_count_from_the_attempt_the_obligations_end_or_the_dispute(history, expected):
    assert until(history) == expected


@pytest.mark.parametrize("history", [WHOLE, asked(WHOLE), CLOSED, DISPUTED])
def test_an_erasure_at_the_midnight_is_lawful_and_the_moment_before_is_named(history):
    due = until(history)
    assert due is not None
    assert codes(erased(history, due)) == []
    early = erased(history, due - timedelta(microseconds=1))
    assert codes(early) == [("illegal_time", len(early))]


@pytest.mark.parametrize(
    ("history", "code"),
    [
        (erased([*WHOLE, OBLIGED[0]], LATE), "illegal_time"),
        (erased(EDS, LATE), "illegal_move"),
        (erased(erased(WHOLE, DUE), LATE), "illegal_move"),
        (asked(EDS), "illegal_move"),
        (asked(asked(WHOLE)), "illegal_move"),
        (asked(WHOLE, by="stranger"), "illegal_move"),
        (asked(erased(WHOLE, DUE)), "illegal_move"),
        (asked(WHOLE, days=15.01), "illegal_time"),
    ],
    ids=[
        "obligation open",
        "not ended",
        "erased twice",
        "asked before the end",
        "asked twice",
        "asked by a stranger",
        "asked after it",
        "answered too late",
    ],
)
def test_another_course_is_named(history, code):
    assert codes(history) == [(code, len(history))]
