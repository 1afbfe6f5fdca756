"""Links, sessions, and the codes for a phone and for the signer's app: what lets somebody in.

Of each the entries know a hash of its secret. Times count as `State.time` does.
"""

from collections.abc import Mapping
from functools import partial
from typing import Any, Final

from verification.course.entry import Entry, replace, text
from verification.course.state import State, Step, Way, WayKey
from verification.course.tables import HAND_OVER, LINK, SESSION, SIGNING

_NAMES: Final = {SIGNING: ("signing", "access"), HAND_OVER: ("hand_over", "phone")}
"""By the table of a code, the fields of entries that name it and the secret of its reader."""
_SECRETS: Final = {SIGNING: "access_sha256", HAND_OVER: "phone_sha256"}


def link_minted(state: State, entry: Entry) -> Step:
    """A link. A person of the lender who sent it has no vote."""
    senders = state.senders | {text(entry.body, "person")} - {""}
    return with_link(replace(state, senders=senders), entry), []


def with_link(state: State, entry: Entry) -> State:
    """The state with the link that an entry mints; earlier links let nobody in any more."""
    if "link" not in entry.body:
        return state
    expires_at = state.moment(entry.body, "link_expires_at")
    values = {"created_at": entry.at, "expires_at": expires_at, "spent_at": None}
    return _with(_without_links(state, entry), entry, (LINK, text(entry.body, "link")), **values)


def link_spent(state: State, entry: Entry) -> Step:
    """The borrower opens a link, which begins a session."""
    if "link" in entry.body:
        key = (LINK, text(entry.body, "link"))
        state = _with_session(_with(state, entry, key, spent_at=entry.at), entry)
    return state, []


def handed_over(state: State, entry: Entry) -> Step:
    """The phone goes on with a session of its own."""
    state, _ = code_used(_without_links(state, entry), entry, table=HAND_OVER, outcome="done")
    return _with_session(state, entry), []


def code_minted(state: State, entry: Entry, *, table: str) -> Step:
    """A code, which replaces an earlier one: for the app, only one of the same turn."""
    turn = {"turn": entry.body.get("turn")} if table == SIGNING else {}
    for key in _keys(state, table, outcome="", **turn):
        state = _with(state, entry, key, outcome="superseded")
    values = {
        "session_id": entry.body.get("session"),
        **turn,
        _SECRETS[table]: None,
        "expires_at": state.moment(entry.body, "expires_at"),
        "outcome": "",
    }
    return _with(state, entry, _code_key(entry, table), **values), []


def code_read(state: State, entry: Entry, *, table: str) -> Step:
    """A code is read, and its reader has a secret to go on by."""
    _, secret = _NAMES[table]
    values = {
        _SECRETS[table]: entry.body.get(secret),
        "expires_at": state.moment(entry.body, "expires_at"),
    }
    return _with(state, entry, _code_key(entry, table), **values), []


def code_used(state: State, entry: Entry, *, table: str, outcome: str = "") -> Step:
    """What becomes of a code; without an outcome the entry states it as its code."""
    return _with(
        state, entry, _code_key(entry, table), outcome=outcome or entry.body.get("code")
    ), []


def stopped(state: State, entry: Entry) -> Step:
    """At a phone the borrower reports somebody who tells them what to press."""
    return code_used(replace(state, is_stopped=True), entry, table=HAND_OVER, outcome="stopped")


def live_session(state: State) -> str:
    """The hash of the session that may answer now; empty before the first link is spent."""
    live = (hash for _, hash in _keys(state, SESSION, ended_at=None))
    return next(live, "")


def unmoved(state: State, entry: Entry) -> Step:
    """What is on record about a verification and moves nothing of its course."""
    return state, []


signing_minted = partial(code_minted, table=SIGNING)
signing_read = partial(code_read, table=SIGNING)
signing_taken = partial(code_used, table=SIGNING, outcome="taken")
signing_refused = partial(code_used, table=SIGNING)
hand_over_minted = partial(code_minted, table=HAND_OVER)
hand_over_read = partial(code_read, table=HAND_OVER)
hand_over_refused = partial(code_used, table=HAND_OVER, outcome="refused")


def _with(state: State, entry: Entry, key: WayKey, **values: Any) -> State:
    """The state in which this entry gives a way in these values."""
    earlier: Mapping[str, Any] = state.ways[key].values if key in state.ways else {}
    return replace(state, ways={**state.ways, key: Way(entry.id, {**earlier, **values})})


def _keys(state: State, table: str, **values: Any) -> list[WayKey]:
    """The ways in of a table that have these values."""
    return [
        key
        for key, way in state.ways.items()
        if key[0] == table and values.items() <= way.values.items()
    ]


def _code_key(entry: Entry, table: str) -> WayKey:
    name, _ = _NAMES[table]
    return table, text(entry.body, name)


def _without_links(state: State, entry: Entry) -> State:
    """The links that were not spent end now."""
    now = state.time(entry)
    for key in _keys(state, LINK, spent_at=None):
        expires_at = state.ways[key].values["expires_at"]
        if expires_at is not None and expires_at > now:
            state = _with(state, entry, key, expires_at=now)
    return state


def _with_session(state: State, entry: Entry) -> State:
    """The state with the session that an entry begins; the one before it ends."""
    for key in _keys(state, SESSION, ended_at=None):
        state = _with(state, entry, key, ended_at=entry.at)
    key = (SESSION, text(entry.body, "session"))
    return _with(state, entry, key, created_at=entry.at, ended_at=None)
