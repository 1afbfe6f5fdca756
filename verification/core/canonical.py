"""One spelling of a value, so that equal values have equal hashes."""

import json
from hashlib import sha256
from typing import Any


def canonical_json(value: Any) -> bytes:
    """UTF-8 JSON with sorted keys and no spaces; no floats, no other types.

    Raises `TypeError` for anything else: a float has many spellings, so money and rates travel as decimal strings.
    """
    _refuse_ambiguous(value)
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def digest(value: Any) -> str:
    """SHA-256 of the canonical spelling, in lower-case hex."""
    return sha256(canonical_json(value)).hexdigest()


def _refuse_ambiguous(value: Any) -> None:
    if value is None or isinstance(value, str | bool | int):
        return
    if isinstance(value, list | tuple):
        for item in value:
            _refuse_ambiguous(item)
        return
    if isinstance(value, dict):
        for key, item in value.items():
            if not isinstance(key, str):
                raise TypeError(f"a canonical map has string keys, not {type(key).__name__}")
            _refuse_ambiguous(item)
        return
    raise TypeError(f"{type(value).__name__} has no canonical spelling")
