"""Every end and every refusal: what happened, what to do, the case number, whom to call, and
something to press.

The pages are made for every code in every language, so that a code to come cannot end in a page
that says nothing.
"""

import re
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser
from django.http import HttpResponse, HttpResponseBase
from django.test import Client, RequestFactory
from django.utils import translation
from django.utils.translation import gettext

from config import page_problems
from tests.verification.borrower.catalogues import LANGUAGES
from tests.verification.borrower.pages import RENEWAL, made
from tests.verification.borrower.visits import NOW, browser, consent, find, text
from tests.verification.stories.story import wait_until
from verification.access import open_page, openings
from verification.borrower import views
from verification.case import policy
from verification.core import errors
from verification.core.codes import CODES, ENDINGS, NOT_CONFIRMED, REASONS, ending_of
from verification.core.lender import LenderFacts, Outline

SPOKEN = ("en", *LANGUAGES)
PAGES_OF_PROBLEMS = {code: row for code, row in CODES.items() if row.page_title}
CASE, NUMBER, NAME = "1795-895-717-016", "+77270000044", "First Credit LLP"
# What ends a verification by itself. All others end it by being the last of all tries.
BY_THEMSELVES = {
    **{code: "declined" for code in REASONS if REASONS[code].final},
    "check_missing": "declined",
    **dict.fromkeys(("retries_exhausted", "review_unavailable"), "failed"),
    "verification_expired": "expired",
    "review_timeout": "expired",
    "canceled_by_lender": "canceled",
    "attempts_exhausted": "declined",
}
ENDS = [
    ("verified", "", ""),
    ("in_review", "", ""),
    *((status, code, "") for code, status in BY_THEMSELVES.items()),
    *(
        ("declined", "attempts_exhausted", code)
        for code in sorted(ENDINGS)
        if code not in BY_THEMSELVES
    ),
]
PAGES = [
    "consent",
    "question",
    "statement",
    "form",
    "code",
    "commands",
    "choose_route",
    "wait",
    "resume",
    "checking",
]
NOT_A_NUMBER_OF_SCORE = re.compile(r"\b0[.,]\d{2,}")


def body(response: HttpResponseBase | None) -> str:
    assert isinstance(response, HttpResponse)
    return response.content.decode()


def shown(language, page):
    """A page as the browser gets it, its form tokens aside."""
    request = RequestFactory().get(NOW)
    request.user = AnonymousUser()
    with translation.override(language):
        html = body(views._page(request, replace(page, locale=language)))
    return re.sub(r'value="\w{64}"', "", html)


def ended(language, status, code="", last_failure="", **more):
    return shown(
        language, made("finished", status=status, code=code, last_failure=last_failure, **more)
    )


def can_be_told_on_the_telephone(html):
    assert CASE in html
    assert NAME in html
    assert f'href="tel:{NUMBER}"' in html


def is_in(language, html, *sentences):
    """All of these stand there in this language, and in no other."""
    plain = html.replace("&#x27;", "'")
    for sentence in sentences:
        with translation.override(language):
            said = translation.gettext(sentence)
        assert (said == sentence) is (language == "en"), sentence
        assert said in plain
        assert language == "en" or sentence not in plain


@pytest.mark.parametrize("language", SPOKEN)
@pytest.mark.parametrize(("status", "code", "last_failure"), ENDS, ids=str)
@pytest.mark.parametrize("renewal", [None, RENEWAL], ids=["check", "renewal"])
def test_an_ending_says_what_happened_what_to_do_and_whom_to_call(
    language, status, code, last_failure, renewal
):
    html = ended(language, status, code, last_failure, renewal=renewal)
    can_be_told_on_the_telephone(html)
    assert html.count("<h1>") == 1
    assert len(re.findall(r'<a class="button', html)) >= 1
    assert "tel:102" in html
    assert not NOT_A_NUMBER_OF_SCORE.search(html)
    if renewal and code == "consent_declined":
        is_in(
            language,
            html,
            "No money is paid out on this request. Tell the lender, so that it ends the contract.",
        )
    elif code:
        told = ending_of(code, last_failure)
        next_of_renewal = (
            ["Ask the lender for another link."] if status in ("expired", "canceled") else []
        )
        is_in(language, html, told.happened, *((renewal and next_of_renewal) or [told.what_next]))


