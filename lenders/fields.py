"""How a request is read: a serializer says its shape, `parsing` reads each value, `read` gives all faults at once."""

from collections.abc import Callable, Mapping
from typing import Any

from django.http import QueryDict
from drf_spectacular.drainage import set_override
from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail, ValidationError

from verification.core.errors import BadInput

_NOT_AN_OBJECT: dict[str, Any] = {
    "invalid": "a JSON object is expected",
    "null": "a value is expected",
    "required": "this is missing",
}
Faults = dict[str, Any]


class Parsed(serializers.Field):  # type: ignore[type-arg]  # the value's type is that of `parse`
    """One value read by a function. `schema` is its JSON schema for openapi.json."""

    default_error_messages = {"required": "this is missing", "null": "a value is expected"}  # noqa: RUF012  # DRF's way

    def __init__(self, parse: Callable[[Any], Any], *, schema: Mapping[str, Any], **options: Any) -> None:
        super().__init__(**options)
        self._parse = parse
        set_override(self, "field", dict(schema))

    def to_internal_value(self, data: Any) -> Any:
        """The value; turns our `BadInput` into the framework's error, place and code kept."""
        try:
            return self._parse(data)
        except BadInput as error:
            raise ValidationError(_placed(error)) from None

    def to_representation(self, value: Any) -> Any:
        """Not used: answers are written by `answers.py`."""
        return value


def nested(schema: type[serializers.Serializer[Any]], **options: Any) -> serializers.Serializer[Any]:
    """A part of a request that is an object of its own."""
    return schema(error_messages=_NOT_AN_OBJECT, **options)


def read(schema: type[serializers.Serializer[Any]], untrusted: Any) -> dict[str, Any]:
    """The values of a request. Raises `ValidationError` with every fault: unknown, missing and unreadable fields."""
    serializer = schema(data=untrusted, error_messages=_NOT_AN_OBJECT)
    is_valid = serializer.is_valid()
    faults = _merged(dict(serializer.errors), _unknown(serializer, untrusted))
    if faults or not is_valid:
        raise ValidationError(faults)
    return dict(serializer.validated_data)


def read_query(schema: type[serializers.Serializer[Any]], untrusted: QueryDict) -> dict[str, Any]:
    """The values of a query string; each parameter at most once. A fault's place is `?name`."""
    doubled = [name for name, values in untrusted.lists() if len(values) > 1]
    try:
        if doubled:
            raise ValidationError({name: [ErrorDetail("given twice", code="choice_repeated")] for name in doubled})
        return read(schema, untrusted.dict())
    except ValidationError as error:
        faults = error.detail if isinstance(error.detail, dict) else {}
        raise ValidationError({f"?{name}": fault for name, fault in faults.items()}) from None


def _placed(error: BadInput) -> Any:
    fault: Any = [ErrorDetail(error.detail, code=error.code)]
    for step in reversed(error.pointer.split("/")[1:]):
        fault = {step: fault}
    return fault


def _unknown(serializer: serializers.Serializer[Any], untrusted: Any) -> Faults:
    """A fault for each name that the schema does not know, at every depth."""
    if not isinstance(untrusted, Mapping):
        return {}
    known = serializer.fields
    faults: Faults = {
        name: [ErrorDetail("there is no such field", code="unknown_field")] for name in untrusted if name not in known
    }
    for name, field in known.items():
        if isinstance(field, serializers.Serializer) and (below := _unknown(field, untrusted.get(name))):
            faults[name] = below
    return faults


def _merged(one: Faults, other: Faults) -> Faults:
    """Both trees of faults as one; where both speak of an object, their parts are merged."""
    merged = dict(one)
    for name, fault in other.items():
        present = merged.get(name)
        merged[name] = _merged(present, fault) if isinstance(present, dict) and isinstance(fault, dict) else fault
    return merged
