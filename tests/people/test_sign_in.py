"""How people sign in, how often they may try, and how long they stay."""

import os
import re
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import timedelta
from threading import Barrier

import pytest
from django.apps import apps
from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.contrib.auth.hashers import ScryptPasswordHasher
from django.db import IntegrityError, connection, transaction
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.test import Client
from django.utils import timezone

from config import settings as product_settings
from people import hashing
from people.enrolment import current_code
from people.models import SecondFactor, SignInTries, User
from people.policy import (
    HASHING_NICENESS,
    HASHING_PLACES,
    NICENESS_MAX,
    SESSION_IDLE_S,
    SESSION_LIFETIME_S,
    SIGN_IN_TRIES,
    SIGN_IN_WINDOW_S,
)
from people.sign_in import forget_tries, take_try
from tests.people.enrolled import PASSWORD, Enrolled

# The sign-in page: both factors or nothing, and nothing is learnt from a refusal.


Add = Callable[..., Enrolled]


def _fields(person: Enrolled, **changes: str) -> dict[str, str]:
    return {
        "email": person.user.email,
        "password": PASSWORD,
        "code": current_code(person.factor),
        **changes,
    }


def _post(client: Client, fields: dict[str, str]) -> HttpResponseBase:
    return client.post("/people/sign-in/", fields)


def _page(response: HttpResponseBase) -> str:
    assert isinstance(response, HttpResponse)
    return response.content.decode()


def _without_token(response: HttpResponseBase, *, email: str) -> str:
    page = re.sub(r'name="csrfmiddlewaretoken" value="\w+"', "", _page(response))
    return page.replace(email, "…")


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({}, 302),
        ({"email": "REGULATOR@example.kz"}, 302),
        ({"password": PASSWORD + " "}, 422),
        ({"password": ""}, 422),
        ({"email": "stranger@example.kz"}, 422),
        ({"email": "not an address"}, 422),
        ({"code": "12345"}, 422),
        ({"code": "١٢٣٤٥٦"}, 422),
        ({"code": ""}, 422),
        ({"password": "x" * 257}, 422),
        ({"email": "a\0@example.kz"}, 422),
    ],
)
def test_both_factors_sign_in_and_anything_less_does_not(
    client: Client, add: Add, changes: dict[str, str], status: int
) -> None:
    response = _post(client, _fields(add("regulator"), **changes))
    assert response.status_code == status
    assert (SESSION_KEY in client.session) is (status == 302)


@pytest.mark.django_db
def test_a_code_may_be_typed_in_two_groups(client: Client, add: Add) -> None:
    person = add("regulator")
    code = current_code(person.factor)
    assert _post(client, _fields(person, code=f" {code[:3]} {code[3:]}")).status_code == 302


@pytest.mark.django_db
def test_a_wrong_code_refuses(client: Client, add: Add) -> None:
    person = add("regulator")
    wrong = f"{(int(current_code(person.factor)) + 500_000) % 1_000_000:06d}"
    assert _post(client, _fields(person, code=wrong)).status_code == 422
    assert SESSION_KEY not in client.session


@pytest.mark.django_db
def test_a_code_works_once(client: Client, add: Add) -> None:
    person = add("regulator")
    fields = _fields(person)
    assert _post(client, fields).status_code == 302
    assert _post(Client(), fields).status_code == 422


@pytest.mark.django_db
def test_a_second_factor_of_another_person_refuses(client: Client, add: Add) -> None:
    stranger = add("operator")
    assert (
        _post(client, _fields(add("regulator"), code=current_code(stranger.factor))).status_code
        == 422
    )


@pytest.mark.django_db
def test_closing_an_account_ends_its_session_and_refuses_another(client: Client, add: Add) -> None:
    person = add("regulator")
    _post(client, _fields(person))
    assert client.get("/people/").status_code == 200
    SecondFactor.objects.update(last_step=-1)  # the same code would count again
    person.user.is_active = False
    person.user.save()
    assert client.get("/people/").status_code == 302
    assert _post(Client(), _fields(person)).status_code == 422


@pytest.mark.django_db
def test_a_refusal_is_the_same_page_for_every_reason(client: Client, add: Add) -> None:
    person = add("regulator")
    pages = {
        _without_token(_post(client, fields), email=fields["email"])
        for fields in (
            _fields(person, code="000000", email="stranger@example.kz"),
            _fields(person, code="000000", password="another-long-one-1"),
            _fields(person, code=f"{(int(current_code(person.factor)) + 500_000) % 1_000_000:06d}"),
        )
    }
    assert len(pages) == 1


