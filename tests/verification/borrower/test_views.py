"""The borrower's pages over HTTP: what they show, what they take, and nothing half-done."""

import json

import pytest
from django.test import Client

from tests.verification.borrower.pages import made
from tests.verification.borrower.visits import NOW, browser, consent, entries, find, text
from tests.verification.stories.story import begin, lender, opening
from verification.access import links, open_page
from verification.access.tokens import LINKS
from verification.borrower import browsers, wording
from verification.models import Verification

pytestmark = pytest.mark.django_db

SETTING = "django_language"


# Answers


def test_consent_leads_on_to_waiting_and_to_the_question(story):
    client = browser(story)
    shown = text(client.get(NOW))
    assert "Sandbox Credit" in shown
    assert 'name="language" value="ru"' in shown
    assert client.post(NOW, consent(story)).headers["Location"] == NOW
    turn = story.page().turn
    state = {"page": "wait", "turn": turn, "notice": ""}
    assert client.get("/v/now/state/").json() == state
    assert 'id="waiting"' in text(client.get(NOW))
    story.work()
    question = text(client.get(NOW))
    assert "KZ86 •••• 0100" in question
    assert client.get("/v/now/state/").json()["page"] == "question"


def test_the_same_answer_twice_shows_the_open_page_with_a_sentence(story):
    client = browser(story)
    answer = consent(story)
    client.post(NOW, answer)
    again = client.post(NOW, answer)
    assert again.status_code == 409
    assert wording.sentence("not_your_turn") != ""
    assert "На этот шаг уже ответили" in text(again)


@pytest.mark.parametrize(
    "changes",
    [
        {"agreed": "perhaps"},
        {"agreed": ""},
        {"version": "1999-01"},
        {"language": "xx"},
        {"turn": ""},
        {"turn": "-1"},
        {"turn": "9" * 40},
        {"turn": "१"},
        {"turn": "1.0"},
    ],
)
def test_an_answer_that_cannot_be_read_gets_a_sentence_and_leaves_the_turn_open(story, changes):
    client = browser(story)
    before, turn = entries(story), story.page().turn
    response = client.post(NOW, consent(story, **changes))
    assert response.status_code == 422
    assert "Не удалось прочитать ваш ответ" in text(response)
    assert (entries(story), story.page().turn) == (before, turn)
    assert client.post(NOW, consent(story)).status_code == 302


@pytest.mark.parametrize(
    "content_type", ["application/json", "text/plain", "application/octet-stream"]
)
def test_a_body_of_another_kind_gets_a_sentence(story, content_type):
    client = browser(story)
    response = client.post(NOW, json.dumps(consent(story)), content_type=content_type)
    assert response.status_code == 422
    assert "Не удалось прочитать ваш ответ" in text(response)


def test_an_answer_after_the_lender_canceled_shows_the_end(story):
    client = browser(story)
    answer = consent(story)
    story.cancel()
    response = client.post(NOW, answer)
    assert response.status_code == 409
    assert "Кредитор остановил эту проверку" in text(response)
    assert client.post("/v/now/elsewhere/").headers["Location"] == NOW


def test_a_silence_is_resumed_by_a_press(story):
    client = browser(story)
    attempt = Verification.objects.get(pk=story.id).attempts.get()
    type(attempt).objects.filter(pk=attempt.pk).update(expires_at=attempt.opened_at)
    assert "/v/now/resume/" in text(client.get(NOW))
    assert client.get("/v/now/state/").json()["page"] == "resume"


def test_a_route_that_is_not_offered_is_no_choice(story):
    client = browser(story)
    response = client.post("/v/now/route/", {"route": "../admin"})
    assert response.status_code in (409, 422)


# The statement


def test_only_the_page_of_the_statement_may_reach_ncalayer(story):
    client = browser(story)
    assert "wss:" not in client.get(NOW).headers["Content-Security-Policy"]
    story.to_statement()
    response = client.get(NOW)
    assert (
        "connect-src 'self' wss://127.0.0.1:13579;"
        in response.headers["Content-Security-Policy"] + ";"
    )
    request = json.loads(
        find(r'data-request="([^"]*)"', text(response)).group(1).replace("&quot;", '"')
    )
    assert request["args"]["data"] == story.page().data["statement_base64"]


def test_the_statement_is_shown_in_words_with_the_iin_masked(story):
    client = browser(story)
    story.to_statement()
    rows = find(r'<dl class="facts">.*?</dl>', text(client.get(NOW))).group(0)
    assert "********0010" in rows
    assert "990101100010" not in rows
    assert "150 000 ₸" in rows.replace("\N{NO-BREAK SPACE}", " ")


# Languages


def test_the_verification_speaks_first_and_the_switch_wins(story):
    client = browser(story, headers={"Accept-Language": "kk"})
    assert "Ваше согласие" in text(client.get(NOW))
    switched = client.post("/i18n/setlang/", {"language": "kk", "next": NOW})
    assert switched.headers["Location"] == NOW
    shown = text(client.get(NOW))
    assert "Сіздің келісіміңіз" in shown
    assert 'lang="kk"' in shown
    assert 'name="language" value="kk"' in shown


@pytest.mark.parametrize("language", ["kk", "ru", "en"])
def test_a_lenders_markup_stays_text(language):
    facts = lender('<script>alert(1)</script> & "ТОО"')
    story = begin(facts)
    client = browser(story)
    client.cookies[SETTING] = language
    assert "<script>alert" not in text(client.get(NOW))
    assert "&lt;script&gt;alert(1)" in text(client.get(NOW))


def test_the_way_back_to_the_lender_carries_no_result(story, monkeypatch):
    client = browser(story)
    page = made("finished", status="verified", return_url="https://lender.example/back?n=1&m=2")
    monkeypatch.setattr(open_page, "borrower_page", lambda *, verification_id: page)
    monkeypatch.setattr(open_page, "page_of", lambda *_: page)
    shown = text(client.get(NOW))
    assert 'href="https://lender.example/back?n=1&amp;m=2" rel="noreferrer"' in shown
    assert "progress" not in shown


def test_a_head_request_of_a_scanner_gets_no_body_and_spends_nothing(story):
    response = Client().head("/v/")
    assert (response.status_code, response.content) == (200, b"")
    assert LINKS.rows.get().spent_at is None


def test_a_session_of_one_verification_never_answers_another(story):
    second = begin(lender("Other Credit", number=2), reference=opening("B-2").client_reference)
    client = browser(story)
    turn = open_page.borrower_page(verification_id=second.id).turn
    client.post(NOW, consent(story, turn=turn))
    assert open_page.borrower_page(verification_id=second.id).turn == turn
    assert (
        links.verification_of(untrusted_session=client.cookies[browsers.SESSION].value) == story.id
    )
