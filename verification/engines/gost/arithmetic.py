"""Sums of multiples of curve points over one kind of integer, with tables for recurring points.

A Jacobian point (X, Y, Z) stands for (X/Z², Y/Z³); Z = 0 is the neutral element.
Nothing here is constant-time: it serves verification, where every number is public.
The integers may be of any type with Python's operators.
A table holds every window of a point, so that multiplication needs additions only.
A table costs as much as some twenty multiplications, and 2 MB for 512 bits.
Source: Hankerson, Menezes, Vanstone, Guide to ECC, §3.2–3.3; tables: §3.3.2 (fixed-base windowing),
with signed digits.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from operator import itemgetter
from threading import Lock
from typing import NamedTuple

from verification.engines.gost.curves import Curve

# Bits of a digit, a byte in `chosen`: 65 additions for 512 bits; 7 bits need 74 and half the
# memory.
_WINDOW = 8
_HALF = 1 << (_WINDOW - 1)
_MAX_BYTE = (1 << _WINDOW) - 1
_MAX_POINTS = (
    8  # the base point, and two issuers and a responder each of the live and the test system; 16 MB
)
_ASKS_BEFORE_TABLE = 8  # a one-off check or a stranger's certificate is not worth a table

_MAX_COUNTED = 64  # counted points without a table

Affine = tuple[int, int]
Jacobian = tuple[int, int, int]
Digits = list[tuple[int, int]]  # (bit position, odd digit), least significant first
NEUTRAL: Jacobian = (1, 1, 0)
Table = list[list[Affine]]
Key = tuple[int, int, int]

_BASE_WINDOW = 10  # bits; 256 points, made once per curve
_POINT_WINDOW = 5  # bits; 8 points, made for each call


class Field(NamedTuple):
    """The curve's data for adding points: the modulus and the coefficient a, in the integers in
    use.
    """

    p: int
    a: int


def double(field: Field, point: Jacobian, times: int) -> Jacobian:
    """2^`times` times the point."""
    x, y, z = point
    p, a = field
    minus_three = a == p - 3
    # 2Y replaces Y inside the loop: two multiplications by small numbers less per turn
    y += y
    for _ in range(times):
        zz = z * z % p
        z = y * z % p
        y = y * y % p
        s = x * y % p
        slope = (3 * (x - zz) * (x + zz) if minus_three else 3 * x * x + a * zz * zz) % p
        x = (slope * slope - s - s) % p
        y = (2 * slope * (s - x) - y * y) % p
    # 2Y is halved modulo p: an odd number has p added first, which is odd too.
    return x, (y + p if y & 1 else y) >> 1, z


def add_all(field: Field, point: Jacobian, addends: Iterable[Affine]) -> Jacobian:
    """Sum of a Jacobian and affine points, including the doubling and cancelling cases."""
    x, y, z = point
    p = field.p
    for other_x, other_y in addends:
        if not z:
            # z is 0 here; 0 + 1 has the type of the integers in use, unlike Python's 1.
            x, y, z = other_x, other_y, z + 1
            continue
        zz = z * z % p
        h = (other_x * zz - x) % p
        r = (other_y * (zz * z % p) - y) % p
        if not h:  # the same x: r = 0 is the same point, otherwise the opposite
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
    """The same points with Z = 1, by one inversion for all (Montgomery's trick). None may be
    neutral.
    """
    p = field.p
    running, products = 1, []  # of all Z before each point
    for _, _, z in points:
        products.append(running)
        running = running * z % p
    inverse = pow(running, -1, p)
    result: list[Affine] = []
    for (x, y, z), before in zip(reversed(points), reversed(products), strict=True):
        of_z = inverse * before % p
        inverse = inverse * z % p
        square = of_z * of_z % p
        result.append((x * square % p, y * square * of_z % p))
    result.reverse()
    return result


def add_pairs(field: Field, pairs: Iterable[tuple[Affine, Affine]]) -> list[Affine]:
    """The sum of each pair by chord and tangent, with one inversion for all; neutral sums are left
    out.
    """
    p = field.p
    waiting = []
    running = one = field.a - field.a + 1
    for (x1, y1), (x2, y2) in pairs:
        rise, run = y2 - y1, x2 - x1
        # The same x: a point and its opposite cancel, and a point with itself has a tangent.
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
    """The sum of affine points, pairwise in rounds: six multiplications per point, where
    `add_all` needs eleven.
    """
    while len(points) > 1:
        odd = points[-1:] if len(points) % 2 else []
        points = add_pairs(field, zip(points[::2], points[1::2], strict=False)) + odd
    return points[0] if points else None


def odd_multiples(field: Field, point: Affine, window: int) -> list[Affine]:
    """1, 3, 5 … 2^(window-1) - 1 times the point: all digits of that window."""
    x, y = point
    # Twice the point is affine on the curve scaled by its own Z, on which the sums run; their Z is
    # scaled back after.
    # x - x + 1 is a one of the integers in use.
    double_x, double_y, scale = double(field, (x, y, x - x + 1), 1)
    square = scale * scale % field.p
    sums: list[Jacobian] = [(x * square % field.p, y * square * scale % field.p, x - x + 1)]
    while len(sums) < 1 << (window - 2):
        sums.append(add_all(field, sums[-1], [(double_x, double_y)]))
    return affine(field, [(x, y, z * scale % field.p) for x, y, z in sums])


def odd_digits(scalar: int, window: int) -> Digits:
    """Non-adjacent form: odd digits below 2^(window-1) in amount, at least `window` positions
    apart, without zeros.
    """
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
    """Interleaved multiplication (Shamir's trick): one doubling per bit for all terms together.

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


def build_table(field: Field, point: Affine, *, bits: int) -> Table:
    """Row i holds 1 … 128 times 2^(8i) times the point, enough rows for scalars of so many bits."""
    starts: list[Jacobian] = [(*point, point[0] - point[0] + 1)]
    for _ in range(bits // _WINDOW):
        starts.append(double(field, starts[-1], _WINDOW))
    first = affine(field, starts)
    columns = [first]
    for _ in range(_HALF - 1):
        # No sum here is neutral: the order is a prime far above these multiples.
        columns.append(add_pairs(field, zip(columns[-1], first, strict=True)))
    return [list(row) for row in zip(*columns, strict=True)]


def chosen(field: Field, table: Table, scalar: int) -> list[Affine]:
    """The points of the table whose sum is `scalar` times its point. The scalar fits the table's
    bits.
    """
    points = []
    carry = 0
    for row, byte in zip(table, scalar.to_bytes(len(table), "little"), strict=True):
        digit = byte + carry
        # Digits go from -127 to 128: a larger one becomes 256 less, and the next row gets one more.
        carry = digit > _HALF
        if not carry:
            if digit:
                points.append(row[digit - 1])
        elif digit <= _MAX_BYTE:
            # The opposite of 256 - digit times the point; its index in the row is one less. 256
            # itself is only the carry.
            x, y = row[_MAX_BYTE - digit]
            points.append((x, field.p - y))
    return points


class Tables:
    """Tables of recurring points, at most `limit`; the least recently used one is dropped.

    A point gets a table after `asks` uses, so strangers' points neither cost a table each nor
    displace the known ones.
    """

    def __init__(self, *, limit: int = _MAX_POINTS, asks: int = _ASKS_BEFORE_TABLE) -> None:
        self._limit = limit
        self._asks = asks
        self._built: OrderedDict[Key, Table] = OrderedDict()
        self._asked: OrderedDict[Key, int] = OrderedDict()
        self._lock = Lock()

    def find(self, field: Field, point: Affine, *, bits: int) -> Table | None:
        """The point's table, built after enough uses; None before."""
        key = (int(field.p), int(point[0]), int(point[1]))
        with self._lock:
            if key in self._built:
                self._built.move_to_end(key)
                return self._built[key]
            self._asked[key] = self._asked.pop(key, 0) + 1
            while (
                len(self._asked) > _MAX_COUNTED
            ):  # strangers' keys are counted too, and must not fill the memory
                self._asked.popitem(last=False)
            if self._asked[key] < self._asks:
                return None
            table = self._built[key] = build_table(field, point, bits=bits)
            del self._asked[key]
            while len(self._built) > self._limit:
                self._built.popitem(last=False)
            return table


class Arithmetic:
    """Curve arithmetic with the integers that `number` makes: `int`, or a type with the same
    operators.

    Results are plain integers again. Each instance keeps its tables and shares them with its
    threads.
    """

    def __init__(self, name: str, *, number: Callable[[int], int]) -> None:
        self.name = name
        self.number = number
        self._tables = Tables()
        self._prepared = lru_cache(maxsize=4)(self._prepare)

    def multiply_base(self, curve: Curve, scalar: int) -> Affine | None:
        """`scalar` times the base point, or None for the neutral element. 0 ≤ `scalar` < 2^bits of
        the curve.
        """
        return self.multiply_both(curve, base=scalar, point=(curve.x, curve.y), scalar=0)

    def multiply_both(
        self, curve: Curve, *, base: int, point: Affine, scalar: int, often: bool = False
    ) -> Affine | None:
        """`base` times the base point plus `scalar` times `point`, or None for the neutral element.

        `point` must lie on the curve and in its group; both numbers are below its order.
        often: the point will recur, such as an issuer's key, and may have a table.
        """
        field, base_point, multiples = self._prepared(curve)
        second = (self.number(point[0]), self.number(point[1]))
        table = self._tables.find(field, second, bits=8 * curve.size) if often else None
        of_base = self._tables.find(field, base_point, bits=8 * curve.size)
        # Fastest first: both points have tables, then the base point only, then neither.
        if table and of_base:
            point_sum = add_many(field, chosen(field, table, scalar) + chosen(field, of_base, base))
        else:
            of_point = (
                odd_digits(scalar, _POINT_WINDOW),
                odd_multiples(field, second, _POINT_WINDOW),
            )
            if of_base:
                part = add_many(field, chosen(field, of_base, base))
                total = add_all(field, sum_of_multiples(field, [of_point]), [part] if part else [])
            else:
                total = sum_of_multiples(
                    field, [(odd_digits(base, _BASE_WINDOW), multiples), of_point]
                )
            point_sum = affine(field, [total])[0] if total[2] else None
        return (int(point_sum[0]), int(point_sum[1])) if point_sum else None

    def _prepare(self, curve: Curve) -> tuple[Field, Affine, list[Affine]]:
        """The curve and its base point in the integers of this tier, and the multiples for all
        digits.
        """
        field = Field(self.number(curve.p), self.number(curve.a))
        base_point = (self.number(curve.x), self.number(curve.y))
        return field, base_point, odd_multiples(field, base_point, _BASE_WINDOW)