@pytest.mark.django_db
@pytest.mark.parametrize("email", ["regulator@example.kz", "stranger@example.kz"])
def test_after_too_many_tries_the_door_stays_shut_even_to_the_right_answer(
    client: Client, add: Add, email: str
) -> None:
    person = add("regulator")
    wrong = _fields(person, email=email, password="another-long-one-1")
    assert [_post(client, wrong).status_code for _ in range(SIGN_IN_TRIES)] == [422] * SIGN_IN_TRIES
    response = _post(client, _fields(person, email=email))
    assert response.status_code == 429
    assert SESSION_KEY not in client.session


@pytest.mark.django_db
def test_an_unreadable_form_costs_no_try(client: Client, add: Add) -> None:
    _post(client, _fields(add("regulator"), code="12"))
    assert not SignInTries.objects.exists()


@pytest.mark.django_db
def test_a_sign_in_clears_the_count(client: Client, add: Add) -> None:
    person = add("regulator")
    _post(client, _fields(person, password="another-long-one-1"))
    assert SignInTries.objects.exists()
    _post(client, _fields(person))
    assert not SignInTries.objects.exists()


@pytest.mark.django_db
def test_signing_in_gives_a_fresh_session_key(client: Client, add: Add) -> None:
    session = client.session
    session["planted"] = True
    session.save()
    key = session.session_key
    _post(client, _fields(add("regulator")))
    assert client.session.session_key != key
    assert Client(headers={"cookie": f"sessionid={key}"}).get("/people/").status_code == 302


@pytest.mark.django_db
def test_the_session_cookie_is_kept_from_scripts_and_other_sites(client: Client, add: Add) -> None:
    _post(client, _fields(add("regulator")))
    cookie = client.cookies[settings.SESSION_COOKIE_NAME]
    assert cookie["httponly"]
    assert cookie["samesite"] == "Lax"
    assert not cookie["max-age"]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("target", "got"),
    [
        ("/people/password/", "/people/password/"),
        ("https://evil.example/", "/people/"),
        ("//evil.example", "/people/"),
    ],
)
def test_one_lands_where_one_wanted_to_go_but_never_elsewhere(
    client: Client, add: Add, target: str, got: str
) -> None:
    response = _post(client, {**_fields(add("regulator")), "next": target})
    assert response["Location"] == got


@pytest.mark.django_db
def test_a_post_without_the_form_token_is_refused(add: Add) -> None:
    strict = Client(enforce_csrf_checks=True)
    assert _post(strict, _fields(add("regulator"))).status_code == 403


@pytest.mark.django_db
def test_neither_password_nor_code_comes_back_in_the_page(client: Client, add: Add) -> None:
    page = _page(_post(client, _fields(add("regulator"), code="987654")))
    assert PASSWORD not in page
    assert "987654" not in page


@pytest.mark.django_db
def test_a_refusal_is_logged_without_naming_anybody(
    client: Client, add: Add, caplog: pytest.LogCaptureFixture
) -> None:
    _post(client, _fields(add("regulator"), code="987654"))
    assert "sign-in: refused" in caplog.text
    assert "regulator@" not in caplog.text
    assert "987654" not in caplog.text


@pytest.mark.django_db
@pytest.mark.django_db(transaction=True)
def test_of_parallel_posts_of_one_code_one_signs_in(add: Add) -> None:
    fields = _fields(add("regulator"))
    start = Barrier(SIGN_IN_TRIES)

    def post() -> int:
        start.wait()
        try:
            return _post(Client(), fields).status_code
        finally:
            connection.close()

    with ThreadPoolExecutor(SIGN_IN_TRIES) as pool:
        statuses = [future.result() for future in [pool.submit(post) for _ in range(SIGN_IN_TRIES)]]
    assert statuses.count(302) == 1


# Few requests hash a password at once, and they hash in a thread of their own.


@pytest.mark.django_db
def test_beyond_the_places_a_sign_in_is_asked_to_come_again_and_costs_no_try(
    client: Client, add: Add
) -> None:
    fields = _fields(add("regulator"))
    with ExitStack() as stack:
        for _ in range(HASHING_PLACES):
            stack.enter_context(hashing.place())
        refused = _post(client, fields)
        assert (refused.status_code, int(refused.headers["Retry-After"]) > 0) == (503, True)
    assert not SignInTries.objects.exists()
    assert _post(client, fields).status_code == 302


