""""""

import time
import unicodedata
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verification.core import scenarios
from verification.core.errors import BadInput
from verification.core.ids import (
    NAME_MAX,
    Bin,
    Iin,
    Phone,
    case_number,
    check_digit,
    is_id,
    mask_account,
    new_id,
    numbered,
    parse_case_number,
    parse_name,
    parse_office_phone,
)
from verification.core.person import is_same_name, is_same_patronymic

MAGIC = tuple(scenarios.SCRIPTED)


def iin_of(eleven: str) -> str:
    return eleven + check_digit(eleven)


def near(day: date) -> list[date]:
    return [
        day - timedelta(days=1),
        day + timedelta(days=1),
        day.replace(day=1, month=day.month % 12 + 1),
    ]


@pytest.mark.parametrize("digits", [*MAGIC, iin_of("00022950001"), iin_of("85123130123")])
def test_an_iin_with_a_birth_date_and_a_fitting_check_digit_is_read(digits):
    assert Iin.parse(digits).value == digits


def test_the_authoritys_test_individual_is_read_and_states_no_day():
    assert Iin.parse("123456789011").birth_date is None
    assert Iin.parse("123456789011").fits(date(1985, 6, 7))


def test_live_mode_knows_no_invented_people():
    for digits in (*MAGIC, "123456789011"):
        iin = Iin.parse(digits)
        iin.require_mode("test")
        with pytest.raises(BadInput) as caught:
            iin.require_mode("live", pointer="/subject/iin")
        assert (caught.value.code, caught.value.pointer) == ("iin_malformed", "/subject/iin")
    Iin.parse(iin_of("99010130001")).require_mode("live")


def test_each_scenario_has_one_invented_person_of_25_to_50_years():
    assert len(MAGIC) == len(scenarios.SCENARIOS) == len(set(MAGIC))
    born = {Iin.parse(digits).birth_date for digits in MAGIC}
    assert {digits[6] for digits in MAGIC} == {"9"}
    assert all(day and 1977 <= day.year <= 2000 for day in born)


def test_printing_an_iin_shows_its_last_four_digits_only():
    iin = Iin.parse("990101100010")
    for shown in (str(iin), repr(iin), f"{iin}", f"{[iin]}"):
        assert "99010110" not in shown
        assert "********0010" in shown


def test_the_birth_date_of_an_iin_is_that_of_its_century():
    for iin, year in (("990101100010", 1899), (iin_of("99010130001"), 1999)):
        born = Iin.parse(iin).birth_date
        assert born is not None
        assert born.year == year
    assert Iin.parse(iin_of("99010100002")).birth_date is None


@pytest.mark.parametrize(
    ("digits", "born"),
    [
        ("990101100010", date(1899, 1, 1)),
        (iin_of("99010120001"), date(1899, 1, 1)),
        (iin_of("99010130001"), date(1999, 1, 1)),
        (iin_of("99010140001"), date(1999, 1, 1)),
        (iin_of("00022950001"), date(2000, 2, 29)),
        (iin_of("04022960001"), date(2004, 2, 29)),
        (iin_of("90010190001"), date(1990, 1, 1)),
    ],
)
def test_an_iin_fits_the_day_it_states_and_no_other_not_even_a_century_later(digits, born):
    iin = Iin.parse(digits)
    assert iin.fits(born)
    assert not [
        other for other in (*near(born), born.replace(year=born.year + 400)) if iin.fits(other)
    ]


def test_an_iin_without_a_century_fits_its_day_of_any_century():
    iin = Iin.parse(iin_of("99010100002"))
    assert [iin.fits(date(year, 1, 1)) for year in (1899, 1999, 1998)] == [True, True, False]
    assert not [other for other in near(date(1999, 1, 1)) if iin.fits(other)]


def test_a_bin_is_told_from_an_iin_by_its_fifth_digit():
    digits = iin_of("12034000012")
    assert Bin.parse(digits).value == digits
    with pytest.raises(BadInput):
        Bin.parse("990101100010")


@pytest.mark.parametrize(
    "untrusted", ["+77011234567", "77011234567", "87011234567", "8 (701) 123-45-67"]
)
def test_every_way_to_write_a_mobile_number_gives_the_same(untrusted):
    assert Phone.parse(untrusted).value == "+77011234567"


