"""Does every row about a verification say what its entries say, and has every row its entry? Here first its own row.

Only what a body names is compared: the bytes of a body are signed, so nobody can take a name out of it unseen. Which
column is compared with what is listed in `columns.py`.
"""

from collections.abc import Iterator, Mapping
from hashlib import sha256
from operator import attrgetter
from typing import Any, Final

from verification.audit import projected_rows, signatures
from verification.audit.compare_attempts import compare_attempts
from verification.audit.compare_evidence import compare_evidence
from verification.audit.held_rows import (
    Held,
    Pair,
    Said,
    advanced_since,
    differs,
    earlier,
    load,
    named,
    reconcile,
    spelled,
)
from verification.audit.history import course_entry
from verification.core.errors import Conflict
from verification.core.events import CLOSINGS, DECISIONS, OBLIGATIONS, RECEIPT, REPORTED
from verification.core.findings import Finding
from verification.core.route import OURS
from verification.course import fold, policy, tables
from verification.course.projection import project
from verification.models import Verification

_ASKED: Final = frozenset({"requires_input", "processing"})
"""What one may be that nobody has decided: with its borrower, or with us. Which of the two is no entry."""
_MARKS: Final = {
    "in_review_since": "verification.in_review",
    "redacted_at": "verification.redacted",
    "disputed_at": "verification.disputed",
    "handed_over_at": "verification.handed_over",
}
"""Columns that are the time of the last entry of a type, or empty."""
_STANDING: Final = ("route", "stage", "turn", "combination", "last_failure")
"""Where it stands, as a move writes it down."""
_JUDGING: Final = ("attempt.judged", "attempt.reviewed", "attempt.lapsed", "route.chosen")
"""What says how an attempt went, or that another route has nothing to do with that."""

_PROJECTED: Final = (tables.LINK, tables.SESSION, tables.SIGNING, tables.HAND_OVER, tables.CLEARANCE)


def compare(log: str, held: Held) -> Iterator[Finding]:
    """Everything that the rows of one verification and its entries say differently."""
    yield from _compare_case(log, held)
    # The receipt is the one that a worker's decision, or an entry after its lender's, names by its hash.
    holds = {receipt.pk: sha256(str(receipt.jws).encode(errors="replace")).hexdigest() for receipt in held.receipts}
    pk, said = held.verification.pk, list[Said]()
    for entry, body in held.said(*DECISIONS, RECEIPT, naming="receipt"):
        pairs = [("jws", body["receipt"], holds[pk])] if pk in holds else None
        said.append((entry, pk, f"receipt of {pk}", pairs))
    yield from reconcile(log, held, said, {pk: f"receipt of {pk}" for pk in holds})
    yield from compare_attempts(log, held)
    yield from compare_evidence(log, held)
    state = fold.reach(map(course_entry, held.entries))
    yield from projected_rows.differences(log, held, project(state), _PROJECTED)


def require_as_said(verification: Verification) -> Held:
    """A verification's entries and rows, for whoever is about to end it by them; its own row is locked, and read anew.

    Raises `Conflict` unless every entry stands in its log and is signed as its type asks (`entries_unsound`), and its
    row, its attempts and their votes say what the entries say (`row_differs`): what was changed behind the log's back,
    to be put back once a worker has signed what it leads to, leads to nothing. Damaged evidence is told of where it is
    read.
    """
    verification.refresh_from_db()
    held, log = load([verification.pk], is_whole=False)[verification.pk], verification.mode
    if any(one.log != log for one in held.entries) or len(signatures.sound(held.entries)) != len(held.entries):
        raise Conflict("an entry about it does not count", code="entries_unsound")
    if wrong := [finding.detail for finding in (*_compare_case(log, held), *compare_attempts(log, held))]:
        raise Conflict(f"its rows are not what its entries say: {'; '.join(wrong[:3])}", code="row_differs")
    return held


