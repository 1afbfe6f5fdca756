"""/v1/events and /v1/log: what stands in the ordered log, and that the log only grows."""

from base64 import b64decode

import pytest

from tests.lenders.log_of_lenders import happen
from tests.lenders.samples import IIN, Caller, code, faults, opening
from tests.lenders.shapes import hold
from tests.verification.log import naive
from verification.log import sequencer
from verification.log.checkpoint import open_checkpoint
from verification.log.keys import verification_key
from verification.log.signatures import leaf_bytes
from verification.models import AuditLeaf


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
