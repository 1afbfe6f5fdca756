"""What every answer carries."""

import pytest
from django.test import Client

from config.middleware import ALIVE
from verification import clock

_STRICT = "default-src 'none'"


@pytest.fixture
def client() -> Client:
    return Client()


def test_an_answer_has_the_headers_of_a_page_that_keeps_to_itself(client: Client) -> None:
    headers = client.get("/healthz").headers
    assert headers["Cache-Control"] == "no-store"
    assert "camera=()" in headers["Permissions-Policy"]
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"
    assert _STRICT in headers["Content-Security-Policy"]
    assert "unsafe" not in headers["Content-Security-Policy"]


@pytest.mark.parametrize("sent", ["lender-1234", "a" * 64])
def test_a_callers_plain_id_is_kept(client: Client, sent: str) -> None:
    assert client.get("/healthz", headers={"X-Request-Id": sent}).headers["X-Request-Id"] == sent


@pytest.mark.parametrize(
    "sent", ["short", "a" * 65, "with blank", "line%0abreak", "990101100010\x1b[0m"]
)
def test_another_id_is_replaced(client: Client, sent: str) -> None:
    request_id = client.get("/healthz", headers={"X-Request-Id": sent}).headers["X-Request-Id"]
    assert request_id != sent
    assert len(request_id) == 24


def test_health_answers_without_a_database(client: Client) -> None:
    # No `django_db` mark: a query would fail this test.
    assert client.get("/healthz").content == b"ok\n"
    assert client.post("/healthz").status_code == 405


def test_health_answers_though_the_clock_would_ask_a_database_that_hangs(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clock._state, "measured_at", None)
    questions: list[str] = []
    monkeypatch.setattr(clock, "measure_offset", lambda: questions.append("the time"))
    assert client.get(ALIVE).content == b"ok\n"
    assert questions == []
