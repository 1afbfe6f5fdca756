"""Measures genuine captures on real clips: `tools/measure_genuine.py` runs it, one module per
question.

Nothing here makes an attack. Two people's frames side by side are pairs of genuine frames.
"""

from collections.abc import Iterable

import numpy as np

Figures = dict[str, object]


def spread(values: Iterable[float], *, low: bool = False) -> dict[str, float | int]:
    """The number of values, and their quantiles; `low`: the lower end, where small is bad."""
    finite = np.array([value for value in values if np.isfinite(value)], dtype=np.float64)
    if not len(finite):
        return {"n": 0}
    shares = (0.0, 0.001, 0.01, 0.05, 0.5) if low else (0.5, 0.95, 0.99, 0.999, 1.0)
    names = ("min", "p0_1", "p1", "p5", "p50") if low else ("p50", "p95", "p99", "p99_9", "max")
    quantiles = np.quantile(finite, shares)
    return {"n": len(finite)} | {
        name: round(float(quantile), 4) for name, quantile in zip(names, quantiles, strict=True)
    }
