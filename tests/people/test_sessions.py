"""Sessions end: by the person, by idleness, by age."""

from collections.abc import Callable

import pytest
from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.test import Client

from people.policy import SESSION_IDLE_S, SESSION_LIFETIME_S

pytestmark = pytest.mark.django_db
SignedIn = Callable[[str], Client]


def _age(client: Client, *, signed_in_s: int, seen_s: int) -> None:
    session = client.session
    session["people_signed_in_at"] -= signed_in_s
    session["people_seen_at"] -= seen_s
    session.save()


@pytest.mark.parametrize(
    ("signed_in_s", "seen_s", "status"),
    [
        (0, 0, 200),
        (SESSION_IDLE_S, SESSION_IDLE_S - 5, 200),
        (SESSION_IDLE_S, SESSION_IDLE_S, 302),
        (SESSION_LIFETIME_S - 5, 0, 200),
        (SESSION_LIFETIME_S, 0, 302),
    ],
)
def test_a_session_ends_by_idleness_or_age(
    signed_in: SignedIn, signed_in_s: int, seen_s: int, status: int
) -> None:
    client = signed_in("regulator")
    _age(client, signed_in_s=signed_in_s, seen_s=seen_s)
    assert client.get("/people/").status_code == status
    assert (SESSION_KEY in client.session) is (status == 200)


def test_a_request_puts_idleness_off_but_not_age(signed_in: SignedIn) -> None:
    client = signed_in("regulator")
    for _ in range(2):
        _age(client, signed_in_s=0, seen_s=SESSION_IDLE_S - 5)
        assert client.get("/people/").status_code == 200
    started = client.session["people_signed_in_at"]
    assert client.session["people_seen_at"] >= started


def test_a_session_without_a_stamp_begins_now(client: Client, signed_in: SignedIn) -> None:
    signed_in("regulator")
    session = client.session
    del session["people_signed_in_at"], session["people_seen_at"]
    session.save()
    assert client.get("/people/").status_code == 200
    assert "people_signed_in_at" in client.session


def test_the_limits_are_asked_before_the_second_factor_is_looked_at() -> None:
    order = [
        "django.contrib.auth.middleware.AuthenticationMiddleware",
        "people.sessions.SessionMiddleware",
        "django_otp.middleware.OTPMiddleware",
    ]
    assert [name for name in settings.MIDDLEWARE if name in order] == order


def test_signing_out_takes_a_post(signed_in: SignedIn) -> None:
    client = signed_in("regulator")
    assert client.get("/people/sign-out/").status_code == 405
    assert SESSION_KEY in client.session
    assert client.post("/people/sign-out/")["Location"] == "/people/sign-in/"
    assert SESSION_KEY not in client.session


def test_a_new_password_ends_the_other_sessions(signed_in: SignedIn) -> None:
    client = signed_in("regulator")
    stolen = Client()
    stolen.cookies.load(client.cookies.output(header=""))
    assert stolen.get("/people/").status_code == 200
    fields = {
        "old_password": "сегіз-бұлт-теңіз-7",
        "new_password1": "тоғыз-жел-дала-8",
        "new_password2": "тоғыз-жел-дала-8",
    }
    assert client.post("/people/password/", fields).status_code == 302
    assert client.get("/people/").status_code == 200
    assert stolen.get("/people/").status_code == 302
