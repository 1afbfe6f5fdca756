"""Links and sessions over HTTP: one cookie, no secret in an address, nothing done by a visit."""

import re

import pytest
from django.test import Client
from django.utils import translation

from config import page_problems
from tests.verification.borrower.visits import NOW, browser, consent, entries, find, text
from verification.access.tokens import LINKS
from verification.borrower import browsers

pytestmark = pytest.mark.django_db


# The link


def test_opening_a_link_changes_nothing_and_looks_the_same_for_everybody(story):
    before = entries(story)
    one, other = Client().get("/v/"), Client().get("/v/")
    without_tokens = [re.sub(r'value="\w{64}"', "", text(response)) for response in (one, other)]
    assert without_tokens[0] == without_tokens[1]
    assert browsers.SESSION not in one.cookies
    assert (entries(story), LINKS.rows.get().spent_at) == (before, None)


def test_continue_spends_the_link_once_and_keeps_the_session_out_of_reach_of_scripts(story):
    client = Client()
    response = client.post("/v/", {"token": story.token})
    assert (response.status_code, response.headers["Location"]) == (302, NOW)
    kept = response.cookies[browsers.SESSION]
    assert (kept["httponly"], kept["samesite"], kept["path"], kept["secure"]) == (
        True,
        "Lax",
        "/v/",
        "",
    )
    again = Client().post("/v/", {"token": story.token}, headers={"Accept-Language": "ru"})
    assert again.status_code == 410
    assert "Этой ссылкой больше нельзя воспользоваться" in text(again)
    assert browsers.SESSION not in again.cookies


def test_the_switch_of_languages_on_the_page_of_a_used_link_comes_back_to_it():
    client = Client()
    client.cookies["django_language"] = "en"
    used = client.post("/v/", {"token": "x"})
    back = find(r'name="next" value="([^"]+)"', text(used)).group(1)
    switched = client.post("/i18n/setlang/", {"next": back, "language": "ru"}, follow=True)
    assert switched.status_code == 410
    assert "Этой ссылкой больше нельзя воспользоваться" in text(switched)


def test_an_address_without_a_path_leads_to_the_page_of_a_link():
    assert Client().get("/").headers["Location"] == "/v/"


def test_the_cookie_is_secure_where_the_pages_are(story, settings):
    settings.TULGA_PUBLIC_URL = "https://id.example"
    assert Client().post("/v/", {"token": story.token}).cookies[browsers.SESSION]["secure"] is True


@pytest.mark.parametrize(
    "token", ["", "x", "x" * 100_000, "\ufffd", "' OR 1=1 --", "../..", "\x00"]
)
def test_a_token_that_is_none_gets_the_page_of_a_used_link(token):
    response = Client().post("/v/", {"token": token})
    assert response.status_code == 410
    assert "can no longer be used" in text(response)


@pytest.mark.parametrize(
    "path", ["/v/", NOW, "/v/now/route/", "/v/now/resume/", "/v/now/elsewhere/"]
)
def test_a_form_of_another_site_is_refused_in_a_sentence(story, path):
    client = browser(story)
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = client.cookies
    before = entries(story)
    response = strict.post(path, consent(story) | {"token": story.token})
    assert response.status_code == 403
    assert "could not be sent" in text(response)
    assert entries(story) == before


# The session


def test_a_browser_without_a_session_is_told_what_to_do():
    for path in (NOW, "/v/now/state/"):
        response = Client().get(path)
        assert response.status_code == 410
        assert "Nothing is open in this browser" in text(response)


def test_taking_over_elsewhere_ends_the_first_browser(story):
    first = browser(story)
    page = first.post("/v/now/elsewhere/", {"by": "link"})
    token = find(r"/v/#([\w-]{43})", text(page)).group(1)
    assert first.get(NOW).status_code == 200
    second = Client()
    assert second.post("/v/", {"token": token}).status_code == 302
    assert second.get(NOW).status_code == 200
    ended = first.get(NOW)
    assert ended.status_code == 410
    assert "Эта проверка продолжается в другом месте" in text(ended)
    assert "Sandbox Credit" in text(ended)
    assert 'href="tel:+77270000044"' in text(ended)
    with translation.override("ru"):
        assert str(page_problems._WARNING) in text(ended)


def test_a_link_for_elsewhere_is_made_by_a_post_only_and_its_code_needs_no_style(story):
    client = browser(story)
    before = LINKS.rows.count()
    assert client.get("/v/now/elsewhere/").headers["Location"] == NOW
    assert LINKS.rows.count() == before
    client.post("/v/now/elsewhere/", {"by": "link"})
    assert LINKS.rows.count() == before + 1
    page = client.post("/v/now/elsewhere/")
    drawing = find(r"<svg.*?</svg>", text(page)).group(0)
    assert "style" not in drawing
    assert "150 000" in text(page).replace("\N{NO-BREAK SPACE}", " ")


@pytest.mark.parametrize("path", ["/v/now/route/", "/v/now/resume/"])
def test_what_only_a_form_may_do_a_visit_does_not(story, path):
    client = browser(story)
    before = entries(story)
    assert client.get(path).headers["Location"] == NOW
    assert entries(story) == before


def test_no_address_on_any_page_holds_the_verification_or_a_secret(story):
    client = browser(story)
    session = client.cookies[browsers.SESSION].value
    bodies = [text(client.get(NOW)), text(client.post("/v/now/elsewhere/"))]
    story.to_statement()
    bodies.append(text(client.get(NOW)))
    for address in re.findall(r'(?:href|action|src)="([^"]*)"', "".join(bodies)):
        assert story.id not in address
        assert session not in address
        assert not re.search(r"[\w-]{43}", address.split("#")[0])


def test_a_page_is_neither_cached_nor_indexed(story):
    response = browser(story).get(NOW)
    assert "no-store" in response.headers["Cache-Control"]
    assert response.headers["Referrer-Policy"] == "same-origin"
    assert 'name="robots" content="noindex' in text(response)
    assert "unsafe" not in response.headers["Content-Security-Policy"]
