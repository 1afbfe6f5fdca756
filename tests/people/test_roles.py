"""Roles are permissions, and nothing but the role gives one."""

import pytest

from people.models import Role, User, allows

MAY = {
    ("reviewer", "people.review_cases"),
    ("regulator", "people.read_oversight"),
    ("operator", "people.operate"),
    ("operator", "people.view_user"),
    ("operator", "lenders.change_lender"),
}
ASKED = sorted({permission for _, permission in MAY})


@pytest.mark.parametrize("role", [*Role, "superuser", ""])
@pytest.mark.parametrize("permission", ASKED)
def test_a_role_carries_its_own_permissions_and_no_other(role: str, permission: str) -> None:
    assert allows(role, permission=permission) == ((role, permission) in MAY)


@pytest.mark.parametrize(
    "permission",
    [
        "lenders.delete_lender",
        "people.delete_user",
        "otp_totp.view_totpdevice",
        "sessions.view_session",
        "verification.view_verification",
        "people.operate_everything",
        "people.view_user\n",
        "",
    ],
)
def test_an_operator_neither_deletes_nor_sees_second_factors_sessions_or_cases(
    permission: str,
) -> None:
    assert not allows("operator", permission=permission)


def test_a_closed_account_has_no_permission() -> None:
    assert User(role="regulator").has_perm("people.read_oversight")
    assert not User(role="regulator", is_active=False).has_perm("people.read_oversight")


def test_only_operators_are_staff() -> None:
    assert [role for role in Role if User(role=role).is_staff] == ["operator"]


def test_asking_for_no_permission_at_all_is_refused() -> None:
    assert User(role="operator").has_perms(["people.operate"])
    assert not User(role="operator").has_perms([])
