"""What the pages of person and code may say and learn, turn by turn, by a clock in the test's
hand.
"""

import json
import string
from contextlib import suppress
from datetime import timedelta

import pytest
from hypothesis import given as for_all
from hypothesis import strategies as st

from tests.verification.stages.person import known_case as given
from tests.verification.stages.person.known_case import (
    CODE,
    NOW,
    OTHER_CODE,
    PHONE,
    guessed,
    looked,
    memory,
)
from tests.verification.stories.story import BORN
from verification.core.errors import BadInput, Refused
from verification.core.route import Evidence, Next
from verification.stages.code.dialogue import accept_code, bound_to, prompt_code
from verification.stages.code.measure import look_code
from verification.stages.person.dialogue import accept_person, prompt_person

TYPED = {"document_number": "012345678", **BORN}
KEPT = {"document_number": "012345678", "birth_date": "1899-01-01"}


def later(seconds):
    return NOW + timedelta(seconds=seconds)


# The person


def test_the_form_asks_for_two_fields_and_says_nothing():
    assert prompt_person({}) == {
        "fields": [
            {"name": "document_number", "kind": "text", "max_length": 20},
            {"name": "birth_date", "kind": "date"},
        ]
    }


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("012345678", "012345678"),
        (" 012 345\u00a0678 ", "012345678"),
        ("n01234567", "N01234567"),
        ("A" * 20, "A" * 20),
    ],
)
def test_a_number_is_kept_in_one_form_with_the_time_it_came(typed, kept):
    turn = accept_person({}, TYPED | {"document_number": typed}, NOW)
    assert turn.next is Next.COLLECT
    assert json.loads(turn.evidence["person.answer"]) == KEPT | {
        "document_number": kept,
        "at": NOW.isoformat(),
    }


def born(day, month, year):
    return TYPED | dict(zip(BORN, (day, month, year), strict=True))


@pytest.mark.parametrize(
    "day", [("1", "2", "1899"), ("01", "02", "1899"), (" 1", "2 ", "1899"), ("1", "02", " 1899 ")]
)
def test_a_day_is_read_with_and_without_zeros_and_blanks(day):
    assert (
        json.loads(accept_person({}, born(*day), NOW).evidence["person.answer"])["birth_date"]
        == "1899-02-01"
    )


@pytest.mark.parametrize(
    "wrong", ["", " ", "A" * 21, "01-23", "01_23", "<b>", None, 12345678, ["0"]]
)
def test_a_number_that_cannot_be_read_is_named(wrong):
    with pytest.raises(BadInput) as refused:
        accept_person({}, TYPED | {"document_number": wrong}, NOW)
    assert (refused.value.code, refused.value.pointer) == ("bad_answer", "/document_number")


@pytest.mark.parametrize(
    "day",
    [
        ("", "1", "1899"),
        ("1", "", "1899"),
        ("1", "1", ""),
        ("1", "13", "1899"),
        ("29", "2", "1899"),
        ("0", "1", "1899"),
        ("001", "1", "1899"),
        ("1", "1", "99"),
        ("1", "1", "18990"),
        ("-1", "1", "1899"),
        ("\uff11", "1", "1899"),
        ("1", "W1", "1899"),
        ("25", "11", "2026"),
        (None, "1", "1899"),
        (1, 1, 1899),
    ],
)
def test_a_day_that_cannot_be_read_is_named_as_one(day):
    with pytest.raises(BadInput) as refused:
        accept_person({}, born(*day), NOW)
    assert (refused.value.code, refused.value.pointer) == ("bad_answer", "/birth_date")


def test_a_day_in_one_field_is_none():
    with pytest.raises(BadInput):
        accept_person({}, {"document_number": "012345678", "birth_date": "1899-01-01"}, NOW)


def test_born_today_is_not_born_tomorrow():
    assert accept_person({}, born("24", "11", "2026"), NOW).next is Next.COLLECT


# The code


def test_the_page_of_a_code_knows_two_digits_of_the_phone_and_what_is_left():
    assert prompt_code(memory(guesses=1, resends=2)) == {
        "phone_masked": "+7 7•• ••• •• 67",
        "guesses_left": 4,
        "resends_left": 1,
        "resend_from": later(30).isoformat(),
        "expires": later(300).isoformat(),
    }


def test_a_wrong_guess_is_asked_again_until_the_fifth_ends_the_dialogue():
    remembered, said = memory(), []
    for _ in range(5):
        turn = looked(remembered, OTHER_CODE, later(10))
        remembered = turn.memory
        said.append((turn.next, turn.notice, prompt_code(remembered)["guesses_left"]))
    assert said == [
        *[(Next.ASK, "otp_wrong", 5 - number) for number in range(1, 5)],
        (Next.COLLECT, "", 0),
    ]


def test_a_right_guess_ends_the_dialogue_and_looks_like_the_fifth_wrong_one():
    turn = looked(memory(), f" {CODE[:3]} {CODE[3:]} ", later(10))
    assert (turn.next, turn.notice, dict(turn.evidence)) == (Next.COLLECT, "", {})


def test_web_takes_a_guess_and_knows_not_whether_it_is_right():
    for guess in (CODE, OTHER_CODE):
        turn = accept_code(memory(), {"code": guess}, later(10))
        assert (turn.next, turn.notice, list(turn.evidence)) == (Next.LOOK, "", ["code.guess.1"])


