"""On PostgreSQL each process has a role with the rights that it needs. A role of all, which tests
act as, can add to the log and do nothing else to it.
"""

import subprocess
import sys

import psycopg
import pytest
from psycopg import errors, sql

from insecure_sandbox.demo.processes import ROOT, wait_until
from tests.servers import PROCESS_ROLES
from tests.service import database
from tests.service.test_personal_data import planted

pytestmark = [
    pytest.mark.service,
    pytest.mark.skipif(not database.is_postgresql(), reason="SQLite has no roles"),
]

_TABLES = ("verification_auditentry", "verification_auditleaf", "verification_auditcheckpoint")


# What each role would be asked for by an intruder in its process. NULL is a value of any type: a
# statement without a condition needs no right but the one that it is refused for.
_FORBIDDEN = {
    "web": [
        "UPDATE verification_subjectrequest SET entry = NULL",
        "UPDATE verification_verification SET passed_routes = NULL",
        "UPDATE verification_verification SET sealed_case = NULL",
        "UPDATE verification_verification SET borrower_index = NULL",
        "UPDATE verification_verification SET lender_id = NULL",
        "UPDATE verification_verification SET profile_sha256 = NULL",
        "UPDATE verification_verification SET combinations = NULL",
        "UPDATE verification_clearance SET gates = NULL",
        "UPDATE verification_clearance SET code = NULL",
        "UPDATE verification_clearance SET issued_at = NULL",
        "UPDATE verification_clearance SET cap_tiyn = NULL",
        "INSERT INTO verification_receipt DEFAULT VALUES",
        "INSERT INTO verification_captureword DEFAULT VALUES",
        "UPDATE verification_evidenceitem SET wrapped_key = NULL",
        "UPDATE verification_evidenceitem SET lent_key = NULL",
        "UPDATE verification_datakey SET wrapped_key = NULL",
        "DELETE FROM verification_datakey",
        "UPDATE lenders_webhookendpoint SET cursor = NULL",
        "UPDATE lenders_webhookendpoint SET public_key = NULL",
        "UPDATE lenders_delivery SET body = NULL",
        "DELETE FROM lenders_delivery",
        "UPDATE lenders_apikey SET scopes = NULL",
        "DELETE FROM people_user",
        "DELETE FROM lenders_lender",
        "DELETE FROM verification_verification",
        "DELETE FROM verification_access",
        "DELETE FROM verification_ratecount",
        "UPDATE verification_monthlycount SET number = NULL",
        "INSERT INTO verification_pulse DEFAULT VALUES",
    ],
    "worker": [
        "UPDATE verification_subjectrequest SET sealed = NULL",
        "INSERT INTO verification_subjectrequest DEFAULT VALUES",
        "DELETE FROM verification_subjectrequest",
        "SELECT password FROM people_user",
        "SELECT passkeys FROM people_user",
        "SELECT sealed_key FROM people_secondfactor",
        "UPDATE people_user SET is_active = NULL",
        "INSERT INTO people_user DEFAULT VALUES",
        "DELETE FROM people_user",
        "SELECT session_data FROM django_session",
        "INSERT INTO lenders_lender DEFAULT VALUES",
        "UPDATE lenders_lender SET return_urls = NULL",
        "SELECT sha256 FROM lenders_apikey",
        "INSERT INTO lenders_apikey DEFAULT VALUES",
        "SELECT sealed_secret FROM lenders_webhookendpoint",
        "UPDATE lenders_webhookendpoint SET url = NULL",
        "SELECT body FROM lenders_delivery",
        "INSERT INTO lenders_delivery DEFAULT VALUES",
        "SELECT sealed_answer FROM lenders_idempotentrequest",
        "SELECT digest FROM verification_access",
        "INSERT INTO verification_access DEFAULT VALUES",
        "INSERT INTO verification_verification DEFAULT VALUES",
        "INSERT INTO verification_reviewvote DEFAULT VALUES",
        "INSERT INTO verification_clearance DEFAULT VALUES",
        "UPDATE verification_clearance SET consumed_at = NULL",
        "UPDATE verification_verification SET lender_id = NULL",
        "UPDATE verification_datakey SET verification_id = NULL",
        "DELETE FROM verification_datakey",
        "INSERT INTO verification_datakey DEFAULT VALUES",
        "DELETE FROM verification_evidenceitem",
        "UPDATE verification_monthlycount SET number = NULL",
    ],
    "tick": [
        "SELECT sealed FROM verification_subjectrequest",
        "SELECT sealed_case FROM verification_verification",
        "SELECT borrower_index FROM verification_verification",
        "SELECT client_reference FROM verification_verification",
        "SELECT sealed_memory FROM verification_attempt",
        "SELECT wrapped_key FROM verification_datakey",
        "SELECT sealed FROM verification_evidenceitem",
        "SELECT digest FROM verification_access",
        "SELECT jws FROM verification_receipt",
        "SELECT email FROM people_user",
        "SELECT session_data FROM django_session",
        "SELECT name FROM lenders_lender",
        "SELECT sealed_secret FROM lenders_webhookendpoint",
        "SELECT sealed_answer FROM lenders_idempotentrequest",
        "UPDATE verification_verification SET status = NULL",
        "UPDATE verification_verification SET code = NULL",
        "UPDATE verification_verification SET expires_at = NULL",
        "UPDATE verification_attempt SET status = NULL",
        "UPDATE verification_clearance SET status = NULL",
        "INSERT INTO verification_receipt DEFAULT VALUES",
        "INSERT INTO verification_reviewvote DEFAULT VALUES",
        "INSERT INTO verification_quotause DEFAULT VALUES",
    ],
    "sender": [
        "SELECT id FROM verification_subjectrequest",
        "SELECT wrapped_key FROM verification_datakey",
        "SELECT wrapped_key FROM verification_evidenceitem",
        "SELECT digest FROM verification_access",
        "SELECT sealed_case FROM verification_verification",
        "SELECT borrower_index FROM verification_verification",
        "SELECT sealed_memory FROM verification_attempt",
        "SELECT session_data FROM django_session",
        "SELECT email FROM people_user",
        "SELECT sealed_key FROM people_secondfactor",
        "SELECT name FROM lenders_lender",
        "SELECT sha256 FROM lenders_apikey",
        "SELECT sealed_answer FROM lenders_idempotentrequest",
        "UPDATE lenders_lender SET phone = NULL",
        "UPDATE lenders_webhookendpoint SET url = NULL",
        "UPDATE lenders_webhookendpoint SET sealed_secret = NULL",
        "UPDATE lenders_webhookendpoint SET deleted_at = NULL",
        "INSERT INTO lenders_webhookendpoint DEFAULT VALUES",
        "UPDATE lenders_delivery SET body = NULL",
        "UPDATE verification_verification SET status = NULL",
        "UPDATE verification_clearance SET status = NULL",
        "DELETE FROM verification_auditpending",
        "INSERT INTO verification_receipt DEFAULT VALUES",
        "INSERT INTO verification_pulse DEFAULT VALUES",
    ],
}
_TO_ALL = [
    *(
        f"{words} {table}"
        for table in _TABLES
        for words in ("DELETE FROM", "TRUNCATE", "DROP TABLE", "LOCK TABLE")
    ),
    "UPDATE verification_auditentry SET body = NULL",
    "UPDATE verification_auditpending SET entry_id = NULL",
    "UPDATE verification_receipt SET jws = NULL",
    "UPDATE verification_reviewvote SET passes = NULL",
    "ALTER TABLE verification_auditentry DISABLE TRIGGER ALL",
    "CREATE TRIGGER mine BEFORE INSERT ON verification_auditentry"
    " FOR EACH ROW EXECUTE FUNCTION verification_refuse_change()",
    "SET session_replication_role = replica",
    "CREATE TABLE public.another (id int)",
    "CREATE SCHEMA another",
    "CREATE ROLE another SUPERUSER",
    "COPY (SELECT 1) TO PROGRAM 'true'",
    "SELECT pg_read_file('PG_VERSION')",
    "SET ROLE tulga_owner",
    "SET ROLE tulga_app",
]


