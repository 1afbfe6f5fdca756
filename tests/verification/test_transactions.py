"""Every statement of a request and of a step runs in a transaction that says whose rows it may
see.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest
from django.db import Error, connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from lenders import keys
from lenders.models import Lender
from tests import registered
from tests.lenders.samples import Caller, opening
from tests.verification.review import desk
from tests.verification.stories.story import Story, begin, lender
from verification import tasks, transactions
from verification.access import links
from verification.stages.confirmation.policy import CONSENT_CURRENT as CURRENT

pytestmark = pytest.mark.django_db(transaction=True)

# What belongs to no lender: who is signed in, counts over all lenders, the log's own order.
_NAMED = re.compile(
    r"SELECT set_config\('tulga\.lender', '(\w*)', true\), set_config\('tulga\.scope', '(\w*)',"
    r" true\)"
)
_SHARED = ("django_session", "people_", "django_content_type", "auth_")


@contextmanager
def whose_rows() -> Iterator[list[tuple[str, str, str]]]:
    """Each statement with the lender and the scope that its transaction had named before it."""
    seen: list[tuple[str, str, str]] = []
    with CaptureQueriesContext(connection) as asked:
        yield seen
    is_open, named = False, ("", "")
    for sql in (one["sql"] for one in asked.captured_queries):
        if sql in ("BEGIN", "COMMIT", "ROLLBACK"):
            is_open, named = sql == "BEGIN", ("", "")
        elif found := _NAMED.match(sql):
            named = (found[1], found[2])
        elif sql.startswith(('SELECT "', "INSERT", "UPDATE", "DELETE")):
            assert is_open, f"outside of any transaction: {sql}"
            seen.append((sql, *named))


needs_postgresql = pytest.mark.skipif(
    "connection.vendor != 'postgresql'", reason="SQLite knows no such settings"
)


def assert_only(
    seen: list[tuple[str, str, str]], *, lender_id: str, look_ups: tuple[str, ...]
) -> None:
    """All statements saw this lender's rows only, but for those that found out who it was."""
    assert seen
    for sql, named, scope in seen:
        if any(f'"{table}' in sql for table in _SHARED):
            continue
        if scope == transactions.ALL:
            assert any(f'FROM "{table}"' in sql for table in look_ups), f"sees all rows: {sql}"
        else:
            assert named == lender_id, f"sees no lender's rows: {sql}"


@needs_postgresql
def test_a_lenders_request_sees_its_own_rows_once_the_key_is_known() -> None:
    of = registered.lender(
        name="Ақша LLP",
        bin="180440012349",
        phone="+77270000044",
        return_urls=["https://lender.example/back"],
    )
    api = Caller(keys.issue(of, mode="test").secret)
    with whose_rows() as seen:
        assert api.post("/v1/verifications", opening(), key="k-1").status_code == 201
        assert api.get("/v1/verifications").status_code == 200
    assert_only(seen, lender_id=of.pk, look_ups=("lenders_apikey",))


@needs_postgresql
def test_a_borrowers_request_sees_the_rows_of_their_lender_once_the_session_is_known() -> None:
    story = begin(lender())
    browser = Client()
    with whose_rows() as seen:
        assert browser.post(reverse("borrower:link"), {"token": story.token}).status_code == 302
        assert browser.get(reverse("borrower:now")).status_code == 200
    look_ups = (
        "verification_attempt",
        "verification_verification",
        "verification_access",
    )
    assert_only(seen, lender_id=story.lender.pk, look_ups=look_ups)


@needs_postgresql
def test_a_page_for_anybody_sees_the_rows_of_lenders_and_links_alone() -> None:
    story = begin(lender())
    with whose_rows() as seen:
        assert Client().post(reverse("borrower:peek"), {"token": story.token}).status_code == 200
        assert Client().get(reverse("borrower:about")).status_code == 200
    # The page names the lenders that the log states, so it reads their statements too.
    look_ups = (
        *("verification_access", "verification_auditentry"),
        *("lenders_lender", "lenders_apikey"),
    )
    assert_only(seen, lender_id="", look_ups=look_ups)


