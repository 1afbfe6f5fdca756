"""In which fields a profile asks less than another: each field that decides, in both directions."""

from dataclasses import dataclass, fields, replace
from types import NoneType
from typing import Any, get_args, get_type_hints

import pytest

from verification.core import profiles
from verification.core.profiles import (
    COMBINATIONS,
    DIRECTIONS,
    NOT_DECIDING,
    Profile,
    laxer,
    stricter,
)

LAW = replace(profiles.get("KZ-2025-09"), amount_max_mci=500)
HIGHER = {"confirmed_below_years", "cooling_off_hours"}


def test_every_field_that_decides_has_a_direction():
    types = get_type_hints(Profile)
    deciding = {field.name for field in fields(Profile)} - NOT_DECIDING
    truths = {
        name
        for name in deciding
        if set(get_args(types[name]) or (types[name],)) - {NoneType} == {bool}
    }
    assert deciding - truths == {COMBINATIONS, *DIRECTIONS}
    assert {field.name for field in fields(Profile)} >= NOT_DECIDING


@pytest.mark.parametrize("name", [*DIRECTIONS])
def test_a_number_is_laxer_on_one_side_only(name):
    value = getattr(LAW, name)
    more, less = (replace(LAW, **{name: value + step}) for step in (1, -1))
    lax, strict = (less, more) if name in HIGHER else (more, less)
    assert laxer(lax, LAW) == (name,)
    assert laxer(LAW, lax) == ()
    assert laxer(strict, LAW) == ()
    assert laxer(LAW, LAW) == ()


@pytest.mark.parametrize(
    "name", sorted({field.name for field in fields(LAW) if field.default is None} & {*DIRECTIONS})
)
def test_a_number_that_is_not_asked_is_the_laxest(name):
    nothing: dict[str, Any] = {name: None}
    silent = replace(LAW, **nothing)
    assert laxer(silent, LAW) == (name,)
    assert laxer(LAW, silent) == laxer(silent, silent) == ()


@pytest.mark.parametrize(
    ("combinations", "is_laxer"),
    [
        ((("eds", "biometric"),), False),
        ((("biometric", "eds"),), False),
        ((("eds", "biometric", "live_face"),), False),
        ((("eds", "biometric"), ("eds", "biometric", "live_face")), False),
        ((("eds",),), True),
        ((("eds", "biometric"), ("biometric",)), True),
        ((("eds", "live_face"),), True),
    ],
    ids=str,
)
def test_every_set_of_routes_of_a_later_law_holds_one_of_the_earlier(combinations, is_laxer):
    assert laxer(replace(LAW, combinations=combinations), LAW) == (
        ("combinations",) if is_laxer else ()
    )


@dataclass(frozen=True, kw_only=True)
class Asking(Profile):
    """A profile of a later release, with a question that this one does not know."""

    asked: bool | None = None


@pytest.mark.parametrize(
    ("value", "than", "is_laxer"),
    [
        (True, True, False),
        (True, None, False),
        (True, False, False),
        (None, False, False),
        (False, None, False),
        (None, None, False),
        (False, True, True),
        (None, True, True),
    ],
)
def test_to_ask_is_stricter_than_not_to_ask(value, than, is_laxer):
    given = {field.name: getattr(LAW, field.name) for field in fields(LAW) if field.init}
    first, second = (Asking(**given, asked=asked) for asked in (value, than))
    assert laxer(first, second) == (("asked",) if is_laxer else ())


def test_the_stricter_of_two_asks_more_somewhere_and_less_nowhere():
    more, mixed = (
        replace(LAW, valid_for_seconds=60),
        replace(LAW, valid_for_seconds=60, cooling_off_hours=1),
    )
    assert stricter(LAW, more) is more
    assert stricter(more, LAW) is more
    assert stricter(LAW, mixed) is LAW
    assert stricter(mixed, LAW) is mixed
    same = replace(LAW, source="another")
    assert stricter(LAW, same) is LAW
