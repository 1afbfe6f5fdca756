"""A message names lender and amount, fits three parts, and no phone makes a link of it."""

import random
from typing import Any

import pytest

from verification.core.errors import BadInput
from verification.core.spelling import SMS_MAX, check_sms, code_sms

LENDER = "ТОО «МФО Тест Кредит»"
HOST = "id.lender.example"
KZT: dict[str, Any] = {"currency": "KZT", "host": HOST}


@pytest.mark.parametrize(
    ("language", "sum_"), [("kk", "150 000 ₸"), ("ru", "150 000 ₸"), ("en", "150,000 ₸")]
)
def test_the_message_names_code_lender_and_amount_and_gives_the_code_to_our_host(
    language: str, sum_: str
) -> None:
    text = code_sms("012345", lender=LENDER, amount="150000.00", language=language, **KZT)
    said, bound = text.split("\n")
    assert all(part in said for part in ("012345", LENDER, sum_))
    assert "KZT" not in said
    assert bound == "@id.lender.example #012345"


def test_the_message_to_its_last_byte() -> None:
    text = code_sms("012345", lender=LENDER, amount="150000.50", language="ru", **KZT)
    assert (
        text.encode()
        == (
            "Код 012345: заём 150 000,50 ₸, ТОО «МФО Тест Кредит». "
            "Никому его не говорите, даже сотруднику МФО.\n@id.lender.example #012345"
        ).encode()
    )


def test_a_host_that_does_not_fit_is_left_out() -> None:
    text = code_sms(
        "012345",
        lender="a" * 60,
        amount="1.00",
        currency="KZT",
        language="ru",
        host="a" * 60 + ".example",
    )
    assert "\n" not in text
    assert check_sms(text, host="a" * 60 + ".example") == text


@pytest.mark.parametrize("host", ["", "::1", "тексеру.қаз", "tulga_web", "id.lender.example\n"])
def test_a_host_that_is_no_plain_name_is_left_out_and_the_code_goes_out(host: str) -> None:
    text = code_sms(
        "012345", lender=LENDER, amount="1.00", currency="KZT", language="ru", host=host
    )
    assert text.startswith("Код 012345:")
    assert "\n" not in text
    assert check_sms(text, host=host) == text


@pytest.mark.parametrize("language", ["kk", "ru", "en"])
def test_a_message_is_as_long_as_a_phone_counts_it(language: str) -> None:
    """Of signs beyond 16 bits each is two there."""
    for name in ("😀" * 60, "a" + "😀" * 60):
        text = code_sms("012345", lender=name, amount="999999999999.99", language=language, **KZT)
        assert len(text.encode("utf-16-le")) // 2 <= SMS_MAX
        assert "😀😀" in text
    with pytest.raises(BadInput):
        check_sms("😀" * (SMS_MAX // 2 + 1), host=HOST)
    assert check_sms("😀" * (SMS_MAX // 2), host=HOST)


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
    text = code_sms("012345", lender=lender, amount="999999999999.99", language=language, **KZT)
    assert check_sms(text, host=HOST) == text


def test_whatever_a_lender_is_called_the_message_goes_out() -> None:
    dice = random.Random(7)
    signs = "ab.:/。．｡ \n\u200b\u202eӘқ-«»1\ud800{}%"
    for _ in range(500):
        lender = "X" + "".join(dice.choices(signs, k=dice.randint(0, 90)))
        text = code_sms(
            "1234", lender=lender, amount="1.00", language=dice.choice(["kk", "ru", "en"]), **KZT
        )
        assert check_sms(text, host=HOST) == text


@pytest.mark.parametrize("code", ["", "123", "123456789", "12345a", "١٢٣٤٥٦", "123456\n"])
def test_what_is_no_code_is_not_sent(code: str) -> None:
    with pytest.raises(BadInput):
        code_sms(code, lender=LENDER, amount="1.00", language="kk", **KZT)


def test_a_loan_without_a_lender_and_an_unknown_language_are_refused() -> None:
    with pytest.raises(BadInput):
        code_sms("012345", lender="...", amount="1.00", language="kk", **KZT)
    with pytest.raises(KeyError):
        code_sms("012345", lender=LENDER, amount="1.00", language="de", **KZT)


@pytest.mark.parametrize(
    "text", ["Code 1234. Loan of 150000.00 KZT.", "a" * SMS_MAX, "Ж. Сізге", f"a\n@{HOST} #1234"]
)
def test_a_plain_text_is_a_message(text: str) -> None:
    assert check_sms(text, host=HOST) == text


@pytest.mark.parametrize(
    "text",
    [
        *[
            "",
            "a" * (SMS_MAX + 1),
            "a\nb",
            "see zaim.kz",
            "http://x",
            "see ЗАЙМ.ҚАЗ",
            "1.kz",
            "go to zaim。kz",
            "a..b",
        ],
        *["a\n@other.example #1234", f"a\n@{HOST} #12", f"a\n@{HOST} #1234\n", f"\n@{HOST} #1234"],
        f"a\n@{HOST} #1234 b",
    ],
)
def test_a_link_a_break_or_too_much_is_no_message(text: str) -> None:
    with pytest.raises(BadInput):
        check_sms(text, host=HOST)
