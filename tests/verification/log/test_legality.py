"""The law is replayed over signed entries alone.

A lawful history has no finding; an unlawful one is named by its code and its entry.
"""

import json
from collections.abc import Iterable, Sequence
from datetime import timedelta
from itertools import product
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import transaction

from tests.verification.log import root
from tests.verification.log.histories import (
    AFTER,
    BOTH,
    CAP,
    CHOICE,
    CONSENTED,
    DAY,
    EDS,
    END,
    FAULTED,
    FREE,
    GATES,
    KEPT,
    PAID,
    REFUSED,
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
    clearance,
    codes,
    codes_on_record,
    consumed,
    created,
    ended,
    entries_of,
    exhausted,
    issued,
    judged,
    lapsed,
    opened,
    passing,
    passing_all,
    passing_gates,
    requested,
    reviewed,
    shortened,
    timed,
    told,
    verified,
    voted,
    without,
    write,
    wrong,
)
from tests.verification.log.rows import NOON, add_lender, add_verification, slip_in, tamper
from verification.core import profiles, releases
from verification.core.almaty import begins, day_of
from verification.core.certificates import key_id
from verification.core.clearance import AGE, VISIT, Facts, evaluate
from verification.core.keeping import DOOR_KEEPS
from verification.core.releases import REGISTER_CHECKS, Release
from verification.course import policy
from verification.course.entry import CODES
from verification.log import keys, log, signatures, verify_cases
from verification.log.legality import faults_of
from verification.log.verify import verify_log
from verification.models import AuditEntry, Verification

ON_RECORD = pytest.mark.django_db(transaction=True)


@ON_RECORD
def test_a_finding_names_the_entry_and_is_among_those_of_the_log() -> None:
    of = write(without(WHOLE, 8, 9, 10))
    [finding] = told()
    entry = AuditEntry.objects.get(verification=of, type="verification.verified")
    index = entry.leaf.leaf_index
    assert (finding.entry, finding.leaf_index, finding.log) == (entry.pk, index, "test")
    assert "statement of eds" in finding.detail
    assert "stages_missing" in {one.code for one in verify_log("test")}


@ON_RECORD
def test_a_second_decision_is_named() -> None:
    tamper(("DROP INDEX one_decision_per_verification", ()))
    twice = [*WHOLE, ended("declined", "review_refused")]
    assert codes_on_record(twice) == codes(twice) == [("after_end", 12)]


def _write_over(entry: AuditEntry, body: Any) -> None:
    tamper(
        ("UPDATE verification_auditentry SET body = %s WHERE id = %s", (json.dumps(body), entry.pk))
    )


@ON_RECORD
def test_what_no_worker_signed_passes_nothing_though_it_is_ordered() -> None:
    of = write(WHOLE)
    assert told() == []
    statement = AuditEntry.objects.get(
        verification=of, type="attempt.judged", body__stage="statement"
    )
    _write_over(statement, {**statement.body, "signed": {}})
    assert [finding.code for finding in told()] == ["stages_missing"]


@ON_RECORD
def test_signatures_that_hold_are_verified_once_and_one_that_does_not_counts_for_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    of = write(WHOLE)
    looks: list[int] = []

    def inspect(entries: Sequence[AuditEntry]) -> tuple[dict[str, str], dict[str, str]]:
        looks.append(len(entries))
        return signatures.inspect(entries)

    own = SimpleNamespace(inspect=inspect, said_by=signatures.said_by)
    monkeypatch.setattr(verify_cases, "signatures", own)
    assert not {finding.code for finding in verify_log("test")} & CODES
    assert looks == []
    statement = AuditEntry.objects.get(
        verification=of, type="attempt.judged", body__stage="statement"
    )
    _write_over(statement, {**statement.body, "signed": {}})
    assert {finding.code for finding in verify_log("test")} >= {"entry_differs", "stages_missing"}
    assert set(looks) == {len(WHOLE)}


@ON_RECORD
@pytest.mark.parametrize(
    ("kind", "index", "expected"), [("door", 8, ["stages_missing"]), ("decision", 9, [])]
)
def test_what_a_revoked_key_signed_from_then_on_counts_for_nothing(
    monkeypatch: pytest.MonkeyPatch, kind: str, index: int, expected: list[str]
) -> None:
    write(WHOLE)
    monkeypatch.setattr(keys, "revoked", lambda log: {key_id(root.public(kind)): index})
    assert [finding.code for finding in told()] == expected
    assert {
        finding.leaf_index for finding in verify_log("test") if finding.code == "key_revoked"
    } >= {index}