def test_of_more_guesses_than_five_none_is_right_whatever_the_memory_says():
    kept = {
        f"code.guess.{number}": guessed(memory(), OTHER_CODE)["code.guess.1"]
        for number in range(1, 6)
    }
    for on_record, is_right in ((3, True), (4, True), (5, False)):
        last = {
            **dict(list(kept.items())[:on_record]),
            f"code.guess.{9}": guessed(memory(), CODE)["code.guess.1"],
        }
        found = Evidence(items={**given.issued(memory()), **last}, at=NOW, secrets=(given.SECRET,))
        assert look_code(found, memory()).is_right is is_right


def test_a_worker_whose_keys_have_not_drawn_the_code_does_not_guess():
    guess = guessed(memory(), CODE)
    for secrets, bound in (
        (("00" * 32,), memory()["bound_to"]),
        ((given.SECRET,), "another phone"),
    ):
        found = Evidence(items={**given.issued(memory()), **guess}, at=NOW, secrets=secrets)
        with pytest.raises(Refused):
            look_code(found, memory(bound_to=bound))
    rotated = Evidence(
        items={**given.issued(memory()), **guess}, at=NOW, secrets=("00" * 32, given.SECRET)
    )
    assert look_code(rotated, memory()).is_right is True


def test_a_code_is_for_one_purpose_one_verification_and_one_phone():
    assert bound_to(given.case()) == f"tulga.code|ver_{'a' * 26}|{PHONE}"


def test_a_code_is_read_among_as_many_blanks_as_a_hand_may_add():
    assert looked(memory(), CODE.center(64), later(10)).next is Next.COLLECT


def test_guesses_of_an_earlier_dialogue_are_not_given_back():
    assert looked(memory(guesses=4), OTHER_CODE, NOW).next is Next.COLLECT
    assert looked(memory(guesses=3), OTHER_CODE, NOW).next is Next.ASK
    assert looked(memory(guesses=5), OTHER_CODE, NOW).next is Next.COLLECT


@pytest.mark.parametrize(
    ("guess", "seconds", "made", "left"),
    [
        (CODE, 0, 2, 5),
        (CODE, 300, 2, 5),
        (CODE, 300, 4, 5),
        (CODE, 301, 2, 2),
        (CODE, -1, 2, 2),
        (CODE, 10, 5, -1),
        (OTHER_CODE, 10, 4, 0),
    ],
)
def test_only_after_a_right_code_in_time_the_guesses_begin_anew(guess, seconds, made, left):
    turn = looked(memory(guesses=made), guess, later(seconds))
    assert turn.next is Next.COLLECT
    assert 5 - turn.memory["guesses"] == left


def test_neither_a_guess_nor_a_code_stands_in_memory_or_evidence():
    for guess in (CODE, OTHER_CODE):
        turn = accept_code(memory(), {"code": guess}, later(10))
        kept = json.dumps(turn.memory) + b"".join(turn.evidence.values()).decode()
        assert CODE not in kept
        assert OTHER_CODE not in kept


@pytest.mark.parametrize(
    ("seconds", "resends", "next_", "notice"),
    [
        (29, 0, Next.ASK, "otp_resend_early"),
        (30, 0, Next.PREPARE, ""),
        (30, 2, Next.PREPARE, ""),
        (30, 3, Next.ASK, "otp_resends_exhausted"),
        (29, 3, Next.ASK, "otp_resends_exhausted"),
    ],
)
def test_another_code_is_sent_half_a_minute_later_and_three_times(seconds, resends, next_, notice):
    remembered = memory(resends=resends, guesses=2)
    turn = accept_code(remembered, {"resend": True}, later(seconds))
    assert (turn.next, turn.notice, dict(turn.evidence)) == (next_, notice, {})
    # A resend is no guess and gives none back.
    assert turn.memory == remembered


@pytest.mark.parametrize(
    "untrusted",
    [
        {},
        {"code": None},
        {"code": 12345},
        {"code": ""},
        {"code": "12345"},
        {"code": "1234567"},
        {"code": "12345a"},
        {"code": "\u0661\u0662\u0663\u0664\u0665\u0666"},
        {"code": "0" * 1_000_000},
        {"code": CODE.center(65)},
        {"resend": "true"},
        {"resend": 1},
        {"resend": False},
    ],
)
def test_what_is_no_code_and_no_wish_for_one_is_not_a_guess(untrusted):
    with pytest.raises(BadInput) as refused:
        accept_code(memory(), untrusted, NOW)
    assert (refused.value.code, refused.value.pointer) == ("bad_answer", "/code")


# Whatever comes

_ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.text(string.digits, max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=5,
)
_NAMES = st.sampled_from(["document_number", *BORN, "code", "resend"]) | st.text(max_size=5)


@for_all(st.dictionaries(_NAMES, _ANYTHING, max_size=5))
def test_whatever_a_page_sends_is_taken_or_refused_as_unreadable(untrusted):
    for accept, remembered in ((accept_person, {}), (accept_code, memory())):
        with suppress(BadInput):
            turn = accept(remembered, untrusted, NOW)
            assert turn.next in Next
            assert all(len(content) < 1000 for content in turn.evidence.values())


@for_all(st.text(string.digits, min_size=6, max_size=6))
def test_of_all_codes_one_is_right(guess):
    assert (looked(memory(), guess, NOW).next is Next.COLLECT) == (guess == CODE)


_DAYS = st.dates().map(lambda of: (str(of.day), str(of.month), f"{of.year:04}")) | st.tuples(
    *[st.text(max_size=5)] * 3
)


@for_all(_DAYS)
def test_a_day_of_birth_lies_in_the_past(typed):
    try:
        turn = accept_person({}, born(*typed), NOW)
    except BadInput:
        return
    assert given.fields(turn.evidence["person.answer"])["birth_date"] <= "2026-11-24"
