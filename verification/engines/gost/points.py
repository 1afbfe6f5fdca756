"""Points of an elliptic curve: sums of multiples, in Jacobian coordinates on plain integers.

A Jacobian point (X, Y, Z) stands for (X/Z², Y/Z³); Z = 0 is the neutral element. Nothing here is constant-time:
it serves verification, where every number is public. Source: Hankerson, Menezes, Vanstone, Guide to ECC, §3.2–3.3.
"""

from collections.abc import Sequence
from functools import lru_cache

from verification.engines.gost.curves import Curve

Affine = tuple[int, int]
Jacobian = tuple[int, int, int]

_NEUTRAL: Jacobian = (1, 1, 0)
_BASE_WINDOW = 8  # bits; 64 points, made once a curve
_POINT_WINDOW = 5  # bits; 8 points, made for each call


def _double(curve: Curve, point: Jacobian) -> Jacobian:
    x, y, z = point
    p = curve.p
    if not z or not y:
        return _NEUTRAL
    yy = y * y % p
    zz = z * z % p
    s = 4 * x * yy % p
    slope = (3 * (x - zz) * (x + zz) if curve.a == p - 3 else 3 * x * x + curve.a * zz * zz) % p
    x3 = (slope * slope - 2 * s) % p
    return x3, (slope * (s - x3) - 8 * yy * yy) % p, 2 * y * z % p


def _add(curve: Curve, point: Jacobian, other: Affine) -> Jacobian:
    """Sum of a Jacobian and an affine point; the doubling and the cancelling case are handled."""
    x, y, z = point
    if not z:
        return (*other, 1)
    p = curve.p
    zz = z * z % p
    h = (other[0] * zz - x) % p
    r = (other[1] * zz * z - y) % p
    if not h:
        return _NEUTRAL if r else _double(curve, point)
    hh = h * h % p
    hhh = h * hh % p
    v = x * hh % p
    x3 = (r * r - hhh - 2 * v) % p
    return x3, (r * (v - x3) - y * hhh) % p, z * h % p


def _affine(curve: Curve, points: Sequence[Jacobian]) -> list[Affine]:
    """The same points with Z = 1, by one inversion for all (Montgomery's trick). None may be neutral."""
    p = curve.p
    products = [1]
    for _, _, z in points:
        products.append(products[-1] * z % p)
    inverse = pow(products.pop(), -1, p)
    plain: list[Affine] = []
    for (x, y, z), before in zip(reversed(points), reversed(products), strict=True):
        of_z = inverse * before % p
        inverse = inverse * z % p
        square = of_z * of_z % p
        plain.append((x * square % p, y * square * of_z % p))
    plain.reverse()
    return plain


def _odd_multiples(curve: Curve, point: Affine, window: int) -> list[Affine]:
    """1, 3, 5 … 2^(window-1) - 1 times the point: what a digit of that window can ask for."""
    (double,) = _affine(curve, [_double(curve, (*point, 1))])
    multiples: list[Jacobian] = [(*point, 1)]
    while len(multiples) < 1 << (window - 2):
        multiples.append(_add(curve, multiples[-1], double))
    return _affine(curve, multiples)


@lru_cache(maxsize=4)
def _base_multiples(curve: Curve) -> list[Affine]:
    return _odd_multiples(curve, (curve.x, curve.y), _BASE_WINDOW)


def _digits(scalar: int, window: int) -> list[int]:
    """Non-adjacent form, least significant digit first: odd digits, at most one in `window` is not zero."""
    digits = []
    half, full = 1 << (window - 1), 1 << window
    while scalar:
        digit = 0
        if scalar & 1:
            digit = scalar & (full - 1)
            if digit >= half:
                digit -= full
            scalar -= digit
        digits.append(digit)
        scalar >>= 1
    return digits


def _sum_of_multiples(curve: Curve, terms: Sequence[tuple[list[int], list[Affine]]]) -> Affine | None:
    """Interleaved multiplication: one doubling a bit for all terms together."""
    total = _NEUTRAL
    for bit in reversed(range(max(len(digits) for digits, _ in terms))):
        total = _double(curve, total)
        for digits, multiples in terms:
            digit = digits[bit] if bit < len(digits) else 0
            if digit:
                x, y = multiples[abs(digit) >> 1]
                total = _add(curve, total, (x, y if digit > 0 else curve.p - y))
    return _affine(curve, [total])[0] if total[2] else None


def multiply_base(curve: Curve, scalar: int) -> Affine | None:
    """`scalar` times the base point, or None for the neutral element. `scalar` ≥ 0."""
    return _sum_of_multiples(curve, [(_digits(scalar, _BASE_WINDOW), _base_multiples(curve))]) if scalar else None


def multiply_both(curve: Curve, *, base: int, point: Affine, scalar: int) -> Affine | None:
    """`base` times the base point plus `scalar` times `point`, or None for the neutral element.

    `point` must lie on the curve and in its group; both numbers are positive.
    """
    return _sum_of_multiples(
        curve,
        [
            (_digits(base, _BASE_WINDOW), _base_multiples(curve)),
            (_digits(scalar, _POINT_WINDOW), _odd_multiples(curve, point, _POINT_WINDOW)),
        ],
    )
