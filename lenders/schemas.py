"""What a request may say, body or query: shapes for openapi.json, and their translation into words of the workflow."""

from collections.abc import Sequence
from decimal import Decimal
from functools import partial
from typing import Any
from urllib.parse import SplitResult

from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail

from lenders import parsing, policy
from lenders.fields import Parsed, nested, one_of, our_id
from lenders.parsing import holds_personal_number
from verification.core.errors import BadInput
from verification.core.events import TOLD
from verification.core.ids import Iin, Phone
from verification.core.person import DOCUMENT_TYPES, NAME_MAX, Document, Loan, Person, parse_iban, parse_name
from verification.core.status import Status
from verification.workflow.moving.commands import Opening

Schema = dict[str, Any]

_NAME: Schema = {"type": "string", "maxLength": NAME_MAX, "examples": ["Асанов"]}
_DAY: Schema = {"type": "string", "format": "date"}
_MONEY: Schema = {
    "oneOf": [{"type": "string", "pattern": r"^[0-9]{1,13}(\.[0-9]{1,2})?$"}, {"type": "number"}],
    "examples": ["150000.00"],
}

_LIMIT = {"type": "integer", "minimum": 1, "maximum": policy.PAGE_MAX, "default": policy.PAGE_DEFAULT}
_URL = {"type": "string", "format": "uri", "maxLength": policy.URL_MAX, "examples": ["https://lender.example/tulga"]}
_EVENTS = {"type": "array", "items": {"type": "string", "enum": list(TOLD)}}
_TIME = {"type": "string", "format": "date-time"}
_EVENTS_HELP = "The types you want. Leave out, or send [], for all, those to come included."


def _string(longest: int, **more: Any) -> Schema:
    return {"type": "string", "minLength": 1, "maxLength": longest, **more}


def _officer(help_text: str) -> Parsed:
    parse = partial(parsing.impersonal, longest=policy.OPENED_BY_MAX)
    return Parsed(parse, schema=_string(policy.OPENED_BY_MAX), required=False, help_text=help_text)


def _name(untrusted: Any, *, optional: bool = False) -> str:
    return parse_name(parsing.text(untrusted, longest=4 * NAME_MAX, shortest=0), pointer="", optional=optional)


def _iban(untrusted: Any) -> str:
    return parse_iban(parsing.text(untrusted, longest=40), pointer="")


class DocumentRequest(serializers.Serializer[Any]):
    """The identity document the borrower named."""

    type = one_of(DOCUMENT_TYPES)
    number = Parsed(parsing.document_number, schema=_string(policy.DOCUMENT_NUMBER_MAX, examples=["045678912"]))
    valid_to = Parsed(parsing.day, schema=_DAY, help_text="Its last day.")


class SubjectRequest(serializers.Serializer[Any]):
    """Who the borrower says to be."""

    iin = Parsed(Iin.parse, schema={"type": "string", "pattern": "^[0-9]{12}$", "examples": ["990101100010"]})
    surname = Parsed(_name, schema=_NAME)
    name = Parsed(_name, schema=_NAME)
    patronymic = Parsed(partial(_name, optional=True), schema=_NAME | {"minLength": 0}, required=False)
    birth_date = Parsed(parsing.birth_date, schema=_DAY)
    phone = Parsed(Phone.parse, schema={"type": "string", "maxLength": 32, "examples": ["+77011234567"]})
    document = nested(DocumentRequest)


