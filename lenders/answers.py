"""Common parts of answers: one declaration spells a field in JSON and describes it in openapi.json.

An absent value is null; times are RFC 3339 in UTC.
"""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, Final

from rest_framework import serializers

CODE_HELP: Final = "A code of the table in /docs/problems; accept unknown ones."


class Moment(serializers.DateTimeField):
    """A time as `2026-11-24T10:00:00.000Z`, also one that a record spells otherwise."""

    def to_representation(self, value: Any) -> Any:
        """Its canonical form."""
        at = datetime.fromisoformat(value) if isinstance(value, str) else value
        return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Word(serializers.CharField):
    """A word, or null if absent."""

    def to_representation(self, value: Any) -> Any:
        """Rows have an empty text for an absent word."""
        return value or None


def page(data: Iterable[Any], following: str | None) -> dict[str, Any]:
    """A slice of a list. `following`: the `after` of the next one, None at the end."""
    return {"data": data, "has_more": following is not None, "next": following}
