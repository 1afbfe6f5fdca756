"""The page of the live capture over HTTP: what its script is told, what it may send, and who may use the camera."""

import json
import re
from datetime import timedelta
from pathlib import Path

import pytest
from django.core.cache import cache
from django.test import Client
from django.utils import timezone

from tests.verification.borrower.pages import choices, made
from tests.verification.borrower.visits import find
from tests.verification.workflow.story import begin, lender
from verification import clock
from verification.borrower import camera, untrusted_answer
from verification.stages.consent.policy import CURRENT
from verification.stages.live_capture import dialogue as live_capture
from verification.workflow.moving import hints
from verification.workflow.reading import queries

pytestmark = pytest.mark.django_db

NOW, HINT = "/v/now/", "/v/now/hint/"
ROOT = Path(__file__).resolve().parents[3]
JPEG = b"\xff\xd8\xff picture"
SCRIPT = {"Accept": "application/json"}


@pytest.fixture
def story():
    return begin(lender())


@pytest.fixture
def client(story):
    return entered(Client(), story)


@pytest.fixture
def shows(monkeypatch):
    """Makes the open page one made by hand."""

    def show(page, **changes):
        open_page = made(page, **changes)
        monkeypatch.setattr(queries, "borrower_page", lambda *, verification_id: open_page)
        monkeypatch.setattr(queries, "page_of", lambda *_: open_page)
        return open_page

    return show


def entered(client, story):
    assert client.post("/v/", {"token": story.token}).status_code == 302
    return client


def consent(story, **changes):
    return {"turn": story.page().turn, "agreed": True, "version": CURRENT, "language": "ru"} | changes


def post(client, answer, **headers):
    body = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
    return client.post(NOW, body, content_type="application/json", headers=SCRIPT | headers)


def text(response):
    return response.content.decode()


# The page


@pytest.mark.parametrize("notice", ["", "face_again", "liveness_failed"])
def test_a_key_is_offered_before_a_capture_that_two_people_may_have_to_look_at(client, shows, notice):
    for routes, is_offered in ((("biometric", "eds"), True), (("biometric",), False)):
        shows("commands", routes=choices(*routes), notice=notice)
        ready = text(client.get(NOW)).partition('data-state="ready"')[2].partition('data-state="primer"')[0]
        assert ('form="another-way" name="route" value="eds"' in ready) == is_offered
        assert 'value="biometric"' not in ready


@pytest.mark.parametrize("language", ["kk", "ru", "en"])
def test_every_command_has_a_sign_and_words(client, shows, language):
    shows("commands")
    client.cookies["django_language"] = language
    shown = text(client.get(NOW))
    signs = dict(re.findall(r'data-command="(\w+)" data-words="([^"]+)" hidden><svg', shown))
    assert set(signs) == {live_capture.NEUTRAL, *live_capture.TURNS, *live_capture.OTHERS}
    assert len(set(signs.values())) == len(signs)


def test_every_hint_has_words(client, shows):
    shows("commands")
    words = re.findall(r'data-hint="(\w*)">[^<]+<', text(client.get(NOW)))
    assert words == [
        *("", "no_face", "two_faces", "too_far", "too_near", "too_dark", "too_bright", "not_centred", "turn_phone")
    ]


@pytest.mark.parametrize("page", ["wait", "form", "code", "consent", "statement"])
def test_only_this_page_may_use_the_camera(client, shows, page):
    shows(page)
    assert client.get(NOW).headers["Permissions-Policy"].startswith("camera=(), ")
    shows("commands")
    allowed = client.get(NOW).headers["Permissions-Policy"]
    assert allowed.startswith("camera=(self), microphone=(), ")
    assert allowed.count("self") == 1


def test_its_policy_is_no_wider_than_that_of_other_pages(client, shows):
    policy = client.get(NOW).headers["Content-Security-Policy"]
    shows("commands")
    assert client.get(NOW).headers["Content-Security-Policy"] == policy


def test_its_script_is_small_and_alone():
    script = (ROOT / "static" / "borrower" / "commands.js").read_text("utf-8")
    assert len(script.encode()) <= 50 * 1024
    assert not re.search(r"\bimport\b(?!Key)|https?:", script.replace("importKey", ""))


def test_where_there_is_no_other_way_none_is_offered(client, shows):
    shows("commands", routes=())
    assert 'name="route"' not in text(client.get(NOW))
    shows("commands", routes=choices("eds", "biometric"))
    shown = text(client.get(NOW))
    assert 'value="eds"' in shown
    assert 'value="biometric"' not in shown


def test_attempts_are_counted_where_there_are_several(client, shows):
    client.cookies["django_language"] = "en"
    shows("commands", attempt=2, attempts=3)
    assert "Attempt 2 of 3" in text(client.get(NOW))
    shows("code", attempt=1, attempts=1)
    assert "Attempt" not in text(client.get(NOW))


# What the script is told


