"""The rows of a case that its entries imply: a projection of the state they lead to."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from verification.core.clearance import CONSUMED, FROZEN, ISSUED, PROCESSING
from verification.course.entry import moment, text
from verification.course.state import Clearance, State
from verification.course.tables import CLEARANCE


@dataclass(frozen=True)
class Row:
    """What one entry states of one row: of several entries, a row comes in several parts.

    `values`: by column. Bytes are spelled in hex.
    """

    table: str
    key: tuple[str, ...]
    entry: str
    values: Mapping[str, Any]


_TERMS: Final[Mapping[str, tuple[str, Any]]] = {
    "code": ("code", ""),
    "profile_id": ("profile", None),
    "contract_sha256": ("contract", None),
    "cap_tiyn": ("cap", None),
    "gates": ("gates", []),
    "amount_tiyn": ("amount", None),
}
"""By column, the term of a clearance that it holds, and its value before an entry states it."""


def project(state: State) -> Iterator[Row]:
    """The rows of the case in this state."""
    yield from _ways(state)
    for name, clearance in state.credit.clearances.items():
        yield Row(CLEARANCE, (name,), clearance.entry, _of_clearance(state, clearance))


def _ways(state: State) -> Iterator[Row]:
    """Links, sessions and codes. Each ends earlier by what a test clock is advanced."""
    for (table, secret), way in state.ways.items():
        values = dict(way.values)
        if (until := values.get("expires_at")) is not None:
            values["expires_at"] = until - state.advanced
        yield Row(table, (secret,), way.entry, values)


def _of_clearance(state: State, clearance: Clearance) -> Mapping[str, Any]:
    terms, times, request = clearance.terms, clearance.times, clearance.request
    values: dict[str, Any] = {
        "lender_id": request.lender if request else None,
        "mode": request.log if request else None,
        "status": clearance.status,
        "created_at": times.get(PROCESSING),
        "issued_at": times.get(ISSUED),
        "consumed_at": times.get(CONSUMED),
        "frozen_at": times.get(FROZEN),
        "iin_index": text(terms, "iin") or None,
        "account_index": text(terms, "account") or None,
    }
    for column in ("expires_at", "fresh_until"):
        until = moment(terms, column)
        values[column] = until and until + clearance.advanced - state.advanced
    return values | {column: terms.get(term, new) for column, (term, new) in _TERMS.items()}
