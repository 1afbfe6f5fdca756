"""The hand-over many times at once: one phone that reads, one answer, one number typed in, one
session.
"""

import threading
import time
from contextlib import suppress

import pytest
from django.db import connection

from tests.service.at_once import at_once
from tests.verification.stories.story import at_statement
from verification import transactions
from verification.access import hand_over, links
from verification.access.tokens import PHONES, SESSIONS
from verification.case import policy
from verification.core.errors import Conflict
from verification.models import AuditEntry

pytestmark = [pytest.mark.service, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def session():
    """A borrower's session at the statement."""
    story = at_statement()
    return links.redeem(untrusted_token=story.token)


def test_of_phones_that_scan_a_code_at_once_one_gets_a_token(session):
    code = hand_over.mint(untrusted_session=session).token
    assert at_once(lambda: hand_over.read(untrusted_code=code, untrusted_agent="")) == 1


def test_of_codes_made_at_once_one_lives(session):

    def mint():
        with suppress(Conflict):  # one verification gives ten
            hand_over.mint(untrusted_session=session)

    at_once(mint)
    assert PHONES.rows.count() == policy.HAND_OVERS_MAX
    assert PHONES.rows.filter(outcome="").count() == 1


def test_of_answers_at_once_a_yes_counts_once_and_a_no_at_most_once(session):
    phone = hand_over.read(
        untrusted_code=hand_over.mint(untrusted_session=session).token, untrusted_agent=""
    )
    acts = [
        lambda told=told: hand_over.reply(untrusted_phone=phone, is_told=told)
        for told in (True, False)
    ]
    assert 1 <= at_once(*acts) <= 2
    assert AuditEntry.objects.filter(type="hand_over.stopped").count() == 1


def test_a_yes_counts_while_the_other_screen_ends_the_code(session):
    code = hand_over.mint(untrusted_session=session).token
    phone = hand_over.read(untrusted_code=code, untrusted_agent="")
    is_ended, outcomes = threading.Event(), list[str]()

    def first_screen():
        with transactions.writing():
            hand_over.mint(untrusted_session=session)
            is_ended.set()
            time.sleep(1)  # the yes waits for this transaction, and read the code before it ended
        connection.close()

    def borrower():
        is_ended.wait()
        hand_over.reply(untrusted_phone=phone, is_told=True)
        outcomes.append("counted")
        connection.close()

    acts = [threading.Thread(target=act) for act in (first_screen, borrower)]
    for act in acts:
        act.start()
    for act in acts:
        act.join()
    assert outcomes == ["counted"]
    assert AuditEntry.objects.filter(type="hand_over.stopped").count() == 1


def test_of_numbers_typed_in_at_once_one_counts_and_one_session_is_left(session):
    phone = hand_over.read(
        untrusted_code=hand_over.mint(untrusted_session=session).token, untrusted_agent=""
    )
    hand_over.reply(untrusted_phone=phone, is_told=False)
    number = hand_over.waiting(untrusted_phone=phone).number
    wrong = str(int(number) % 9_999 + 1)
    acts = [
        lambda said=said: hand_over.match(
            untrusted_session=session, untrusted_number=said, untrusted_agent=""
        )
        for said in (number, wrong)
    ]
    assert at_once(*acts) == 1
    assert SESSIONS.rows.filter(spent_at=None).count() == 1
    told = AuditEntry.objects.filter(type__in=("verification.handed_over", "hand_over.refused"))
    assert told.count() == 1
