"""What the fold says of a whole history, lawful or forged: one row each, without a database."""

from collections.abc import Sequence
from typing import Any

import pytest

from tests.verification.log.histories import (
    AFTER,
    DAY,
    DECISION,
    EDS,
    PAID,
    WHOLE,
    Said,
    answered,
    at,
    changed,
    created,
    ended,
    exhausted,
    failed,
    opened,
    passing,
    requested,
    timed,
    without,
    wrong,
)
from verification.core.clearance import AGE
from verification.course import fold, policy
from verification.course.entry import Entry

N = len(WHOLE)
LAW = "KZ-2026-01"
"""Its money waits for a day."""


def faults(
    history: Sequence[Said], *, unsigned: str = "", log: str = "test"
) -> list[tuple[str, int]]:
    """Each fault: its code and the number of its entry. No key signed the entries of the type
    `unsigned`.
    """
    entries = [
        Entry(f"evt_{number}", name, log, when, _by_the_verdict(body), is_signed=name != unsigned)
        for number, (name, body, when) in enumerate(timed(history), start=1)
    ]
    return [
        (fault.code, number)
        for number, (_, _, found) in enumerate(fold.fold(entries), start=1)
        for fault in found
    ]


def _by_the_verdict(body: dict[str, Any]) -> dict[str, Any]:
    return {name: f"evt_{N}" if value == DECISION else value for name, value in body.items()}


def advanced(seconds: Any = 60) -> Said:
    return "test_clock.advanced", {"advance_seconds": seconds}


def expired(*, after: int) -> Said:
    return ended("expired", "verification_expired", after=after)


OPENED = [created(), opened("eds", "consent", 1)]
MOVED_UP = [*OPENED, advanced(DAY - 600), expired(after=600)]

CLOCKS: dict[str, tuple[list[Said], list[tuple[str, int]]]] = {
    "expires earlier by what the clock was advanced": (MOVED_UP, []),
    "expires before the time that is left": (
        changed(MOVED_UP, 4, **{AFTER: 540}),
        [("illegal_time", 4)],
    ),
    "expires early without the clock": (without(MOVED_UP, 3), [("illegal_time", 3)]),
    "by nothing": ([*OPENED, advanced(0)], [("illegal_move", 3)]),
    "backwards": ([*OPENED, advanced(-60)], [("illegal_move", 3)]),
    "by too much": ([*OPENED, advanced(policy.ADVANCE_SECONDS_MAX + 1)], [("illegal_move", 3)]),
    "by a truth value": ([*OPENED, advanced(True)], [("illegal_move", 3)]),
    "by a word": ([*OPENED, advanced("86400")], [("illegal_move", 3)]),
    "by no number": ([*OPENED, advanced(None)], [("illegal_move", 3)]),
    "after the end": (
        [*OPENED, ended("canceled", "canceled_by_lender"), advanced()],
        [("after_end", 4)],
    ),
}


@pytest.mark.parametrize("name", CLOCKS)
def test_a_test_clock_brings_nearer_what_is_due_and_nothing_else(name: str) -> None:
    history, expected = CLOCKS[name]
    assert faults(history) == expected


def test_an_unsigned_or_a_live_advance_brings_nothing_nearer() -> None:
    assert faults(MOVED_UP, unsigned="test_clock.advanced") == [("illegal_time", 4)]
    assert faults(MOVED_UP, log="live") == [("illegal_move", 3), ("illegal_time", 4)]


FRAME, ORDER = "live_capture.0.frame.1", "live_capture.order"
FILMED: Said = (
    "evidence.kept",
    {
        "attempt": "att_3",
        "evidence": [
            {"id": name, "kind": kind, "commitment": "1" * 64}
            for name, kind in (("evd_1", FRAME), ("evd_2", ORDER))
        ],
    },
)
DISPUTED: Said = ("verification.disputed", {})


def destroyed(item: str = "evd_1", *, after: int = policy.FRAMES_KEPT_SECONDS) -> Said:
    return "evidence.destroyed", {"attempt": "att_3", "destroyed": [item], AFTER: after}


