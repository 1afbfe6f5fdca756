"""Sums of multiples over one kind of integer: what every tier of curve arithmetic does, however it counts."""

from collections.abc import Callable
from functools import lru_cache

from verification.engines.gost.curves import Curve
from verification.engines.gost.points import (
    Affine,
    Field,
    Jacobian,
    add_all,
    add_many,
    affine,
    odd_digits,
    odd_multiples,
    sum_of_multiples,
)
from verification.engines.gost.tables import Tables, chosen

_BASE_WINDOW = 10  # bits; 256 points, made once a curve
_POINT_WINDOW = 5  # bits; 8 points, made for each call


class Arithmetic:
    """Curve arithmetic with integers that `number` makes: `int` itself, or a type with the same operators.

    Results are plain integers again. Tables are kept by each instance and shared by its threads.
    """

    def __init__(self, name: str, *, number: Callable[[int], int]) -> None:
        self.name = name
        self._number = number
        self._tables = Tables()
        self._field = lru_cache(maxsize=4)(self._make_field)
        self._base_multiples = lru_cache(maxsize=4)(self._make_base_multiples)

    def inverse(self, value: int, modulus: int) -> int:
        """1/`value` modulo a prime. `value` is no multiple of it."""
        return int(pow(self._number(value), -1, modulus))

    def multiply_base(self, curve: Curve, scalar: int) -> Affine | None:
        """`scalar` times the base point, or None for the neutral element. 0 ≤ `scalar` < 2^bits of the curve."""
        field = self._field(curve)
        base = (self._number(curve.x), self._number(curve.y))
        table = self._tables.find(field, base, bits=8 * curve.size)
        if table:
            return self._plain(add_many(field, chosen(field, table, scalar)))
        return self._reduced(field, sum_of_multiples(field, [self._base_term(curve, scalar)]))

    def multiply_both(
        self, curve: Curve, *, base: int, point: Affine, scalar: int, often: bool = False
    ) -> Affine | None:
        """`base` times the base point plus `scalar` times `point`, or None for the neutral element.

        `point` must lie on the curve and in its group; both numbers are below its order. `often`: the same point
        will come again, an issuer's key for instance, and may have a table.
        """
        field = self._field(curve)
        numbers = (self._number(point[0]), self._number(point[1]))
        table = self._tables.find(field, numbers, bits=8 * curve.size) if often else None
        of_base = self._tables.find(field, (self._number(curve.x), self._number(curve.y)), bits=8 * curve.size)
        if table and of_base:
            points = chosen(field, table, scalar) + chosen(field, of_base, base)
            return self._plain(add_many(field, points))
        of_point = odd_digits(scalar, _POINT_WINDOW), odd_multiples(field, numbers, _POINT_WINDOW)
        if of_base:
            part = add_many(field, chosen(field, of_base, base))
            total = add_all(field, sum_of_multiples(field, [of_point]), [part] if part else [])
            return self._reduced(field, total)
        return self._reduced(field, sum_of_multiples(field, [self._base_term(curve, base), of_point]))

    def _base_term(self, curve: Curve, scalar: int) -> tuple[list[tuple[int, int]], list[Affine]]:
        return odd_digits(scalar, _BASE_WINDOW), self._base_multiples(curve)

    def _make_field(self, curve: Curve) -> Field:
        return Field(self._number(curve.p), self._number(curve.a))

    def _make_base_multiples(self, curve: Curve) -> list[Affine]:
        return odd_multiples(self._field(curve), (self._number(curve.x), self._number(curve.y)), _BASE_WINDOW)

    def _reduced(self, field: Field, total: Jacobian) -> Affine | None:
        return self._plain(affine(field, [total])[0]) if total[2] else None

    def _plain(self, point: Affine | None) -> Affine | None:
        return (int(point[0]), int(point[1])) if point else None
