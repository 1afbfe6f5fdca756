"""JSON values with the types that a type checker can follow. Pure."""

from typing import Any, cast


def members(untrusted: object) -> dict[str, Any] | None:
    """The members of a JSON object; None for anything else."""
    return cast(dict[str, Any], untrusted) if isinstance(untrusted, dict) else None


def items(untrusted: object) -> list[object] | None:
    """The items of a JSON array; None for anything else."""
    return cast(list[object], untrusted) if isinstance(untrusted, list) else None