def test_every_code_that_can_end_a_verification_has_an_ending_and_no_other_code_has_one():
    ends = {code for code, reason in REASONS.items() if reason.burns or reason.final} | set(
        BY_THEMSELVES
    )
    assert ends <= set(ENDINGS) <= set(REASONS)


@pytest.mark.parametrize("language", SPOKEN)
@pytest.mark.parametrize("renewal", [None, RENEWAL], ids=["check", "renewal"])
def test_who_watches_sees_no_difference_between_a_reported_caller_and_a_check_that_failed(
    language, renewal
):
    coerced = ended(language, "declined", "coercion_reported", "coercion_reported", renewal=renewal)
    for status, code in (("failed", "retries_exhausted"), ("declined", "check_missing")):
        other = made("finished").verification_id.replace("2al4bijgn5", "2al4bijgn6")
        html = ended(language, status, code, renewal=renewal, verification_id=other)
        assert CASE not in html
        assert re.sub(r"\d{4}(-\d{3}){3}", CASE, html) == coerced


@pytest.mark.parametrize("language", SPOKEN)
def test_which_datum_the_registers_did_not_confirm_is_not_told(language):
    codes = [code for code, ending in ENDINGS.items() if ending == NOT_CONFIRMED]
    pages = {ended(language, "declined", code) for code in codes}
    pages |= {ended(language, "declined", "attempts_exhausted", code) for code in codes}
    assert len(pages) == 1


@pytest.mark.django_db
def test_answer_address_and_state_of_a_reported_caller_are_those_of_any_end(story, monkeypatch):
    client = browser(story)
    client.post(NOW, consent(story))
    story.work()
    client.post(NOW, {"turn": story.page().turn, "somebody_tells_me": "true"})
    story.work()

    def answers():
        page, state = client.get(NOW), client.get("/v/now/state/")
        headers = {
            name: value
            for name, value in page.headers.items()
            if name not in ("X-Request-Id", "Expires")
        }
        html = re.sub(r'(value|nonce)="[\w+/=-]{16,}"', "", text(page))
        return page.status_code, re.sub(r"nonce-[\w+/=-]+", "", str(headers)), html, state.json()

    coerced = answers()
    assert story.row().code == "coercion_reported"
    page_of = open_page.page_of
    failed: dict[str, Any] = {"status": "failed", "code": "retries_exhausted", "last_failure": ""}
    monkeypatch.setattr(open_page, "page_of", lambda *rows: replace(page_of(*rows), **failed))
    assert answers() == coerced


@pytest.mark.parametrize("language", SPOKEN)
@pytest.mark.parametrize("code", sorted(REASONS))
def test_a_notice_of_any_code_stands_on_a_page_that_can_be_told_on_the_telephone(language, code):
    html = shown(language, made("resume", notice=code))
    is_in(language, html, REASONS[code].borrower_message)
    can_be_told_on_the_telephone(html)
    assert "<button" in html


@pytest.mark.parametrize("language", SPOKEN)
@pytest.mark.parametrize("page", PAGES)
def test_every_page_of_a_check_names_the_case_and_the_lender_and_has_something_to_press(
    language, page
):
    html = shown(language, made(page))
    can_be_told_on_the_telephone(html)
    assert re.search(r"class=.button", html)


# Pages without a session

ABOUT = Outline(
    lender=LenderFacts(id="len_0", name=NAME, bin="120340000125", phone=NUMBER),
    case_number=CASE,
    locale="ru",
)


