"""What the entries of a case imply of its own row, by column."""

from collections.abc import Collection, Iterator, Mapping
from typing import Any, Final

from verification.core.events import CLOSED, DISPUTED, OPENED
from verification.course import policy
from verification.course.entry import Entry, moment, text
from verification.course.row import Lawful, Row
from verification.course.standing import HANDED_OVER, IN_REVIEW, REDACTED
from verification.course.state import State
from verification.course.tables import CASE

_MARKS: Final = {
    "in_review_since": IN_REVIEW,
    "redacted_at": REDACTED,
    "disputed_at": DISPUTED,
    "handed_over_at": HANDED_OVER,
}
"""Columns that are the time of the newest entry of a type, or empty."""
_STANDING: Final = ("route", "stage", "turn", "combination", "last_failure")
"""Where it stands, as an end states it."""


def of_case(state: State, *, case: str, alive: Collection[str]) -> Iterator[Row]:
    """The parts of the row of a case. `alive`: its attempts that are alive by their rows."""
    opening, ending = state.opening.entry, state.ending
    if opening is not None and "profile" in opening.body:
        yield Row(CASE, (case,), opening.id, _of_opening(state, opening))
    if ending is not None and "profile" in ending.body:
        yield Row(CASE, (case,), ending.id, _of_end(ending))
    if opening is None or "combinations" not in opening.body:
        return
    values = _of_times(state)
    route, combination, passed = _reached(state, opening, alive)
    if ending is None:
        code = state.standing.review_code if state.in_review else ""
        reached = {
            "route": route,
            "combination": combination,
            "passed_routes": passed,
            "code": code,
        }
        for column, value in reached.items():
            detail = f"its {column} is not what its entries lead to"
            values[column] = _exactly(column, value, detail)
        values |= _while_open(state, alive)
    elif "routes" not in ending.body:
        detail = "its passed_routes are not what its entries lead to"
        values["passed_routes"] = _exactly("passed_routes", passed, detail)
    yield Row(CASE, (case,), "", {name: rule.of(case) for name, rule in values.items()})


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


def _of_times(state: State) -> dict[str, Lawful]:
    """Its marks, its clock, its obligation and its contract."""
    times, credit, values = state.standing.times, state.credit, dict[str, Lawful]()
    for column, entry_type in _MARKS.items():
        time = times.get(entry_type)
        if time is not None and entry_type == IN_REVIEW:
            time -= state.advanced
        detail = f"{column} is not the time of its last entry {entry_type}"
        values[column] = _exactly(column, time, detail)
    detail = "a clock was advanced of it by another time than its entries say"
    seconds = state.advanced.total_seconds()
    values["advanced_seconds"] = _exactly("advanced_seconds", seconds, detail)
    for word in (OPENED, CLOSED):
        column, detail = f"obligation_{word}_at", f"is not what obligation.{word} says"
        time = credit.obligation.get(word)
        values[column] = _exactly(column, time, f"{column} {detail}")
    until, report = credit.release_not_before, credit.report
    contract = {
        "contract_signed_at": moment(report.body, "signed_at") if report else None,
        "release_not_before": until and until - state.advanced,
    }
    for column, time in contract.items():
        values[column] = _exactly(column, time, f"{column} is not what its lender reported")
    return values


def _reached(
    state: State, opening: Entry, alive: Collection[str]
) -> tuple[str, list[str], list[str]]:
    """The route, its combination, and the routes that are over."""
    route, combination, passed = text(opening.body, "route"), list[str](), list[str]()
    if route:
        starting = (names for names in opening.body["combinations"] if names[:1] == [route])
        combination = list(next(starting, combination))
    for entry in state.standing.choices:
        if entry.body.get("leaves") in alive:
            continue  # a worker ends first what is left behind, and then begins it
        route = entry.body["route"]
        combination = entry.body.get("combination", combination)
        passed = entry.body.get("passed", passed)
    return route, combination, passed


def _while_open(state: State, alive: Collection[str]) -> dict[str, Lawful]:
    """Of one that has not ended: its status, its turn and stage, and what failed last."""
    standing = state.standing
    statuses: tuple[str, ...] = ("requires_input", "processing")  # with its borrower, or with us
    if state.in_review:
        statuses = ("in_review",)
    elif standing.is_ours:
        statuses = ("processing",)

    def status(row: Mapping[str, Any]) -> str:
        if row["status"] in statuses:
            return ""
        return f"it stands as {row['status']}, which its entries do not lead to"

    def turn(row: Mapping[str, Any]) -> str:
        # A turn may be counted, and the next stage begun, without an entry while the borrower
        # waits for a place. No attempt is alive then.
        if row["turn"] == standing.turn or (row["turn"] > standing.turn and not alive):
            return ""
        return f"its turn is {row['turn']}, its entries lead to {standing.turn}"

    def stage(row: Mapping[str, Any]) -> str:
        if row["turn"] != standing.turn or row["stage"] == standing.stage:
            return ""
        return f"its stage is {row['stage']}, its entries lead to {standing.stage}"

    def last_failure(row: Mapping[str, Any]) -> str:
        if row["last_failure"] in ("", standing.failure, *policy.HINDRANCES):
            return ""
        return f"nothing in its entries failed by {row['last_failure']}"

    detail = "it has an end, and the log ended it never"
    return {
        "status": Lawful(status),
        "finished_at": _exactly("finished_at", None, detail),
        "turn": Lawful(turn),
        "stage": Lawful(stage),
        "last_failure": Lawful(last_failure),
    }


def _exactly(column: str, value: Any, detail: str) -> Lawful:
    """One value alone, with a sentence of its own for another."""
    return Lawful(lambda row: "" if row[column] == value else detail)
