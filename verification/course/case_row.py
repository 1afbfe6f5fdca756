"""What the entries of a case imply of its own row, by column."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from verification.core.events import CLOSED, DISPUTED, OPENED
from verification.core.status import Status
from verification.course.entry import Entry, moment, text
from verification.course.row import Row
from verification.course.standing import HANDED_OVER, IN_REVIEW, REDACTED
from verification.course.state import State
from verification.course.tables import CASE

_MARKS: Final = {
    "redacted_at": REDACTED,
    "disputed_at": DISPUTED,
    "handed_over_at": HANDED_OVER,
}
"""Columns that are the time of the newest entry of a type, or empty."""
_STANDING: Final = ("route", "stage", "turn", "combination", "last_failure")
"""Where it stands, as an end states it."""


def of_case(state: State, *, case: str) -> Iterator[Row]:
    """The parts of the row of a case: of its opening, of its end, and what all entries lead to."""
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
    """Its marks, its clock, its obligation and its contract."""
    times, credit = state.standing.times, state.credit
    values: dict[str, Any] = {column: times.get(name) for column, name in _MARKS.items()}
    in_review, until, report = times.get(IN_REVIEW), credit.release_not_before, credit.report
    values["in_review_since"] = in_review and in_review - state.advanced
    values["advanced_seconds"] = int(state.advanced.total_seconds())
    for word in (OPENED, CLOSED):
        values[f"obligation_{word}_at"] = credit.obligation.get(word)
    values["contract_signed_at"] = moment(report.body, "signed_at") if report else None
    values["release_not_before"] = until and until - state.advanced
    return values


def _reached(state: State, opening: Entry) -> dict[str, Any]:
    """Its status and, before its end, where it stands."""
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
    """Whether the capture that the borrower leaves by this choice is still to be ended."""
    attempt = state.attempts.get(text(choice.body, "leaves"))
    return attempt is not None and attempt.closing is None and attempt.void_at is None


def status_of(state: State) -> Status:
    """Where it stands before its end: with its borrower, with us, or with people."""
    if state.in_review:
        return Status.IN_REVIEW
    return Status.PROCESSING if state.standing.is_ours else Status.REQUIRES_INPUT
