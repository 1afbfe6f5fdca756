"""Who may sign in and stay signed in: a person whose row is as the logs state it."""

from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import AnonymousUser

from people import register
from people.models import User


class OnRecord(ModelBackend):
    """Django's accounts, which count only as they are stated. Django asks at each request."""

    def user_can_authenticate(self, user: User | AnonymousUser | None) -> bool:
        """Whether this is an active person on record."""
        is_active = super().user_can_authenticate(user)
        return is_active and isinstance(user, User) and register.is_on_record(user)