def test_the_script_is_told_what_is_due_and_how_long_ago_it_was_revealed(client, shows):
    revealed = timezone.now() - timedelta(seconds=2)
    data = {"state": "command", "command": "nod", "revealed": revealed.isoformat()}
    shows("commands", data=data)
    told = client.get(NOW, headers=SCRIPT).json()
    assert (told["page"], told["turn"], told["data"]) == ("commands", 7, data)
    assert 2000 <= told["elapsed_ms"] < 6000


def test_the_clock_of_a_reveal_never_runs_backwards():
    ahead = (timezone.now() + timedelta(seconds=5)).isoformat()
    assert camera.state(made("commands", data={"state": "command", "revealed": ahead}))["elapsed_ms"] == 0


@pytest.mark.parametrize("page", ["form", "code", "statement", "consent", "wait"])
def test_a_script_learns_nothing_of_other_pages(client, shows, page):
    shows(page)
    assert client.get(NOW, headers=SCRIPT).json() == {"page": page, "turn": 7, "data": {}, "elapsed_ms": 0}


# What the script sends


def test_an_answer_in_json_is_taken_and_told_what_it_led_to(client, story):
    response = post(client, consent(story))
    assert (response.status_code, response.json()["page"]) == (200, "wait")
    again = post(client, consent(story, turn=1))
    assert (again.status_code, again.json()["page"]) == (409, "wait")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b'"turn"',
        b"{}",
        b'{"turn": true}',
        b'{"turn": "1"}',
        b'{"turn": 1.0}',
        b'{"turn": -1}',
        b'{"turn": 1000000000}',
        b'{"turn": NaN}',
        b'{"turn": 1, "frames": Infinity}',
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"turn": ' + b"9" * 5_000 + b"}",
        b'{"turn": 1, "frames": "' + b"x" * untrusted_answer.JSON_MAX_BYTES + b'"}',
    ],
    ids=range(16),
)
def test_json_that_is_no_answer_leaves_the_turn_open(client, story, body):
    turn = story.page().turn
    response = post(client, body)
    assert (response.status_code, response.json()["turn"]) == (422, turn)
    assert story.page().turn == turn
    assert post(client, consent(story)).status_code == 200


def test_json_over_the_limit_of_all_requests_is_refused_before_it_is_read(client, story):
    assert post(client, b"x" * 1_000_001).status_code == 413


def test_json_needs_the_token_of_the_page_in_a_header(story):
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = entered(Client(), story).cookies
    token = find(r'name="csrfmiddlewaretoken" value="(\w+)"', text(strict.get(NOW))).group(1)
    assert post(strict, consent(story)).status_code == 403
    assert post(strict, consent(story) | {"csrfmiddlewaretoken": token}).status_code == 403
    assert post(strict, consent(story), **{"X-CSRFToken": token}).status_code == 200


# Hints


@pytest.fixture
def seen(monkeypatch):
    """The pictures asked about; each gets the word `too_dark`."""
    cache.clear()
    pictures = []

    def insecure_hint(verification, *, jpeg):
        pictures.append((verification.pk, jpeg))
        return "too_dark"

    monkeypatch.setattr(hints, "hint", insecure_hint)
    return pictures


def ask(client, body=JPEG, content_type="image/jpeg", **options):
    return client.post(HINT, body, content_type=content_type, **options)


def test_a_picture_gets_a_word_and_changes_nothing(client, story, seen):
    turn = story.page().turn
    response = ask(client)
    assert (response.status_code, response.json()) == (200, {"hint": "too_dark"})
    assert "no-store" in response.headers["Cache-Control"]
    assert seen == [(story.id, JPEG)]
    assert story.page().turn == turn


@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [
        (b"x" * camera.JPEG_MAX_BYTES, "image/jpeg", 200),
        (b"x" * (camera.JPEG_MAX_BYTES + 1), "image/jpeg", 413),
        (JPEG, "image/png", 415),
        (b"{}", "application/json", 415),
        (b"x" * 1_000_001, "image/jpeg", 413),
    ],
    ids=range(5),
)
def test_only_a_small_jpeg_is_looked_at(client, seen, body, content_type, status):
    assert ask(client, body, content_type).status_code == status
    assert len(seen) == (1 if status == 200 else 0)


def test_no_more_than_two_hints_a_second(client, seen, monkeypatch):
    this_second = clock.now().replace(microsecond=500_000)
    monkeypatch.setattr(clock, "now", lambda: this_second)
    assert [ask(client).status_code for _ in range(4)] == [200, 200, 429, 429]
    assert len(seen) == 2
    monkeypatch.setattr(clock, "now", lambda: this_second + timedelta(seconds=1))
    assert ask(client).status_code == 200


def test_a_hint_needs_a_session_a_post_and_the_token(client, story, seen):
    assert client.get(HINT).status_code == 405
    assert ask(Client()).status_code == 410
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = client.cookies
    assert ask(strict).status_code == 403
    assert seen == []
