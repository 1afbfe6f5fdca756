"""What a page says beside its task: the last try, what was refused, whom to call, and masked
numbers by ear.
"""

import re
from dataclasses import replace

import pytest
from django.contrib.auth.models import AnonymousUser
from django.http import HttpResponse
from django.test import RequestFactory
from django.utils import translation

from config import page_problems
from tests.verification.borrower.pages import made
from tests.verification.borrower.visits import NOW
from verification.borrower import views

LAST, REFUSED = "This is your last try.", "This signature was not accepted."


def shown(page):
    request = RequestFactory().get(NOW)
    request.user = AnonymousUser()
    with translation.override("en"):
        response = views._page(request, replace(page, locale="en"))
    assert isinstance(response, HttpResponse)
    return response.content.decode()


@pytest.mark.parametrize(("attempt", "is_last"), [(1, False), (2, False), (3, True)])
def test_a_last_try_is_called_one_and_a_repeated_one_stands_first_in_the_title(attempt, is_last):
    html = shown(made("statement", attempt=attempt, attempts=3))
    assert (LAST in html) is is_last
    assert (f"<title>Attempt {attempt} of 3 · " in html) is (attempt > 1)


@pytest.mark.parametrize("page", ["statement", "finished"])
def test_where_there_is_one_try_only_no_page_counts_it(page):
    html = shown(made(page, attempt=1, attempts=1, status="verified"))
    assert LAST not in html
    assert "<title>Attempt" not in html


@pytest.mark.parametrize(
    ("status", "code", "last_failure", "is_said"),
    [
        ("verified", "", "", False),
        ("in_review", "", "eds_malformed", False),
        ("declined", "attempts_exhausted", "eds_iin_mismatch", True),
        ("declined", "attempts_exhausted", "face_mismatch", False),
        ("declined", "coercion_reported", "eds_iin_mismatch", False),
        ("failed", "retries_exhausted", "eds_iin_mismatch", False),
        ("declined", "attempts_exhausted", "eds_revocation_unknown", False),
    ],
)
def test_a_signature_is_called_refused_only_where_it_was_the_reason(
    status, code, last_failure, is_said
):
    html = shown(
        made("finished", status=status, code=code, last_failure=last_failure, offers_signed=True)
    )
    assert "What you signed" in html
    assert (REFUSED in html) is is_said


@pytest.mark.parametrize(
    ("status", "is_first"), [("verified", False), ("in_review", False), ("declined", True)]
)
def test_to_call_the_lender_comes_first_only_where_something_went_wrong(status, is_first):
    html = shown(made("finished", status=status, code="attempts_exhausted" if is_first else ""))
    assert ('class="button button-primary" href="tel:' in html) is is_first
    assert html.count('href="tel:+77270000044"') == 1


def test_what_a_yes_does_is_read_before_the_answers_and_the_account_is_heard_by_its_end():
    html = shown(made("question"))
    assert html.index("If you press Yes, we stop") < html.index("Yes, somebody tells me what to do")
    heard = re.sub(r'<span aria-hidden="true">[^<]*</span>', "", html)
    assert "ending in 0100</span></strong>." in heard
    assert "KZ86" not in heard
    assert "ending in 67</span>" in shown(made("code"))
    statement = shown(made("statement"))
    assert statement.count('lang="en">ending in 0100</span>') == 1
    assert "ending in 0010</span>" in statement


@pytest.mark.parametrize("code", ["link_unusable", "session_ended", "phone_code_unusable"])
def test_where_no_lender_is_known_the_police_still_are(rf, code):
    with translation.override("en"):
        html = page_problems._page(rf.get("/v/"), status=410, code=code).content.decode()
    assert 'href="tel:102" aria-label="Call the police: 102"' in html
    assert "How to protect yourself" in html
    assert "The number on this page" not in html


def test_of_a_page_that_is_not_the_borrowers_nobody_is_sent_to_the_police(rf):
    assert "tel:102" not in page_problems._page(rf.get("/oversight/"), status=404).content.decode()
