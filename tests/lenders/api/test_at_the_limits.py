"""Requests at the ends of what can be written: answered shortly, by a code, never by a fault of
ours.
"""

import json

import pytest

from lenders import policy
from tests.lenders.samples import Caller, opening

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("place", ["", "loan", "subject", "metadata"])
def test_thousands_of_unknown_names_get_a_short_answer(api: Caller, place: str) -> None:
    unknown = {f"{number:09}" + "x" * 150: 1 for number in range(5_500)}
    body = opening()
    (body[place] if place in body else body.setdefault(place, {}) if place else body).update(
        unknown
    )
    assert 0.9e6 < len(json.dumps(body)) < 1e6
    answer = api.post("/v1/verifications", body)
    assert (answer.status_code, answer.json()["code"]) == (422, "bad_input")
    assert 1 <= len(answer.json()["errors"]) <= policy.FAULTS_TOLD
    assert len(answer.content) < 20_000


@pytest.mark.parametrize(
    "moment",
    [
        "9999-12-31T23:59:59-23:59",
        "0001-01-01T00:00:00+23:59",
        "9999-12-31T23:59:59Z",
        "0001-01-01T00:00:00Z",
        "9999-12-31T23:59:59.999999+00:00",
        "1969-12-31T23:59:59Z",
    ],
)
def test_the_ends_of_the_calendar_are_answered(api: Caller, moment: str) -> None:
    listed = api.get("/v1/verifications", created_from=moment)
    again = api.post("/v1/deliveries/redeliver", {"from": "0001-01-01T00:00:00Z", "to": moment})
    opened = api.post(
        "/v1/verifications",
        opening() | {"subject": opening()["subject"] | {"birth_date": moment[:10]}},
    )
    assert listed.status_code == (200 if moment.startswith("1969") else 422)
    assert again.status_code == opened.status_code == 422
    assert all(len(answer.content) < 2_000 for answer in (listed, again, opened))
