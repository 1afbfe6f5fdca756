"""Of a history that the law allows nothing is told, whatever became of it."""

import pytest

from tests.verification.log.histories import (
    AFTER,
    BOTH,
    CHOICE,
    CONSENTED,
    DAY,
    EDS,
    FAULTED,
    KEPT,
    REFUSED,
    STOPPED,
    THRICE,
    TWO,
    UNCLEAR,
    UNSURE,
    WRONG,
    Said,
    answered,
    at,
    at_people,
    codes,
    codes_on_record,
    created,
    ended,
    exhausted,
    judged,
    lapsed,
    opened,
    passing,
    passing_all,
    reviewed,
    verified,
    voted,
)

MORE = {"attempt": "att_2", "expires_at": at(1200)}
LATER: Said = ("attempt.answered", answered("eds", "question", 2)[1] | {AFTER: 900})
LAWFUL: dict[str, list[Said]] = {
    "verified by one route": [*EDS, verified("eds")],
    "verified by two": [*TWO, verified("eds", "biometric", profile=BOTH)],
    "a route chosen": [
        CHOICE,
        ("route.chosen", {"route": "live_face"}),
        *passing_all("live_face"),
        verified("live_face"),
    ],
    "left for another route, and back": [
        *(CHOICE, ("route.chosen", {"route": "eds"}), *CONSENTED, opened("eds", "question", 2)),
        *(("route.chosen", {"route": "biometric"}), lapsed(2, after=1)),
        *(
            opened("biometric", "consent", 3),
            ("route.chosen", {"route": "eds"}),
            *passing_all("eds", after=3),
        ),
        verified("eds"),
    ],
    "left in the middle of a capture": [
        *(CHOICE, ("route.chosen", {"route": "eds"}), opened("eds", "consent", 1)),
        *(("route.chosen", {"route": "biometric"}), lapsed(1, after=1)),
        *(*passing_all("biometric", after=1), verified("biometric")),
    ],
    "a second try": [*EDS[:-1], WRONG, *passing("eds", "statement", 4), verified("eds")],
    "people passed it": [
        *at_people(),
        KEPT,
        voted("usr_a"),
        voted("usr_b"),
        reviewed(),
        verified("eds"),
    ],
    "people refused it": [
        *(*at_people(), voted("usr_a"), voted("usr_b", outcome="failed")),
        *(reviewed(outcome="failed", code="review_refused"), ended("declined", "review_refused")),
    ],
    "people let it run out": [*at_people(), ended("expired", "review_timeout", after=DAY)],
    "canceled among people": [*at_people(), ended("canceled", "canceled_by_lender")],
    "no consent": [*EDS[:3], REFUSED, ended("declined", "consent_declined")],
    "exhausted": [*THRICE, exhausted(3, 4, 5)],
    "silent for a while": [
        *(*EDS[:-3], opened("eds", "statement", 3, expires_at=at(600)), lapsed(3, after=600)),
        *(*passing("eds", "statement", 4), verified("eds")),
    ],
    "a look that gave more time": [
        *(
            *EDS[:4],
            opened("eds", "question", 2, expires_at=at(600)),
            (KEPT[0], KEPT[1] | MORE),
            LATER,
        ),
        *(judged("eds", "question", 2), *passing("eds", "statement", 3), verified("eds")),
    ],
    "stopped at the phone": [
        *(*EDS[:-2], ("hand_over.minted", {}), ("hand_over.read", {}), STOPPED),
        *(
            ended("declined", "coercion_reported", cause="hand_over"),
            lapsed(3, after=1),
        ),
    ],
    "ran out": [
        *(
            created(),
            opened("eds", "consent", 1),
            ended("expired", "verification_expired", after=DAY),
        ),
        lapsed(1, after=1),
    ],
    "canceled": [created(), opened("eds", "consent", 1), ended("canceled", "canceled_by_lender")],
    "our fault": [*EDS[:-1], *FAULTED, ended("failed", "retries_exhausted")],
    "nobody could tell": [
        *EDS[:-1],
        *FAULTED[:4],
        UNSURE,
        ended("failed", "retries_exhausted", cause=UNCLEAR),
    ],
    "what may follow an end": [
        *(
            *EDS,
            verified("eds"),
            KEPT,
            ("evidence.destroyed", {"attempt": "att_3", "destroyed": [], AFTER: 72 * 3600}),
        ),
        *(
            ("step.faulted", {"step": "destroy", "cause": "x"}),
            ("document.missing", {"attempt": "att_3"}),
        ),
        *(
            ("verification.disputed", {}),
            ("verification.redacted", {}),
            ("verification.key_revoked", {}),
        ),
    ],
}


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("name", LAWFUL)
def test_a_lawful_history_has_no_fault_and_on_record_no_finding(name: str) -> None:
    assert codes(LAWFUL[name]) == codes_on_record(LAWFUL[name]) == []


VERDICTS = [name for name, history in LAWFUL.items() if history[-1][0] == "verification.verified"]


@pytest.mark.parametrize("name", VERDICTS)
def test_nothing_can_be_taken_from_before_a_verdict_or_change_places_unseen(name: str) -> None:
    """But for what the verdict does not rest on: evidence, and the whole of an attempt that came to
    nothing.
    """
    history = LAWFUL[name]
    assert codes(history) == []
    for number in range(len(history) - 1):
        if history[number] != KEPT and number not in IDLE.get(name, ()):
            assert codes([*history[:number], *history[number + 1 :]]), f"without {number}"
        pair = history[number : number + 2]
        if KEPT not in pair and {entry_type for entry_type, _ in pair} != {"review.voted"}:
            assert codes([*history[:number], *reversed(pair), *history[number + 2 :]]), (
                f"{number} after the next"
            )


IDLE = {
    "left for another route, and back": (7, 8),
    "left in the middle of a capture": (4,),
    "a second try": (),
}
"""That a dialogue lapsed which was left anyhow, and that another was begun."""