def test_a_refused_place_is_free_again() -> None:
    for _ in range(2 * HASHING_PLACES):
        with pytest.raises(ValueError, match="inside"), hashing.place():
            raise ValueError("inside")


def test_a_password_is_hashed_in_the_yielding_thread_and_stored_as_djangos_own() -> None:
    ours, djangos = hashing.PooledScryptHasher(), ScryptPasswordHasher()
    assert ours.encode(PASSWORD, "salt") == djangos.encode(PASSWORD, "salt")
    assert djangos.verify(PASSWORD, ours.encode(PASSWORD, "salt"))
    nice = hashing._thread.submit(
        lambda: os.getpriority(os.PRIO_PROCESS, threading.get_native_id())
    ).result()
    base = os.getpriority(os.PRIO_PROCESS, threading.get_native_id())
    assert nice == min(base + HASHING_NICENESS, NICENESS_MAX) > base


def test_the_products_passwords_are_hashed_so() -> None:
    assert product_settings.PASSWORD_HASHERS[0] == "people.hashing.PooledScryptHasher"


# The limit on tries counts, forgets and cannot be outrun.


def _use_up(*, email: str = "a@b.kz", address: str = "192.0.2.1") -> None:
    for _ in range(SIGN_IN_TRIES):
        assert take_try(email=email, address=address)
    assert not take_try(email=email, address=address)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("email", "address", "is_left"),
    [
        ("a@b.kz", "192.0.2.1", False),
        ("A@B.KZ ", "192.0.2.1", False),
        ("c@b.kz", "192.0.2.1", True),
        ("a@b.kz", "192.0.2.2", True),
    ],
)
def test_tries_are_counted_by_account_and_network(email: str, address: str, is_left: bool) -> None:
    _use_up()
    assert take_try(email=email, address=address) is is_left


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("address", "is_left"),
    [
        ("2001:db8:1:2:ffff::9", False),
        ("2001:db8:1:3::1", True),
        ("", True),
        ("not an address", True),
    ],
)
def test_an_ipv6_subscriber_is_one_network(address: str, is_left: bool) -> None:
    _use_up(address="2001:db8:1:2::1")
    assert take_try(email="a@b.kz", address=address) is is_left


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("age_s", "is_left"), [(SIGN_IN_WINDOW_S - 5, False), (SIGN_IN_WINDOW_S + 5, True)]
)
def test_a_window_ends(age_s: int, is_left: bool) -> None:
    _use_up()
    SignInTries.objects.update(started_at=timezone.now() - timedelta(seconds=age_s))
    assert take_try(email="a@b.kz", address="192.0.2.1") is is_left


@pytest.mark.django_db
def test_a_sign_in_clears_its_own_count_only() -> None:
    _use_up()
    _use_up(email="c@b.kz")
    forget_tries(email="a@b.kz", address="192.0.2.1")
    assert take_try(email="a@b.kz", address="192.0.2.1")
    assert not take_try(email="c@b.kz", address="192.0.2.1")


@pytest.mark.django_db
def test_the_table_names_no_person() -> None:
    take_try(email="a@b.kz", address="192.0.2.1")
    row = SignInTries.objects.get()
    assert len(row.key) == 64
    assert "a@b.kz" not in repr(vars(row))


@pytest.mark.django_db(transaction=True)
def test_of_parallel_tries_no_more_than_the_limit_get_through() -> None:
    at_once = 4 * SIGN_IN_TRIES
    start = Barrier(at_once)

    def attempt() -> bool:
        start.wait()
        try:
            return take_try(email="a@b.kz", address="192.0.2.1")
        finally:
            connection.close()

    with ThreadPoolExecutor(at_once) as pool:
        results = [future.result() for future in [pool.submit(attempt) for _ in range(at_once)]]
    assert results.count(True) == SIGN_IN_TRIES


# Sessions end: by the person, by idleness, by age.


SignedIn = Callable[[str], Client]


def _age(client: Client, *, signed_in_s: int, seen_s: int) -> None:
    session = client.session
    session["people_signed_in_at"] -= signed_in_s
    session["people_seen_at"] -= seen_s
    session.save()


@pytest.mark.django_db
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


