"""Monthly counts of verifications, and their page: each count as stacked bars, in numbers for the
template.

This module writes no markup.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Final

from django.contrib.auth.decorators import permission_required, user_passes_test
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from verification import transactions
from verification.case import stages
from verification.core.codes import REASONS
from verification.core.profiles import RENEWAL
from verification.models import MonthlyChange, MonthlyCount
from verification.oversight import labels, search
from verification.oversight.search import MODES, PERMISSION, ZONE, PeriodForm, has_both_factors

_COUNTED: Final = ("month", "route", "status", "code", "last_failure")
MONTHS_MAX: Final = 60
"""Maximum reach of one count, months: five years are more than a page can show."""
# User units of the drawing, which is as wide as a phone's screen, so that its text stays readable
# there.
WIDTH: Final = 340
ROW: Final = 26
BAR: Final = 18
LEFT: Final = 84
RIGHT: Final = 304
LEGEND_ROW: Final = 22
REASONS_SHOWN: Final = 5
"""How many reasons have their own bar; the rarer ones share one. More patterns are hard to
distinguish.
"""
_OTHER: Final = "other"
_ANEW: Final = frozenset(route for combination in RENEWAL.combinations for route in combination)
"""The routes of a renewed consent only."""

# Colour and pattern together: distinguishable in black and white. The colours are the page's own.
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
class Count:
    """Verifications opened in a month (its first day), by the present status of their rows, ordered
    or not.

    `status`: open, or the end; `code`: the reason of an end. `last_failure`: what used up the last
    try, where the tries are the reason.
    """

    month: date
    route: str
    status: str
    code: str
    number: int
    last_failure: str = ""

    @property
    def reason(self) -> str:
        """The code, or what used up the last try."""
        return self.last_failure or self.code


@dataclass(frozen=True)
class Series:
    """One kind of bar: its subject, its pattern, and its line in the legend.

    `letter` is its short name, at the head of a table column. `detail` explains a reason.
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
    """One bar: a series' number in one month. Lengths are preformatted, because a language may
    use a decimal comma.
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
    """One drawing and a table with the same numbers."""

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
        """Whether its series have more than their labels."""
        return any(series.detail for series in self.series)


def monthly_counts(*, person_id: str, mode: str, months: int = 12) -> tuple[Count, ...]:
    """Numbers of verifications by opening month, oldest first, and an `oversight.counted` entry.

    `months`: how many, up to `MONTHS_MAX`, the current one included. A month without any has no
    row.
    """
    search.require(mode in MODES, "mode", "mode_unknown")
    search.require(1 <= months <= MONTHS_MAX, "months", "months_out_of_range")
    added, waiting = (
        table.objects.filter(mode=mode, month__gte=first_month(months)).values_list(
            *_COUNTED, "number"
        )
        for table in (MonthlyCount, MonthlyChange)
    )
    numbers: Counter[tuple[date, str, str, str, str]] = Counter()
    with transactions.writing():
        # One statement: a change that is being added is in exactly one of the two.
        for *kind, number in added.union(waiting, all=True):
            numbers[tuple(kind)] += number
        counts = tuple(
            Count(month, route, status, code, number, failure)
            for (month, route, status, code, failure), number in sorted(numbers.items())
            if number
        )
        body = {"months": months, "found": sum(count.number for count in counts)}
        search.note_reading("oversight.counted", mode=mode, person_id=person_id, body=body)
    return counts


def first_month(months: int) -> date:
    """The first day of the oldest of so many months, with the current one in `ZONE` as the
    newest.
    """
    today = timezone.localdate(timezone=ZONE)
    years, month = divmod(today.year * 12 + today.month - months, 12)
    return date(years, month + 1, 1)


def months_from(first: date, *, number: int) -> tuple[date, ...]:
    """The first days of so many months, from this one on."""
    counted = (first.year * 12 + first.month - 1 + step for step in range(number))
    return tuple(date(month // 12, month % 12 + 1, 1) for month in counted)


def charts_of(counts: Sequence[Count], *, months: Sequence[date]) -> tuple[Chart, ...]:
    """The same counts by outcome, by route and by reason; renewed consents, which identify no
    new person, apart.
    """
    first, anew = list[Count](), list[Count]()
    for count in counts:
        (anew if count.route in _ANEW else first).append(count)
    return (
        by_outcome(first, months=months),
        by_route(first, months=months),
        by_reason(first, months=months),
        replace(
            by_outcome(anew, months=months), id="renewal", title=_("New consent after the wait")
        ),
    )


def by_outcome(counts: Sequence[Count], *, months: Sequence[date]) -> Chart:
    """Ends of the verifications opened in each month; open ones count as one kind."""
    ended = ("verified", "declined", "expired", "canceled", "failed")
    by_key = {status: labels.STATUSES[status] for status in ended} | {"open": _("Not ended yet")}
    counted = [(count.month, count.status, count.number) for count in counts]
    return _chart(
        "outcome", _("By outcome"), counted, months=months, by_key=by_key, colours=_MEANING
    )


def by_route(counts: Sequence[Count], *, months: Sequence[date]) -> Chart:
    """The borrower's last route."""
    by_key = {name: title for name, title in stages.titles().items() if name not in _ANEW}
    for count in counts:
        by_key.setdefault(count.route or "none", count.route or _("None chosen"))
    counted = [(count.month, count.route or "none", count.number) for count in counts]
    return _chart("route", _("By route"), counted, months=months, by_key=by_key)


