"""How a request is read: a serializer says its shape, `parsing` reads each value, `read` gives all faults at once."""

from collections.abc import Callable, Mapping, Sequence
from functools import cache, partial
from typing import Any

from django.http import QueryDict
from drf_spectacular.drainage import set_override
from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail, ValidationError
from rest_framework.serializers import as_serializer_error

from lenders import parsing
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
            fault: Any = [ErrorDetail(error.detail, code=error.code)]
            for step in reversed(error.pointer.split("/")[1:]):
                fault = {step: fault}
            raise ValidationError(fault) from None

    def to_representation(self, value: Any) -> Any:
        """Not used: answers are written by `answers.py`."""
        return value


def one_of(choices: Sequence[str], *, required: bool = True) -> Parsed:
    """One of a few words."""
    schema = {"type": "string", "enum": list(choices)}
    return Parsed(partial(parsing.one_of, choices=choices), schema=schema, required=required)


def our_id(prefix: str, *, required: bool = True, help_text: str = "") -> Parsed:
    """One of our ids of this kind."""
    parse = partial(parsing.our_id, prefix=prefix)
    return Parsed(parse, schema={"type": "string"}, required=required, help_text=help_text)


def nested(schema: type[serializers.Serializer[Any]], **options: Any) -> serializers.Serializer[Any]:
    """A part of a request that is an object of its own."""
    return schema(error_messages=_NOT_AN_OBJECT, **options)


def read(schema: type[serializers.Serializer[Any]], untrusted: Any) -> dict[str, Any]:
    """The values of a request. Raises `ValidationError` with every fault: unknown, missing and unreadable fields."""
    serializer, values, faults = _made(schema), {}, {}
    try:
        values = serializer.run_validation(untrusted)
    except ValidationError as error:
        faults = as_serializer_error(error)
    # Both kinds of faults at once: a developer who corrects one should not meet the next only then.
    faults = _with_unknown(faults, serializer, untrusted)
    if faults:
        raise ValidationError(faults)
    return dict(values)


@cache
def _made(schema: type[serializers.Serializer[Any]]) -> serializers.Serializer[Any]:
    """A reader of this schema, which keeps nothing of what it reads; to make one copies each of its fields."""
    return schema(error_messages=_NOT_AN_OBJECT)


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


def _with_unknown(faults: Faults, schema: serializers.Serializer[Any], untrusted: Any) -> Faults:
    """These faults, and one for each name that the schema does not know, at every depth."""
    if not isinstance(untrusted, Mapping):
        return faults
    known = schema.fields
    unknown = {
        name: [ErrorDetail("there is no such field", code="unknown_field")] for name in untrusted if name not in known
    }
    found = faults | unknown
    for name, field in known.items():
        if isinstance(field, serializers.Serializer):
            below = _with_unknown(faults.get(name, {}), field, untrusted.get(name))
            if below:
                found[name] = below
    return found
