"""Every operation of the API as a value: what to send, and how to read the answer. Pure; named as in openapi.json.

A call is one intent: sent twice, by whatever client, it has its effect once. `key` is its Idempotency-Key; give your
own where a repeat may come from another process, and keep it beside what it is for.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from typing import Any, Generic, TypeAlias, TypeVar
from uuid import uuid4

from tulga import resources
from tulga.fields import parse, spell
from tulga.resources import Page

T = TypeVar("T")
Word: TypeAlias = str | None
Size: TypeAlias = int | None


@dataclass(frozen=True)
class Call(Generic[T]):
    """One request. `path` begins with a slash; `body` is JSON or None."""

    method: str
    path: str
    read: Callable[[bytes], T]
    query: Mapping[str, Any] = field(default_factory=dict)
    body: Any = field(default=None, repr=False)
    key: str = field(default_factory=lambda: str(uuid4()))

    def after(self, place: str) -> "Call[T]":
        """The same list, from there on."""
        return replace(self, query={**self.query, "after": place})


def _get(path: str, kind: type[T], of: str) -> Call[T]:
    return Call("GET", path.format(_id(of)), partial(parse, kind))


def _bytes(path: str, *ids: str) -> Call[bytes]:
    return Call("GET", path.format(*map(_id, ids)), bytes)


def _text(path: str, query: Mapping[str, str]) -> Call[str]:
    return Call("GET", path, partial(str, encoding="utf-8", errors="replace"), query)


def _list(path: str, kind: type[T], query: Mapping[str, object]) -> Call[Page[T]]:
    return Call("GET", path, partial(parse, Page[kind]), spell(query))  # type: ignore[valid-type]  # a type at run time


def _post(path: str, kind: type[T], body: object, key: str = "") -> Call[T]:
    return Call("POST", path, partial(parse, kind), body=spell(body), key=key or str(uuid4()))


def _act(path: str, kind: type[T], of: str, *, key: str = "", **body: str | None) -> Call[T]:
    return _post(path.format(_id(of)), kind, body, key)


def _id(untrusted: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,64}", untrusted):
        raise ValueError("this is no id")
    return untrusted


# With the id of what it is about, and where something is done, a `key`.
get_clearance = partial(_get, "/v1/clearances/{}", resources.Clearance)
get_webhook_endpoint = partial(_get, "/v1/webhook-endpoints/{}", resources.Endpoint)
list_documents = partial(_get, "/v1/verifications/{}/documents", Page[resources.Document])
cancel_verification = partial(_act, "/v1/verifications/{}/cancel", resources.Verification)
test_webhook_endpoint = partial(_act, "/v1/webhook-endpoints/{}/test", resources.Delivery)
rotate_webhook_secret = partial(_act, "/v1/webhook-endpoints/{}/rotate-secret", resources.EndpointSecret)
simulate = partial(_act, "/v1/test/verifications/{}/simulate", Any)  # in test mode; scenario, route: words of its own
redeliver = partial(_act, "/v1/deliveries/{}/redeliver", resources.Delivery)
list_scenarios = partial(_list, "/v1/test/scenarios", Any, {})
list_webhook_endpoints = partial(_list, "/v1/webhook-endpoints", resources.Endpoint, {})
get_test_clock = partial(Call, "GET", "/v1/test/clock", partial(parse, Any))
advance_test_clock = partial(_post, "/v1/test/clock", Any)  # {"advance_seconds": …}, of one "verification" or of all
get_checkpoint = partial(_text, "/v1/log/checkpoint", {})
get_keys = partial(_bytes, "/.well-known/jwks.json")


def open_verification(opening: resources.Opening, *, key: str = "") -> Call[resources.Opened]:
    """Opens one, or gives back the open one of this reference, with a fresh link."""
    return _post("/v1/verifications", resources.Opened, opening, key)


def list_verifications(
    *, client_reference: Word = None, status: Word = None, created_from: datetime | None = None, limit: Size = None
) -> Call[Page[resources.Verification]]:
    """Newest first; `limit` is the size of a page."""
    query = {"client_reference": client_reference, "status": status, "created_from": created_from, "limit": limit}
    return _list("/v1/verifications", resources.Verification, query)


def get_verification(verification: str, *, with_checks: bool = False) -> Call[resources.Verification]:
    """As it stands."""
    call = _get("/v1/verifications/{}", resources.Verification, verification)
    return replace(call, query={"expand": "checks"} if with_checks else {})


def make_link(verification: str, *, sent_by: str | None = None, key: str = "") -> Call[resources.Sent]:
    """A fresh link for the borrower; earlier unused ones stop working. After a wait it leads to a new consent."""
    return _post(f"/v1/verifications/{_id(verification)}/link", resources.Sent, {"sent_by": sent_by}, key)


def get_document(verification: str, attempt: str) -> Call[bytes]:
    """A signed document, byte for byte. Personal data: every download is logged."""
    return _bytes("/v1/verifications/{}/documents/{}", verification, attempt)


def get_receipt(verification: str) -> Call[bytes]:
    """The answer with the receipt, byte for byte: keep it whole, and verify it by `receipts.verify`."""
    return _bytes("/v1/verifications/{}/receipt", verification)


def get_proof(event: str) -> Call[str]:
    """That an event stands in the log (C2SP tlog-proof)."""
    return _text("/v1/log/proof", {"event": event})


def report_contract(
    verification: str, signed_at: datetime, *, contract_sha256: Word = None, key: str = ""
) -> Call[resources.Verification]:
    """That the contract is signed, once, right after it: from it the law may make the money wait."""
    body = {"signed_at": signed_at, "contract_sha256": contract_sha256}
    return _post(f"/v1/verifications/{_id(verification)}/contract", resources.Verification, body, key)


def report_obligation(verification: str, status: str, at: datetime, *, key: str = "") -> Call[resources.Verification]:
    """That the credit's obligation was `opened` or `closed`, each once: from it counts how long all must be kept."""
    path = f"/v1/verifications/{_id(verification)}/obligation"
    return _post(path, resources.Verification, {"status": status, "at": at}, key)


