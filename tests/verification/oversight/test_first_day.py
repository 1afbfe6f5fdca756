"""The ends of the calendar are refused by name, not by a fault of ours."""

from datetime import date

import pytest

from verification.core.errors import BadInput
from verification.oversight import search

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(("field", "day"), [("date_from", date.min), ("date_to", date.max)])
def test_a_day_that_has_no_beginning_or_end_is_refused_by_name(field, day):
    with pytest.raises(BadInput) as caught:
        search.search(person_id="usr_a", question=search.Question(mode="test", **{field: day}))
    assert (caught.value.code, caught.value.pointer) == ("date_out_of_range", field)


def test_the_days_beside_them_are_searched():
    question = search.Question(mode="test", date_from=date(1, 1, 2), date_to=date(9999, 12, 30))
    assert search.search(person_id="usr_a", question=question).data == ()
