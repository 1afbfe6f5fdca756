"""What the script of the live capture is told over HTTP, what it waits for, and what it may
send.
"""

import json
from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from tests.verification.borrower.camera_visits import (
    NOW,
    SCRIPT,
    client,
    consent,
    entered,
    post,
    shows,
    story,
    text,
)
from tests.verification.borrower.pages import made
from tests.verification.borrower.visits import find
from verification.access import answers, open_page
from verification.borrower import browsers, camera
from verification.core.route import Next

__all__ = ["client", "shows", "story"]

pytestmark = pytest.mark.django_db


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
    response = post(client, consent(story)) if sends else client.get(NOW, headers=SCRIPT)
    assert (response.status_code, looks["asked"]) == (200, 6)


def test_an_answer_without_a_look_is_answered_at_once(client, story, monkeypatch):
    monkeypatch.setattr(open_page, "is_looked_at", lambda **_: pytest.fail("nobody looks"))
    assert post(client, consent(story)).json()["page"] == "wait"
    assert client.get(NOW, headers=SCRIPT).json()["page"] == "wait"


def test_of_a_part_nothing_is_said_but_that_it_was_kept(client, story, monkeypatch):
    monkeypatch.setattr(answers, "answer", lambda **_: Next.PART)
    response = post(client, consent(story))
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
        b'{"turn": 1, "frames": "' + b"x" * browsers.JSON_MAX_BYTES + b'"}',
    ],
    ids=range(16),
)
def test_json_that_is_no_answer_leaves_the_turn_open(client, story, body):
    turn = story.page().turn
    response = post(client, body)
    assert (response.status_code, response.json()["turn"]) == (422, turn)
    assert story.page().turn == turn
    assert post(client, consent(story)).status_code == 200


def test_json_needs_the_token_of_the_page_in_a_header(story):
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = entered(Client(), story).cookies
    token = find(r'name="csrfmiddlewaretoken" value="(\w+)"', text(strict.get(NOW))).group(1)
    assert post(strict, consent(story)).status_code == 403
    assert post(strict, consent(story) | {"csrfmiddlewaretoken": token}).status_code == 403
    assert post(strict, consent(story), **{"X-CSRFToken": token}).status_code == 200
