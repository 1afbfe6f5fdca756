"""Every tier of curve arithmetic against the textbook, and the tables of the points that come
again.
"""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.verification.engines.gost import textbook
from verification.engines.gost.arithmetic import (
    Arithmetic,
    Field,
    Tables,
    add_many,
    add_pairs,
    build_table,
    chosen,
    odd_digits,
)
from verification.engines.gost.curves import PARAM_SET_A_512, PARAM_SET_B_256, Curve
from verification.engines.gost.gost3410 import PublicKey
from verification.engines.gost.streebog import streebog512
from verification.engines.gost.vectors import EXCHANGE_VECTOR, SIGNATURE_VECTOR

_CURVES = (PARAM_SET_A_512, PARAM_SET_B_256, SIGNATURE_VECTOR.curve)
_SCALARS = st.one_of(
    st.integers(0, 40), st.integers(0, 2**512), st.integers(1, 40).map(lambda below: -below)
)
_curves = pytest.mark.parametrize("curve", _CURVES, ids=lambda curve: curve.name)


def _base(curve: Curve) -> tuple[int, int]:
    return curve.x, curve.y


@_curves
def test_the_curve_is_one_and_its_base_point_has_its_order(curve: Curve) -> None:
    PublicKey(*_base(curve), curve)  # refuses what is no point of it
    assert textbook.multiply(curve, _base(curve), curve.q) is None
    assert (4 * curve.a**3 + 27 * curve.b**2) % curve.p


@_curves
def test_multiples_of_the_base_point_follow_the_group_law(
    arithmetic: Arithmetic, curve: Curve
) -> None:
    base = _base(curve)
    assert arithmetic.multiply_base(curve, 0) is None
    assert arithmetic.multiply_base(curve, 1) == base
    assert arithmetic.multiply_base(curve, curve.q) is None
    assert arithmetic.multiply_base(curve, curve.q - 1) == (curve.x, curve.p - curve.y)
    assert arithmetic.multiply_both(
        curve, base=5, point=base, scalar=6
    ) == arithmetic.multiply_base(curve, 11)
    assert arithmetic.multiply_both(curve, base=curve.q - 6, point=base, scalar=6) is None
    assert arithmetic.multiply_both(curve, base=0, point=base, scalar=0) is None


@_curves
@settings(max_examples=15)
@given(key=st.integers(1, 2**256), base=_SCALARS, scalar=_SCALARS)
def test_sums_are_those_of_the_textbook(
    arithmetic: Arithmetic, curve: Curve, key: int, base: int, scalar: int
) -> None:
    point = textbook.multiply(curve, _base(curve), key % curve.q or 1)
    assert point is not None
    base, scalar = base % curve.q, scalar % curve.q
    expected = textbook.add(
        curve, textbook.multiply(curve, _base(curve), base), textbook.multiply(curve, point, scalar)
    )
    assert arithmetic.multiply_both(curve, base=base, point=point, scalar=scalar) == expected
    assert arithmetic.multiply_base(curve, base) == textbook.multiply(curve, _base(curve), base)


def test_two_parties_of_rfc_7836_agree_on_the_published_bytes(arithmetic: Arithmetic) -> None:
    vector, curve = EXCHANGE_VECTOR, PARAM_SET_A_512
    for private, public in (
        (vector.private_a, vector.public_b),
        (vector.private_b, vector.public_a),
    ):
        scalar = (
            int.from_bytes(vector.multiplier, "little")
            * int.from_bytes(private, "little")
            % curve.q
        )
        point = int.from_bytes(public[:64], "little"), int.from_bytes(public[64:], "little")
        agreed = arithmetic.multiply_both(curve, base=0, point=point, scalar=scalar)
        assert streebog512(textbook.encode(curve, agreed)) == vector.agreed


