"""Readiness is told to everybody by one word, and with its reasons on loopback alone."""

from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import OperationalError, connection
from django.utils import timezone

from lenders.models import Sender
from tests.verification.oversight import rows
from verification import routes
from verification.case import stages
from verification.case.stages import Readiness
from verification.core.errors import Misconfigured
from verification.stages import statement
from verification.stages.statement.measure import ready

pytestmark = pytest.mark.django_db


def _broken():
    raise Misconfigured(
        "no GOST backend passes its self-test: python: does not reproduce the published vectors"
    )


@pytest.fixture
def broken(monkeypatch):
    """The signature route's self-test fails."""
    broken = replace(routes.EDS, stages=(statement.STAGE.differing(ready=_broken),))
    monkeypatch.setitem(routes.ROUTES, "eds", broken)


def test_the_tiers_that_count_are_told_on_loopback(client):
    answer = client.get("/readyz")
    assert answer.status_code == 200
    assert answer.json() == {
        "ready": True,
        "routes": {"eds": {"ready": True, "in_use": ready(), "detail": ""}},
        "webhooks": {
            "ready": False,
            "senders": 0,
            "detail": "no process delivers webhooks: start manage.py deliver",
        },
        "log": {"ready": True, "refused": 0, "detail": ""},
        "frames": {"ready": True, "overdue": 0, "detail": ""},
    }
    assert answer.json()["routes"]["eds"]["in_use"].keys() == {"arithmetic", "streebog", "refused"}


@pytest.mark.parametrize("address", ["10.0.0.1", "192.0.2.7", "2001:db8::1", ""])
def test_a_stranger_learns_one_word(client, address):
    assert client.get("/readyz", REMOTE_ADDR=address).json() == {"ready": True}


@pytest.mark.parametrize(
    "name", ["Forwarded", "Via", "X-Forwarded-For", "X-Forwarded-Proto", "X-Real-Ip"]
)
def test_whom_a_proxy_on_this_machine_speaks_for_is_a_stranger(client, name):
    assert client.get("/readyz", headers={name: "127.0.0.1"}).json() == {"ready": True}


def test_senders_are_counted_while_they_say_that_they_live(client):
    at = timezone.now()
    for seconds in (0, 10, 15, 25, 3600):
        Sender.objects.create(seen_at=at - timedelta(seconds=seconds))
    answer = client.get("/readyz")
    assert answer.json()["webhooks"] == {"ready": True, "senders": 3, "detail": ""}
    Sender.objects.update(seen_at=at - timedelta(seconds=21))
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()["webhooks"]["ready"]) == (200, False)


def test_a_database_that_is_away_is_named(client):
    def away(*_):
        raise OperationalError

    with connection.execute_wrapper(away):
        answer = client.get("/readyz")
    assert answer.json()["webhooks"]["detail"] == "the database does not answer"
    assert answer.json()["frames"]["detail"] == "the database does not answer"


def test_frames_that_are_kept_too_long_are_counted_and_are_no_503(client):
    at, lender = timezone.now(), rows.lender()
    for minutes, status in (
        (61, "verified"),
        (59, "verified"),
        (61, "declined"),
        (61, "in_review"),
        (-1, "expired"),
    ):
        rows.bare(
            lender, created_at=at, status=status, frames_until=at - timedelta(minutes=minutes)
        )
    answer = client.get("/readyz")
    assert (
        answer.status_code,
        answer.json()["frames"]["ready"],
        answer.json()["frames"]["overdue"],
    ) == (200, False, 2)
    assert "storage" in answer.json()["frames"]["detail"]


def test_a_failed_self_test_is_503_and_named_on_loopback(client, broken):
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()["ready"]) == (503, False)
    assert "self-test" in answer.json()["routes"]["eds"]["detail"]
    stranger = client.get("/readyz", REMOTE_ADDR="192.0.2.7")
    assert (stranger.status_code, stranger.json()) == (503, {"ready": False})


def test_a_route_that_does_not_load_is_not_ready(settings):
    settings.TULGA_ROUTES = ["eds", "unknown"]
    routes = stages.route_readiness()
    assert routes["eds"].is_ready
    assert routes["unknown"] == Readiness(
        is_ready=False,
        detail="does not load: TULGA_ROUTES names the unknown route unknown",
    )