def by_reason(counts: Sequence[Count], *, months: Sequence[date]) -> Chart:
    """Reasons of verifications that ended without `verified`, of used-up tries the last failure;
    frequent ones separately.
    """
    reasoned = [count for count in counts if count.code and count.status != "verified"]
    totals: Counter[str] = Counter()
    for count in reasoned:
        totals[count.reason] += count.number
    frequent = sorted(totals, key=lambda code: (-totals[code], code))[:REASONS_SHOWN]
    by_key: dict[str, labels.Words] = {code: code for code in frequent}
    if len(totals) > len(frequent):
        by_key[_OTHER] = _("Other reasons")
    counted = [
        (count.month, count.reason if count.reason in by_key else _OTHER, count.number)
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
    """The drawing of (month, key of a series, number) in these months; one scale, by the busiest
    month.
    """
    numbers: Counter[tuple[date, str]] = Counter()
    for month, key, number in counted:
        numbers[month, key] += number
    series = _series(by_key, numbers, below=len(months) * ROW, colours=colours)
    # One scale for all months, or two bars of one length could be different numbers.
    most = max((sum(numbers[month, bar.key] for bar in series) for month in months), default=0)
    rows = []
    for place, month in enumerate(months):
        x, segments = float(LEFT), []
        for bar in series:
            width = (RIGHT - LEFT) * numbers[month, bar.key] / most if most else 0.0
            segments.append(
                Segment(
                    series=bar, number=numbers[month, bar.key], x=f"{x:.2f}", width=f"{width:.2f}"
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


# The page


@never_cache
@user_passes_test(has_both_factors)
@permission_required(PERMISSION, raise_exception=True)
@require_GET
def counts_page(request: HttpRequest) -> HttpResponse:
    """Numbers of verifications by month, as drawings and as tables."""
    form = PeriodForm(request.GET)
    if not form.is_valid():
        return search.form_refused(request, "oversight/counts.html", form)
    mode, number = form.cleaned_data["mode"], form.cleaned_data["months"]
    context: dict[str, Any] = {"form": PeriodForm(initial={"mode": mode, "months": number})}
    if search.is_not_kept(mode):
        return render(request, "oversight/counts.html", context | {"is_not_kept": True})
    counted = monthly_counts(person_id=search.person_of(request), mode=mode, months=number)
    months = months_from(first_month(number), number=number)
    context |= {"charts": charts_of(counted, months=months), "mode": mode}
    return render(request, "oversight/counts.html", context)
