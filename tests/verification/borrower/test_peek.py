"""What the first page may say before its link is spent: which lender, and what for. Nothing else,
and to no other.
"""

import json
import secrets

import pytest
from django.test import Client

from tests.verification.borrower.visits import entries
from tests.verification.stories.story import IIN, begin, lender, opening, wait_until
from verification import clock
from verification.access import links, rates
from verification.access.tokens import LINKS
from verification.borrower import browsers, views

pytestmark = pytest.mark.django_db

PEEK = "/v/peek/"
NOTHING = (204, b"")
_OF_THE_MOMENT = ("X-Request-Id", "Expires")


@pytest.fixture(autouse=True)
def unbounded(monkeypatch):
    """No answer is nothing only because many were asked for within a second."""
    monkeypatch.setattr(views, "PEEKS_A_SECOND", 10**9)


def peeked(token, **options):
    answer = Client(**options).post(PEEK, {"token": token})
    return answer.status_code, answer.content


def test_it_tells_the_lender_and_what_for_and_spends_nothing(story):
    before = entries(story)
    for _ in range(3):
        answer = Client().post(PEEK, {"token": story.token})
        assert answer.json() == {"lender": story.lender.name, "asks": "loan", "is_test": True}
        assert "no-store" in answer.headers["Cache-Control"]
        assert answer.cookies.keys() <= {"csrftoken"}
    assert (entries(story), LINKS.rows.get().spent_at) == (before, None)
    assert Client().post("/v/", {"token": story.token}).cookies[browsers.SESSION].value


def test_it_tells_nothing_of_the_person_or_the_loan(story):
    said = json.dumps(Client().post(PEEK, {"token": story.token}).json(), ensure_ascii=False)
    asked = opening()
    personal = (
        IIN,
        asked.person.surname,
        asked.person.name,
        "7011234567",
        asked.person.document.number,
    )
    for secret in (
        *personal,
        "150000",
        "155000",
        "46",
        asked.loan.payout_account,
        asked.client_reference,
        story.id,
    ):
        assert secret not in said


def test_wrong_tokens_are_told_nothing_and_all_alike(story):
    client = Client()
    answers = [client.post(PEEK, {"token": secrets.token_urlsafe(32)}) for _ in range(100)]
    assert {(each.status_code, each.content) for each in answers} == {NOTHING}
    told = [
        {name: value for name, value in each.headers.items() if name not in _OF_THE_MOMENT}
        for each in answers
    ]
    assert all(each == told[0] for each in told)
    assert peeked(story.token)[0] == 200


@pytest.mark.parametrize(
    "token", ["", "x", "x" * 65, "x" * 900_000, "\ufffd", "' OR 1=1 --", "\x00"]
)
def test_what_is_no_token_is_told_nothing(token):
    assert peeked(token) == NOTHING
    assert Client().post(PEEK).status_code == 204


def test_a_link_that_was_spent_or_replaced_or_has_run_out_is_told_nothing():
    of = lender()
    spent, replaced, late, ended = (begin(of, f"A-{number}") for number in range(4))
    Client().post("/v/", {"token": spent.token})
    fresh = links.mint(lender_id=of.pk, mode="test", verification_id=replaced.id)
    ended.cancel()
    assert [peeked(one.token) for one in (spent, replaced, ended)] == [NOTHING] * 3
    assert peeked(fresh.token)[0] == peeked(late.token)[0] == 200
    wait_until(LINKS.rows.get(verification_id=late.id).expires_at)
    assert peeked(late.token) == NOTHING
    assert clock.now() < late.row().expires_at


def test_it_is_asked_by_our_own_page_only_and_by_a_post(story):
    assert peeked(story.token, enforce_csrf_checks=True)[0] == 403
    assert Client().get(PEEK).status_code == 405
    assert Client().post(PEEK, {"token": "x" * 1_100_000}).status_code == 413


def test_what_is_found_is_never_too_much_and_what_is_not_is_counted(story, monkeypatch):
    at = clock.now()
    monkeypatch.setattr(clock, "now", lambda: at)  # one second, however slow the machine
    monkeypatch.setattr(views, "PEEKS_A_SECOND", 3)
    monkeypatch.setattr(rates, "_windows", {})
    assert {peeked(story.token)[0] for _ in range(10)} == {200}
    for _ in range(3):
        assert peeked(story.token)[0] == 200
        assert peeked("x" * 43) == NOTHING
    assert peeked(story.token) == NOTHING


def test_too_many_at_once_are_told_nothing_and_the_link_works_all_the_same(story, monkeypatch):
    monkeypatch.setattr(views, "PEEKS_A_SECOND", 0)
    assert peeked(story.token) == NOTHING
    assert Client().post("/v/", {"token": story.token}).status_code == 302
