"""Rows are put back on PostgreSQL as they were, by nobody else's leave, and a change of anything
else is noticed.
"""

import os

import psycopg
import pytest
from django.db import connection

from lenders.models import Lender
from tests.fresh_database import copies, emptying
from tests.verification.stories.story import begin, lender
from verification.log import sequencer
from verification.models import AuditEntry, AuditLeaf

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _only_a_server() -> None:
    if connection.vendor != "postgresql":
        pytest.skip("a database that is a file is put back whole")


def as_owner(statement: str) -> None:
    with psycopg.connect(os.environ["MIGRATION_DATABASE_URL"]) as owner:
        owner.execute(statement)


def put_back() -> emptying.Migrated:
    """What the database was, after it was put back."""
    before = emptying.remember(os.environ["MIGRATION_DATABASE_URL"])
    begin(lender())
    sequencer.order("test")
    assert AuditLeaf.objects.exists()
    copies.renew()
    return before


def test_rows_are_gone_that_nobody_may_delete_and_numbers_begin_anew() -> None:
    before = put_back()
    assert not AuditEntry.objects.exists()
    after = emptying.remember(os.environ["MIGRATION_DATABASE_URL"])
    assert (after.rows, after.sequences) == (before.rows, before.sequences)


def test_a_second_client_is_sent_away_with_its_lock() -> None:
    lender()
    with psycopg.connect(os.environ["DATABASE_URL"]) as left:
        left.execute("SELECT * FROM lenders_lender FOR UPDATE")
        copies.renew()
        with pytest.raises(psycopg.OperationalError):
            left.execute("SELECT 1")
    assert not Lender.objects.exists()


def test_rows_of_the_migrations_that_were_changed_are_as_they_were() -> None:
    before = emptying.remember(os.environ["MIGRATION_DATABASE_URL"])
    as_owner("DELETE FROM django_migrations WHERE app = 'lenders'")
    copies.renew()
    assert emptying.remember(os.environ["MIGRATION_DATABASE_URL"]).rows == before.rows


@pytest.mark.parametrize(
    "statement",
    [
        "ALTER TABLE lenders_lender ADD COLUMN more integer",
        "CREATE TABLE more ()",
        "REVOKE SELECT ON lenders_lender FROM tulga_app",
        "ALTER TABLE verification_auditentry DISABLE TRIGGER USER",
    ],
)
def test_with_another_catalogue_there_is_a_new_copy(statement: str) -> None:
    before = emptying.remember(os.environ["MIGRATION_DATABASE_URL"])
    as_owner(statement)
    assert not emptying.empty(os.environ["MIGRATION_DATABASE_URL"], before)
    copies.renew()
    assert emptying.remember(os.environ["MIGRATION_DATABASE_URL"]) == before