def _compare_case(log: str, held: Held) -> Iterator[Finding]:
    """Everything that the row and its entries say differently."""
    yield from _compare_said(log, held)
    row = held.verification
    # The row counts its entries, so it knows of a newest one that was taken away before it was ordered.
    last = max((entry.verification_sequence or 0 for entry in held.entries), default=0)
    detail = f"verification {row.pk} counted {row.sequence} entries, the last one there is number {last}"
    if row.sequence > last:
        yield Finding(code="entry_lost", log=log, field="sequence", detail=f"{detail}: the newest are missing")
    elif row.sequence < last and any(held.said("verification.created", naming="profile")):
        yield Finding(code="row_differs", log=log, field="sequence", detail=f"{detail}: the count was turned back")
    opened = next(held.said("verification.created", naming="combinations"), None)
    if opened is None:
        if not held.entries:
            detail = f"verification {row.pk} is there, and no entry speaks of it"
            yield Finding(code="row_unsaid", log=log, detail=detail)
        return
    yield from _compare_times(log, held)
    if advanced_since(None, held.advances).total_seconds() != row.advanced_seconds:
        yield differs(log, held, "advanced_seconds", "a clock was advanced of it by another time than its entries say")
    end = next(held.said(*DECISIONS, naming="profile"), None)
    if end is None:
        yield from _compare_open(log, held, opened[1])
    elif "routes" not in end[1] and row.passed_routes != _led(held, opened[1])[0]["passed_routes"]:
        yield differs(log, held, "passed_routes", "its passed_routes are not what its entries lead to")


def _compare_said(log: str, held: Held) -> Iterator[Finding]:
    row, said = held.verification, list[Said]()
    for entry, body in held.said("verification.created", *DECISIONS, naming="profile"):
        pairs: list[Pair] = [
            ("profile", body["profile"], row.profile_id),
            ("profile_sha256", body.get("profile_sha256"), row.profile_sha256),
            ("log", entry.log, row.mode),
            ("lender", entry.lender_id, row.lender_id),
        ]
        if entry.type in DECISIONS:
            pairs += [("code", body.get("code"), row.code), ("at", entry.at, row.finished_at)]
            stood = {name: getattr(row, name) for name in _STANDING}
            pairs += named(body, routes=row.passed_routes, **stood)
        else:
            pairs += [("at", entry.at, row.created_at), ("renews", body.get("renews"), row.renews_id)]
            pairs += named(body, combinations=row.combinations)
            if "expires_at" in body:
                until = earlier(str(body["expires_at"]), advanced_since(entry, held.advances))
                pairs.append(("expires_at", until, spelled(row.expires_at)))
        said.append((entry, row.pk, f"verification {row.pk}", pairs))
    yield from reconcile(log, held, said, {})


def _compare_times(log: str, held: Held) -> Iterator[Finding]:
    """Of its marks, its obligation and its contract."""
    for column, entry_type in _MARKS.items():
        last = max((entry for entry in held.entries if entry.type == entry_type), key=attrgetter("at"), default=None)
        said = last.at if last is not None else None
        if said is not None and column == "in_review_since":  # its reviewers' time counts from it
            said -= advanced_since(last, held.advances)
        if said != getattr(held.verification, column):
            yield differs(log, held, column, f"{column} is not the time of its last entry {entry_type}")

    for column, entry_type in zip(("obligation_opened_at", "obligation_closed_at"), OBLIGATIONS, strict=True):
        times = [body["at"] for _, body in held.said(entry_type, naming="at")]
        if spelled(getattr(held.verification, column)) != (times[-1] if times else ""):
            yield differs(log, held, column, f"{column} is not what {entry_type} says")

    entry, reported = next(held.said(REPORTED, naming="signed_at"), (None, {}))
    if entry is not None and "release_not_before" in reported:
        until = earlier(str(reported["release_not_before"]), advanced_since(entry, held.advances))
        reported = {**reported, "release_not_before": until}
    for column in ("contract_signed_at", "release_not_before"):
        if reported.get(column.removeprefix("contract_"), "") != spelled(getattr(held.verification, column)):
            yield differs(log, held, column, f"{column} is not what its lender reported")


