"""`replace` of the course does what that of `dataclasses` does."""

import dataclasses

import pytest

from verification.course.entry import replace
from verification.course.state import State


def test_a_changed_value_is_equal_to_one_that_dataclasses_change() -> None:
    state = State(route="eds", length=3)
    changed = replace(state, length=4, end="verification.verified")
    assert changed == dataclasses.replace(state, length=4, end="verification.verified")
    assert (state.length, state.end) == (3, "")


def test_a_name_that_is_no_field_is_refused() -> None:
    with pytest.raises(TypeError, match="no such field"):
        replace(State(), lenght=4)  # type: ignore[call-arg]