def ask_for_clearance(
    verification: str, *, contract_sha256: str | None = None, key: str = ""
) -> Call[resources.Clearance]:
    """Whether the money may leave; the answer is `processing`. The contract may be that of the opening."""
    path = f"/v1/verifications/{_id(verification)}/clearances"
    return _post(path, resources.Clearance, {"contract_sha256": contract_sha256}, key)


def consume_clearance(clearance: str, payment: resources.Payment, *, key: str = "") -> Call[resources.Clearance]:
    """Right before the money leaves: pay only if this gives a clearance. Keep the key with the payment."""
    return _post(f"/v1/clearances/{_id(clearance)}/consume", resources.Clearance, payment, key)


def create_webhook_endpoint(url: str, *, events: Sequence[str] = (), key: str = "") -> Call[resources.EndpointSecret]:
    """Where you are told, of these types or of all; keep its secret."""
    return _post("/v1/webhook-endpoints", resources.EndpointSecret, {"url": url, "events": events}, key)


def change_webhook_endpoint(
    endpoint: str, *, url: str | None = None, events: Sequence[str] | None = None, enabled: bool | None = None
) -> Call[resources.Endpoint]:
    """Changes what is named."""
    body = spell({"url": url, "events": events, "enabled": enabled})
    return replace(get_webhook_endpoint(endpoint), method="PATCH", body=body)


def delete_webhook_endpoint(endpoint: str) -> Call[None]:
    """Deletes it."""
    return Call("DELETE", f"/v1/webhook-endpoints/{_id(endpoint)}", lambda content: None)


def list_events(*, after: int = 0, limit: int | None = None) -> Call[Page[resources.Event]]:
    """Oldest first, after the `lender_sequence` of the last one that you worked off."""
    return _list("/v1/events", resources.Event, {"after": after, "limit": limit})


def list_deliveries(
    *, endpoint: Word = None, event: Word = None, status: Word = None, limit: Size = None
) -> Call[Page[resources.Delivery]]:
    """Newest first."""
    query = {"endpoint": endpoint, "event": event, "status": status, "limit": limit}
    return _list("/v1/deliveries", resources.Delivery, query)


def redeliver_range(
    start: datetime, end: datetime, *, endpoint: str | None = None, key: str = ""
) -> Call[resources.Redelivered]:
    """The events from a time up to another once more."""
    body = {"from": start, "to": end, "endpoint": endpoint}
    return _post("/v1/deliveries/redeliver", resources.Redelivered, body, key)
