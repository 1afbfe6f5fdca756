"""Words for the codes that a regulator sees, translated on display. A code without words is
shown as it is.
"""

from typing import Final, TypeAlias

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from verification.core.events import (
    ADVANCED,
    API_KEY,
    ATTESTED,
    BY_LENDER,
    BY_PERSON,
    CERTIFIED,
    CLEARED,
    DESTROYED,
    DOWNLOADED,
    ENDPOINT,
    HEARTBEAT,
    HINDERED,
    IDENTIFIED,
    LAW_TAKEN,
    LENDER,
    LENT,
    PERSON,
    PROCESS,
    READ,
    RECEIPT,
    RENEWED,
    REPORTED,
    REQUESTED,
    REVOKED,
    SIMULATED,
    SOURCE,
    SUBJECT_READ,
    UNIDENTIFIED,
    WITHDRAWN,
)

Words: TypeAlias = str | Promise

STATUSES: Final[dict[str, Words]] = {
    "requires_input": _("Waiting for the borrower"),
    "processing": _("Being checked"),
    "in_review": _("In review"),
    "verified": _("Verified"),
    "declined": _("Declined"),
    "expired": _("Expired"),
    "canceled": _("Canceled"),
    "failed": _("Failed technically"),
}
BADGES: Final[dict[str, str]] = {
    "requires_input": "badge-open",
    "processing": "badge-open",
    "in_review": "badge-open",
    "verified": "badge-ok",
    "declined": "badge-bad",
    "failed": "badge-warn",
}
MODES: Final[dict[str, Words]] = {"live": _("Live"), "test": _("Test")}
OUTCOMES: Final[dict[str, Words]] = {
    "pass": _("Passed"),
    "fail": _("Not passed"),
    "inconclusive": _("Could not tell"),
    "error": _("Technical fault"),
}
OUTCOME_BADGES: Final[dict[str, str]] = {"pass": "badge-ok", "fail": "badge-bad"}
ATTEMPTS: Final[dict[str, Words]] = {
    "open": _("Waiting for the borrower"),
    "judging": _("Being checked"),
    "passed": _("Passed"),
    "failed": _("Not passed"),
    "review": _("In review"),
    "lapsed": _("The borrower fell silent"),
    "void": _("Left without an answer"),
}
BLOCKS: Final[dict[tuple[str, str], Words]] = {
    (REQUESTED, BY_LENDER): _("The lender asked for erasure"),
    (REQUESTED, BY_PERSON): _("The person asked for erasure"),
    (WITHDRAWN, BY_PERSON): _("The person withdrew the consent"),
}
"""Reasons of a block, by entry type and author."""
ENTRIES: Final[dict[str, Words]] = {
    "verification.created": _("Opened by the lender"),
    "verification.in_review": _("Given to two reviewers"),
    "verification.verified": _("Decision: verified"),
    "verification.declined": _("Decision: declined"),
    "verification.expired": _("Ended: time ran out"),
    "verification.canceled": _("Ended: canceled by the lender, or the consent was withdrawn"),
    "verification.failed": _("Ended: technical failure, no decision about the person"),
    "verification.redacted": _("Personal data erased"),
    "verification.redaction_requested": _("Erasure of personal data requested"),
    WITHDRAWN: _("Consent withdrawn by the person"),
    "verification.disputed": _("Disputed by the person"),
    "verification.handed_over": _("Handed over to another device"),
    "verification.key_revoked": _("The key that signed the decision was revoked"),
    "route.chosen": _("Route chosen"),
    "link.minted": _("Link made"),
    "link.spent": _("Link opened by the borrower"),
    "mobile_signing.minted": _("Code for eGov Mobile made"),
    "mobile_signing.read": _("Code read by eGov Mobile"),
    "mobile_signing.taken": _("Signature taken from eGov Mobile"),
    "mobile_signing.refused": _("Answer of eGov Mobile refused"),
    "hand_over.minted": _("Code for a phone made"),
    "hand_over.read": _("Code read by a phone"),
    "hand_over.refused": _("The phone was not let in: another number"),
    "hand_over.stopped": _("The borrower was being told what to press"),
    SIMULATED: _("From here on the sandbox played the borrower"),
    "attempt.opened": _("Question put to the borrower"),
    HINDERED: _("No attempt could begin"),
    "attempt.answered": _("Answered by the borrower"),
    "attempt.looked_at": _("Frames of a command measured"),
    "attempt.judged": _("Answer judged"),
    "attempt.lapsed": _("No answer in time"),
    "attempt.reviewed": _("Decided by the reviewers"),
    "review.voted": _("Vote of a reviewer"),
    "review.listed": _("A reviewer looked at a list of cases"),
    "review.viewed": _("A reviewer looked at the case"),
    "evidence.kept": _("Evidence sealed and kept"),
    DESTROYED: _("Camera frames destroyed by rule"),
    "document.missing": _("The signed document could not be made"),
    RECEIPT: _("Receipt signed"),
    "obligation.opened": _("The lender says that the loan's obligation began"),
    "obligation.closed": _("The lender says that the loan's obligation ended"),
    ATTESTED: _("An employee attested what was confirmed"),
    "clearance.requested": _("Clearance to pay out asked for"),
    CLEARED: _("Clearance to pay out issued"),
    "clearance.refused": _("Clearance to pay out refused"),
    "clearance.consumed": _("Clearance used: the money may leave"),
    "clearance.frozen": _("Clearance frozen: no money may leave"),
    REPORTED: _("Contract reported by the lender"),
    RENEWED: _("Borrower asked for a new consent after the wait"),
    ADVANCED: _("Test clock put forward by the lender"),
    READ: _("Signed document fetched by the lender"),
    LENT: _("Document lent by a worker to the one who asked"),
    IDENTIFIED: _("A person proved by their EDS who they are, to read their data"),
    UNIDENTIFIED: _("A signature under a request to read one's data was refused"),
    SUBJECT_READ: _("The person read what is kept about them"),
    "receipt.read": _("Receipt fetched by the lender, with what opens it"),
    DOWNLOADED: _("Signed document fetched by the borrower"),
    "step.faulted": _("Technical fault, to be tried again"),
    "endpoint.disabled": _("Address for the lender's events switched off"),
    PERSON: _("A person was added or changed"),
    LENDER: _("A lender was added or changed"),
    API_KEY: _("A lender's key was issued or changed"),
    ENDPOINT: _("An address for the lender's events was set or changed"),
    SOURCE: _("A source that workers ask was set or changed"),
    PROCESS: _("A process started with other settings or another program"),
    "oversight.searched": _("Searched"),
    "oversight.viewed": _("Viewed"),
    "oversight.counted": _("Counted"),
    "replay.read": _("Judged again by the operator"),
    CERTIFIED: _("A key that signs entries was certified by the operator's root"),
    REVOKED: _("A key that signs entries was revoked by the operator's root"),
    LAW_TAKEN: _("A law file that the operator's root signed was taken"),
    HEARTBEAT: _("Sign of life of the log"),
}
LOOKS: Final[dict[str, Words]] = {
    "case": _("The case: name, loan, findings"),
    "picture": _("A picture"),
    "confirmation": _("The case, to attest a confirmation or a visit: name, loan"),
    "document": _("The signed document, with IIN, face and pictures"),
    "statement": _("The statement that was signed, with IIN"),
    "signature": _("The signature, with the signer's certificate"),
    "subject": _("The person themselves: what is kept about them"),
    "openings": _("What opens the IIN and the account of the receipt"),
}
VIEWED: Final[dict[str, Words]] = {
    "case": _("A case"),
    "proof": _("The proof of a decision"),
    "leaf": _("The log entry of a decision"),
    "checkpoint": _("The signed state of the log"),
    "own_readings": _("Own readings"),
}
ASKED: Final[dict[str, Words]] = {
    "iin": _("IIN"),
    "case_number": _("Case number"),
    "lender_id": _("Lender"),
    "date_from": _("Opened from"),
    "date_to": _("Opened to"),
    "route": _("Route"),
    "outcome": _("Outcome"),
    "after": _("A further page"),
}
# The mark of an entry in a timeline, besides its words.
TONES: Final[dict[str, str]] = {"verification.verified": "ok", "verification.declined": "bad"}
