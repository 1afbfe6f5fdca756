"""How long camera frames are kept after the end, and what holds them longer."""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from verification.core.events import DESTROYED, DISPUTED
from verification.core.route import is_frame
from verification.course import policy
from verification.course.entry import MOVE, TIME, Entry, Fault, listed, maps, text
from verification.course.projection import Lawful, Row
from verification.course.state import State, Step
from verification.course.tables import CASE

_DECLINED = "verification.declined"


def destroyed(state: State, entry: Entry) -> Step:
    """Destruction of frames: late enough after the end, no held frame, and only frames."""
    kinds = {name: kind for _, name, kind in _items(state)}
    strange = [
        name
        for name in map(str, listed(entry.body, "destroyed"))
        if not is_frame(kinds.get(name, ""))
    ]
    due = _due(state)
    if due is None or entry.at < due:
        return state, [Fault(TIME, "frames were destroyed too early")]
    if _is_held(state):
        return state, [Fault(MOVE, "held frames were destroyed")]
    if strange:
        return state, [Fault(MOVE, f"{strange[0]} was destroyed and is not a frame")]
    return state, []


def of_frames(state: State, *, case: str, now: datetime) -> Iterator[Row]:
    """Until when the row of a case keeps frames: the only column that needs a clock.

    Before the end it counts from the last attempt that films.

    From that time on the step writes it: empty after the destruction, later while a dispute holds
    the frames.
    """
    if state.opening.entry is None:
        return
    due = _due(state)
    is_kept = any(True for _ in _kept_frames(state))

    def wrong(row: Mapping[str, Any]) -> str:
        until = row["frames_until"]
        if due is None:
            is_wrong = until != _expected(state)
            return "the expiry of its frames contradicts its attempts" if is_wrong else ""
        is_put_off = DISPUTED in state.standing.times
        is_early = until is None and is_kept and now < due
        is_wrong = is_early or (until not in (None, due) and not is_put_off)
        return "the expiry of its frames contradicts its end" if is_wrong else ""

    yield Row(CASE, (case,), "", {"frames_until": Lawful(wrong).of(case)})


def _due(state: State) -> datetime | None:
    """When its frames may be destroyed; None before the end."""
    if state.ended_at is None:
        return None
    return state.ended_at + timedelta(seconds=policy.FRAMES_KEPT_SECONDS)


def _expected(state: State) -> datetime | None:
    """The expiry before the end: counted from the last attempt that films."""
    filmed = [
        each.opening.at for each in state.attempts.values() if "has_frames" in each.opening.body
    ]
    return max(filmed) + timedelta(seconds=policy.FRAMES_KEPT_SECONDS) if filmed else None


def _is_held(state: State) -> bool:
    """Whether a dispute holds them, or a decline because of their content."""
    if state.credit.is_disputed:
        return True
    if state.ending is None or state.ending.type != _DECLINED:
        return False
    codes = {
        text(check, "code")
        for listing in state.standing.listings
        for check in maps(listing.body, "checks")
    }
    is_for_ending = text(state.ending.body, "code") in policy.FRAMES_HELD_ENDINGS
    return is_for_ending or bool(codes & policy.FRAMES_HELD_FOR)


def _kept_frames(state: State) -> Iterator[str]:
    """Camera frames that no entry destroys."""
    filmed = {
        name for name, attempt in state.attempts.items() if "has_frames" in attempt.opening.body
    }
    if not filmed:
        return
    gone = {
        str(name)
        for entry in state.standing.listings
        if entry.type == DESTROYED
        for name in listed(entry.body, "destroyed")
    }
    for attempt_name, name, kind in _items(state):
        if attempt_name in filmed and is_frame(kind) and name not in gone:
            yield name


def _items(state: State) -> Iterator[tuple[str, str, str]]:
    """Attempt, id and kind of each sealed original that entries list."""
    for entry in state.standing.listings:
        for claim in maps(entry.body, "evidence"):
            if "id" in claim:
                yield text(entry.body, "attempt"), str(claim["id"]), str(claim.get("kind"))
