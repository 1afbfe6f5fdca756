"""The borrower's pages over HTTP: one cookie, no secret in an address, nothing half-done."""

import json
import re

import pytest
from django.test import Client

from tests.verification.borrower.pages import made
from tests.verification.workflow.story import begin, lender, opening
from verification.borrower import cookie, wording
from verification.models import AuditEntry, Link, Verification
from verification.workflow import commands, links, queries

pytestmark = pytest.mark.django_db

NOW = "/v/now/"
SETTING = "django_language"


@pytest.fixture
def story():
    return begin(lender())


def browser(story, **options):
    """A client that has opened the story's link."""
    client = Client(**options)
    assert client.post("/v/", {"token": story.token}).status_code == 302
    return client


def text(response):
    return response.content.decode()


def entries(story):
    return AuditEntry.objects.filter(verification_id=story.id).count()


def consent(story, **changes):
    return {"turn": story.page().turn, "agreed": "true", "version": "2026-11", "language": "ru"} | changes


# The link


def test_opening_a_link_changes_nothing_and_looks_the_same_for_everybody(story):
    before = entries(story)
    one, other = Client().get("/v/"), Client().get("/v/")
    without_tokens = [re.sub(r'value="\w{64}"', "", text(response)) for response in (one, other)]
    assert without_tokens[0] == without_tokens[1]
    assert cookie.NAME not in one.cookies
    assert (entries(story), Link.objects.get().spent_at) == (before, None)


def test_continue_spends_the_link_once_and_keeps_the_session_out_of_reach_of_scripts(story):
    client = Client()
    response = client.post("/v/", {"token": story.token})
    assert (response.status_code, response.headers["Location"]) == (302, NOW)
    kept = response.cookies[cookie.NAME]
    assert (kept["httponly"], kept["samesite"], kept["path"], kept["secure"]) == (True, "Lax", "/v/", "")
    again = Client().post("/v/", {"token": story.token}, headers={"Accept-Language": "ru"})
    assert again.status_code == 410
    assert "Этой ссылкой больше нельзя воспользоваться" in text(again)
    assert cookie.NAME not in again.cookies


def test_the_cookie_is_secure_where_the_pages_are(story, settings):
    settings.TULGA_PUBLIC_URL = "https://id.example"
    assert Client().post("/v/", {"token": story.token}).cookies[cookie.NAME]["secure"] is True


@pytest.mark.parametrize("token", ["", "x", "x" * 100_000, "\ufffd", "' OR 1=1 --", "../..", "\x00"])
def test_a_token_that_is_none_gets_the_page_of_a_used_link(token):
    response = Client().post("/v/", {"token": token})
    assert response.status_code == 410
    assert "can no longer be used" in text(response)


@pytest.mark.parametrize("path", ["/v/", NOW, "/v/now/route/", "/v/now/resume/", "/v/now/elsewhere/"])
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
    page = first.post("/v/now/elsewhere/")
    token = re.search(r"/v/#([\w-]{43})", text(page)).group(1)
    assert first.get(NOW).status_code == 200
    second = Client()
    assert second.post("/v/", {"token": token}).status_code == 302
    assert second.get(NOW).status_code == 200
    ended = first.get(NOW)
    assert ended.status_code == 410
    assert "goes on elsewhere" in text(ended)


def test_a_link_for_elsewhere_is_made_by_a_post_only_and_its_code_needs_no_style(story):
    client = browser(story)
    before = Link.objects.count()
    assert client.get("/v/now/elsewhere/").headers["Location"] == NOW
    assert Link.objects.count() == before
    page = client.post("/v/now/elsewhere/")
    assert Link.objects.count() == before + 1
    drawing = re.search(r"<svg.*?</svg>", text(page), re.DOTALL).group(0)
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
    session = client.cookies[cookie.NAME].value
    bodies = [text(client.get(NOW)), text(client.post("/v/now/elsewhere/"))]
    story.to_statement()
    bodies.append(text(client.get(NOW)))
    for address in re.findall(r'(?:href|action|src)="([^"]*)"', "".join(bodies)):
        assert story.id not in address
        assert session not in address
        assert not re.search(r"[\w-]{43}", address.split("#")[0])


def test_a_page_is_kept_nowhere_and_found_by_nobody(story):
    response = browser(story).get(NOW)
    assert "no-store" in response.headers["Cache-Control"]
    assert response.headers["Referrer-Policy"] == "same-origin"
    assert 'name="robots" content="noindex' in text(response)
    assert "unsafe" not in response.headers["Content-Security-Policy"]


# Answers


def test_consent_leads_on_to_waiting_and_to_the_question(story):
    client = browser(story)
    shown = text(client.get(NOW))
    assert "Sandbox Credit" in shown
    assert 'name="language" value="ru"' in shown
    assert client.post(NOW, consent(story)).headers["Location"] == NOW
    assert client.get("/v/now/state/").json() == {"page": "wait", "turn": story.page().turn, "status": "processing"}
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