class LoanRequest(serializers.Serializer[Any]):
    """What the borrower is about to owe; decimals as strings, or as JSON numbers where those are exact."""

    amount = Parsed(parsing.amount, schema=_MONEY)
    currency = one_of(policy.CURRENCIES)
    term_days = Parsed(
        partial(parsing.whole_number, least=1, most=policy.TERM_MAX_DAYS),
        schema={"type": "integer", "minimum": 1, "maximum": policy.TERM_MAX_DAYS, "examples": [30]},
    )
    annual_rate = Parsed(
        parsing.annual_rate,
        schema={
            "oneOf": [{"type": "string", "pattern": r"^[0-9]{1,4}(\.[0-9]{1,4})?$"}, {"type": "number"}],
            "examples": ["46.00"],
        },
        help_text="Per cent a year.",
    )
    total_repayable = Parsed(parsing.amount, schema=_MONEY)
    payout_account = Parsed(_iban, schema=_string(40, examples=["KZ86125KZT5004100100"]), help_text="A Kazakh IBAN.")
    contract_sha256 = Parsed(
        parsing.sha256_hex, schema={"type": "string", "pattern": "^[0-9a-fA-F]{64}$"}, required=False
    )
    region = Parsed(
        parsing.kato, schema={"type": "string", "pattern": "^[0-9]{9}$"}, required=False, help_text="A KATO code."
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Refuses a loan that pays back less than it gives: somebody swapped two fields."""
        # Both are strings by now, with two places: exact, and not to be compared as such.
        if Decimal(attrs["total_repayable"]) < Decimal(attrs["amount"]):
            fault = ErrorDetail("less than the amount", code="total_below_amount")
            raise serializers.ValidationError({"total_repayable": [fault]})
        return attrs


class VerificationRequest(serializers.Serializer[Any]):
    """A borrower to be identified for one loan."""

    purpose = Parsed(
        partial(parsing.impersonal, longest=policy.PURPOSE_MAX),
        schema=_string(policy.PURPOSE_MAX, examples=["Consumer microcredit"]),
        help_text="Shown to the borrower and written into the statement.",
    )
    subject = nested(SubjectRequest)
    loan = nested(LoanRequest)
    routes = Parsed(
        parsing.route_names,
        schema={"type": "array", "items": _string(32), "minItems": 1, "examples": [["eds"]]},
        required=False,
        help_text="Leave out to let the borrower choose among all that the profile allows.",
    )
    client_reference = Parsed(
        parsing.client_reference,
        schema={"type": "string", "pattern": "^[A-Za-z0-9_.:-]{1,64}$", "examples": ["loan-2026-000123"]},
        help_text="Your own id of this request. Refused if it contains an IIN or a mobile number.",
    )
    locale = one_of(policy.LOCALES)
    return_url = Parsed(
        parsing.https_url,
        schema={"type": "string", "format": "uri", "maxLength": policy.URL_MAX},
        required=False,
        help_text="Where the borrower goes afterwards: https, registered for you. It carries no result.",
    )
    opened_by = _officer("Your officer, if a person opened this: they have no vote in a review of it.")
    metadata = Parsed(
        parsing.metadata,
        schema={
            "type": "object",
            "additionalProperties": {"type": "string", "maxLength": policy.METADATA_VALUE_MAX},
            "maxProperties": policy.METADATA_KEYS_MAX,
        },
        required=False,
        help_text="Given back to you as it is. No personal data.",
    )


class LinkRequest(serializers.Serializer[Any]):
    """An empty object or no body at all, or who sends the link."""

    sent_by = _officer("Your officer, if a person sends this link: they have no vote in a review of the case.")


def opening_of(values: dict[str, Any]) -> Opening:
    """What `VerificationRequest` read, in the workflow's words."""
    subject = {"patronymic": "", **values["subject"], "document": Document(**values["subject"]["document"])}
    return Opening(
        purpose=values["purpose"],
        person=Person(**subject),
        loan=Loan(**values["loan"]),
        routes=values.get("routes"),
        client_reference=values["client_reference"],
        locale=values["locale"],
        return_url=values["return_url"].geturl() if "return_url" in values else "",
        opened_by=values.get("opened_by", ""),
        metadata=values.get("metadata", {}),
    )


def require_registered(return_url: SplitResult, *, registered: Sequence[str]) -> None:
    """Raises `BadInput` unless an address, its query aside, is one of the lender's registered ones."""
    # As a whole, which RFC 9700 §2.1 wants of OAuth too: a prefix would let an open redirect in.
    plain = return_url._replace(query="").geturl()
    if plain not in registered:
        raise BadInput("register this address first", code="return_url_unregistered", pointer="/return_url")
    if holds_personal_number(return_url.geturl()):
        raise BadInput("must not contain an IIN or a mobile number", code="personal_number", pointer="/return_url")


class VerificationQuery(serializers.Serializer[Any]):
    """Which verifications to list."""

    client_reference = Parsed(parsing.client_reference, schema={"type": "string", "maxLength": 64}, required=False)
    status = one_of(tuple(Status), required=False)
    created_from = Parsed(parsing.moment, schema={"type": "string", "format": "date-time"}, required=False)
    after = our_id("ver", required=False, help_text="`next` of the page before.")
    limit = Parsed(parsing.page_limit, schema=_LIMIT, required=False)


class ExpandQuery(serializers.Serializer[Any]):
    """What to add to a verification."""

    expand = one_of(("checks",), required=False)


class EventQuery(serializers.Serializer[Any]):
    """Which events to list."""

    after = Parsed(
        parsing.sequence_number,
        schema={"type": "integer", "minimum": 0, "default": 0},
        required=False,
        help_text="The `lender_sequence` of the last event you have, or `next` of the page before.",
    )
    limit = Parsed(parsing.page_limit, schema=_LIMIT, required=False)


class ProofQuery(serializers.Serializer[Any]):
    """Which event to prove."""

    event = our_id("evt", help_text="Its id, `evt_…`.")


class DeliveryQuery(serializers.Serializer[Any]):
    """Which deliveries to list."""

    endpoint = our_id("whe", required=False)
    event = our_id("evt", required=False)
    status = one_of(("pending", "delivered", "exhausted", "canceled"), required=False)
    after = our_id("dlv", required=False, help_text="`next` of the page before.")
    limit = Parsed(parsing.page_limit, schema=_LIMIT, required=False)


class NoQuery(serializers.Serializer[Any]):
    """Nothing: an unknown parameter is refused here too, or a misspelt filter would silently filter nothing."""


class EndpointRequest(serializers.Serializer[Any]):
    """Where you want to be told."""

    url = Parsed(partial(parsing.text, longest=policy.URL_MAX), schema=_URL)
    events = Parsed(partial(parsing.several_of, choices=TOLD), schema=_EVENTS, required=False, help_text=_EVENTS_HELP)


class EndpointChange(serializers.Serializer[Any]):
    """What to change of an endpoint. `enabled: true` wakes a disabled one; it then gets what it missed."""

    url = Parsed(partial(parsing.text, longest=policy.URL_MAX), schema=_URL, required=False)
    events = Parsed(partial(parsing.several_of, choices=TOLD), schema=_EVENTS, required=False, help_text=_EVENTS_HELP)
    enabled = Parsed(parsing.yes_or_no, schema={"type": "boolean"}, required=False)


class RangeRequest(serializers.Serializer[Any]):
    """Which events to deliver again: those that happened from one time up to another."""

    to = Parsed(parsing.moment, schema=_TIME, help_text="The end, itself not included.")
    endpoint = our_id("whe", required=False, help_text="Only to this one.")

    def get_fields(self) -> dict[str, Any]:
        """Adds `from`, which is no name Python lets one write."""
        start = Parsed(parsing.moment, schema=_TIME, help_text="The beginning, included.")
        return {"from": start, **super().get_fields()}

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Refuses an empty range."""
        if attrs["from"] >= attrs["to"]:
            raise serializers.ValidationError({"to": [ErrorDetail("not after `from`", code="out_of_range")]})
        return attrs


class NothingRequest(serializers.Serializer[Any]):
    """An empty object, or no body at all."""
