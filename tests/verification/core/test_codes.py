"""The table of codes: what each row must say, and what it must not."""

from dataclasses import fields

import pytest

from verification.core import codes
from verification.core.clearance import Gate
from verification.core.codes import CODES, INDICATIONS, LIVENESS, REASONS, Code
from verification.core.results import Failed, Passed

# The field that says that a code stands in a place, and the fields that belong to it.
_PLACES = {
    "lender_detail": (
        *("borrower_message", "burns", "final", "review", "retry", "remark", "family"),
        *("holds_frames", "heading", "ending", "indication", "remedy"),
    ),
    "title": ("status", "advice", "retry_after", "problem_remedy"),
    "page_title": ("page_text",),
    "field": ("field_remedy",),
    "warning": ("warning_remedy",),
    "refusal": ("refusal_remedy",),
    "law_file": (),
    "staff": (),
    "attesting": (),
}


def test_every_reason_speaks_to_both_and_says_no_more_than_one_course():
    for reason in REASONS.values():
        assert reason.borrower_message
        assert reason.lender_detail
        assert not (reason.retry and (reason.burns or reason.final or reason.review))
        assert not reason.final or reason.burns


def test_a_borrower_is_never_told_which_check_caught_them():
    for reason in REASONS.values():
        assert reason.code not in reason.borrower_message
        assert "threshold" not in reason.borrower_message.lower()


def test_of_a_capture_without_a_live_face_the_borrower_reads_its_kind_and_no_more():
    kinds: dict[str, set[str]] = {}
    for code, reason in REASONS.items():
        if reason.family == LIVENESS:
            kinds.setdefault(reason.borrower_message, set()).add(code.removeprefix("liveness_"))
            assert reason.burns
            assert (reason.final, reason.review, reason.retry) == (False, False, False)
    frames = {"unbound", "early", "unreadable", "seen_before", "frozen", "repeated", "noiseless"}
    faces = {"changed", "jumped", "missing"}
    unproven = {*(f"frame_{what}" for what in frames), *(f"face_{what}" for what in faces)}
    assert list(kinds.values()) == [
        {"command_missed"},
        {"not_at_rest"},
        {"order_differs", "capture_replayed", *unproven},
        {"multiple_faces"},
    ]
    # Outside the family comparison alone says the same, on purpose; and no number is told.
    outside = {
        code: row.borrower_message for code, row in REASONS.items() if row.family != LIVENESS
    }
    compared = {"face_mismatch", "face_again"}
    assert {code for code, sentence in outside.items() if sentence in kinds} == compared
    assert not any(character.isdigit() for sentence in kinds for character in sentence)


def test_no_code_stands_twice_in_the_table():
    assert len(CODES) == len(codes._TABLE)


def test_every_eds_code_has_an_indication_of_the_standard():
    assert {
        code for code, reason in REASONS.items() if code.startswith("eds_") and not reason.remark
    } <= set(INDICATIONS)


@pytest.mark.parametrize("row", CODES.values(), ids=CODES)
def test_a_row_says_nothing_of_a_place_where_its_code_is_not_said(row: Code) -> None:
    assert {"code", *_PLACES, *(name for names in _PLACES.values() for name in names)} == {
        field.name for field in fields(Code)
    }
    of_places = [place for place in _PLACES if getattr(row, place)]
    assert of_places
    empty = Code(code=row.code)
    for place in _PLACES.keys() - set(of_places):
        assert [name for name in _PLACES[place] if getattr(row, name) != getattr(empty, name)] == []


def test_every_code_that_sends_a_case_to_people_and_every_remark_has_words_at_the_desk() -> None:
    assert [
        row.code for row in REASONS.values() if (row.review or row.remark) and not row.staff
    ] == []


def test_an_unknown_code_cannot_be_said() -> None:
    for say in (
        lambda: codes.require("never_heard_of"),
        lambda: codes.require("iin_malformed"),  # of a field: no check says it
        lambda: Failed("face.match", "never_heard_of"),
        lambda: Passed("face.match", "face_mismatch"),
        lambda: Gate("amount", "never_heard_of"),
    ):
        with pytest.raises(KeyError):
            say()
