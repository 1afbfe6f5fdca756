"""People for the tests, made the way `add_person` makes them."""

from collections.abc import Callable

import pytest
from django.test import Client

from people.enrolment import current_code, enrol
from people.models import User
from tests.people.enrolled import PASSWORD, Enrolled


@pytest.fixture
def add() -> Callable[..., Enrolled]:
    """Enrols somebody of a role; reviewers need a lender."""

    def _add(role: str, *, email: str = "", lender: object = None) -> Enrolled:
        user, credentials = enrol(
            email=email or f"{role}@example.kz",
            full_name="Айгүл Өмірқызы",
            role=role,
            lender=lender,
            password=PASSWORD,
        )
        return Enrolled(user=User.objects.get(pk=user.pk), factor=credentials.factor)

    return _add


@pytest.fixture
def signed_in(client: Client, add: Callable[..., Enrolled]) -> Callable[[str], Client]:
    """A client that went through the sign-in page with both factors."""

    def _signed_in(role: str) -> Client:
        person = add(role)
        fields = {
            "email": person.user.email,
            "password": PASSWORD,
            "code": current_code(person.factor),
        }
        assert client.post("/people/sign-in/", fields).status_code == 302
        return client

    return _signed_in
