"""The rows that the entries of a case imply: a projection of its state."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, Final, NamedTuple

from verification.core.clearance import CONSUMED, FROZEN, ISSUED, PROCESSING
from verification.core.events import (
    CLOSED,
    DESTROYED,
    DISPUTED,
    OPENED,
    REDACTED,
    REQUESTED,
    WITHDRAWN,
)
from verification.core.keeping import words_mark
from verification.core.status import Status
from verification.course import retention
from verification.course.entry import Entry, listed, maps, moment, text
from verification.course.standing import HANDED_OVER, IN_REVIEW, LOOKED_AT
from verification.course.state import Attempt, Clearance, State
from verification.course.tables import (
    ACCESS,
    ATTEMPT,
    CASE,
    CLEARANCE,
    ITEM,
    KEY,
    RECEIPT,
    SHARED_USE,
    VOTE,
    WORD,
)


class Lawful(NamedTuple):
    """Permitted values of a column for which entries allow several.

    wrong: the defect of a stored row, as a sentence; empty if correct.
    """

    wrong: Callable[[Mapping[str, Any]], str]
    code: str = "row_differs"

    def of(self, case: str) -> "Lawful":
        """The same, with sentences that name the case."""

        def wrong(row: Mapping[str, Any]) -> str:
            detail = self.wrong(row)
            return detail and f"verification {case}: {detail}"

        return Lawful(wrong, self.code)


@dataclass(frozen=True)
class Row:
    """One entry's statement about one row. Several entries give several parts of a row.

    values: by column; `Lawful` if the column may hold several. Bytes are in hex.
    """

    table: str
    key: tuple[str, ...]
    entry: str
    values: Mapping[str, Any]


def of_key(state: State, *, case: str) -> Iterator[Row]:
    """The row of the key that sealed a case at its opening."""
    opening = state.opening.entry
    if opening is None or "case" not in opening.body:
        return
    yield Row(KEY, (case,), opening.id, {})
    at = state.standing.times.get(REDACTED)
    values = {"destroyed_at": _destroyed(at).of(case), "wrapped_key": Lawful(_wrapped).of(case)}
    yield Row(KEY, (case,), "", values)


def _destroyed(at: datetime | None) -> Lawful:
    detail = "the destruction of its key in the row contradicts its entries"
    return Lawful(lambda row: "" if row["destroyed_at"] == at else detail)


def _wrapped(row: Mapping[str, Any]) -> str:
    if (row["wrapped_key"] is None) == (row["destroyed_at"] is not None):
        return ""
    return "its key bytes contradict its destruction mark"


def of_evidence(state: State, *, case: str) -> Iterator[Row]:
    """Sealed items, uses of shared evidence, and words."""
    erased_at, entry_of_word = state.standing.times.get(REDACTED), dict[str, Entry]()
    items, destroyed = set[str](), set[str]()
    for entry in state.standing.listings:
        attempt = entry.body.get("attempt")
        if entry.type == DESTROYED:
            for name in map(str, listed(entry.body, "destroyed")):
                destroyed.add(name)
                values = {"attempt_id": attempt, "destroyed_at": entry.at}
                yield Row(ITEM, (name,), entry.id, values)
            continue
        for claim in maps(entry.body, "evidence"):
            if "id" in claim:
                items.add(str(claim["id"]))
                yield _of_item(entry, claim, is_erased=erased_at is not None)
            if "sha256" in claim:
                key = (str(attempt), str(claim.get("kind")))
                yield Row(SHARED_USE, key, entry.id, {"evidence_id": claim["sha256"]})
        if entry.type == LOOKED_AT and "words" in entry.body:
            entry_of_word[str(attempt)] = entry
    for name in sorted(items - destroyed):
        yield Row(ITEM, (name,), "", {"destroyed_at": erased_at or _unless_destroyed(case)})
    for name, entry in entry_of_word.items():
        mark = words_mark(name, ()) if erased_at else entry.body["words"]
        yield Row(WORD, (name,), entry.id, {"word": mark})


def _of_item(entry: Entry, claim: Mapping[str, Any], *, is_erased: bool) -> Row:
    """An item that an entry lists. Erasure removes its search value."""
    values = {
        "attempt_id": entry.body.get("attempt"),
        "kind": claim.get("kind"),
        "created_at": entry.at,
        "seen_index": None if is_erased else claim.get("seen"),
    }
    return Row(ITEM, (str(claim["id"]),), entry.id, values)


def _unless_destroyed(case: str) -> Lawful:
    """Checks that destroyed items have an entry of their destruction."""

    def wrong(row: Mapping[str, Any]) -> str:
        if row["destroyed_at"] is None:
            return ""
        title = f"destroyed evidence {row['id']} ({row['kind']}) of attempt {row['attempt_id']}"
        return f"verification {case} holds the {title}, of which no entry speaks"

    return Lawful(wrong, "row_unsaid")


_MARKS: Final = {
    "redacted_at": REDACTED,
    "redaction_requested_at": REQUESTED,
    "consent_withdrawn_at": WITHDRAWN,
    "disputed_at": DISPUTED,
    "handed_over_at": HANDED_OVER,
}
"""Columns with the time of the newest entry of a type, or empty."""
_STANDING: Final = ("route", "stage", "turn", "combination", "last_failure")
"""Its position, as an end states it."""


def of_case(state: State, *, case: str) -> Iterator[Row]:
    """The parts of a case's row: from its opening, its end, and the state of all entries."""
    opening, ending = state.opening.entry, state.ending
    if opening is not None and "profile" in opening.body:
        yield Row(CASE, (case,), opening.id, _of_opening(state, opening))
    if ending is not None and "profile" in ending.body:
        yield Row(CASE, (case,), ending.id, _of_end(ending))
    if opening is not None and "combinations" in opening.body:
        yield Row(CASE, (case,), "", {**_of_times(state), **_reached(state, opening)})