REFUSED: list[tuple[Callable[[Any], object], str, list[Any]]] = [
    (
        Iin.parse,
        "iin_malformed",
        [
            "990101100011",  # check digit
            "991301100010",  # month 13
            iin_of("01022950001"),  # 29 February of a common year
            iin_of("85123170123"),  # no such century
            iin_of("90010180001"),
            iin_of("05022990001"),  # no such day in 1905
            *("99010110001", "9901011000100", "99010110001x", " 990101100010", "990101100010\n"),
            *("٩٩٠١٠١١٠٠٠١٠", "", None, 990101100010, "123456789021"),
        ],
    ),
    (
        Phone.parse,
        "phone_malformed",
        ["+77172906984", "+79161234567", "+87011234567", "7701123456", "", "abc", "7" * 40],
    ),
]


@pytest.mark.parametrize(
    ("parse", "code", "untrusted"),
    [(parse, code, value) for parse, code, values in REFUSED for value in values],
)
def test_another_spelling_is_refused_by_name(parse, code, untrusted):
    with pytest.raises(BadInput) as caught:
        parse(untrusted)
    assert caught.value.code == code


def test_an_id_that_is_made_a_millisecond_later_comes_later(monkeypatch):
    times = [1_764_000_000_000_000_000 + 997_000_000 * number for number in range(1000)]
    monkeypatch.setattr(time, "time_ns", iter(times).__next__)
    made = [new_id("evd") for _ in times]
    assert made == sorted(made)


def test_our_ids_are_told_by_their_prefix_and_never_repeat():
    ids = {new_id("ver") for _ in range(1000)}
    assert len(ids) == 1000
    assert all(is_id(one, prefix="ver") and not is_id(one, prefix="evd") for one in ids)
    assert not is_id("ver_../../etc/passwd", prefix="ver")


@pytest.mark.parametrize(
    "name", ["АХМЕТОВ", "Құралай", "Нұр-Сұлтан", "Ғ", "Петров Водкин", "O'Neill", "Ёлкин"]
)
def test_names_of_one_alphabet_are_read(name):
    assert parse_name(name, pointer="/x") == unicodedata.normalize("NFC", name)


def test_both_unicode_forms_of_a_name_are_the_same():
    composed, decomposed = "Йод", unicodedata.normalize("NFD", "Йод")
    assert composed != decomposed
    assert parse_name(decomposed, pointer="/x") == parse_name(composed, pointer="/x")


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("", "name_malformed"),
        ("  ", "name_malformed"),
        ("А" * (NAME_MAX + 1), "name_malformed"),
        ("Ахметов1", "name_malformed"),
        ("Ахметов²", "name_malformed"),
        ("Ахметов\u202e", "name_malformed"),
        ("<b>", "name_malformed"),
        ("Aхметов", "name_mixed_script"),  # a Latin A
        ("Iлияс", "name_mixed_script"),  # a Latin I
    ],
)
def test_other_names_are_refused_with_their_place(name, code):
    with pytest.raises(BadInput) as caught:
        parse_name(name, pointer="/subject/surname")
    assert (caught.value.code, caught.value.pointer) == (code, "/subject/surname")


def test_only_an_optional_name_may_be_absent():
    assert parse_name("", pointer="/x", optional=True) == ""


def test_an_account_is_shown_masked():
    assert mask_account("KZ86125KZT5004100100") == "KZ86 •••• 0100"


@pytest.mark.parametrize(
    ("untrusted", "number"),
    [
        ("+7 727 000-00-44", "+77270000044"),
        ("8 (701) 123 45 67", "+77011234567"),
        ("8 800 080 00 00", "+78000800000"),
        ("77270000044", "+77270000044"),
    ],
)
def test_an_office_answers_at_any_number_of_the_country(untrusted, number):
    assert parse_office_phone(untrusted) == number


@pytest.mark.parametrize(
    "untrusted",
    ["", "1414", "+8 727 000 00 44", "+1 727 000 00 44", "8 495 000 00 00", "x" * 40, 7],
)
def test_an_office_has_no_short_number_and_none_abroad(untrusted):
    with pytest.raises(BadInput, match="telephone number"):
        parse_office_phone(untrusted)


