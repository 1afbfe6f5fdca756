"""Enrolment of a person: a row, a password, a second factor."""

import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from django.contrib.auth.password_validation import validate_password

from people import register
from people.models import SecondFactor, User
from people.policy import (
    CODE_DIGITS,
    GENERATED_PASSWORD_BYTES,
    INVITATION_BYTES,
    INVITATION_DAYS,
)
from verification import clock, transactions
from verification.core.ids import secret_digest

_FACTORS: Final = ("password", "passkeys", "passkey_counters", "invitation", "invited_until")


@dataclass(frozen=True, repr=False)
class Credentials:
    """Credentials to hand over once: the password and the second factor."""

    password: str
    factor: SecondFactor


def enrol(
    *, email: str, full_name: str, role: str, lender: Any = None, password: str = ""
) -> tuple[User, Credentials]:
    """A new person with both factors. Without a given password one is generated.

    Raises: `ValidationError` for an unacceptable field or password, for instance a used address.
    """
    candidate = User(
        email=email.strip().lower(), full_name=full_name.strip(), role=role, lender=lender
    )
    password = _acceptable(password, candidate)
    candidate.set_password(password)
    candidate.full_clean()
    with transactions.writing():
        candidate.save(force_insert=True)
        factor = SecondFactor.make(candidate)
        register.keep(candidate)
        return candidate, Credentials(password=password, factor=factor)


def renew(user: User, *, password: str = "") -> Credentials:
    """New factors for a person who lost theirs; the old password, codes, passkeys and sessions
    end.
    """
    password = _acceptable(password, user)
    user.set_password(password)
    user.passkeys, user.passkey_counters = [], {}
    user.invitation, user.invited_until = "", None
    with transactions.writing():
        register.lock(user)
        # Also ends every session: Django binds a session to the password's hash.
        user.save(update_fields=_FACTORS)
        SecondFactor.objects.filter(user=user).delete()
        factor = SecondFactor.make(user)
        register.keep(user)
        return Credentials(password=password, factor=factor)


def invite(user: User) -> str:
    """The code of an invitation, put on a person's unsaved row; their old factors end with it."""
    code = secrets.token_urlsafe(INVITATION_BYTES)
    user.invitation = secret_digest(code).hex()
    user.invited_until = clock.now() + timedelta(days=INVITATION_DAYS)
    user.passkeys, user.passkey_counters = [], {}
    user.set_unusable_password()
    return code


def save_invited(user: User) -> None:
    """Saves an invited person, in the caller's transaction, without any factor."""
    user.save()
    SecondFactor.objects.filter(user=user).delete()
    SecondFactor.make_empty(user)


def invite_now(user: User) -> str:
    """The code of an invitation that is on record, by a command. `user`: new, or as stored.

    Raises: `ValidationError` for an unacceptable field, for instance a used address.
    """
    with transactions.writing():
        if not user._state.adding:
            user = register.lock(user)
        code = invite(user)
        user.full_clean()
        save_invited(user)
        register.keep(user)
    return code


def current_code(factor: SecondFactor) -> str:
    """The code in the person's app now. The server knows it because TOTP is a shared secret."""
    return f"{factor.totp().token():0{CODE_DIGITS}d}"


def _acceptable(password: str, user: User) -> str:
    """The given password if the validators accept it, or a generated one, which they could only
    refuse by chance.
    """
    if password:
        validate_password(password, user)
    return password or secrets.token_urlsafe(GENERATED_PASSWORD_BYTES)
