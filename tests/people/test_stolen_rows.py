"""The application's database role changes and copies rows of people: it gets in nowhere."""

from collections.abc import Callable, Iterator
from hashlib import sha256
from itertools import product
from secrets import token_hex

import pytest
from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.contrib.sessions.models import Session
from django.test import Client

from lenders.models import Lender
from people import register
from people.enrolment import current_code, enrol
from people.models import SecondFactor, User
from tests import registered
from tests.people.enrolled import PASSWORD, Enrolled
from verification import transactions

Add = Callable[..., Enrolled]
OVERSIGHT, DESK = "/oversight/", "/review/"
COPIES = 50

pytestmark = pytest.mark.django_db


@pytest.fixture
def lender() -> Lender:
    return registered.lender(name="First Credit LLP", bin="150140000002", phone="+77172700000")


def sign_in(email: str, code: str, *, password: str = PASSWORD) -> Client:
    """A browser that posted the form, signed in or not."""
    client = Client()
    client.post("/people/sign-in/", {"email": email, "password": password, "code": code})
    return client


def opens(client: Client, page: str) -> bool:
    return client.get(page).status_code == 200


def with_cookie(session_key: str) -> Client:
    client = Client()
    client.cookies[settings.SESSION_COOKIE_NAME] = session_key
    return client


def cookies_from_rows() -> Iterator[str]:
    """What a thief of the table can put into a cookie: its keys, and what he makes of them."""
    for row in Session.objects.all():
        yield row.session_key
        yield sha256(row.session_key.encode()).hexdigest()
        yield row.session_key[:32]


def test_the_table_of_sessions_holds_no_cookie(add: Add) -> None:
    victims = [add("regulator", email=f"r{n}@example.kz") for n in range(COPIES)]
    for victim in victims:
        client = sign_in(victim.user.email, current_code(victim.factor))
        assert opens(client, OVERSIGHT)
    cookies = list(cookies_from_rows())
    assert len(cookies) == 3 * COPIES
    assert not any(opens(with_cookie(cookie), OVERSIGHT) for cookie in cookies)


def test_the_data_of_a_session_are_worth_nothing_in_a_row_of_the_thiefs(add: Add) -> None:
    victim = add("regulator")
    sign_in(victim.user.email, current_code(victim.factor))
    row = Session.objects.get()
    for _ in range(COPIES):
        cookie = token_hex(16)
        digest = sha256(cookie.encode()).hexdigest()[:40]
        Session(digest, row.session_data, row.expire_date).save(force_insert=True)
        assert not opens(with_cookie(cookie), OVERSIGHT)


def test_a_session_of_ones_own_takes_no_data_of_another(add: Add) -> None:
    victim, thief = add("regulator"), add("operator")
    sign_in(victim.user.email, current_code(victim.factor))
    stolen = Session.objects.get().session_data
    client = sign_in(thief.user.email, current_code(thief.factor))
    assert opens(client, "/admin/")
    Session.objects.update(session_data=stolen)
    assert not opens(client, OVERSIGHT)
    assert not opens(client, "/admin/")


def test_an_inserted_reviewer_has_no_factor(add: Add, lender: Lender) -> None:
    """He chooses the password's hash, and copies every sealed key that is there."""
    insider = add("operator")
    stranger = User.objects.create(
        email="inserted@example.kz",
        full_name="Inserted",
        role="reviewer",
        lender=lender,
        password=make_password(PASSWORD),
    )
    sealed, wrapped = bytes(insider.factor.sealed_key), bytes(insider.factor.wrapped_key)
    for key, wrap in product(
        (sealed, sealed[::-1], b"", sealed[:2] + token_hex(24).encode()),
        (wrapped, wrapped[::-1], b"", wrapped[:2] + token_hex(24).encode()),
    ):
        SecondFactor.objects.filter(user=stranger).delete()
        SecondFactor.objects.create(
            user=stranger, name="authenticator", sealed_key=key, wrapped_key=wrap
        )
        client = sign_in(stranger.email, current_code(insider.factor))
        assert not opens(client, DESK)


