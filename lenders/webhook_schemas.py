"""What requests about webhook endpoints and deliveries may say."""

from functools import partial
from typing import Any

from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail

from lenders import parsing, policy
from lenders.fields import Parsed
from verification.core.events import TOLD

_URL = {"type": "string", "format": "uri", "maxLength": policy.URL_MAX, "examples": ["https://lender.example/tulga"]}
_EVENTS = {"type": "array", "items": {"type": "string", "enum": list(TOLD)}}
_TIME = {"type": "string", "format": "date-time"}
_EVENTS_HELP = "The types you want. Leave out, or send [], for all, those to come included."


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
    endpoint = Parsed(
        partial(parsing.our_id, prefix="whe"), schema={"type": "string"}, required=False, help_text="Only to this one."
    )

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
