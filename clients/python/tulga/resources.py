"""Requests and answers of the API, one frozen dataclass each, with the fields of openapi.json.

Words are strings, because new ones may come; times are in UTC; amounts are in tenge.
Fields with None are left out of a request. Printing one shows no personal data and no secret.
"""

from collections.abc import Mapping
from dataclasses import field
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Generic, TypeVar

from tulga.fields import Record

T = TypeVar("T")
ENDS = frozenset({"verified", "declined", "expired", "canceled", "failed"})  # final statuses


class Kept(Record):  # A resource with an id, a mode and a creation time
    id: str
    mode: str
    created_at: datetime


class Page(Record, Generic[T]):  # A slice of a list; `next` is the `after` of the next one
    data: tuple[T, ...]
    has_more: bool = False
    next: str | None = None


class NextAction(Record):  # The borrower's next action
    type: str
    route: str | None = None
    stage: str | None = None
    attempts_left: int | None = None
    expires_at: datetime
    code: str | None = None


class Profile(Record):  # The legal profile of a verification
    id: str
    sha256: str


class Check(Record):  # One check's result: pass, fail, inconclusive or error
    id: str
    route: str
    stage: str
    attempt: int
    name: str
    outcome: str
    code: str | None = None
    retryable: bool
    score: float | None = None
    threshold: float | None = None
    engine: Mapping[str, str]
    borrower_message: str | None = None
    lender_detail: str | None = None
    created_at: datetime


class Retention(
    Record
):  # Retention of all data; `until` is None while the obligation is open, and once erased
    obligation_opened_at: datetime | None = None
    obligation_closed_at: datetime | None = None
    until: datetime | None = None
    requested_at: datetime | None = None
    answer_due_at: datetime | None = None


class Blocked(Record):  # The block of all processing: a request for erasure, or a withdrawn consent
    since: datetime
    asked_by: str
    answer_due_at: datetime | None = None
    kept_until: datetime | None = None


class Contract(
    Record
):  # The reported contract; the payout may have to wait until `release_not_before`
    signed_at: datetime
    release_not_before: datetime | None = None


class Verification(Kept):  # A verification's state. `checks` is None unless requested
    status: str
    code: str | None = None
    last_failure: str | None = None
    next_action: NextAction | None = None
    combinations: tuple[tuple[str, ...], ...]
    route: str | None = None
    profile: Profile
    expires_at: datetime
    finished_at: datetime | None = None
    redacted_at: datetime | None = None
    disputed_at: datetime | None = None
    retention: Retention
    blocked: Blocked | None = None
    renews: str | None = None
    contract: Contract | None = None
    sequence: int
    log_index: int | None = None
    checks: tuple[Check, ...] | None = None
    purpose: str | None = None  # this and what follows: None once erased, or while blocked
    client_reference: str | None = None
    locale: str | None = None
    opened_by: str | None = None
    metadata: Mapping[str, str] | None = None


class Opened(
    Verification
):  # With the borrower's link: it works once and for 30 minutes. Keep it out of logs
    url: str = field(repr=False)
    link_expires_at: datetime
    warnings: tuple[
        Mapping[str, str], ...
    ] = ()  # `code` and `detail` of possible obstacles to a verdict


class Sent(Record):  # A fresh link. It may lead to a renewed consent, the verification `renewal`
    url: str = field(repr=False)
    link_expires_at: datetime
    renewal: str | None = None


class Gate(Record):  # One gate's result: passed, not_evaluated, or refused with a `code`
    name: str
    status: str
    code: str | None = None
    at: datetime | None = None
    source: str | None = None
    release_not_before: datetime | None = None


class Clearance(Kept):  # Permission to pay out one verification's loan; amounts in tenge
    verification: str
    status: str
    code: str | None = None
    profile: str
    contract_sha256: str
    amount_max: Decimal
    amount: Decimal | None = None
    gates: tuple[Gate, ...]
    issued_at: datetime | None = None
    expires_at: datetime | None = None
    fresh_until: datetime | None = None
    consumed_at: datetime | None = None
    frozen_at: datetime | None = None


