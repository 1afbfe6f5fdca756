"""Monthly counts as stacked bars: which month has which bars, in numbers the template draws. Nothing here is markup."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from django.utils.translation import gettext_lazy as _

from verification.core.reasons import REASONS
from verification.oversight import words
from verification.workflow.search import Count

# User units of the drawing, which is as wide as a phone's screen, so that its words stay readable there.
WIDTH: Final = 340
ROW: Final = 26
BAR: Final = 18
LEFT: Final = 84
RIGHT: Final = 304
LEGEND_ROW: Final = 22
REASONS_SHOWN: Final = 5
"""How many reasons have a bar of their own; the rarer ones share one. More patterns are hard to tell apart."""
_OPEN: Final = ("requires_input", "processing", "in_review")
_OTHER: Final = "other"

# Colour and pattern together: each can be told from the others in black and white. The colours are the page's own.
_PATTERNS: Final = ("solid", "diagonal", "dots", "rows", "columns", "crossed")
_MEANING: Final = ("var(--ok)", "var(--bad)", "var(--edge)", "var(--warn)", "var(--info)", "var(--muted)")
_NEUTRAL: Final = ("var(--accent)", "var(--muted)")  # a reason or a route is neither good nor bad


@dataclass(frozen=True)
class Series:
    """One kind of bar: what it counts, how it is told apart, and where its line of the legend stands.

    `letter` is its short name, at the head of a column of the table. `detail` explains a reason.
    """

    key: str
    label: words.Words
    letter: str
    detail: str
    look: str
    colour: str
    legend_y: int
    legend_text_y: int
    total: int


@dataclass(frozen=True)
class Segment:
    """One bar: a number of one series in one month. Lengths are written by us: a page's language has its own comma."""

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
    title: words.Words
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
    """The same counts by outcome, by route and by reason."""
    return (by_outcome(counts, months=months), by_route(counts, months=months), by_reason(counts, months=months))


def by_outcome(counts: Sequence[Count], *, months: Sequence[date]) -> Chart:
    """How the verifications opened in each month have ended; those still going on count as one kind."""
    labels: dict[str, words.Words] = {
        name: words.STATUSES[name] for name in ("verified", "declined", "expired", "canceled", "failed")
    }
    labels["open"] = _("Not ended yet")
    return _chart(
        "outcome",
        _("By outcome"),
        counts,
        months=months,
        labels=labels,
        key=lambda count: "open" if count.status in _OPEN else count.status,
        colours=_MEANING,
    )


def by_route(counts: Sequence[Count], *, months: Sequence[date]) -> Chart:
    """By which route the borrower went last."""
    labels: dict[str, words.Words] = dict(words.ROUTES)
    for count in counts:
        labels.setdefault(count.route or "none", count.route or _("None chosen"))
    return _chart("route", _("By route"), counts, months=months, labels=labels, key=lambda count: count.route or "none")


def by_reason(counts: Sequence[Count], *, months: Sequence[date]) -> Chart:
    """Why verifications ended without `verified`: those that have a reason, the frequent ones by themselves."""
    reasoned = [count for count in counts if count.code and count.status != "verified"]
    totals: Counter[str] = Counter()
    for count in reasoned:
        totals[count.code] += count.number
    frequent = sorted(totals, key=lambda code: (-totals[code], code))[:REASONS_SHOWN]
    labels: dict[str, words.Words] = {code: code for code in frequent}
    if len(totals) > len(frequent):
        labels[_OTHER] = _("Other reasons")
    return _chart(
        "reason",
        _("By reason"),
        reasoned,
        months=months,
        labels=labels,
        key=lambda count: count.code if count.code in labels else _OTHER,
    )


def _chart(
    chart_id: str,
    title: words.Words,
    counts: Sequence[Count],
    *,
    months: Sequence[date],
    labels: Mapping[str, words.Words],
    key: Callable[[Count], str],
    colours: Sequence[str] = _NEUTRAL,
) -> Chart:
    numbers: Counter[tuple[date, str]] = Counter()
    for count in counts:
        numbers[count.month, key(count)] += count.number
    series = _series(labels, numbers, below=len(months) * ROW, colours=colours)
    most = max((sum(numbers[month, one.key] for one in series) for month in months), default=0)
    rows = tuple(_row(month, place, series, numbers, most=most) for place, month in enumerate(months))
    return Chart(
        id=chart_id,
        title=title,
        series=series,
        rows=rows,
        total=sum(row.total for row in rows),
        foot=len(months) * ROW,
        height=len(months) * ROW + len(series) * LEGEND_ROW + 16,
        busiest=max(rows, key=lambda row: row.total),
    )


def _series(
    labels: Mapping[str, words.Words], numbers: Counter[tuple[date, str]], *, below: int, colours: Sequence[str]
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
        for place, (key, label) in enumerate(labels.items())
    )


def _row(month: date, place: int, series: Sequence[Series], numbers: Counter[tuple[date, str]], *, most: int) -> Row:
    x, segments = float(LEFT), []
    for one in series:
        number = numbers[month, one.key]
        width = (RIGHT - LEFT) * number / most if most else 0.0
        segments.append(Segment(series=one, number=number, x=f"{x:.2f}", width=f"{width:.2f}"))
        x += width
    y = place * ROW + (ROW - BAR) // 2
    total = sum(segment.number for segment in segments)
    return Row(month=month, y=y, text_y=y + 14, total=total, segments=tuple(segments), total_x=f"{x + 6:.2f}")
