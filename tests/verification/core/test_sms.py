"""A message names lender and amount, fits three parts, and no phone makes a link of it."""

import random

import pytest

from verification.core.errors import BadInput
from verification.core.sms import TEXT_MAX, check_text, code_text

LENDER = "ТОО «МФО Тест Кредит»"


@pytest.mark.parametrize("language", ["kk", "ru", "en"])
def test_the_message_names_code_lender_and_amount(language: str) -> None:
    text = code_text("012345", lender=LENDER, amount="150000.00", currency="KZT", language=language)
    assert all(part in text for part in ("012345", LENDER, "150000.00", "KZT"))


@pytest.mark.parametrize("language", ["kk", "ru", "en"])
@pytest.mark.parametrize(
    "lender",
    [
        "zaim.kz",
        "https://zaim.kz/a",
        "ЗАЙМ.ҚАЗ",
        "www.zaim",
        "zaim。kz",
        "a" * 200,
        "Line\nbreak",
        "a\u202eb",
        "A.B. Co",
    ],
)
def test_no_lender_makes_it_a_link_or_long(lender: str, language: str) -> None:
    text = code_text("012345", lender=lender, amount="999999999999.99", currency="KZT", language=language)
    assert check_text(text) == text


def test_whatever_a_lender_is_called_the_message_goes_out() -> None:
    dice = random.Random(7)
    signs = "ab.:/。．｡ \n\u200b\u202eӘқ-«»1\ud800{}%"
    for _ in range(500):
        lender = "X" + "".join(dice.choices(signs, k=dice.randint(0, 90)))
        text = code_text("1234", lender=lender, amount="1.00", currency="KZT", language=dice.choice(["kk", "ru", "en"]))
        assert check_text(text) == text


@pytest.mark.parametrize("code", ["", "123", "123456789", "12345a", "١٢٣٤٥٦", "123456\n"])
def test_what_is_no_code_is_not_sent(code: str) -> None:
    with pytest.raises(BadInput):
        code_text(code, lender=LENDER, amount="1.00", currency="KZT", language="kk")


def test_nobodys_loan_and_no_language_are_refused() -> None:
    with pytest.raises(BadInput):
        code_text("012345", lender="...", amount="1.00", currency="KZT", language="kk")
    with pytest.raises(KeyError):
        code_text("012345", lender=LENDER, amount="1.00", currency="KZT", language="de")


@pytest.mark.parametrize("text", ["Code 1234. Loan of 150000.00 KZT.", "a" * TEXT_MAX, "Ж. Сізге"])
def test_a_plain_text_is_a_message(text: str) -> None:
    assert check_text(text) == text


@pytest.mark.parametrize(
    "text",
    ["", "a" * (TEXT_MAX + 1), "a\nb", "see zaim.kz", "http://x", "see ЗАЙМ.ҚАЗ", "1.kz", "go to zaim。kz", "a..b"],
)
def test_a_link_a_break_or_too_much_is_no_message(text: str) -> None:
    with pytest.raises(BadInput):
        check_text(text)
