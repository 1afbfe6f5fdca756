"""DET curves as one SVG: FMR against FNMR, both on logarithmic axes, a curve for each cohort
(ISO/IEC 19795-1).

None has no logarithm, so what was never seen lies on the edge of the plane, and the drawing says
so. The axes begin a power of ten below what one pair of the largest cohort is.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape

from tools.accuracy import Tally

MOST_CURVES = 6
"""More cannot be told apart; the first ones are drawn, and the description says how many are
not.
"""
# User units of the drawing, and where its plane lies.
_WIDTH, _HEIGHT = 640, 520
_LEFT, _TOP, _RIGHT, _BOTTOM = 72, 24, 616, 386
_INK = "#1a1a1a"
# Colour and dashes together, so that curves are told apart in black and white. Contrast with white
# is 4.5 or more.
_LOOKS = (
    (_INK, "none"),
    ("#0b61a4", "8 4"),
    ("#b3261e", "2 3"),
    ("#1b6e3c", "12 4 2 4"),
    ("#7b3fa0", "5 2"),
    ("#8a5a00", "1 5"),
)


@dataclass(frozen=True)
class Plane:
    """The powers of ten at which its axes begin."""

    fmr: int
    fnmr: int

    def x(self, fmr: float) -> float:
        """Where an FMR lies, in user units."""
        return _LEFT + (_RIGHT - _LEFT) * (1 - _depth(fmr, self.fmr))

    def y(self, fnmr: float) -> float:
        """Where an FNMR lies, in user units."""
        return _TOP + (_BOTTOM - _TOP) * _depth(fnmr, self.fnmr)


def draw(tallies: Sequence[Tally], *, zones: Sequence[float], title: str) -> str:
    """The drawing. zones: distances marked on each curve. Cohorts without pairs of both kinds are
    not drawn.
    """
    able = [tally for tally in tallies if tally.genuine_pairs and tally.impostor_pairs]
    drawn = able[:MOST_CURVES]
    # Each axis begins at a power of ten that is below one of its pairs.
    pairs = [tally.impostor_pairs for tally in drawn], [tally.genuine_pairs for tally in drawn]
    plane = Plane(*(-(math.floor(math.log10(max(each, default=1))) + 1) for each in pairs))
    # The same in words, for whoever cannot see it.
    labels = []
    for tally in drawn:
        rates = [
            (zone, tally.false_matches(zone).value, tally.false_non_matches(zone).value)
            for zone in zones
        ]
        at_zones = ", ".join(
            f"at {zone:g} FMR {fmr:.2g} and FNMR {fnmr:.2g}" for zone, fmr, fnmr in rates
        )
        labels.append(f"{tally.name}: {at_zones}")
    if left_out := len(able) - len(drawn):
        labels.append(f"{left_out} more cohorts are not drawn")
    description = f"False non-match rate against false match rate. {'; '.join(labels)}."
    lines = [
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" '
            'aria-labelledby="title desc" font-family="sans-serif" font-size="13">'
        ),
        f'<title id="title">{escape(title)}</title>',
        f'<desc id="desc">{escape(description)}</desc>',
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="#fff"/>',
        *_axes(plane),
    ]
    for place, tally in enumerate(drawn):
        # Its curve, a dot at each zone, and its line in the legend.
        colour, dashes = _LOOKS[place]
        path = " ".join(f"{plane.x(fmr):.1f},{plane.y(fnmr):.1f}" for fmr, fnmr in tally.det())
        stroke = f'fill="none" stroke="{colour}" stroke-width="2" stroke-dasharray="{dashes}"'
        lines.append(f'<polyline points="{path}" {stroke}/>')
        for zone in zones:
            x, y = (
                plane.x(tally.false_matches(zone).value),
                plane.y(tally.false_non_matches(zone).value),
            )
            lines.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="5" fill="{colour}"/>')
        row, left = _BOTTOM + 64 + 20 * (place // 2), _LEFT + 290 * (place % 2)
        lines.append(f'<path d="M{left} {row - 4}h34" {stroke}/>')
        pairs_of = f"{tally.impostor_pairs:,} / {tally.genuine_pairs:,} pairs".replace(
            ",", "\u202f"
        )
        lines.append(
            f'<text x="{left + 42}" y="{row}" fill="{_INK}">{escape(tally.name[:24])}'
            f" ({pairs_of})</text>"
        )
    return "\n".join([*lines, "</svg>", ""])


def _axes(plane: Plane) -> Iterator[str]:
    columns, rows = (range(power, 1) for power in (plane.fmr, plane.fnmr))
    yield '<g stroke="#c9c9c9" fill="none">'
    yield from (f'<path d="M{plane.x(10.0**power):.1f} {_TOP}V{_BOTTOM}"/>' for power in columns)
    yield from (f'<path d="M{_LEFT} {plane.y(10.0**power):.1f}H{_RIGHT}"/>' for power in rows)
    yield "</g>"
    yield f'<g fill="{_INK}" text-anchor="middle">'
    # The edge is none, and the first power above it is a number.
    for power in columns:
        label = "none" if power == plane.fmr else f"{10.0**power:g}"
        yield f'<text x="{plane.x(10.0**power):.1f}" y="{_BOTTOM + 18}">{label}</text>'
    for power in rows:
        y, label = plane.y(10.0**power) + 4, "none" if power == plane.fnmr else f"{10.0**power:g}"
        yield f'<text x="{_LEFT - 8}" y="{y:.1f}" text-anchor="end">{label}</text>'
    middle = f"{(_LEFT + _RIGHT) / 2:.1f}"
    yield f'<text x="{middle}" y="{_BOTTOM + 38}">False match rate</text>'
    yield (
        f'<text transform="translate(18 {(_TOP + _BOTTOM) / 2:.1f}) rotate(-90)">False non-match'
        " rate</text>"
    )
    yield (
        f'<text x="{middle}" y="{_HEIGHT - 8}">Dots: the zones. On an edge: no such error was'
        " seen.</text>"
    )
    yield "</g>"


def _depth(rate: float, begin: int) -> float:
    """How far down its axis a rate is: 0 for all, 1 for none."""
    return min(math.log10(rate) / begin, 1.0) if rate > 0 else 1.0