@needs_postgresql
def test_a_reviewers_request_sees_the_rows_of_their_lender_once_the_person_is_known() -> None:
    of = lender()
    reviewer = desk.at_desk(of)
    with whose_rows() as seen:
        assert reviewer.get(reverse("review:queue")).status_code == 200
    assert_only(seen, lender_id=of.pk, look_ups=("people_user", "verification_auditentry"))


@needs_postgresql
def test_a_step_sees_all_rows_in_at_most_three_transactions() -> None:
    story: Story = begin(lender())
    story.answer(agreed=False, version=CURRENT, language="ru")
    with whose_rows() as seen:
        tasks.advance(story.id)
    assert story.row().status == "declined"
    assert {scope for _, _, scope in seen} == {transactions.ALL}


def write_and_fail(why: str) -> None:
    """A transaction that sees all and writes, and is taken back."""
    with transactions.writing():
        transactions.see(scope=transactions.ALL)
        lender()
        raise RuntimeError(why)


def test_what_was_written_is_kept_or_taken_back_as_a_whole() -> None:
    with transactions.running(scope=transactions.ALL):
        with pytest.raises(RuntimeError, match="in the middle"):
            write_and_fail("in the middle")
        assert not Lender.objects.exists()
        with transactions.writing():
            kept = lender()
        assert Lender.objects.get() == kept


def test_a_durable_transaction_is_no_part_of_another() -> None:
    with (
        transactions.running(scope=transactions.ALL),
        transactions.writing(),
        pytest.raises(RuntimeError, match="durable"),
        transactions.writing(durable=True),
    ):
        pass


def test_a_look_up_leaves_the_visible_rows_as_they_were() -> None:
    def said() -> tuple[str, str]:
        run = transactions._run.get()
        assert run is not None
        return run.lender, run.scope

    with transactions.running():
        with transactions.looking_up("api_key"):
            assert said() == ("", transactions.ALL)
        assert said() == ("", "")
        with transactions.looking_up("link"):
            transactions.see(lender="len_a")
        assert said() == ("len_a", "")
        with pytest.raises(KeyError), transactions.looking_up("out of curiosity"):
            pass
        with pytest.raises(RuntimeError, match="not found"), transactions.looking_up("link"):
            raise RuntimeError("not found")
        assert said() == ("len_a", "")
        with pytest.raises(RuntimeError, match="back"), transactions.writing():
            write_and_fail("back")
        assert said() == ("len_a", "")


def test_an_unusable_link_shows_no_rows() -> None:
    with transactions.running(), pytest.raises(Exception, match="link"):
        links.redeem(untrusted_token="x" * 43)


@needs_postgresql
def test_a_write_goes_on_in_the_transaction_of_the_reads_before_it() -> None:
    with transactions.running(scope=transactions.ALL), connection.cursor() as cursor:
        cursor.execute("SELECT pg_current_xact_id()::text")
        [before] = cursor.fetchone()
        with transactions.writing():
            cursor.execute("SELECT pg_current_xact_id()::text")
            assert cursor.fetchone() == (before,)
        cursor.execute("SELECT pg_current_xact_id()::text")
        assert cursor.fetchone() != (before,)


def test_what_was_written_before_is_kept_whatever_becomes_of_a_transaction_after_it() -> None:
    with transactions.running(scope=transactions.ALL):
        assert not Lender.objects.exists()
        kept = lender(number=20)
        with pytest.raises(RuntimeError, match="later"):
            write_and_fail("later")
    assert list(Lender.objects.all()) == [kept]


@needs_postgresql
def test_after_a_read_that_failed_a_transaction_can_write() -> None:
    with transactions.running(scope=transactions.ALL):
        assert not Lender.objects.exists()
        with suppress(Error), connection.cursor() as cursor:
            cursor.execute("SELECT 1 / 0")
        with transactions.writing():
            kept = lender()
    assert Lender.objects.get() == kept
