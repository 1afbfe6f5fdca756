"""The rows of a case that its entries imply: a projection of the state they lead to."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from verification.core.clearance import CONSUMED, FROZEN, ISSUED, PROCESSING
from verification.course.case_row import of_case
from verification.course.entry import Entry, moment, text
from verification.course.evidence_rows import of_evidence
from verification.course.key_row import of_key
from verification.course.length import of_length
from verification.course.row import Row
from verification.course.state import Attempt, Clearance, State
from verification.course.tables import ACCESS, ATTEMPT, CLEARANCE, RECEIPT, VOTE

_TERMS: Final[Mapping[str, tuple[str, Any]]] = {
    "code": ("code", ""),
    "profile_id": ("profile", None),
    "contract_sha256": ("contract", None),
    "cap_tiyn": ("cap", None),
    "gates": ("gates", []),
    "amount_tiyn": ("amount", None),
}
"""By column, the term of a clearance that it holds, and its value before an entry states it."""


def project(state: State, *, case: str, borrower_index: str | None) -> Iterator[Row]:
    """The rows of the case in this state.

    `borrower_index`: what its borrower is found by, which the index key gives.
    """
    yield from of_case(state, case=case)
    yield from of_length(state, case=case)
    yield from of_key(state, case=case)
    for entry, digest in state.receipts.items():
        yield Row(RECEIPT, (case,), entry, {"jws": digest})
    for name, attempt in state.attempts.items():
        if not name:  # an entry that names no row implies none
            continue
        yield from of_attempt(state, name, borrower_index=borrower_index)
        for person, vote in attempt.votes.items():
            values = {"passes": vote.passes, "created_at": vote.at}
            yield Row(VOTE, (name, person), vote.entry, values)
    yield from of_evidence(state, case=case)
    yield from _ways(state)
    for name, clearance in state.credit.clearances.items():
        if name:
            yield Row(CLEARANCE, (name,), clearance.entry, _of_clearance(state, clearance))


def of_attempt(state: State, name: str, *, borrower_index: str | None) -> Iterator[Row]:
    """The parts of the row of an attempt: its opening, its dialogue, its end."""
    attempt = state.attempts[name]
    yield _opened(name, attempt, borrower_index)
    if attempt.until is not None:
        dialogue = {
            "turn": attempt.turn,
            "answers": attempt.answers,
            "expires_at": attempt.until - state.advanced,
        }
        yield Row(ATTEMPT, (name,), attempt.entry, dialogue)
    if attempt.closing is None:
        yield Row(ATTEMPT, (name,), "", _reached(state, attempt))
    else:
        yield Row(ATTEMPT, (name,), attempt.closing.id, _closed(attempt.closing))


def _opened(name: str, attempt: Attempt, borrower_index: str | None) -> Row:
    entry = attempt.opening
    values: dict[str, Any] = {
        "route": attempt.route,
        "stage": attempt.stage,
        "opened_at": entry.at,
        "mode": entry.log,
        "lender_id": entry.lender,
        # Attempts are counted by this column over all verifications of a borrower.
        "borrower_index": borrower_index,
    }
    if "counted" in entry.body:
        values["counted"] = entry.body["counted"]
    return Row(ATTEMPT, (name,), entry.id, values)


def _reached(state: State, attempt: Attempt) -> Mapping[str, Any]:
    """How far an attempt has come that no entry has closed: alive, or void since it was left."""
    void_at = attempt.void_at or state.ended_at
    if void_at is not None:
        return {"status": "void", "closed_at": void_at, "burnt": False, "code": ""}
    status = "open" if attempt.is_with_borrower else "judging"
    return {"status": status, "closed_at": None, "burnt": False, "code": ""}


def _closed(entry: Entry) -> Mapping[str, Any]:
    body = entry.body
    return {
        "status": "lapsed" if entry.type == "attempt.lapsed" else body.get("outcome"),
        "code": body.get("code"),
        "burnt": body.get("burnt"),
        "closed_at": entry.at,
        **{column: body[column] for column in ("route", "stage") if column in body},
    }


def _ways(state: State) -> Iterator[Row]:
    """Links, sessions and codes. Each ends earlier by what a test clock is advanced."""
    for key, way in state.ways.items():
        values = dict(way.values)
        if (until := values.get("expires_at")) is not None:
            values["expires_at"] = until - state.advanced
        yield Row(ACCESS, key, way.entry, values)


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
