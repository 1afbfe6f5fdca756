"""The rows of a case that its entries imply: a projection of the state they lead to."""

from collections.abc import Collection, Iterator, Mapping
from typing import Any, Final

from verification.core.clearance import CONSUMED, FROZEN, ISSUED, PROCESSING
from verification.core.route import Next
from verification.course.case_row import of_case
from verification.course.entry import Entry, moment, text
from verification.course.evidence_rows import of_evidence
from verification.course.key_row import of_key
from verification.course.length import of_length
from verification.course.row import Lawful, Row
from verification.course.state import Attempt, Clearance, State
from verification.course.tables import ATTEMPT, CLEARANCE, RECEIPT, VOTE

ALIVE: Final = ("open", "judging")
"""The status of an attempt that is with its borrower, or with us."""
_TERMS: Final[Mapping[str, tuple[str, Any]]] = {
    "code": ("code", ""),
    "profile_id": ("profile", None),
    "contract_sha256": ("contract", None),
    "cap_tiyn": ("cap", None),
    "gates": ("gates", []),
    "amount_tiyn": ("amount", None),
}
"""By column, the term of a clearance that it holds, and its value before an entry states it."""


def project(
    state: State, *, case: str, borrower_index: str | None, alive: Collection[str]
) -> Iterator[Row]:
    """The rows of the case in this state.

    `borrower_index`: what its borrower is found by, which the index key gives.
    `alive`: the attempts that are alive by their rows; a worker ends one without an entry.
    """
    yield from of_case(state, case=case, alive=alive)
    yield from of_length(state, case=case)
    yield from of_key(state, case=case)
    for entry, digest in state.receipts.items():
        yield Row(RECEIPT, (case,), entry, {"jws": digest})
    for name, attempt in state.attempts.items():
        if not name:  # an entry that names no row implies none
            continue
        yield _opened(name, attempt, borrower_index)
        if attempt.until is not None:
            yield _under_way(state, name, attempt, case)
        if attempt.closing is None:
            yield _unclosed(state, name, attempt, case)
        else:
            yield _closed(name, attempt.closing)
        for person, vote in attempt.votes.items():
            values = {"passes": vote.passes, "created_at": vote.at}
            yield Row(VOTE, (name, person), vote.entry, values)
    yield from of_evidence(state, case=case)
    yield from _ways(state)
    for name, clearance in state.credit.clearances.items():
        if name:
            yield Row(CLEARANCE, (name,), clearance.entry, _of_clearance(state, clearance))


def _opened(name: str, attempt: Attempt, borrower_index: str | None) -> Row:
    entry = attempt.opening
    values = {
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


def _under_way(state: State, name: str, attempt: Attempt, case: str) -> Row:
    """How far it has come. One that has just begun may be with the borrower or with us."""
    until = attempt.until and attempt.until - state.advanced
    values: dict[str, Any] = {
        "turn": attempt.turn,
        "answers": attempt.answers,
        "expires_at": until,
    }
    if attempt.next:
        status = "open" if attempt.next in (Next.ASK, Next.PART) else "judging"

        def is_wrong(row: Mapping[str, Any]) -> str:
            if row["status"] not in ALIVE or row["status"] == status:
                return ""
            return f"attempt {name} stands as {row['status']}, its entries lead to {status}"

        values["status"] = Lawful(is_wrong).of(case)
    return Row(ATTEMPT, (name,), attempt.entry, values)


def _closed(name: str, entry: Entry) -> Row:
    body = entry.body
    values = {
        "status": "lapsed" if entry.type == "attempt.lapsed" else body.get("outcome"),
        "code": body.get("code"),
        "burnt": body.get("burnt"),
        "closed_at": entry.at,
        **{column: body[column] for column in ("route", "stage") if column in body},
    }
    return Row(ATTEMPT, (name,), entry.id, values)


def _unclosed(state: State, name: str, attempt: Attempt, case: str) -> Row:
    """It is alive while its case is, or void since an entry left it behind."""

    def is_wrong_end(row: Mapping[str, Any]) -> str:
        closed_at, is_alive, wrong = row["closed_at"], row["status"] in ALIVE, ""
        choices = state.standing.choices
        is_left = closed_at in (*(entry.at for entry in choices), state.ended_at)
        leaving = [entry.at for entry in choices if entry.body.get("leaves") == name]
        if leaving and closed_at is not None:
            is_left |= closed_at >= leaving[0]
        if row["status"] == "void" and (closed_at is None or not is_left):
            wrong = "was left behind when nothing in the log leaves it behind"
        elif is_alive and closed_at is not None:
            wrong = "is alive and has an end"
        elif is_alive and state.end:
            wrong = "is alive in a verification that has ended"
        return wrong and f"attempt {name} {wrong}"

    def is_wrong_status(row: Mapping[str, Any]) -> str:
        if row["status"] in (*ALIVE, "void") and not row["burnt"] and not row["code"]:
            return ""
        status = f"{row['status']}{', burnt' if row['burnt'] else ''}"
        return f"attempt {name} stands as {status}, but the log closed it never"

    end, status = Lawful(is_wrong_end).of(case), Lawful(is_wrong_status, "row_unsaid")
    return Row(ATTEMPT, (name,), "", {"closed_at": end, "status": status})


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
