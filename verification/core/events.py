"""The only table of log entry types: the events of lenders, and the signing key of each type."""

from dataclasses import dataclass

WORKER, WEB, SENDER, TICK, ROOT = "decision", "door", "sender", "log", "root"
"""Kinds of key that sign entries: worker, web (people and lenders), sender, log, and the operator's
root.

Source: docs/decisions/0013-what-a-log-entry-holds.md.
"""
SIGNERS = (WORKER, WEB, SENDER, TICK)
"""The kinds that processes hold."""
PROCESSES = {WORKER: "worker", WEB: "web", SENDER: "sender", TICK: "tick"}
"""The kind of process that holds each of them."""


@dataclass(frozen=True)
class EntryType:
    """One kind of log entry.

    signed: the kinds of key of which one must sign it; otherwise it gets no place in the log.
    is_told: the lender reads it as an event.
    decides: a verification has at most one.
    """

    name: str
    signed: tuple[str, ...]
    is_told: bool = False
    decides: bool = False


HEARTBEAT = "log.heartbeat"
CERTIFIED, REVOKED = "key.certified", "key.revoked"
"""The root's statements on a key that signs entries: certified, and revoked from a log index on."""
LAW_TAKEN = "law.taken"
"""The root's statement on the law: a whole law file with its signature. See `core/law_file.py`."""
OF_ROOT = (CERTIFIED, REVOKED, LAW_TAKEN)
DESTROYED = "evidence.destroyed"
"""Lists under `destroyed` the ids of an attempt's evidence whose keys a rule destroyed."""
DOCUMENT_MISSING = "document.missing"
"""An attempt's document was due, but the case did not open."""
HINDERED = "attempt.hindered"
"""The reason, as `code`, why no attempt at a stage could begin."""
RECEIPT = "receipt.issued"
"""Names, by SHA-256 as `receipt`, the receipt of a verification that ended without a worker.

A worker's decision names its own receipt.
"""
CLEARED = "clearance.issued"
"""A worker's signature that every required gate passed: one payout is permitted, for a short time.
"""
PAID = "clearance.consumed"
"""The lender spent a clearance: the money may leave. Names its `amount` in tiyn."""
CLEARINGS = (
    "clearance.requested",
    CLEARED,
    "clearance.refused",
    PAID,
    "clearance.frozen",
)
"""Each names its `clearance`."""
PERSON, LENDER, API_KEY, ENDPOINT = "actor.person", "actor.lender", "actor.key", "actor.endpoint"
SOURCE, PROCESS = "actor.source", "actor.process"
SET_UP = (SOURCE, PROCESS)
"""Actors without a row: a source that workers ask, and a kind of process with its settings."""
WITH_ROW = (PERSON, LENDER, API_KEY, ENDPOINT)
ACTORS = (*WITH_ROW, *SET_UP)
"""Statements of who may act: each names its `actor`, numbers the statement by `version`, and states
the actor whole.
"""
CREATED = "verification.created"
DISPUTED = "verification.disputed"
REDACTED = "verification.redacted"
"""A worker erased the personal data of a case. Counts the `originals` and `captures` whose keys and
words it destroyed.
"""
REQUESTED = "verification.redaction_requested"
"""The lender or the person, `asked_by`, asked to erase them; an answer is `due` at that time. From
then on their processing is blocked. `request`: the worker's entry on the person, if they signed.
"""
WITHDRAWN = "consent.withdrawn"
"""The person withdrew the consent; an answer is `due` at that time. `effect`: it ends an open case,
bars a payout, or blocks what happened before. `session`: if a borrower's page took it; `request`:
the worker's entry on the person, if they signed.
"""
BY_LENDER, BY_PERSON = ASKERS = ("lender", "person")
"""The values of `asked_by`."""
BLOCKING = (REQUESTED, WITHDRAWN)
"""From them on until the erasure, the processing of personal data is blocked."""
REPORTED, RENEWED = "contract.reported", "renewal.opened"
"""The lender's report of its contract, and the start of a renewed consent, named as `renewal`."""
CREDITING = (REPORTED, *CLEARINGS)
"""Entries from which a lender's credits of a day are summed."""
ADVANCED = "test_clock.advanced"
"""A test lender advanced this verification's clock by `advance_seconds`. Absent from a live log."""
ATTESTED = "attestation.made"
"""An employee's statement that `what` was confirmed of a verified borrower; `person` is the
employee's id.
"""
VOTED = "review.voted"
"""A reviewer's vote on an attempt that the checks leave to people; `person` is the reviewer's id.
"""
IN_PERSON, VOUCHED = "subject.asked", "subject.vouched"
"""An operator saw the document of a person who came to read their data; another vouches for it.

`request` and `subject` as in `IDENTIFIED`; `details` a keyed hash of IIN, document and reason. The
second names the first entry as `asked`, and its operator as `asked_by`.
"""
ACTS = (VOTED, ATTESTED, IN_PERSON, VOUCHED)
"""Acts of people. Each has the `assertion` of the person's passkey over what was `shown`, or says
which other `factor` they signed in with.
"""
OPENED, CLOSED = "opened", "closed"
"""The lender's reports on an obligation."""
OBLIGATIONS = (f"obligation.{OPENED}", f"obligation.{CLOSED}")
"""The same as entry types, each at most once, with the time as `at`."""
READ = "document.read"
"""A lender's `key` asked for a document or a signed file."""
LENT = "document.lent"
"""A worker let web read a `document` for some seconds, because of the entry `request`."""
DOWNLOADED = "document.downloaded"
"""The borrower's browser downloaded a file in the `session` named."""
SUBJECT_READ = "subject.read"
"""A person read what is kept about them in a case. `request` names the entry that admitted them.

With `by: operators` an operator, `person`, showed it to them.
"""
BY_OPERATORS = "operators"

