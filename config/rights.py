"""Which process may do what in which table: the one table of the database's rights.

A process has a PostgreSQL role of its own, by `TULGA_PROCESS_ROLES`. `grant_process_roles` grants
it what is below, and `differences` finds what the connected role may do beyond that.
A cell is PostgreSQL's own wording: privileges, some on columns only.
Source: PostgreSQL's documentation, GRANT; docs/security/processes.md.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error
from django.db import DatabaseError, connection

from verification.core.certificates import PROCESSES

SHARED: Final = "shared"
"""One role of all processes, for a trial. Live mode refuses it."""

_READ: Final = "SELECT"
_ADD: Final = "SELECT, INSERT"
_ALL: Final = "SELECT, INSERT, UPDATE, DELETE"
# Columns of a case that no process changes: its opening. What is sealed or indexed beside it only
# web and workers read, and only workers change, to erase it.
_OPENING: Final = (
    "id, lender_id, mode, renews_id, client_reference, created_at, profile_id, profile_sha256,"
    " combinations"
)
_QUEUE: Final = "step, queue, due_at, reserved_until, lease_until, fence, faults"
_COURSE: Final = (
    f"{_QUEUE}, expires_at, in_review_since, finished_at, redacted_at, redaction_requested_at,"
    " consent_withdrawn_at, kept_until, disputed_at, handed_over_at,"
    " obligation_opened_at, obligation_closed_at, frames_until, contract_signed_at,"
    " release_not_before, advanced_seconds, status, code, last_failure, locale, combination, route,"
    " stage, turn, sequence"
)
_JUDGED: Final = "passed_routes"
_ERASED: Final = "client_reference, sealed_case, borrower_index"
_ATTEMPT: Final = (
    "borrower_index, counted, burnt, status, code, notice, turn, answers, sealed_memory,"
    " expires_at, closed_at"
)
_POST: Final = (
    "status, tries, due_at, lease_until, fence, finished_at, response_status, response_excerpt,"
    " response_ms, failure"
)

RIGHTS: Final[Mapping[str, Mapping[str, str]]] = {
    # People, and how they sign in.
    "people_user": {
        "web": "SELECT, INSERT, UPDATE",
        "worker": "SELECT (id, email, full_name, role, lender_id, is_active)",
    },
    "people_secondfactor": {"web": _ALL},
    "people_signintries": {"web": _ALL},
    "django_session": {"web": _ALL},
    "django_admin_log": {"web": _ADD},
    "django_content_type": {"web": _READ},
    "auth_permission": {"web": _READ},
    "auth_group": {"web": _READ},
    "auth_group_permissions": {"web": _READ},
    "django_migrations": {"web": _READ},
    "operators_proposal": {
        "web": (
            "SELECT, INSERT, UPDATE (reason, proposed, sealed_code, outcome, ended_by_id, ended_at)"
        ),
    },
    # Lenders. A sender locks a lender's row, for which PostgreSQL asks for UPDATE of a column.
    "lenders_lender": {
        "web": "SELECT, INSERT, UPDATE",
        "sender": "SELECT (id), UPDATE (created_at)",
    },
    "lenders_apikey": {"web": "SELECT, INSERT, UPDATE (expires_at, revoked_at, last_used_at)"},
    "lenders_idempotentrequest": {"web": _ALL, "sender": "SELECT (id, created_at), DELETE"},
    "lenders_webhookendpoint": {
        "web": (
            "SELECT, INSERT, UPDATE (url, events, sealed_secret, sealed_previous_secret,"
            " previous_secret_until, failures, paused_until, disabled_at, disabled_reason,"
            " deleted_at)"
        ),
        "sender": "SELECT, UPDATE (cursor, failures, paused_until, disabled_at, disabled_reason)",
    },
    "lenders_delivery": {
        "web": "SELECT, INSERT, UPDATE (status, finished_at)",
        "sender": f"SELECT, INSERT, UPDATE ({_POST}), DELETE",
    },
    "lenders_sender": {"web": _READ, "sender": _ALL},
    # Cases.
    "verification_verification": {
        "web": f"SELECT, INSERT, UPDATE ({_COURSE})",
        "worker": f"SELECT, UPDATE ({_COURSE}, {_JUDGED}, {_ERASED})",
        "tick": (
            "SELECT (id, mode, status, step, faults, due_at, expires_at, frames_until, kept_until,"
            " in_review_since),"
            f" UPDATE ({_QUEUE})"
        ),
        "sender": f"SELECT ({_OPENING}, {_COURSE}, {_JUDGED})",
    },
    "verification_attempt": {
        "web": f"SELECT, INSERT, UPDATE ({_ATTEMPT})",
        "worker": f"SELECT, INSERT, UPDATE ({_ATTEMPT})",
        "tick": "SELECT (verification_id, status, expires_at)",
    },
    "verification_access": {
        "web": "SELECT, INSERT, UPDATE",
        "worker": "SELECT (id, verification_id), UPDATE (number, sealed)",
    },
    "verification_reviewvote": {"web": _ADD, "worker": _READ},
    "verification_receipt": {"web": _READ, "worker": _ADD},
    "verification_clearance": {
        "web": (
            "SELECT, INSERT,"
            " UPDATE (status, consumed_at, amount_tiyn, frozen_at, expires_at, fresh_until)"
        ),
        "worker": (
            "SELECT, UPDATE (status, code, gates, issued_at, expires_at, fresh_until, cap_tiyn,"
            " iin_index, account_index, frozen_at)"
        ),
    },
    # Evidence, and the keys that open it. Workers alone destroy the key of a case.
    "verification_datakey": {
        "web": _ADD,
        "worker": "SELECT, UPDATE (wrapped_key, destroyed_at)",
    },
    "verification_evidenceitem": {
        "web": _ADD,
        "worker": (
            "SELECT, INSERT, UPDATE (sealed, wrapped_key, lent_key, destroyed_at, seen_index)"
        ),
    },
    "verification_captureword": {"web": _READ, "worker": "SELECT, INSERT, DELETE"},
    "verification_sharedevidence": {"web": _READ, "worker": _ADD},
    "verification_sharedevidenceuse": {"web": _READ, "worker": _ADD},
    # The log. Tick alone orders it.
    "verification_auditentry": dict.fromkeys(PROCESSES, _ADD),
    "verification_auditpending": {
        **dict.fromkeys(PROCESSES, _ADD),
        "tick": "SELECT, INSERT, UPDATE (refused), DELETE",
    },
    "verification_auditleaf": {**dict.fromkeys(PROCESSES, _READ), "tick": _ADD},
    "verification_auditcheckpoint": {**dict.fromkeys(PROCESSES, _READ), "tick": _ADD},
    "verification_audittile": {
        **dict.fromkeys(PROCESSES, _READ),
        "tick": "SELECT, INSERT, UPDATE (hashes)",
    },
    "verification_audithead": {
        **dict.fromkeys(PROCESSES, _READ),
        "tick": "SELECT, INSERT, UPDATE (size, fence)",
    },
    # Counts. A trigger inserts changes of months beside a changed case, as the process itself.
    "verification_monthlychange": {
        "web": _ADD,
        "worker": "INSERT",
        "tick": "SELECT, DELETE",
    },
    "verification_monthlycount": {"web": _READ, "tick": "SELECT, INSERT, UPDATE (number)"},
    "verification_quotause": {
        "web": "SELECT, INSERT, UPDATE (used)",
        "worker": "SELECT, INSERT, UPDATE (used)",
        "tick": "SELECT (id, day), DELETE",
    },
    # Requests of people to read their data: web seals them, a worker judges, tick deletes the old.
    "verification_subjectrequest": {
        "web": "SELECT, INSERT, UPDATE (sealed, sealed_signature, due_at, act), DELETE",
        "worker": "SELECT, UPDATE (entry, due_at, lease_until, fence, faults)",
        "tick": "SELECT (id, expires_at), DELETE",
    },
    "verification_ratecount": {
        "web": "SELECT, INSERT, UPDATE (number)",
        "worker": "SELECT, INSERT, UPDATE (number)",
        "tick": "SELECT (id, starts_at), DELETE",
    },
    "verification_pulse": {"web": _READ, "worker": _ALL, "tick": _ALL},
}
"""By table and process. A process has no right in a table that does not name it."""

# What a role of all processes may not change: write-once rows, and rows that migrations write.
_SHARED: Final = {
    "verification_auditentry": _ADD,
    "verification_auditleaf": _ADD,
    "verification_auditcheckpoint": _ADD,
    "verification_receipt": _ADD,
    "verification_reviewvote": _ADD,
    "django_migrations": _READ,
}
_PRIVILEGE: Final = re.compile(r"([A-Z]+)(?: \(([^)]*)\))?(?:, |$)")
# Every privilege of a role in a table or a column, whatever gives it: its grants, a group's, or
# PUBLIC's.
_HELD: Final = """
SELECT relname, privilege, ''
FROM pg_class, unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'REFERENCES', 'TRIGGER']) privilege
WHERE relkind IN ('r', 'p', 'v', 'm', 'f') AND relnamespace = 'public'::regnamespace
    AND has_table_privilege(pg_class.oid, privilege)
