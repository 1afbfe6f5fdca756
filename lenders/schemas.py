"""What a request of our own says, body or query, beside `core/opening.py`: dataclasses of forms, as
that one is.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Annotated
from urllib.parse import urlsplit

from lenders import policy
from lenders.addresses import WEBHOOK_URL
from lenders.parsing import holds_personal_number
from lenders.versions import NAMES
from verification.core.errors import BadInput
from verification.core.events import CLOSED, OPENED, TOLD
from verification.core.ids import CASE_NUMBER, Iin
from verification.core.opening import (
    ACCOUNT,
    AMOUNT,
    IIN,
    OPENED_BY_MAX,
    REFERENCE,
    SHA256,
    URL_MAX,
    Form,
    impersonal,
    one_of,
    string,
)
from verification.core.scenarios import SCENARIOS
from verification.core.status import Status

_TIME = {"type": "string", "format": "date-time", "pattern": policy.MOMENT}
_URL = string(
    "webhook_url",
    {"format": "uri", "pattern": WEBHOOK_URL, "maxLength": URL_MAX},
    "https://lender.example/tulga",
)
_EVENTS = Form(
    "several_of",
    {"type": "array", "items": {"type": "string", "enum": list(TOLD)}, "uniqueItems": True},
    limits={"choices": TOLD},
    help="The types you want. Leave out, or send [], for all, those to come included.",
)
_CASE_NUMBER = string(
    "case_number",
    {"pattern": f"^{CASE_NUMBER}$"},
    "1796-035-123-456",
    help=(
        "What the borrower's last page shows, as it is read out on the telephone. It proves nothing"
        " about who calls."
    ),
)
_VERSION = one_of(
    NAMES, help="Of the API, by which its messages are spelled. Left out: as you are answered here."
)
_LIMIT = Form(
    "query_number",
    {"type": "integer", "minimum": 1, "maximum": policy.PAGE_MAX, "default": policy.PAGE_DEFAULT},
    limits={"least": 1, "most": policy.PAGE_MAX},
)


_LOG_SIZE = Form(
    "query_number",
    {"type": "integer", "minimum": 1, "maximum": policy.LOG_SIZE_MAX},
    limits={"least": 1, "most": policy.LOG_SIZE_MAX},
)


def _our_id(prefix: str, text: str = "") -> Form:
    return string(
        "our_id", {"pattern": f"^{prefix}_[a-z2-7]{{26}}$"}, limits={"prefix": prefix}, help=text
    )


@dataclass(frozen=True)
class LinkRequest:
    """An empty object or no body at all, or who sends the link."""

    sent_by: Annotated[
        str,
        impersonal(
            OPENED_BY_MAX,
            help=(
                "Your officer, if a person sends this link: they have no vote in a review of the"
                " case."
            ),
        ),
    ] = ""


def require_registered(return_url: str, *, registered: Sequence[str]) -> None:
    """Raises `BadInput` unless an address, its query aside, is one of the lender's registered
    ones.
    """
    # As a whole, which RFC 9700 §2.1 wants of OAuth too: a prefix would let an open redirect in.
    if urlsplit(return_url)._replace(query="").geturl() not in registered:
        raise BadInput(
            "register this address first", code="return_url_unregistered", pointer="/return_url"
        )
    if holds_personal_number(return_url):
        raise BadInput(
            "must not contain an IIN or a mobile number",
            code="personal_number",
            pointer="/return_url",
        )


@dataclass(frozen=True, kw_only=True)
class VerificationQuery:
    """Which verifications to list."""

    client_reference: Annotated[str | None, string("client_reference", {"pattern": REFERENCE})] = (
        None
    )
    case_number: Annotated[str | None, _CASE_NUMBER] = None
    status: Annotated[str | None, one_of(tuple(Status))] = None
    created_from: Annotated[datetime | None, Form("moment", _TIME)] = None
    after: Annotated[str | None, _our_id("ver", "`next` of the page before.")] = None
    limit: Annotated[int, _LIMIT] = policy.PAGE_DEFAULT


@dataclass(frozen=True)
class ExpandQuery:
    """What to add to a verification."""

    expand: Annotated[str, one_of(("checks",))] = ""


@dataclass(frozen=True, kw_only=True)
class EventQuery:
    """Which events to list."""

    after: Annotated[
        int,
        Form(
            "sequence_number",
            {"type": "integer", "minimum": 0, "maximum": policy.SEQUENCE_MAX, "default": 0},
            help="The `lender_sequence` of the last event you have, or `next` of the page before.",
        ),
    ] = 0
    limit: Annotated[int, _LIMIT] = policy.PAGE_DEFAULT


@dataclass(frozen=True)
class ProofQuery:
    """Which event to prove."""

    event: Annotated[str, _our_id("evt", "Its id, `evt_…`.")]


@dataclass(frozen=True)
class ConsistencyQuery:
    """Between which sizes of the log."""

    first: Annotated[int, replace(_LOG_SIZE, help="That of the checkpoint you have.")]
    second: Annotated[int, replace(_LOG_SIZE, help="That of a newer one.")]


@dataclass(frozen=True, kw_only=True)
class DeliveryQuery:
    """Which deliveries to list."""

    endpoint: Annotated[str | None, _our_id("whe")] = None
    event: Annotated[str | None, _our_id("evt")] = None
    status: Annotated[str | None, one_of(("pending", "delivered", "exhausted", "canceled"))] = None
    after: Annotated[str | None, _our_id("dlv", "`next` of the page before.")] = None
    limit: Annotated[int, _LIMIT] = policy.PAGE_DEFAULT


@dataclass(frozen=True)
class NoQuery:
    """Nothing: an unknown parameter is refused here too, or a misspelt filter would silently filter
    nothing.
    """


@dataclass(frozen=True)
class EndpointRequest:
    """Where you want to be told."""

    url: Annotated[str, _URL]
    events: Annotated[tuple[str, ...], _EVENTS] = ()
    version: Annotated[str | None, _VERSION] = None


@dataclass(frozen=True, kw_only=True)
class EndpointChange:
    """What to change of an endpoint. `enabled: true` wakes a disabled one; it then gets what it
    missed.
    """

    url: Annotated[str | None, _URL] = None
    events: Annotated[tuple[str, ...] | None, _EVENTS] = None
    version: Annotated[
        str | None, one_of(NAMES, help="From the messages on that are made next.")
    ] = None
    enabled: Annotated[bool | None, Form("yes_or_no", {"type": "boolean"})] = None


@dataclass(frozen=True)
class RangeRequest:
    """Which events to deliver again: those that happened from one time up to another."""

    # `from` is no name that Python lets one write.
    start: Annotated[
        datetime, Form("moment", _TIME, called="from", help="The beginning, included.")
    ]
    end: Annotated[
        datetime, Form("moment", _TIME, called="to", help="The end, itself not included.")
    ]
    endpoint: Annotated[str | None, _our_id("whe", "Only to this one.")] = None

    def refuse_together(self) -> None:
        """Raises `BadInput` for an empty range."""
        if self.start >= self.end:
            raise BadInput("not after `from`", code="out_of_range", pointer="/to")


@dataclass(frozen=True, kw_only=True)
class ContractRequest:
    """When the contract was signed, and which it is."""

    signed_at: Annotated[
        datetime,
        Form(
            "moment",
            _TIME,
            help="After the decision. A wait counts from when you report it, if later.",
        ),
    ]
    contract_sha256: Annotated[
        str,
        string(
            "sha256",
            SHA256,
            help="Needed where the verification names none; else the same or left out.",
        ),
    ] = ""


@dataclass(frozen=True)
class ClearanceRequest:
    """For which contract the money is to leave."""

    contract_sha256: Annotated[
        str,
        string(
            "sha256",
            SHA256,
            help="Needed where the verification names none; else the same or left out.",
        ),
    ] = ""


@dataclass(frozen=True, kw_only=True)
class ConsumeRequest:
    """What is about to be paid, to whom, by which contract, into which account."""

    amount: Annotated[str, AMOUNT]
    iin: Annotated[Iin, IIN]
    contract_sha256: Annotated[str, string("sha256", SHA256)]
    payout_account: Annotated[str, ACCOUNT] = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class ObligationRequest:
    """What became of the credit, and when."""

    status: Annotated[str, one_of((OPENED, CLOSED))]
    at: Annotated[
        datetime, Form("moment", _TIME, help="Not before the decision, and not in the future.")
    ]


@dataclass(frozen=True, kw_only=True)
class AdvanceRequest:
    """By how much the test clock is put forward, and of which verification alone."""

    advance_seconds: Annotated[
        int,
        Form(
            "whole_number",
            {
                "type": "integer",
                "minimum": 1,
                "maximum": policy.ADVANCE_MAX,
                "examples": [24 * 3600],
            },
            limits={"least": 1, "most": policy.ADVANCE_MAX},
        ),
    ]
    verification: Annotated[
        str | None,
        _our_id("ver", "Only this one is put forward, and what it renews or is renewed by."),
    ] = None


@dataclass(frozen=True, kw_only=True)
class SimulateRequest:
    """What the sandbox is to play. Left out: what the IIN of a scripted person stands for."""

    scenario: Annotated[str, one_of(tuple(SCENARIOS), help="One of `GET /v1/test/scenarios`.")] = ""
    route: Annotated[
        str,
        impersonal(
            32,
            "eds",
            help=(
                "One of those that the verification allows; left out, the first on which the"
                " scenario is played."
            ),
        ),
    ] = ""


@dataclass(frozen=True)
class NothingRequest:
    """An empty object, or no body at all."""
