"""Readiness is told to everybody by one word, and with its reasons on loopback alone."""

from dataclasses import replace

import pytest

from verification.core.errors import Misconfigured
from verification.engines.gost import backends, streebog
from verification.routes import eds
from verification.workflow import readiness
from verification.workflow.readiness import Readiness


def _broken():
    raise Misconfigured("no GOST backend passes its self-test: python: does not reproduce the published vectors")


@pytest.fixture
def broken(monkeypatch):
    """The signature route's self-test fails."""
    monkeypatch.setattr(eds, "ROUTE", replace(eds.ROUTE, ready=_broken))


def test_the_tiers_that_count_are_told_on_loopback(client):
    answer = client.get("/readyz")
    assert answer.status_code == 200
    assert answer.json() == {
        "ready": True,
        "routes": {"eds": {"ready": True, "in_use": backends.in_use().report(), "detail": ""}},
    }
    assert answer.json()["routes"]["eds"]["in_use"].keys() == {"arithmetic", "streebog", "refused"}


@pytest.mark.parametrize("address", ["10.0.0.1", "192.0.2.7", "2001:db8::1", ""])
def test_a_stranger_learns_one_word(client, address):
    assert client.get("/readyz", REMOTE_ADDR=address).json() == {"ready": True}


@pytest.mark.parametrize("name", ["Forwarded", "Via", "X-Forwarded-For", "X-Forwarded-Proto", "X-Real-Ip"])
def test_whom_a_proxy_on_this_machine_speaks_for_is_a_stranger(client, name):
    assert client.get("/readyz", headers={name: "127.0.0.1"}).json() == {"ready": True}


def test_a_failed_self_test_is_503_and_named_on_loopback(client, broken):
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()["ready"]) == (503, False)
    assert "self-test" in answer.json()["routes"]["eds"]["detail"]
    stranger = client.get("/readyz", REMOTE_ADDR="192.0.2.7")
    assert (stranger.status_code, stranger.json()) == (503, {"ready": False})


def test_a_route_that_does_not_load_is_not_ready(settings):
    settings.TULGA_ROUTES = ["eds", "unknown"]
    found = readiness.routes()
    assert found["eds"].is_ready
    assert found["unknown"] == Readiness(is_ready=False, detail="does not load: ModuleNotFoundError")


def test_posting_is_not_asking(client):
    assert client.post("/readyz").status_code == 405


def test_a_tier_that_fails_its_self_test_is_told_among_the_refused():
    found = backends.choose(
        [backends.in_use().arithmetic],
        {"wrong": lambda data: bytes(64), "python": streebog.streebog512},
    )
    assert found.report()["refused"] == ["wrong: does not reproduce the published vectors"]