def _of_law(entry: Entry) -> dict[str, Any]:
    return {
        "profile_id": entry.body["profile"],
        "profile_sha256": entry.body.get("profile_sha256"),
        "mode": entry.log,
        "lender_id": entry.lender,
    }


def _of_opening(state: State, entry: Entry) -> Mapping[str, Any]:
    values = {**_of_law(entry), "created_at": entry.at, "renews_id": entry.body.get("renews")}
    if "combinations" in entry.body:
        values["combinations"] = entry.body["combinations"]
    if "expires_at" in entry.body:
        until = state.opening.expires_at
        values["expires_at"] = until and until - state.advanced
    return values


def _of_end(entry: Entry) -> Mapping[str, Any]:
    body = entry.body
    values = {**_of_law(entry), "code": body.get("code"), "finished_at": entry.at}
    values |= {column: body[column] for column in _STANDING if column in body}
    return values | ({"passed_routes": body["routes"]} if "routes" in body else {})


def _of_times(state: State) -> dict[str, Any]:
    """Its marks, its clock, its obligation, its retention and its contract."""
    times, credit = state.standing.times, state.credit
    values: dict[str, Any] = {column: times.get(name) for column, name in _MARKS.items()}
    in_review, until, report = times.get(IN_REVIEW), credit.release_not_before, credit.report
    values["in_review_since"] = in_review and in_review - state.advanced
    values["advanced_seconds"] = int(state.advanced.total_seconds())
    for word in (OPENED, CLOSED):
        values[f"obligation_{word}_at"] = credit.obligation.get(word)
    values["kept_until"] = retention.until(state)
    values["contract_signed_at"] = moment(report.body, "signed_at") if report else None
    values["release_not_before"] = until and until - state.advanced
    return values


def _reached(state: State, opening: Entry) -> dict[str, Any]:
    """Its status and, before its end, its position."""
    standing, ending = state.standing, state.ending
    combination, passed_routes, route = list[str](), list[str](), text(opening.body, "route")
    if route:
        starting = (names for names in opening.body["combinations"] if names[:1] == [route])
        combination = list(next(starting, combination))
    for entry in standing.choices:
        if _is_to_come(state, entry):
            continue
        route = text(entry.body, "route")
        combination = entry.body.get("combination", combination)
        passed_routes = entry.body.get("passed", passed_routes)
    if ending is not None:
        reached = {"status": state.end.removeprefix("verification.")}
        return reached if "routes" in ending.body else {**reached, "passed_routes": passed_routes}
    return {
        "route": route,
        "combination": combination,
        "passed_routes": passed_routes,
        "status": status_of(state),
        "code": standing.review_code if state.in_review else "",
        "finished_at": None,
        "turn": standing.turn,
        "stage": standing.stage,
        "last_failure": standing.failure,
    }


