"""A history that a worker signed, and the law does not allow, is named: by its code and the entry
it is wrong at.
"""

import pytest

from tests.verification.log.histories import (
    AFTER,
    BOTH,
    CONSENTED,
    DAY,
    EDS,
    END,
    FAULTED,
    FREE,
    KEPT,
    REVIEWABLE,
    STOPPED,
    THRICE,
    TWO,
    UNCLEAR,
    UNSURE,
    WHOLE,
    WRONG,
    Said,
    answered,
    at,
    at_people,
    changed,
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
    shortened,
    verified,
    voted,
    without,
    wrong,
)
from verification.core import profiles, releases

GIVEN: Said = (
    "evidence.kept",
    {
        "attempt": "att_3",
        "evidence": [{"id": "evd_1", "kind": "statement.signature", "commitment": "1" * 64}],
    },
)
LOOKED: Said = ("attempt.looked_at", {"attempt": "att_1", "next": "collect"})
FORGERIES: dict[str, tuple[list[Said], list[tuple[str, int]]]] = {
    "verified at once": (
        [created(), verified("eds")],
        [("stages_missing", 2), ("consent_missing", 2)],
    ),
    "no judgement of the signature": (
        without(WHOLE, 10),
        [("illegal_move", 10), ("stages_missing", 10)],
    ),
    "no attempt at the signature": (without(WHOLE, 8, 9, 10), [("stages_missing", 8)]),
    "no question": (without(WHOLE, 5, 6, 7), [("illegal_move", 5), ("stages_missing", 8)]),
    "no checks": (changed(WHOLE, 10, checks=[]), [("checks_missing", 10), ("stages_missing", END)]),
    "checks cut short": (shortened(WHOLE, 10), [("checks_missing", 10), ("stages_missing", END)]),
    "checks said twice": (
        changed(WHOLE, 10, checks=WHOLE[9][1]["checks"] * 2),
        [("checks_missing", 10), ("stages_missing", END)],
    ),
    "a failure called a pass": (
        changed([*EDS[:-1], WRONG, verified("eds")], 10, outcome="passed", code=""),
        [("checks_missing", 10), ("stages_missing", END)],
    ),
    "a failure called a case for people": (
        changed([*EDS[:-1], WRONG], 10, outcome="review", code=REVIEWABLE),
        [("checks_missing", 10)],
    ),
    "a doubt called a failure": (
        changed(at_people()[:-1], 10, outcome="failed", burnt=False),
        [("checks_missing", 10)],
    ),
    "judged by what nobody had kept": (
        changed(WHOLE, 10, inputs="0" * 64),
        [("inputs_differ", 10), ("stages_missing", END)],
    ),
    "judged without what was kept": (
        [*WHOLE[:8], GIVEN, *WHOLE[8:]],
        [("inputs_differ", 11), ("stages_missing", END + 1)],
    ),
    "judged without what a stage before had brought": (
        changed(WHOLE, 3, evidence=[GIVEN[1]["evidence"][0] | {"kind": "consent.answer"}]),
        [
            ("inputs_differ", 4),
            ("inputs_differ", 7),
            ("inputs_differ", 10),
            ("stages_missing", END),
            ("consent_missing", END),
        ],
    ),
    "a failure by another code": (
        changed([*EDS[:-1], WRONG], 10, code="eds_format"),
        [("checks_missing", 10)],
    ),
    "a code that nobody knows": (
        changed(
            [*EDS[:-1], WRONG],
            10,
            checks=[{"check": "eds.format", "outcome": "fail", "code": "x"}],
            burnt=False,
        ),
        [("law_unknown", 10)],
    ),
    "a release that nobody knows": (
        changed(WHOLE, 10, release="x"),
        [("law_unknown", 10), ("stages_missing", END)],
    ),
    "another route's release": (
        changed(
            WHOLE,
            10,
            release=next(one.id for one in releases.RELEASES.values() if one.route == "biometric"),
        ),
        [("law_unknown", 10), ("stages_missing", END)],
    ),
    "an opening of no release": (changed(WHOLE, 8, release=7), [("law_unknown", 8)]),
    "a verdict of no release": (
        changed(WHOLE, END, releases=[]),
        [("law_unknown", END), ("stages_missing", END)],
    ),
    "no consent": (
        without(WHOLE, 2, 3, 4),
        [
            ("consent_missing", 2),
            ("consent_missing", 5),
            ("stages_missing", 8),
            ("consent_missing", 8),
        ],
    ),
    "a consent nobody gave": (
        changed(WHOLE, 4, checks=[]),
        [("checks_missing", 4), ("stages_missing", END), ("consent_missing", END)],
    ),
    "consent afterwards": (
        [created(), *FREE, *CONSENTED, *passing("eds", "statement", 3), verified("eds")],
        [("consent_missing", 2), ("stages_missing", END)],
    ),
    "stages out of order": (
        [created(), *CONSENTED, *passing("eds", "statement", 3), *FREE, verified("eds")],
        [("illegal_move", 5), ("stages_missing", END)],
    ),
    "a stage passed twice": ([*EDS, *passing("eds", "statement", 4)], [("illegal_move", 11)]),
    "a law that nobody knows": (
        changed(changed(WHOLE, 1, profile_sha256="0" * 64), END, profile_sha256="0" * 64),
        [("law_unknown", 1), ("stages_missing", END)],
    ),
    "another law at the end": (
        changed(WHOLE, END, profile_sha256=profiles.get(BOTH).sha256),
        [("law_unknown", END)],
    ),
    "a law under another name": (changed(WHOLE, 1, profile=BOTH), [("law_unknown", 1)]),
    "less than the law asks for": (
        [created(BOTH, allowed=[["eds"]]), *passing_all("eds"), verified("eds", profile=BOTH)],
        [("law_unknown", 1), ("illegal_move", 1), ("stages_missing", END)],
    ),
    "one route of two": ([*TWO[:10], verified("eds", profile=BOTH)], [("stages_missing", END)]),
    "a second route without its face": (
        [*TWO[:-1], verified("eds", "biometric", profile=BOTH)],
        [("illegal_move", len(TWO)), ("stages_missing", len(TWO))],
    ),
    "a route that the lender did not allow": (
        [
            created(),
            ("route.chosen", {"route": "biometric"}),
            *passing_all("biometric"),
            verified("biometric"),
        ],
        [("illegal_move", 2), ("stages_missing", 12)],
    ),
    "a route after the last": (
        [*EDS, ("route.chosen", {"route": "biometric"})],
        [("illegal_move", 11)],
    ),
    "an attempt of another route": (
        [created(), opened("biometric", "consent", 1)],
        [("illegal_move", 2)],
    ),
    "two attempts at once": ([*EDS[:2], opened("eds", "consent", 2)], [("illegal_move", 3)]),
    "one attempt opened twice": ([*EDS[:4], opened("eds", "question", 1)], [("illegal_move", 5)]),
    "an answer to nobody": ([created(), answered("eds", "consent", 1)], [("illegal_move", 2)]),
    "an answer after the last": ([*EDS[:3], answered("eds", "consent", 1)], [("illegal_move", 4)]),
    "an answer after the judgement": (
        [*EDS[:4], answered("eds", "consent", 1)],
        [("illegal_move", 5)],
    ),
    "a judgement of nothing": ([created(), judged("eds", "consent", 1)], [("illegal_move", 2)]),
    "a judgement without an answer": (without(EDS, 3), [("illegal_move", 3)]),
    "a judgement twice": ([*EDS, EDS[-1]], [("illegal_move", 11)]),
    "a judgement of another stage": (changed(WHOLE, 10, stage="question"), [("illegal_move", 10)]),
    "a look at nothing": (
        [*EDS[:2], LOOKED],
        [("illegal_move", 3)],
    ),
    "what lapsed twice": ([*EDS, lapsed(3, after=1)], [("illegal_move", 11)]),
    "lapsed before its time": ([*EDS[:2], lapsed(1, after=600)], [("illegal_time", 3)]),
    "lapsed and no time said": (
        [created(), opened("eds", "consent", 1, expires_at=""), lapsed(1)],
        [("illegal_time", 3)],
    ),
    "answered after its time": (changed(EDS[:3], 3, **{AFTER: DAY}), [("illegal_time", 3)]),
    "ran out before its time": (
        [*EDS[:2], ended("expired", "verification_expired")],
        [("illegal_time", 3)],
    ),
    "people's time ran out before it did": (
        [*at_people(), ended("expired", "review_timeout")],
        [("illegal_time", 12)],
    ),
    "ran out when it was ours": (
        [*EDS[:3], ended("expired", "verification_expired", after=DAY)],
        [("illegal_move", 4)],
    ),
    "a vote after the time": (
        changed([*at_people(), voted("usr_a")], 12, **{AFTER: DAY + 1}),
        [("illegal_time", 12)],
    ),
    "a fourth try": ([*THRICE, opened("eds", "statement", 6)], [("illegal_tries", 17)]),
    "a failure that counts for nothing": (
        changed(THRICE, 10, burnt=False),
        [("illegal_tries", 10)],
    ),
    "a pass that counts": (changed(EDS, 10, burnt=True), [("illegal_tries", 10)]),
    "a silence that counts": (
        changed([*EDS[:2], lapsed(1)], 3, burnt=True),
        [("illegal_tries", 3)],
    ),
    "exhausted after two": ([*THRICE[:-3], exhausted(3, 4)], [("illegal_tries", 14)]),
    "exhausted by no attempt of its own": (
        [*THRICE[:-3], exhausted(3, 4, 9)],
        [("illegal_tries", 14)],
    ),
    "exhausted by one that passed": (
        [*EDS[:-3], *wrong(3), *wrong(4), exhausted(2, 3, 4)],
        [("illegal_tries", 14)],
    ),
    "failed at the first fault": (
        [*EDS[:-1], FAULTED[0], ended("failed", "retries_exhausted")],
        [("illegal_tries", 11)],
    ),
    "a fault counted five times": (
        [*EDS[:-1], FAULTED[-1], ended("failed", "retries_exhausted")],
        [("illegal_tries", 10)],
    ),
    "unsure at the first try": (
        [*EDS[:-1], UNSURE, ended("failed", "retries_exhausted", cause=UNCLEAR)],
        [("illegal_tries", 11)],
    ),
    "evidence of no attempt": ([created(), KEPT], [("illegal_move", 2)]),
    "no opening": (WHOLE[1:4], [("illegal_move", 1), ("illegal_move", 1), ("illegal_time", 2)]),
    "opened twice": ([*WHOLE[:4], WHOLE[0]], [("illegal_move", 5)]),
    "an entry about no verification": ([created(), ("log.heartbeat", {})], [("illegal_move", 2)]),
    "verified with a case for people": (
        [*at_people(), verified("eds")],
        [("illegal_move", 12), ("stages_missing", 12)],
    ),
    "people whom nobody asked": ([*EDS, ended("in_review", REVIEWABLE)], [("illegal_move", 11)]),
    "people asked for another reason": (
        changed(at_people(), 11, code="hand_over_review"),
        [("reason_missing", 11)],
    ),
    "no votes": (
        [*at_people(), reviewed(), verified("eds")],
        [("votes_missing", 12), ("stages_missing", 13)],
    ),
    "one vote": (
        [*at_people(), voted("usr_a"), reviewed(), verified("eds")],
        [("votes_missing", 13), ("stages_missing", 14)],
    ),
    "two votes of one person": (
        [*at_people(), voted("usr_a"), voted("usr_a"), reviewed(), verified("eds")],
        [("illegal_move", 13), ("votes_missing", 14), ("stages_missing", 15)],
    ),
    "a pass against a vote": (
        [
            *at_people(),
            voted("usr_a"),
            voted("usr_b"),
            voted("usr_c", outcome="failed"),
            reviewed(),
        ],
        [("votes_missing", 15)],
    ),
    "a refusal by nobody": (
        [*at_people(), reviewed(outcome="failed", code="review_refused")],
        [("votes_missing", 12)],
    ),
    "votes after the word": (
        [*at_people(), reviewed(), voted("usr_a"), voted("usr_b"), verified("eds")],
        [("votes_missing", 12), ("illegal_move", 13), ("illegal_move", 14), ("stages_missing", 15)],
    ),
    "a vote of who sent the link": (
        [
            at_people()[0],
            ("link.minted", {"person": "usr_a"}),
            *at_people()[1:],
            voted("usr_a"),
            voted("usr_b"),
            reviewed(),
        ],
        [("illegal_move", 13), ("votes_missing", 15)],
    ),
    "people passed what had failed": (
        [
            *changed(at_people(), 10, checks=WRONG[1]["checks"]),
            voted("usr_a"),
            voted("usr_b"),
            reviewed(),
            verified("eds"),
        ],
        [("checks_missing", 10), ("stages_missing", 15)],
    ),
    "people said neither": (
        [*at_people(), voted("usr_a", outcome="failed"), reviewed(outcome="retry")],
        [("illegal_move", 13)],
    ),
    "reviewed, and not left to people": (
        [*EDS, reviewed()],
        [("illegal_move", 11), ("votes_missing", 11)],
    ),
    "declined for nothing": (
        [*EDS, ended("declined", "coercion_reported")],
        [("reason_missing", 11)],
    ),
    "declined for what does not end it": (
        [*EDS[:-1], WRONG, ended("declined", "eds_iin_mismatch")],
        [("reason_missing", 11)],
    ),
    "declined for a failure that was none": (
        [*EDS, exhausted(3)],
        [
            ("illegal_move", 11),
            ("illegal_tries", 11),
            ("illegal_tries", 11),
            ("reason_missing", 11),
        ],
    ),
    "declined as if its law led nowhere": (
        [*TWO[:10], ended("declined", "check_missing", profile=BOTH)],
        [("reason_missing", 11)],
    ),
    "answered after the time of the whole": (
        changed(changed(EDS[:3], 1, expires_at=at(2)), 3),
        [("illegal_time", 3)],
    ),
    "declined while it was asked": (
        [*EDS[:-2], ended("declined", "eds_iin_mismatch")],
        [("illegal_move", 9)],
    ),
    "declined for a phone that nobody stopped": (
        [*EDS[:-3], ended("declined", "coercion_reported", cause="hand_over")],
        [("reason_missing", 8)],
    ),
    "verified after a stop": ([*EDS, STOPPED, verified("eds")], [("illegal_move", 12)]),
    "judged after a stop": ([*EDS[:-1], STOPPED, EDS[-1]], [("illegal_move", 11)]),
    "run out by another clock": (
        [*EDS, ended("expired", "review_timeout", after=DAY)],
        [("reason_missing", 11)],
    ),
    "canceled by nobody": ([*EDS, ended("canceled", "")], [("reason_missing", 11)]),
    "failed without a fault": (
        [*EDS, ended("failed", "retries_exhausted")],
        [("reason_missing", 11)],
    ),
    "failed by another fault": (
        [*EDS, *FAULTED, ended("failed", "retries_exhausted", cause="x")],
        [("reason_missing", 16)],
    ),
    "failed among people": (
        [*at_people(), *FAULTED, ended("failed", "retries_exhausted")],
        [("illegal_move", 17)],
    ),
    "an attempt after the end": ([*WHOLE, opened("eds", "statement", 4)], [("after_end", 12)]),
    "people after the end": ([*WHOLE, reviewed()], [("after_end", 12)]),
}


@pytest.mark.parametrize("name", FORGERIES)
def test_a_forgery_that_a_worker_signed_is_named_by_its_code_and_its_entry(name: str) -> None:
    history, expected = FORGERIES[name]
    assert codes(history) == expected


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    "name", ["verified at once", "a law that nobody knows", "lapsed and no time said", "one vote"]
)
def test_audit_verify_names_what_the_course_does(name: str) -> None:
    history, expected = FORGERIES[name]
    assert codes_on_record(history) == expected
