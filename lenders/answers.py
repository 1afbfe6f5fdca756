"""What answers share: one declaration spells a thing in JSON and describes it in openapi.json.

What is absent is null; times are RFC 3339 in UTC.
"""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, Final

from rest_framework import serializers

CODE_HELP: Final = "A code of the table in /docs/problems; accept unknown ones."


class Moment(serializers.DateTimeField):
    """A time as `2026-11-24T10:00:00.000Z`; one that was spelled before stays as it is."""

    def to_representation(self, value: Any) -> Any:
        """Its one spelling."""
        if not isinstance(value, datetime):
            return value
        return value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Word(serializers.CharField):
    """A word that may be null, which it is where there is none."""

    def to_representation(self, value: Any) -> Any:
        """Rows have an empty text for none."""
        return value or None


def page(data: Iterable[Any], following: str | None) -> dict[str, Any]:
    """A slice of a list. `following`: what `after` continues it, None at the end."""
    return {"data": data, "has_more": following is not None, "next": following}
