"""Monthly counts as stacked bars: which month has which bars, in numbers the template draws.
Nothing here is markup.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Final

from django.utils.translation import gettext_lazy as _

from verification.case import stages
from verification.core.codes import REASONS
from verification.core.profiles import RENEWAL
from verification.oversight import labels
from verification.oversight.search import Count

# User units of the drawing, which is as wide as a phone's screen, so that its words stay readable
# there.
WIDTH: Final = 340
ROW: Final = 26
BAR: Final = 18
LEFT: Final = 84
RIGHT: Final = 304
LEGEND_ROW: Final = 22
REASONS_SHOWN: Final = 5
"""How many reasons have a bar of their own; the rarer ones share one. More patterns are hard to
tell apart.
"""
_OTHER: Final = "other"
_ANEW: Final = frozenset(route for combination in RENEWAL.combinations for route in combination)
"""The routes by which nothing but a new consent is given."""

# Colour and pattern together: each can be told from the others in black and white. The colours are
# the page's own.
_PATTERNS: Final = ("solid", "diagonal", "dots", "rows", "columns", "crossed")
_MEANING: Final = (
    "var(--ok)",
    "var(--bad)",
    "var(--edge)",
    "var(--warn)",
    "var(--info)",
    "var(--muted)",
)
_NEUTRAL: Final = ("var(--accent)", "var(--muted)")  # a reason or a route is neither good nor bad


@dataclass(frozen=True)
class Series:
    """One kind of bar: what it counts, how it is told apart, and where its line of the legend
    stands.

    `letter` is its short name, at the head of a column of the table. `detail` explains a reason.
    """

    key: str
    label: labels.Words
    letter: str
    detail: str
    look: str
    colour: str
    legend_y: int
    legend_text_y: int
    total: int


@dataclass(frozen=True)
class Segment:
    """One bar: a number of one series in one month. Lengths are written by us: a page's language
    has its own comma.
    """

    series: Series
    number: int
    x: str
    width: str


@dataclass(frozen=True)
class Row:
    """One month, with every series in the order of the legend, zeros too."""

    month: date
    y: int
    text_y: int
    total: int
    segments: tuple[Segment, ...]
    total_x: str


@dataclass(frozen=True)
class Chart:
    """One drawing and the table that says the same."""

    id: str
    title: labels.Words
    series: tuple[Series, ...]
    rows: tuple[Row, ...]
    total: int
    foot: int
    height: int
    busiest: Row

    @property
    def has_details(self) -> bool:
        """Whether there is more to say of its series than their labels."""
        return any(series.detail for series in self.series)


def months_from(first: date, *, number: int) -> tuple[date, ...]:
    """The first days of so many months, from this one on."""
    counted = (first.year * 12 + first.month - 1 + step for step in range(number))
    return tuple(date(month // 12, month % 12 + 1, 1) for month in counted)


def all_of(counts: Sequence[Count], *, months: Sequence[date]) -> tuple[Chart, ...]:
    """The same counts by outcome, by route and by reason; new consents, which verify nobody a
    second time, apart.
    """
    own, anew = list[Count](), list[Count]()
    for count in counts:
        (anew if count.route in _ANEW else own).append(count)
    return (
        by_outcome(own, months=months),
        by_route(own, months=months),
        by_reason(own, months=months),
        replace(
            by_outcome(anew, months=months), id="renewal", title=_("New consent after the wait")
        ),
    )


def by_outcome(counts: Sequence[Count], *, months: Sequence[date]) -> Chart:
    """How the verifications opened in each month have ended; those still going on count as one
    kind.
    """
    ended = ("verified", "declined", "expired", "canceled", "failed")
    by_key = {one: labels.STATUSES[one] for one in ended} | {"open": _("Not ended yet")}
    counted = [(count.month, count.status, count.number) for count in counts]
    return _chart(
        "outcome", _("By outcome"), counted, months=months, by_key=by_key, colours=_MEANING
    )


def by_route(counts: Sequence[Count], *, months: Sequence[date]) -> Chart:
    """By which route the borrower went last."""
    by_key = {name: title for name, title in stages.titles().items() if name not in _ANEW}
    for count in counts:
        by_key.setdefault(count.route or "none", count.route or _("None chosen"))
    counted = [(count.month, count.route or "none", count.number) for count in counts]
    return _chart("route", _("By route"), counted, months=months, by_key=by_key)


def by_reason(counts: Sequence[Count], *, months: Sequence[date]) -> Chart:
    """Why verifications ended without `verified`: those that have a reason, the frequent ones by
    themselves.
    """
    reasoned = [count for count in counts if count.code and count.status != "verified"]
    totals: Counter[str] = Counter()
    for count in reasoned:
        totals[count.code] += count.number
    frequent = sorted(totals, key=lambda code: (-totals[code], code))[:REASONS_SHOWN]
    by_key: dict[str, labels.Words] = {code: code for code in frequent}
    if len(totals) > len(frequent):
        by_key[_OTHER] = _("Other reasons")
    counted = [
        (count.month, count.code if count.code in by_key else _OTHER, count.number)
        for count in reasoned
    ]
    return _chart("reason", _("By reason"), counted, months=months, by_key=by_key)


def _chart(
    chart_id: str,
    title: labels.Words,
    counted: Iterable[tuple[date, str, int]],
    *,
    months: Sequence[date],
    by_key: Mapping[str, labels.Words],
    colours: Sequence[str] = _NEUTRAL,
) -> Chart:
    """The drawing of (month, key of a series, number) in these months; all bars are to the scale of
    the busiest.
    """
    numbers: Counter[tuple[date, str]] = Counter()
    for month, key, number in counted:
        numbers[month, key] += number
    series = _series(by_key, numbers, below=len(months) * ROW, colours=colours)
    # One scale for all months, or two bars of one length could be different numbers.
    most = max((sum(numbers[month, one.key] for one in series) for month in months), default=0)
    rows = []
    for place, month in enumerate(months):
        x, segments = float(LEFT), []
        for one in series:
            width = (RIGHT - LEFT) * numbers[month, one.key] / most if most else 0.0
            segments.append(
                Segment(
                    series=one, number=numbers[month, one.key], x=f"{x:.2f}", width=f"{width:.2f}"
                )
            )
            x += width
        y, total = place * ROW + (ROW - BAR) // 2, sum(segment.number for segment in segments)
        rows.append(
            Row(
                month,
                y=y,
                text_y=y + 14,
                total=total,
                segments=tuple(segments),
                total_x=f"{x + 6:.2f}",
            )
        )
    return Chart(
        id=chart_id,
        title=title,
        series=series,
        rows=tuple(rows),
        total=sum(row.total for row in rows),
        foot=len(months) * ROW,
        height=len(months) * ROW + len(series) * LEGEND_ROW + 16,
        busiest=max(rows, key=lambda row: row.total),
    )


def _series(
    by_key: Mapping[str, labels.Words],
    numbers: Counter[tuple[date, str]],
    *,
    below: int,
    colours: Sequence[str],
) -> tuple[Series, ...]:
    return tuple(
        Series(
            key=key,
            label=label,
            letter=chr(ord("A") + place),
            detail=REASONS[key].lender_detail if key in REASONS else "",
            look=_PATTERNS[place % len(_PATTERNS)],
            colour=colours[place % len(colours)],
            legend_y=below + 12 + place * LEGEND_ROW,
            legend_text_y=below + 25 + place * LEGEND_ROW,
            total=sum(number for (_month, counted), number in numbers.items() if counted == key),
        )
        for place, (key, label) in enumerate(by_key.items())
    )
