"""Operators with passkeys, and an installation in live mode whose root is elsewhere."""

from collections.abc import Callable
from dataclasses import dataclass

import pytest
from django.test import Client
from pytest_django import Settings

from insecure_sandbox.authenticator import Authenticator
from lenders.models import Lender
from people.enrolment import current_code, enrol
from people.models import User
from tests import registered
from tests.people import keys
from tests.people.enrolled import PASSWORD
from tests.people.keys import ORIGIN


@dataclass(frozen=True)
class Acting:
    """A person with a passkey, signed in."""

    user: User
    client: Client
    device: Authenticator


Appoint = Callable[..., Acting]


@pytest.fixture(autouse=True)
def _at_localhost(settings: Settings, db: None) -> None:
    settings.TULGA_PUBLIC_URL = ORIGIN


@pytest.fixture
def lender() -> Lender:
    """A lender on record."""
    calendar = [{"from": "2026-01-26", "profile": "KZ-2026-01"}]
    return registered.lender(
        name="Ақша LLP", bin="180440012349", phone="+77270000044", live_calendar=calendar
    )


@pytest.fixture
def appoint(settings: Settings) -> Appoint:
    """Adds a person of this role, who signs in by a passkey."""

    def _appoint(role: str, email: str, **more: object) -> Acting:
        is_live, settings.TULGA_MODES_LIVE = settings.TULGA_MODES_LIVE, False
        user, given = enrol(email=email, full_name=email, role=role, password=PASSWORD, **more)
        client, device = Client(), Authenticator()
        fields = {"email": email, "password": PASSWORD, "code": current_code(given.factor)}
        assert client.post("/people/sign-in/", fields).status_code == 302
        assert keys.enrol(client, device).status_code == 302
        settings.TULGA_MODES_LIVE = is_live
        return Acting(User.objects.get(pk=user.pk), client, device)

    return _appoint


@pytest.fixture
def two(
    appoint: Appoint, lender: Lender, settings: Settings, request: pytest.FixtureRequest
) -> tuple[Acting, Acting]:
    """Two operators of an installation in live mode. The root is not at hand from now on."""
    pair = appoint("operator", "a@example.kz"), appoint("operator", "b@example.kz")
    settings.TULGA_MODES_LIVE = True
    registered.everybody("live")
    request.getfixturevalue("no_root")
    return pair
