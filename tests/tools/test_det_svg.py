"""The drawing of a DET has a title, says its numbers in words, and keeps to its plane."""

import xml.etree.ElementTree as ET

import pytest

from tests.tools.test_accuracy import tally
from tools import det_svg
from tools.det_svg import draw

SVG = "{http://www.w3.org/2000/svg}"
GENUINE, IMPOSTOR = [at / 100 for at in range(10, 50)], [at / 1000 for at in range(300, 1200)]


def test_a_curve_stands_in_its_plane_with_its_numbers_in_words() -> None:
    drawing = ET.fromstring(  # noqa: S314
        draw([tally(GENUINE, IMPOSTOR)], zones=[0.26, 0.37], title="DET of <own>")
    )
    assert drawing.get("aria-labelledby") == "title desc"
    assert drawing.findtext(f"{SVG}title") == "DET of <own>"
    assert "all: at 0.26 FMR 0 and FNMR 0.57, at 0.37 FMR 0.079 and FNMR 0.3" in (
        drawing.findtext(f"{SVG}desc") or ""
    )
    (curve,) = drawing.iter(f"{SVG}polyline")
    points = [tuple(map(float, point.split(","))) for point in (curve.get("points") or "").split()]
    assert len(points) > 100
    assert all(72 <= x <= 616 and 24 <= y <= 386 for x, y in points)
    assert len(list(drawing.iter(f"{SVG}circle"))) == 2


def test_what_was_never_seen_lies_on_the_edge() -> None:
    drawing = ET.fromstring(draw([tally([0.1] * 5, [0.9] * 50)], zones=[0.5], title=""))  # noqa: S314
    (dot,) = drawing.iter(f"{SVG}circle")
    assert (dot.get("cx"), dot.get("cy")) == ("72.0", "386.0")


def test_a_cohort_without_pairs_of_both_kinds_is_not_drawn_and_too_many_are_told() -> None:
    tallies = [
        tally(GENUINE, IMPOSTOR, name=f"cohort & {at}") for at in range(det_svg.MOST_CURVES + 2)
    ]
    text = draw([tally([], IMPOSTOR, name="alone"), *tallies], zones=[0.26], title="")
    drawing = ET.fromstring(text)  # noqa: S314
    assert len(list(drawing.iter(f"{SVG}polyline"))) == det_svg.MOST_CURVES
    assert "2 more cohorts are not drawn" in text
    assert "alone" not in text
    assert "cohort &amp; 0" in text


@pytest.mark.parametrize("rate", [0.0, 1e-12, 1e-3, 1.0])
def test_every_rate_has_a_place(rate: float) -> None:
    assert 72 <= det_svg.Plane(-4, -3).x(rate) <= 616
