"""Links, and the codes for a phone and for the signer's app: what they mean for the course."""

from dataclasses import replace

from verification.course.entry import Entry, text
from verification.course.state import State, Step


def link_minted(state: State, entry: Entry) -> Step:
    """A link. A person of the lender who sent it has no vote."""
    return replace(state, senders=state.senders | {text(entry.body, "person")} - {""}), []


def stopped(state: State, entry: Entry) -> Step:
    """At a phone the borrower reports somebody who tells them what to press."""
    return replace(state, is_stopped=True), []


def unmoved(state: State, entry: Entry) -> Step:
    """What is on record about a verification and moves nothing of its course."""
    return state, []