def refuse(deployment, statement, *, process="", **names):
    """The error PostgreSQL answers with: a process's role, or the role of all."""
    spelled = sql.SQL(statement).format(
        **{name: sql.Identifier(word) for name, word in names.items()}
    )
    variables = database.as_process(process) if process else database.environment()
    with psycopg.connect(variables["DATABASE_URL"]) as application:
        try:
            application.execute(spelled)
        except errors.InsufficientPrivilege as refused:
            return refused
        raise AssertionError(f"{statement} was done")


@pytest.mark.parametrize("process", _FORBIDDEN)
def test_a_process_has_no_right_beyond_its_own(deployment, process):
    assert len(_FORBIDDEN[process]) >= 15
    others = [f"SET ROLE {role}" for name, role in PROCESS_ROLES.items() if name != process]
    for statement in (*_FORBIDDEN[process], *_TO_ALL, *others):
        assert refuse(deployment, statement, process=process)


def test_only_tick_orders_the_log(deployment):
    for process in ("web", "worker", "sender"):
        for table in ("auditleaf", "auditcheckpoint", "audittile", "audithead"):
            statement = f"INSERT INTO verification_{table} DEFAULT VALUES"
            assert refuse(deployment, statement, process=process)
        for statement in (
            "UPDATE verification_audithead SET size = NULL",
            "UPDATE verification_auditpending SET refused = NULL",
            "DELETE FROM verification_auditpending",
        ):
            assert refuse(deployment, statement, process=process)


