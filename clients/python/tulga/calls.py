"""Every operation of the API as a value: the request, and the parser of its answer. Pure; named as
in openapi.json.

A call is one intent and has its effect once. Give your own Idempotency-Key, `key`, if another
process may repeat it.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from typing import Any, Generic, TypeAlias, TypeVar
from uuid import uuid4

from tulga import resources as of
from tulga.fields import Record, parse, spell

T = TypeVar("T")
Word: TypeAlias = str | None
Size: TypeAlias = int | None
Words: TypeAlias = Sequence[str] | None
VERSION = "2026-11-28"  # of the API that this package implements


@dataclass(frozen=True)
class Call(Generic[T]):
    """One request. `path` begins with a slash; `body` is JSON or None."""

    method: str
    path: str
    read: Callable[[bytes], T]
    query: Mapping[str, Any] = field(default_factory=dict)
    body: Any = field(default=None, repr=False)
    key: str = field(default_factory=lambda: str(uuid4()))


class Scenario(Record):  # A scenario of the sandbox: events and outcome
    name: str
    iin: str | None = None
    routes: tuple[str, ...]
    registered: tuple[str, ...]
    happens: str
    status: str
    code: str | None = None
    last_failure: str | None = None
    checks: tuple[str, ...]
    events: tuple[str, ...]
    clearance: str | None = None
    then: str | None = None


class Simulated(Record):  # The sandbox's play, and its first route
    verification: str
    scenario: str
    route: str


class TestClock(
    Record
):  # How many verifications can advance, or did, and the largest total advance among them
    verifications: int
    advanced_seconds: int


def _at(path: str, *ids: str) -> str:
    if not all(re.fullmatch(r"[A-Za-z0-9_-]{1,64}", untrusted) for untrusted in ids):
        raise ValueError("this is not an id")
    return path.format(*ids)


def _get(path: str, read: Callable[[bytes], T], *ids: str, **query: object) -> Call[T]:
    return Call("GET", _at(path, *ids), read, spell(query))


def _post(path: str, kind: type[T], *ids: str, body: object = None, key: str = "") -> Call[T]:
    return Call(
        "POST",
        _at(path, *ids),
        partial(parse, kind),
        body=spell(body or {}),
        key=key or str(uuid4()),
    )


_text = partial(str, encoding="utf-8", errors="replace")
# With an id. Each download of a document is logged. Keep a receipt byte for byte for `receipts`.
get_clearance = partial(_get, "/v1/clearances/{}", partial(parse, of.Clearance))
get_webhook_endpoint = partial(_get, "/v1/webhook-endpoints/{}", partial(parse, of.Endpoint))
list_documents = partial(
    _get, "/v1/verifications/{}/documents", partial(parse, of.Page[of.Document])
)
get_document = partial(_get, "/v1/verifications/{}/documents/{}", bytes)
get_statement = partial(_get, "/v1/verifications/{}/statement", bytes)
get_signature = partial(_get, "/v1/verifications/{}/signature", bytes)
get_receipt = partial(_get, "/v1/verifications/{}/receipt", bytes)
cancel_verification = partial(_post, "/v1/verifications/{}/cancel", of.Verification)
test_webhook_endpoint = partial(_post, "/v1/webhook-endpoints/{}/test", of.Delivery)
rotate_webhook_secret = partial(_post, "/v1/webhook-endpoints/{}/rotate-secret", of.EndpointSecret)
redeliver = partial(_post, "/v1/deliveries/{}/redeliver", of.Delivery)
# Without an id; the last two in test mode. A checkpoint is for `checkpoints.Memory`; the keys
# verify all signatures.
list_webhook_endpoints = partial(
    _get, "/v1/webhook-endpoints", partial(parse, of.Page[of.Endpoint])
)
get_checkpoint = partial(_get, "/v1/log/checkpoint", _text)
get_keys = partial(_get, "/.well-known/jwks.json", bytes)
list_scenarios = partial(_get, "/v1/test/scenarios", partial(parse, of.Page[Scenario]))
get_test_clock = partial(_get, "/v1/test/clock", partial(parse, TestClock))


def open_verification(opening: of.Opening, *, key: str = "") -> Call[of.Opened]:
    """Opens a verification, or returns the open one with this reference, with a fresh link."""
    return _post("/v1/verifications", of.Opened, body=opening, key=key)


def list_verifications(
    *,
    client_reference: Word = None,
    case_number: Word = None,
    status: Word = None,
    created_from: datetime | None = None,
    limit: Size = None,
) -> Call[of.Page[of.Verification]]:
    """Newest first; `limit` is the page size, `case_number` the number that a borrower reads
    out.
    """
    query = {
        "client_reference": client_reference,
        "case_number": case_number,
        "status": status,
        "limit": limit,
    }
    return _get(
        "/v1/verifications",
        partial(parse, of.Page[of.Verification]),
        created_from=created_from,
        **query,
    )


def get_verification(verification: str, *, with_checks: bool = False) -> Call[of.Verification]:
    """One verification."""
    expand = "checks" if with_checks else None
    return _get(
        "/v1/verifications/{}", partial(parse, of.Verification), verification, expand=expand
    )


def make_link(verification: str, *, sent_by: Word = None, key: str = "") -> Call[of.Sent]:
    """A fresh link for the borrower; earlier unused ones stop working. After a wait it leads to
    a renewed consent.
    """
    return _post(
        "/v1/verifications/{}/link", of.Sent, verification, body={"sent_by": sent_by}, key=key
    )


def get_proof(event: str) -> Call[str]:
    """The proof that an event is in the log (C2SP tlog-proof)."""
    return _get("/v1/log/proof", _text, event=event)


def get_consistency(first: int, second: int) -> Call[of.Consistency]:
    """The proof that one size of the log continues a smaller one: for `checkpoints.Memory`,
    which names the sizes.
    """
    call = _get("/v1/log/consistency", partial(parse, of.Consistency))
    return replace(call, query={"first": first, "second": second})


def report_contract(
    verification: str, signed_at: datetime, *, contract_sha256: Word = None, key: str = ""
) -> Call[of.Verification]:
    """Reports the signed contract, once, right after the signature: a legal wait counts from it."""
    body = {"signed_at": signed_at, "contract_sha256": contract_sha256}
    return _post("/v1/verifications/{}/contract", of.Verification, verification, body=body, key=key)


def report_obligation(
    verification: str, status: str, at: datetime, *, key: str = ""
) -> Call[of.Verification]:
    """Reports that the credit's obligation was `opened` or `closed`, each once: retention counts
    from it.
    """
    body = {"status": status, "at": at}
    return _post(
        "/v1/verifications/{}/obligation", of.Verification, verification, body=body, key=key
    )


def ask_for_clearance(
    verification: str, *, contract_sha256: Word = None, key: str = ""
) -> Call[of.Clearance]:
    """Requests a clearance; the answer is `processing`. The contract may be that of the opening."""
    body = {"contract_sha256": contract_sha256}
    return _post("/v1/verifications/{}/clearances", of.Clearance, verification, body=body, key=key)


def consume_clearance(clearance: str, payment: of.Payment, *, key: str = "") -> Call[of.Clearance]:
    """Call it right before payout: pay only if this returns a clearance. Keep the key with the
    payment.
    """
    return _post("/v1/clearances/{}/consume", of.Clearance, clearance, body=payment, key=key)


def create_webhook_endpoint(
    url: str, *, events: Sequence[str] = (), version: str = VERSION, key: str = ""
) -> Call[of.EndpointSecret]:
    """An address for events, of these types or of all, and their version; keep its secret."""
    body = {"url": url, "events": events, "version": version}
    return _post("/v1/webhook-endpoints", of.EndpointSecret, body=body, key=key)


def change_webhook_endpoint(
    endpoint: str,
    *,
    url: Word = None,
    events: Words = None,
    version: Word = None,
    enabled: bool | None = None,
) -> Call[of.Endpoint]:
    """Changes the named fields."""
    body = spell({"url": url, "events": events, "version": version, "enabled": enabled})
    return replace(get_webhook_endpoint(endpoint), method="PATCH", body=body)


def delete_webhook_endpoint(endpoint: str) -> Call[None]:
    """Deletes it."""
    return Call("DELETE", _at("/v1/webhook-endpoints/{}", endpoint), lambda content: None)


def list_events(*, after: int = 0, limit: Size = None) -> Call[of.Page[of.Event]]:
    """Oldest first, after the `lender_sequence` of the last event you processed."""
    return _get("/v1/events", partial(parse, of.Page[of.Event]), after=after, limit=limit)


def list_deliveries(
    *, endpoint: Word = None, event: Word = None, status: Word = None, limit: Size = None
) -> Call[of.Page[of.Delivery]]:
    """Newest first."""
    query = {"endpoint": endpoint, "event": event, "status": status, "limit": limit}
    return _get("/v1/deliveries", partial(parse, of.Page[of.Delivery]), **query)


def redeliver_range(
    start: datetime, end: datetime, *, endpoint: Word = None, key: str = ""
) -> Call[of.Redelivered]:
    """Delivers the events of a time range again."""
    body = {"from": start, "to": end, "endpoint": endpoint}
    return _post("/v1/deliveries/redeliver", of.Redelivered, body=body, key=key)


def simulate(
    verification: str, *, scenario: Word = None, route: Word = None, key: str = ""
) -> Call[Simulated]:
    """In test mode: lets the sandbox play the borrower, by a scenario or by the IIN."""
    body = {"scenario": scenario, "route": route}
    return _post("/v1/test/verifications/{}/simulate", Simulated, verification, body=body, key=key)


def advance_test_clock(
    advance_seconds: int, *, verification: Word = None, key: str = ""
) -> Call[TestClock]:
    """In test mode: advances the due times of one verification or of all."""
    body = {"advance_seconds": advance_seconds, "verification": verification}
    return _post("/v1/test/clock", TestClock, body=body, key=key)
