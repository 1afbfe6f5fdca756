"""Signing in: both factors are proved in one go, or nothing is learnt about either."""

import logging

import django_otp
from django.contrib.auth import authenticate
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django_otp.plugins.otp_totp.models import TOTPDevice

from people.models import User
from people.tries import forget_tries, take_try

_log = logging.getLogger(__name__)


def prove(request: HttpRequest, *, email: str, password: str, code: str) -> User:
    """The person whose password and current code these are, with `otp_device` set for `login`.

    Raises `ValidationError` with code `too_many_tries` or `sign_in_refused`; the latter is one
    sentence for an unknown address, a wrong password, a wrong, used or throttled code and a closed
    account.

    1. A try is taken before anything is looked at.
    2. The password is hashed even if nobody has this address, so that the time tells nothing.
    3. The code is checked under a lock on the device and spent.
    """
    address = request.META.get("REMOTE_ADDR", "")
    # 1. The try.
    if not take_try(email=email, address=address):
        _log.warning("sign-in: too many tries")
        raise ValidationError(
            _("Too many tries. Wait 15 minutes, then try again."), code="too_many_tries"
        )
    # 2. The password.
    user = authenticate(request, username=email, password=password)
    device: TOTPDevice | None = None
    if isinstance(user, User):
        # 3. The library gives the device back only if it shows this code now and has not shown it
        #    to us before.
        device = TOTPDevice.objects.devices_for_user(user, confirmed=True).first()
        # RFC 6238 §5.2: the same code is not accepted a second time.
        device = device and django_otp.verify_token(user, device.persistent_id, code)
    if not isinstance(user, User) or device is None:
        _log.warning("sign-in: refused")
        refused = _(
            "The e-mail address, the password or the code is wrong. Wait for the next code, then"
            " try again."
        )
        raise ValidationError(refused, code="sign_in_refused")
    forget_tries(email=email, address=address)
    # django-otp's name: login() puts it into the session
    user.otp_device = device  # type: ignore[attr-defined]
    return user