def test_a_case_goes_its_way_with_each_process_under_its_role(deployment):
    verification_id, browser, credential = deployment.borrow("roles")
    browser.sign(credential)
    assert browser.wait_for_judgement(seconds=60)
    told = (
        "SELECT DISTINCT status FROM lenders_delivery WHERE event_id IN"
        " (SELECT id FROM verification_auditentry WHERE verification_id = %s"
        " AND type = 'verification.verified')"
    )
    wait_until(
        lambda: deployment.rows(told, verification_id) == [("delivered",)],
        what="the webhook of its end",
        seconds=60,
    )
    connected = "SELECT DISTINCT usename::text FROM pg_stat_activity WHERE datname = %s"
    name = database.environment()["DATABASE_URL"].rpartition("/")[2]
    roles = {role for (role,) in deployment.rows(connected, name)}
    assert roles & {*PROCESS_ROLES.values(), "tulga_owner"} == set(PROCESS_ROLES.values())
    assert deployment.refused() == []


def test_a_worker_erases_a_case_under_its_role_and_web_does_not(deployment):
    iin = deployment.stage.iin()
    opened = deployment.api.call(
        "POST", "/v1/verifications", planted(iin) | {"client_reference": "erased"}
    )
    code = f"""
from django.db import transaction
from verification import clock
from verification.evidence import erasure
from verification.models import Verification
with transaction.atomic():
    print(erasure.erase("{opened["id"]}", at=clock.now()))
    rows = Verification.objects.filter(pk="{opened["id"]}")
    print(rows.update(sealed_case=b"", client_reference="", borrower_index=None))
    transaction.set_rollback(True)
"""
    told = run(deployment, "shell", "-c", code, role="worker", TULGA_PROCESS="worker")
    assert told.strip().endswith("1")
    told = run(deployment, "shell", "-c", code, role="web", TULGA_PROCESS="web")
    assert "permission denied for table verification_datakey" in told


@pytest.mark.parametrize("process", PROCESS_ROLES)
def test_a_role_has_all_that_its_process_needs_and_nothing_beyond(deployment, process):
    assert faults(deployment, process, role=process) == "([], [])"


def test_another_role_is_named_with_what_it_may_do_beyond(deployment):
    of_web = faults(deployment, "sender", role="web")
    assert "the database role of the process sender is tulga_web, not tulga_sender" in of_web
    assert "the database role of the process sender may SELECT verification_datakey" in of_web
    assert "UPDATE lenders_webhookendpoint.cursor" in of_web  # which it lacks
    of_owner = faults(deployment, "sender", role="", MIGRATION="1")
    assert "owns tables, a schema or a database" in of_owner
    assert "may make databases" in of_owner
    assert "may make tables" in of_owner
    of_all = faults(deployment, "sender", role="", TULGA_PROCESS_ROLES="")
    assert of_all == "(['TULGA_PROCESS_ROLES is empty: all processes connect as one role'], [])"


