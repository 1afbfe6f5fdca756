"""JSON becomes dataclasses and back: what is new is passed over, what has another type is refused
and named.
"""

import dataclasses
import json
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

import pytest

from tulga.errors import BadAnswer
from tulga.fields import parse, spell
from tulga.resources import Check, Clearance, Event, Page, Payment

AT = "2026-11-28T10:00:00.000Z"
EVENT = {
    "id": "evt_a",
    "log_index": 4,
    "version": "2026-11-28",
    "type": "something.new",
    "timestamp": AT,
    "lender_sequence": None,
    "data": {"mode": "test", "status": "never heard of"},
}


def page(**changes):
    return json.dumps({"data": [{**EVENT, **changes}], "has_more": False, "next": None}).encode()


def test_words_and_fields_that_nobody_knew_are_read():
    [event] = parse(Page[Event], page(new={"field": 1})).data
    assert (event.type, event.data.status, event.data.verification) == (
        "something.new",
        "never heard of",
        None,
    )
    assert event.timestamp == datetime(2026, 11, 28, 10, tzinfo=UTC)


@pytest.mark.parametrize(
    ("changes", "place"),
    [
        ({"log_index": True}, "log_index"),
        ({"log_index": "4"}, "log_index"),
        ({"log_index": None}, "log_index"),
        ({"lender_sequence": 1.5}, "lender_sequence"),
        ({"type": 1}, "type"),
        ({"timestamp": "yesterday"}, "timestamp"),
        ({"timestamp": 5}, "timestamp"),
        ({"data": []}, "data"),
        ({"data": {}}, "data has no mode"),
    ],
)
def test_another_type_is_refused_and_its_place_is_named(changes, place):
    with pytest.raises(BadAnswer, match=place):
        parse(Page[Event], page(**changes))


def test_what_is_refused_is_not_quoted():
    with pytest.raises(BadAnswer) as refused:
        parse(Page[Event], page(log_index="990101100010"))
    assert "990101100010" not in str(refused.value)


def test_a_missing_field_is_named():
    with pytest.raises(BadAnswer, match="Page has no data"):
        parse(Page[Event], b"{}")


def test_numbers_are_read_as_they_are_meant():
    said = {
        "id": "chk_a",
        "route": "eds",
        "stage": "statement",
        "attempt": 1,
        "name": "a",
        "outcome": "pass",
    }
    said |= {
        "retryable": False,
        "score": 1,
        "threshold": 0.5,
        "engine": {"name": "x"},
        "created_at": AT,
    }
    check = parse(Check, json.dumps(said).encode())
    assert (check.score, type(check.score), check.threshold, check.engine["name"]) == (
        1.0,
        float,
        0.5,
        "x",
    )
    with pytest.raises(TypeError):
        check.engine["name"] = "y"  # type: ignore[index]
    with pytest.raises(BadAnswer, match="engine"):
        parse(Check, json.dumps({**said, "engine": {"name": 1}}).encode())
    words = dict.fromkeys((f.name for f in dataclasses.fields(Clearance)), "x") | {"created_at": AT}
    with pytest.raises(BadAnswer, match="amount_max"):
        parse(Clearance, json.dumps(words).encode())


def test_a_request_says_what_is_meant_and_nothing_else():
    payment = Payment(amount=Decimal("1E+5"), iin="x", contract_sha256="y", payout_account="z")
    assert spell(payment) == {
        "amount": "100000",
        "iin": "x",
        "contract_sha256": "y",
        "payout_account": "z",
    }
    almaty = datetime(2026, 11, 28, 15, tzinfo=timezone(timedelta(hours=5)))
    assert spell({"at": almaty, "on": date(2026, 1, 2), "none": None, "some": (False, 0)}) == {
        "at": "2026-11-28T10:00:00Z",
        "on": "2026-01-02",
        "some": [False, 0],
    }
    with pytest.raises(ValueError, match="zone"):
        spell(datetime(2026, 11, 28))


def test_what_was_answered_stays_as_it_was():
    [event] = parse(Page[Event], page()).data
    with pytest.raises(dataclasses.FrozenInstanceError):
        event.id = "evt_b"  # type: ignore[misc]