ELSEWHERE: dict[str, tuple[str, list[str]]] = {
    "spent, of the same borrower": ("", []),
    "of no verification": ("ver_unknown", ["illegal_tries"] * 3),
    "not there": ("att_9", ["illegal_tries"]),
    "of another borrower": ("index", ["illegal_tries"] * 3),
    "erased since": ("erased", []),
}


@ON_RECORD
@pytest.mark.parametrize("name", ELSEWHERE)
def test_attempts_spent_in_other_verifications_are_looked_up(name: str) -> None:
    what, expected = ELSEWHERE[name]
    first = write(THRICE)
    other = what if what.startswith("ver_") else first.pk
    last = "att_9" if what == "att_9" else "att_5"
    spent = [{"attempt": attempt, "verification": other} for attempt in ("att_3", "att_4", last)]
    second = add_verification(first.lender)
    write([*EDS[:-3], exhausted(last_failure="", spent=spent, after=60)], of=second)
    Verification.objects.filter(pk=second.pk).update(borrower_index=b"one")
    index = {"erased": None, "index": b"two"}.get(what, b"one")
    Verification.objects.filter(pk=first.pk).update(borrower_index=index)
    assert [finding.code for finding in told()] == expected


@ON_RECORD
@pytest.mark.parametrize(
    ("index", "after", "expected"),
    [
        (b"same", 60, ["illegal_tries"]),
        (b"other", 60, []),
        (None, 60, []),
        (b"same", 25 * 3600, []),
    ],
    ids=["the same borrower", "another borrower", "an erased borrower", "a day later"],
)
def test_an_attempt_beyond_those_of_a_day_is_named_though_they_were_of_another_case(
    index: bytes | None, after: int, expected: list[str]
) -> None:
    first = write(THRICE)
    second = add_verification(first.lender)
    begun = [*EDS[:-2]]
    begun[-1] = (begun[-1][0], {**begun[-1][1], AFTER: after})
    write(begun, of=second)
    Verification.objects.filter(pk=first.pk).update(borrower_index=b"same")
    Verification.objects.filter(pk=second.pk).update(borrower_index=index)
    assert [finding.code for finding in told()] == expected


REVIEWED = [*at_people(), voted("usr_a"), voted("usr_b"), reviewed(), verified("eds")]


@pytest.mark.parametrize("number", [1, 2, 3, 4, 8, 9, 10, 14])
def test_no_verdict_rests_on_an_entry_that_lacks_its_signature(number: int) -> None:
    """Of each kind that the log asks a signature for: an opening, an answer, a judgement, what
    votes led to.
    """
    entries = entries_of(REVIEWED)
    forged = entries[number - 1].pk
    faults = list(faults_of(entries, {forged}))
    assert {fault.code for _, fault in faults} >= {"stages_missing"}
    assert forged not in {entry.pk for entry, _ in faults}


def test_a_vote_that_lacks_its_signature_does_not_count() -> None:
    entries = entries_of(REVIEWED)
    faults = faults_of(entries, {entries[12].pk})
    assert [fault.code for _, fault in faults] == ["votes_missing", "stages_missing"]


@ON_RECORD
def test_an_entry_of_another_log_passes_nothing_in_this_one() -> None:
    of = write(WHOLE)
    tamper(
        (
            (
                "UPDATE verification_auditentry SET log = 'live' WHERE verification_sequence"
                " BETWEEN 5 AND 7"
            ),
            (),
        )
    )
    assert Verification.objects.filter(pk=of.pk).exists()
    assert [finding.code for finding in told()] == [*["illegal_move"] * 3, "stages_missing"]


@ON_RECORD
def test_what_waits_is_judged_before_it_is_ordered() -> None:
    of = write(EDS)
    with transaction.atomic():
        entry_type, body = opened("eds", "statement", 11)
        waiting = log.append(
            log="test", type=entry_type, verification=of, body=body, verification_sequence=11
        )
    assert {(finding.code, finding.entry, finding.leaf_index) for finding in told()} == {
        ("illegal_move", waiting.pk, None)
    }


