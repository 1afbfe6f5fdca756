"""Passkeys of the people who sign in: enrolled, used at the door, lost."""

import json
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.contrib.auth import SESSION_KEY
from django.core.management import call_command
from django.db import connection
from django.test import Client
from pytest_django import Settings

from insecure_sandbox.authenticator import Authenticator
from people import passkeys, register
from people.enrolment import current_code
from people.models import SecondFactor, User
from people.policy import PASSKEYS_MAX, SIGN_IN_TRIES
from tests import registered
from tests.people import keys
from tests.people.enrolled import PASSWORD, Enrolled
from tests.people.keys import ORIGIN
from verification import clock, transactions
from verification.access import passkeys as door
from verification.core.stored import from_base64url
from verification.engines import passkeys as engine
from verification.log import actors

Add = Callable[..., Enrolled]
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _at_localhost(settings: Settings) -> None:
    settings.TULGA_PUBLIC_URL = ORIGIN


def by_code(person: Enrolled) -> Client:
    """A session by password and code."""
    client = Client()
    SecondFactor.objects.update(last_step=-1)
    fields = {"email": person.user.email, "password": PASSWORD}
    answer = client.post("/people/sign-in/", fields | {"code": current_code(person.factor)})
    assert answer.status_code == 302
    return client


@pytest.fixture
def device() -> Authenticator:
    return Authenticator()


@pytest.fixture
def person(add: Add, device: Authenticator) -> Enrolled:
    """A person with one passkey, on this device."""
    enrolled = add("regulator")
    assert keys.enrol(by_code(enrolled), device).status_code == 302
    return enrolled


def row(person: Enrolled) -> User:
    return User.objects.get(pk=person.user.pk)


def stated(person: Enrolled) -> Any:
    return actors.read("test", [person.user.pk])[person.user.pk].fields["passkeys"]


# Enrolment


def test_a_new_passkey_is_on_record_in_row_and_log(person: Enrolled, device: Authenticator) -> None:
    (name,) = device.passkeys
    assert [key["id"] for key in stated(person)] == [name]
    assert row(person).passkeys == stated(person)
    assert row(person).passkey_counters == {name: 1}
    assert stated(person)[0]["origin"] == ORIGIN


def test_the_session_that_enrolled_goes_on_and_those_by_code_end(add: Add) -> None:
    person = add("regulator")
    enrolling, other = by_code(person), by_code(person)
    keys.enrol(enrolling, Authenticator())
    assert enrolling.get("/people/").status_code == 200
    assert other.get("/people/").status_code == 302


def test_the_page_counts_the_passkeys_and_is_not_for_others(
    person: Enrolled, device: Authenticator
) -> None:
    client = Client()
    by_passkey(client, person, device)
    assert client.get("/people/passkey/").context["number"] == 1
    assert Client().get("/people/passkey/").status_code == 302


def by_passkey(client: Client, person: Enrolled, device: Authenticator, **changes: str) -> Any:
    try:
        answer = keys.answer(client, device)
    except LookupError:
        answer = "{}"
    return keys.sign_in(client, person.user.email, answer, **changes)


def test_a_second_device_is_kept_beside_the_first_and_both_sign_in(
    person: Enrolled, device: Authenticator
) -> None:
    client, spare = Client(), Authenticator(counts=False)
    assert by_passkey(client, person, device).status_code == 302
    assert keys.enrol(client, spare).status_code == 302
    assert len(stated(person)) == 2
    for either in (device, spare, spare):
        assert by_passkey(Client(), person, either).status_code == 302


@pytest.mark.parametrize(
    ("origin", "verifies", "code"),
    [
        ("http://localhost:8001", True, "passkey_origin"),
        (ORIGIN, False, "passkey_user_unverified"),
    ],
)
def test_a_refused_enrolment_says_why_and_keeps_nothing(
    add: Add, origin: str, verifies: bool, code: str
) -> None:
    person = add("regulator")
    answer = keys.enrol(by_code(person), Authenticator(verifies=verifies), origin=origin)
    assert answer.status_code == 422
    assert answer.context["code"] == code
    assert answer.context["refusal"] != code
    assert row(person).passkeys == stated(person) == []


