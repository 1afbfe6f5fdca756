"""What may be said of a verification once it is verified: another course is named, at the entry it
is wrong at.
"""

from datetime import timedelta

import pytest

from tests.verification.log.clearings import PAID, clearance, requested
from tests.verification.log.histories import WHOLE, Said, at, codes, timed, without
from verification.core.clearance import AGE, VISIT

N = len(WHOLE)
DECIDED = list(timed(WHOLE))[-1][2]


def attested(what: str = AGE, person: str = "usr_1") -> Said:
    return "attestation.made", {"what": what, "person": person, "attempt": "att_3"}


def obliged(word: str, after: int = 60, **more: str) -> Said:
    """`after`: how many seconds after the beginning of all."""
    return f"obligation.{word}", {"at": at(after), **more}


def before(**time: float) -> str:
    """So long before the decision."""
    return (DECIDED - timedelta(**time)).isoformat()


SENT: Said = ("link.minted", {"person": "usr_1"})


@pytest.mark.parametrize(
    "after",
    [
        [attested(), attested(VISIT)],
        [attested(), *PAID],
        [requested(), attested(), clearance("refused")],
    ],
)
def test_two_things_are_attested_before_the_money_leaves(after):
    assert codes([*WHOLE, *after]) == []


@pytest.mark.parametrize(
    ("history", "expected"),
    [
        ([*WHOLE, attested(), attested(person="usr_2")], [("illegal_move", N + 2)]),
        ([*WHOLE, attested("his word of honour")], [("illegal_move", N + 1)]),
        ([*WHOLE, attested(person="")], [("illegal_move", N + 1)]),
        ([*WHOLE[:1], SENT, *WHOLE[1:], attested()], [("illegal_move", N + 2)]),
        ([*WHOLE, *PAID, attested()], [("illegal_move", N + 4)]),
        ([*without(WHOLE, N), attested()], [("after_end", N)]),
    ],
    ids=[
        "twice",
        "unknown",
        "by nobody",
        "by the sender of a link",
        "after the money",
        "before the end",
    ],
)
def test_another_word_of_an_employee_is_named(history, expected):
    assert codes(history) == expected


@pytest.mark.parametrize(
    "after",
    [
        [obliged("opened")],
        [obliged("opened", at=before(milliseconds=999))],  # the decision's own time, cut
        [obliged("opened"), obliged("closed")],
        [*PAID, obliged("opened"), obliged("closed", 90)],
    ],
)
def test_an_obligation_begins_and_ends(after):
    assert codes([*WHOLE, *after]) == []


@pytest.mark.parametrize(
    ("history", "expected"),
    [
        ([*WHOLE, obliged("closed")], [("illegal_move", N + 1)]),
        ([*WHOLE, obliged("opened"), obliged("opened", 90)], [("illegal_move", N + 2)]),
        ([*WHOLE, obliged("opened", at="soon")], [("illegal_move", N + 1)]),
        ([*WHOLE, obliged("opened", 0)], [("illegal_time", N + 1)]),
        ([*WHOLE, obliged("opened", at=before(seconds=1))], [("illegal_time", N + 1)]),
        ([*WHOLE, obliged("opened", 3600)], [("illegal_time", N + 1)]),
        ([*WHOLE, obliged("opened", 90), obliged("closed", 60)], [("illegal_time", N + 2)]),
        ([*without(WHOLE, N), obliged("opened")], [("after_end", N)]),
    ],
    ids=[
        "never opened",
        "twice",
        "no time",
        "before the decision",
        "a second before it",
        "to come",
        "before it began",
        "before the end",
    ],
)
def test_another_course_of_an_obligation_is_named(history, expected):
    assert codes(history) == expected
