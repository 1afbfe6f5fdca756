"""The two questions every page for people asks: were both factors given, and does the role allow
it.
"""

from django.contrib.auth.models import AnonymousUser

from people.models import User


def is_second_factor_done(user: User | AnonymousUser) -> bool:
    """Whether this session was opened with both factors. False for strangers; needs django-otp's
    middleware.
    """
    # django-otp adds it
    return user.is_authenticated and bool(user.is_verified())  # type: ignore[attr-defined]


def may(user: User | AnonymousUser, *, permission: str) -> bool:
    """Whether both factors were given and the role carries the permission, named as in
    `people.roles`.
    """
    return is_second_factor_done(user) and user.has_perm(permission)
