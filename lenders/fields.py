"""How a request is read: its dataclass says what may stand in it, `parsing` reads each value; all faults are told."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from django.http import QueryDict
from rest_framework.exceptions import ErrorDetail, ValidationError

from lenders.parsing import READERS
from verification.core.errors import BadInput
from verification.core.forms import Asked, asked_of

Record = TypeVar("Record")


def read(kind: Callable[..., Record], untrusted: Any) -> Record:
    """The request. Raises `ValidationError` with every fault: unknown, missing and unreadable fields."""
    if not isinstance(untrusted, Mapping):
        word = ("a value is expected", "null") if untrusted is None else ("a JSON object is expected", "invalid")
        raise ValidationError({"non_field_errors": [ErrorDetail(*word)]})
    asked = asked_of(kind)
    required = [name for name, field in asked.items() if field.is_required]
    faults: dict[str, Any] = {
        name: [ErrorDetail("this is missing", code="required")] for name in required if name not in untrusted
    }
    values: dict[str, Any] = {}
    for name, field in asked.items():
        if name not in untrusted:
            continue
        try:
            values[field.attribute] = _value(field, untrusted[name])
        except ValidationError as below:
            faults[name] = below.detail
        except BadInput as error:
            faults |= _placed(error, f"/{name}{error.pointer}")
    made = None if faults else kind(**values)
    try:
        # What no field says by itself: how two of them fit together.
        if (refuse := getattr(made, "refuse_together", None)) is not None:
            refuse()
    except BadInput as error:
        faults = _placed(error, error.pointer)
    # All kinds of faults at once: a developer who corrects one should not meet the next only then.
    unknown = [ErrorDetail("there is no such field", code="unknown_field")]
    faults |= {name: unknown for name in untrusted if name not in asked}
    if made is None or faults:
        raise ValidationError(faults)
    return made


def _value(field: Asked, untrusted: Any) -> Any:
    if not field.form.kind:
        return read(field.type, untrusted)
    if untrusted is None:
        raise BadInput("a value is expected", code="null")
    return READERS[field.form.kind](untrusted, **field.form.limits)


def read_query(kind: Callable[..., Record], untrusted: QueryDict) -> Record:
    """The request in a query string; each parameter stands there at most once. A fault's place is `?name`."""
    doubled = [name for name, values in untrusted.lists() if len(values) > 1]
    try:
        if doubled:
            raise ValidationError({name: [ErrorDetail("given twice", code="choice_repeated")] for name in doubled})
        return read(kind, untrusted.dict())
    except ValidationError as error:
        faults = error.detail if isinstance(error.detail, dict) else {}
        raise ValidationError({f"?{name}": fault for name, fault in faults.items()}) from None


def _placed(error: BadInput, pointer: str) -> dict[str, Any]:
    """Our error as the framework's, at its place."""
    fault: Any = [ErrorDetail(error.detail, code=error.code)]
    for step in reversed(pointer.split("/")[1:]):
        fault = {step: fault}
    found: dict[str, Any] = fault
    return found
