"""What the API is told and what it answers, one frozen dataclass each, their fields as in
openapi.json.

Words are strings, for there may be new ones; times are in UTC; amounts are in tenge. In a request
None is left out. Printing one shows nothing personal and no secret.
"""

from collections.abc import Mapping
from dataclasses import field
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Generic, TypeVar

from tulga.fields import Record

T = TypeVar("T")
ENDS = frozenset(
    {"verified", "declined", "expired", "canceled", "failed"}
)  # statuses after which nothing changes


class Kept(Record):  # What has an id, belongs to a mode for ever, and began at a time
    id: str
    mode: str
    created_at: datetime


class Page(Record, Generic[T]):  # A slice of a list; `next` is the `after` of the one that follows
    data: tuple[T, ...]
    has_more: bool = False
    next: str | None = None


class NextAction(Record):  # What the borrower must do next
    type: str
    route: str | None = None
    stage: str | None = None
    attempts_left: int | None = None
    expires_at: datetime
    code: str | None = None


class Profile(Record):  # The legal profile that a verification keeps
    id: str
    sha256: str


class Check(Record):  # What one check said: pass, fail, inconclusive or error
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
):  # How long all of it must stay; `until` is None while the obligation is open
    obligation_opened_at: datetime | None = None
    obligation_closed_at: datetime | None = None
    until: datetime | None = None


class Contract(
    Record
):  # What you reported of it; until `release_not_before` the money may have to wait
    signed_at: datetime
    release_not_before: datetime | None = None


class Verification(
    Kept
):  # Where a verification stands. `checks` is None unless they were asked for
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
    renews: str | None = None
    contract: Contract | None = None
    sequence: int
    log_index: int | None = None
    checks: tuple[Check, ...] | None = None
    purpose: str
    client_reference: str
    locale: str
    opened_by: str | None = None
    metadata: Mapping[str, str]


class Opened(
    Verification
):  # With the borrower's link: it works once and for 30 minutes. Keep it out of logs
    url: str = field(repr=False)
    link_expires_at: datetime
    warnings: tuple[
        Mapping[str, str], ...
    ] = ()  # `code` and `detail` of what may keep it from a verdict


class Sent(
    Record
):  # A fresh link. It may lead to a new consent, which is the verification `renewal`
    url: str = field(repr=False)
    link_expires_at: datetime
    renewal: str | None = None


class Gate(
    Record
):  # What one gate of a clearance said: passed, not_evaluated, or refused with a `code`
    name: str
    status: str
    code: str | None = None
    at: datetime | None = None
    source: str | None = None
    release_not_before: datetime | None = None


class Clearance(Kept):  # Whether the money of one verification may leave; amounts in tenge
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


class Document(Record):  # A signed document. What only it could say is None once it is erased
    id: str
    attempt: str
    number: int
    route: str
    stage: str
    outcome: str | None = None
    code: str | None = None
    at: datetime | None = None
    size: int
    sha256: str | None = None
    commitment: str
    salt: str | None = field(default=None, repr=False)
    erased: bool


class EventData(
    Record
):  # What an event is about; all but `mode` None where it is about no verification
    verification: str | None = None
    client_reference: str | None = None
    status: str | None = None
    sequence: int | None = None
    mode: str
    clearance: str | None = None
    renews: str | None = None


class EventBody(
    Record
):  # What is told of an event. `lender_sequence` counts from 1 without a gap; None in a mere test
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
):  # What a webhook said. `checkpoint`: the log's newest signed head when the message was made
    checkpoint: str | None = None


class Endpoint(Kept):  # Where you are told
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


class EndpointSecret(Endpoint):  # An endpoint with its secret, which is told here only
    secret: str = field(repr=False)


class LastResponse(Record):  # What the endpoint said last
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
):  # How many deliveries were made anew, and whether the range holds more than may wait at once
    redelivered: int
    has_more: bool


class Consistency(
    Record
):  # By what the log of one size goes on from that of another: hashes in base64
    hashes: tuple[str, ...]


class Receipt(
    Record
):  # What a verified receipt says; its fields are those of docs/receipt.schema.json
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


class Subject(Record):  # Who the borrower says to be
    iin: str = field(repr=False)
    surname: str = field(repr=False)
    name: str = field(repr=False)
    birth_date: date = field(repr=False)
    phone: str = field(repr=False)
    document: IdentityDocument
    patronymic: str | None = field(default=None, repr=False)


class Loan(Record):  # What the borrower is about to owe: tenge, days, per cent a year
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


class Payment(Record):  # What is about to be paid, to whom, by which contract, into which account
    amount: Decimal
    iin: str = field(repr=False)
    contract_sha256: str
    payout_account: str = field(repr=False)
