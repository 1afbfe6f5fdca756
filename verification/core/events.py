"""The only table of log entry types: which of them a lender is told, and by whose key each must be
signed.
"""

from dataclasses import dataclass

WORKER, WEB, SENDER, TICK, ROOT = "decision", "door", "sender", "log", "root"
"""Kinds of key that sign entries: workers', web's for what people and lenders did at the door, the
sender's, the log's, the operator's root.

Source: audit.md §6.
"""
SIGNERS = (WORKER, WEB, SENDER, TICK)
"""Those of processes."""


@dataclass(frozen=True)
class EntryType:
    """One kind of log entry.

    `signed`: by a key of which kinds, or it is not ordered. `is_told`: the lender reads it as an
    event; `decides`: at most one a verification.
    """

    name: str
    signed: tuple[str, ...]
    is_told: bool = False
    decides: bool = False


HEARTBEAT = "log.heartbeat"
CERTIFIED, REVOKED = "key.certified", "key.revoked"
"""What the operator's root says of a key that signs entries: that it counts, and from which place
on it does not.
"""
LAW_TAKEN = "law.taken"
"""What the operator's root says of the law: a law file, whole, with its signature. See
`core/law_file.py`.
"""
OF_ROOT = (CERTIFIED, REVOKED, LAW_TAKEN)
DESTROYED = "evidence.destroyed"
"""Lists under `destroyed` the ids of an attempt's evidence whose keys are gone by rule."""
HINDERED = "attempt.hindered"
"""Why no attempt at a stage could begin, as `code`."""
RECEIPT = "receipt.issued"
"""Names the receipt of what no worker ended; a worker's decision names its own. Both by its
SHA-256, as `receipt`.
"""
CLEARED = "clearance.issued"
"""What a worker signs once every gate that the law asks for has passed: money may leave, once and
soon.
"""
CLEARINGS = (
    "clearance.requested",
    CLEARED,
    "clearance.refused",
    "clearance.consumed",
    "clearance.frozen",
)
"""Each names its `clearance`."""
CREATED = "verification.created"
DISPUTED = "verification.disputed"
REPORTED, RENEWED = "contract.reported", "renewal.opened"
"""What the lender says of its contract, and that its borrower is asked anew, by the `renewal` it
names.
"""
CREDITING = (REPORTED, *CLEARINGS)
"""By which a lender's credits of a day are counted."""
ADVANCED = "test_clock.advanced"
"""A test lender put what is due of this verification forward by `advance_seconds`. None stands in a
live log.
"""
ATTESTED = "attestation.made"
"""An employee's word `what` was confirmed of a verified borrower, with their id as `person`."""
OPENED, CLOSED = "opened", "closed"
"""What a lender says of an obligation."""
OBLIGATIONS = (f"obligation.{OPENED}", f"obligation.{CLOSED}")
"""What it said of the credit, each once, with the time as `at`."""
DOWNLOADED = "document.downloaded"
"""The borrower's browser fetched a file, by the `session` that it names."""
ACCESS = (
    *("link.minted", "link.spent", "verification.handed_over"),
    *(f"mobile_signing.{word}" for word in ("minted", "read", "taken", "refused")),
    *(f"hand_over.{word}" for word in ("minted", "read", "refused", "stopped")),
)
"""By which links, sessions and codes begin, are used, and end."""
SIMULATED = "simulation.requested"
"""From here on nobody real is before the pages of a test verification: its checks say so. Names the
`scenario`.
"""
ENTRY_TYPES = {
    entry.name: entry
    for entry in (
        EntryType(CREATED, (WEB,), is_told=True),
        EntryType("verification.in_review", (WORKER,), is_told=True),
        EntryType("verification.verified", (WORKER,), is_told=True, decides=True),
        EntryType("verification.declined", (WORKER,), is_told=True, decides=True),
        EntryType("verification.expired", (WORKER,), is_told=True, decides=True),
        EntryType("verification.canceled", (WEB,), is_told=True, decides=True),
        EntryType("verification.failed", (WORKER,), is_told=True, decides=True),
        EntryType("verification.redacted", (WORKER,), is_told=True),
        EntryType(DISPUTED, (WEB,), is_told=True),
        EntryType("verification.handed_over", (WEB,), is_told=True),
        EntryType("verification.key_revoked", (WEB,), is_told=True),
        EntryType("route.chosen", (WEB, WORKER)),
        EntryType("link.minted", (WEB,)),
        EntryType("link.spent", (WEB,)),
        EntryType("mobile_signing.minted", (WEB,)),
        EntryType("mobile_signing.read", (WEB,)),
        EntryType("mobile_signing.taken", (WEB,)),
        EntryType("mobile_signing.refused", (WEB,)),
        EntryType(SIMULATED, (WEB,)),
        EntryType("hand_over.minted", (WEB,)),
        EntryType("hand_over.read", (WEB,)),
        EntryType("hand_over.refused", (WEB,)),
        EntryType("hand_over.stopped", (WEB,)),
        EntryType("attempt.opened", (WEB, WORKER)),
        EntryType(HINDERED, (WEB, WORKER)),
        EntryType("attempt.answered", (WEB,)),
        EntryType("attempt.looked_at", (WORKER,)),
        EntryType("attempt.judged", (WORKER,)),
        EntryType("attempt.lapsed", (WEB, WORKER)),
        EntryType("attempt.reviewed", (WORKER,)),
        EntryType("review.voted", (WEB,)),
        EntryType("review.listed", (WEB,)),
        EntryType("review.viewed", (WEB,)),
        EntryType("evidence.kept", (WEB, WORKER)),
        EntryType(DESTROYED, (WORKER,)),
        EntryType("document.missing", (WORKER,)),
        EntryType(RECEIPT, (WORKER,)),
        EntryType("clearance.requested", (WEB,)),
        EntryType(CLEARED, (WORKER,), is_told=True),
        EntryType("clearance.refused", (WORKER,)),
        EntryType("clearance.consumed", (WEB,), is_told=True),
        EntryType("clearance.frozen", (WEB, WORKER), is_told=True),
        EntryType(ATTESTED, (WEB,)),
        *(EntryType(name, (WEB,)) for name in OBLIGATIONS),
        EntryType(REPORTED, (WEB,)),
        EntryType(RENEWED, (WEB,)),
        EntryType(ADVANCED, (WEB,)),
        EntryType("document.read", (WEB,)),
        EntryType("receipt.read", (WEB,)),
        EntryType(DOWNLOADED, (WEB,)),
        EntryType("step.faulted", (WORKER,)),
        EntryType("endpoint.disabled", (SENDER, WEB), is_told=True),
        EntryType("oversight.searched", (WEB,)),
        EntryType("oversight.viewed", (WEB,)),
        EntryType("oversight.counted", (WEB,)),
        EntryType("replay.read", (WEB,)),
        EntryType(CERTIFIED, (ROOT,)),
        EntryType(REVOKED, (ROOT,)),
        EntryType(LAW_TAKEN, (ROOT,)),
        EntryType(HEARTBEAT, (TICK,)),
    )
}
DECISIONS = tuple(name for name, entry in ENTRY_TYPES.items() if entry.decides)
CLOSINGS = ("attempt.judged", "attempt.lapsed", "attempt.reviewed")
"""What ends an attempt, and says under `burnt` whether it counts against the borrower."""
READINGS = ("oversight.searched", "oversight.viewed", "oversight.counted")
"""What a regulator read."""
KEEPING = ("attempt.answered", "attempt.looked_at", "attempt.judged", "evidence.kept")
"""What may list evidence in its body: an answer what it brought, a look at it and a judgement what
they left, the last what is none of these.
"""
LOOKS = ("document.read", "receipt.read", DOWNLOADED, "review.viewed")
"""Who saw the person: the lender's keys that fetched a document, the borrower's sessions, its
reviewers at the desk.
"""
TOLD = tuple(name for name, entry in ENTRY_TYPES.items() if entry.is_told)
