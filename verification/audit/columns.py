"""What the log says of every column of every table: it covers it, it leads to it, or the column decides nothing.

`covered`: an entry says the value, and the module named compares it. `derived`: it follows from entries, sealed bytes
or other rows, and the module named works it out again. `operational`: nothing compares it, for the reason given it
changes no decision, no actor, no law and no reading. `not_covered`: of people and lenders, whose changes are no entries
yet. A module of `evidence/` needs the keys: without them `audit_verify` says how many cases were not checked.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Final, Literal

Kind = Literal["covered", "derived", "operational", "not_covered"]


@dataclass(frozen=True)
class Column:
    """How the log stands to a column. `what`: the entry and field, or the reason; `by`: the module that compares."""

    kind: Kind
    by: str
    what: str


_covered, _derived = partial(Column, "covered"), partial(Column, "derived")
_no = partial(Column, "operational", "")
_ROW_NUMBER: Final = _no("a number that the database gives; entries name the row by what it holds")
_QUEUE: Final = _no("when and by whom a step is done; each step asks the log again what it may do, and signs it")
_OPENED, _CLOSED, _CREATED = "attempt.opened", "attempt.judged, .lapsed, .reviewed", "verification.created"
_DIALOGUE, _ENDED = "attempt.opened, .answered, .looked_at, evidence.kept", "every end and verification.in_review"
_CASE, _ATTEMPTS, _WAYS = "audit/compare_rows", "audit/compare_attempts", "audit/compare_ways"
_EVIDENCE, _SEALED = "audit/compare_evidence", "evidence/inspection"
_LEAVES, _TREE, _COUNTS = "audit/verify_leaves", "audit/verify_tree", "audit/verify_counts"
_CLEARANCES: Final = "audit/compare_clearances"
_OF_ASKED: Final = "id verification_id lender_id mode created_at profile_id contract_sha256 cap_tiyn"
_OF_ISSUED: Final = (
    "status code gates issued_at expires_at fresh_until iin_index account_index consumed_at amount_tiyn frozen_at"
)

_MODELS: Final[Mapping[str, Mapping[str, Column]]] = {
    "verification_verification": {
        "id": _covered(_CASE, "the verification of its entries"),
        "lender_id": _covered(_CASE, "the lender of its first entry and of its end"),
        "mode": _covered(_CASE, "the log its entries stand in"),
        "renews_id": _covered(_CASE, f"{_CREATED}: renews"),
        "client_reference": _derived(_SEALED, "the sealed case, whose commitment is in verification.created"),
        "created_at": _covered(_CASE, f"{_CREATED}: its time"),
        "expires_at": _covered(_CASE, f"{_CREATED}: expires_at, earlier by each test_clock.advanced"),
        "advanced_seconds": _covered(_CASE, "test_clock.advanced: advance_seconds, all together"),
        "in_review_since": _covered(_CASE, "the last verification.in_review: its time"),
        "finished_at": _covered(_CASE, "the end: its time"),
        "redacted_at": _covered(_CASE, "verification.redacted: its time"),
        "disputed_at": _covered(_CASE, "verification.disputed: its time"),
        "handed_over_at": _covered(_CASE, "the last verification.handed_over: its time"),
        "obligation_opened_at": _covered(_CASE, "obligation.opened: at"),
        "obligation_closed_at": _covered(_CASE, "obligation.closed: at"),
        "frames_until": _derived(_EVIDENCE, "72 hours after the end, while there are frames; later the step writes it"),
        "contract_signed_at": _covered(_CASE, "contract.reported: signed_at"),
        "release_not_before": _covered(_CASE, "contract.reported: release_not_before"),
        "status": _covered("audit/verify_entries", "the end; in review, verification.in_review (audit/compare_rows)"),
        "code": _covered(_CASE, f"{_ENDED}: code"),
        "last_failure": _covered(_CASE, f"{_ENDED}: last_failure; before, the codes of its attempts"),
        "locale": _derived(_SEALED, "the sealed case"),
        "profile_id": _covered(_CASE, f"{_CREATED} and the end: profile"),
        "profile_sha256": _covered(_CASE, f"{_CREATED} and the end: profile_sha256"),
        "combinations": _covered(_CASE, f"{_CREATED}: combinations"),
        "combination": _covered(_CASE, "the end, route.chosen: combination"),
        "passed_routes": _covered(_CASE, "the end: routes; before, route.chosen: passed"),
        "route": _covered(_CASE, f"{_ENDED}, route.chosen, {_CREATED}: route"),
        "stage": _covered(_CASE, f"{_ENDED}: stage; before, {_OPENED}"),
        "turn": _covered(_CASE, f"{_ENDED}: turn; before, {_OPENED} and .answered"),
        "sealed_case": _covered(_SEALED, f"{_CREATED}: case"),
        "borrower_index": _derived(_SEALED, "the IIN in the sealed case, by the index key"),
        "borrower_index_version": _derived(_SEALED, "the key by which the index comes out"),
        **dict.fromkeys(("step", "queue", "due_at", "reserved_until", "lease_until", "fence"), _QUEUE),
        "faults": _no("how often a step was tried; the end that too many lead to is signed and says its cause"),
        "sequence": _derived(_CASE, "how many entries it has"),
    },
    "verification_attempt": {
        "id": _covered(_ATTEMPTS, f"{_OPENED}: attempt"),
        "verification_id": _covered(_ATTEMPTS, f"{_OPENED}: its verification"),
        "lender_id": _covered(_ATTEMPTS, f"{_OPENED}: its lender"),
        "mode": _covered(_ATTEMPTS, f"{_OPENED}: its log"),
        "borrower_index": _derived(_ATTEMPTS, "that of its verification"),
        "route": _covered(_ATTEMPTS, f"{_OPENED}: route"),
        "stage": _covered(_ATTEMPTS, f"{_OPENED}: stage"),
        "counted": _covered(_ATTEMPTS, f"{_OPENED}: counted"),
        "burnt": _covered(_ATTEMPTS, f"{_CLOSED}: burnt"),
        "status": _covered(_ATTEMPTS, f"{_CLOSED}: outcome; before, who moves next by its last answer or look"),
        "code": _covered(_ATTEMPTS, f"{_CLOSED}: code"),
        "notice": _no("the word above the next question; what is asked, and judged, is in the memory and the evidence"),
        "turn": _covered(_ATTEMPTS, f"{_OPENED} and .answered: turn"),
        "answers": _derived(_ATTEMPTS, "how many attempt.answered brought evidence"),
        "sealed_memory": _covered(_SEALED, f"{_DIALOGUE}: memory"),
        "opened_at": _covered(_ATTEMPTS, f"{_OPENED}: its time"),
        "expires_at": _covered(_ATTEMPTS, f"{_DIALOGUE}: expires_at"),
        "closed_at": _covered(_ATTEMPTS, f"{_CLOSED}: its time; of one left behind, the time of what left it"),
    },
    "verification_quotause": {
        "id": _ROW_NUMBER,
        "purpose": _covered(_COUNTS, "attempt.opened and .answered: quota"),
        "value_index": _no("whose use it is: moving a use from one number to another sends a text more or fewer"),
        "day": _covered(_COUNTS, "attempt.opened and .answered: the day of their time"),
        "used": _covered(_COUNTS, "attempt.opened and .answered: how many say quota, over all rows of a day"),
    },
    "verification_ratecount": dict.fromkeys(
        ("id", "name", "starts_at", "number"), _no("slows strangers down at the door; who is let in is an entry")
    ),
    "verification_monthlycount": {
        "id": _ROW_NUMBER,
        **dict.fromkeys(
            ("mode", "month", "route", "status", "code", "number"),
            _derived(_COUNTS, "the verifications of the month, counted again with the changes that wait"),
        ),
    },
    "verification_monthlychange": {
        "id": _ROW_NUMBER,
        **dict.fromkeys(
            ("mode", "month", "route", "status", "code", "number"),
            _derived(_COUNTS, "the verifications of the month, counted again with the counts"),
        ),
    },
    "verification_reviewvote": {
        "id": _ROW_NUMBER,
        "attempt_id": _covered(_ATTEMPTS, "review.voted: attempt"),
        "person": _covered(_ATTEMPTS, "review.voted: person"),
        "passes": _covered(_ATTEMPTS, "review.voted: outcome"),
        "created_at": _covered(_ATTEMPTS, "review.voted: its time"),
    },
    "verification_link": {
        "id": _ROW_NUMBER,
        "token_sha256": _covered(_WAYS, f"{_CREATED}, link.minted: link"),
        "verification_id": _covered(_WAYS, f"{_CREATED}, link.minted: its verification"),
        "created_at": _covered(_WAYS, f"{_CREATED}, link.minted: its time"),
        "expires_at": _covered(_WAYS, "link_expires_at, or the time of the newer link or hand-over that ended it"),
        "spent_at": _covered(_WAYS, "link.spent: its time"),
    },
    "verification_borrowersession": {
        "id": _ROW_NUMBER,
        "token_sha256": _covered(_WAYS, "link.spent, verification.handed_over: session"),
        "verification_id": _covered(_WAYS, "link.spent, verification.handed_over: its verification"),
        "created_at": _covered(_WAYS, "link.spent, verification.handed_over: its time"),
        "ended_at": _covered(_WAYS, "the time of the next session"),
    },
    "verification_mobilesigning": {
        "id": _no("which of several codes of a turn is the newest: the page says how that one stands"),
        "verification_id": _covered(_WAYS, "mobile_signing.minted: its verification"),
        "session_id": _covered(_WAYS, "mobile_signing.minted: session"),
        "turn": _covered(_WAYS, "mobile_signing.minted: turn"),
        "code_sha256": _covered(_WAYS, "mobile_signing.minted: signing"),
        "access_sha256": _covered(_WAYS, "mobile_signing.read: access"),
        "expires_at": _covered(_WAYS, "mobile_signing.minted, .read: expires_at"),
        "outcome": _covered(_WAYS, "mobile_signing.taken, .refused, or a newer .minted"),
    },
    "verification_handover": {
        "id": _derived(_SEALED, "the phone's browser opens for this row alone; of a code that none has read, nothing"),
        "verification_id": _covered(_WAYS, "hand_over.minted: its verification"),
        "session_id": _covered(_WAYS, "hand_over.minted: session"),
        "code_sha256": _covered(_WAYS, "hand_over.minted: hand_over"),
        "phone_sha256": _covered(_WAYS, "hand_over.read: phone"),
        "number": _derived(_SEALED, "drawn from phone_sha256 by the index key"),
        "sealed_agent": _covered(_SEALED, "hand_over.read: agent"),
        "expires_at": _covered(_WAYS, "hand_over.minted, .read: expires_at"),
        "outcome": _covered(_WAYS, "verification.handed_over, hand_over.refused, .stopped, or a newer .minted"),
    },
    "verification_datakey": {
        "verification_id": _derived(_SEALED, "the key opens for its verification alone"),
        "wrapped_key": _derived(_SEALED, "opens the case and the evidence, whose commitments are in the log"),
        "kek_version": _derived(_SEALED, "the key opens by this version alone"),
        "created_at": _no("nothing asks when a key was made; the case it seals has the time of verification.created"),
        "destroyed_at": _covered(_EVIDENCE, "verification.redacted: its time"),
    },
    "verification_evidenceitem": {
        "id": _covered(_EVIDENCE, "evidence: id"),
        "verification_id": _covered(_EVIDENCE, "the verification of the entry that lists it"),
        "attempt_id": _covered(_EVIDENCE, "the attempt of the entry that lists it"),
        "kind": _covered(_EVIDENCE, "evidence: kind"),
        "sealed_sha256": _covered(_LEAVES, "evidence: sealed_sha256"),
        "offset": _derived(_SEALED, "what lies there opens for this item alone"),
        "sealed": _derived(_SEALED, "its hash is sealed_sha256, which the log has"),
        "wrapped_key": _derived(_SEALED, "opens the item, whose commitment is in the log"),
        "destroyed_at": _covered(_EVIDENCE, "evidence.destroyed: its time"),
        "commitment": _covered(_LEAVES, "evidence: commitment"),
        "seen_index": _covered(_EVIDENCE, "evidence: seen, a hash of id and index"),
        "size": _covered(_LEAVES, "evidence: size"),
        "created_at": _covered(_EVIDENCE, "the time of the entry that lists it"),
    },
    "verification_captureword": {
        "attempt_id": _covered(_EVIDENCE, "the last attempt.looked_at: words, a hash of the attempt and all its words"),
        "word": _covered(_EVIDENCE, "the last attempt.looked_at: words"),
    },
    "verification_sharedevidence": {
        "sha256": _covered(_SEALED, "evidence: sha256; and the bytes in the file have it"),
        "size": _covered(_LEAVES, "evidence: size"),
        "created_at": _no("when it was first kept by anybody; a judgement says its own time, and its file its bytes"),
    },
    "verification_sharedevidenceuse": {
        "attempt_id": _covered(_EVIDENCE, "the attempt of the entry that lists it"),
        "evidence_id": _covered(_EVIDENCE, "evidence: sha256"),
        "kind": _covered(_EVIDENCE, "evidence: kind"),
    },
    "verification_auditentry": dict.fromkeys(
        ("id", "log", "type", "at", "verification_id", "verification_sequence", "lender_id", "body"),
        _covered(_LEAVES, "its leaf's hash, once it is ordered; what a worker decides, its signature from the start"),
    ),
    "verification_receipt": {
        "verification_id": _covered(_CASE, "the verification of the entry that names it"),
        "jws": _covered(_CASE, "every worker's end, receipt.issued: receipt, the SHA-256 of what it spells"),
    },
    "verification_clearance": {
        **dict.fromkeys(_OF_ASKED.split(), _covered(_CLEARANCES, "clearance.requested: its place, time, names")),
        **dict.fromkeys(_OF_ISSUED.split(), _covered(_CLEARANCES, "the last clearance.…: its kind, time, names")),
    },
    "verification_auditpending": {
        "entry_id": _derived("audit/verify_entries", "every entry has a leaf or waits for one, and not both"),
        "refused": _no("whether the log passes it over until the next hour, when it is asked again; readiness counts"),
    },
    "verification_auditleaf": {
        "entry_id": _derived(_LEAVES, "the entry whose spelling has the leaf's hash"),
        "log": _derived(_TREE, "the tree it stands in"),
        "leaf_index": _derived(_TREE, "the place in the tree that leads to the signed root"),
        "told_to": _derived(_LEAVES, "the entry's lender"),
        "lender_sequence": _covered(_LEAVES, "the leaf's hash; and 1, 2, 3 … of each lender"),
        "leaf_hash": _derived(_TREE, "the entry's spelling, and the tiles up to the signed root"),
    },
    "verification_audittile": {
        "id": _ROW_NUMBER,
        "log": _derived(_TREE, "the tree whose signed root it leads to"),
        "level": _derived(_TREE, "its place in the tree"),
        "index": _derived(_TREE, "its place in the tree"),
        "hashes": _derived(_TREE, "the leaves below it"),
    },
    "verification_audithead": {
        "log": _derived("audit/verify", "each log that has leaves has a head"),
        "size": _derived("audit/verify", "leaves and last checkpoint"),
        "lease_until": _no("which process orders now; another waits, and no order changes"),
        "fence": _no("which process orders now; one that lost it writes nothing"),
    },
    "verification_auditcheckpoint": {
        "id": _ROW_NUMBER,
        "log": _derived(_TREE, "the origin in the signed note"),
        "size": _derived(_TREE, "the size in the signed note"),
        "note": _derived(_TREE, "the log's signature over the root"),
        "created_at": _no("what is signed holds no time; no reader asks for it"),
    },
}
_PEOPLE: Final = Column("not_covered", "", "people, their factors and sessions: changes of them are no entries yet")
_LENDERS: Final = Column(
    "not_covered", "", "lenders, their keys, what they are sent: changes of them are no entries yet"
)
_OTHERS: Final[Mapping[Column, Mapping[str, str]]] = {
    _PEOPLE: {
        "people_user": "password last_login id email full_name role lender_id is_active created_at",
        "people_signintries": "key started_at tries",
        "django_session": "session_key session_data expire_date",
        "otp_totp_totpdevice": "id user_id name confirmed throttling_failure_timestamp throttling_failure_count"
        " created_at last_used_at key step t0 digits tolerance drift last_t",
        "django_admin_log": "id action_time user_id content_type_id object_id object_repr action_flag change_message",
    },
    _LENDERS: {
        "lenders_lender": "id name bin phone test_calendar live_calendar return_urls created_at",
        "lenders_apikey": "id lender_id mode sha256 shown version scopes cidrs created_at expires_at revoked_at"
        " last_used_at",
        "lenders_idempotentrequest": "id lender_id mode key_sha256 request_sha256 fence process reserved_until"
        " created_at answered_at status sealed_answer",
        "lenders_webhookendpoint": "id lender_id mode url version events sealed_secret sealed_previous_secret"
        " previous_secret_until sealed_signing_key public_key cursor failures paused_until created_at disabled_at"
        " disabled_reason deleted_at",
        "lenders_delivery": "id endpoint_id lender_id mode event_id type lender_sequence event_at redelivery_of body"
        " created_at status tries due_at lease_until fence finished_at response_status response_excerpt response_ms"
        " failure",
    },
    _no("that a sender is alive; what is sent is decided by the log"): {"lenders_sender": "id seen_at"},
    _no("names of tables, groups and permissions of the framework: what a person may do follows from the role alone"): {
        "auth_permission": "id name content_type_id codename",
        "auth_group_permissions": "id group_id permission_id",
        "auth_group": "id name",
        "django_content_type": "id app_label model",
    },
    _no("which migrations have run: written by the owner of the tables alone, who can do anything to them"): {
        "django_migrations": "id app name applied"
    },
}
COLUMNS: Final[Mapping[str, Mapping[str, Column]]] = {
    **_MODELS,
    **{table: dict.fromkeys(names.split(), each) for each, of in _OTHERS.items() for table, names in of.items()},
}
"""By table and column."""
