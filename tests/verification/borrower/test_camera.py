"""The page of the live capture over HTTP: the camera, its hints, and what its script sends."""

import json
import re
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
from django.core.cache import cache
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from tests.verification.borrower.pages import choices, made
from tests.verification.borrower.visits import NOW, browser, find, text
from verification import clock
from verification.access import answers, open_page
from verification.borrower import browsers, camera
from verification.core.route import Next
from verification.stages.confirmation.policy import CONSENT_CURRENT as CURRENT
from verification.stages.live_capture import dialogue as live_capture
from verification.stages.live_capture import policy as capture_policy

pytestmark = pytest.mark.django_db

SCRIPT = {"Accept": "application/json"}


def consent_answer(story, **changes):
    return {
        "turn": story.page().turn,
        "agreed": True,
        "version": CURRENT,
        "language": "ru",
    } | changes


def post(client, answer, **headers):
    body = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
    return client.post(NOW, body, content_type="application/json", headers=SCRIPT | headers)


# The page of the live capture over HTTP: who may use the camera, and its hints.


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
        'import { arriveAt, goOnTo } from "./arrival.js";',
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


# What the script of the live capture is told over HTTP, what it waits for, and what it may
# send.


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
    assert (
        camera.state(made("commands", data={"state": "command", "revealed": ahead}))["elapsed_ms"]
        == 0
    )


@pytest.mark.parametrize("page", ["form", "code", "statement", "consent", "wait"])
def test_a_script_learns_nothing_of_other_pages(client, shows, page):
    shows(page)
    assert client.get(NOW, headers=SCRIPT).json() == {
        "page": page,
        "turn": 7,
        "data": {},
        "elapsed_ms": 0,
        "is_looked_at": False,
    }


# What the script waits for


@pytest.fixture
def looks(monkeypatch):
    """A worker looks for so many questions of the page; counts them."""
    found = {"left": 0, "asked": 0}

    def is_looked_at(*, verification_id):
        found["asked"] += 1
        found["left"] -= 1
        return found["left"] >= 0

    monkeypatch.setattr(open_page, "turn_of", lambda *_: made("wait", is_looked_at=True))
    monkeypatch.setattr(answers, "answer", lambda **_: Next.LOOK)
    monkeypatch.setattr(open_page, "is_looked_at", is_looked_at)
    for name in ("ASK_FIRST_SECONDS", "ASK_AGAIN_SECONDS"):
        monkeypatch.setattr(camera, name, 0.001)
    return found


@pytest.mark.parametrize("sends", [False, True])
def test_a_script_is_answered_when_a_worker_has_looked(client, story, looks, sends):
    looks["left"] = 5
    response = post(client, consent_answer(story)) if sends else client.get(NOW, headers=SCRIPT)
    assert (response.status_code, looks["asked"]) == (200, 6)


def test_an_answer_without_a_look_is_answered_at_once(client, story, monkeypatch):
    monkeypatch.setattr(open_page, "is_looked_at", lambda **_: pytest.fail("looked"))
    assert post(client, consent_answer(story)).json()["page"] == "wait"
    assert client.get(NOW, headers=SCRIPT).json()["page"] == "wait"


def test_of_a_part_nothing_is_said_but_that_it_was_kept(client, story, monkeypatch):
    monkeypatch.setattr(answers, "answer", lambda **_: Next.PART)
    response = post(client, consent_answer(story))
    assert (response.status_code, response.content) == (204, b"")


def test_a_browser_that_asks_for_the_page_itself_does_not_wait(client, looks):
    looks["left"] = 5
    assert client.get(NOW).status_code == 200
    assert looks["asked"] == 0


def test_a_look_that_takes_long_is_asked_for_again(client, looks, monkeypatch):
    looks["left"] = 10**6
    slept: list[float] = []
    monkeypatch.setattr(
        camera, "time", SimpleNamespace(monotonic=lambda: sum(slept), sleep=slept.append)
    )
    assert client.get(NOW, headers=SCRIPT).status_code == 200
    assert sum(slept[:-1]) < camera.HOLD_SECONDS <= sum(slept)
    assert 1 < looks["asked"] == len(slept) < 10**3


def test_no_more_scripts_wait_at_once_than_leave_threads_to_others(client, looks, settings):
    looks["left"] = 10**6
    held = [camera.HELD.acquire(blocking=False) for _ in range(settings.TULGA_WEB_THREADS)]
    try:
        assert held.count(True) == settings.TULGA_WEB_THREADS // 2
        assert client.get(NOW, headers=SCRIPT).status_code == 200
        assert looks["asked"] == 0
    finally:
        for _ in range(held.count(True)):
            camera.HELD.release()


# What the script sends


def test_pictures_come_as_files_beside_the_answer(client, story, monkeypatch):
    taken = []
    monkeypatch.setattr(answers, "answer", lambda **given: taken.append(given))
    turn = story.page().turn
    files = [SimpleUploadedFile("a.jpg", b"first"), SimpleUploadedFile("b.jpg", b"\xff\xfe")]
    said = json.dumps({"turn": turn, "frames": [1, 2], "files": "mine"})
    assert client.post(NOW, {"answer": said, "file": files}, headers=SCRIPT).status_code == 200
    assert taken[0]["turn"] == turn
    assert taken[0]["untrusted"] == {"frames": [1, 2], "files": [b"first", b"\xff\xfe"]}


@pytest.mark.parametrize("said", ["", "{", "[]", '{"turn": "1"}', "x" * browsers.JSON_MAX_BYTES])
def test_files_beside_no_answer_leave_the_turn_open(client, story, said):
    turn = story.page().turn
    response = client.post(
        NOW, {"answer": said, "file": [SimpleUploadedFile("a.jpg", b"x")]}, headers=SCRIPT
    )
    assert (response.status_code, response.json()["turn"]) == (422, turn)
    assert story.page().turn == turn


def test_more_files_than_a_request_may_bring_are_refused(client, story):
    files = [SimpleUploadedFile(f"{number}.jpg", b"x") for number in range(51)]
    said = json.dumps({"turn": story.page().turn})
    assert client.post(NOW, {"answer": said, "file": files}, headers=SCRIPT).status_code == 400


def test_no_file_is_ever_written_before_it_is_sealed(settings):
    assert [name.rpartition(".")[2] for name in settings.FILE_UPLOAD_HANDLERS] == [
        "MemoryFileUploadHandler"
    ]


def test_an_answer_in_json_is_taken_and_told_what_it_led_to(client, story):
    response = post(client, consent_answer(story))
    assert (response.status_code, response.json()["page"]) == (200, "wait")
    again = post(client, consent_answer(story, turn=1))
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
        b'{"turn": 1, "frames": "' + b"x" * browsers.JSON_MAX_BYTES + b'"}',
    ],
    ids=range(16),
)
def test_json_that_is_no_answer_leaves_the_turn_open(client, story, body):
    turn = story.page().turn
    response = post(client, body)
    assert (response.status_code, response.json()["turn"]) == (422, turn)
    assert story.page().turn == turn
    assert post(client, consent_answer(story)).status_code == 200


def test_json_needs_the_token_of_the_page_in_a_header(story):
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = browser(story).cookies
    token = find(r'name="csrfmiddlewaretoken" value="(\w+)"', text(strict.get(NOW))).group(1)
    assert post(strict, consent_answer(story)).status_code == 403
    assert post(strict, consent_answer(story) | {"csrfmiddlewaretoken": token}).status_code == 403
    assert post(strict, consent_answer(story), **{"X-CSRFToken": token}).status_code == 200