UNION ALL
SELECT relname, privilege, attname
FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid AND attnum > 0 AND NOT attisdropped,
    unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'REFERENCES']) privilege
WHERE relkind IN ('r', 'p', 'v', 'm', 'f') AND relnamespace = 'public'::regnamespace
    AND NOT has_table_privilege(pg_class.oid, privilege)
    AND has_column_privilege(pg_class.oid, attnum, privilege)
ORDER BY 1, 2, 3
"""  # noqa: E501
_POWERS: Final = """
SELECT rolsuper, rolcreaterole, rolcreatedb, rolbypassrls, rolreplication,
    EXISTS (SELECT FROM pg_roles other WHERE other.oid <> mine.oid AND pg_has_role(mine.oid, other.oid, 'MEMBER')),
    EXISTS (SELECT FROM pg_class WHERE relowner = mine.oid)
        OR EXISTS (SELECT FROM pg_namespace WHERE nspowner = mine.oid)
        OR EXISTS (SELECT FROM pg_database WHERE datdba = mine.oid),
    has_schema_privilege('public', 'CREATE') OR has_database_privilege(current_database(), 'CREATE')
FROM pg_roles mine WHERE rolname = current_user
"""  # noqa: E501
_TITLES: Final = (
    "is a superuser",
    "may make roles",
    "may make databases",
    "passes row security",
    "may replicate",
    "is a member of another role",
    "owns tables, a schema or a database",
    "may make tables",
)

Right = tuple[str, str, str]
"""A table, a privilege, and a column; without a column the privilege is of the whole table."""


def cell(process: str, table: str) -> str:
    """What this process, or a role of all, may do in a table, in PostgreSQL's words; empty for
    nothing.
    """
    if process == SHARED:
        return _SHARED.get(table, _ALL)
    return RIGHTS.get(table, {}).get(process, "")


def granted(process: str, table: str) -> set[Right]:
    """The same as single rights."""
    return {
        (table, privilege, column.strip())
        for privilege, columns in _PRIVILEGE.findall(cell(process, table))
        for column in columns.split(",")
    }


def faults() -> tuple[list[str], list[str]]:
    """Why the connected role is not this process's own, as sentences; and what it lacks.

    Both are empty on SQLite, which has no roles. A role of all processes lacks nothing.

    Raises: database errors.
    """
    if connection.vendor != "postgresql":
        return [], []
    process, roles = settings.TULGA_PROCESS, settings.TULGA_PROCESS_ROLES
    if process not in roles:
        return ["TULGA_PROCESS_ROLES is empty: all processes connect as one role"], []
    beyond, missing = differences(process)
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_user")
        (name,) = cursor.fetchone()
    title = f"the database role of the process {process}"
    strange = [f"{title} is {name}, not {roles[process]}"] if name != roles[process] else []
    return strange + [f"{title} {sentence}" for sentence in beyond], missing


def check_role(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """One error for each right that this process's database role has beyond its need; silent as
    the live set is, and while the database is away.
    """
    if not settings.TULGA_MODES_LIVE:
        return []
    try:
        beyond, _ = faults()
    except DatabaseError:
        return []
    hint = "Give each process a role of its own: docs/operator/install.md#make-the-database"
    return [Error(f"{sentence}.", hint=hint, id="tulga.E902") for sentence in beyond]


def differences(process: str) -> tuple[list[str], list[str]]:
    """What the connected role may do beyond this process's rights, and what it may not do of them,
    as sentences.

    Raises: database errors.
    """
    with connection.cursor() as cursor:
        cursor.execute(_POWERS)
        powers = cursor.fetchone()
        tables = connection.introspection.table_names(cursor)
        cursor.execute(_HELD)
        held: set[Right] = {*cursor.fetchall()}
    meant = {right for table in tables for right in granted(process, table)}
    beyond = [title for title, has_it in zip(_TITLES, powers, strict=True) if has_it]
    beyond += [f"may {_spelled(right)}" for right in sorted(held - meant)]
    # A privilege of the whole table includes its columns.
    missing = {right for right in meant - held if (*right[:2], "") not in held}
    return beyond, [_spelled(right) for right in sorted(missing)]


def _spelled(right: Right) -> str:
    table, privilege, column = right
    return f"{privilege} {table}{f'.{column}' if column else ''}"
