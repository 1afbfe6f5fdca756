"""The tables of a case: for each column, its source in the log.

Each column stands here once. `audit_verify` compares by this table; the tampering proof changes
each column in it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum, auto
from functools import partial
from typing import Final, Literal


class Kind(StrEnum):
    """How a column relates to the log."""

    STATED = auto()
    """An entry states the value, or entries imply it."""
    SEALED = auto()
    """Bytes beside the entry hold it; their commitment is in the log."""
    KEYED = auto()
    """The index key derives it from sealed content."""
    DERIVED = auto()
    """Other rows imply it: rows of the log, and of counts."""
    OPERATIONAL = auto()
    """Not compared: it changes no decision, actor, law or reading."""


@dataclass(frozen=True)
class Field:
    """A column.

    source: the entry and its field, or the reason why it is not compared.
    name: its name in findings, if not the column's.
    """

    kind: Kind
    source: str
    name: str = ""


@dataclass(frozen=True)
class Table:
    """A table.

    title: the name of an implied row in findings, by its key.
    key: the columns that name a row.
    names_case: whether the finding also names the case, and then for a missing row or always.
    unsaid: the name of a row that no entry implies, by its columns; by default the title.
    """

    fields: Mapping[str, Field]
    title: str = ""
    key: tuple[str, ...] = ("id",)
    names_case: Literal["", "gone", "always"] = ""
    unsaid: str = ""


CASE: Final = "verification_verification"
ATTEMPT: Final = "verification_attempt"
VOTE: Final = "verification_reviewvote"
ACCESS: Final = "verification_access"
ITEM: Final = "verification_evidenceitem"
WORD: Final = "verification_captureword"
SHARED_USE: Final = "verification_sharedevidenceuse"
KEY: Final = "verification_datakey"
CLEARANCE: Final = "verification_clearance"
RECEIPT: Final = "verification_receipt"

stated = partial(Field, Kind.STATED)
sealed = partial(Field, Kind.SEALED)
keyed = partial(Field, Kind.KEYED)
operational = partial(Field, Kind.OPERATIONAL)
ROW_NUMBER: Final = operational(
    "a number that the database gives; entries name the row by what it holds"
)


_QUEUE: Final = operational(
    "when and by whom a step is done; each step asks the log again what it may do, and signs it"
)
_CREATED: Final = "verification.created"
_OPENED: Final = "attempt.opened"
_CLOSED: Final = "attempt.judged, .lapsed, .reviewed"
_DIALOGUE: Final = "attempt.opened, .answered, .looked_at, evidence.kept"
_ENDED: Final = "every end and verification.in_review"
_MINTED: Final = f"{_CREATED}, link.minted"
_SESSION: Final = "link.spent, verification.handed_over"
_CODE: Final = "hand_over.minted, mobile_signing.minted"
_ASKED: Final = "clearance.requested"
_TERMS: Final = "the last clearance.…"

_OF_CASE: Final[Mapping[str, Field]] = {
    "id": stated("the verification of its entries"),
    "lender_id": stated("the lender of its first entry and of its end", "lender"),
    "mode": stated("the log its entries stand in", "log"),
    "renews_id": stated(f"{_CREATED}: renews", "renews"),
    "client_reference": sealed(
        "the sealed case, whose commitment is in verification.created; empty once erased"
    ),
    "created_at": stated(f"{_CREATED}: its time", "at"),
    "expires_at": stated(f"{_CREATED}: expires_at, earlier by each test_clock.advanced"),
    "advanced_seconds": stated("test_clock.advanced: advance_seconds, all together"),
    "in_review_since": stated("the last verification.in_review: its time"),
    "finished_at": stated("the end: its time", "at"),
    "redacted_at": stated("verification.redacted: its time"),
    "redaction_requested_at": stated("the last verification.redaction_requested: its time"),
    "consent_withdrawn_at": stated("consent.withdrawn: its time"),
    "kept_until": stated(
        f"five years after {_CREATED}, obligation.closed or verification.disputed; empty while an"
        " obligation is open, and after verification.redacted"
    ),
    "disputed_at": stated("verification.disputed: its time"),
    "handed_over_at": stated("the last verification.handed_over: its time"),
    "obligation_opened_at": stated("obligation.opened: at"),
    "obligation_closed_at": stated("obligation.closed: at"),
    "frames_until": stated(
        "72 hours after the end, while there are frames; later the step writes it"
    ),
    "contract_signed_at": stated("contract.reported: signed_at"),
    "release_not_before": stated(
        "contract.reported, the last clearance.refused or .issued: release_not_before"
    ),
    "status": stated("the end; in review, verification.in_review"),
    "code": stated(f"{_ENDED}: code"),
    "last_failure": stated(f"{_ENDED}: last_failure; before, the codes of its attempts"),
    "locale": sealed("the sealed case"),
    "profile_id": stated(f"{_CREATED} and the end: profile", "profile"),
    "profile_sha256": stated(f"{_CREATED} and the end: profile_sha256"),
    "combinations": stated(f"{_CREATED}: combinations"),
    "combination": stated("the end, route.chosen: combination"),
    "passed_routes": stated("the end: routes; before, route.chosen: passed", "routes"),
    "route": stated(f"{_ENDED}, route.chosen, {_CREATED}: route"),
    "stage": stated(f"{_ENDED}: stage; before, {_OPENED}"),
    "turn": stated(f"{_ENDED}: turn; before, {_OPENED} and .answered"),
    "sealed_case": sealed(f"{_CREATED}: case"),
    "borrower_index": keyed("the IIN in the sealed case, by the index key"),
    "borrower_index_version": keyed("the key by which the index comes out"),
    **dict.fromkeys(["step", "queue", "due_at", "reserved_until", "lease_until", "fence"], _QUEUE),
    "faults": operational(
        "how often a step was tried; the end that too many lead to is signed and says its cause"
    ),
    "sequence": stated("how many entries it has"),
}
_OF_ATTEMPT: Final[Mapping[str, Field]] = {
    "id": stated(f"{_OPENED}: attempt"),
    "verification_id": stated(f"{_OPENED}: its verification"),
    "lender_id": stated(f"{_OPENED}: its lender", "lender"),
    "mode": stated(f"{_OPENED}: its log", "log"),
    "borrower_index": keyed("that of its verification"),
    "route": stated(f"{_OPENED}: route"),
    "stage": stated(f"{_OPENED}: stage"),
    "counted": stated(f"{_OPENED}: counted"),
    "burnt": stated(f"{_CLOSED}: burnt"),
    "status": stated(f"{_CLOSED}: outcome; before, who moves next by its last answer or look"),
    "code": stated(f"{_CLOSED}: code"),
    "notice": operational(
        "the word above the next question; what is asked, and judged, is in the memory and the "
        "evidence"
    ),
    "turn": stated(f"{_OPENED} and .answered: turn"),
    "answers": stated("how many attempt.answered brought evidence"),
    "sealed_memory": sealed(f"{_DIALOGUE}: memory"),
    "opened_at": stated(f"{_OPENED}: its time", "at"),
    "expires_at": stated(f"{_DIALOGUE}: expires_at"),
    "closed_at": stated(f"{_CLOSED}: its time; of one left behind, the time of what left it", "at"),
}
_OF_VOTE: Final[Mapping[str, Field]] = {
    "id": ROW_NUMBER,
    "attempt_id": stated("review.voted: attempt"),
    "person": stated("review.voted: person"),
    "passes": stated("review.voted: outcome", "outcome"),
    "created_at": stated("review.voted: its time", "at"),
}
_OF_ACCESS: Final[Mapping[str, Field]] = {
    "id": ROW_NUMBER,
    "kind": stated(f"{_MINTED}; {_SESSION}; {_CODE}: what the entry makes"),
    "verification_id": stated("the verification of the entry that makes it"),
    "parent_id": stated(f"{_CODE}: session", "session"),
    "digest": stated(f"{_MINTED}: link; {_SESSION}: session; {_CODE}: hand_over or signing"),
    "second_digest": stated("hand_over.read: phone; mobile_signing.read: access"),
    "turn": stated("mobile_signing.minted: turn"),
    "created_at": stated("the time of the entry that makes it", "at"),
    "expires_at": stated(
        "link_expires_at, or the time of the newer link or hand-over that ended it; of a code,"
        " expires_at of .minted and .read"
    ),
    "spent_at": stated("link.spent: its time; of a session, the time of the next one"),
    "outcome": stated(
        "verification.handed_over; hand_over.refused, .stopped; mobile_signing.taken, .refused;"
        " or a newer .minted"
    ),
    "number": keyed("of a hand-over, drawn from second_digest by the index key"),
    "sealed": sealed("hand_over.read: agent"),
}
_OF_KEY: Final[Mapping[str, Field]] = {
    "verification_id": stated("the verification of verification.created"),
    "wrapped_key": stated(
        "there until verification.redacted; it opens what has its commitments in the log"
    ),
    "kek_version": sealed("the key opens by this version alone"),
    "created_at": operational(
        "nothing asks when a key was made; the case it seals has the time of verification.created"
    ),
    "destroyed_at": stated("verification.redacted: its time"),
}
_OF_ITEM: Final[Mapping[str, Field]] = {
    "id": stated("evidence: id"),
    "verification_id": stated("the verification of the entry that lists it"),
    "attempt_id": stated("the attempt of the entry that lists it", "attempt"),
    "kind": stated("evidence: kind"),
    "sealed_sha256": stated("evidence: sealed_sha256"),
    "offset": sealed("what lies there opens for this item alone"),
    "sealed": sealed("its hash is sealed_sha256, which the log has"),
    "wrapped_key": sealed("opens the item, whose commitment is in the log"),
    "lent_key": sealed("opens the same item; there while web may read it"),
    "destroyed_at": stated("evidence.destroyed or verification.redacted: its time"),
    "commitment": stated("evidence: commitment"),
    "seen_index": stated("evidence: seen, a hash of id and index; empty once erased", "seen"),
    "size": stated("evidence: size"),
    "created_at": stated("the time of the entry that lists it", "at"),
}
_OF_WORD: Final[Mapping[str, Field]] = {
    "attempt_id": stated(
        "the last attempt.looked_at: words, a hash of the attempt and all its words"
    ),
    "word": stated("the last attempt.looked_at: words", "words"),
}
_OF_SHARED: Final[Mapping[str, Field]] = {
    "sha256": sealed("evidence: sha256; and the bytes in the file have it"),
    "size": stated("evidence: size"),
    "created_at": operational(
        "when it was first stored; a judgement has its own time, and the file its bytes"
    ),
}
_OF_USE: Final[Mapping[str, Field]] = {
    "attempt_id": stated("the attempt of the entry that lists it"),
    "evidence_id": stated("evidence: sha256", "sha256"),
    "kind": stated("evidence: kind"),
}
_OF_RECEIPT: Final[Mapping[str, Field]] = {
    "verification_id": stated("the verification of the entry that names it"),
    "jws": stated("every worker's end, receipt.issued: receipt, the SHA-256 of what it spells"),
}
_OF_CLEARANCE: Final[Mapping[str, Field]] = {
    "id": stated(f"{_ASKED}: clearance"),
    "verification_id": stated(f"{_ASKED}: its verification"),
    "lender_id": stated(f"{_ASKED}: its lender", "lender"),
    "mode": stated(f"{_ASKED}: its log"),
    "status": stated(f"{_TERMS}: its kind; superseded, the next clearance.requested"),
    "code": stated(f"{_TERMS}: code"),
    "profile_id": stated(f"{_TERMS}: profile", "profile"),
    "contract_sha256": stated(f"{_TERMS}: contract", "contract"),
    "cap_tiyn": stated(f"{_TERMS}: cap", "cap"),
    "created_at": stated(f"{_ASKED}: its time"),
    "issued_at": stated("clearance.issued: its time"),
    "expires_at": stated("clearance.issued: expires_at, earlier by each test_clock.advanced"),
    "fresh_until": stated("clearance.issued: fresh_until, earlier by each test_clock.advanced"),
    "iin_index": stated("clearance.issued: iin", "iin"),
    "account_index": stated("clearance.issued: account", "account"),
    "gates": stated(f"{_TERMS}: gates"),
    "consumed_at": stated("clearance.consumed: its time"),
    "amount_tiyn": stated("clearance.consumed: amount", "amount"),
    "frozen_at": stated("clearance.frozen: its time"),
}

TABLES: Final[Mapping[str, Table]] = {
    CASE: Table(_OF_CASE, "verification {}", unsaid="own row"),
    ATTEMPT: Table(_OF_ATTEMPT, "attempt {}"),
    VOTE: Table(_OF_VOTE, "vote of {1} on attempt {0}", ("attempt_id", "person")),
    ACCESS: Table(_OF_ACCESS, "{} {:.16}", ("kind", "digest"), names_case="always"),
    KEY: Table(_OF_KEY, "key of verification {}", ("verification_id",)),
    ITEM: Table(
        _OF_ITEM,
        "evidence {}",
        names_case="gone",
        unsaid="evidence {id} ({kind}) of attempt {attempt_id}",
    ),
    WORD: Table(_OF_WORD, "words of attempt {}", ("attempt_id",)),
    "verification_sharedevidence": Table(_OF_SHARED),
    SHARED_USE: Table(_OF_USE, "shared evidence {1} of attempt {0}", ("attempt_id", "kind")),
    RECEIPT: Table(_OF_RECEIPT, "receipt of {}", ("verification_id",)),
    CLEARANCE: Table(_OF_CLEARANCE, "clearance {}"),
}
