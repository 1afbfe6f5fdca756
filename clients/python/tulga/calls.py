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
    """One request. `path` begins with a slash; `body` is JSON or None.

    key: the Idempotency-Key of a POST. Without one a POST is not repeated after a lost answer.
    accept: the media type of the answer.
    """

    method: str
    path: str
    read: Callable[[bytes], T]
    query: Mapping[str, Any] = field(default_factory=dict[str, Any])
    body: Any = field(default=None, repr=False)
    key: str = field(default_factory=lambda: str(uuid4()))
    accept: str = "*/*"

    @property
    def is_repeatable(self) -> bool:
        """Whether sending it twice has one effect. Other methods than POST do by their meaning."""
        return self.method != "POST" or bool(self.key)


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


def _text(content: bytes) -> str:
    return content.decode(errors="replace")


def _nothing(content: bytes) -> None:
    """Reads no content."""


def open_verification(opening: of.Opening, *, key: str = "") -> Call[of.Opened]:
    """Opens a verification, or returns the open one with this reference, with a fresh link."""
    return _post("/v1/verifications", of.Opened, body=opening, key=key)


def list_verifications(
    *,
    client_reference: Word = None,
    case_number: Word = None,
    status: Word = None,
    created_from: datetime | None = None,
    created_to: datetime | None = None,
    after: Word = None,
    limit: Size = None,
) -> Call[of.Page[of.Verification]]:
    """Newest first; `limit` is the page size, `case_number` the number that a borrower reads
    out.
    """
    query = {
        "client_reference": client_reference,
        "case_number": case_number,
        "status": status,
        "created_from": created_from,
        "created_to": created_to,
        "after": after,
        "limit": limit,
    }
    return _get("/v1/verifications", partial(parse, of.Page[of.Verification]), **query)


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


def cancel_verification(verification: str, *, key: str = "") -> Call[of.Verification]:
    """Ends an open verification; the answer is `processing`."""
    return _post("/v1/verifications/{}/cancel", of.Verification, verification, key=key)


def redact_verification(verification: str, *, key: str = "") -> Call[of.Verification]:
    """Asks, after the end, that its personal data be erased: that happens at `retention.until`."""
    return _post("/v1/verifications/{}/redact", of.Verification, verification, key=key)


def list_documents(verification: str) -> Call[of.Page[of.Document]]:
    """The signed documents of a verification's attempts."""
    path = "/v1/verifications/{}/documents"
    return _get(path, partial(parse, of.Page[of.Document]), verification)


def get_document(verification: str, document: str) -> Call[bytes]:
    """One signed document. Each download is logged."""
    return _get("/v1/verifications/{}/documents/{}", bytes, verification, document)


def get_statement(verification: str) -> Call[bytes]:
    """The statement that the borrower signed. Each download is logged."""
    return _get("/v1/verifications/{}/statement", bytes, verification)


def get_signature(verification: str) -> Call[bytes]:
    """The borrower's signature of the statement. Each download is logged."""
    return _get("/v1/verifications/{}/signature", bytes, verification)


def get_receipt(verification: str) -> Call[bytes]:
    """The receipt of an end. Keep it byte for byte, for `receipts.verify`."""
    return _get("/v1/verifications/{}/receipt", bytes, verification)


def get_checkpoint() -> Call[str]:
    """The newest signed head of the log, for `checkpoints.Memory`."""
    return _get("/v1/log/checkpoint", _text)


def get_keys() -> Call[bytes]:
    """The public keys that verify all signatures."""
    return _get("/.well-known/jwks.json", bytes)


def get_proof(event: str) -> Call[str]:
    """The proof that an event is in the log (C2SP tlog-proof)."""
    return _get("/v1/log/proof", _text, event=event)


def get_consistency(first: int, second: int) -> Call[of.Consistency]:
    """The proof that one size of the log continues a smaller one: for `checkpoints.Memory`,
    which names the sizes.
    """
    return _get("/v1/log/consistency", partial(parse, of.Consistency), first=first, second=second)


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


def get_clearance(clearance: str) -> Call[of.Clearance]:
    """One clearance."""
    return _get("/v1/clearances/{}", partial(parse, of.Clearance), clearance)


def list_clearances(
    *,
    status: Word = None,
    consumed_from: datetime | None = None,
    consumed_to: datetime | None = None,
    after: Word = None,
    limit: Size = None,
) -> Call[of.Page[of.Clearance]]:
    """Clearances, newest first. With a time of consumption, payouts, oldest first: to compare with
    your books.
    """
    query = {
        "status": status,
        "consumed_from": consumed_from,
        "consumed_to": consumed_to,
        "after": after,
        "limit": limit,
    }
    return _get("/v1/clearances", partial(parse, of.Page[of.Clearance]), **query)