@ON_RECORD
def test_an_unsigned_entry_that_waits_is_ignored() -> None:
    of = write(EDS)
    decision = AuditEntry.objects.filter(verification=of).latest("verification_sequence")
    slip_in(decision, type="attempt.opened", verification_sequence=11, body={"v": 1})
    assert told() == []


EDS_STAGES = next(one for one in releases.RELEASES.values() if one.route == "eds").stages


def upgraded(
    monkeypatch: pytest.MonkeyPatch, stages: Iterable[tuple[str, tuple[str, ...], int]]
) -> Release:
    """A later release of the route eds, with these stages."""
    release = Release("eds", tuple(stages))
    monkeypatch.setitem(releases.RELEASES, release.id, release)
    return release


def test_a_judgement_is_read_by_the_release_of_its_day(monkeypatch: pytest.MonkeyPatch) -> None:
    """The software was changed in the middle of a case: what was judged before asked for less, and
    still holds.
    """
    new = upgraded(
        monkeypatch,
        ((name, (*checks, f"{name}.more"), tries) for name, checks, tries in EDS_STAGES),
    )
    more = [*WHOLE[9][1]["checks"], {"check": "statement.more", "outcome": "pass", "code": ""}]
    later = changed(changed(WHOLE, 10, release=new.id, checks=more), END, releases=[new.id])
    assert codes(later) == []


END_OF_UPGRADED: dict[str, tuple[Said, list[tuple[str, int]]]] = {
    "declined": (ended("declined", "check_missing"), []),
    "verified": (verified("eds"), [("stages_missing", END)]),
}


@pytest.mark.parametrize("end", END_OF_UPGRADED)
def test_a_stage_that_an_upgrade_puts_before_an_open_case_is_needed_for_its_verdict(
    monkeypatch: pytest.MonkeyPatch, end: str
) -> None:
    consent, *others = EDS_STAGES
    new = upgraded(monkeypatch, (consent, ("more", ("more.told",), 0), *others))
    (entry_type, body), expected = END_OF_UPGRADED[end]
    body |= {"releases": [new.id]} if "releases" in body else {}
    history = changed(changed(EDS, 8, release=new.id), 10, release=new.id)
    assert codes([*history, (entry_type, body)]) == expected


def test_a_stage_that_was_left_out_is_not_excused_by_an_upgrade(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    new = upgraded(monkeypatch, (*EDS_STAGES[:2], ("more", ("more.told",), 0), *EDS_STAGES[2:]))
    skipped = entries_of([*EDS[:4], opened("eds", "statement", 2, release=new.id)])
    [(entry, fault)] = faults_of(skipped)
    assert (entry, fault.code) == (skipped[4], "illegal_move")
    assert "before question" in fault.detail


def test_a_judgement_by_a_later_release_needs_what_that_asks_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    new = upgraded(
        monkeypatch,
        ((name, (*checks, f"{name}.more"), tries) for name, checks, tries in EDS_STAGES),
    )
    assert codes(changed(WHOLE, 10, release=new.id)) == [
        ("checks_missing", 10),
        ("stages_missing", END),
    ]


HOSTILE: list[Any] = [
    None,
    7,
    "x",
    [],
    [[]],
    {"attempt": []},
    {"attempt": {}, "checks": 5, "outcome": []},
]


@pytest.mark.parametrize("body", HOSTILE)
@pytest.mark.parametrize("number", range(1, len(REVIEWED) + 1))
def test_no_body_stops_the_replay(number: int, body: Any) -> None:
    history = entries_of(REVIEWED)
    history[number - 1].body = body
    assert list(faults_of(history))


# A lawful history has no finding, however it ends.


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
    "undecidable": [
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
        ("step.faulted", {"step": "destroy", "cause": "x"}),
        *(
            ("verification.disputed", {}),
            ("verification.redaction_requested", {"due": at(0), "asked_by": "lender"}),
            ("verification.redacted", {AFTER: 6 * 366 * DAY}),
            ("verification.key_revoked", {}),
        ),
    ],
}


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("name", LAWFUL)
def test_a_lawful_history_has_no_fault_and_on_record_no_finding(name: str) -> None:
    assert codes(LAWFUL[name]) == codes_on_record(LAWFUL[name]) == []


