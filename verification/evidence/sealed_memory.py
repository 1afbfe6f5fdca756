"""Where the memory of an attempt is sealed: what a stage remembers between turns."""

from typing import Final

TABLE: Final = "verification_attempt"


def field_of(attempt_id: str) -> str:
    """The field it is bound to: no attempt's memory opens as another's."""
    return f"sealed_memory:{attempt_id}"
