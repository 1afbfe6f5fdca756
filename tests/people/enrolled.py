"""What a test knows about somebody it enrolled."""

from dataclasses import dataclass

from people.models import SecondFactor, User

PASSWORD = "сегіз-бұлт-теңіз-7"


@dataclass(frozen=True)
class Enrolled:
    """A person as stored, and the factor their app imitates."""

    user: User
    factor: SecondFactor