KEPT = [*WHOLE, FILMED]
IN_REVIEW = [*EDS[:-1], FILMED]
NOT_LIVE = [
    entry
    for number in (3, 4, 5)
    for entry in (
        opened("biometric", "live_capture", number),
        answered("biometric", "live_capture", number),
        failed("biometric", "live_capture", number, "face.continuity", "liveness_face_jumped"),
    )
]
HELD = [
    created(allowed=[["biometric"]]),
    *passing("biometric", "consent", 1),
    *passing("biometric", "question", 2),
    *NOT_LIVE,
    FILMED,
    exhausted(3, 4, 5),
]
OTHER_FACE = [*EDS[:-3], *wrong(3), *wrong(4), *wrong(5), FILMED, exhausted(3, 4, 5)]
FRAMES: dict[str, tuple[list[Said], list[tuple[str, int]]]] = {
    "after its time": ([*KEPT, destroyed()], []),
    "too early": (
        [*KEPT, destroyed(after=policy.FRAMES_KEPT_SECONDS - 60)],
        [("illegal_time", N + 2)],
    ),
    "before the end": ([*IN_REVIEW, destroyed(after=30 * DAY)], [("illegal_time", 11)]),
    "of another face": ([*OTHER_FACE, destroyed()], []),
    "of no living face": ([*HELD, destroyed()], [("illegal_move", 19)]),
    "disputed": ([*KEPT, DISPUTED, destroyed()], [("illegal_move", N + 3)]),
    "no frame": ([*KEPT, destroyed("evd_2")], [("illegal_move", N + 2)]),
    "nothing that is kept": ([*KEPT, destroyed("evd_9")], [("illegal_move", N + 2)]),
}


@pytest.mark.parametrize("name", FRAMES)
def test_only_frames_are_destroyed_and_none_too_early_or_held(name: str) -> None:
    history, expected = FRAMES[name]
    assert [fault for fault in faults(history) if fault[1] == len(history)] == expected


REPORTED: Said = (
    "contract.reported",
    {
        "contract": "c" * 64,
        "cap": 15_000_000,
        "signed_at": at(1),
        "release_from": at(N + 1),
        "profile": LAW,
    },
)


def asked_anew(*, after: int = DAY, profile: str = LAW, person: str = "") -> Said:
    body = {"renewal": "ver_1", "profile": profile, "person": person}
    return "renewal.opened", body | {AFTER: after}


WAITED = [*WHOLE, REPORTED, asked_anew()]
UNVERIFIED = without(WHOLE, N)
WAITS: dict[str, tuple[list[Said], list[tuple[str, int]]]] = {
    "a wait, and a new consent": (WAITED, []),
    "a contract reported twice": ([*WAITED, REPORTED], [("illegal_move", N + 3)]),
    "a wait from before the report": (
        changed(WAITED, N + 1, release_from=at(1)),
        [("illegal_time", N + 1)],
    ),
    "a wait that a test clock makes shorter": (
        [*WHOLE, REPORTED, advanced(DAY), asked_anew(after=1)],
        [],
    ),
    "the sender of a new consent attests": (
        [
            *WHOLE,
            REPORTED,
            asked_anew(person="usr_1"),
            ("attestation.made", {"what": AGE, "person": "usr_1", "attempt": "att_3"}),
        ],
        [("illegal_move", N + 3)],
    ),
    "a new consent too soon": (
        [*WHOLE, REPORTED, asked_anew(after=DAY - 60)],
        [("illegal_time", N + 2)],
    ),
    "a new consent by no known law": (
        [*WHOLE, REPORTED, asked_anew(profile="KZ-0000")],
        [("law_unknown", N + 2)],
    ),
    "a new consent without a contract": ([*WHOLE, asked_anew()], [("illegal_move", N + 1)]),
    "a report on what was not verified": (
        [*UNVERIFIED, REPORTED],
        [("after_end", N), ("illegal_time", N)],
    ),
    "a first loan that says it renews another": (
        changed(WAITED, 1, renews="ver_9"),
        [("law_unknown", 1)],
    ),
}


@pytest.mark.parametrize("name", WAITS)
def test_the_money_waits_from_the_report_on(name: str) -> None:
    history, expected = WAITS[name]
    assert faults(history) == expected


VOID = [*WHOLE, *PAID[:2], requested(clearance="clr_2"), PAID[2]]
CANCELED = [*EDS, ended("canceled", "canceled_by_lender")]
PAYMENTS: dict[str, tuple[list[Said], list[tuple[str, int]]]] = {
    "money left twice": ([*WHOLE, *PAID, PAID[2]], [("illegal_move", N + 4)]),
    "money left by a void clearance": (VOID, [("illegal_move", N + 4)]),
    "money left by a clearance never issued": (
        [*WHOLE, PAID[0], PAID[2]],
        [("illegal_move", N + 2)],
    ),
}


@pytest.mark.parametrize("name", PAYMENTS)
def test_money_leaves_once_by_an_issued_clearance(name: str) -> None:
    history, expected = PAYMENTS[name]
    assert faults(history) == expected


def test_no_money_leaves_for_what_was_not_verified() -> None:
    found = faults([*CANCELED, *PAID])
    assert {code for code, number in found if number > N} >= {"after_end"}


def test_an_entry_that_names_another_lender_than_the_opening_is_named() -> None:
    history = [
        Entry(f"evt_{number}", name, "test", when, body, lender=f"len_{number // 3}")
        for number, (name, body, when) in enumerate(timed([*OPENED, ("link.minted", {})]), start=1)
    ]
    found = [[fault.code for fault in faults] for _, _, faults in fold.fold(history)]
    assert found == [[], [], ["lender_differs"]]
