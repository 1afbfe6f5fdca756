"""/v1/events, /v1/log, /v1/webhook-endpoints and /v1/deliveries."""

from base64 import b64decode
from typing import Any

import pytest
from standardwebhooks.webhooks import Webhook

from lenders import policy
from lenders.models import WebhookEndpoint
from lenders.resources import events
from tests.lenders.insecure_receiver import Receiver
from tests.lenders.log_of_lenders import happen, pump, send_due
from tests.lenders.samples import IIN, Caller, code, faults, opening
from tests.lenders.shapes import hold
from tests.verification.log import naive
from verification.log import sequencer
from verification.log.checkpoint import open_checkpoint
from verification.log.keys import verification_key
from verification.log.signatures import leaf_bytes
from verification.models import AuditLeaf

# /v1/events and /v1/log: what stands in the ordered log, and that the log only grows.


@pytest.fixture
def three_events(api: Caller) -> list[str]:
    """Three verifications, ordered in the log; their ids."""
    opened = [
        api.post("/v1/verifications", opening(client_reference=f"loan-{n}")).json()["id"]
        for n in range(3)
    ]
    sequencer.order("test")
    return opened


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


@pytest.mark.parametrize(
    ("query", "code"), [({"after": "x"}, "cursor_malformed"), ({"after": "-1"}, "cursor_malformed")]
)
def test_a_malformed_cursor_is_refused(api: Caller, query: dict[str, str], code: str) -> None:
    assert faults(api.get("/v1/events", **query)) == {("?after", code)}


def test_events_of_some_types_are_listed_alone_and_none_of_them_is_left_out(
    api: Caller, three_events: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for verification_id in three_events[:2]:
        api.post(f"/v1/verifications/{verification_id}/cancel")
    sequencer.order("test")
    canceled = api.get("/v1/events", type="verification.canceled").json()
    assert [event["data"]["verification"] for event in canceled["data"]] == three_events[:2]
    assert (canceled["has_more"], canceled["next"]) == (False, None)
    both = api.get("/v1/events", type="verification.created,verification.canceled").json()
    assert both == api.get("/v1/events").json()
    monkeypatch.setattr(events, "LIST_MAX", 1)
    monkeypatch.setattr(policy, "EVENT_PAGES", 2)
    listed, more, calls = [], {"after": "0"}, 0
    while more:
        page = api.get("/v1/events", type="verification.canceled", limit="1", **more).json()
        listed += page["data"]
        more, calls = {"after": page["next"]} if page["has_more"] else {}, calls + 1
    assert listed == canceled["data"]
    assert calls > 2, "a page looks at few events and says that there are more"


@pytest.mark.parametrize(
    ("types", "code"),
    [
        ("verification.paid", "choice_unknown"),
        ("", "choice_unknown"),
        ("verification.created,", "choice_unknown"),
        ("verification.created,verification.created", "choice_repeated"),
    ],
)
def test_an_unknown_type_of_events_is_refused(api: Caller, types: str, code: str) -> None:
    refused = api.get("/v1/events", type=types)
    assert (refused.status_code, faults(refused)) == (422, {("?type", code)})


def test_the_checkpoint_is_a_signed_note(api: Caller, three_events: list[str]) -> None:
    answer = api.get("/v1/log/checkpoint")
    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert "\n\n— " in answer.content.decode()


def test_an_event_of_ones_own_is_proved(
    api: Caller, other_api: Caller, three_events: list[str]
) -> None:
    event = api.get("/v1/events").json()["data"][0]["id"]
    assert api.get("/v1/log/proof", event=event).content.startswith(b"c2sp.org/tlog-proof@v1\n")
    assert other_api.get("/v1/log/proof", event=event).status_code == 404
    assert other_api.get("/v1/events").json()["data"] == []
    assert faults(api.get("/v1/log/proof")) == {("?event", "required")}


# /v1/log/consistency: the log of one checkpoint goes on from that of another; what there is not
# is refused.
PLACE = "/v1/log/consistency"


def head(api: Caller) -> tuple[int, bytes]:
    """The size and the root of the newest checkpoint."""
    found = open_checkpoint(
        api.get("/v1/log/checkpoint").content.decode(), key=verification_key("test")
    )
    return found.size, found.root


def hashes(api: Caller, first: int, second: int) -> list[bytes]:
    told = hold(api.get(PLACE, first=str(first), second=str(second)), PLACE, "get")
    return [b64decode(one, validate=True) for one in told["hashes"]]


def test_it_is_that_of_the_standard_for_sizes_between_checkpoints_too(api: Caller) -> None:
    happen(api, 4)
    entries = [
        leaf.entry for leaf in AuditLeaf.objects.select_related("entry").order_by("leaf_index")
    ]
    leaves = [leaf_bytes(entry) or b"" for entry in entries]
    size, root = head(api)
    assert (len(leaves), naive.root(leaves)) == (size, root)
    for first in range(1, size + 1):
        for second in range(first, size + 1):
            assert hashes(api, first, second) == naive.consistency(first, leaves[:second])


@pytest.mark.parametrize(
    ("query", "fault"),
    [
        ({"first": "0", "second": "1"}, ("?first", "out_of_range")),
        ({"first": "2", "second": "1"}, ("?first", "out_of_range")),
        ({"first": "1", "second": "1000000"}, ("?second", "out_of_range")),
        ({"first": "1", "second": str(2**63)}, ("?second", "out_of_range")),
        ({"first": "1", "second": "9" * 30}, ("?second", "type_wrong")),
        ({"first": "-1", "second": "1"}, ("?first", "type_wrong")),
        ({"first": "x", "second": "1"}, ("?first", "type_wrong")),
        ({"first": "\u0661", "second": "1"}, ("?first", "type_wrong")),
        ({"first": "1"}, ("?second", "required")),
        ({"first": "1", "second": "1", "third": "1"}, ("?third", "unknown_field")),
    ],
)
def test_what_there_is_not_is_refused(
    api: Caller, query: dict[str, str], fault: tuple[str, str]
) -> None:
    happen(api)
    refused = api.get(PLACE, **query)
    assert (refused.status_code, faults(refused)) == (422, {fault})


def test_of_an_empty_log_there_is_nothing_to_show(api: Caller) -> None:
    assert faults(api.get(PLACE, first="1", second="1")) == {("?second", "out_of_range")}
    refused = api.get("/v1/log/checkpoint")
    assert code(refused) == (409, "receipt_not_ready")
    assert int(refused.headers["Retry-After"]) >= 1


# /v1/webhook-endpoints and /v1/deliveries as a lender's server meets them.


PATH = "/v1/webhook-endpoints"
URL = "https://lender.example/tulga"


def deliver() -> None:
    """The log is ordered, and every due delivery is sent once."""
    sequencer.order("test")
    pump()
    send_due()


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        ({}, ("/url", "required")),
        ({"url": "http://lender.example/"}, ("/url", "webhook_url_refused")),
        ({"url": "https://127.0.0.1/"}, ("/url", "webhook_url_refused")),
        ({"url": "https://169.254.169.254/latest"}, ("/url", "webhook_url_refused")),
        ({"url": 5}, ("/url", "type_wrong")),
        ({"url": URL, "events": ["verification.imagined"]}, ("/events/0", "choice_unknown")),
        (
            {"url": URL, "events": ["endpoint.disabled", "endpoint.disabled"]},
            ("/events/1", "choice_repeated"),
        ),
        ({"url": URL, "secret": "mine"}, ("/secret", "unknown_field")),
    ],
    ids=str,
)
def test_a_bad_endpoint_is_refused(
    api: Caller, body: dict[str, Any], fault: tuple[str, str]
) -> None:
    refused = api.post(PATH, body)
    assert refused.status_code == 422
    assert faults(refused) == {fault}
    assert not WebhookEndpoint.objects.exists()


