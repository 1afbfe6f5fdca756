"""The replay of the law reads the log's own entries, whatever stands in them, by the releases of
their days.
"""

import json
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import transaction

from tests.verification.log import root
from tests.verification.log.histories import (
    AFTER,
    EDS,
    END,
    THRICE,
    WHOLE,
    Said,
    at_people,
    changed,
    codes,
    codes_on_record,
    ended,
    entries_of,
    exhausted,
    opened,
    reviewed,
    told,
    verified,
    voted,
    without,
    write,
)
from tests.verification.log.rows import add_verification, slip_in, tamper
from verification.core import releases
from verification.core.certificates import key_id
from verification.core.releases import Release
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
    assert (finding.entry, finding.leaf_index, finding.log) == (entry.pk, 7, "test")
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
    "of nobody": ("ver_nobody", ["illegal_tries"] * 3),
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
def test_what_waits_and_lacks_its_signature_is_as_none() -> None:
    of = write(EDS)
    decision = AuditEntry.objects.filter(verification=of).latest("verification_sequence")
    slip_in(decision, type="attempt.opened", verification_sequence=11, body={"v": 1})
    assert told() == []


def test_a_judgement_is_read_by_the_release_of_its_day(monkeypatch: pytest.MonkeyPatch) -> None:
    """The software was changed in the middle of a case: what was judged before asked for less, and
    still holds.
    """
    old = next(one for one in releases.RELEASES.values() if one.route == "eds")
    new = Release(
        "eds", tuple((name, (*checks, f"{name}.more"), tries) for name, checks, tries in old.stages)
    )
    monkeypatch.setitem(releases.RELEASES, new.id, new)
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
    old = next(one for one in releases.RELEASES.values() if one.route == "eds")
    consent, *others = old.stages
    new = Release("eds", (consent, ("more", ("more.told",), 0), *others))
    monkeypatch.setitem(releases.RELEASES, new.id, new)
    (entry_type, body), expected = END_OF_UPGRADED[end]
    body |= {"releases": [new.id]} if "releases" in body else {}
    upgraded = changed(changed(EDS, 8, release=new.id), 10, release=new.id)
    assert codes([*upgraded, (entry_type, body)]) == expected


def test_a_stage_that_was_left_out_is_not_excused_by_an_upgrade(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    old = next(one for one in releases.RELEASES.values() if one.route == "eds")
    new = Release("eds", (*old.stages[:2], ("more", ("more.told",), 0), *old.stages[2:]))
    monkeypatch.setitem(releases.RELEASES, new.id, new)
    skipped = entries_of([*EDS[:4], opened("eds", "statement", 2, release=new.id)])
    [(entry, fault)] = faults_of(skipped)
    assert (entry, fault.code) == (skipped[4], "illegal_move")
    assert "before question" in fault.detail


def test_a_judgement_by_a_later_release_needs_what_that_asks_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    old = next(one for one in releases.RELEASES.values() if one.route == "eds")
    new = Release(
        "eds", tuple((name, (*checks, f"{name}.more"), tries) for name, checks, tries in old.stages)
    )
    monkeypatch.setitem(releases.RELEASES, new.id, new)
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
