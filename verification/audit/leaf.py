"""The bytes of a leaf: schema 1. Pure.

A leaf is canonical JSON with integers and strings, absent fields left out:
`schema` 1, `id`, `mode` (the log), `type`, `at` (UTC, microseconds), `verification`, `verification_sequence`, `lender`,
`lender_sequence` and `body`, which says by route, check, outcome, codes, versions and commitments what happened.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from verification.audit import policy
from verification.core.canonical import canonical_json

SCHEMA: Final = 1
# A whole string of 11 or 12 digits is a phone number or an IIN that somebody forgot to leave out.
_IDENTIFIES: Final = re.compile(r"\+?[0-9]{11,12}")


@dataclass(frozen=True, kw_only=True)
class Leaf:
    """What a leaf says. `lender_sequence` counts the lender's entries of this log from 1."""

    id: str
    log: str
    type: str
    at: datetime
    verification: str | None
    verification_sequence: int | None
    lender: str | None
    lender_sequence: int | None
    body: Mapping[str, Any]

    @property
    def fields(self) -> dict[str, Any]:
        """The leaf as a JSON object; raises `ValueError` for a time without a zone."""
        if self.at.tzinfo is None:
            raise ValueError("a leaf's time has a zone")
        written = {
            "schema": SCHEMA,
            "id": self.id,
            "mode": self.log,
            "type": self.type,
            "at": self.at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
            "verification": self.verification,
            "verification_sequence": self.verification_sequence,
            "lender": self.lender,
            "lender_sequence": self.lender_sequence,
            "body": self.body,
        }
        return {name: value for name, value in written.items() if value is not None}

    @property
    def bytes(self) -> bytes:
        """The exact bytes that are hashed; raises `ValueError` beyond `policy.LEAF_BYTES`."""
        spelt = canonical_json(self.fields)
        if len(spelt) > policy.LEAF_BYTES:
            raise ValueError(f"a leaf has at most {policy.LEAF_BYTES} bytes, not {len(spelt)}")
        return spelt


def require_anonymous(body: Mapping[str, Any]) -> None:
    """Raises `ValueError` if a string of the body is nothing but an IIN or a phone number; names the key alone."""
    waiting: list[tuple[str, Any]] = list(body.items())
    while waiting:
        key, value = waiting.pop()
        if isinstance(value, Mapping):
            waiting.extend((f"{key}.{inner}", item) for inner, item in value.items())
        elif isinstance(value, list | tuple):
            waiting.extend((key, item) for item in value)
        elif isinstance(value, str) and _IDENTIFIES.fullmatch(value):
            raise ValueError(f"the body's {key} looks like personal data, which a leaf may not hold")


def differences(stored: bytes, expected: Leaf) -> list[str]:
    """Names of the fields in which a stored leaf differs from what it should say; empty if byte for byte the same."""
    try:
        spelt = expected.bytes
    except (TypeError, ValueError):
        return ["body"]
    if stored == spelt:
        return []
    try:
        says = json.loads(stored)
    except (ValueError, RecursionError):
        return ["leaf"]
    if not isinstance(says, dict):
        return ["leaf"]
    should = expected.fields
    # Keys outside the schema are what somebody wrote over ours: their names are not repeated.
    different = {name for name in should if says.get(name) != should[name]} | {"leaf" for name in says.keys() - should}
    return sorted(different) or ["leaf"]