def _is_to_come(state: State, choice: Entry) -> bool:
    """Whether the capture that the borrower leaves by this choice is still to end."""
    attempt = state.attempts.get(text(choice.body, "leaves"))
    return attempt is not None and attempt.closing is None and attempt.void_at is None


def status_of(state: State) -> Status:
    """Its status before the end: with the borrower, with the system, or with people."""
    if state.in_review:
        return Status.IN_REVIEW
    return Status.PROCESSING if state.standing.is_ours else Status.REQUIRES_INPUT


def of_length(state: State, *, case: str) -> Iterator[Row]:
    """The entry count of a case. Missing entries show as a higher count; fewer than at opening
    never count.
    """
    if not state.length:
        return
    opening = state.opening.entry
    is_opened = opening is not None and "profile" in opening.body

    def wrong(row: Mapping[str, Any], *, is_lost: bool) -> str:
        counted = row["sequence"]
        is_wrong = counted > state.length if is_lost else is_opened and counted < state.length
        if not is_wrong:
            return ""
        cause = "the newest are missing" if is_lost else "the count was turned back"
        return f"verification {case} counted {counted} entries, {state.length} are there: {cause}"

    for code, is_lost in (("entry_lost", True), ("row_differs", False)):
        values = {"sequence": Lawful(partial(wrong, is_lost=is_lost), code)}
        yield Row(CASE, (case,), "", values)


_TERMS: Final[Mapping[str, tuple[str, Any]]] = {
    "code": ("code", ""),
    "profile_id": ("profile", None),
    "contract_sha256": ("contract", None),
    "cap_tiyn": ("cap", None),
    "gates": ("gates", []),
    "amount_tiyn": ("amount", None),
}
"""For each column, the clearance term in it, and its value before an entry states one."""


def project(state: State, *, case: str, borrower_index: str | None) -> Iterator[Row]:
    """The rows of the case in this state.

    borrower_index: the borrower's search value, from the index key.
    """
    yield from of_case(state, case=case)
    yield from of_length(state, case=case)
    yield from of_key(state, case=case)
    for entry, digest in state.receipts.items():
        yield Row(RECEIPT, (case,), entry, {"jws": digest})
    for name, attempt in state.attempts.items():
        if not name:  # an entry without a row's name implies no row
            continue
        yield from of_attempt(state, name, borrower_index=borrower_index)
        for person, vote in attempt.votes.items():
            values = {"passes": vote.passes, "created_at": vote.at}
            yield Row(VOTE, (name, person), vote.entry, values)
    yield from of_evidence(state, case=case)
    yield from _ways(state)
    for name, clearance in state.credit.clearances.items():
        if name:
            yield Row(CLEARANCE, (name,), clearance.entry, of_clearance(state, clearance))


def of_attempt(state: State, name: str, *, borrower_index: str | None) -> Iterator[Row]:
    """The parts of an attempt's row: its opening, its dialogue, its end."""
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
        yield Row(ATTEMPT, (name,), "", _attempt_reached(state, attempt))
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
        # Attempts count by this column over all verifications of a borrower.
        "borrower_index": borrower_index,
    }
    if "counted" in entry.body:
        values["counted"] = entry.body["counted"]
    return Row(ATTEMPT, (name,), entry.id, values)


def _attempt_reached(state: State, attempt: Attempt) -> Mapping[str, Any]:
    """The status of an attempt before its closing entry: alive, or void since it was left."""
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
    """Links, sessions and codes. An advanced test clock moves their expiry forward."""
    for key, way in state.ways.items():
        values = dict(way.values)
        if (until := values.get("expires_at")) is not None:
            values["expires_at"] = until - state.advanced
        yield Row(ACCESS, key, way.entry, values)


def of_clearance(state: State, clearance: Clearance) -> Mapping[str, Any]:
    """A clearance's row by column, its search values in hex."""
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
