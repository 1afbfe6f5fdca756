"""/v1/events and /v1/log: what stands in the ordered log."""

import pytest

from tests.lenders.samples import IIN, Caller, faults, opening
from verification.log import sequencer


@pytest.fixture
def three_events(api: Caller) -> list[str]:
    """Three verifications, ordered in the log; their ids."""
    opened = [
        api.post("/v1/verifications", opening(client_reference=f"loan-{n}")).json()["id"]
        for n in range(3)
    ]
    sequencer.order("test")
    return opened


def test_nothing_is_told_before_the_log_has_ordered_it(api: Caller) -> None:
    api.post("/v1/verifications", opening())
    assert api.get("/v1/events").json() == {"data": [], "has_more": False, "next": None}
    sequencer.order("test")
    assert len(api.get("/v1/events").json()["data"]) == 1


def test_an_event_is_thin(api: Caller, three_events: list[str]) -> None:
    event = api.get("/v1/events").json()["data"][0]
    assert set(event) == {
        "version",
        "id",
        "type",
        "timestamp",
        "lender_sequence",
        "log_index",
        "data",
    }
    assert event["type"] == "verification.created"
    assert event["data"] == {
        "verification": three_events[0],
        "client_reference": "loan-0",
        "status": "requires_input",
        "sequence": 1,
        "mode": "test",
        "clearance": None,
        "renews": None,
    }
    assert IIN not in str(event)


def test_events_come_in_order_and_go_on_after_the_last_one_seen(
    api: Caller, three_events: list[str]
) -> None:
    first = api.get("/v1/events", limit="2").json()
    assert first["has_more"]
    rest = api.get("/v1/events", after=first["next"]).json()
    told = [event["data"]["verification"] for event in first["data"] + rest["data"]]
    assert told == three_events
    last = str(rest["data"][-1]["lender_sequence"])
    assert api.get("/v1/events", after=last).json()["data"] == []


def test_another_lenders_events_are_not_told(other_api: Caller, three_events: list[str]) -> None:
    assert other_api.get("/v1/events").json()["data"] == []


@pytest.mark.parametrize(
    ("query", "code"), [({"after": "x"}, "cursor_malformed"), ({"after": "-1"}, "cursor_malformed")]
)
def test_a_cursor_that_is_none_is_refused(api: Caller, query: dict[str, str], code: str) -> None:
    assert faults(api.get("/v1/events", **query)) == {("?after", code)}


def test_the_checkpoint_is_a_signed_note(api: Caller, three_events: list[str]) -> None:
    answer = api.get("/v1/log/checkpoint")
    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert "\n\n— " in answer.content.decode()


def test_there_is_no_checkpoint_of_an_empty_log(api: Caller) -> None:
    refused = api.get("/v1/log/checkpoint")
    assert (refused.status_code, refused.json()["code"]) == (409, "receipt_not_ready")
    assert int(refused.headers["Retry-After"]) >= 1


def test_an_event_of_ones_own_is_proved(
    api: Caller, other_api: Caller, three_events: list[str]
) -> None:
    event = api.get("/v1/events").json()["data"][0]["id"]
    assert api.get("/v1/log/proof", event=event).content.startswith(b"c2sp.org/tlog-proof@v1\n")
    assert other_api.get("/v1/log/proof", event=event).status_code == 404
    assert faults(api.get("/v1/log/proof")) == {("?event", "required")}