@pytest.mark.parametrize("content_type", ["application/json", "text/plain", "application/octet-stream"])
def test_a_body_of_another_kind_gets_a_sentence(story, content_type):
    client = browser(story)
    response = client.post(NOW, json.dumps(consent(story)), content_type=content_type)
    assert response.status_code == 422
    assert "Не удалось прочитать ваш ответ" in text(response)


def test_a_body_over_the_limit_is_refused_before_it_is_read(story):
    client = browser(story)
    turn = story.page().turn
    response = client.post(NOW, consent(story, agreed="x" * 1_000_001))
    assert response.status_code == 413
    assert "too large" in text(response)
    assert story.page().turn == turn


def test_a_declined_consent_ends_it_and_says_so(story):
    client = browser(story)
    client.post(NOW, consent(story, agreed="false"))
    story.work()
    assert "Вы не согласились" in text(client.get(NOW))
    assert client.get("/v/now/state/").json() == {"page": "finished", "turn": 0, "status": "declined"}


def test_a_reported_caller_ends_it_with_help(story):
    client = browser(story)
    client.post(NOW, consent(story))
    story.work()
    client.post(NOW, {"turn": story.page().turn, "somebody_tells_me": "true"})
    story.work()
    shown = text(client.get(NOW))
    assert "102" in shown
    assert "Остановлено" in shown
    assert Verification.objects.get(pk=story.id).code == "coercion_reported"


def test_an_answer_after_the_lender_canceled_shows_the_end(story):
    client = browser(story)
    answer = consent(story)
    commands.cancel(lender_id=story.lender.pk, mode="test", verification_id=story.id)
    response = client.post(NOW, answer)
    assert response.status_code == 409
    assert "Кредитор завершил эту проверку" in text(response)
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
    assert "connect-src 'self' wss://127.0.0.1:13579;" in response.headers["Content-Security-Policy"] + ";"
    request = json.loads(re.search(r'data-request="([^"]*)"', text(response)).group(1).replace("&quot;", '"'))
    assert request["args"]["data"] == story.page().data["statement_base64"]


def test_the_statement_is_shown_in_words_with_the_iin_masked(story):
    client = browser(story)
    story.to_statement()
    rows = re.search(r'<dl class="facts">.*?</dl>', text(client.get(NOW)), re.DOTALL).group(0)
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


# Endings

ENDS = [
    ("verified", ""),
    ("declined", "attempts_exhausted"),
    ("declined", "coercion_reported"),
    ("declined", "consent_declined"),
    ("declined", "check_missing"),
    ("expired", "verification_expired"),
    ("expired", "review_timeout"),
    ("canceled", "canceled_by_lender"),
    ("failed", "retries_exhausted"),
    ("in_review", ""),
]


@pytest.mark.parametrize("language", ["kk", "ru", "en"])
@pytest.mark.parametrize(("status", "code"), ENDS)
def test_every_ending_says_what_happened_and_the_way_back_carries_no_result(story, monkeypatch, status, code, language):
    client = browser(story)
    client.cookies[SETTING] = language
    page = made("finished", status=status, code=code, return_url="https://lender.example/back?n=1&m=2")
    monkeypatch.setattr(queries, "borrower_page", lambda *, verification_id: page)
    shown = text(client.get(NOW))
    assert 'href="https://lender.example/back?n=1&amp;m=2" rel="noreferrer"' in shown
    assert shown.count("<h1>") == 1
    assert "progress" not in shown


def test_a_choice_of_routes_names_them(story, monkeypatch):
    page = made("choose_route", routes=("eds", "unheard_of"))
    monkeypatch.setattr(queries, "borrower_page", lambda *, verification_id: page)
    shown = text(browser(story).get(NOW))
    assert 'value="eds"' in shown
    assert "Электронная подпись (ЭЦП)" in shown
    assert "unheard_of" in shown


def test_a_head_request_of_a_scanner_gets_no_body_and_spends_nothing(story):
    response = Client().head("/v/")
    assert (response.status_code, response.content) == (200, b"")
    assert Link.objects.get().spent_at is None


def test_another_method_is_refused():
    assert Client().put("/v/").status_code == 405
    assert Client().delete(NOW).status_code == 405


def test_a_session_of_one_verification_never_answers_another(story):
    second = begin(lender("Other Credit", number=2), reference=opening("B-2").client_reference)
    client = browser(story)
    turn = queries.borrower_page(verification_id=second.id).turn
    client.post(NOW, consent(story, turn=turn))
    assert queries.borrower_page(verification_id=second.id).turn == turn
    assert links.verification_of(untrusted_session=client.cookies[cookie.NAME].value) == story.id
