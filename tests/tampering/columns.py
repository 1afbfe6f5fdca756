"""Every column of every table: of a case by `course/tables.py`, all others here.

Only the proof reads the others: nothing in the product compares by them.
"""

from collections.abc import Mapping
from functools import partial
from typing import Final

from verification.course.tables import ROW_NUMBER, TABLES, Field, Kind, operational, stated

_derived = partial(Field, Kind.DERIVED)

_OF_LOG: Final[Mapping[str, Mapping[str, Field]]] = {
    "verification_quotause": {
        "id": ROW_NUMBER,
        "purpose": stated("attempt.opened and .answered: quota"),
        "value_index": operational(
            "whose use it is: moving a use from one number to another sends a text more or fewer"
        ),
        "day": stated("attempt.opened and .answered: the day of their time"),
        "used": stated("attempt.opened and .answered: how many say quota, over all rows of a day"),
    },
    "verification_ratecount": dict.fromkeys(
        ("id", "name", "starts_at", "number"),
        operational("slows strangers down at the door; who is let in is an entry"),
    ),
    "verification_subjectrequest": dict.fromkeys(
        (
            "id",
            "is_in_person",
            "act",
            "digest",
            "sealed",
            "sealed_signature",
            "created_at",
            "expires_at",
            "entry",
            "due_at",
            "lease_until",
            "fence",
            "faults",
        ),
        operational("who is shown data of whom is an entry, of a worker or of two operators"),
    ),
    "verification_monthlycount": {
        "id": ROW_NUMBER,
        **dict.fromkeys(
            ("mode", "month", "route", "status", "code", "last_failure", "number"),
            _derived("the verifications of the month, counted again with the changes that wait"),
        ),
    },
    "verification_monthlychange": {
        "id": ROW_NUMBER,
        **dict.fromkeys(
            ("mode", "month", "route", "status", "code", "last_failure", "number"),
            _derived("the verifications of the month, counted again with the counts"),
        ),
    },
    "verification_auditentry": dict.fromkeys(
        (
            "id",
            "log",
            "type",
            "at",
            "verification_id",
            "verification_sequence",
            "lender_id",
            "body",
        ),
        stated(
            "its leaf's hash, once it is ordered; what a worker decides, its signature from the"
            " start"
        ),
    ),
    "verification_auditpending": {
        "entry_id": _derived("every entry has a leaf or waits for one, and not both"),
        "refused": operational(
            "whether the log passes it over until the next hour, when it is asked again; readiness"
            " counts"
        ),
    },
    "verification_auditleaf": {
        "entry_id": _derived("the entry whose spelling has the leaf's hash"),
        "log": _derived("the tree it stands in"),
        "leaf_index": _derived("the place in the tree that leads to the signed root"),
        "told_to": _derived("the entry's lender"),
        "lender_sequence": stated("the leaf's hash; and 1, 2, 3 … of each lender"),
        "leaf_hash": _derived("the entry's spelling, and the tiles up to the signed root"),
    },
    "verification_audittile": {
        "id": ROW_NUMBER,
        "log": _derived("the tree whose signed root it leads to"),
        "level": _derived("its place in the tree"),
        "index": _derived("its place in the tree"),
        "hashes": _derived("the leaves below it"),
    },
    "verification_audithead": {
        "log": _derived("each log that has leaves has a head"),
        "size": _derived("leaves and last checkpoint"),
        "lease_until": operational("which process orders now; another waits, and no order changes"),
        "fence": operational("which process orders now; one that lost it writes nothing"),
    },
    "verification_auditcheckpoint": {
        "id": ROW_NUMBER,
        "log": _derived("the origin in the signed note"),
        "size": _derived("the size in the signed note"),
        "note": _derived("the log's signature over the root"),
        "created_at": operational("what is signed holds no time; no reader asks for it"),
    },
}
_OTHERS: Final[Mapping[Field, Mapping[str, str]]] = {
    stated("actor.person"): {
        "people_user": "id email full_name role lender_id is_active salt passkeys invitation"
        " invited_until",
        "people_secondfactor": "user_id sealed_key",
    },
    stated("actor.lender"): {
        "lenders_lender": "id name bin phone test_calendar live_calendar return_urls"
    },
    stated("actor.key"): {
        "lenders_apikey": "id lender_id mode sha256 shown scopes cidrs expires_at revoked_at"
    },
    stated("actor.endpoint"): {
        "lenders_webhookendpoint": (
            "id lender_id mode url events sealed_secret sealed_previous_secret"
            " previous_secret_until sealed_signing_key public_key deleted_at"
        ),
    },
    operational("a password opens nothing without the second factor, whose key is sealed"): {
        "people_user": "password"
    },
    operational("opens the seal of its person, which is stated; another value opens nothing"): {
        "people_secondfactor": "wrapped_key"
    },
    operational("slows a copied passkey down; what it signed stands in the entries"): {
        "people_user": "passkey_counters"
    },
    operational("when it was made or last used; no rule asks it"): {
        "people_user": "created_at last_login",
        "lenders_lender": "created_at",
        "lenders_apikey": "created_at last_used_at",
        "lenders_webhookendpoint": "created_at",
    },
    operational("slows down who guesses codes or passwords"): {
        "people_secondfactor": (
            "id name confirmed throttling_failure_timestamp throttling_failure_count last_step"
        ),
        "people_signintries": "key started_at tries",
    },
    operational("signed for its row and its key, which is not in it; a change ends the session"): {
        "django_session": "session_key session_data expire_date"
    },
    operational("what the framework's pages list; the statement of the change is the record"): {
        "django_admin_log": (
            "id action_time user_id content_type_id object_id object_repr action_flag"
            " change_message"
        ),
    },
    operational(
        "an answer is sealed for its lender, key, request and status; without it the request runs"
        " anew"
    ): {
        "lenders_idempotentrequest": (
            "id lender_id mode key_sha256 request_sha256 fence process reserved_until"
            " created_at answered_at status sealed_answer"
        ),
    },
    operational("when a message is sent; every event stays in the lender's list of events"): {
        "lenders_webhookendpoint": "cursor failures paused_until disabled_at disabled_reason",
    },
    operational("a message that contradicts the log is not sent"): {
        "lenders_delivery": (
            "id endpoint_id lender_id mode event_id type lender_sequence event_at redelivery_of"
            " body created_at status tries due_at lease_until fence finished_at response_status"
            " response_excerpt response_ms failure"
        ),
    },
    operational("what operators see before they sign; the log asks for their answers over it"): {
        "operators_proposal": (
            "id type actor changes reason reason_salt sealed_code drafted_by_id created_at"
            " proposed outcome ended_by_id ended_at"
        ),
    },
    operational("that a sender is alive; what is sent is decided by the log"): {
        "lenders_sender": "id seen_at"
    },
    operational("that a tick or worker is alive; what they do is in the log"): {
        "verification_pulse": "id kind queues seen_at"
    },
    operational(
        "names of tables, groups and permissions of the framework: what a person may do follows"
        " from the role alone"
    ): {
        "auth_permission": "id name content_type_id codename",
        "auth_group_permissions": "id group_id permission_id",
        "auth_group": "id name",
        "django_content_type": "id app_label model",
    },
    operational(
        "which migrations have run: written by the owner of the tables alone, who can do anything"
        " to them"
    ): {"django_migrations": "id app name applied"},
}


def _others() -> dict[str, dict[str, Field]]:
    by_table = dict[str, dict[str, Field]]()
    for field, tables in _OTHERS.items():
        for table, names in tables.items():
            by_table.setdefault(table, {}).update(dict.fromkeys(names.split(), field))
    return by_table


COLUMNS: Final[Mapping[str, Mapping[str, Field]]] = {
    **{name: table.fields for name, table in TABLES.items()},
    **_OF_LOG,
    **_others(),
}
"""By table and column."""
