"""The regulator's questions: what they find, what they count, and the trace that each leaves."""

import json
import random
from collections import Counter
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.db import DatabaseError, connection

from tests.entries import body_of
from tests.verification.oversight import rows
from verification.case import policy
from verification.core.errors import BadInput, Conflict
from verification.core.status import OPEN, Status
from verification.log import sequencer
from verification.log.verify import verify_log
from verification.models import AuditEntry, MonthlyChange, MonthlyCount, Verification
from verification.oversight import case_file, counts, search
from verification.oversight.search import Question
from verification.worker import sweep

pytestmark = pytest.mark.django_db
READER = "usr_" + "a" * 26
OTHER_READER = "usr_" + "b" * 26


def ids(**asked: Any) -> list[str]:
    """What a question finds, by id."""
    return [
        found.verification_id
        for found in search.search(person_id=READER, question=Question(**asked)).data
    ]


def test_a_question_finds_what_fits_and_nothing_else() -> None:
    owner, second = rows.lender(), rows.lender("Second Credit LLP", number=1)
    by_eds = rows.bare(owner, created_at=rows.at(2026, 11, 1), route="eds")
    elsewhere = rows.bare(second, created_at=rows.at(2026, 11, 2), route="biometric")
    other = rows.bare(second, created_at=rows.at(2026, 11, 3), iin=rows.OTHER_IIN)
    test = rows.bare(second, created_at=rows.at(2026, 11, 4), mode="test")
    erased = rows.bare(owner, created_at=rows.at(2026, 11, 5), borrower_index=None)
    assert ids(iin=rows.IIN) == [elsewhere, by_eds]
    assert ids(iin="990101100030") == []
    assert ids(lender_id=owner.pk) == [erased, by_eds]
    assert ids(route="biometric") == [elsewhere]
    assert ids(iin=rows.OTHER_IIN) == [other]
    assert ids(mode="test") == [test]


def test_an_iin_indexed_under_an_older_key_is_still_found(settings: Any) -> None:
    old = rows.bare(rows.lender(), created_at=rows.at(2026, 11, 1))
    settings.TULGA_INDEX_KEYS = {**settings.TULGA_INDEX_KEYS, 2: b"\x02" * 32}
    new = rows.bare(rows.lender(), created_at=rows.at(2026, 11, 2))
    assert ids(iin=rows.IIN) == [new, old]


def test_days_begin_and_end_at_midnight_in_astana_and_both_count() -> None:
    # 19:00 UTC is midnight in Astana (UTC+5).
    before = rows.bare(
        rows.lender(), created_at=datetime(2026, 11, 9, 18, 59, 59, 999999, tzinfo=UTC)
    )
    first = rows.bare(rows.lender(), created_at=datetime(2026, 11, 9, 19, 0, tzinfo=UTC))
    last = rows.bare(
        rows.lender(), created_at=datetime(2026, 11, 10, 18, 59, 59, 999999, tzinfo=UTC)
    )
    after = rows.bare(rows.lender(), created_at=datetime(2026, 11, 10, 19, 0, tzinfo=UTC))
    day = date(2026, 11, 10)
    assert ids(date_from=day, date_to=day) == [last, first]
    assert ids(date_to=date(2026, 11, 9)) == [before]
    assert ids(date_from=date(2026, 11, 11)) == [after]


@pytest.mark.parametrize(
    ("asked", "pointer", "code"),
    [
        ({"iin": "990101100011"}, "iin", "iin_malformed"),
        ({"lender_id": "' OR 1=1"}, "lender_id", "lender_unknown"),
        ({"route": "palm"}, "route", "route_unknown"),
        ({"outcome": "maybe"}, "outcome", "outcome_unknown"),
        ({"mode": "demo"}, "mode", "mode_unknown"),
        (
            {"date_from": date(2026, 11, 2), "date_to": date(2026, 11, 1)},
            "date_to",
            "dates_reversed",
        ),
        ({"date_to": date.max}, "date_to", "date_out_of_range"),
        ({"after": "ver_\0"}, "after", "cursor_unknown"),
        ({"after": "ver_" + "a" * 26}, "after", "cursor_unknown"),
    ],
)
def test_what_cannot_be_asked_says_where_and_is_not_logged(
    asked: dict[str, Any], pointer: str, code: str
) -> None:
    with pytest.raises(BadInput) as raised:
        search.search(person_id=READER, question=Question(**asked))
    assert (raised.value.pointer, raised.value.code) == (pointer, code)
    assert rows.reading_entries() == []


