"""The only table of log entry types, and which of them a lender is told."""

from dataclasses import dataclass


@dataclass(frozen=True)
class EntryType:
    """One kind of log entry. `told`: the lender reads it as an event; `decides`: at most one a verification; `signed`:
    by the worker that wrote it, or it is not ordered."""

    name: str
    told: bool = False
    decides: bool = False
    signed: bool = False


HEARTBEAT = "log.heartbeat"
DESTROYED = "evidence.destroyed"
"""Lists under `destroyed` the ids of an attempt's evidence whose keys are gone by rule."""
ENTRY_TYPES = {
    entry.name: entry
    for entry in (
        EntryType("verification.created", told=True),
        EntryType("verification.in_review", told=True, signed=True),
        EntryType("verification.verified", told=True, decides=True, signed=True),
        EntryType("verification.declined", told=True, decides=True, signed=True),
        EntryType("verification.expired", told=True, decides=True, signed=True),
        EntryType("verification.canceled", told=True, decides=True),
        EntryType("verification.failed", told=True, decides=True, signed=True),
        EntryType("verification.redacted", told=True),
        EntryType("verification.disputed", told=True),
        EntryType("verification.handed_over", told=True),
        EntryType("route.chosen"),
        EntryType("link.minted"),
        EntryType("link.spent"),
        EntryType("mobile_signing.minted"),
        EntryType("mobile_signing.read"),
        EntryType("mobile_signing.taken"),
        EntryType("mobile_signing.refused"),
        EntryType("hand_over.minted"),
        EntryType("hand_over.read"),
        EntryType("hand_over.refused"),
        EntryType("hand_over.stopped"),
        EntryType("attempt.opened"),
        EntryType("attempt.answered"),
        EntryType("attempt.looked_at"),
        EntryType("attempt.judged", signed=True),
        EntryType("attempt.lapsed"),
        EntryType("attempt.reviewed", signed=True),
        EntryType("review.voted"),
        EntryType("review.listed"),
        EntryType("review.viewed"),
        EntryType("evidence.kept"),
        EntryType(DESTROYED),
        EntryType("document.missing"),
        EntryType("document.read"),
        EntryType("step.faulted"),
        EntryType("endpoint.disabled", told=True),
        EntryType("oversight.searched"),
        EntryType("oversight.viewed"),
        EntryType("oversight.counted"),
        EntryType("replay.read"),
        EntryType(HEARTBEAT),
    )
}
DECISIONS = tuple(name for name, entry in ENTRY_TYPES.items() if entry.decides)
SIGNED = frozenset(name for name, entry in ENTRY_TYPES.items() if entry.signed)
"""What only a worker writes: judgements, what people's votes led to, and every end but a lender's own."""
READINGS = ("oversight.searched", "oversight.viewed", "oversight.counted")
"""What a regulator read."""
KEEPING = ("attempt.answered", "attempt.looked_at", "attempt.judged", "evidence.kept")
"""What may list evidence in its body: an answer what it brought, a look at it and a judgement what they left, the last
what is none of these."""
LOOKS = ("document.read", "review.viewed")
"""Who of the lender saw the person: its keys that fetched a document, its reviewers at the desk."""
TOLD = tuple(name for name, entry in ENTRY_TYPES.items() if entry.told)
