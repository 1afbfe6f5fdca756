"""Signing by eGov Mobile over HTTP: the page's call, the app's three calls, and what neither of
them gives away.
"""

import json
import logging
import re
from base64 import b64decode
from datetime import datetime
from urllib.parse import unquote

import pytest
from django.test import Client
from django.utils import timezone

from config.log_lines import LineFormatter
from tests.scenes import staged
from tests.verification.borrower.egov_app import DOCUMENTS, App, signed
from tests.verification.borrower.visits import NOW, browser, entries, find, text
from tests.verification.log.rows import tamper
from tests.verification.stories.conftest import authorities as authorities
from tests.verification.stories.conftest import issued as issued
from tests.verification.stories.conftest import trusted as trusted
from tests.verification.stories.story import IIN, begin, lender
from verification.access.tokens import SIGNERS
from verification.borrower import signing
from verification.log import signatures
from verification.models import AuditEntry, EvidenceItem, Verification

pytestmark = pytest.mark.django_db(transaction=True)

MINT, STATE = "/v/now/egov/", "/v/now/state/"


@pytest.fixture
def visit():
    """A verification, and a browser at its statement."""
    return staged("visit", _visit)


def _visit():
    story = begin(lender())
    client = browser(story)
    return story.to_statement(), client


@pytest.fixture
def story(visit):
    """The verification."""
    return visit[0]


@pytest.fixture
def page(visit):
    """The browser."""
    return visit[1]


@pytest.fixture
def turn(page, story):
    """The statement's turn."""
    return story.page().turn


@pytest.fixture
def app(page, turn):
    """The app, which has scanned the page's code."""
    return App(page.post(MINT, {"turn": turn}).json()["text"])


def test_the_app_signs_in_three_calls_and_the_page_goes_on(story, page, app, issued, trusted):
    assert page.get(STATE).json()["egov_mobile"] == "waiting"
    app.start()
    assert page.get(STATE).json()["egov_mobile"] == "read"
    answer = app.put(signed(app.documents().json(), issued("gost512")))
    assert (answer.status_code, answer.json()) == (200, {"code": "200", "message": "success"})
    assert page.get(STATE).json()["page"] == "wait"
    assert "egov_mobile" not in page.get(STATE).json()
    story.work()
    assert Verification.objects.get(pk=story.id).status == "verified"


