"""The forecast says by the calibration how many people look at how many cases."""

from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from tests.verification.engines.liveness import insecure_detectors
from verification.engines.liveness import passive


def forecast(*words: str) -> dict[tuple[str, str, str], tuple[str, ...]]:
    """Each row by its decision, cohort and rates."""
    out = StringIO()
    call_command("forecast_reviews", *words, stdout=out)
    cells = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in out.getvalue().splitlines()
        if "%" in line
    ]
    return {(row[0], row[1], row[2]): tuple(row[3:]) for row in cells}


def test_a_million_captures_a_year_need_one_or_two_people_by_sface_and_a_score_by_dlib() -> None:
    sface = forecast("--rate", "1e6")
    # 0.043 - 0.009 of a million, two people, two minutes each, 1800 hours.
    assert sface["single", "east-asian", "quoted by pair"] == ("3.40%", "2267", "1.3", "0.90%")
    assert sface["single", "all", "quoted by person"] == ("5.40%", "3600", "2.0", "2.70%")
    assert sface["median-of-5", "all", "quoted by person"] == ("3.50%", "2333", "1.3", "0.80%")
    dlib = forecast("--rate", "1e6", "--backend", "dlib-onnx")
    assert dlib["single", "all", "quoted by pair"] == ("65.90%", "43933", "24.4", "7.10%")


def test_minutes_and_hours_are_the_lenders() -> None:
    usual, slow = (
        forecast("--rate", "1000", *words) for words in ((), ("--minutes", "4", "--hours", "900"))
    )
    key = ("single", "east-asian", "quoted by pair")
    assert (usual[key][1], slow[key][1]) == ("2", "5")


@pytest.mark.parametrize(
    "words", [("--rate", "0"), ("--rate", "many"), (), ("--rate", "1", "--backend", "onnx-custom")]
)
def test_without_a_rate_or_a_calibration_nothing_is_forecast(words: tuple[str, ...]) -> None:
    with pytest.raises(CommandError):
        forecast(*words)


def test_a_detector_of_attacks_is_named_with_the_share_of_the_honest_that_it_sends(
    tmp_path: Path,
) -> None:
    passive.use(insecure_detectors.install(tmp_path, insecure_detectors.saying(1.0)))
    out = StringIO()
    try:
        call_command("forecast_reviews", "--rate", "1000", stdout=out)
    finally:
        passive.use(None)
    last = out.getvalue().splitlines()[-1]
    assert last.startswith("Passive detector small@")
    assert "BPCER 0.050 (5 of 100" in last
    assert last.endswith("It sends up to 25.00% more, its BPCER for each of 5 pictures, to people.")