@pytest.mark.django_db
def test_a_request_puts_idleness_off_but_not_age(signed_in: SignedIn) -> None:
    client = signed_in("regulator")
    for _ in range(2):
        _age(client, signed_in_s=0, seen_s=SESSION_IDLE_S - 5)
        assert client.get("/people/").status_code == 200
    started = client.session["people_signed_in_at"]
    assert client.session["people_seen_at"] >= started


@pytest.mark.django_db
def test_a_session_without_a_stamp_begins_now(client: Client, signed_in: SignedIn) -> None:
    signed_in("regulator")
    session = client.session
    del session["people_signed_in_at"], session["people_seen_at"]
    session.save()
    assert client.get("/people/").status_code == 200
    assert "people_signed_in_at" in client.session


@pytest.mark.django_db
def test_the_limits_are_asked_before_the_second_factor_is_looked_at() -> None:
    order = [
        "django.contrib.auth.middleware.AuthenticationMiddleware",
        "people.sessions.SessionMiddleware",
        "django_otp.middleware.OTPMiddleware",
    ]
    assert [name for name in settings.MIDDLEWARE if name in order] == order


@pytest.mark.django_db
def test_signing_out_takes_a_post(signed_in: SignedIn) -> None:
    client = signed_in("regulator")
    assert client.get("/people/sign-out/").status_code == 405
    assert SESSION_KEY in client.session
    assert client.post("/people/sign-out/")["Location"] == "/people/sign-in/"
    assert SESSION_KEY not in client.session


@pytest.mark.django_db
def test_beyond_the_places_a_password_is_not_changed(signed_in: SignedIn) -> None:
    client = signed_in("regulator")
    with ExitStack() as stack:
        for _ in range(HASHING_PLACES):
            stack.enter_context(hashing.place())
        assert client.post("/people/password/", {"old_password": PASSWORD}).status_code == 503


@pytest.mark.django_db
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


# What the table itself refuses of any writer.


@pytest.fixture
def lender() -> object:
    return apps.get_model("lenders", "Lender").objects.create(
        name="Qaryz LLP", bin="000000000000", phone="+77270000044"
    )


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("role", "has_lender", "stands"),
    [
        ("reviewer", True, True),
        ("reviewer", False, False),
        ("regulator", False, True),
        ("regulator", True, False),
        ("operator", False, True),
        ("operator", True, False),
    ],
)
def test_only_reviewers_have_a_lender(
    lender: object, role: str, has_lender: bool, stands: bool
) -> None:
    def add() -> None:
        with transaction.atomic():
            User.objects.create_user(
                email="a@b.kz", full_name="A", role=role, lender=lender if has_lender else None
            )

    if stands:
        add()
    else:
        with pytest.raises(IntegrityError, match="people_user_reviewers_alone_have_a_lender"):
            add()


@pytest.mark.django_db
def test_a_role_that_does_not_exist_cannot_be_stored() -> None:
    User.objects.create_user(email="a@b.kz", full_name="A", role="regulator")
    with pytest.raises(IntegrityError), transaction.atomic():
        User.objects.update(role="superuser")


@pytest.mark.django_db
def test_an_address_is_one_person_in_any_case() -> None:
    user = User.objects.create_user(email="Reg@Example.KZ", full_name="A", role="regulator")
    assert user.email == "reg@example.kz"
    assert User.objects.get_by_natural_key(" REG@example.kz") == user
    with pytest.raises(IntegrityError), transaction.atomic():
        User.objects.create_user(email="reg@EXAMPLE.kz", full_name="B", role="regulator")
    with pytest.raises(IntegrityError, match="email_is_lower_case"), transaction.atomic():
        User.objects.update(email="Reg@example.kz")


@pytest.mark.django_db
def test_a_person_prints_as_an_id_and_not_as_a_name() -> None:
    user = User.objects.create_user(email="a@b.kz", full_name="Айгүл", role="regulator")
    assert str(user) == user.id
    assert user.id.startswith("usr_")
    assert user.id in repr(user)
    assert "Айгүл" not in repr(user)


@pytest.mark.django_db
def test_a_lender_with_reviewers_cannot_be_deleted(lender: object) -> None:
    User.objects.create_user(email="a@b.kz", full_name="A", role="reviewer", lender=lender)
    with pytest.raises(IntegrityError):
        lender.delete()  # type: ignore[attr-defined]
