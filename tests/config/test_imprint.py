"""Who runs the address is what the environment says, and a number that is no BIN is refused by
name.
"""

import pytest

from config import imprint
from verification.core.errors import Misconfigured

_SAID = {
    "NAME": "ТОО «Оператор»",
    "BIN": "120340000133",
    "ADDRESS": "010000, Астана",
    "TELEPHONE": "+7 7172 00 00 00",
    "EMAIL": "ask@tulga.example",
}


def test_what_is_not_said_is_empty(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in _SAID:
        monkeypatch.delenv(f"TULGA_OPERATOR_{name}", raising=False)
    assert imprint.read() == imprint.Operator()


def test_what_is_said_is_told_as_it_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in _SAID.items():
        monkeypatch.setenv(f"TULGA_OPERATOR_{name}", f" {value} ")
    assert imprint.read() == imprint.Operator(*_SAID.values())


@pytest.mark.parametrize(
    "number", ["120340000134", "12034000012", "990101100010", "БИН 120340000133"]
)
def test_a_number_that_is_no_bin_is_refused_by_name(
    monkeypatch: pytest.MonkeyPatch, number: str
) -> None:
    monkeypatch.setenv("TULGA_OPERATOR_BIN", number)
    with pytest.raises(Misconfigured, match="TULGA_OPERATOR_BIN"):
        imprint.read()
