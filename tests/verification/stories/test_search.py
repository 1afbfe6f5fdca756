"""The regulator's questions: what they find, and the trace each leaves."""

import json
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.db import DatabaseError, connection

from tests.entries import body_of
from tests.verification.oversight import rows
from verification.core.errors import BadInput
from verification.evidence import vault
from verification.log import sequencer
from verification.log.verify import verify_log
from verification.models import AuditEntry, Verification
from verification.oversight import case_file, counts, search
from verification.oversight.search import Question

pytestmark = pytest.mark.django_db

READER = "usr_" + "a" * 26
OTHER_READER = "usr_" + "b" * 26


def ids(**asked: Any) -> list[str]:
    """What a question finds, by id."""
    return [
        found.verification_id
        for found in search.search(person_id=READER, question=Question(**asked)).data
    ]


def test_an_iin_finds_its_verifications_at_every_lender_and_nobody_elses() -> None:
    first, second = rows.lender(), rows.lender("Second Credit LLP", number=1)
    mine = [
        rows.bare(first, created_at=rows.at(2026, 11, 1)),
        rows.bare(second, created_at=rows.at(2026, 11, 2)),
    ]
    rows.bare(first, created_at=rows.at(2026, 11, 3), iin=rows.OTHER_IIN)
    assert ids(iin=rows.IIN) == mine[::-1]
    assert ids(iin="990101100030") == []


def test_an_iin_indexed_under_an_older_key_is_still_found(settings: Any) -> None:
    old = rows.bare(rows.lender(), created_at=rows.at(2026, 11, 1))
    settings.TULGA_INDEX_KEYS = {**settings.TULGA_INDEX_KEYS, 2: b"\x02" * 32}
    new = rows.bare(rows.lender(), created_at=rows.at(2026, 11, 2))
    assert ids(iin=rows.IIN) == [new, old]


def test_an_erased_case_is_not_found_by_iin_but_by_lender() -> None:
    owner = rows.lender()
    erased = rows.bare(owner, created_at=rows.at(2026, 11, 1), borrower_index=None)
    assert ids(iin=rows.IIN) == []
    assert ids(lender_id=owner.pk) == [erased]


def test_test_cases_are_found_only_when_asked_for() -> None:
    live = rows.bare(rows.lender(), created_at=rows.at(2026, 11, 1))
    test = rows.bare(rows.lender(), created_at=rows.at(2026, 11, 1), mode="test")
    assert ids() == [live]
    assert ids(mode="test") == [test]


def test_a_filter_leaves_only_what_fits() -> None:
    fits = rows.bare(rows.lender(), created_at=rows.at(2026, 11, 1), route="eds")
    rows.bare(rows.lender(), created_at=rows.at(2026, 11, 2), route="biometric")
    assert ids(route="eds") == [fits]


def test_an_outcome_finds_what_has_ended_so_by_the_log_and_what_rows_alone_say_by_none() -> None:
    owner = rows.lender()
    ended, other = rows.declined(owner), rows.opened(owner, reference="loan-2", iin=rows.OTHER_IIN)
    assert ids(mode="test", outcome="declined") == [ended]
    rows.forged(other)
    assert ids(mode="test", outcome="verified") == []
    everything = search.search(person_id=READER, question=Question(mode="test")).data
    (shown,) = [one for one in everything if one.verification_id == other]
    assert (shown.status, shown.code, shown.finished_at, shown.row_status) == (
        "processing",
        "",
        None,
        "verified",
    )


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


def test_pages_show_every_case_once_although_new_ones_come_and_times_are_equal() -> None:
    owner, same_time = rows.lender(), rows.at(2026, 11, 1)
    expected = {rows.bare(owner, created_at=same_time) for _ in range(7)}
    seen: list[str] = []
    after = ""
    while True:
        page = search.search(person_id=READER, question=Question(after=after), limit=3)
        seen += [found.verification_id for found in page.data]
        rows.bare(
            owner, created_at=rows.at(2026, 11, 2)
        )  # a newer one belongs before the first page
        if not page.has_more:
            break
        assert page.next is not None
        after = page.next
    assert len(seen) == 7
    assert set(seen) == expected


