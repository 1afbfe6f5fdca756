"""The page of the live capture over HTTP: who may use the camera, and its hints."""

import re
from datetime import timedelta
from pathlib import Path

import pytest
from django.core.cache import cache
from django.test import Client

from tests.verification.borrower.camera_visits import NOW, client, shows, story, text
from tests.verification.borrower.pages import choices
from verification import clock
from verification.borrower import camera
from verification.stages.live_capture import dialogue as live_capture
from verification.stages.live_capture import policy as capture_policy

__all__ = ["client", "shows", "story"]

pytestmark = pytest.mark.django_db

HINT = "/v/now/hint/"
ROOT = Path(__file__).resolve().parents[3]
JPEG = b"\xff\xd8\xff picture"


# The page


@pytest.mark.parametrize("notice", ["", "face_again", "liveness_face_jumped"])
def test_a_key_is_offered_before_a_capture_that_two_people_may_have_to_look_at(
    client, shows, notice
):
    for routes, is_offered in ((("biometric", "eds"), True), (("biometric",), False)):
        shows("commands", routes=choices(*routes), notice=notice)
        ready = (
            text(client.get(NOW))
            .partition('data-state="ready"')[2]
            .partition('data-state="primer"')[0]
        )
        assert ('form="another-way" name="route" value="eds"' in ready) == is_offered
        assert 'value="biometric"' not in ready


@pytest.mark.parametrize("language", ["kk", "ru", "en"])
def test_every_command_has_a_sign_and_words(client, shows, language):
    shows("commands")
    client.cookies["django_language"] = language
    shown = text(client.get(NOW))
    signs = dict(re.findall(r'data-command="(\w+)" data-words="([^"]+)" hidden><svg', shown))
    assert set(signs) == {live_capture.NEUTRAL, *capture_policy.TURNS, *capture_policy.OTHERS}
    assert len(set(signs.values())) == len(signs)


def test_every_hint_has_words(client, shows):
    shows("commands")
    words = re.findall(r'data-hint="(\w*)">[^<]+<', text(client.get(NOW)))
    assert words == [
        *(
            "",
            "no_face",
            "two_faces",
            "too_far",
            "too_near",
            "too_dark",
            "too_bright",
            "not_centred",
            "turn_phone",
        ),
        "mask_on",
    ]


@pytest.mark.parametrize("page", ["wait", "form", "code", "consent", "statement"])
def test_only_this_page_may_use_the_camera(client, shows, page):
    shows(page)
    assert client.get(NOW).headers["Permissions-Policy"].startswith("camera=(), ")
    shows("commands")
    allowed = client.get(NOW).headers["Permissions-Policy"]
    assert allowed.startswith("camera=(self), otp-credentials=(), ")
    assert allowed.count("self") == 1


def test_its_policy_is_no_wider_than_that_of_other_pages(client, shows):
    policy = client.get(NOW).headers["Content-Security-Policy"]
    shows("commands")
    assert client.get(NOW).headers["Content-Security-Policy"] == policy


def test_its_script_is_small_and_takes_no_others_but_its_own():
    names = (
        "commands.js",
        "app_window.js",
        "arrival.js",
        "hints.js",
        "pictures.js",
        "signals.js",
        "voice.js",
    )
    scripts = [(ROOT / "static" / "borrower" / name).read_text("utf-8") for name in names]
    assert sum(len(script.encode()) for script in scripts) <= 50 * 1024
    assert [
        found for script in scripts for found in re.findall(r"\bimport\b(?!Key).*|https?:", script)
    ] == [
        'import { allowed, nameApp, remember } from "./app_window.js";',
        'import { goOnTo } from "./arrival.js";',
        'import { hinter } from "./hints.js";',
        'import { bound, capture, jpeg, pause, sizeOf } from "./pictures.js";',
        'import { speaker } from "./voice.js";',
        'import * as signals from "./signals.js";',
    ]


def test_attempts_are_counted_where_there_are_several(client, shows):
    client.cookies["django_language"] = "en"
    shows("commands", attempt=2, attempts=3)
    assert "Attempt 2 of 3" in text(client.get(NOW))
    shows("code", attempt=1, attempts=1)
    assert "Attempt" not in text(client.get(NOW))


# Hints


@pytest.fixture
def seen(monkeypatch):
    """The pictures asked about; each gets the word `too_dark`."""
    cache.clear()
    pictures = []

    def insecure_hint(verification, *, jpeg):
        pictures.append((verification.pk, jpeg))
        return "too_dark"

    monkeypatch.setattr(camera, "hint_of", insecure_hint)
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