@given(st.integers(0, 2**512), st.integers(2, 10))
def test_digits_are_odd_apart_and_sum_up_to_the_scalar(scalar: int, window: int) -> None:
    digits = odd_digits(scalar, window)
    assert sum(digit << position for position, digit in digits) == scalar
    assert all(digit % 2 and abs(digit) < 1 << (window - 1) for _, digit in digits)
    assert all(above[0] - below[0] >= window for below, above in pairwise(digits))


@pytest.fixture(scope="module")
def small() -> tuple[Curve, Field, list[list[tuple[int, int]]]]:
    """A table of the smaller curve's base point, for scalars of 256 bits."""
    curve = PARAM_SET_B_256
    field = Field(curve.p, curve.a)
    return curve, field, build_table(field, _base(curve), bits=256)


@settings(max_examples=30)
@given(
    scalar=st.one_of(
        st.integers(1, 2**256 - 1),
        st.integers(1, 1000),
        st.integers(0, 255).map(lambda bit: 1 << bit),
    )
)
def test_a_table_gives_the_multiples_of_the_textbook(
    small: tuple[Curve, Field, list[list[tuple[int, int]]]], scalar: int
) -> None:
    curve, field, table = small
    assert add_many(field, chosen(field, table, scalar)) == textbook.multiply(
        curve, _base(curve), scalar
    )


def test_a_table_carries_through_every_digit(
    small: tuple[Curve, Field, list[list[tuple[int, int]]]],
) -> None:
    curve, field, table = small
    for scalar in (
        2**256 - 1,
        int("81" * 32, 16),
        int("80" * 32, 16),
        int("7f" * 32, 16),
        curve.q - 1,
        curve.q,
        0,
    ):
        assert add_many(field, chosen(field, table, scalar)) == textbook.multiply(
            curve, _base(curve), scalar
        )


def test_pairs_that_are_equal_or_opposite_are_summed_as_the_textbook_has_it() -> None:
    curve = PARAM_SET_B_256
    field = Field(curve.p, curve.a)
    one, two, three = (
        (curve.x, curve.y),
        *(textbook.multiply(curve, _base(curve), number) for number in (2, 3)),
    )
    assert two is not None
    assert three is not None
    negative = (curve.x, curve.p - curve.y)
    assert add_pairs(field, [(one, two), (one, one), (one, negative), (three, negative)]) == [
        three,
        two,
        two,
    ]
    assert add_pairs(field, [(one, negative)]) == []
    assert add_many(field, [one, negative, negative, one]) is None
    assert add_many(field, [one, negative, two]) == two
    assert add_many(field, []) is None


def test_a_point_has_a_table_only_after_it_was_asked_for_often() -> None:
    curve = PARAM_SET_B_256
    tables = Tables(limit=1, asks=3)
    field = Field(curve.p, curve.a)
    found = [tables.find(field, _base(curve), bits=16) for _ in range(4)]
    assert [each is not None for each in found] == [False, False, True, True]


def test_strangers_points_do_not_push_a_known_one_out() -> None:
    curve = PARAM_SET_B_256
    tables = Tables(limit=1, asks=2)
    field = Field(curve.p, curve.a)
    strangers = [textbook.multiply(curve, _base(curve), number) for number in range(2, 90)]
    for _ in range(2):
        tables.find(field, _base(curve), bits=16)
    for stranger in strangers:
        assert stranger is not None
        assert tables.find(field, stranger, bits=16) is None
    assert tables.find(field, _base(curve), bits=16) is not None


def test_no_more_points_than_the_limit_have_a_table() -> None:
    curve = PARAM_SET_B_256
    tables = Tables(limit=1, asks=1)
    field = Field(curve.p, curve.a)
    other = textbook.multiply(curve, _base(curve), 2)
    assert other is not None
    first = tables.find(field, _base(curve), bits=16)
    assert first is tables.find(field, _base(curve), bits=16)
    assert tables.find(field, other, bits=16) is not None
    assert tables.find(field, _base(curve), bits=16) is not first
