"""Signing in: the limit on tries, the verification of both factors, and the form.

One page asks for both factors and verifies them together, so a failure reveals neither. The second
is a passkey. While live mode is off, it is the code of an app for a person without passkeys.
A try is counted before any check, so that parallel guesses count too.
"""

import logging
from datetime import timedelta
from typing import Any

import django_otp
from django import forms
from django.conf import settings
from django.contrib.auth import authenticate
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db.models import F
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from people import hashing, passkeys, register
from people.models import SecondFactor, SignInTries, User
from people.policy import (
    CODE_DIGITS,
    PASSWORD_MAX_LENGTH,
    SIGN_IN_TRIES,
    SIGN_IN_WINDOW_S,
)
from people.sessions import CODE
from verification import clock, transactions
from verification.access import addresses
from verification.access.passkeys import ANSWER_MAX
from verification.core.errors import Refused

_log = logging.getLogger(__name__)


_TOO_MANY = _("Too many tries. Wait 15 minutes, then try again.")
_WRONG = _(
    "The e-mail address, the password, the code or the passkey is wrong. Wait for the next code,"
    " then try again."
)
_WRONG_IN_LIVE = _("The e-mail address, the password or the passkey is wrong.")
_NO_CODE = _("Enter the 6 digits your app shows.")


class CodeInput(forms.PasswordInput):
    """A text field that comes back empty: a refused code is useless."""

    input_type = "text"


class PasskeyInput(forms.PasswordInput):
    """A hidden field that comes back empty, too."""

    input_type = "hidden"


class CodeField(forms.CharField):
    """A code as people type it: apps show it in two groups, so spaces are dropped."""

    def to_python(self, value: Any) -> str:
        """The digits without spaces."""
        return "".join((super().to_python(value) or "").split())


class InvitationForm(forms.Form):
    """E-mail address, code of the invitation, and a password to choose."""

    email = forms.EmailField(
        label=_("E-mail address"),
        widget=forms.EmailInput(attrs={"autocomplete": "username", "autofocus": True}),
    )
    invitation = CodeField(
        label=_("Code of the invitation"),
        max_length=64,
        widget=CodeInput(attrs={"autocomplete": "one-time-code"}),
    )
    password = forms.CharField(
        label=_("New password"),
        max_length=PASSWORD_MAX_LENGTH,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )
    passkey = forms.CharField(required=False, max_length=ANSWER_MAX, widget=PasskeyInput)