@pytest.mark.django_db(transaction=True)
def test_a_document_that_could_not_be_made_is_no_fault_of_the_course_but_is_found() -> None:
    history = [*EDS, verified("eds"), ("document.missing", {"attempt": "att_3"})]
    assert codes(history) == []
    assert [code for code, _ in codes_on_record(history)] == ["document_missing"]


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

# An unlawful history that a worker signed is named by its code and the entry at fault.


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
    "judged by evidence that was not kept": (
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
    "an unknown code": (
        changed(
            [*EDS[:-1], WRONG],
            10,
            checks=[{"check": "eds.format", "outcome": "fail", "code": "x"}],
            burnt=False,
        ),
        [("law_unknown", 10)],
    ),
    "an unknown release": (
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
    "a consent that was not given": (
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
    "an unknown law": (
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
    "an answer without an attempt": (
        [created(), answered("eds", "consent", 1)],
        [("illegal_move", 2)],
    ),
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
    "people who were not asked": ([*EDS, ended("in_review", REVIEWABLE)], [("illegal_move", 11)]),
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
    "a refusal without votes": (
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
    "declined for a phone that was not stopped": (
        [*EDS[:-3], ended("declined", "coercion_reported", cause="hand_over")],
        [("reason_missing", 8)],
    ),
    "verified after a stop": ([*EDS, STOPPED, verified("eds")], [("illegal_move", 12)]),
    "judged after a stop": ([*EDS[:-1], STOPPED, EDS[-1]], [("illegal_move", 11)]),
    "run out by another clock": (
        [*EDS, ended("expired", "review_timeout", after=DAY)],
        [("reason_missing", 11)],
    ),
    "canceled without a reason": ([*EDS, ended("canceled", "")], [("reason_missing", 11)]),
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
    "name", ["verified at once", "an unknown law", "lapsed and no time said", "one vote"]
)
def test_audit_verify_names_what_the_course_does(name: str) -> None:
    history, expected = FORGERIES[name]
    assert codes_on_record(history) == expected


# A clearance that the law or the verification does not allow is named at the entry at fault.


N = len(WHOLE)

LAW = "KZ-2026-01"

SIGNED: Said = (
    "contract.reported",
    {
        "contract": "c" * 64,
        "cap": CAP,
        "signed_at": at(1),
        "release_from": at(N + 1),
        "profile": LAW,
    },
)


def asking(**others: str) -> list[dict[str, str]]:
    """The gates as they pass under a law that asks for all of them."""
    return [
        {"name": name, "status": others.get(name, "passed"), "at": at(N + 3)}
        for name in policy.GATES
    ]


STRICT = [
    SIGNED,
    requested(profile=LAW),
    issued(profile=LAW, gates=asking(), fresh_until=at(N + 63)),
    consumed(),
]

FROZEN = [*PAID[:2], ("verification.disputed", {}), clearance("frozen")]


@pytest.mark.parametrize(
    "after",
    [PAID, STRICT, [*PAID[:2], consumed(amount=1)], FROZEN],
    ids=["lax", "strict", "less", "frozen"],
)
@pytest.mark.django_db(transaction=True)
def test_a_lawful_clearance_has_no_fault_and_on_record_no_finding(after):
    assert codes([*WHOLE, *after]) == codes_on_record([*WHOLE, *after]) == []


def test_the_gates_that_are_judged_are_those_that_a_worker_evaluates():
    law = profiles.get(LAW)
    facts = Facts(verified_at=NOON, routes=(), born=day_of(NOON), cap_tiyn=CAP, day_tiyn=0)
    gates = evaluate(facts, (law,), at=NOON)
    assert [gate.name for gate in gates] == list(policy.GATES)
    assert all(getattr(law, name) is not None for names in policy.GATES.values() for name in names)


DISPUTED: Said = ("verification.disputed", {})

HOUR_LATER = {AFTER: 3600}

NIGHT = (begins(day_of(NOON) + timedelta(days=1)) + timedelta(minutes=1)).isoformat()

CLEARANCES: dict[str, tuple[list[Said], list[tuple[str, int]]]] = {
    "no law": ([requested(profile="KZ-0000")], [("law_unknown", 1)]),
    "no contract": ([requested(contract="")], [("terms_differ", 1)]),
    "another contract than was reported": (
        [SIGNED, requested(contract="d" * 64)],
        [("terms_differ", 2)],
    ),
    "another sum than was reported": ([SIGNED, requested(cap=CAP + 1)], [("terms_differ", 2)]),
    "another sum than before": (
        [requested(), requested(clearance="clr_2", cap=10**12)],
        [("terms_differ", 2)],
    ),
    "no sum": ([requested(cap=0)], [("terms_differ", 1)]),
    "a contract for another sum than was asked for": (
        [requested(), ("contract.reported", SIGNED[1] | {"cap": 1, "release_from": at(N + 2)})],
        [("terms_differ", 2)],
    ),
    "issued for more": ([requested(), issued(cap=10**12)], [("terms_differ", 2)]),
    "issued for another contract": (
        [requested(), issued(contract="d" * 64)],
        [("terms_differ", 2)],
    ),
    "issued by another law": (
        [SIGNED, requested(), issued(profile=LAW, gates=asking(), fresh_until=at(N + 63))],
        [("terms_differ", 3)],
    ),
    "issued by no law": (
        [requested(), issued(profile="KZ-0000")],
        [("terms_differ", 2), ("law_unknown", 2)],
    ),
    "issued by no decision": ([requested(), issued(decision="")], [("terms_differ", 2)]),
    "issued by another decision": ([requested(), issued(decision="evt_0")], [("terms_differ", 2)]),
    "no gates": ([requested(), issued(gates=[])], [("gates_missing", 2)]),
    "a gate left out": ([requested(), issued(gates=GATES[1:])], [("gates_missing", 2)]),
    "an unknown gate": (
        [requested(), issued(gates=[*GATES, {"name": "x"}])],
        [("gates_missing", 2)],
    ),
    "a gate that refuses": (
        [requested(), issued(gates=passing_gates(verification_age="verification_too_old"))],
        [("gates_missing", 2)],
    ),
    "a gate said twice, and one refuses": (
        [requested(), issued(gates=[*passing_gates(amount="amount_over_profile"), *GATES])],
        [("gates_missing", 2)],
    ),
    "a gate that was not asked": (
        [requested(), issued(gates=passing_gates(age="passed"))],
        [("gates_missing", 2)],
    ),
    "a gate that was not evaluated": (
        [
            SIGNED,
            requested(profile=LAW),
            issued(profile=LAW, gates=asking(age="not_evaluated"), fresh_until=at(60)),
        ],
        [("gates_missing", 3)],
    ),
    "no contract was reported": (
        [requested(profile=LAW), issued(profile=LAW, gates=asking(), fresh_until=at(60))],
        [("gates_missing", 2)],
    ),
    "lives too long": (
        [requested(), issued(expires_at=at(N + 2 + policy.CLEARANCE_SECONDS + 1))],
        [("illegal_time", 2)],
    ),
    "lives for ever": ([requested(), issued(expires_at="")], [("illegal_time", 2)]),
    "an old answer": (
        [
            SIGNED,
            requested(profile=LAW),
            issued(profile=LAW, gates=asking(), fresh_until=at(N + 64)),
        ],
        [("illegal_time", 3)],
    ),
    "an answer of tomorrow": ([requested(), issued(fresh_until=NIGHT)], [("illegal_time", 2)]),
    "asked for after a dispute": ([DISPUTED, requested()], [("illegal_move", 2)]),
    "issued after a dispute": ([requested(), DISPUTED, issued()], [("illegal_move", 3)]),
    "left after a dispute": ([*PAID[:2], DISPUTED, consumed()], [("illegal_move", 4)]),
    "more left": ([requested(), issued(), consumed(amount=10**12)], [("terms_differ", 3)]),
    "nothing left": ([requested(), issued(), consumed(amount=0)], [("terms_differ", 3)]),
    "less than nothing left": ([requested(), issued(), consumed(amount=-1)], [("terms_differ", 3)]),
    "left too late": ([requested(), issued(), consumed(**HOUR_LATER)], [("illegal_time", 3)]),
    "left when an answer was old": (
        [requested(), issued(fresh_until=at(N + 3)), consumed()],
        [("illegal_time", 3)],
    ),
}


@pytest.mark.parametrize("name", CLEARANCES)
def test_another_clearance_is_named(name):
    after, expected = CLEARANCES[name]
    assert codes([*WHOLE, *after]) == [(code, N + place) for code, place in expected]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("name", ["no law", "issued by no law", "no contract was reported"])
def test_another_clearance_is_named_on_record_too(name):
    after, expected = CLEARANCES[name]
    assert codes_on_record([*WHOLE, *after]) == [(code, N + place) for code, place in expected]


def waited(**more: str) -> list[Said]:
    """Issued over the limit, two days after the contract."""
    gates = asking()
    for one in gates:
        one |= {"at": at(N + 1 + 86400 + 1)} | (
            {"release_not_before": at(N + 1 + 86400)} if one["name"] == "cooling_off" else {}
        )
    last = issued(profile=LAW, gates=gates, expires_at=at(N + 86460), fresh_until=at(N + 86460))
    return [
        SIGNED,
        (requested(profile=LAW)[0], requested(profile=LAW)[1] | {AFTER: 86400}),
        (last[0], last[1] | more),
    ]


def test_over_the_limit_a_new_consent_is_needed():
    assert codes([*WHOLE, *waited()]) == [("gates_missing", N + 3)]


@pytest.mark.django_db(transaction=True)
def test_a_clearance_that_names_an_absent_renewal_is_named():
    assert codes_on_record([*WHOLE, *waited(renewal="evt_0")]) == [("terms_differ", N + 3)]


# After its verdict a verification may be attested and carry an obligation. Another course is named.


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
        "without a person",
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


# A case left to people of whom too few may vote fails with the very next entry.


UNAVAILABLE = "review_unavailable"

LEFT = changed(at_people()[:-1], 10, burnt=False)

"""The judgement of the last stage left it to people, and spent no attempt."""

FAILED = ended("failed", UNAVAILABLE, cause=REVIEWABLE)

MOVE, REASON, TRIES = "illegal_move", "reason_missing", "illegal_tries"

FAILED_LAWFULLY: dict[str, list[Said]] = {
    "at once": [*LEFT, FAILED],
    "with its document, and frames that go later": [
        *(*LEFT, FAILED, KEPT),
        ("evidence.destroyed", {"attempt": "att_3", "destroyed": [], AFTER: 72 * 3600}),
    ],
}

FAILED_UNLAWFULLY: dict[str, tuple[list[Said], list[tuple[str, int]]]] = {
    "it spent an attempt": ([*at_people()[:-1], FAILED], [(MOVE, 11)]),
    "it came to people before": ([*at_people(), FAILED], [(MOVE, 12), (MOVE, 12)]),
    "it came to people after": ([*LEFT, ended("in_review", REVIEWABLE)], [(MOVE, 11)]),
    "it came to people, and failed then": (
        [*LEFT, ended("in_review", REVIEWABLE), FAILED],
        [(MOVE, n) for n in (11, 12, 12)],
    ),
    "something came between": ([*LEFT, KEPT, FAILED], [(MOVE, 11), (MOVE, 12)]),
    "another attempt": ([*LEFT, opened("eds", "statement", 4)], [(MOVE, 11)]),
    "people voted all the same": (
        [*LEFT, voted("usr_a"), voted("usr_b"), reviewed(), verified("eds")],
        [
            (MOVE, 11),
            (MOVE, 11),
            (MOVE, 12),
            (MOVE, 13),
            ("votes_missing", 13),
            ("stages_missing", 14),
        ],
    ),
    "it was verified": ([*LEFT, verified("eds")], [(MOVE, 11), (MOVE, 11), ("stages_missing", 11)]),
    "it ran out": (
        [*LEFT, ended("expired", "verification_expired", after=DAY)],
        [(MOVE, 11)],
    ),
    "it was canceled": ([*LEFT, ended("canceled", "canceled_by_lender")], [(MOVE, 11)]),
    "it failed by a fault": (
        [*LEFT, ended("failed", "retries_exhausted", cause=REVIEWABLE)],
        [(REASON, 11)],
    ),
    "it failed for another reason": (
        [*LEFT, ended("failed", UNAVAILABLE, cause="hand_over_review")],
        [(REASON, 11)],
    ),
    "it failed for none": ([*LEFT, ended("failed", UNAVAILABLE)], [(REASON, 11)]),
    "it was declined": ([*LEFT, ended("declined", UNAVAILABLE)], [(MOVE, 11), (MOVE, 11)]),
    "nothing was left to people": ([*EDS, ended("failed", UNAVAILABLE)], [(MOVE, 11)]),
    "nothing was judged": (
        [*EDS[:-1], ended("failed", UNAVAILABLE, cause=REVIEWABLE)],
        [(MOVE, 10)],
    ),
    "our own fault": ([*EDS[:-1], *FAULTED, ended("failed", UNAVAILABLE)], [(MOVE, 15)]),
    "by another law": (
        [*LEFT, ended("failed", UNAVAILABLE, profile=BOTH, cause=REVIEWABLE)],
        [("law_unknown", 11)],
    ),
    "a pass that says so": (changed([*EDS, FAILED], 10, burnt=False), [(MOVE, 11)]),
    "it was stopped": ([*EDS[:-1], STOPPED, LEFT[9], FAILED], [(MOVE, 11), (MOVE, 12)]),
}


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("name", FAILED_LAWFULLY)
def test_it_may_fail_at_once(name: str) -> None:
    assert codes(FAILED_LAWFULLY[name]) == codes_on_record(FAILED_LAWFULLY[name]) == []


@pytest.mark.parametrize("name", FAILED_UNLAWFULLY)
def test_and_not_otherwise(name: str) -> None:
    history, expected = FAILED_UNLAWFULLY[name]
    assert codes(history) == expected


def test_nothing_of_it_goes_on_after_its_end() -> None:
    assert codes([*LEFT, FAILED, *passing("eds", "statement", 4)]) == [
        ("after_end", n) for n in (12, 13, 14)
    ]


# A verdict without the register of people is named under each law since October 2024, though a
# worker signed it.


SILENT = {
    release.route: release for release in releases.RELEASES.values() if not release.asks_register
}

VERDICT = [*TWO, verified("eds", "biometric", profile=BOTH)]


def done_by(
    history: list[Said], route: str, release: Release, *, types: tuple[str, ...]
) -> list[Said]:
    """The history with entries of these types done by another release of a route, with the checks
    of that.
    """
    found = []
    for entry_type, body in history:
        if entry_type in types and body.get("route") == route:
            body = body | {"release": release.id}
            asked = release.checks(body["stage"])
            if "checks" in body:
                body["checks"] = [check for check in body["checks"] if check["check"] in asked]
        if entry_type in types and route in body.get("routes", ()):
            named = zip(body["routes"], body["releases"], strict=True)
            body = body | {"releases": [release.id if of == route else name for of, name in named]}
        found.append((entry_type, body))
    return found


def test_a_verdict_whose_every_release_asks_is_lawful() -> None:
    assert codes(VERDICT) == []


@pytest.mark.parametrize("route", sorted(SILENT))
@pytest.mark.parametrize(
    "types",
    [
        ("attempt.opened", "attempt.judged", "verification.verified"),
        ("attempt.opened", "attempt.judged"),
        ("attempt.judged",),
        ("verification.verified",),
    ],
    ids=" ".join,
)
def test_a_verdict_by_a_release_that_does_not_ask_is_named(
    route: str, types: tuple[str, ...]
) -> None:
    told = codes(done_by(VERDICT, route, SILENT[route], types=types))
    assert "law_unknown" in {code for code, _ in told}
    if "attempt.judged" in types or "verification.verified" in types:
        assert ("stages_missing", len(VERDICT)) in told


@pytest.mark.parametrize(("route", "check"), [*product(sorted(SILENT), sorted(REGISTER_CHECKS))])
def test_a_judgement_without_one_check_of_the_register_is_named(route: str, check: str) -> None:
    cut = []
    for entry_type, body in VERDICT:
        if entry_type == "attempt.judged" and body["route"] == route:
            body = body | {"checks": [said for said in body["checks"] if said["check"] != check]}
        cut.append((entry_type, body))
    assert {"checks_missing", "stages_missing"} <= {code for code, _ in codes(cut)}


def test_each_law_since_october_2024_wants_it_and_the_one_before_does_not() -> None:
    wants = {law.id: bool(law.register_asked) for law in profiles.PROFILES.values()}
    assert wants == {
        "KZ-2021-04": False,
        "KZ-2024-10": True,
        "KZ-2025-01": True,
        "KZ-2025-09": True,
        "KZ-2026-01": True,
    }


# A borrower whom the sandbox plays stands in the log of test mode alone, and each check says so.


ENGINE = {"name": "insecure_simulated", "scenario": "verified"}

PLAYED: Said = ("simulation.requested", {"scenario": "verified", "route": "eds"})


def saying(history: Sequence[Said], engine: dict[str, str] | None) -> list[Said]:
    """The same, each check with this under `engine`."""
    marked = []
    for entry_type, body in history:
        more = (
            {"checks": [{**one, "engine": engine} for one in body["checks"]]}
            if "checks" in body
            else {}
        )
        marked.append((entry_type, {**body, **more}))
    return marked


def test_a_played_borrower_is_verified_as_any_other() -> None:
    assert codes([WHOLE[0], PLAYED, *saying(WHOLE[1:], ENGINE)]) == []


@pytest.mark.parametrize("engine", [{"name": "tulga"}, {**ENGINE, "scenario": "eds_revoked"}, None])
def test_a_check_that_hides_it_is_named(engine: dict[str, str] | None) -> None:
    found = codes([WHOLE[0], PLAYED, *saying(WHOLE[1:], engine)])
    assert {code for code, _ in found} == {"simulation_hidden"}
    assert len(found) == sum(entry_type == "attempt.judged" for entry_type, _ in WHOLE)


def test_checks_without_a_word_of_it_are_named() -> None:
    assert {code for code, _ in codes([WHOLE[0], PLAYED, *WHOLE[1:]])} == {"simulation_hidden"}


def test_checks_do_not_name_a_simulation_that_was_not_requested() -> None:
    assert {code for code, _ in codes([WHOLE[0], *saying(WHOLE[1:], ENGINE)])} == {
        "simulation_hidden"
    }


def test_no_simulation_begins_while_an_answer_is_judged() -> None:
    assert ("illegal_move", 4) in codes([*WHOLE[:3], PLAYED, *saying(WHOLE[3:], ENGINE)])


def test_no_simulation_begins_after_the_end() -> None:
    assert codes([*WHOLE, PLAYED]) == [("after_end", len(WHOLE) + 1)]


def test_live_mode_refuses_a_played_borrower() -> None:
    assert [
        (entry.type, code)
        for entry, (code, _) in faults_of(entries_of([WHOLE[0], PLAYED], log="live"))
    ] == [("simulation.requested", "law_unknown")]


# Earlier entries are read by these numbers and words; a change would make lawful cases unlawful.


EVER_KEPT = {
    *(
        "consent.answer",
        "question.answer",
        "person.answer",
        "code.guess.N",
        "statement.signature",
        "statement.answer",
    ),
    *(
        "live_capture.other_order",
        "live_capture.N.turn",
        "live_capture.N.lost",
        "live_capture.N.part.N",
    ),
    *("live_capture.N.frame.N", "live_capture.N.chain.N", "review.reason.N"),
    *("attestation.comment.N", "attestation.place.N"),
}

"""What the door was ever allowed to keep. A kind is added; one that is there stays."""


def test_what_the_door_kept_once_it_may_have_kept_for_ever() -> None:
    assert DOOR_KEEPS >= EVER_KEPT


def test_a_number_that_decides_what_is_lawful_is_changed_by_a_release_and_not_here() -> None:
    assert (
        *(2, 86_400, 86_400),
        5,
    ) == (policy.VOTES_TO_PASS, policy.REVIEW_SECONDS, policy.TRIES_SECONDS, policy.FAULTS_MAX)


def paid(contract: str) -> list[Said]:
    """A verified loan whose contract is paid by `clr_2`."""
    named = {"clearance": "clr_2", "contract": contract}
    return [*WHOLE, requested(**named), issued(**named), consumed(clearance="clr_2")]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("contract", "is_of_lender", "expected"),
    [
        ("c" * 64, True, ["contract_paid_twice"]),
        ("d" * 64, True, []),
        ("c" * 64, False, []),
    ],
    ids=["its contract", "another contract", "another lender's"],
)
def test_a_contract_that_two_verifications_paid_is_named(contract, is_of_lender, expected):
    first = write([*WHOLE, *PAID])
    second = add_verification(first.lender if is_of_lender else add_lender("180440012349"))
    write(paid(contract), of=second)
    findings = told()
    assert [finding.code for finding in findings] == expected
    payout = AuditEntry.objects.get(verification=second, type="clearance.consumed")
    assert {finding.entry for finding in findings} == ({payout.pk} if expected else set())
    # A payout without a signature pays nothing.
    tamper(
        (
            "UPDATE verification_auditentry SET body = %s WHERE id = %s",
            (json.dumps({**payout.body, "signed": {}}), payout.pk),
        )
    )
    assert told() == []
