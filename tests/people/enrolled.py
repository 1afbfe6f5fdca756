"""What a test knows about somebody it enrolled."""

from dataclasses import dataclass

from django_otp.plugins.otp_totp.models import TOTPDevice

from people.models import User

PASSWORD = "сегіз-бұлт-теңіз-7"


@dataclass(frozen=True)
class Enrolled:
    """A person as stored, and the device their app imitates."""

    user: User
    device: TOTPDevice
