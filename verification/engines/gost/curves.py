"""Elliptic curves of GOST R 34.10-2012, y² = x³ + ax + b over the integers modulo p, and sums of their points.

A Jacobian point (X, Y, Z) stands for (X/Z², Y/Z³); Z = 0 is the neutral element. Nothing here is constant-time:
it serves verification, where every number is public. The integers may be of any type with Python's operators.
Source: Hankerson, Menezes, Vanstone, Guide to ECC, §3.2–3.3.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import NamedTuple

Affine = tuple[int, int]
Jacobian = tuple[int, int, int]
Digits = list[tuple[int, int]]  # (bit position, odd digit), least significant first
NEUTRAL: Jacobian = (1, 1, 0)


@dataclass(frozen=True)
class Curve:
    """A curve in short Weierstrass form with a base point of prime order.

    `p` modulus, `a` and `b` coefficients, `q` order of the base point (`x`, `y`). The group has no smaller
    subgroup (cofactor 1), so a point on the curve is in the group.
    """

    name: str
    p: int
    a: int
    b: int
    q: int
    x: int
    y: int
    size: int
    """Bytes of one coordinate, and of r and s."""


# Source: RFC 7836 §A.1, id-tc26-gost-3410-12-512-paramSetA (1.2.643.7.1.2.1.2.1).
PARAM_SET_A_512 = Curve(
    name="id-tc26-gost-3410-12-512-paramSetA",
    p=2**512 - 569,
    a=2**512 - 572,
    b=int(
        "e8c2505dedfc86ddc1bd0b2b6667f1da34b82574761cb0e879bd081cfd0b6265"
        "ee3cb090f30d27614cb4574010da90dd862ef9d4ebee4761503190785a71c760",
        16,
    ),
    q=int(
        "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
        "27e69532f48d89116ff22b8d4e0560609b4b38abfad2b85dcacdb1411f10b275",
        16,
    ),
    x=3,
    y=int(
        "7503cfe87a836ae3a61b8816e25450e6ce5e1c93acf1abc1778064fdcbefa921"
        "df1626be4fd036e93d75e6a50e3a41e98028fe5fc235f5b889a589cb5215f2a4",
        16,
    ),
    size=64,
)

# Source: RFC 7836 §A.2 names it id-tc26-gost-3410-2012-256-paramSetB (1.2.643.7.1.2.1.1.2); it is the curve of
# RFC 4357 §11.4, id-GostR3410-2001-CryptoPro-A-ParamSet. Only time-stamp tokens may still use it.
PARAM_SET_B_256 = Curve(
    name="id-tc26-gost-3410-2012-256-paramSetB",
    p=2**256 - 617,
    a=2**256 - 620,
    b=166,
    q=int("ffffffffffffffffffffffffffffffff6c611070995ad10045841b09b761b893", 16),
    x=1,
    y=int("8d91e471e0989cda27df505a453f2b7635294f2ddf23e3b122acc99c9e9f1e14", 16),
    size=32,
)


class Field(NamedTuple):
    """What adding points needs to know of a curve: the modulus and the coefficient a, in the integers to count with."""

    p: int
    a: int


def double(field: Field, point: Jacobian, times: int) -> Jacobian:
    """2^`times` times the point."""
    x, y, z = point
    p, a = field
    minus_three = a == p - 3
    y += y  # 2Y takes Y's place within the loop: two multiplications by small numbers less in each turn
    for _ in range(times):
        zz = z * z % p
        z = y * z % p
        y = y * y % p
        s = x * y % p
        slope = (3 * (x - zz) * (x + zz) if minus_three else 3 * x * x + a * zz * zz) % p
        x = (slope * slope - s - s) % p
        y = (2 * slope * (s - x) - y * y) % p
    return x, (y + p if y & 1 else y) >> 1, z


def add_all(field: Field, point: Jacobian, others: Iterable[Affine]) -> Jacobian:
    """Sum of a Jacobian and affine points; the doubling and the cancelling case are handled."""
    x, y, z = point
    p = field.p
    for other_x, other_y in others:
        if not z:
            x, y, z = other_x, other_y, z + 1
            continue
        zz = z * z % p
        h = (other_x * zz - x) % p
        r = (other_y * (zz * z % p) - y) % p
        if not h:  # the same x: r = 0 is the same point, anything else its opposite
            x, y, z = NEUTRAL if r else double(field, (x, y, z), 1)
            continue
        hh = h * h % p
        hhh = h * hh % p
        v = x * hh % p
        x = (r * r - hhh - 2 * v) % p
        y = (r * (v - x) - y * hhh) % p
        z = z * h % p
    return x, y, z


def affine(field: Field, points: Sequence[Jacobian]) -> list[Affine]:
    """The same points with Z = 1, by one inversion for all (Montgomery's trick). None may be neutral."""
    p = field.p
    running, products = 1, []  # of all Z before each point
    for _, _, z in points:
        products.append(running)
        running = running * z % p
    inverse = pow(running, -1, p)
    plain: list[Affine] = []
    for (x, y, z), before in zip(reversed(points), reversed(products), strict=True):
        of_z = inverse * before % p
        inverse = inverse * z % p
        square = of_z * of_z % p
        plain.append((x * square % p, y * square * of_z % p))
    plain.reverse()
    return plain


def add_pairs(field: Field, pairs: Iterable[tuple[Affine, Affine]]) -> list[Affine]:
    """The sum of each pair by chord and tangent, with one inversion for all; neutral sums are left out."""
    p = field.p
    waiting = []
    running = one = field.a - field.a + 1
    for (x1, y1), (x2, y2) in pairs:
        rise, run = y2 - y1, x2 - x1
        if not run:
            if rise:
                continue
            rise, run = 3 * x1 * x1 + field.a, 2 * y1
        waiting.append((x1, y1, x2, rise, run, running))
        running = running * run % p
    inverse = pow(running, -1, p) if waiting else one
    sums = []
    for x1, y1, x2, rise, run, before in reversed(waiting):
        slope = rise * (inverse * before % p) % p
        inverse = inverse * run % p
        x = (slope * slope - x1 - x2) % p
        sums.append((x, (slope * (x1 - x) - y1) % p))
    sums.reverse()
    return sums


def add_many(field: Field, points: list[Affine]) -> Affine | None:
    """The sum of affine points, pairwise in rounds: six multiplications a point where `add_all` needs eleven."""
    while len(points) > 1:
        odd = points[-1:] if len(points) % 2 else []
        points = add_pairs(field, zip(points[::2], points[1::2], strict=False)) + odd
    return points[0] if points else None


def odd_multiples(field: Field, point: Affine, window: int) -> list[Affine]:
    """1, 3, 5 … 2^(window-1) - 1 times the point: what a digit of that window can ask for."""
    x, y = point
    # Twice the point is affine on the curve scaled by its own Z, where the sums run; their Z is scaled back after.
    double_x, double_y, scale = double(field, (x, y, x - x + 1), 1)
    square = scale * scale % field.p
    sums: list[Jacobian] = [(x * square % field.p, y * square * scale % field.p, x - x + 1)]
    while len(sums) < 1 << (window - 2):
        sums.append(add_all(field, sums[-1], [(double_x, double_y)]))
    return affine(field, [(x, y, z * scale % field.p) for x, y, z in sums])


def odd_digits(scalar: int, window: int) -> Digits:
    """Non-adjacent form: odd digits below 2^(window-1) in amount, at least `window` positions apart, zeros left out."""
    digits = []
    half, full = 1 << (window - 1), 1 << window
    position = 0
    while scalar:
        zeros = (scalar & -scalar).bit_length() - 1
        scalar >>= zeros
        position += zeros
        digit = scalar & (full - 1)
        if digit >= half:
            digit -= full
        scalar -= digit
        digits.append((position, digit))
    return digits


def sum_of_multiples(field: Field, terms: Sequence[tuple[Digits, Sequence[Affine]]]) -> Jacobian:
    """Interleaved multiplication (Shamir's trick): one doubling a bit for all terms together.

    Each term is the digits of its scalar and the odd multiples of its point.
    """
    steps = []
    for digits, multiples in terms:
        for position, digit in digits:
            x, y = multiples[abs(digit) >> 1]
            steps.append((position, (x, y if digit > 0 else field.p - y)))
    steps.sort(key=itemgetter(0), reverse=True)
    total, above = NEUTRAL, 0
    for position, point in steps:
        if total[2]:
            total = double(field, total, above - position)
        total = add_all(field, total, [point])
        above = position
    return double(field, total, above) if total[2] else NEUTRAL
