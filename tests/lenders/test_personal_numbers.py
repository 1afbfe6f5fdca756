"""Texts that must name nobody."""

import pytest

from lenders.parsing import holds_personal_number

HOLDS = [
    "990101100010",
    "loan-990101100010",
    "a990101100010b",
    "12990101100010",  # inside a longer number
    "990101-100010",
    "9901 0110 0010",
    "+77011234567",
    "87011234567",
    "tel:7-701-123-45-67",
    "8 (701) 123-45-67",
]
HOLDS_NONE = [
    "",
    "loan-2026-000123",
    "990101100011",  # the check digit does not fit
    "993101100010",  # there is no 31st month
    "77011234567890123",  # a longer number, not a mobile one
    "8701123456",  # a digit short
    "87211234567",  # a landline
    "0f8fad5b-d9cb-469f-a165-70867728950e",
    "2026-11-24T10:00:00",
]


@pytest.mark.parametrize("text", HOLDS)
def test_a_text_with_a_personal_number_is_found(text: str) -> None:
    assert holds_personal_number(text)


@pytest.mark.parametrize("text", HOLDS_NONE)
def test_a_text_without_one_is_not(text: str) -> None:
    assert not holds_personal_number(text)