def test_api1_says_who_asks_and_nothing_about_the_person_or_the_loan(story, app):
    asked = app.start()
    said = asked.json()
    assert said["organisation"] == dict.fromkeys(
        ("nameRu", "nameKz", "nameEn"), "Sandbox Credit"
    ) | {"bin": story.lender.bin}
    assert said["document"]["uri"].endswith(DOCUMENTS)
    assert said["document"]["auth_type"] == "Token"
    assert "только если вы сами просите заём у «Sandbox Credit»" in said["description"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+0500", said["expiry_date"])
    assert datetime.strptime(said["expiry_date"], "%Y-%m-%dT%H:%M:%S.%f%z") > timezone.now()
    everything = json.dumps(said, ensure_ascii=False)
    for planted in (IIN, IIN[-4:], "ТЕСТОВ", "150000", "150 000", "77011234567", "KZ86", story.id):
        assert planted not in everything
    assert "no-store" in asked.headers["Cache-Control"]
    assert asked.cookies == {}


@pytest.mark.parametrize("locale", ["kk", "ru", "en"])
def test_whatever_language_a_page_has_its_code_warns_in_kazakh_and_russian(story, app, locale):
    Verification.objects.filter(pk=story.id).update(locale=locale)
    warned = app.start().json()["description"].split(" / ")
    assert len(warned) == len({"kk", "ru", locale})
    assert warned[0].startswith("«Sandbox Credit» ұйымынан")
    assert warned[1].startswith("Подписывайте")
    assert all(sentence.startswith("Sign only if you") for sentence in warned[2:])


def test_the_document_is_the_statement_to_the_byte_for_the_tokens_holder_only(story, app):
    assert app.documents().status_code == 403
    app.start()
    (document,) = app.documents().json()["documentsToSign"]
    assert b64decode(document["document"]["file"]["data"]) == story.statement()
    app.token = app.token[:-1] + ("A" if app.token[-1] != "A" else "B")
    assert app.documents().json()["code"] == "mobile_code_unusable"


# The code


def test_a_code_is_made_by_a_press_only_and_never_by_a_visit(story, page, turn):
    before = entries(story)
    assert page.get(MINT).status_code == 405
    page.get(NOW)
    page.get(STATE)
    assert (entries(story), SIGNERS.rows.count()) == (before, 0)
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = page.cookies
    assert strict.post(MINT, {"turn": turn}).status_code == 403
    assert Client().post(MINT, {"turn": turn}).status_code == 409
    assert page.post(MINT, {"turn": turn + 1}).json() == {"code": "not_your_turn"}
    assert page.post(MINT, {"turn": "x"}).status_code == 422
    assert SIGNERS.rows.count() == 0
    assert page.post(MINT, {"turn": turn}).status_code == 200
    assert entries(story) == before + 1


def test_the_code_is_a_drawing_without_a_style_and_two_links_to_the_same_place(
    page, turn, settings
):
    said = page.post(MINT, {"turn": turn}).json()
    assert said["qr"].startswith("<svg")
    assert "style" not in said["qr"]
    address = said["text"].removeprefix("mobileSign:")
    assert re.fullmatch(
        re.escape(settings.TULGA_PUBLIC_URL) + r"/v/egov/[\w-]{43}/mgovSign", address
    )
    assert said["link"].startswith("https://m.egov.kz/mobileSign/?link=http%3A%2F%2F")
    assert unquote(said["link"].partition("link=")[2]).startswith(address)
    assert 290 <= said["seconds"] <= 300
    settings.TULGA_EGOV_MOBILE_LINK = "https://app.example/?to={address}"
    assert (
        page.post(MINT, {"turn": turn}).json()["link"].startswith("https://app.example/?to=http%3A")
    )


def test_a_preview_neither_reads_nor_spends_a_code(app):
    for method, status in (("head", 405), ("options", 405), ("post", 403)):
        assert getattr(app.client, method)(app.place).status_code == status
    assert app.start().status_code == 200
    assert app.start().json()["code"] == "mobile_code_unusable"


def test_a_code_and_a_token_are_no_way_into_the_pages(page, app):
    code = app.place.split("/")[3]
    app.start()
    for secret in (code, app.token):
        assert Client().post("/v/", {"token": secret}).status_code == 410
        other = Client()
        other.cookies["tulga_borrower"] = secret
        assert other.get(NOW).status_code == 410
        assert other.get(STATE).status_code == 410


def test_a_code_ends_when_the_borrower_goes_on_elsewhere(page, app):
    link = find(r"/v/#([\w-]{43})", text(page.post("/v/now/elsewhere/", {"by": "link"}))).group(1)
    Client().post("/v/", {"token": link})
    assert app.start().status_code == 403


def make_live(story):
    """The case and all its entries are of the live log, signed anew."""
    rows = list(
        AuditEntry.objects.filter(verification_id=story.id).order_by("verification_sequence")
    )
    for row in rows:
        row.log, row.body = "live", {name: row.body[name] for name in row.body if name != "signed"}
        signatures.sign([row])
        statement = "UPDATE verification_auditentry SET log = 'live', body = %s WHERE id = %s"
        tamper((statement, [json.dumps(row.body), row.pk]))
    Verification.objects.filter(pk=story.id).update(mode="live")


@pytest.mark.forges
def test_only_where_egov_knows_our_host_is_the_app_offered_in_live_mode(story, page, settings):
    assert 'id="egov"' in text(page.get(NOW))
    make_live(story)
    assert 'id="egov"' not in text(page.get(NOW))
    settings.TULGA_LIVE_EGOV_MOBILE = True
    shown = text(page.get(NOW))
    assert 'id="egov"' in shown
    assert "data-text" not in shown


@pytest.mark.forges
@pytest.mark.parametrize("step", ["mint", "start", "documents", "put"])
def test_switched_off_it_is_off_at_every_call(story, page, app, turn, issued, settings, step):
    settings.TULGA_LIVE_EGOV_MOBILE = True
    make_live(story)
    before = [] if step in ("mint", "start") else [app.start()]
    back = signed(app.documents().json(), issued("rsa")) if before else {}
    calls = {
        "mint": lambda: page.post(MINT, {"turn": turn}),
        "start": app.start,
        "documents": app.documents,
        "put": lambda: app.put(back),
    }
    settings.TULGA_LIVE_EGOV_MOBILE = False
    assert calls[step]().json()["code"] == (
        "not_your_turn" if step == "mint" else "mobile_code_unusable"
    )
    assert story.page().turn == turn
    settings.TULGA_LIVE_EGOV_MOBILE = True
    if step != "start":  # a code is read once, whatever was said
        assert calls[step]().status_code == 200


# What comes back


def _other_statement(given, credential):
    content = b64decode(given["documentsToSign"][0]["document"]["file"]["data"])
    return signed(given, credential, content=content.replace(b'"amount":"', b'"amount":"9'))


MALFORMED = "egov_answer_malformed"
HOSTILE = {
    "another statement signed": (_other_statement, "eds_statement_mismatch"),
    "other rows": (lambda given, key: signed(given, key, meta=[]), "egov_document_altered"),
    "unsigned": (lambda given, key: given, "eds_malformed"),
    "no JSON": (lambda given, key: b"\x00" * 100, MALFORMED),
    "too large": (lambda given, key: b" " * (signing.PUT_MAX_BYTES + 1), MALFORMED),
}


@pytest.mark.parametrize(("make", "code"), HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_answer_takes_nothing_and_says_why(story, page, app, turn, issued, make, code):
    app.start()
    answer = app.put(make(app.documents().json(), issued("rsa")))
    assert (answer.status_code, answer.json()["code"]) == (403, code)
    assert story.page().turn == turn
    assert not EvidenceItem.objects.filter(
        verification_id=story.id, kind="statement.signature"
    ).exists()
    assert page.get(STATE).json()["egov_mobile"] == code
    assert app.documents().status_code == 403


def test_a_refused_answer_is_followed_by_a_good_one_under_a_new_code(
    story, page, app, turn, issued, trusted
):
    app.start()
    app.put({})
    again = App(page.post(MINT, {"turn": turn}).json()["text"])
    again.start()
    assert again.put(signed(again.documents().json(), issued("rsa"))).status_code == 200
    story.work()
    assert Verification.objects.get(pk=story.id).status == "verified"


def test_without_the_token_nothing_is_read_and_the_code_lives_on(story, app, turn, issued):
    app.start()
    back = signed(app.documents().json(), issued("rsa"))
    token = app.token
    for header in ("", "x", "y" * 70, "\u00ff", token.lower()):
        app.token = header
        assert app.put(back).status_code == 403
    app.token = ""
    assert app.put(back, Authorization=f"Basic {token}").status_code == 403
    assert story.page().turn == turn
    app.token = token
    assert app.put(back).status_code == 200
    assert app.put(back).status_code == 403


def test_no_secret_reaches_the_log_however_a_call_ends(page, app, issued, caplog):
    caplog.set_level(logging.DEBUG)
    code = app.place.split("/")[3]
    app.client.head(app.place)
    app.start()
    app.start()
    app.client.get(f"{app.place}/more")
    app.put({})
    app.documents()
    lines = [LineFormatter().format(record) for record in caplog.records]
    assert any("[secret]/mgovSign" in line for line in lines)
    for secret in (code, app.token, IIN):
        assert not [line for line in lines if secret in line]