def test_a_search_is_logged_by_what_was_asked_and_how_many_were_found() -> None:
    owner = rows.lender()
    rows.bare(owner, created_at=rows.at(2026, 11, 1), status="requires_input")
    asked = Question(
        iin=rows.IIN, lender_id=owner.pk, date_from=date(2026, 11, 1), outcome="requires_input"
    )
    search.search(person_id=READER, question=asked)
    (entry,) = rows.reading_entries()
    assert (entry.log, entry.type) == ("live", "oversight.searched")
    assert (entry.verification_id, entry.verification_sequence, entry.lender_id) == (
        None,
        None,
        None,
    )
    assert body_of(entry) == {
        "v": 1,
        "person": READER,
        "asked": ["iin", "lender_id", "date_from", "outcome"],
        "lender": owner.pk,
        "found": 1,
        "more": False,
    }


def every_reading(verification_id: str) -> dict[str, Callable[[], object]]:
    """Each function of the window that hands something out."""
    mine = {"person_id": READER, "verification_id": verification_id}
    return {
        "search": lambda: search.search(
            person_id=READER, question=Question(iin=rows.IIN, mode="test")
        ),
        "counts": lambda: counts.monthly_counts(person_id=READER, mode="test"),
        "own": lambda: search.own_readings(person_id=READER, mode="test"),
        "case": lambda: case_file.case_file(**mine),
        "proof": lambda: case_file.proof_file(**mine),
        "leaf": lambda: case_file.leaf_file(**mine),
        "checkpoint": lambda: case_file.checkpoint_file(person_id=READER, mode="test"),
    }


READING_NAMES = tuple(every_reading(""))


@pytest.mark.parametrize("name", READING_NAMES)
def test_every_reading_writes_exactly_one_entry_that_names_the_reader(name: str) -> None:
    read = every_reading(rows.declined(rows.lender()))[name]
    read()
    (entry,) = rows.reading_entries()
    assert (entry.log, entry.body["person"]) == ("test", READER)
    assert rows.IIN not in json.dumps(entry.body)


