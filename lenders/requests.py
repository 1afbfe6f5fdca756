"""Requests: the strict parser of their bytes, and their bodies and queries as dataclasses.

A request is strict JSON. Its dataclass declares the fields, as in `core/opening.py`; `parsing`
reads each value; all faults are reported.
The header `Tulga-Version` may name the version of the API.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from itertools import islice
from typing import IO, Annotated, Any, Final, TypeVar
from urllib.parse import urlsplit

from django.http import QueryDict
from rest_framework.exceptions import APIException, ErrorDetail, ParseError, ValidationError
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.versioning import BaseVersioning

from lenders import policy
from lenders.parsing import CLEARANCE_CURSOR, READERS, WEBHOOK_URL, holds_personal_number
from verification.core.clearance import CONSUMED, STATUSES
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
    asked_of,
    impersonal,
    one_of,
    string,
)
from verification.core.scenarios import SCENARIOS
from verification.core.status import Status
from verification.core.strict_json import read_json

Record = TypeVar("Record")
HEADER: Final = "Tulga-Version"
_UNKNOWN = ("there is no such field", "unknown_field")


class StrictJSONParser(BaseParser):
    """UTF-8 JSON up to 1 MB. Fractions stay exact decimals; duplicate names, NaN, NUL and half
    characters are refused.
    """

    media_type = "application/json"

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        """The value.

        Raises: `ParseError` for malformed JSON, `APIException` (body_too_large) above the limit.
        """
        too_large = APIException(
            f"a body has at most {policy.BODY_MAX_BYTES} bytes", code="body_too_large"
        )
        declared = str(getattr(stream, "META", {}).get("CONTENT_LENGTH") or "0")
        # A truthful length is refused before a byte is read.
        if declared.isdigit() and int(declared) > policy.BODY_MAX_BYTES:
            raise too_large
        # One byte beyond the limit shows whether there are more.
        untrusted = stream.read(policy.BODY_MAX_BYTES + 1)
        if len(untrusted) > policy.BODY_MAX_BYTES:
            raise too_large
        try:
            return read_json(untrusted, max_bytes=policy.BODY_MAX_BYTES)
        except BadInput:
            raise ParseError(
                "the body is not one well-formed JSON text in UTF-8", code="malformed_json"
            ) from None


class AlwaysJSON(BaseContentNegotiation):
    """Answers in JSON whatever `Accept` says: there is no other form."""

    def select_parser(self, request: Request, parsers: Iterable[BaseParser]) -> BaseParser | None:
        """The parser, if the body is JSON; None gives 415."""
        # Parameters follow a semicolon (RFC 9110, 8.3.1); a charset is meaningless here: JSON is
        # UTF-8 (RFC 8259, 8.1).
        media_type = str(request.content_type).partition(";")[0].strip().lower()
        return next((parser for parser in parsers if parser.media_type == media_type), None)

    def select_renderer(
        self, request: Request, renderers: Iterable[BaseRenderer], format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        """The first renderer."""
        first = next(iter(renderers))
        return first, first.media_type or "application/json"


def prefers_csv(request: Request) -> bool:
    """Whether `Accept` prefers a table to JSON."""
    offered = ["application/json", "text/csv"]
    return bool(request._request.get_preferred_type(offered) == "text/csv")


def read(kind: Callable[..., Record], untrusted: Any) -> Record:
    """The request.

    Raises: `ValidationError` with every fault: unknown, missing and unreadable fields.
    """
    if not isinstance(untrusted, Mapping):
        word = (
            ("a value is expected", "null")
            if untrusted is None
            else ("a JSON object is expected", "invalid")
        )
        raise ValidationError({"non_field_errors": [ErrorDetail(*word)]})
    fields, values, faults = asked_of(kind), dict[str, Any](), dict[str, Any]()
    required = [name for name, field in fields.items() if field.is_required]
    missing = [name for name in required if name not in untrusted]
    placed = [(f"/{name}", BadInput("this is missing", code="required")) for name in missing]
    for name in (name for name in fields if name in untrusted):
        form, kind_of_part = fields[name].form, fields[name].type
        try:
            if form.kind and untrusted[name] is None:
                raise BadInput("a value is expected", code="null")
            reader = (
                partial(READERS[form.kind], **form.limits)
                if form.kind
                else partial(read, kind_of_part)
            )
            values[fields[name].attribute] = reader(untrusted[name])
        except ValidationError as below:
            faults[name] = below.detail
        except BadInput as error:
            placed.append((f"/{name}{error.pointer}", error))
    # A request is made of valid values only, so later code need not check again.
    record = None if faults or placed else kind(**values)
    try:
        # Rules between two fields.
        getattr(record, "refuse_together", bool)()
    except BadInput as error:
        placed.append((error.pointer, error))
    for pointer, fault in placed:
        tree: Any = [ErrorDetail(fault.detail, code=fault.code)]
        for step in reversed(pointer.split("/")[1:]):
            tree = {step: tree}
        faults |= tree
    # All kinds of faults at once, so that a developer need not correct them one by one.
    unknown = islice((name for name in untrusted if name not in fields), policy.FAULTS_TOLD)
    faults |= {name[: policy.FAULT_NAME_MAX]: [ErrorDetail(*_UNKNOWN)] for name in unknown}
    if record is None or faults:
        raise ValidationError(faults)
    return record


def read_query(kind: Callable[..., Record], untrusted: QueryDict) -> Record:
    """The request in a query string; each parameter occurs at most once. A fault's place is
    `?name`.
    """
    doubled = [name for name, values in untrusted.lists() if len(values) > 1]
    try:
        if doubled:
            raise ValidationError(
                {name: [ErrorDetail("given twice", code="choice_repeated")] for name in doubled}
            )
        return read(kind, untrusted.dict())
    except ValidationError as error:
        faults = error.detail if isinstance(error.detail, dict) else {}
        raise ValidationError({f"?{name}": fault for name, fault in faults.items()}) from None


class ByHeader(BaseVersioning):
    """Refuses a request for another version of the API, and states ours in every answer to a
    key.
    """

    def determine_version(self, request: Request, *args: Any, **kwargs: Any) -> str:
        """Its name.

        Raises: `BadInput` (unknown_version), and as authentication.
        """
        # A caller without a key gets that error first.
        if request.auth is not None:
            request.parser_context["view"].headers[HEADER] = policy.API_VERSION
            if request.headers.get(HEADER, policy.API_VERSION) != policy.API_VERSION:
                raise BadInput(f"there is {policy.API_VERSION}", code="unknown_version")
        return policy.API_VERSION


def require_registered(return_url: str, *, registered: Sequence[str]) -> None:
    """Raises: `BadInput` unless an address, without its query, is one of the lender's registered
    ones.
    """
    # As a whole, as RFC 9700 §2.1 requires of OAuth too: a prefix would allow an open redirect.
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
    (policy.API_VERSION,),
    help="Of the API, by which its messages are spelled. Left out: as you are answered here.",
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


def _require_range(start: datetime | None, end: datetime | None, *, pointer: str) -> None:
    """Raises: `BadInput` at the end of an empty range."""
    if start is not None and end is not None and start >= end:
        raise BadInput("not after the beginning", code="out_of_range", pointer=pointer)


@dataclass(frozen=True)
class LinkRequest:
    """An empty object or no body, or who sends the link."""

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


@dataclass(frozen=True, kw_only=True)
class VerificationQuery:
    """Which verifications to list."""

    client_reference: Annotated[str | None, string("client_reference", {"pattern": REFERENCE})] = (
        None
    )
    case_number: Annotated[str | None, _CASE_NUMBER] = None
    status: Annotated[str | None, one_of(tuple(Status))] = None
    created_from: Annotated[
        datetime | None, Form("moment", _TIME, help="Opened then or later.")
    ] = None
    created_to: Annotated[datetime | None, Form("moment", _TIME, help="Opened before then.")] = None
    after: Annotated[str | None, _our_id("ver", "`next` of the page before.")] = None
    limit: Annotated[int, _LIMIT] = policy.PAGE_DEFAULT

    def refuse_together(self) -> None:
        """Raises: `BadInput` for an empty range."""
        _require_range(self.created_from, self.created_to, pointer="/created_to")


@dataclass(frozen=True, kw_only=True)
class ClearanceQuery:
    """Which clearances to list."""

    status: Annotated[str | None, one_of(STATUSES)] = None
    consumed_from: Annotated[
        datetime | None,
        Form("moment", _TIME, help="Consumed then or later. A CSV needs this and the next."),
    ] = None
    consumed_to: Annotated[datetime | None, Form("moment", _TIME, help="Consumed before then.")] = (
        None
    )
    after: Annotated[
        str | None,
        string(
            "clearance_cursor",
            {"pattern": CLEARANCE_CURSOR},
            help="`next` of the page before, with the same filters.",
        ),
    ] = None
    limit: Annotated[int, _LIMIT] = policy.PAGE_DEFAULT

    def refuse_together(self) -> None:
        """Raises: `BadInput` for an empty range, or for a time of consumption beside another
        status.
        """
        _require_range(self.consumed_from, self.consumed_to, pointer="/consumed_to")
        is_of_payouts = self.consumed_from is not None or self.consumed_to is not None
        if is_of_payouts and self.status not in (None, CONSUMED):
            detail = f"with a time of consumption only {CONSUMED} is listed"
            raise BadInput(detail, code="choice_unknown", pointer="/status")

    def whole_range(self) -> tuple[datetime, datetime]:
        """From when and up to when, of a CSV.

        Raises: `ValidationError` for a missing or too wide one, and for a page.
        """
        times = {"consumed_from": self.consumed_from, "consumed_to": self.consumed_to}
        faults = {
            f"?{name}": [ErrorDetail("a CSV needs this", code="required")]
            for name, value in times.items()
            if value is None
        }
        if self.after is not None:
            faults["?after"] = [ErrorDetail("a CSV has no pages", code="unknown_field")]
        start, end = self.consumed_from, self.consumed_to
        if start and end and end - start > timedelta(days=policy.TABLE_DAYS):
            detail = f"a CSV holds at most {policy.TABLE_DAYS} days"
            faults["?consumed_to"] = [ErrorDetail(detail, code="out_of_range")]
        if faults or start is None or end is None:
            raise ValidationError(faults)
        return start, end


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
    types: Annotated[
        tuple[str, ...],
        Form(
            "words",
            {
                "type": "array",
                "items": {"type": "string", "enum": list(TOLD)},
                "uniqueItems": True,
                "minItems": 1,
            },
            limits={"choices": TOLD},
            called="type",
            help="Only of these types, a comma between two. Left out: of all.",
        ),
    ] = ()
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
    """Nothing: unknown parameters are refused here too, or a misspelt filter would filter
    nothing unseen.
    """


@dataclass(frozen=True)
class EndpointRequest:
    """An address for events."""

    url: Annotated[str, _URL]
    events: Annotated[tuple[str, ...], _EVENTS] = ()
    version: Annotated[str | None, _VERSION] = None


@dataclass(frozen=True, kw_only=True)
class EndpointChange:
    """Changes of an endpoint. `enabled: true` wakes a disabled one; it then gets the missed
    events.
    """

    url: Annotated[str | None, _URL] = None
    events: Annotated[tuple[str, ...] | None, _EVENTS] = None
    version: Annotated[
        str | None,
        one_of((policy.API_VERSION,), help="From the messages on that are made next."),
    ] = None
    enabled: Annotated[bool | None, Form("yes_or_no", {"type": "boolean"})] = None


@dataclass(frozen=True)
class RangeRequest:
    """Which events to deliver again: those from one time up to another."""

    # `from` is a Python keyword.
    start: Annotated[
        datetime, Form("moment", _TIME, called="from", help="The beginning, included.")
    ]
    end: Annotated[
        datetime, Form("moment", _TIME, called="to", help="The end, itself not included.")
    ]
    endpoint: Annotated[str | None, _our_id("whe", "Only to this one.")] = None

    def refuse_together(self) -> None:
        """Raises: `BadInput` for an empty range."""
        _require_range(self.start, self.end, pointer="/to")


@dataclass(frozen=True, kw_only=True)
class ContractRequest:
    """The contract and its time of signature."""

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
    """The contract of the payout."""

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
    """The intended payment: sum, person, contract and account."""

    amount: Annotated[str, AMOUNT]
    iin: Annotated[Iin, IIN]
    contract_sha256: Annotated[str, string("sha256", SHA256)]
    payout_account: Annotated[str, ACCOUNT] = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class ObligationRequest:
    """The change of the obligation, and its time."""

    status: Annotated[str, one_of((OPENED, CLOSED))]
    at: Annotated[
        datetime, Form("moment", _TIME, help="Not before the decision, and not in the future.")
    ]


@dataclass(frozen=True, kw_only=True)
class AdvanceRequest:
    """The step of the test clock, and the only verification, if any."""

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
    """The scenario to play. By default the one of a scripted person's IIN."""

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
