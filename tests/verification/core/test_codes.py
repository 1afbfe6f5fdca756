"""The table of codes: what each row must say, and what it must not."""

import hashlib
from dataclasses import fields

import pytest

from verification.core import codes, events
from verification.core.clearance import Gate
from verification.core.codes import CODES, INDICATIONS, LIVENESS, REASONS, Code
from verification.core.results import Failed, Passed
from verification.core.status import TERMINAL
from verification.core.stored import canonical_json, digest
from verification.stages.confirmation.policy import CONSENT

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


def test_equal_values_have_one_spelling():
    assert (
        canonical_json({"b": 1, "a": ["ж", True, None]}) == '{"a":["ж",true,null],"b":1}'.encode()
    )
    assert digest({"a": 1}) == hashlib.sha256(b'{"a":1}').hexdigest()


@pytest.mark.parametrize("value", [1.5, {"a": 0.1}, {1: "a"}, b"bytes", {"a": {2}}, object()])
def test_what_has_several_spellings_has_none(value):
    with pytest.raises(TypeError):
        canonical_json(value)


def test_every_terminal_status_is_a_decision_told_to_the_lender():
    assert {name.removeprefix("verification.") for name in events.DECISIONS} == TERMINAL
    assert set(events.DECISIONS) <= set(events.TOLD)


@pytest.mark.parametrize(
    ("language", "words"),
    [
        (
            "en",
            (
                "IIN",
                "identity document",
                "phone",
                "SMS",
                "photo",
                "face",
                "biometric",
                "signature",
                "1414",
                "five years",
            ),
        ),
        (
            "ru",
            (
                "ИИН",
                "документ",
                "телефон",
                "SMS",
                "фото",
                "лиц",
                "биометрическ",
                "подпис",
                "1414",
                "пять лет",
            ),
        ),
        (
            "kk",
            (
                "ЖСН",
                "құжат",
                "телефон",
                "SMS",
                "фотосурет",
                "жүз",
                "биометрия",
                "қолтаңба",
                "1414",
                "бес жыл",
            ),
        ),
        (
            "en",
            (
                "credit bureau",
                "refused all loans",
                "borrowed online",
                "bank or payment",
                "number of the account",
            ),
        ),
        (
            "ru",
            (
                "кредитное бюро",
                "отказался(лась)",
                "занял(а) онлайн",
                "банк или плат",
                "номер счёта",
            ),
        ),
        (
            "kk",
            (
                "кредиттік бюро",
                "бас тартқан",
                "онлайн қанша қарыз",
                "банктен немесе төлем",
                "шоттың нөмірі",
            ),
        ),
    ],
)
def test_the_consent_says_which_data_from_whom_and_how_long(language, words):
    text = CONSENT.wordings[CONSENT.current][language]
    assert [word for word in words if word not in text] == []


def test_a_text_that_people_consented_to_is_never_edited():
    digests = {
        language: CONSENT.sha256(CONSENT.current, language)[:16] for language in ("kk", "ru", "en")
    }
    assert digests == {"kk": "89e24d4ac44b4825", "ru": "bd12816923efc2fd", "en": "d988897587578aa6"}
