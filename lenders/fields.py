"""How a request is read: its dataclass says what may stand in it, `parsing` reads each value; all faults are told."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, TypeVar

from django.http import QueryDict
from rest_framework.exceptions import ErrorDetail, ValidationError

from lenders.parsing import READERS
from verification.core.errors import BadInput
from verification.core.forms import asked_of

Record = TypeVar("Record")
_UNKNOWN = ("there is no such field", "unknown_field")


def read(kind: Callable[..., Record], untrusted: Any) -> Record:
    """The request. Raises `ValidationError` with every fault: unknown, missing and unreadable fields."""
    if not isinstance(untrusted, Mapping):
        word = ("a value is expected", "null") if untrusted is None else ("a JSON object is expected", "invalid")
        raise ValidationError({"non_field_errors": [ErrorDetail(*word)]})
    asked, values, faults = asked_of(kind), dict[str, Any](), dict[str, Any]()
    missing = [name for name, field in asked.items() if field.is_required and name not in untrusted]
    placed = [(f"/{name}", BadInput("this is missing", code="required")) for name in missing]
    for name in (name for name in asked if name in untrusted):
        form, kind_of_part = asked[name].form, asked[name].type
        try:
            if form.kind and untrusted[name] is None:
                raise BadInput("a value is expected", code="null")
            reader = partial(READERS[form.kind], **form.limits) if form.kind else partial(read, kind_of_part)
            values[asked[name].attribute] = reader(untrusted[name])
        except ValidationError as below:
            faults[name] = below.detail
        except BadInput as error:
            placed.append((f"/{name}{error.pointer}", error))
    # A request is made of sound values alone, so that nothing behind this line need ask again.
    made = None if faults or placed else kind(**values)
    try:
        # What no field says by itself: how two of them fit together.
        getattr(made, "refuse_together", bool)()
    except BadInput as error:
        placed.append((error.pointer, error))
    for pointer, fault in placed:
        tree: Any = [ErrorDetail(fault.detail, code=fault.code)]
        for step in reversed(pointer.split("/")[1:]):
            tree = {step: tree}
        faults |= tree
    # All kinds of faults at once: a developer who corrects one should not meet the next only then.
    faults |= {name: [ErrorDetail(*_UNKNOWN)] for name in untrusted if name not in asked}
    if made is None or faults:
        raise ValidationError(faults)
    return made


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
