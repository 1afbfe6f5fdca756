"""What the table itself refuses, whoever writes to it."""

import pytest
from django.apps import apps
from django.db import IntegrityError, transaction

from people.models import User

pytestmark = pytest.mark.django_db


@pytest.fixture
def lender() -> object:
    return apps.get_model("lenders", "Lender").objects.create(
        name="Qaryz LLP", bin="000000000000", phone="+77270000044"
    )


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
def test_reviewers_have_a_lender_and_nobody_else_does(
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


def test_a_role_that_does_not_exist_cannot_be_stored() -> None:
    User.objects.create_user(email="a@b.kz", full_name="A", role="regulator")
    with pytest.raises(IntegrityError), transaction.atomic():
        User.objects.update(role="superuser")


def test_an_address_is_one_person_in_any_case() -> None:
    user = User.objects.create_user(email="Reg@Example.KZ", full_name="A", role="regulator")
    assert user.email == "reg@example.kz"
    assert User.objects.get_by_natural_key(" REG@example.kz") == user
    with pytest.raises(IntegrityError), transaction.atomic():
        User.objects.create_user(email="reg@EXAMPLE.kz", full_name="B", role="regulator")
    with pytest.raises(IntegrityError, match="email_is_lower_case"), transaction.atomic():
        User.objects.update(email="Reg@example.kz")


def test_a_person_prints_as_an_id_and_not_as_a_name() -> None:
    user = User.objects.create_user(email="a@b.kz", full_name="Айгүл", role="regulator")
    assert str(user) == user.id
    assert user.id.startswith("usr_")
    assert user.id in repr(user)
    assert "Айгүл" not in repr(user)


def test_a_lender_with_reviewers_cannot_be_deleted(lender: object) -> None:
    User.objects.create_user(email="a@b.kz", full_name="A", role="reviewer", lender=lender)
    with pytest.raises(IntegrityError):
        lender.delete()  # type: ignore[attr-defined]