def test_an_enrolment_is_taken_once_and_within_five_minutes(
    add: Add, device: Authenticator, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = by_code(add("regulator"))
    answer = {"passkey": json.dumps(device.create(keys.creation(client), origin=ORIGIN))}
    now = clock.now()
    with monkeypatch.context() as later:
        wait = timedelta(seconds=door.CHALLENGE_SECONDS)
        later.setattr("verification.clock.now", lambda: now + wait)
        assert client.post("/people/passkey/", answer).context["code"] == "passkey_challenge"
    assert client.post("/people/passkey/", answer).context["code"] == "passkey_challenge"
    assert client.post("/people/passkey/", {"passkey": "x"}).context["code"] == "passkey_challenge"
    keys.creation(client)
    assert client.post("/people/passkey/", {"passkey": "x"}).context["code"] == "passkey_malformed"


def test_the_same_passkey_is_kept_once_and_ten_at_most(
    person: Enrolled, device: Authenticator, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = Client()
    by_passkey(client, person, device)
    # The authenticator refuses this; a tampered one may not.
    monkeypatch.setattr("insecure_sandbox.authenticator.secrets.token_bytes", _same_id(device))
    assert keys.enrol(client, device).context["code"] == "passkey_known"
    monkeypatch.undo()
    filled = row(person)
    key = filled.passkeys[0]
    with transactions.writing():
        filled.passkeys = [key | {"id": f"{key['id']}{number}"} for number in range(PASSKEYS_MAX)]
        filled.passkeys[0] = key
        filled.save()
        register.keep(filled)
    assert keys.enrol(client, Authenticator()).context["code"] == "passkeys_enough"


def _same_id(device: Authenticator) -> Callable[[int], bytes]:
    (name,) = device.passkeys
    return lambda _: from_base64url(name)


@pytest.mark.parametrize(
    ("address", "possible"),
    [
        ("https://tulga.kz", True),
        ("https://tulga.kz:8443/", True),
        ("http://localhost:8000", True),
        ("http://127.0.0.1:8000", False),
        ("https://[::1]:8000", False),
        ("https://10.0.0.1", False),
        ("http://tulga.kz", False),
    ],
)
def test_where_no_passkey_can_be_made_the_page_says_why(
    add: Add, settings: Settings, address: str, possible: bool
) -> None:
    client = by_code(add("regulator"))
    settings.TULGA_PUBLIC_URL = address
    page = client.get("/people/passkey/")
    assert page.context["is_possible"] is possible
    assert ("data-passkey" in page.content.decode()) is possible
    assert (door.origin() in page.content.decode()) is not possible


# Sign-in


def test_password_and_passkey_sign_in(person: Enrolled, device: Authenticator) -> None:
    client = Client()
    assert by_passkey(client, person, device)["Location"] == "/people/"
    assert client.get("/people/").status_code == 200
    (name,) = device.passkeys
    assert row(person).passkey_counters == {name: 2}


def test_a_synced_passkey_signs_in_whose_counter_is_always_0(add: Add) -> None:
    person, device = add("regulator"), Authenticator(counts=False)
    keys.enrol(by_code(person), device)
    for _ in range(2):
        assert by_passkey(Client(), person, device).status_code == 302


def test_who_has_a_passkey_signs_in_by_code_no_more(person: Enrolled) -> None:
    SecondFactor.objects.update(last_step=-1)
    fields = {"email": person.user.email, "password": PASSWORD}
    answer = Client().post("/people/sign-in/", fields | {"code": current_code(person.factor)})
    assert answer.status_code == 422


def test_a_refusal_by_passkey_is_the_page_of_every_other_reason(
    person: Enrolled, device: Authenticator, caplog: pytest.LogCaptureFixture
) -> None:
    def errors(answer: Any) -> list[str]:
        assert (answer.status_code, SESSION_KEY in answer.wsgi_request.session) == (422, False)
        assert json.loads(passkey)["id"] not in answer.content.decode()
        return [error.code for error in answer.context["form"].non_field_errors().as_data()]

    client, other = Client(), Authenticator()
    stranger = Enrolled(User(email="stranger@example.kz"), person.factor)
    passkey = keys.answer(client, device)
    tries = [keys.sign_in(client, person.user.email, passkey, password="another-long-one-1")]
    client = Client()
    passkey = keys.answer(client, device)
    tries.append(keys.sign_in(client, stranger.user.email, passkey))
    client = Client()
    other.create(_creation(), origin=ORIGIN)
    passkey = keys.answer(client, other)
    tries.append(keys.sign_in(client, person.user.email, passkey))
    assert [errors(answer) for answer in tries] == [["sign_in_refused"]] * 3
    assert "passkey_unknown" in caplog.text


def _creation() -> dict[str, Any]:
    return {"user": {"id": "dXNy"}, "rp": {"id": "localhost"}, "challenge": "AAAA"}


@pytest.mark.parametrize(
    "code",
    [
        *("passkey_challenge", "passkey_origin", "passkey_counter", "passkey_user_unverified"),
        *("passkey_signature", "passkey_malformed", "passkey_relying_party"),
    ],
)
def test_each_refusal_by_passkey_is_in_the_log_lines_by_its_code(
    person: Enrolled, device: Authenticator, caplog: pytest.LogCaptureFixture, code: str
) -> None:
    client, origin = Client(), ORIGIN
    (held,) = device.passkeys.values()
    if code == "passkey_origin":
        origin = "https://evil.example"
    if code == "passkey_counter":
        held.counter = -1
    device.verifies = code != "passkey_user_unverified"
    if code == "passkey_relying_party":
        held.relying_party = "evil.example"
    answer = json.loads(keys.answer(client, device, origin=origin, asked=held.relying_party))
    if code == "passkey_challenge":
        client.post("/people/sign-in/challenge/")
    if code == "passkey_signature":
        answer["response"]["signature"] = "MEQCIA"
    passkey = "{" if code == "passkey_malformed" else json.dumps(answer)
    assert keys.sign_in(client, person.user.email, passkey).status_code == 422
    assert f"sign-in: {code}" in caplog.text
    assert person.user.email not in caplog.text


def test_an_answer_is_taken_once_and_in_the_session_that_asked(
    person: Enrolled, device: Authenticator
) -> None:
    asking, other = Client(), Client()
    passkey = keys.answer(asking, device)
    other.post("/people/sign-in/challenge/")
    assert keys.sign_in(other, person.user.email, passkey).status_code == 422
    wrong = keys.sign_in(asking, person.user.email, passkey, password="another-long-one-1")
    assert wrong.status_code == 422
    assert keys.sign_in(asking, person.user.email, passkey).status_code == 302
    asking.post("/people/sign-out/")
    assert keys.sign_in(asking, person.user.email, passkey).status_code == 422


def test_a_try_by_passkey_counts_as_one(person: Enrolled, device: Authenticator) -> None:
    for _ in range(SIGN_IN_TRIES):
        assert keys.sign_in(Client(), person.user.email, "{}").status_code == 422
    assert by_passkey(Client(), person, device).status_code == 429


@pytest.mark.django_db(transaction=True)
def test_of_parallel_posts_of_one_answer_one_signs_in(add: Add) -> None:
    person, device, at_once = add("regulator"), Authenticator(counts=False), 3
    keys.enrol(by_code(person), device)
    asking = Client()
    passkey = keys.answer(asking, device)
    start = threading.Barrier(at_once)

    def post() -> int:
        client = Client()
        client.cookies = asking.cookies
        start.wait()
        try:
            return int(keys.sign_in(client, person.user.email, passkey).status_code)
        finally:
            connection.close()

    with ThreadPoolExecutor(at_once) as pool:
        statuses = [future.result() for future in [pool.submit(post) for _ in range(at_once)]]
    assert statuses.count(302) == 1


def test_the_session_of_a_challenge_is_short_and_that_of_a_person_is_as_ever(
    person: Enrolled, device: Authenticator
) -> None:
    client = Client()
    passkey = keys.answer(client, device)
    assert client.session.get_expiry_age() == 600
    keys.sign_in(client, person.user.email, passkey)
    assert client.session.get_expire_at_browser_close()


# Live mode


def test_in_live_mode_a_code_opens_nothing_and_ends_what_it_opened(
    add: Add, settings: Settings
) -> None:
    person = add("regulator")
    before = by_code(person)
    settings.TULGA_MODES_LIVE = True
    registered.everybody("live")
    SecondFactor.objects.update(last_step=-1)
    fields = {"email": person.user.email, "password": PASSWORD}
    code = {"code": current_code(person.factor)}
    assert Client().post("/people/sign-in/", fields | code).status_code == 422
    for address in ("/people/", "/people/password/", "/oversight/", "/people/passkey/"):
        assert before.get(address).status_code in (302, 403)


def test_a_password_alone_opens_no_page_of_passkeys(add: Add) -> None:
    client = Client()
    client.force_login(add("regulator").user)
    assert client.get("/people/passkey/").status_code == 403
    assert client.post("/people/passkey/challenge/").status_code == 403
    assert Client().get("/people/passkey/").status_code == 302


# A lost key


def test_renewed_factors_end_all_passkeys_and_their_sessions(
    person: Enrolled, device: Authenticator
) -> None:
    client = Client()
    by_passkey(client, person, device)
    given = StringIO()
    call_command("add_person", person.user.email, renew=True, stdout=given, stderr=StringIO())
    assert row(person).passkeys == stated(person) == []
    assert row(person).passkey_counters == {}
    assert client.get("/people/").status_code == 302
    password = given.getvalue().partition("password: ")[2].splitlines()[0]
    assert by_passkey(Client(), person, device, password=password).status_code == 422
    factor = SecondFactor.objects.get(user=person.user)
    fields = {"email": person.user.email, "password": password, "code": current_code(factor)}
    again = Client()
    assert again.post("/people/sign-in/", fields).status_code == 302
    assert keys.enrol(again, Authenticator()).status_code == 302


def test_a_passkey_that_sql_adds_signs_nobody_in(person: Enrolled, add: Add) -> None:
    victim, device = add("operator"), Authenticator()
    keys.enrol(by_code(victim), Authenticator())
    options = passkeys.creation_options(Client().session, victim.user)
    answer = device.create(options, origin=ORIGIN)
    key, _ = engine.enrol(answer, challenge=from_base64url(options["challenge"]), origin=ORIGIN)
    mine = {"id": key.id, "public_key": key.public_key, "origin": key.origin}
    User.objects.filter(pk=victim.user.pk).update(passkeys=[*row(victim).passkeys, mine])
    assert by_passkey(Client(), victim, device).status_code == 422
