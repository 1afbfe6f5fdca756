"""Answers of a bureau and a bank; what all answers have in common is tested beside those of the
registers.
"""

import pytest

from tests.verification.core.answer_samples import ACCOUNT, ACCOUNT_OWNER, CREDITS, spelled
from verification.core.answers import TEXT_MAX_BYTES, parse_account, parse_credits
from verification.core.errors import BadInput


def test_an_account_is_read_as_it_is_spelled() -> None:
    answer = parse_account(spelled(ACCOUNT_OWNER))
    assert (answer.status, answer.account) == ("owned", ACCOUNT)


@pytest.mark.parametrize("account", ["", "K" * 41, "KZ86\u202e125", "KZ86\n", None, 5])
def test_an_account_that_cannot_be_is_refused(account: object) -> None:
    with pytest.raises(BadInput):
        parse_account(spelled(ACCOUNT_OWNER | {"account": account}))


def test_a_sum_of_a_day_is_read_to_the_tiyn() -> None:
    assert parse_credits(spelled(CREDITS)).tiyn == {"2026-11-24": 12_345_600}
    two = {"2026-11-24": "0", "2026-11-25": "9" * 15}
    assert parse_credits(spelled(CREDITS | {"credits": two})).tiyn == {
        "2026-11-24": 0,
        "2026-11-25": 10**15 - 1,
    }


@pytest.mark.parametrize(
    "tiyn",
    [
        "",
        "-1",
        "+1",
        "1.00",
        "1,000",
        "1 000",
        "007",
        "1e3",
        "0x1",
        "٣",
        "²",
        "9" * 16,
        5,
        None,
        ["1"],
    ],
)
def test_a_sum_that_has_another_spelling_is_refused(tiyn: object) -> None:
    with pytest.raises(BadInput):
        parse_credits(spelled(CREDITS | {"credits": {"2026-11-24": tiyn}}))


def test_an_answer_longer_than_its_limit_is_refused() -> None:
    padding = b" " * (TEXT_MAX_BYTES - len(spelled(CREDITS)))
    assert parse_credits(spelled(CREDITS) + padding)
    with pytest.raises(BadInput):
        parse_credits(spelled(CREDITS) + padding + b" ")


@pytest.mark.parametrize("day", ["2026-11-31", "2026-W48-2", "24.11.2026", "", "2026-11-24 ", None])
def test_a_day_that_has_another_spelling_is_refused(day: object) -> None:
    with pytest.raises(BadInput):
        parse_credits(spelled(CREDITS | {"credits": {day: "0"}}))


@pytest.mark.parametrize(
    "credits", [None, "0", [], ["2026-11-24"], {"2026-11-24": {"2026-11-24": "0"}}]
)
def test_sums_that_are_no_sums_of_days_are_refused(credits: object) -> None:
    with pytest.raises(BadInput):
        parse_credits(spelled(CREDITS | {"credits": credits}))
