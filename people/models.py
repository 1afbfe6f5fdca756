"""The person who signs in, the rights of a role, and the count of sign-in tries.

A role is a set of permissions. Pages require permissions and both factors.
"""

import re
from collections.abc import Iterable
from enum import StrEnum
from functools import partial
from typing import Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import AnonymousUser
from django.db import models
from django.db.models.functions import Lower

from verification.core.ids import new_id

REVIEW_CASES = "people.review_cases"
READ_OVERSIGHT = "people.read_oversight"
OPERATE = "people.operate"

# The admin site's permissions on our rows. Deletion is not among them, nor are other apps: second
# factors and sessions stay hidden.
_ADMIN_OF_OUR_ROWS = re.compile(r"(people|lenders)\.(view|add|change)_[a-z]+")


class Role(StrEnum):
    """A person's role."""

    REVIEWER = "reviewer"
    REGULATOR = "regulator"
    OPERATOR = "operator"


PERMISSIONS: dict[str, frozenset[str]] = {
    Role.REVIEWER: frozenset({REVIEW_CASES}),
    Role.REGULATOR: frozenset({READ_OVERSIGHT}),
    Role.OPERATOR: frozenset({OPERATE}),
}


def allows(role: str, *, permission: str) -> bool:
    """Whether this role has the permission, named `app.codename`; False for unknown roles and
    permissions.
    """
    if permission in PERMISSIONS.get(role, frozenset()):
        return True
    return role == Role.OPERATOR and _ADMIN_OF_OUR_ROWS.fullmatch(permission) is not None


class People(BaseUserManager["User"]):
    """Creates and finds people. E-mail addresses are stored in lower case, so one person cannot
    have two accounts.
    """

    def create_user(
        self,
        *,
        email: str,
        full_name: str,
        role: str,
        lender: Any = None,
        password: str | None = None,
    ) -> "User":
        """A new row with a hashed password. `people.enrolment` adds the second factor."""
        user = self.model(
            email=email.strip().lower(), full_name=full_name, role=Role(role), lender=lender
        )
        user.set_password(password)
        user.save(using=self._db)
        return user

    def get_by_natural_key(self, username: str | None) -> "User":
        """The person of this e-mail address, in any case.

        Raises: `User.DoesNotExist`.
        """
        return self.get(email=(username or "").strip().lower())


class User(AbstractBaseUser):
    """One person. Their rights follow from the role alone, so no row can add a permission."""

    id = models.CharField(
        primary_key=True, max_length=30, default=partial(new_id, "usr"), editable=False
    )
    email = models.EmailField(unique=True)
    full_name = models.CharField(max_length=200)
    role = models.CharField(max_length=16, choices=[(role.value, role.value) for role in Role])
    # PROTECT: the row of a person who voted stays, because the log names them.
    lender = models.ForeignKey(
        "lenders.Lender", null=True, blank=True, on_delete=models.PROTECT, related_name="reviewers"
    )
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField(auto_now_add=True)

    objects: ClassVar[People] = People()

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = ["full_name", "role"]

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(
                name="people_user_reviewers_alone_have_a_lender",
                condition=models.Q(role=Role.REVIEWER.value, lender__isnull=False)
                | models.Q(
                    role__in=[Role.REGULATOR.value, Role.OPERATOR.value], lender__isnull=True
                ),
            ),
            models.CheckConstraint(
                name="people_user_email_is_lower_case", condition=models.Q(email=Lower("email"))
            ),
        ]

    def __str__(self) -> str:
        return self.id

    def get_full_name(self) -> str:
        """The person's name; for pages only, never for a log."""
        return self.full_name

    get_short_name = get_full_name

    @property
    def is_staff(self) -> bool:
        """The admin site's name for a person who may enter."""
        return self.has_perm(OPERATE)

    def has_perm(self, perm: str, obj: object | None = None) -> bool:
        """Whether an active person's role has the permission; the same for every object."""
        return self.is_active and allows(self.role, permission=perm)

    def has_perms(self, perm_list: Iterable[str], obj: object | None = None) -> bool:
        """Whether the role has all of them. An empty request is a mistake and gets a no."""
        permissions = list(perm_list)
        return bool(permissions) and all(self.has_perm(perm, obj) for perm in permissions)

    def has_module_perms(self, app_label: str) -> bool:
        """Whether the admin site may show this app's rows."""
        return self.has_perm(f"{app_label}.view_anything")


def is_second_factor_done(user: User | AnonymousUser) -> bool:
    """Whether this session was opened with both factors. False for anonymous users; needs
    django-otp's middleware.
    """
    # django-otp adds it
    return user.is_authenticated and bool(user.is_verified())  # type: ignore[attr-defined]


def may(user: User | AnonymousUser, *, permission: str) -> bool:
    """Whether both factors were given and the role has the permission, named as in
    `PERMISSIONS`.
    """
    return is_second_factor_done(user) and user.has_perm(permission)


class SignInTries(models.Model):
    """Tries of one account from one network within a window. The key is a keyed hash without
    personal data.
    """

    key = models.CharField(primary_key=True, max_length=64)
    started_at = models.DateTimeField(db_index=True)
    tries = models.PositiveSmallIntegerField(default=0)

    class Meta:
        verbose_name_plural = "sign-in tries"

    def __str__(self) -> str:
        return self.key[:8]