def test_a_process_does_not_start_with_too_few_rights_nor_in_live_mode_with_too_many(deployment):
    too_few = run(deployment, "deliver", "--once", role="tick")
    assert "this process's database role lacks" in too_few
    assert "grant_process_roles" in too_few
    shared = {"TULGA_PROCESS_ROLES": "", "TULGA_MODES_LIVE": "1"}
    too_many = run(deployment, "deliver", "--once", role="", **shared)
    assert "TULGA_PROCESS_ROLES is empty: all processes connect as one role" in too_many
    checked = run(deployment, "check", "--deploy", "--tag", "live", role="", **shared)
    assert "(tulga.E902) TULGA_PROCESS_ROLES is empty" in checked
    # Under its own role it is the rest of the live set that is missing.
    right = run(deployment, "deliver", "--once", role="sender", TULGA_MODES_LIVE="1")
    assert "TULGA_PROCESS_ROLES" not in right
    assert "(tulga.E001)" in right
    assert "E902" not in run(
        deployment, "check", "--deploy", "--tag", "live", role="web", TULGA_MODES_LIVE="1"
    )


def faults(deployment, process, *, role, **more):
    """What `config/rights.py` says of a process under a role, spelled."""
    code = "from config import rights; print(rights.faults())"
    told = run(deployment, "shell", "-c", code, role=role, TULGA_PROCESS=process, **more)
    return told.strip().splitlines()[-1]


def run(deployment, *arguments, role, **more):
    """The output of a command under a process's role, or under the role of all."""
    variables = database.as_process(role) if role else database.environment()
    address = variables["MIGRATION_DATABASE_URL" if "MIGRATION" in more else "DATABASE_URL"]
    added = [f"{name}={value}" for name, value in more.items()]
    command = [*deployment.processes.environment, f"DATABASE_URL={address}", *added]
    command += [sys.executable, "manage.py", *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    return done.stdout + done.stderr


@pytest.mark.parametrize("table", _TABLES)
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE {table} SET log = log",
        "DELETE FROM {table}",
        "TRUNCATE {table} CASCADE",
        "ALTER TABLE {table} DISABLE TRIGGER ALL",
        "ALTER TABLE {table} DISABLE TRIGGER USER",
        "DROP TABLE {table} CASCADE",
    ],
)
def test_the_application_role_may_not(deployment, statement, table):
    assert refuse(deployment, statement, table=table)


def test_the_application_role_cannot_drop_a_trigger_of_the_log(deployment):
    triggers = deployment.rows(
        "SELECT tgname::text, tgrelid::regclass::text FROM pg_trigger "
        "WHERE NOT tgisinternal AND tgrelid::regclass::text = ANY(%s)",
        list(_TABLES),
    )
    assert {table for _, table in triggers} == set(_TABLES), "a log table without a trigger"
    for trigger, table in triggers:
        assert refuse(deployment, "DROP TRIGGER {trigger} ON {table}", trigger=trigger, table=table)


@pytest.mark.parametrize("table", _TABLES)
def test_the_application_role_may_read_the_log_and_add_to_it(deployment, table):
    rights = "SELECT has_table_privilege(%s, 'SELECT'), has_table_privilege(%s, 'INSERT')"
    assert deployment.rows(rights, table, table) == [(True, True)]


def test_the_application_role_cannot_switch_triggers_off_or_become_the_owner(deployment):
    assert refuse(deployment, "SET session_replication_role = replica")
    owners = "SELECT DISTINCT tableowner::text FROM pg_tables WHERE tablename = ANY(%s)"
    [(owner,)] = deployment.rows(owners, list(_TABLES))
    assert refuse(deployment, "SET ROLE {owner}", owner=owner)


def test_the_tests_run_as_a_role_without_powers_of_its_own(deployment):
    powers = (
        "SELECT rolsuper, rolcreaterole, rolcreatedb, rolbypassrls, rolreplication "
        "FROM pg_roles WHERE rolname = current_user"
    )
    assert deployment.rows(powers) == [(False,) * 5]


def test_the_owner_of_the_log_is_stopped_by_its_triggers(deployment):
    with psycopg.connect(database.environment()["MIGRATION_DATABASE_URL"]) as owner:
        [(is_super,)] = owner.execute(
            "SELECT rolsuper FROM pg_roles WHERE rolname = current_user"
        ).fetchall()
        assert not is_super
        with pytest.raises(errors.RaiseException):
            owner.execute("UPDATE verification_auditentry SET type = 'x'")
