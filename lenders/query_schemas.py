"""What a query string may say."""

from functools import partial
from typing import Any

from rest_framework import serializers

from lenders import parsing, policy
from lenders.fields import Parsed
from verification.core.status import Status

_DELIVERY_STATUSES = ("pending", "delivered", "exhausted", "canceled")
_ID = {"type": "string"}
_LIMIT = {"type": "integer", "minimum": 1, "maximum": policy.PAGE_MAX, "default": policy.PAGE_DEFAULT}


class VerificationQuery(serializers.Serializer[Any]):
    """Which verifications to list."""

    client_reference = Parsed(parsing.client_reference, schema={"type": "string", "maxLength": 64}, required=False)
    status = Parsed(
        partial(parsing.one_of, choices=tuple(Status)), schema={"type": "string", "enum": list(Status)}, required=False
    )
    created_from = Parsed(parsing.moment, schema={"type": "string", "format": "date-time"}, required=False)
    after = Parsed(
        partial(parsing.our_id, prefix="ver"), schema=_ID, required=False, help_text="`next` of the page before."
    )
    limit = Parsed(parsing.page_limit, schema=_LIMIT, required=False)


class ExpandQuery(serializers.Serializer[Any]):
    """What to add to a verification."""

    expand = Parsed(
        partial(parsing.one_of, choices=("checks",)), schema={"type": "string", "enum": ["checks"]}, required=False
    )


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

    event = Parsed(partial(parsing.our_id, prefix="evt"), schema=_ID, help_text="Its id, `evt_…`.")


class DeliveryQuery(serializers.Serializer[Any]):
    """Which deliveries to list."""

    endpoint = Parsed(partial(parsing.our_id, prefix="whe"), schema=_ID, required=False)
    event = Parsed(partial(parsing.our_id, prefix="evt"), schema=_ID, required=False)
    status = Parsed(
        partial(parsing.one_of, choices=_DELIVERY_STATUSES),
        schema={"type": "string", "enum": list(_DELIVERY_STATUSES)},
        required=False,
    )
    after = Parsed(
        partial(parsing.our_id, prefix="dlv"), schema=_ID, required=False, help_text="`next` of the page before."
    )
    limit = Parsed(parsing.page_limit, schema=_LIMIT, required=False)


class NoQuery(serializers.Serializer[Any]):
    """Nothing: an unknown parameter is refused here too, or a misspelt filter would silently filter nothing."""
