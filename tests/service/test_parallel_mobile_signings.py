"""eGov Mobile's calls many times at once: one reading, one signature, one code that lives."""

import base64

import pytest
from django.utils import timezone

from insecure_sandbox.signing import sign_cms
from tests.service.at_once import at_once
from tests.verification.stories.conftest import authorities as authorities
from tests.verification.stories.conftest import issued as issued
from tests.verification.stories.story import at_statement
from verification.access import links, mobile_signing
from verification.access.tokens import SIGNERS
from verification.models import AuditEntry, EvidenceItem

pytestmark = [pytest.mark.service, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def story():
    """A borrower at the statement."""
    return at_statement()


@pytest.fixture
def session(story):
    """The borrower's session."""
    return links.redeem(untrusted_token=story.token)


@pytest.fixture
def code(story, session):
    """A code for the statement's turn."""
    return mobile_signing.mint(untrusted_session=session, turn=story.page().turn).token


@pytest.fixture
def signature(story, issued):
    """A good one."""
    der = sign_cms(issued("rsa"), story.statement(), attached=False, signed_at=timezone.now())
    return base64.b64encode(der).decode()


def kept(story):
    """Signatures kept, answers taken, and signatures taken from the app."""
    types = AuditEntry.objects.filter(verification_id=story.id).values_list("type", flat=True)
    evidence = EvidenceItem.objects.filter(verification_id=story.id, kind="statement.signature")
    return evidence.count(), list(types).count("mobile_signing.taken")


def test_of_16_puts_at_once_one_is_taken(story, code, signature):
    access = mobile_signing.read(untrusted_code=code).access
    put = lambda: mobile_signing.take(untrusted_access=access, untrusted_signature=signature)  # noqa: E731
    assert at_once(put) == 1
    assert kept(story) == (1, 1)


def test_of_16_readings_at_once_one_gets_the_token(code):
    assert at_once(lambda: mobile_signing.read(untrusted_code=code)) == 1


def test_of_the_app_and_the_page_at_once_one_answers(story, code, signature):
    access, turn = mobile_signing.read(untrusted_code=code).access, story.page().turn
    by_app = lambda: mobile_signing.take(untrusted_access=access, untrusted_signature=signature)  # noqa: E731
    by_page = lambda: story.answer_turn(turn, {"signature": signature})  # noqa: E731
    assert at_once(by_app, by_page) == 1
    assert kept(story)[0] == 1


def test_of_16_codes_at_once_one_lives(story, session):
    turn = story.page().turn
    assert at_once(lambda: mobile_signing.mint(untrusted_session=session, turn=turn)) == 16
    assert SIGNERS.rows.filter(outcome="").count() == 1
