"""The drawing of a DET has a title, says its numbers in words, and keeps to its plane."""

import sys
import xml.etree.ElementTree as ET

import pytest

from tests.tools.test_accuracy import tally
from tools import det_curves
from tools.det_curves import draw
from verification.core.errors import Misconfigured

_SVG = "{http://www.w3.org/2000/svg}"
_DC = "{http://purl.org/dc/elements/1.1/}"
_GENUINE, _IMPOSTOR = [at / 100 for at in range(10, 50)], [at / 1000 for at in range(300, 1200)]


def words(text: str) -> tuple[str, str]:
    """The title and the description of a drawing."""
    drawing = ET.fromstring(text)  # noqa: S314
    description = next(drawing.iter(f"{_DC}description"))
    return drawing.findtext(f"{_SVG}title") or "", description.text or ""


def test_a_drawing_has_a_title_and_its_numbers_in_words_and_is_the_same_each_time() -> None:
    text = draw([tally(_GENUINE, _IMPOSTOR)], zones=[0.26, 0.37], title="DET of <own>")
    assert text == draw([tally(_GENUINE, _IMPOSTOR)], zones=[0.26, 0.37], title="DET of <own>")
    title, description = words(text)
    assert title == "DET of <own>"
    assert "all: at 0.26 FMR 0 and FNMR 0.57, at 0.37 FMR 0.079 and FNMR 0.3" in description
    assert "all (900 / 40 pairs)" in text


def test_a_rate_of_zero_lies_on_the_edge_which_is_named_none() -> None:
    text = draw([tally([0.1] * 5, [0.9] * 50)], zones=[0.5], title="")
    assert "at 0.5 FMR 0 and FNMR 0" in words(text)[1]
    assert text.count(">none</text>") == 2


def test_a_cohort_without_pairs_of_both_kinds_is_not_drawn_and_too_many_are_counted() -> None:
    tallies = [
        tally(_GENUINE, _IMPOSTOR, name=f"cohort & {at}")
        for at in range(det_curves.MOST_CURVES + 2)
    ]
    text = draw([tally([], _IMPOSTOR, name="one-sided"), *tallies], zones=[0.26], title="")
    assert text.count("cohort &amp; ") == 2 * det_curves.MOST_CURVES
    assert "2 more cohorts are not drawn" in words(text)[1]
    assert "one-sided" not in text


def test_without_matplotlib_one_is_told_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(Misconfigured, match="make drawing"):
        draw([], zones=[], title="")