def test_a_page_that_is_just_full_has_no_next() -> None:
    for _ in range(3):
        rows.bare(rows.lender(), created_at=rows.at(2026, 11, 1))
    page = search.search(person_id=READER, question=Question(), limit=3)
    assert (len(page.data), page.has_more, page.next) == (3, False, None)


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


def test_a_question_does_not_print_the_iin_it_asks_for() -> None:
    assert rows.IIN not in repr(Question(iin=rows.IIN))


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


def test_a_search_of_test_cases_stands_in_the_test_log() -> None:
    search.search(person_id=READER, question=Question(mode="test"))
    assert [entry.log for entry in rows.reading_entries()] == ["test"]


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


def test_a_reading_changes_nothing_in_the_case_or_in_its_lenders_sequence() -> None:
    owner = rows.lender()
    verification_id = rows.declined(owner)
    before = Verification.objects.get(pk=verification_id).sequence
    for read in every_reading(verification_id).values():
        read()
    sequencer.order("test")
    assert Verification.objects.get(pk=verification_id).sequence == before
    assert not AuditEntry.objects.filter(
        type__in=rows.READINGS, leaf__lender_sequence__isnull=False
    ).exists()


def test_readings_leave_both_logs_whole_ordered_or_waiting() -> None:
    for read in every_reading(rows.declined(rows.lender())).values():
        read()
    search.search(person_id=READER, question=Question(mode="live"))  # nobody orders this log here
    sequencer.order("test")
    assert list(verify_log("test")) == []
    assert list(verify_log("live")) == []


def test_counts_are_by_month_in_astana_and_leave_out_test_cases() -> None:
    this_month = counts.first_month(1)
    opens = datetime.combine(this_month, datetime.min.time(), tzinfo=search.ZONE)
    rows.bare(rows.lender(), created_at=opens)
    rows.bare(rows.lender(), created_at=opens, status="declined", code="eds_iin_mismatch")
    rows.bare(rows.lender(), created_at=opens - timedelta(microseconds=1))
    rows.bare(rows.lender(), created_at=opens, mode="test")
    counted = counts.monthly_counts(person_id=READER, mode="live", months=2)
    assert [(count.month, count.status, count.code, count.number) for count in counted] == [
        (counts.first_month(2), "verified", "", 1),
        (this_month, "declined", "eds_iin_mismatch", 1),
        (this_month, "verified", "", 1),
    ]
    assert [
        count.month for count in counts.monthly_counts(person_id=READER, mode="live", months=1)
    ] == [
        this_month,
        this_month,
    ]


@pytest.mark.parametrize("months", [0, -1, counts.MONTHS_MAX + 1])
def test_a_count_over_no_months_or_too_many_is_refused(months: int) -> None:
    with pytest.raises(BadInput) as raised:
        counts.monthly_counts(person_id=READER, mode="live", months=months)
    assert raised.value.code == "months_out_of_range"


def test_own_readings_are_ones_own_newest_first() -> None:
    search.search(person_id=READER, question=Question(mode="test", route="eds"))
    search.search(person_id=OTHER_READER, question=Question(mode="test"))
    counts.monthly_counts(person_id=READER, mode="test")
    counts.monthly_counts(person_id=READER, mode="live")
    own = search.own_readings(person_id=READER, mode="test")
    assert [step.type for step in own] == ["oversight.counted", "oversight.searched"]
    again = search.own_readings(person_id=READER, mode="test")
    assert again[0].body["what"] == "own_readings"


def test_lenders_are_offered_by_name() -> None:
    second, first = rows.lender("Береке"), rows.lender("Алтын", number=1)
    assert search.lender_choices() == ((first.pk, "Алтын"), (second.pk, "Береке"))


def test_the_index_a_search_uses_is_that_of_borrowers() -> None:
    other_purpose, *_ = vault.blind_index(purpose="device", value=rows.IIN).values()
    rows.bare(rows.lender(), created_at=rows.at(2026, 11, 1), index_key=other_purpose)
    assert ids(iin=rows.IIN) == []