def test_there_are_ten_endpoints_at_most(api: Caller) -> None:
    for _ in range(policy.ENDPOINTS_MAX):
        assert api.post(PATH, {"url": URL}).status_code == 201
    refused = api.post(PATH, {"url": URL})
    assert (refused.status_code, refused.json()["code"]) == (409, "endpoint_limit")


def test_an_endpoint_is_changed_disabled_and_enabled(api: Caller) -> None:
    made = api.post(PATH, {"url": URL}).json()
    address = f"{PATH}/{made['id']}"
    assert api.patch(address, {"events": ["verification.verified"]}).json()["events"] == [
        "verification.verified"
    ]
    assert api.patch(address, {"url": f"{URL}/2"}).json()["url"] == f"{URL}/2"
    assert api.patch(address, {"enabled": False}).json()["disabled_reason"] == "by_lender"
    assert api.post(f"{address}/test").json()["code"] == "endpoint_disabled"
    assert api.patch(address, {"enabled": True}).json()["disabled_at"] is None
    assert faults(api.patch(address, {"url": "https://localhost/"})) == {
        ("/url", "webhook_url_refused")
    }
    assert api.get(address).json()["url"] == f"{URL}/2"


def test_a_deleted_endpoint_is_gone_and_its_deliveries_are_canceled(
    api: Caller, receiver: Receiver
) -> None:
    made = api.post(PATH, {"url": receiver.url}).json()
    api.post(f"{PATH}/{made['id']}/test")
    gone = api.delete(f"{PATH}/{made['id']}")
    assert (gone.status_code, gone.content) == (204, b"")
    assert api.get(f"{PATH}/{made['id']}").status_code == 404
    deliver()
    assert receiver.received == []
    assert api.get("/v1/deliveries").json()["data"][0]["status"] == "canceled"


