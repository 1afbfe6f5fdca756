"""At the opening: whose IIN and birth date fit, who is of age, and whose document still holds, by
days in Almaty.
"""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from tests.lenders.samples import Caller, faults, opening
from tests.responses import Response
from verification import clock
from verification.core import almaty
from verification.core.ids import check_digit
from verification.models import Verification

PATH = "/v1/verifications"
MIDNIGHT = datetime(
    2027, 2, 28, 19, 0, tzinfo=UTC
)  # 1 March begins in Kazakhstan; 2027 has no 29 February
JUST_BEFORE = MIDNIGHT - timedelta(microseconds=1)
TOO_YOUNG = {("/subject/birth_date", "subject_under_age")}
EXPIRED = {("/subject/document/valid_to", "document_expired")}
OTHER_BIRTH = {("/subject/birth_date", "birth_date_mismatch")}


def iin_of(born: date) -> str:
    """A number that states this day."""
    century = {18: "1", 19: "3", 20: "5"}[born.year // 100]
    serials = (f"{born:%y%m%d}{century}{serial:04}" for serial in range(1, 9))
    return next(eleven + digit for eleven in serials if (digit := check_digit(eleven)) != "x")


def opened(api: Caller, born: date, **changes: Any) -> Response:
    """What an opening is answered with for somebody born then."""
    return api.post(
        PATH, opening(subject__iin=iin_of(born), subject__birth_date=born.isoformat(), **changes)
    )


@pytest.fixture
def at(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Lets it be a time from now on."""
    return lambda time: monkeypatch.setattr(clock, "now", lambda: time)


@pytest.mark.parametrize("born", [date(2009, 3, 1), date(2009, 2, 28), date(2008, 2, 29)], ids=str)
def test_whoever_is_eighteen_today_is_taken(api: Caller, at: Any, born: date) -> None:
    at(MIDNIGHT)
    assert opened(api, born).status_code == 201


def test_the_eighteenth_birthday_begins_at_midnight_in_almaty(api: Caller, at: Any) -> None:
    at(JUST_BEFORE)
    refused = opened(api, date(2009, 3, 1))
    assert (refused.status_code, refused.json()["code"]) == (422, "bad_input")
    assert faults(refused) == TOO_YOUNG
    assert not Verification.objects.exists()
    at(MIDNIGHT)
    assert opened(api, date(2009, 3, 1)).status_code == 201


def test_who_was_born_on_a_leap_day_is_eighteen_on_the_first_of_march(api: Caller, at: Any) -> None:
    born = date(2008, 2, 29)
    at(datetime(2026, 2, 28, 18, 59, 59, tzinfo=UTC))
    assert faults(opened(api, born)) == TOO_YOUNG
    at(datetime(2026, 2, 28, 19, 0, tzinfo=UTC))
    assert opened(api, born).status_code == 201


def test_a_document_holds_to_the_end_of_its_last_day_in_almaty(api: Caller, at: Any) -> None:
    of_the_28th = opening(subject__document__valid_to="2027-02-28")
    at(MIDNIGHT)
    refused = api.post(PATH, of_the_28th)
    assert (refused.status_code, faults(refused)) == (422, EXPIRED)
    assert api.post(PATH, opening(subject__document__valid_to="2027-03-01")).status_code == 201
    at(JUST_BEFORE)
    assert api.post(PATH, of_the_28th | {"client_reference": "loan-2"}).status_code == 201


def test_the_century_of_the_iin_counts(api: Caller) -> None:
    born = date(1999, 1, 1)
    in_1899 = opening(subject__birth_date=born.isoformat())  # the sample's IIN says 1899
    assert faults(api.post(PATH, in_1899)) == OTHER_BIRTH
    assert opened(api, born).status_code == 201


def test_a_birth_date_of_a_century_later_makes_nobody_younger_or_older(
    api: Caller, at: Any
) -> None:
    at(MIDNIGHT)
    # An IIN of 2015 with a birth date of 1915 would be a child's that passes for an adult's.
    childs = opening(subject__iin=iin_of(date(2015, 6, 7)), subject__birth_date="1915-06-07")
    assert faults(api.post(PATH, childs)) == OTHER_BIRTH


def test_all_that_is_wrong_with_a_person_is_told_at_once(api: Caller, at: Any) -> None:
    at(MIDNIGHT)
    refused = opened(
        api, date(2010, 1, 1), subject__document__valid_to="2020-01-01", subject__phone="1"
    )
    assert faults(refused) == TOO_YOUNG | EXPIRED | {("/subject/phone", "phone_malformed")}


def test_a_repeat_after_the_documents_last_day_gets_the_first_answer(api: Caller, at: Any) -> None:
    today = almaty.day_of(clock.now())
    body = opening(subject__document__valid_to=today.isoformat())
    first = api.post(PATH, body, key="k-1")
    at(clock.now() + timedelta(days=1))
    again = api.post(PATH, body, key="k-1")
    assert (first.status_code, again.status_code, again.json()["id"]) == (
        201,
        201,
        first.json()["id"],
    )
