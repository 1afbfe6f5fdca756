"""The person who signs in, the rights of a role, and the count of sign-in tries.

A role is a set of permissions. Pages require permissions and both factors.
"""

import re
import secrets
import time
from base64 import b32encode
from collections.abc import Iterable
from enum import StrEnum
from functools import partial
from typing import Any, ClassVar
from urllib.parse import quote, urlencode

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import AnonymousUser
from django.db import models
from django.db.models.functions import Lower
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext_lazy as _
from django_otp.models import Device, ThrottlingMixin
from django_otp.oath import TOTP

from people.policy import CODE_DIGITS, CODE_KEY_BYTES, CODE_SECONDS, CODES_AROUND, SALT_BYTES
from verification.core.errors import EvidenceUnreadable
from verification.core.ids import new_id
from verification.evidence import vault

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


ROLES = [
    (Role.REVIEWER.value, _("Reviewer")),
    (Role.REGULATOR.value, _("Regulator")),
    (Role.OPERATOR.value, _("Operator")),
]

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


class User(AbstractBaseUser):  # type: ignore[django-manager-missing]  # django-otp is untyped
    """One person. Their rights follow from the role alone, so no row can add a permission."""

    id = models.CharField(
        primary_key=True, max_length=30, default=partial(new_id, "usr"), editable=False
    )
    email = models.EmailField(_("E-mail address"), unique=True)
    full_name = models.CharField(_("Name"), max_length=200)
    role = models.CharField(_("Role"), max_length=16, choices=ROLES)
    # PROTECT: the row of a person who voted stays, because the log names them.
    lender = models.ForeignKey(
        "lenders.Lender",
        verbose_name=_("Lender"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="reviewers",
    )
    is_active = models.BooleanField(_("Account is open"), default=True)
    # Public keys by which this person signs in and acts: lists of id, public_key and origin.
    passkeys = models.JSONField(_("Passkeys"), default=list, blank=True, editable=False)
    # The highest counter that each of them has shown, by id; 0 for those that count nothing.
    passkey_counters = models.JSONField(default=dict, blank=True, editable=False)
    # The SHA-256 of the code by which the person puts their first passkey on record; empty without
    # an invitation.
    invitation = models.CharField(max_length=64, default="", blank=True, editable=False)
    invited_until = models.DateTimeField(
        _("Invitation counts until"), null=True, blank=True, editable=False
    )
    # Opens the commitment to address and name that stands in the log.
    salt = models.BinaryField(default=partial(secrets.token_bytes, SALT_BYTES), editable=False)
    created_at = models.DateTimeField(_("Created"), auto_now_add=True)

    objects: ClassVar[People] = People()

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = ["full_name", "role"]

    class Meta:
        verbose_name = _("person")
        verbose_name_plural = _("people")
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(
                name="people_user_reviewers_alone_have_a_lender",
                violation_error_message=_("A reviewer has a lender, other people have none."),
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

    def get_session_auth_hash(self) -> str:
        """What ends every session when it changes: the password, the role, the lender."""
        rights = f"{self.password}\n{self.role}\n{self.lender_id or ''}"
        return salted_hmac("people.session", rights, algorithm="sha256").hexdigest()

    def get_session_auth_fallback_hash(self) -> Iterable[str]:
        """None: a secret key that was replaced ends every session."""
        return ()

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


class SecondFactor(ThrottlingMixin, Device):  # type: ignore[misc]  # django-otp is untyped
    """A person's authenticator app, by RFC 6238. Its key is sealed for this person, role and
    lender.

    So a row that SQL copies, inserts or puts under another role verifies no code.
    An invited person has no app: the key is empty, and verifies no code either.
    `wrapped_key`: the key of the seal, under the key-encryption key. Statements of the person hold
    the hash of the seal, which a rotation leaves as it is.
    `last_step`: the newest step of 30 seconds whose code was spent.
    """

    sealed_key = models.BinaryField(blank=True)
    wrapped_key = models.BinaryField(blank=True)
    last_step = models.BigIntegerField(default=-1)

    class Meta:
        # A second row beside the stated one would spend its codes apart.
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=("user",), name="people_secondfactor_one_of_a_person")
        ]

    @classmethod
    def make(cls, user: User) -> "SecondFactor":
        """A saved factor with a fresh key."""
        sealed, wrapped = vault.seal_in_envelope(_scope(user), secrets.token_bytes(CODE_KEY_BYTES))
        factor: SecondFactor = cls.objects.create(
            user=user, name="authenticator", sealed_key=sealed, wrapped_key=wrapped
        )
        return factor

    @classmethod
    def make_empty(cls, user: User) -> "SecondFactor":
        """The saved factor of a person who has passkeys alone."""
        factor: SecondFactor = cls.objects.create(user=user, name="passkeys", sealed_key=b"")
        return factor

    def key(self) -> bytes:
        """The shared key.

        Raises: `EvidenceUnreadable` if it was sealed for another person, role or lender.
        """
        sealed, wrapped = bytes(self.sealed_key), bytes(self.wrapped_key)
        return vault.unseal_in_envelope(_scope(self.user), sealed, wrapped)

    def scope_of_wrap(self) -> str:
        """The scope under which the key of the seal is wrapped."""
        return vault.scope_of_envelope(_scope(self.user))

    def totp(self) -> TOTP:
        """The generator of codes, set to now.

        Raises: `EvidenceUnreadable` like `key`.
        """
        totp = TOTP(self.key(), CODE_SECONDS, digits=CODE_DIGITS)
        totp.time = time.time()
        return totp

    def verify_token(self, token: str) -> bool:
        """Whether the app shows this code now, or did a step ago or will next. It is then spent.

        django-otp calls it under a lock on the row.
        """
        if not self.verify_is_allowed()[0] or not token.isdecimal():
            return False
        try:
            totp = self.totp()
        except EvidenceUnreadable:
            return False
        is_valid: bool = totp.verify(int(token), CODES_AROUND, self.last_step + 1)
        if is_valid:
            self.last_step = totp.t()
            self.throttle_reset(commit=False)
            self.save()
        else:
            self.throttle_increment(commit=True)
        return is_valid

    def address(self) -> str:
        """The `otpauth:` address that apps read from a QR code."""
        issuer, account = settings.OTP_TOTP_ISSUER, self.user.email
        parameters = {"secret": b32encode(self.key()).decode(), "issuer": issuer}
        return f"otpauth://totp/{quote(f'{issuer}:{account}')}?{urlencode(parameters)}"

    def get_throttle_factor(self) -> int:
        """Seconds of the first pause after a wrong code; django-otp doubles it."""
        return 1


def _scope(user: User) -> str:
    return f"second-factor:{user.pk}:{user.role}:{user.lender_id or ''}"


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
