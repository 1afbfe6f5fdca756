"""DET curves as one SVG: FMR against FNMR, both on logarithmic axes, a curve per cohort (ISO/IEC
19795-1).

Zero has no logarithm: a rate without errors lies on the edge of the plane, and the axis says so.
Each axis begins a power of ten below the share of one pair of the largest cohort.
"""

import math
from collections.abc import Sequence
from importlib import import_module
from io import StringIO
from itertools import cycle
from typing import Any

from tools.accuracy import Tally
from verification.core.errors import Misconfigured

MOST_CURVES = 6
"""More would be indistinguishable. The first cohorts are drawn, and the description counts the
rest.
"""
# Colour and dashes together, so that curves are distinguishable in black and white. Contrast with
# white is at least 4.5.
_COLOURS = ("#1a1a1a", "#0b61a4", "#b3261e", "#1b6e3c", "#7b3fa0", "#8a5a00")
_DASHES = ("-", "--", ":", "-.")


def require_matplotlib() -> Any:
    """The drawing module.

    Raises: `Misconfigured` with the remedy if not installed.
    """
    try:
        return import_module("matplotlib.figure")
    except ImportError:
        raise Misconfigured(
            "a drawing needs matplotlib, which is not installed: run `make drawing`"
        ) from None


def draw(tallies: Sequence[Tally], *, zones: Sequence[float], title: str) -> str:
    """The drawing. zones: distances marked on each curve. Cohorts without pairs of both kinds are
    left out.

    The same tallies give the same text.
    """
    figures, style = require_matplotlib(), import_module("matplotlib").rc_context
    complete = [tally for tally in tallies if tally.genuine_pairs and tally.impostor_pairs]
    cohorts = complete[:MOST_CURVES]
    # 1. The plane: where a rate of zero lies on each axis.
    edge_fmr, edge_fnmr = (
        10.0 ** -(math.floor(math.log10(max(pairs, default=1))) + 1)
        for pairs in (
            [tally.impostor_pairs for tally in cohorts],
            [tally.genuine_pairs for tally in cohorts],
        )
    )
    with style({"svg.fonttype": "none", "svg.hashsalt": "tulga", "font.family": "sans-serif"}):
        figure = figures.Figure(figsize=(7, 6), layout="constrained")
        axes = figure.add_subplot(
            xscale="log",
            yscale="log",
            xlim=(edge_fmr, 1),
            ylim=(edge_fnmr, 1),
            xlabel="False match rate",
            ylabel="False non-match rate",
            title=title,
        )
        # The edge stands for zero; the powers above it are numbers.
        for axis, edge in ((axes.xaxis, edge_fmr), (axes.yaxis, edge_fnmr)):
            powers = [10.0**power for power in range(round(math.log10(edge)), 1)]
            axis.set_ticks(powers, ["none", *(f"{power:g}" for power in powers[1:])])
        axes.minorticks_off()
        axes.grid(color="#c9c9c9")
        # 2. A curve for each cohort, with a dot at each zone, and the rates there in words.
        sentences = []
        for tally, colour, dashes in zip(cohorts, _COLOURS, cycle(_DASHES), strict=False):
            rates = [
                (tally.false_matches(zone).value, tally.false_non_matches(zone).value)
                for zone in zones
            ]
            for points, look in ((list(tally.det()), dashes), (rates, "o")):
                axes.plot(
                    [max(fmr, edge_fmr) for fmr, _ in points],
                    [max(fnmr, edge_fnmr) for _, fnmr in points],
                    look,
                    color=colour,
                    clip_on=False,
                    label=(
                        f"{tally.name[:24]} ({tally.impostor_pairs} / {tally.genuine_pairs} pairs)"
                        if look == dashes
                        else None
                    ),
                )
            sentences.append(
                f"{tally.name}: "
                + ", ".join(
                    f"at {zone:g} FMR {fmr:.2g} and FNMR {fnmr:.2g}"
                    for zone, (fmr, fnmr) in zip(zones, rates, strict=True)
                )
            )
        if cohorts:
            figure.legend(loc="outside lower center", ncols=2)
        if left_out := len(complete) - len(cohorts):
            sentences.append(f"{left_out} more cohorts are not drawn")
        # 3. The same in words, for readers who cannot see it.
        content = StringIO()
        description = (
            "False non-match rate against false match rate. Dots are the zones; a dot on an edge"
            f" stands for no error. {'; '.join(sentences)}."
        )
        figure.savefig(
            content,
            format="svg",
            metadata={"Title": title, "Description": description, "Date": None, "Creator": None},
        )
    return content.getvalue()