def test_the_factor_of_another_is_not_taken_over(add: Add) -> None:
    victim, thief = add("regulator"), add("operator")
    User.objects.filter(pk=victim.user.pk).update(password=thief.user.password)
    SecondFactor.objects.filter(user=victim.user).update(
        sealed_key=thief.factor.sealed_key, wrapped_key=thief.factor.wrapped_key
    )
    assert not opens(sign_in(victim.user.email, current_code(thief.factor)), OVERSIGHT)
    SecondFactor.objects.filter(user=victim.user).delete()
    SecondFactor.objects.filter(user=thief.user).update(user=victim.user)
    assert not opens(sign_in(victim.user.email, current_code(thief.factor)), OVERSIGHT)


@pytest.mark.parametrize(("role", "page"), [("reviewer", DESK), ("regulator", OVERSIGHT)])
def test_a_role_by_update_opens_nothing(add: Add, lender: Lender, role: str, page: str) -> None:
    insider = add("operator")
    client = sign_in(insider.user.email, current_code(insider.factor))
    code = current_code(insider.factor)
    assert opens(client, "/admin/")
    of_role = lender if role == "reviewer" else None
    User.objects.filter(pk=insider.user.pk).update(role=role, lender=of_role)
    assert not opens(client, page)
    assert not opens(client, "/admin/")
    SecondFactor.objects.update(last_step=-1)
    assert not opens(sign_in(insider.user.email, code), page)


def test_a_reviewer_moved_to_another_lender_by_update_is_out(lender: Lender) -> None:
    rival = registered.lender(name="Rival LLP", bin="150140000012", phone="+77172700000")
    user, credentials = enrol(
        email="a@example.kz", full_name="A", role="reviewer", lender=lender, password=PASSWORD
    )
    code = current_code(credentials.factor)
    client = sign_in(user.email, code)
    assert opens(client, DESK)
    User.objects.filter(pk=user.pk).update(lender=rival)
    assert not opens(client, DESK)
    SecondFactor.objects.update(last_step=-1)
    assert not opens(sign_in(user.email, code), DESK)


def test_no_key_of_a_factor_is_readable_in_its_row(add: Add) -> None:
    factor = add("regulator").factor
    assert factor.key() not in bytes(factor.sealed_key) + bytes(factor.wrapped_key)
    assert len(factor.key()) == 20


@pytest.mark.parametrize(
    "columns",
    [{"is_active": True}, {"full_name": "Another"}, {"email": "another@example.kz"}],
)
def test_a_closed_or_renamed_account_is_not_opened_by_update(
    add: Add, columns: dict[str, object]
) -> None:
    person = add("regulator")
    client = sign_in(person.user.email, current_code(person.factor))
    assert opens(client, OVERSIGHT)
    with transactions.writing():
        person.user.is_active = "is_active" not in columns
        person.user.save()
        register.keep(person.user)
    assert opens(client, OVERSIGHT) is person.user.is_active
    User.objects.filter(pk=person.user.pk).update(**columns)
    assert not opens(client, OVERSIGHT)
    SecondFactor.objects.update(last_step=-1)
    email = str(columns.get("email", person.user.email))
    assert not opens(sign_in(email, current_code(person.factor)), OVERSIGHT)


def test_a_person_without_a_statement_signs_in_nowhere(add: Add) -> None:
    """Everything about the row is right but that no entry states it."""
    insider = add("operator")
    user = User.objects.create(
        email="r@example.kz", full_name="R", role="regulator", password=make_password(PASSWORD)
    )
    factor = SecondFactor.make(user)  # as web's key could seal it
    assert not opens(sign_in(user.email, current_code(factor)), OVERSIGHT)
    assert opens(sign_in(insider.user.email, current_code(insider.factor)), "/admin/")
