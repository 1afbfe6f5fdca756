"""`replace` for the values of the course: frozen dataclasses without slots.

That of `dataclasses` reads every field by its name, which is most of what a fold takes.
"""

from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from dataclasses import replace as replace  # so that mypy knows the fields
else:
    Value = TypeVar("Value")

    def replace(value: Value, /, **changes: Any) -> Value:
        """The value with these fields changed. A name that is no field is a `TypeError`."""
        fields = value.__dict__
        if not changes.keys() <= fields.keys():
            raise TypeError(
                f"{type(value).__name__} has no such field:"
                f" {sorted(changes.keys() - fields.keys())}"
            )
        fresh = object.__new__(type(value))
        fresh.__dict__.update(fields, **changes)
        return fresh