@pytest.mark.parametrize("language", SPOKEN)
@pytest.mark.parametrize("path", ["/", "/v/", NOW, "/oversight/"])
@pytest.mark.parametrize("code", sorted(PAGES_OF_PROBLEMS))
def test_every_problem_is_in_the_readers_language_and_has_a_way_out(language, path, code):
    row = PAGES_OF_PROBLEMS[code]
    with translation.override(language):
        html = body(page_problems._page(RequestFactory().get(path), status=410, code=code))
    is_in(language, html, row.page_title, row.page_text)
    assert '<a class="button' in html


@pytest.mark.parametrize("language", SPOKEN)
@pytest.mark.parametrize("code", ["link_unusable", "session_ended", "phone_code_unusable"])
def test_of_what_was_ours_once_the_lender_is_named_in_the_language_of_the_check(rf, language, code):
    problem = errors.LinkUnusable("x", code=code, about=replace(ABOUT, locale=language))
    with translation.override("kk" if language == "ru" else "ru"):
        html = body(
            page_problems.PageProblems(lambda _: HttpResponse()).process_exception(
                rf.get("/v/"), problem
            )
        )
    can_be_told_on_the_telephone(html)
    assert f'<html lang="{language}">' in html
    with translation.override(language):
        warned = str(page_problems._WARNING) in html
    assert warned is (code != "phone_code_unusable")


@pytest.mark.django_db
def test_a_used_link_names_the_lender_and_nothing_of_the_loan(story):
    browser(story)
    html = text(Client().post("/v/", {"token": story.token}))
    assert "Sandbox Credit" in html
    assert 'href="tel:+77270000044"' in html
    assert "Этой ссылкой больше нельзя воспользоваться" in html
    # A case number is a time, and a token is chance: they may have any digits.
    html = re.sub(
        r"""\+77270000044|\d{4}(-\d{3}){3}|\N{NO-BREAK SPACE}|="[\w+/=-]{16,}\"""", "", html
    )
    for personal in ("150", "KZ86", "0010", "ТЕСТ", story.id):
        assert personal not in html


@pytest.mark.django_db
def test_a_used_link_says_by_no_word_of_the_lenders_what_it_was_for(story):
    browser(story)
    html = text(Client().post("/v/", {"token": story.token}))
    with translation.override("ru"):
        assert (
            gettext("You confirm that you yourself request a loan there, or you decline.") in html
        )
    assert open_page.borrower_page(verification_id=story.id).purpose not in html


@pytest.mark.django_db
def test_long_after_the_end_a_used_link_and_session_name_no_lender(story):
    client = browser(story)
    openings.cancel(lender_id=story.lender.pk, mode="test", verification_id=story.id)
    told_until = story.row().finished_at + timedelta(seconds=policy.LINK_TOLD_SECONDS)
    wait_until(told_until - timedelta(seconds=30))
    assert "Sandbox Credit" in text(Client().post("/v/", {"token": story.token}))
    wait_until(told_until)
    used, never = (
        text(Client().post("/v/", {"token": token})) for token in (story.token, "x" * 43)
    )
    assert re.sub(r'="[\w+/=-]{16,}"', "", used) == re.sub(r'="[\w+/=-]{16,}"', "", never)
    assert "Sandbox Credit" not in text(client.get(NOW))


@pytest.mark.django_db
def test_a_used_link_keeps_what_it_says_in_another_language_and_its_secret_in_no_address(story):
    browser(story)
    client = Client()
    html = text(client.post("/v/", {"token": story.token}))
    form = find(
        r'<form class="languages" action="([^"]*)".*?name="token" value="([^"]*)".*?</form>', html
    )
    assert form.groups() == ("/v/", story.token)
    assert 'name="next"' not in form.group(0)
    again = client.post(form.group(1), {"token": form.group(2), "language": "kk"})
    html = text(again)
    assert (again.status_code, again.headers["Content-Language"]) == (410, "kk")
    assert '<html lang="kk">' in html
    assert "Sandbox Credit" in html
    assert 'href="tel:+77270000044"' in html
    assert client.cookies["django_language"].value == "kk"
    # A language that is none changes nothing.
    assert (
        client.post("/v/", {"token": story.token, "language": "xx"}).headers["Content-Language"]
        == "kk"
    )
