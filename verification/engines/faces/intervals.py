"""The Clopper-Pearson interval of a share, from so many successes in so many trials.

Lentz's continued fraction (DLMF 8.17.22) gives the regularised incomplete beta function; standard
library only.
"""

import math

CERTAINTY = 0.95
_TINY, _EPSILON, _TERMS = 1e-300, 1e-12, 10_000


def interval(events: int, trials: int, *, certainty: float = CERTAINTY) -> tuple[float, float]:
    """The lower and the upper end, two-sided. Trials count as independent. `trials` is at least
    1.
    """
    outside = (1 - certainty) / 2
    ends = [0.0, 1.0]
    # Each end is the quantile of a beta distribution with these parameters, found by bisection.
    for at, mass, a, b in (
        (0, outside, events, trials - events + 1),
        (1, 1 - outside, events + 1, trials - events),
    ):
        if a and b:  # else no or all trials succeeded, and this end is 0 or 1
            low, high = 0.0, 1.0
            while high - low > high * 1e-9:
                middle = (low + high) / 2
                low, high = (middle, high) if beta_share(middle, a, b) < mass else (low, middle)
            ends[at] = high
    return ends[0], ends[1]


def beta_share(x: float, a: float, b: float) -> float:
    """The regularised incomplete beta function: the distribution's mass below x, 0 < x < 1."""
    # With logarithms: from 172 on the gamma function overflows a double.
    front = (
        math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x)
    )
    # The fraction converges fast below the mean, and the function is symmetric.
    is_above = x >= (a + 1) / (a + b + 2)
    if is_above:
        x, a, b = 1 - x, b, a
    start = 1 - (a + b) * x / (a + 1)
    c, d = 1.0, 1 / (start if abs(start) > _TINY else _TINY)
    fraction = d
    for m in range(1, _TERMS):
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        for term in (even, odd):
            # Lentz: a divisor of zero is moved away from it.
            below, c = 1 + term * d, 1 + term / c
            d, c = 1 / (below if abs(below) > _TINY else _TINY), c if abs(c) > _TINY else _TINY
            fraction *= c * d
        if abs(c * d - 1) < _EPSILON:
            break
    share = math.exp(front) * fraction / a
    return 1 - share if is_above else share
