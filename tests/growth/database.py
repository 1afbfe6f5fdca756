"""A PostgreSQL database with so many verifications: a few that the product played, and copies of
one of them.

A copy has ids, hashes, people and references of its own, another lender, time, route and ending.
Only what the hot
queries read is copied: of a case's entries in the log those that are told to its lender, and no
    files.
"""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
from psycopg import sql

from verification.core.events import TOLD

_ROOT = Path(__file__).resolve().parents[2]
LENDERS = 40
MONTHS = 24
BORROWER_OF = 3
"""How many verifications one borrower has, on the average."""

# How a column of a copy follows from that of its original: `k` is the copy's number, from 1.
_ID = "left({c}, 4) || translate(left(md5({c} || k), 26), '0189', 'ghij')"
_HASH = "sha256({c} || k::text::bytea)"
_SEEN = f"CASE WHEN seen_index IS NOT NULL THEN {_HASH} END"
_WHEN = "{c} - interval '1 hour' - k * (interval '{months} months' / {copies})"
_ROUTES = (
    "(ARRAY['eds', 'eds', 'eds', 'eds', 'biometric', 'live_face', 'live_face', 'eds', 'eds', ''])[1"
    " + k % 10]"
)
_ENDINGS = (
    "(ARRAY['verified', 'verified', 'verified', 'verified', 'declined', 'canceled', 'expired'])[1 +"
    " k % 7]"
)
_CODES = (
    "(ARRAY['', '', '', '', 'eds_iin_mismatch', 'canceled_by_lender', 'verification_expired'])[1 +"
    " k % 7]"
)
_BORROWER = f"sha256(('borrower' || k / {BORROWER_OF})::bytea)"
# The newest are still open: a day's of two years.
_IS_OPEN = "k <= {copies} / 700"
_LENDER = f"'len_' || translate(left(md5('lender' || k % {LENDERS}), 26), '0189', 'ghij')"
_MODE = "CASE WHEN k % 20 = 0 THEN 'test' ELSE 'live' END"
_CASE: dict[str, str] = {
    "id": _ID,
    "verification_id": _ID,
    "lender_id": _LENDER,
    "mode": _MODE,
    "created_at": _WHEN,
    "expires_at": _WHEN,
    "finished_at": _WHEN,
    "borrower_index": _BORROWER,
}
_COPIED: Mapping[str, Mapping[str, str]] = {
    "verification_verification": (
        _CASE
        | {"client_reference": "'loan-' || k", "route": _ROUTES}
        | {
            "status": f"CASE WHEN {_IS_OPEN} THEN 'requires_input' ELSE {_ENDINGS} END",
            "code": f"CASE WHEN {_IS_OPEN} THEN '' ELSE {_CODES} END",
            "expires_at": "now() + interval '1 day'",
            "finished_at": f"CASE WHEN {_IS_OPEN} THEN NULL ELSE {_WHEN} END",
            # As after three busy days: verifications by camera have frames that are not due yet.
            "frames_until": (
                f"CASE WHEN {_ROUTES} IN ('biometric', 'live_face') THEN now() + interval '1"
                " day' END"
            ),
        }
    ),
    "verification_datakey": _CASE,
    # The code of a copy names the session of its original, which none of the queries follows.
    "verification_access": (
        _CASE | {"id": "", "digest": _HASH, "second_digest": _HASH, "spent_at": _WHEN}
    ),
    "verification_attempt": (
        _CASE
        | {
            "burnt": "k % 4 = 0",
            "counted": "true",
            "route": _ROUTES,
            "opened_at": _WHEN,
            "closed_at": _WHEN,
        }
    ),
    "verification_evidenceitem": (
        _CASE | {"attempt_id": _ID, "sealed_sha256": _HASH, "seen_index": _SEEN}
    ),
    "verification_receipt": {"verification_id": _ID},
    "verification_auditentry": _CASE | {"log": "'live'", "at": _WHEN},
    "verification_auditleaf": {
        "entry_id": _ID,
        "log": "'live'",
        "leaf_index": "({copies} - k) * 16 + {c} % 16",
        "told_to": _LENDER,
        "lender_sequence": "({copies} - k) * 16 + {c} % 16 + 1",
        "leaf_hash": _HASH,
    },
}
_THE_CASE = "current_setting('growth.case')"
_OF_ENTRIES = f"IN (SELECT id FROM verification_auditentry WHERE verification_id = {_THE_CASE} AND type IN {TOLD})"  # noqa: E501, S608
# Which rows belong to the original, by its id.
_OF_CASE: dict[str, str] = {
    "verification_verification": f"id = {_THE_CASE}",
    "verification_auditentry": f"verification_id = {_THE_CASE} AND type IN {TOLD}",
    "verification_auditleaf": f"entry_id {_OF_ENTRIES}",
}
_INDEXES = """
SELECT indexrelid::regclass::text, pg_get_indexdef(indexrelid) FROM pg_index
WHERE indrelid = ANY (%(tables)s::regclass[]) AND NOT indisunique
"""
_CALENDAR = '[{"from": "2021-04-30", "profile": "KZ-2021-04"}]'
_MAKE_LENDERS = f"""
INSERT INTO lenders_lender (id, name, bin, phone, test_calendar, live_calendar, return_urls, created_at)
SELECT {_LENDER}, 'Lender ' || k, 150150000000 + k, '+77270000044', '{_CALENDAR}', '[]', '[]', now()
FROM generate_series(1, {LENDERS}) k
"""  # noqa: E501, S608
# Of each capture some, and of many captures fewer: two hundred thousand are enough that none reads
# them all.
_WORDS = """
INSERT INTO verification_captureword (attempt_id, word)
SELECT id, ('x' || left(md5(id || n), 16))::bit(64)::bigint
FROM verification_attempt, generate_series(1, %(words)s) n WHERE route IN ('biometric', 'live_face')
"""
_COUNT = """
INSERT INTO verification_monthlycount (mode, month, route, status, code, last_failure, number)
SELECT mode, date_trunc('month', created_at AT TIME ZONE 'Asia/Almaty')::date, route,
    CASE WHEN finished_at IS NULL THEN 'open' ELSE status END, code,
    CASE WHEN code = 'attempts_exhausted' THEN last_failure ELSE '' END, count(*)
FROM verification_verification GROUP BY 1, 2, 3, 4, 5, 6
ON CONFLICT (mode, month, route, status, code, last_failure) DO UPDATE SET number = excluded.number
"""


