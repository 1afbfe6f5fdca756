"""A request or a withdrawal blocks the processing of a case until its erasure; and what an open
obligation rests on stays readable for the lender.
"""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from tests.verification.course.test_retention import DUE, asked, erased
from tests.verification.log.histories import (
    AFTER,
    CONSENTED,
    DAY,
    EDS,
    STOPPED,
    WHOLE,
    Said,
    answered,
    at,
    at_people,
    codes,
    codes_on_record,
    created,
    ended,
    entries_of,
    judged,
    lapsed,
    opened,
    timed,
    voted,
)
from verification.core import profiles
from verification.course import blocking, fold
from verification.course.state import State
from verification.log.acts import CODE
from verification.log.signatures import course_entry

ENDED = ended("canceled", "consent_withdrawn")
CLEARANCE: dict[str, Any] = {"profile": "KZ-2021-04", "clearance": "clr_1"}
ASKED: Said = ("clearance.requested", {**CLEARANCE, "contract": "c" * 64, "cap": 100})
REPORT: Said = (
    "contract.reported",
    {"contract": "c" * 64, "cap": 100, "signed_at": at(1), "release_from": at(1)},
)
ATTESTED: Said = (
    "attestation.made",
    {"what": "age_confirmation", "person": "usr_e", "attempt": "att_1", "factor": CODE},
)
OPENED: Said = ("obligation.opened", {"at": at(60)})
CLOSED: Said = ("obligation.closed", {"at": at(61), AFTER: 60})
SESSION = "5" * 64


def withdrawn(history: list[Said], effect: str, *, days: float = 15, **more: Any) -> list[Said]:
    now = list(timed(history))[-1][2] + timedelta(seconds=1)
    due = (now + timedelta(days=days)).isoformat()
    body = {"due": due, "asked_by": "person", "effect": effect, **more}
    return [*history, ("consent.withdrawn", body)]


def state_of(history: list[Said]) -> State:
    return fold.reach(map(course_entry, entries_of(history)))


OPEN = [created(), *CONSENTED, opened("eds", "question", 2)]
JUDGING = [*OPEN, answered("eds", "question", 2)]
PAID = [*WHOLE, ASKED, ("clearance.issued", CLEARANCE), ("clearance.consumed", CLEARANCE)]


@pytest.mark.parametrize(
    "history",
    [OPEN, at_people(), [*at_people(), voted("usr_a")], [created()]],
    ids=["with the borrower", "with people", "voted on", "just opened"],
)
def test_a_withdrawal_ends_an_open_case_and_names_itself_as_the_reason(history):
    whole = [*withdrawn(history, "ends"), ENDED]
    assert codes(whole) == []
    state = state_of(whole)
    assert (state.end, blocking.is_withdrawn(state)) == ("verification.canceled", True)
    other = [*withdrawn(history, "ends"), ended("canceled", "canceled_by_lender")]
    assert codes(other) == [("reason_missing", len(other))]
    alone = [*history, ENDED]
    assert codes(alone) == [("reason_missing", len(alone))]


def test_an_attempt_that_was_open_lapses_after_the_withdrawal():
    late = [*withdrawn(OPEN, "ends"), ENDED, lapsed(2, after=1)]
    assert codes(late) == []


@pytest.mark.parametrize(
    ("history", "effect"),
    [
        (OPEN, "ends"),
        (WHOLE, "bars_payout"),
        ([*WHOLE, ASKED], "bars_payout"),
        ([*OPEN, ended("canceled", "canceled_by_lender")], "blocks"),
        (PAID, "blocks"),
    ],
    ids=["open", "verified", "asked for", "canceled", "paid"],
)
def test_a_withdrawal_states_its_effect(history, effect):
    assert blocking.effect(state_of(history)) == effect
    before = codes(history)
    assert codes(withdrawn(history, effect)) == before
    for other in {"ends", "bars_payout", "blocks", ""} - {effect}:
        whole = withdrawn(history, other)
        assert codes(whole) == [*before, ("terms_differ", len(whole))]


@pytest.mark.parametrize(
    ("history", "code"),
    [
        (withdrawn(withdrawn(WHOLE, "bars_payout"), "bars_payout"), "illegal_move"),
        (withdrawn(erased(WHOLE, DUE), "bars_payout"), "illegal_move"),
        (withdrawn([*OPEN, STOPPED], "ends"), "illegal_move"),
        (withdrawn(WHOLE, "bars_payout", days=15.01), "illegal_time"),
        (withdrawn(WHOLE, "bars_payout", session=SESSION), "session_unknown"),
    ],
    ids=["twice", "erased", "while a report ends it", "due too late", "of a strange session"],
)
def test_another_withdrawal_is_named(history, code):
    assert codes(history) == [(code, len(history))]