def test_another_lenders_endpoint_is_not_there(api: Caller, other_api: Caller) -> None:
    address = f"{PATH}/{api.post(PATH, {'url': URL}).json()['id']}"
    answers = [
        other_api.get(address),
        other_api.patch(address, {"enabled": False}),
        other_api.delete(address),
        other_api.post(f"{address}/test"),
        other_api.post(f"{address}/rotate-secret"),
    ]
    assert [answer.status_code for answer in answers] == [404] * 5
    assert api.get(address).json()["disabled_at"] is None
    api.post("/v1/verifications", opening())
    deliver()
    delivery = api.get("/v1/deliveries").json()["data"][0]["id"]
    assert other_api.get("/v1/deliveries").json()["data"] == []
    assert other_api.post(f"/v1/deliveries/{delivery}/redeliver").status_code == 404
    span = {"from": "2020-01-01T00:00:00Z", "to": "2999-01-01T00:00:00Z"}
    assert other_api.post("/v1/deliveries/redeliver", span).json()["redelivered"] == 0


def test_a_test_message_arrives_signed_and_is_no_event(api: Caller, receiver: Receiver) -> None:
    made = api.post(PATH, {"url": receiver.url}).json()
    sent = api.post(f"{PATH}/{made['id']}/test")
    assert (sent.status_code, sent.json()["status"]) == (202, "pending")
    deliver()
    [received] = receiver.received
    assert (
        Webhook(made["secret"]).verify(received.body, received.headers)["type"] == "endpoint.test"
    )
    assert api.get("/v1/events").json()["data"] == []


def test_a_delivery_tells_what_the_endpoint_said(api: Caller, receiver: Receiver) -> None:
    receiver.status, receiver.answer = 500, b"database down"
    endpoint = api.post(PATH, {"url": receiver.url}).json()["id"]
    api.post("/v1/verifications", opening())
    deliver()
    [told] = api.get("/v1/deliveries", endpoint=endpoint, status="pending").json()["data"]
    assert (told["type"], told["tries"], told["endpoint"]) == ("verification.created", 1, endpoint)
    assert (told["response"]["status"], told["response"]["excerpt"]) == (500, "database down")
    assert told["due_at"] > told["created_at"]
    assert api.get("/v1/deliveries", status="delivered").json()["data"] == []


def test_a_range_of_time_is_delivered_again(api: Caller, receiver: Receiver) -> None:
    endpoint = api.post(PATH, {"url": receiver.url}).json()["id"]
    for n in range(3):
        api.post("/v1/verifications", opening(client_reference=f"loan-{n}"))
    deliver()
    times = [event["timestamp"] for event in api.get("/v1/events").json()["data"]]
    span = {"from": "2020-01-01T00:00:00Z", "to": "2999-01-01T00:00:00Z"}
    assert api.post("/v1/deliveries/redeliver", span).json() == {
        "redelivered": 3,
        "has_more": False,
    }
    # Copies are not copied again, and the end is not included.
    last = api.post("/v1/deliveries/redeliver", span | {"to": times[0], "endpoint": endpoint})
    assert (last.status_code, last.json()["redelivered"]) == (202, 0)
    deliver()
    assert len(receiver.received) == 6


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        ({"to": "2026-01-01T00:00:00Z"}, ("/from", "required")),
        ({"from": "2026-01-01", "to": "2026-01-02T00:00:00Z"}, ("/from", "time_malformed")),
        ({"from": "2026-01-02T00:00:00Z", "to": "2026-01-01T00:00:00Z"}, ("/to", "out_of_range")),
        (
            {"from": "2026-01-01T00:00:00Z", "to": "2026-01-02T00:00:00Z", "endpoint": "x"},
            ("/endpoint", "id_malformed"),
        ),
    ],
    ids=str,
)
def test_a_bad_range_is_refused(api: Caller, body: dict[str, str], fault: tuple[str, str]) -> None:
    assert faults(api.post("/v1/deliveries/redeliver", body)) == {fault}


def test_deliveries_are_told_page_by_page(api: Caller, receiver: Receiver) -> None:
    endpoint = api.post(PATH, {"url": receiver.url}).json()["id"]
    made = [api.post(f"{PATH}/{endpoint}/test").json()["id"] for _ in range(3)]
    first = api.get("/v1/deliveries", limit="2").json()
    rest = api.get("/v1/deliveries", limit="2", after=first["next"]).json()
    assert [item["id"] for item in first["data"] + rest["data"]] == made[::-1]
    assert (first["has_more"], rest["has_more"], rest["next"]) == (True, False, None)
    assert faults(api.get("/v1/deliveries", after=f"dlv_{'a' * 26}")) == {
        ("?after", "cursor_unknown")
    }


def test_a_repeated_request_for_a_secret_gives_the_same_secret(api: Caller) -> None:
    made = api.post(PATH, {"url": URL}, key="k-1").json()
    assert (made["secret"][:6], made["public_key"][:5]) == ("whsec_", "whpk_")
    assert "secret" not in api.get(f"{PATH}/{made['id']}").json()
    assert api.post(PATH, {"url": URL}, key="k-1").json() == made
    rotated = [
        api.post(f"{PATH}/{made['id']}/rotate-secret", key="k-2").json()["secret"] for _ in range(2)
    ]
    assert rotated[0] == rotated[1]