@pytest.mark.parametrize("name", READING_NAMES)
def test_nothing_is_shown_if_the_reading_cannot_be_logged(name: str) -> None:
    read = every_reading(rows.declined(rows.lender()))[name]

    def refuse_entries(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if sql.startswith("INSERT") and "verification_auditentry" in sql:
            raise DatabaseError("disk full")
        return execute(sql, params, many, context)

    with connection.execute_wrapper(refuse_entries), pytest.raises(DatabaseError):
        read()
    assert rows.reading_entries() == []


def test_readings_change_no_case_and_leave_both_logs_whole() -> None:
    verification_id = rows.declined(rows.lender())
    before = Verification.objects.get(pk=verification_id).sequence
    for read in every_reading(verification_id).values():
        read()
    search.search(person_id=READER, question=Question(mode="live"))  # this log stays unordered
    sequencer.order("test")
    assert Verification.objects.get(pk=verification_id).sequence == before
    told = AuditEntry.objects.filter(type__in=rows.READINGS, leaf__lender_sequence__isnull=False)
    assert not told.exists()
    assert [*verify_log("test"), *verify_log("live")] == []


def test_own_readings_are_ones_own_newest_first() -> None:
    search.search(person_id=READER, question=Question(mode="test", route="eds"))
    search.search(person_id=OTHER_READER, question=Question(mode="test"))
    counts.monthly_counts(person_id=READER, mode="test")
    counts.monthly_counts(person_id=READER, mode="live")
    own = search.own_readings(person_id=READER, mode="test")
    assert [step.type for step in own] == ["oversight.counted", "oversight.searched"]
    again = search.own_readings(person_id=READER, mode="test")
    assert again[0].body["what"] == "own_readings"


# One case as a regulator sees it, and the files to verify it with.


def test_a_case_file_shows_the_timeline_of_a_real_verification_and_no_content() -> None:
    file = case_file.case_file(person_id=READER, verification_id=rows.declined(rows.lender()))
    types = [step.type for step in file.steps]
    assert types[:: len(types) - 1] == ["verification.created", "verification.declined"]
    assert [step.sequence for step in file.steps] == list(range(1, len(types) + 1))
    places = [step.log_index for step in file.steps]
    assert None not in places
    assert places == sorted(places)  # type: ignore[type-var]
    assert file.is_decision_ordered
    assert (file.result.status, file.result.code) == ("declined", "consent_declined")
    assert [(check.name, check.outcome, check.lender_detail) for check in file.checks] == [
        ("consent.agreed", "fail", "The borrower did not consent.")
    ]
    assert [(attempt.stage, attempt.number) for attempt in file.attempts] == [("consent", 1)]
    answer = next(item for item in file.evidence if item.kind == "consent.answer")
    assert (len(answer.commitment), len(answer.sealed_sha256)) == (64, 64)
    for personal in (rows.IIN, "Ахметова", "+77011234567", "012345678", "KZ86125KZT5004100100"):
        assert personal not in repr(file)


# Counts that triggers and the sweep keep are those of the rows, at every moment and by any
# writer.


def counted(mode: str = "live") -> dict[tuple[date, str, str, str, str], int]:
    """What the regulator is told."""
    told = counts.monthly_counts(person_id=READER, mode=mode, months=counts.MONTHS_MAX)
    return {
        (one.month, one.route, one.status, one.code, one.last_failure): one.number for one in told
    }


def stands(mode: str = "live") -> dict[tuple[date, str, str, str, str], int]:
    """The same, from the rows themselves."""
    found: Counter[tuple[date, str, str, str, str]] = Counter()
    for row in Verification.objects.filter(mode=mode):
        is_open = row.status in OPEN
        month = row.created_at.astimezone(search.ZONE).date().replace(day=1)
        status, code = ("open", "") if is_open else (row.status, row.code)
        failure = row.last_failure if code == "attempts_exhausted" else ""
        found[month, row.route, status, code, failure] += 1
    return dict(found)


def test_counts_follow_the_rows_before_while_and_after_they_are_added_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    chance, owner = random.Random(13), rows.lender()
    began = datetime.combine(counts.first_month(3), datetime.min.time(), tzinfo=search.ZONE)
    times = [began + timedelta(hours=chance.randrange(80 * 24)) for _ in range(20)]
    made = [rows.bare(owner, created_at=at, status="requires_input", route="") for at in times]
    monkeypatch.setattr(policy, "COUNT_BATCH", 7)
    for _ in range(80):
        columns = {
            "status": chance.choice(list(Status)),
            "code": chance.choice(["", "eds_iin_mismatch", "attempts_exhausted"]),
            "last_failure": chance.choice(["", "eds_iin_mismatch", "otp_wrong"]),
        }
        moved = Verification.objects.filter(pk=chance.choice(made))
        moved.update(
            **columns | chance.choice([{}, {"route": chance.choice(["eds", "live_face"])}])
        )
        assert counted() == stands()
        if chance.random() < 0.3:
            sweep.add_up_months()
            assert counted() == stands()
    while sweep.add_up_months():
        assert counted() == stands()
    assert not MonthlyChange.objects.exists()
    assert {row.number for row in MonthlyCount.objects.all()} >= {
        0
    }  # one that all have left is not told
    assert counted("test") == {}


@pytest.mark.parametrize(
    ("opened", "month"),
    [
        (datetime(2026, 1, 31, 18, 59, 59, 999_999, tzinfo=UTC), date(2026, 1, 1)),
        (datetime(2026, 1, 31, 19, 0, 0, 0, tzinfo=UTC), date(2026, 2, 1)),
        (datetime(2026, 12, 31, 19, 0, 0, 1, tzinfo=UTC), date(2027, 1, 1)),
    ],
)
def test_a_month_begins_in_astana(opened: datetime, month: date) -> None:
    rows.bare(rows.lender(), created_at=opened)
    assert MonthlyChange.objects.get().month == month


def test_what_moves_within_open_or_changes_something_else_writes_no_change() -> None:
    row = rows.bare(rows.lender(), created_at=rows.at(2026, 11, 1), status="requires_input")
    changed: list[dict[str, Any]] = [
        {"status": "processing"},
        {"status": "in_review", "code": "face_review"},
    ]
    for columns in (*changed, {"locale": "ru"}, {"status": "requires_input", "code": ""}):
        Verification.objects.filter(pk=row).update(**columns)
    assert MonthlyChange.objects.count() == 1


def test_an_empty_log_has_no_checkpoint_and_another_mode_no_log() -> None:
    with pytest.raises(Conflict) as raised:
        case_file.checkpoint_file(person_id=READER, mode="live")
    assert raised.value.code == "receipt_not_ready"
    with pytest.raises(BadInput):
        case_file.checkpoint_file(person_id=READER, mode="demo")
