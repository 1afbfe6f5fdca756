"""The limit on tries counts, forgets and cannot be outrun."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from django.db import connection
from django.utils import timezone

from people.models import SignInTries
from people.policy import SIGN_IN_TRIES, SIGN_IN_WINDOW_S
from people.sign_in import forget_tries, take_try


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
def test_the_table_names_nobody() -> None:
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