IGNORED: dict[str, tuple[list[Said], Said]] = {
    "a vote": (withdrawn(at_people(), "ends"), voted("usr_a")),
    "a judgement": (withdrawn(JUDGING, "ends"), judged("eds", "question", 2)),
    "an answer": (withdrawn(OPEN, "ends"), answered("eds", "question", 2)),
    "a contract": (withdrawn(WHOLE, "bars_payout"), REPORT),
    "a request": (withdrawn(WHOLE, "bars_payout"), ASKED),
    "an issue": (withdrawn([*WHOLE, ASKED], "bars_payout"), ("clearance.issued", CLEARANCE)),
    "a payout": (withdrawn(PAID[:-1], "bars_payout"), PAID[-1]),
    "an attestation": (withdrawn(WHOLE, "bars_payout"), ATTESTED),
    "an attestation after a request": (asked(WHOLE), ATTESTED),
    "a renewal": (withdrawn(WHOLE, "bars_payout"), ("renewal.opened", {"renewal": "ver_2"})),
}


@pytest.mark.parametrize("name", IGNORED)
def test_an_action_that_ignores_a_block_is_named(name):
    history, action = IGNORED[name]
    before = set(codes(history))
    assert ("block_ignored", len(history) + 1) in codes([*history, action])
    assert "block_ignored" not in {code for code, _ in before}


def test_a_refusal_and_a_freeze_may_follow_a_withdrawal():
    asked_for = withdrawn([*WHOLE, ASKED], "bars_payout")
    assert codes([*asked_for, ("clearance.refused", CLEARANCE)]) == []


@pytest.mark.parametrize("name", ["consent.withdrawn", "verification.redaction_requested"])
def test_an_entry_without_its_signature_blocks_nothing(name):
    *before, last = [
        course_entry(entry)
        for entry in entries_of(
            withdrawn(WHOLE, "bars_payout") if name == "consent.withdrawn" else asked(WHOLE)
        )
    ]
    assert last.type == name
    assert fold.reach([*before, last]).blocks == (last,)
    assert fold.reach([*before, replace(last, is_signed=False)]).blocks == ()


def test_a_block_lasts_until_the_erasure():
    blocked = withdrawn(asked(asked(WHOLE), by="person"), "bars_payout")
    assert len(state_of(blocked).blocks) == 3
    assert state_of(erased(blocked, DUE)).blocks == ()


@pytest.mark.parametrize(
    ("history", "rests"),
    [
        (asked(WHOLE), True),
        (withdrawn(WHOLE, "bars_payout"), False),
        (withdrawn([*WHOLE, OPENED], "bars_payout"), True),
        (withdrawn([*WHOLE, OPENED, CLOSED], "bars_payout"), False),
        (asked([*WHOLE, OPENED, CLOSED]), False),
        (withdrawn(PAID, "blocks"), True),
        (asked([*WHOLE, ("verification.disputed", {})]), False),
        (asked([*OPEN, ended("canceled", "canceled_by_lender")]), False),
        ([*withdrawn(EDS, "ends"), ENDED], False),
    ],
    ids=[
        "requested while it may pay",
        "withdrawn",
        "obligation open",
        "obligation closed",
        "requested after the obligation",
        "paid and not reported",
        "disputed",
        "never verified",
        "ended by it",
    ],
)
def test_what_an_obligation_or_a_payout_rests_on_stays_readable(history, rests):
    now = list(timed(history))[-1][2]
    assert blocking.rests_on(state_of(history), at=now) is rests


def test_a_requested_case_is_closed_when_it_is_too_old_for_a_payout():
    state = state_of(asked(WHOLE))
    assert state.ages_from is not None
    law = profiles.pinned(state.opening.profile_sha256)
    end = state.ages_from + timedelta(seconds=law.valid_for_seconds)
    assert blocking.rests_on(state, at=end - timedelta(seconds=1))
    assert not blocking.rests_on(state, at=end)
    aged = [*asked(WHOLE), ("test_clock.advanced", {"advance_seconds": DAY})]
    assert blocking.rests_on(state_of(aged), at=end - timedelta(days=1, seconds=1))
    assert not blocking.rests_on(state_of(aged), at=end - timedelta(days=1))


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("name", IGNORED)
def test_audit_verify_names_an_action_on_record_that_ignored_a_block(name):
    history, action = IGNORED[name]
    named = codes_on_record([*history, action])
    assert ("block_ignored", len(history) + 1) in named
