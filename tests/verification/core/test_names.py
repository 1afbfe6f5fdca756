"""Which spellings are one name."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verification.core.person import is_same_name, is_same_patronymic

SAME = {
    "case": ("ӘБДІҒАЛИЕВА", "Әбдіғалиева"),
    "yo": ("СЕМЁНОВ", "Семенов"),
    "hyphen": ("Ким\u2013Ли", "КИМ-ЛИ"),
    "unbreakable hyphen": ("Ким\u2011Ли", "Ким-Ли"),
    "apostrophe": ("Д\u2019Арк", "д'арк"),
    "another apostrophe": ("Д\u02bcАрк", "Д'Арк"),
    "blanks": ("  Бин\u00a0  Али ", "Бин Али"),
    "pieces of й and ё": (unicodedata.normalize("NFD", "АЙЖАН СЁМИНА"), "Айжан Семина"),
    "nobody": ("", " "),
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
