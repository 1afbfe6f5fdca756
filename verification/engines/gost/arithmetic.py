"""Sums of multiples of points over one kind of integer, with tables for the points that come again.

In a table every window of a point is known beforehand, so that it is multiplied by additions alone. A table costs as
much as some twenty multiplications and 2 MB for 512 bits.
Source: Hankerson, Menezes, Vanstone, Guide to ECC, §3.3.2 (fixed-base windowing), with signed digits.
"""

from collections import OrderedDict
from collections.abc import Callable
from functools import lru_cache
from threading import Lock
from typing import cast

from verification.engines.gost.curves import (
    Affine,
    Curve,
    Field,
    Jacobian,
    add_all,
    add_many,
    add_pairs,
    affine,
    double,
    odd_digits,
    odd_multiples,
    sum_of_multiples,
)

try:
    from gmpy2 import mpz
except ImportError:
    mpz = None

# Bits of a digit, a byte as `chosen` reads it: 65 additions for 512 bits; 7 would ask 74 of half the memory.
_WINDOW = 8
_HALF = 1 << (_WINDOW - 1)
_MAX_BYTE = (1 << _WINDOW) - 1
_MAX_POINTS = 8  # the base point, and two issuers and a responder each of the live and the test system; 16 MB
_ASKS_BEFORE_TABLE = 8  # a one-off check or a stranger's certificate is not worth a table

_MAX_COUNTED = 64  # points that are counted and have no table yet

Table = list[list[Affine]]
Key = tuple[int, int, int]

_BASE_WINDOW = 10  # bits; 256 points, made once a curve
_POINT_WINDOW = 5  # bits; 8 points, made for each call


def build_table(field: Field, point: Affine, *, bits: int) -> Table:
    """Row i holds 1 … 128 times 2^(8i) times the point, enough rows for scalars of so many bits."""
    starts: list[Jacobian] = [(*point, point[0] - point[0] + 1)]
    for _ in range(bits // _WINDOW):
        starts.append(double(field, starts[-1], _WINDOW))
    first = affine(field, starts)
    columns = [first]
    for _ in range(_HALF - 1):
        # No sum here is neutral: the order is a prime far above all these multiples.
        columns.append(add_pairs(field, zip(columns[-1], first, strict=True)))
    return [list(row) for row in zip(*columns, strict=True)]


def chosen(field: Field, table: Table, scalar: int) -> list[Affine]:
    """The points of the table whose sum is `scalar` times its point. The scalar fits the table's bits."""
    points = []
    carry = 0
    for row, byte in zip(table, scalar.to_bytes(len(table), "little"), strict=True):
        digit = byte + carry
        carry = digit > _HALF
        if not carry:
            if digit:
                points.append(row[digit - 1])
        elif digit <= _MAX_BYTE:
            x, y = row[_MAX_BYTE - digit]
            points.append((x, field.p - y))
    return points


class Tables:
    """The tables of the few points that come again and again, at most `limit`; the one not asked for longest goes.

    A point has to be asked for `asks` times before it has a table, so strangers' points neither cost a table each nor
    push the known ones out.
    """

    def __init__(self, *, limit: int = _MAX_POINTS, asks: int = _ASKS_BEFORE_TABLE) -> None:
        self._limit = limit
        self._asks = asks
        self._built: OrderedDict[Key, Table] = OrderedDict()
        self._asked: OrderedDict[Key, int] = OrderedDict()
        self._lock = Lock()

    def find(self, field: Field, point: Affine, *, bits: int) -> Table | None:
        """The point's table, built when it has been asked for often enough; None until then."""
        key = (int(field.p), int(point[0]), int(point[1]))
        with self._lock:
            if key in self._built:
                self._built.move_to_end(key)
                return self._built[key]
            self._asked[key] = self._asked.pop(key, 0) + 1
            while len(self._asked) > _MAX_COUNTED:  # strangers' keys are counted too, and must not fill the memory
                self._asked.popitem(last=False)
            if self._asked[key] < self._asks:
                return None
            table = self._built[key] = build_table(field, point, bits=bits)
            del self._asked[key]
            while len(self._built) > self._limit:
                self._built.popitem(last=False)
            return table


class Arithmetic:
    """Curve arithmetic with integers that `number` makes: `int` itself, or a type with the same operators.

    Points that come out are of plain integers again. Tables are kept by each instance and shared by its threads.
    """

    def __init__(self, name: str, *, number: Callable[[int], int]) -> None:
        self.name = name
        self.number = number
        self._tables = Tables()
        self._prepared = lru_cache(maxsize=4)(self._prepare)

    def multiply_base(self, curve: Curve, scalar: int) -> Affine | None:
        """`scalar` times the base point, or None for the neutral element. 0 ≤ `scalar` < 2^bits of the curve."""
        return self.multiply_both(curve, base=scalar, point=(curve.x, curve.y), scalar=0)

    def multiply_both(
        self, curve: Curve, *, base: int, point: Affine, scalar: int, often: bool = False
    ) -> Affine | None:
        """`base` times the base point plus `scalar` times `point`, or None for the neutral element.

        `point` must lie on the curve and in its group; both numbers are below its order. `often`: the same point
        will come again, an issuer's key for instance, and may have a table.
        """
        field, base_point, multiples = self._prepared(curve)
        other = (self.number(point[0]), self.number(point[1]))
        table = self._tables.find(field, other, bits=8 * curve.size) if often else None
        of_base = self._tables.find(field, base_point, bits=8 * curve.size)
        # Fastest first: both points are known, then the base point alone, then neither.
        if table and of_base:
            found = add_many(field, chosen(field, table, scalar) + chosen(field, of_base, base))
        else:
            of_point = odd_digits(scalar, _POINT_WINDOW), odd_multiples(field, other, _POINT_WINDOW)
            if of_base:
                part = add_many(field, chosen(field, of_base, base))
                total = add_all(field, sum_of_multiples(field, [of_point]), [part] if part else [])
            else:
                total = sum_of_multiples(field, [(odd_digits(base, _BASE_WINDOW), multiples), of_point])
            found = affine(field, [total])[0] if total[2] else None
        return (int(found[0]), int(found[1])) if found else None

    def _prepare(self, curve: Curve) -> tuple[Field, Affine, list[Affine]]:
        """The curve and its base point in the integers of this tier, and the multiples that a digit can ask for."""
        field = Field(self.number(curve.p), self.number(curve.a))
        base_point = (self.number(curve.x), self.number(curve.y))
        return field, base_point, odd_multiples(field, base_point, _BASE_WINDOW)


def load_python() -> Arithmetic:
    """On Python's own integers: the tier that is always there."""
    return Arithmetic("python", number=int)


def load_gmpy2() -> Arithmetic | None:
    """On the integers of gmpy2, four times as fast; None where the extra `fast` is not installed."""
    return Arithmetic("gmpy2", number=cast(Callable[[int], int], mpz)) if mpz else None