def test_a_case_number_is_the_time_in_an_id_and_finds_all_ids_of_it(monkeypatch):
    monkeypatch.setattr(time, "time_ns", lambda: 1_795_895_717_016_999_999)
    ids = [new_id("ver") for _ in range(50)]
    assert {case_number(each) for each in ids} == {"1795-895-717-016"}
    first, last = numbered("1795 895 717 016", prefix="ver")
    assert all(first <= each <= last for each in ids)
    for other in (1_795_895_717_015_999_999, 1_795_895_717_017_000_000):
        monkeypatch.setattr(time, "time_ns", lambda other=other: other)
        assert not first <= new_id("ver") <= last


@pytest.mark.parametrize(
    "untrusted", ["", "1795", "1795-895-717-0166", "1795-895-717-01б", "-" * 40, None]
)
def test_what_is_no_case_number_is_refused(untrusted):
    for read in (parse_case_number, lambda it: numbered(it, prefix="ver")):
        with pytest.raises(BadInput) as refused:
            read(untrusted)
        assert refused.value.code == "case_number_malformed"


# Which spellings are one name.


SAME = {
    "case": ("ӘБДІҒАЛИЕВА", "Әбдіғалиева"),
    "yo": ("СЕМЁНОВ", "Семенов"),
    "hyphen": ("Ким\u2013Ли", "КИМ-ЛИ"),
    "unbreakable hyphen": ("Ким\u2011Ли", "Ким-Ли"),
    "apostrophe": ("Д\u2019Арк", "д'арк"),
    "another apostrophe": ("Д\u02bcАрк", "Д'Арк"),
    "blanks": ("  Бин\u00a0  Али ", "Бин Али"),
    "pieces of й and ё": (unicodedata.normalize("NFD", "АЙЖАН СЁМИНА"), "Айжан Семина"),
    "no name": ("", " "),
}

DIFFERENT = {
    "Қ is no К": ("Қасым", "Касым"),
    "Ң is no Н": ("Таң", "Тан"),
    "Ұ is no Ү": ("Ұлан", "Үлан"),
    "Ұ is no У": ("Ұлан", "Улан"),
    "Ә is no А": ("Әсел", "Асел"),
    "Ө is no О": ("Өмір", "Омір"),
    "Ғ is no Г": ("Ғани", "Гани"),
    "Һ is no Х": ("Жиһан", "Жихан"),
    "І is no И": ("Әділ", "Әдил"),
    "й is no и": ("Андрей", "Андреи"),
    "Latin I": ("Әд\u0456л", "Әдil"),
    "Latin o": ("Иван\u043eв", "Иван\u006fв"),
    "Latin spelling": ("Асанов", "Asanov"),
    "one letter": ("Асанов", "Асанова"),
    "a blank for a hyphen": ("Ким Ли", "Ким-Ли"),
    "an empty one": ("Асанов", ""),
    "a zero-width joiner": ("Аса\u200dнов", "Асанов"),
}


@pytest.mark.parametrize(("one", "other"), SAME.values(), ids=SAME)
def test_one_name_in_two_spellings_is_one_name(one: str, other: str) -> None:
    assert is_same_name(one, other)
    assert is_same_name(other, one)


@pytest.mark.parametrize(("one", "other"), DIFFERENT.values(), ids=DIFFERENT)
def test_two_names_are_two_names(one: str, other: str) -> None:
    assert not is_same_name(one, other)
    assert not is_same_name(other, one)


@pytest.mark.parametrize(
    ("stated", "registered", "same"),
    [
        ("Асанұлы", "АСАНҰЛЫ", True),
        ("", "АСАНҰЛЫ", True),
        ("", "", True),
        ("Асанұлы", "", False),
        ("Асанұлы", "АСАНУЛЫ", False),
        ("Асанұлы", "СЕРІКҰЛЫ", False),
    ],
)
def test_a_patronymic_that_was_stated_must_be_the_registered_one(
    stated: str, registered: str, same: bool
) -> None:
    assert is_same_patronymic(stated, registered) is same


@given(
    st.text(alphabet="АӘБЁЙҚҰҮІҺ-' ", max_size=20), st.sampled_from(["NFC", "NFD", "NFKC", "NFKD"])
)
def test_a_name_is_itself_in_any_normal_form_and_case(name: str, form: str) -> None:
    written = unicodedata.normalize(form, name)  # type: ignore[arg-type]
    assert is_same_name(name, written.lower())
    assert is_same_name(name, written.upper())