class Document(Record):  # A signed document. Fields from its content are None after erasure
    id: str
    attempt: str
    number: int
    route: str
    stage: str
    outcome: str | None = None
    code: str | None = None
    at: datetime | None = None
    size: int
    commitment: str
    salt: str | None = field(default=None, repr=False)
    erased: bool


class EventData(Record):  # The subject of an event; all but `mode` are None without a verification
    verification: str | None = None
    client_reference: str | None = None
    status: str | None = None
    sequence: int | None = None
    mode: str
    clearance: str | None = None
    renews: str | None = None


class EventBody(
    Record
):  # An event's content. `lender_sequence` counts from 1 without a gap; None in a test message
    version: str
    type: str
    timestamp: datetime
    lender_sequence: int | None = None
    data: EventData


class Event(EventBody):  # One event, in the order of the log
    id: str
    log_index: int


class Webhook(
    EventBody
):  # A webhook's content. `checkpoint`: the log's newest signed head when the message was made
    checkpoint: str | None = None


class Endpoint(Kept):  # An address for your events
    url: str
    version: str
    events: tuple[str, ...]
    public_key: str
    last_sequence: int
    failing: bool
    paused_until: datetime | None = None
    disabled_at: datetime | None = None
    disabled_reason: str | None = None
    previous_secret_until: datetime | None = None


class EndpointSecret(Endpoint):  # An endpoint with its secret, which appears only here
    secret: str = field(repr=False)


class LastResponse(Record):  # The endpoint's last answer
    status: int | None = None
    failure: str | None = None
    excerpt: str
    milliseconds: int | None = None


class Delivery(Kept):  # One message to one endpoint
    endpoint: str
    event: str
    type: str
    lender_sequence: int | None = None
    redelivery_of: str | None = None
    status: str
    tries: int
    due_at: datetime | None = None
    finished_at: datetime | None = None
    response: LastResponse | None = None


class Redelivered(
    Record
):  # How many deliveries were made again, and whether the range has more than may wait at once
    redelivered: int
    has_more: bool


class Consistency(Record):  # The proof that one size of the log continues another: hashes in base64
    hashes: tuple[str, ...]


class Receipt(
    Record
):  # The content of a verified receipt; its fields are those of docs/receipt.schema.json
    mode: str
    verification: str
    lender: str
    profile: Profile
    status: str
    code: str | None = None
    decided_at: datetime
    routes: tuple[str, ...]
    route: str | None = None
    releases: tuple[str, ...]
    statement_sha256: str | None = None
    renews: str | None = None
    commitments: Mapping[str, str]
    attempts: tuple[Mapping[str, Any], ...]


class IdentityDocument(
    Record
):  # The borrower's document: id_card, passport, residence_permit or stateless_certificate
    type: str
    number: str = field(repr=False)
    valid_to: date


class Subject(Record):  # The borrower's stated identity
    iin: str = field(repr=False)
    surname: str = field(repr=False)
    name: str = field(repr=False)
    birth_date: date = field(repr=False)
    phone: str = field(repr=False)
    document: IdentityDocument
    patronymic: str | None = field(default=None, repr=False)


class Loan(Record):  # The borrower's future debt: tenge, days, per cent a year
    amount: Decimal
    term_days: int
    annual_rate: Decimal
    total_repayable: Decimal
    payout_account: str = field(repr=False)
    currency: str = "KZT"
    contract_sha256: str | None = None
    region: str | None = None


class Opening(Record):  # A borrower to be identified for one loan; without `routes` they choose one
    purpose: str
    subject: Subject
    loan: Loan
    client_reference: str
    locale: str
    routes: tuple[str, ...] | None = None
    return_url: str | None = None
    opened_by: str | None = None
    metadata: Mapping[str, str] | None = None


class Payment(Record):  # An intended payment: sum, person, contract and account
    amount: Decimal
    iin: str = field(repr=False)
    contract_sha256: str
    payout_account: str = field(repr=False)