def make(environment: Mapping[str, str]) -> None:
    """Creates and migrates it as the owner, and grants the application its rights."""
    address = environment["TULGA_TEST_MIGRATION_DATABASE_URL"]
    parts = urlsplit(address)
    with psycopg.connect(parts._replace(path="/postgres").geturl(), autocommit=True) as owner:
        owner.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(parts.path.lstrip("/"))))
    variables = dict(os.environ) | {
        "DATABASE_URL": environment["TULGA_TEST_DATABASE_URL"],
        "MIGRATION_DATABASE_URL": address,
        "DJANGO_SETTINGS_MODULE": "config.settings",
    }
    for command in ("migrate", "grant_process_roles"):
        call = [sys.executable, "manage.py", command, "--verbosity=0", "--skip-checks"]
        subprocess.run(call, cwd=_ROOT, env=variables, check=True)


def fill(address: str, *, case: str, copies: int) -> None:
    """Adds copies of a case; indexes are made after the rows."""
    with psycopg.connect(address, autocommit=True) as owner:
        owner.execute(
            "SET session_replication_role = replica"
        )  # triggers and foreign keys have no say in it
        owner.execute("SET maintenance_work_mem = '256MB'")
        indexes = owner.execute(
            _INDEXES, {"tables": [*_COPIED, "verification_captureword"]}
        ).fetchall()
        for name, _ in indexes:
            owner.execute(sql.SQL("DROP INDEX {}").format(sql.SQL(name)))
        owner.execute(_MAKE_LENDERS)
        for table, changed in _COPIED.items():
            _copy(owner, table, changed, case=case, copies=copies)
        owner.execute(_WORDS, {"words": max(16, 30 * 20_000 // copies)})
        for _, definition in indexes:
            owner.execute(definition)
        owner.execute(_COUNT)
        owner.execute("VACUUM")


def analyze(address: str) -> None:
    """Has the planner count, as autovacuum does now and then."""
    with psycopg.connect(address, autocommit=True) as owner:
        owner.execute("ANALYZE")


def _copy(
    owner: psycopg.Connection, table: str, changed: Mapping[str, str], *, case: str, copies: int
) -> None:
    asked = (
        "SELECT column_name FROM information_schema.columns WHERE table_name = %s ORDER BY"
        " ordinal_position"
    )
    columns = [str(name) for (name,) in owner.execute(asked, [table]) if changed.get(name) != ""]
    taken = [
        changed.get(name, "{c}").replace("{c}", f'o."{name}"').format(copies=copies, months=MONTHS)
        for name in columns
    ]
    named = ", ".join(f'"{name}"' for name in columns)
    which = _OF_CASE.get(table, f"verification_id = {_THE_CASE}")
    statement = (
        f"INSERT INTO {table} ({named}) SELECT {', '.join(taken)} "  # noqa: S608
        f"FROM (SELECT * FROM {table} WHERE {which}) o, generate_series(1, {copies}) k"
    )
    owner.execute("SELECT set_config('growth.case', %s, false)", [case])
    owner.execute(statement)


def sizes(address: str) -> dict[str, int]:
    """Rows of each table, as the planner knows them."""
    with psycopg.connect(address) as owner:
        found = owner.execute(
            "SELECT relname, reltuples::bigint FROM pg_class WHERE relkind = 'r' AND reltuples > 0"
        )
        return {str(name): int(rows) for name, rows in found}


if __name__ == "__main__":
    print(json.dumps(sizes(sys.argv[1]), indent=1))