def _compare_open(log: str, held: Held, opened: Mapping[str, Any]) -> Iterator[Finding]:
    """Of one that has not ended: where the entries have led it, what it stands as, its turn, what failed last."""
    row, (led, in_review) = held.verification, _led(held, opened)
    for column, value in led.items():
        if getattr(row, column) != value:
            yield differs(log, held, column, f"its {column} is not what its entries lead to")
    lawful = frozenset({"in_review"}) if in_review else _ASKED
    answers = list(held.said("attempt.answered", "attempt.looked_at", naming="next"))
    if answers and lawful is _ASKED:
        # It is with us once the borrower has answered, until somebody says what that led to.
        answer, body = answers[-1]
        later = (one for one in held.entries if (one.verification_sequence or 0) > (answer.verification_sequence or 0))
        is_over = any(one.type in (*CLOSINGS, "attempt.opened") or "expires_at" in one.body for one in later)
        lawful = frozenset({"processing"}) if body["next"] in OURS and not is_over else _ASKED
    if row.status not in lawful:
        yield differs(log, held, "status", f"it stands as {row.status}, which its entries do not lead to")
    if row.finished_at is not None:
        yield differs(log, held, "finished_at", "it has an end, and the log ended it never")
    said, stage = 0, ""
    for entry, body in held.said("attempt.opened", "attempt.answered", naming="turn"):
        said = int(body["turn"]) + (entry.type == "attempt.answered" and body.get("next") != "part")
        stage = str(body.get("stage", "")) if entry.type == "attempt.opened" else stage
    # Who waits for a place has had a turn counted, and the next stage begun, by no entry; then no attempt is alive.
    is_alive = any(attempt.status in ("open", "judging") for attempt in held.attempts.values())
    if row.turn < said or (is_alive and row.turn != said):
        yield differs(log, held, "turn", f"its turn is {row.turn}, its entries lead to {said}")
    elif row.turn == said and row.stage != stage:
        yield differs(log, held, "stage", f"its stage is {row.stage}, its entries lead to {stage}")
    failure = ""
    for entry in (one for one in held.entries if one.type in _JUDGING and isinstance(one.body, dict)):
        outcome = entry.body.get("outcome", "passed" if entry.type == "route.chosen" else "failed")
        if outcome in ("passed", "failed"):
            failure = str(entry.body.get("code", "")) if outcome == "failed" else ""
    if row.last_failure not in {"", failure, *policy.HINDRANCES}:
        yield differs(log, held, "last_failure", f"nothing in its entries failed by {row.last_failure}")


def _led(held: Held, opened: Mapping[str, Any]) -> tuple[dict[str, Any], bool]:
    """Where the entries lead, by column; and whether people look, of which nobody has decided anything since."""
    route, combination, passed = str(opened.get("route", "")), list[str](), list[str]()
    if route:
        combination = next((list(one) for one in opened["combinations"] if one[:1] == [route]), combination)
    for _, body in held.said("route.chosen", naming="route"):
        left = held.attempts.get(str(body.get("leaves", "")))
        if left is not None and left.status in ("open", "judging"):
            continue  # a worker ends first what is left behind, and then begins it
        route = body["route"]
        combination, passed = body.get("combination", combination), body.get("passed", passed)
    types = ("verification.in_review", "attempt.reviewed", *DECISIONS)
    last = next((entry for entry in reversed(held.entries) if entry.type in types), None)
    in_review = last is not None and last.type == "verification.in_review"
    code = last.body.get("code", "") if last is not None and in_review and isinstance(last.body, dict) else ""
    return {"route": route, "combination": combination, "passed_routes": passed, "code": code}, in_review
