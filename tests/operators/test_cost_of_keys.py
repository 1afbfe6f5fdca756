"""How many statements the check of an API key sends: one more than the look-up of its row."""

from datetime import timedelta

import pytest

from lenders import keys, policy
from lenders.models import ApiKey, Lender
from tests.lenders.samples import Caller
from tests.operators.conftest import Acting
from tests.operators.test_owned_web import genuine, seen_of
from tests.statements import statements
from tests.verification.log.rows import order_all
from verification import clock
from verification.core.events import API_KEY
from verification.log import signatures

pytestmark = pytest.mark.django_db(transaction=True)

LISTING = 1
"""The statement of an empty list itself."""
LOOK_UP = 1
"""The key and its lender by its hash: all that the check was while rows counted alone."""


def sent_by_check(secret: str) -> int:
    """The statements of the check in one request."""
    with statements() as sent:
        answer = Caller(secret).get("/v1/verifications")
    assert answer.status_code == 200, answer.content
    return len(sent) - LISTING


def live_key(two: tuple[Acting, Acting], lender: Lender) -> str:
    """The secret of a key that two operators approved."""
    at = clock.now()
    key = ApiKey(
        lender=lender,
        mode="live",
        scopes=list(policy.SCOPES),
        cidrs=[],
        created_at=at,
        expires_at=at + timedelta(days=1),
    )
    return keys.put_secret(key, approval=lambda body: genuine(two, seen_of(API_KEY, dict(body))))


def test_a_test_key_costs_one_statement_more_than_its_look_up(lender: Lender) -> None:
    secret = keys.issue(lender, mode="test").secret
    sent_by_check(secret)  # the key's use is written down
    assert sent_by_check(secret) == LOOK_UP + 1


def test_a_live_key_costs_one_statement_more_once_its_approval_is_verified(
    two: tuple[Acting, Acting], lender: Lender
) -> None:
    secret = live_key(two, lender)
    order_all("live")
    sent_by_check(secret)  # the key's use is written down
    signatures._approved.clear()
    first = sent_by_check(secret)
    later = sent_by_check(secret)
    # The first time in a process, the statements of both operators are read too.
    assert (first, later) == (LOOK_UP + 2, LOOK_UP + 1)
