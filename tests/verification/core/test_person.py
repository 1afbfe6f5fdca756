import unicodedata

import pytest

from verification.core.errors import BadInput
from verification.core.opening import NAME_MAX
from verification.core.person import mask_account, parse_iban, parse_name


@pytest.mark.parametrize("name", ["АХМЕТОВ", "Құралай", "Нұр-Сұлтан", "Ғ", "Петров Водкин", "O'Neill", "Ёлкин"])
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


def test_an_iban_with_a_fitting_checksum_is_read_and_shown_masked():
    iban = parse_iban("KZ86 125K ZT50 0410 0100", pointer="/x")
    assert iban == "KZ86125KZT5004100100"
    assert mask_account(iban) == "KZ86 •••• 0100"


@pytest.mark.parametrize("text", ["KZ87125KZT5004100100", "DE89370400440532013000", "KZ86", "", "KZ86125KZT500410010!"])
def test_other_accounts_are_refused(text):
    with pytest.raises(BadInput) as caught:
        parse_iban(text, pointer="/x")
    assert caught.value.code == "iban_malformed"
