"""The sign-in page: both factors or nothing, and nothing is learnt from a refusal."""

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.db import connection
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.test import Client
from django_otp.plugins.otp_totp.models import TOTPDevice

from people.enrolment import current_code
from people.models import SignInTries
from people.policy import SIGN_IN_TRIES
from tests.people.enrolled import PASSWORD, Enrolled

pytestmark = pytest.mark.django_db
Add = Callable[..., Enrolled]


def _fields(person: Enrolled, **changes: str) -> dict[str, str]:
    return {
        "email": person.user.email,
        "password": PASSWORD,
        "code": current_code(person.device),
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


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({}, 302),
        ({"email": "REGULATOR@example.kz"}, 302),
        ({"password": PASSWORD + " "}, 422),
        ({"password": ""}, 422),
        ({"email": "nobody@example.kz"}, 422),
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


def test_a_code_may_be_typed_in_two_groups(client: Client, add: Add) -> None:
    person = add("regulator")
    code = current_code(person.device)
    assert _post(client, _fields(person, code=f" {code[:3]} {code[3:]}")).status_code == 302


def test_a_wrong_code_refuses(client: Client, add: Add) -> None:
    person = add("regulator")
    wrong = f"{(int(current_code(person.device)) + 500_000) % 1_000_000:06d}"
    assert _post(client, _fields(person, code=wrong)).status_code == 422
    assert SESSION_KEY not in client.session


def test_a_code_works_once(client: Client, add: Add) -> None:
    person = add("regulator")
    fields = _fields(person)
    assert _post(client, fields).status_code == 302
    assert _post(Client(), fields).status_code == 422


def test_a_second_factor_of_another_person_refuses(client: Client, add: Add) -> None:
    stranger = add("operator")
    assert (
        _post(client, _fields(add("regulator"), code=current_code(stranger.device))).status_code
        == 422
    )


def test_closing_an_account_ends_its_session_and_refuses_another(client: Client, add: Add) -> None:
    person = add("regulator")
    _post(client, _fields(person))
    assert client.get("/people/").status_code == 200
    TOTPDevice.objects.update(last_t=-1)  # the same code would count again
    person.user.is_active = False
    person.user.save()
    assert client.get("/people/").status_code == 302
    assert _post(Client(), _fields(person)).status_code == 422


def test_a_refusal_is_the_same_page_for_every_reason(client: Client, add: Add) -> None:
    person = add("regulator")
    pages = {
        _without_token(_post(client, fields), email=fields["email"])
        for fields in (
            _fields(person, code="000000", email="nobody@example.kz"),
            _fields(person, code="000000", password="another-long-one-1"),
            _fields(person, code=f"{(int(current_code(person.device)) + 500_000) % 1_000_000:06d}"),
        )
    }
    assert len(pages) == 1


@pytest.mark.parametrize("email", ["regulator@example.kz", "nobody@example.kz"])
def test_after_too_many_tries_the_door_stays_shut_even_to_the_right_answer(
    client: Client, add: Add, email: str
) -> None:
    person = add("regulator")
    wrong = _fields(person, email=email, password="another-long-one-1")
    assert [_post(client, wrong).status_code for _ in range(SIGN_IN_TRIES)] == [422] * SIGN_IN_TRIES
    response = _post(client, _fields(person, email=email))
    assert response.status_code == 429
    assert SESSION_KEY not in client.session


def test_an_unreadable_form_costs_no_try(client: Client, add: Add) -> None:
    _post(client, _fields(add("regulator"), code="12"))
    assert not SignInTries.objects.exists()


def test_a_sign_in_clears_the_count(client: Client, add: Add) -> None:
    person = add("regulator")
    _post(client, _fields(person, password="another-long-one-1"))
    assert SignInTries.objects.exists()
    _post(client, _fields(person))
    assert not SignInTries.objects.exists()


def test_signing_in_gives_a_fresh_session_key(client: Client, add: Add) -> None:
    session = client.session
    session["planted"] = True
    session.save()
    key = session.session_key
    _post(client, _fields(add("regulator")))
    assert client.session.session_key != key
    assert Client(headers={"cookie": f"sessionid={key}"}).get("/people/").status_code == 302


def test_the_session_cookie_is_kept_from_scripts_and_other_sites(client: Client, add: Add) -> None:
    _post(client, _fields(add("regulator")))
    cookie = client.cookies[settings.SESSION_COOKIE_NAME]
    assert cookie["httponly"]
    assert cookie["samesite"] == "Lax"
    assert not cookie["max-age"]


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


def test_a_post_without_the_form_token_is_refused(add: Add) -> None:
    strict = Client(enforce_csrf_checks=True)
    assert _post(strict, _fields(add("regulator"))).status_code == 403


def test_neither_password_nor_code_comes_back_in_the_page(client: Client, add: Add) -> None:
    page = _page(_post(client, _fields(add("regulator"), code="987654")))
    assert PASSWORD not in page
    assert "987654" not in page


def test_a_refusal_is_logged_without_naming_anybody(
    client: Client, add: Add, caplog: pytest.LogCaptureFixture
) -> None:
    _post(client, _fields(add("regulator"), code="987654"))
    assert "sign-in: refused" in caplog.text
    assert "regulator@" not in caplog.text
    assert "987654" not in caplog.text


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
