"""Monthly counts as drawings: every number is in them once, and nothing depends on colour or
language.
"""

from datetime import date

import pytest
from django.template.loader import render_to_string
from django.utils import translation

from verification.core.codes import REASONS
from verification.oversight import counts
from verification.oversight.counts import Count

MONTHS = counts.months_from(date(2025, 11, 1), number=3)
COUNTS = (
    Count(MONTHS[0], "eds", "verified", "", 7),
    Count(MONTHS[0], "eds", "declined", "eds_iin_mismatch", 2),
    Count(MONTHS[2], "", "open", "", 1),
    Count(MONTHS[2], "eds", "open", "", 1),
)


def test_months_follow_each_other_over_the_end_of_a_year() -> None:
    assert (date(2025, 11, 1), date(2025, 12, 1), date(2026, 1, 1)) == MONTHS


def test_a_month_without_verifications_is_shown_as_zero() -> None:
    chart = counts.by_outcome(COUNTS, months=MONTHS)
    assert [row.total for row in chart.rows] == [9, 0, 2]
    assert chart.rows[1].month == MONTHS[1]


def test_bars_lie_end_to_end_and_are_as_long_as_their_numbers() -> None:
    chart = counts.by_outcome(COUNTS, months=MONTHS)
    verified, declined, *_rest = chart.rows[0].segments
    unit = (counts.RIGHT - counts.LEFT) / 9
    assert float(verified.width) == pytest.approx(7 * unit, abs=0.01)
    assert float(declined.width) == pytest.approx(2 * unit, abs=0.01)
    assert float(declined.x) == pytest.approx(counts.LEFT + 7 * unit, abs=0.01)


def test_all_that_has_not_ended_is_one_kind() -> None:
    chart = counts.by_outcome(COUNTS, months=MONTHS)
    assert {series.key: series.total for series in chart.series}["open"] == 2


def test_no_two_kinds_of_bar_look_alike() -> None:
    many = tuple(Count(MONTHS[0], "eds", "declined", code, 1) for code in list(REASONS)[:9])
    for chart in counts.charts_of(many, months=MONTHS):
        looks = [series.look for series in chart.series]
        assert len(looks) == len(set(looks))


def test_a_route_nobody_chose_yet_and_one_no_longer_known_are_counted() -> None:
    numbers = (*COUNTS, Count(MONTHS[1], "palm", "verified", "", 4))
    totals = {series.key: series.total for series in counts.by_route(numbers, months=MONTHS).series}
    assert (totals["none"], totals["palm"], totals["eds"]) == (1, 4, 10)


def test_a_new_consent_verifies_nobody_a_second_time() -> None:
    numbers = (
        *COUNTS,
        Count(MONTHS[1], "renewal", "verified", "", 3),
        Count(MONTHS[1], "renewal", "open", "", 2),
    )
    outcome, route, _reason, anew = counts.charts_of(numbers, months=MONTHS)
    assert outcome == counts.by_outcome(COUNTS, months=MONTHS)
    assert "renewal" not in {series.key for series in route.series}
    assert (route.total, anew.total) == (11, 5)
    assert {one.key: one.total for one in anew.series if one.total} == {"verified": 3, "open": 2}


def test_rare_reasons_share_one_bar_and_none_is_lost() -> None:
    codes = sorted(REASONS)[:7]
    numbers = tuple(
        Count(MONTHS[0], "eds", "declined", code, 10 - place) for place, code in enumerate(codes)
    )
    chart = counts.by_reason(numbers, months=MONTHS)
    assert [series.key for series in chart.series] == [*codes[:5], "other"]
    assert chart.series[-1].total == 5 + 4
    assert chart.total == sum(count.number for count in numbers)


def test_counting_nothing_draws_empty_months() -> None:
    for chart in counts.charts_of((), months=MONTHS):
        assert (chart.total, len(chart.rows)) == (0, 3)
    assert counts.by_reason((), months=MONTHS).series == ()


@pytest.mark.parametrize("language", ["kk", "ru", "en"])
def test_the_drawing_has_words_and_the_same_coordinates_in_every_language(language: str) -> None:
    chart = counts.by_outcome(COUNTS, months=MONTHS)
    with translation.override(language):
        svg = render_to_string("oversight/chart.html", {"chart": chart})
    assert svg.count("<title") == 1 + 3  # of the drawing, and of each bar that is not zero
    assert 'role="img"' in svg
    assert f'width="{chart.rows[0].segments[0].width}"' in svg
    assert "171,11" not in svg


def test_a_name_in_a_drawing_is_escaped() -> None:
    numbers = (Count(MONTHS[0], "<script>", "verified", "", 1),)
    svg = render_to_string(
        "oversight/chart.html", {"chart": counts.by_route(numbers, months=MONTHS)}
    )
    assert "<script>" not in svg
    assert "&lt;script&gt;" in svg