class SignInForm(forms.Form):
    """E-mail address, password, and code or passkey; valid after all are verified."""

    email = forms.EmailField(
        label=_("E-mail address"),
        widget=forms.EmailInput(attrs={"autocomplete": "username", "autofocus": True}),
    )
    password = forms.CharField(
        label=_("Password"),
        max_length=PASSWORD_MAX_LENGTH,
        # NIST SP 800-63B-3 §5.1.1.2: a password may contain and end in a blank.
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )
    code = CodeField(
        label=_("Code"),
        help_text=_("6 digits from your authenticator app."),
        max_length=16,
        required=False,
        validators=[
            RegexValidator(
                rf"\A[0-9]{{{CODE_DIGITS}}}\Z",
                _NO_CODE,
                "code_malformed",
            )
        ],
        widget=CodeInput(
            attrs={"autocomplete": "one-time-code", "inputmode": "numeric", "class": "input-code"}
        ),
    )
    passkey = forms.CharField(required=False, max_length=ANSWER_MAX, widget=PasskeyInput)

    def __init__(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._request = request
        self._user: User | None = None
        self.opened_by = ""

    def clean(self) -> dict[str, Any]:
        """Verifies both factors of a readable form. An unreadable form costs no try.

        Raises: `Unavailable`, which costs no try either, while others sign in.
        """
        fields = super().clean() or {}
        is_by_code = not settings.TULGA_MODES_LIVE and not fields.get("passkey")
        if is_by_code and "code" not in self.errors and not fields["code"]:
            self.add_error("code", ValidationError(_NO_CODE, code="code_malformed"))
        if not self.errors:
            with hashing.place(), transactions.looking_up("sign_in"):
                self._user, self.opened_by = prove(
                    self._request,
                    email=fields["email"],
                    password=fields["password"],
                    code=fields["code"],
                    passkey=fields["passkey"],
                )
        return fields

    def get_user(self) -> User | None:
        """The verified person; None before the form is valid. Django's LoginView uses this name."""
        return self._user


def prove(
    request: HttpRequest, *, email: str, password: str, code: str = "", passkey: str = ""
) -> tuple[User, str]:
    """The person with this password and second factor, with `otp_device` set for `login`, and by
    what they are here: `sessions.CODE`, or their passkey's id.

    1. A try is taken before any check.
    2. The password is hashed even for an unknown address, so that the time reveals nothing.
    3. The passkey's answer is verified under a lock on the person, and its challenge spent. Or the
       code is checked under a lock on the device and spent, if the person has no passkey.

    Raises: `ValidationError` with code `too_many_tries` or `sign_in_refused`. The latter is one
    sentence for an unknown address, a wrong password, a wrong, used or throttled second factor and
    a closed account.
    """
    address = request.META.get("REMOTE_ADDR", "")
    # 1. The try.
    if not take_try(email=email, address=address):
        _log.warning("sign-in: too many tries")
        raise ValidationError(_TOO_MANY, code="too_many_tries")
    # 2. The password.
    user = authenticate(request, username=email, password=password)
    opened_by = ""
    if isinstance(user, User):
        # 3.
        opened_by = _second_factor(request, user, code=code, passkey=passkey)
    if not isinstance(user, User) or not opened_by:
        _log.warning("sign-in: refused")
        message = _WRONG_IN_LIVE if settings.TULGA_MODES_LIVE else _WRONG
        raise ValidationError(message, code="sign_in_refused")
    forget_tries(email=email, address=address)
    return user, opened_by


def _second_factor(request: HttpRequest, user: User, *, code: str, passkey: str) -> str:
    """By what a person with the right password is here; empty if by nothing."""
    factor: SecondFactor | None = SecondFactor.objects.devices_for_user(user).first()
    if factor is None:
        return ""
    if passkey:
        try:
            opened_by = passkeys.prove(request.session, user, passkey)
        except Refused as refusal:
            _log.warning("sign-in: %s", refusal.code)
            return ""
    elif user.passkeys or settings.TULGA_MODES_LIVE:
        return ""
    else:
        # RFC 6238 §5.2: the same code is not accepted a second time. The library returns the
        # factor only if it shows this code now and the code is unused.
        factor, opened_by = django_otp.verify_token(user, factor.persistent_id, code), CODE
    # django-otp's name: login() puts it into the session
    user.otp_device = factor  # type: ignore[attr-defined]
    return opened_by if factor else ""


def accept(
    request: HttpRequest, *, email: str, code: str, password: str, passkey: str
) -> tuple[User, str]:
    """The person whose invitation this is, with their password and first passkey on record, and
    the passkey's id. `otp_device` is set for `login`.

    Raises: `ValidationError` (too_many_tries, or of the password), `Refused` (invitation_invalid,
    or a code of a passkey).
    """
    user = invited(request, email=email, code=code)
    validate_password(password, user)
    key = passkeys.accept(request.session, user, passkey, code=code, password=password)
    # django-otp's name: login() puts it into the session
    user.otp_device = SecondFactor.objects.devices_for_user(user).first()  # type: ignore[attr-defined]
    return user, key.id


def invited(request: HttpRequest, *, email: str, code: str) -> User:
    """The person on record who has this invitation. A try is taken before any check.

    Raises: `ValidationError` (too_many_tries), `Refused` (invitation_invalid).
    """
    if not take_try(email=email, address=request.META.get("REMOTE_ADDR", "")):
        raise ValidationError(_TOO_MANY, code="too_many_tries")
    user = User.objects.filter(email=email.strip().lower()).first()
    if user is None or not register.is_invited(user, code) or not register.is_on_record(user):
        raise Refused("invitation_invalid", "no such invitation")
    forget_tries(email=email, address=request.META.get("REMOTE_ADDR", ""))
    return user


def take_try(*, email: str, address: str) -> bool:
    """Takes a try if one is left; returns whether. It does the same for an unknown account.

    One conditional UPDATE counts: of any number of requests at once, `SIGN_IN_TRIES` succeed.
    """
    key, now = _key(email=email, address=address), clock.now()
    SignInTries.objects.filter(started_at__lte=now - timedelta(seconds=SIGN_IN_WINDOW_S)).delete()
    # An existing row stays with its count: of many first tries at once, one inserts it.
    SignInTries.objects.bulk_create([SignInTries(key=key, started_at=now)], ignore_conflicts=True)
    return (
        SignInTries.objects.filter(key=key, tries__lt=SIGN_IN_TRIES).update(tries=F("tries") + 1)
        == 1
    )


def forget_tries(*, email: str, address: str) -> None:
    """Clears the count after a sign-in, so that yesterday's typing errors do not lock a person
    out today.
    """
    SignInTries.objects.filter(key=_key(email=email, address=address)).delete()


def _key(*, email: str, address: str) -> str:
    return addresses.keyed_network(address, purpose=f"people.tries\n{email.strip().lower()}")