def list_clearances_as_csv(consumed_from: datetime, consumed_to: datetime) -> Call[str]:
    """All payouts of a time as a table in CSV. `consumed_to` does not belong to the time."""
    query = {"consumed_from": consumed_from, "consumed_to": consumed_to}
    return replace(_get("/v1/clearances", _text, **query), accept="text/csv")


def consume_clearance(clearance: str, payment: of.Payment, *, key: str = "") -> Call[of.Clearance]:
    """Call it right before payout: pay only if this returns a clearance. Keep the key with the
    payment.
    """
    return _post("/v1/clearances/{}/consume", of.Clearance, clearance, body=payment, key=key)


def list_webhook_endpoints() -> Call[of.Page[of.Endpoint]]:
    """All addresses for events."""
    return _get("/v1/webhook-endpoints", partial(parse, of.Page[of.Endpoint]))


def create_webhook_endpoint(
    url: str, *, events: Sequence[str] = (), version: str = VERSION, key: str = ""
) -> Call[of.EndpointSecret]:
    """An address for events, of these types or of all, and their version; keep its secret."""
    body = {"url": url, "events": events, "version": version}
    return _post("/v1/webhook-endpoints", of.EndpointSecret, body=body, key=key)


def get_webhook_endpoint(endpoint: str) -> Call[of.Endpoint]:
    """One address for events, without its secret."""
    return _get("/v1/webhook-endpoints/{}", partial(parse, of.Endpoint), endpoint)


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
    return Call("DELETE", _at("/v1/webhook-endpoints/{}", endpoint), _nothing)


def test_webhook_endpoint(endpoint: str, *, key: str = "") -> Call[of.Delivery]:  # noqa: PT028
    """Sends a test message to an address."""
    return _post("/v1/webhook-endpoints/{}/test", of.Delivery, endpoint, key=key)


def rotate_webhook_secret(endpoint: str, *, key: str = "") -> Call[of.EndpointSecret]:
    """A fresh secret; for a day the one before signs too."""
    return _post("/v1/webhook-endpoints/{}/rotate-secret", of.EndpointSecret, endpoint, key=key)


def list_events(
    *, after: int = 0, types: Words = None, limit: Size = None
) -> Call[of.Page[of.Event]]:
    """Oldest first, after the `lender_sequence` of the last event you processed; of these types or
    of all. A page of some types may be empty though another follows.
    """
    query = {"after": after, "type": ",".join(types) if types else None, "limit": limit}
    return _get("/v1/events", partial(parse, of.Page[of.Event]), **query)


def list_deliveries(
    *,
    endpoint: Word = None,
    event: Word = None,
    status: Word = None,
    after: Word = None,
    limit: Size = None,
) -> Call[of.Page[of.Delivery]]:
    """Newest first."""
    query = {
        "endpoint": endpoint,
        "event": event,
        "status": status,
        "after": after,
        "limit": limit,
    }
    return _get("/v1/deliveries", partial(parse, of.Page[of.Delivery]), **query)


def redeliver(delivery: str, *, key: str = "") -> Call[of.Delivery]:
    """Delivers one event again."""
    return _post("/v1/deliveries/{}/redeliver", of.Delivery, delivery, key=key)


def redeliver_range(
    start: datetime, end: datetime, *, endpoint: Word = None, key: str = ""
) -> Call[of.Redelivered]:
    """Delivers the events of a time range again."""
    body = {"from": start, "to": end, "endpoint": endpoint}
    return _post("/v1/deliveries/redeliver", of.Redelivered, body=body, key=key)


def list_scenarios() -> Call[of.Page[Scenario]]:
    """In test mode: what the sandbox can play."""
    return _get("/v1/test/scenarios", partial(parse, of.Page[Scenario]))


def simulate(
    verification: str, *, scenario: Word = None, route: Word = None, key: str = ""
) -> Call[Simulated]:
    """In test mode: lets the sandbox play the borrower, by a scenario or by the IIN."""
    body = {"scenario": scenario, "route": route}
    return _post("/v1/test/verifications/{}/simulate", Simulated, verification, body=body, key=key)


def get_test_clock() -> Call[TestClock]:
    """In test mode: how many verifications can advance."""
    return _get("/v1/test/clock", partial(parse, TestClock))


def advance_test_clock(
    advance_seconds: int, *, verification: Word = None, key: str = ""
) -> Call[TestClock]:
    """In test mode: advances the due times of one verification or of all."""
    body = {"advance_seconds": advance_seconds, "verification": verification}
    return _post("/v1/test/clock", TestClock, body=body, key=key)
