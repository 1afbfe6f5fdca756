"""Access to a verification: links, sessions, and codes for a phone or the signing app.

Entries hold the hash of each secret. Times count as `State.time` does.
"""

from collections.abc import Mapping
from functools import partial
from typing import Any, Final

from verification.core.ids import HAND_OVER, LINK, MOBILE_SIGNING, SESSION
from verification.course.entry import TIME, Entry, Fault, replace, text
from verification.course.state import State, Step, Way, WayKey

CODE_FIELDS: Final = {MOBILE_SIGNING: ("signing", "access"), HAND_OVER: ("hand_over", "phone")}
"""For each kind of code, the entry fields with its hash and the hash of its reader's secret."""
_FRESH: Final = {
    "parent_id": None,
    "second_digest": None,
    "turn": None,
    "expires_at": None,
    "spent_at": None,
    "outcome": "",
}
"""The columns of an access that was not used yet."""


def link_minted(state: State, entry: Entry) -> Step:
    """A link, of no longer life than its verification. Who sent it for the lender has no vote."""
    senders = state.senders | {text(entry.body, "person")} - {""}
    until, end = state.moment(entry.body, "link_expires_at"), state.opening.expires_at
    is_late = until is not None and end is not None and until > end
    faults = [Fault(TIME, "a link outlives its verification")] if is_late else []
    return with_link(replace(state, senders=senders), entry), faults


def with_link(state: State, entry: Entry) -> State:
    """The state with an entry's new link; earlier links no longer admit the borrower."""
    if "link" not in entry.body:
        return state
    expires_at = state.moment(entry.body, "link_expires_at")
    values = {**_FRESH, "created_at": entry.at, "expires_at": expires_at}
    return _with(_without_links(state, entry), entry, (LINK, text(entry.body, "link")), **values)


def link_spent(state: State, entry: Entry) -> Step:
    """The borrower opens a link, which starts a session."""
    if "link" in entry.body:
        key = (LINK, text(entry.body, "link"))
        state = _with_session(_with(state, entry, key, spent_at=entry.at), entry)
    return state, []


def handed_over(state: State, entry: Entry) -> Step:
    """The phone continues with its own session."""
    state, _ = code_used(_without_links(state, entry), entry, kind=HAND_OVER, outcome="done")
    return _with_session(state, entry), []


def code_minted(state: State, entry: Entry, *, kind: str) -> Step:
    """A code replaces an earlier one; for the app, only one of the same turn."""
    turn = entry.body.get("turn") if kind == MOBILE_SIGNING else None
    for key in _keys(state, kind, outcome="", turn=turn):
        state = _with(state, entry, key, outcome="superseded")
    values = {
        **_FRESH,
        "parent_id": entry.body.get("session"),
        "turn": turn,
        "created_at": entry.at,
        "expires_at": state.moment(entry.body, "expires_at"),
    }
    return _with(state, entry, _code_key(entry, kind), **values), []


def code_read(state: State, entry: Entry, *, kind: str) -> Step:
    """A code is read, and its reader gets a secret."""
    _, secret = CODE_FIELDS[kind]
    values = {
        "second_digest": entry.body.get(secret),
        "expires_at": state.moment(entry.body, "expires_at"),
    }
    return _with(state, entry, _code_key(entry, kind), **values), []


def code_used(state: State, entry: Entry, *, kind: str, outcome: str = "") -> Step:
    """The outcome of a code; without one, the entry states it as its code."""
    word = outcome or entry.body.get("code")
    return _with(state, entry, _code_key(entry, kind), outcome=word), []


def stopped(state: State, entry: Entry) -> Step:
    """The borrower reports, on a phone, a person who instructs them."""
    return code_used(replace(state, is_stopped=True), entry, kind=HAND_OVER, outcome="stopped")


def live_session(state: State) -> str:
    """The hash of the session that may answer now; empty before the first link is spent."""
    live = (digest for _, digest in _keys(state, SESSION, spent_at=None))
    return next(live, "")


def unmoved(state: State, entry: Entry) -> Step:
    """Entries that do not move the course."""
    return state, []


signing_minted = partial(code_minted, kind=MOBILE_SIGNING)
signing_read = partial(code_read, kind=MOBILE_SIGNING)
signing_taken = partial(code_used, kind=MOBILE_SIGNING, outcome="taken")
signing_refused = partial(code_used, kind=MOBILE_SIGNING)
hand_over_minted = partial(code_minted, kind=HAND_OVER)
hand_over_read = partial(code_read, kind=HAND_OVER)
hand_over_refused = partial(code_used, kind=HAND_OVER, outcome="refused")


def _with(state: State, entry: Entry, key: WayKey, **values: Any) -> State:
    """The state in which this entry gives an access these values."""
    earlier: Mapping[str, Any] = state.ways[key].values if key in state.ways else {}
    return replace(state, ways={**state.ways, key: Way(entry.id, {**earlier, **values})})


def _keys(state: State, kind: str, **values: Any) -> list[WayKey]:
    """Accesses of a kind with these values."""
    return [
        key
        for key, way in state.ways.items()
        if key[0] == kind and values.items() <= way.values.items()
    ]


def _code_key(entry: Entry, kind: str) -> WayKey:
    name, _ = CODE_FIELDS[kind]
    return kind, text(entry.body, name)


def _without_links(state: State, entry: Entry) -> State:
    """Unspent links end now."""
    now = state.time(entry)
    for key in _keys(state, LINK, spent_at=None):
        expires_at = state.ways[key].values["expires_at"]
        if expires_at is not None and expires_at > now:
            state = _with(state, entry, key, expires_at=now)
    return state


def _with_session(state: State, entry: Entry) -> State:
    """The state with an entry's new session; the previous one ends."""
    for key in _keys(state, SESSION, spent_at=None):
        state = _with(state, entry, key, spent_at=entry.at)
    key = (SESSION, text(entry.body, "session"))
    return _with(state, entry, key, **(_FRESH | {"created_at": entry.at}))