IDENTIFIED, UNIDENTIFIED = "subject.identified", "subject.refused"
"""A worker judged the signature under a person's request to read their data.

`subject` is a keyed hash of IIN and `request`; `session` the hash of the browser's token; `until`
ends its reading. A refusal has a `code`.
"""
ACCESS = (
    *("link.minted", "link.spent", "verification.handed_over"),
    *(f"mobile_signing.{word}" for word in ("minted", "read", "taken", "refused")),
    *(f"hand_over.{word}" for word in ("minted", "read", "refused", "stopped")),
)
"""Start, use and end of links, sessions and codes."""
SIMULATED = "simulation.requested"
"""From here on a simulation answers the pages of a test verification; its checks say so.

Names the `scenario`.
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
        EntryType(REDACTED, (WORKER,), is_told=True),
        EntryType(REQUESTED, (WEB,), is_told=True),
        EntryType(WITHDRAWN, (WEB,), is_told=True),
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
        EntryType(VOTED, (WEB,)),
        EntryType("review.listed", (WEB,)),
        EntryType("review.viewed", (WEB,)),
        EntryType("evidence.kept", (WEB, WORKER)),
        EntryType(DESTROYED, (WORKER,)),
        EntryType(DOCUMENT_MISSING, (WORKER,)),
        EntryType(RECEIPT, (WORKER,)),
        EntryType("clearance.requested", (WEB,)),
        EntryType(CLEARED, (WORKER,), is_told=True),
        EntryType("clearance.refused", (WORKER,)),
        EntryType(PAID, (WEB,), is_told=True),
        EntryType("clearance.frozen", (WEB, WORKER), is_told=True),
        EntryType(ATTESTED, (WEB,)),
        *(EntryType(name, (WEB,)) for name in OBLIGATIONS),
        EntryType(REPORTED, (WEB,)),
        EntryType(RENEWED, (WEB,)),
        EntryType(ADVANCED, (WEB,)),
        EntryType(READ, (WEB,)),
        EntryType(LENT, (WORKER,)),
        EntryType("receipt.read", (WEB,)),
        EntryType(IDENTIFIED, (WORKER,)),
        EntryType(UNIDENTIFIED, (WORKER,)),
        EntryType(IN_PERSON, (WEB,)),
        EntryType(VOUCHED, (WEB,)),
        EntryType(SUBJECT_READ, (WEB,)),
        EntryType(DOWNLOADED, (WEB,)),
        EntryType("step.faulted", (WORKER,)),
        EntryType("endpoint.disabled", (SENDER, WEB), is_told=True),
        *(EntryType(name, (WEB,)) for name in WITH_ROW),
        EntryType(SOURCE, (WORKER,)),
        EntryType(PROCESS, SIGNERS),
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
"""Ends of an attempt. `burnt` says whether the attempt counts against the borrower's limit."""
READINGS = ("oversight.searched", "oversight.viewed", "oversight.counted")
"""A regulator's reading."""
KEEPING = ("attempt.answered", "attempt.looked_at", "attempt.judged", "evidence.kept")
"""Entries that can list evidence: an answer, a look, a judgement, and other stored evidence."""
VIEWED, REPLAYED = "oversight.viewed", "replay.read"
LOOKS = (READ, LENT, "receipt.read", DOWNLOADED, "review.viewed", SUBJECT_READ, VIEWED, REPLAYED)
"""Entries that record who accessed a person's data: lenders' keys, the borrower's sessions,
reviewers, the person, regulators, the operator's replay; and the worker who opened a document for
one of them.
"""
TOLD = tuple(name for name, entry in ENTRY_TYPES.items() if entry.is_told)
