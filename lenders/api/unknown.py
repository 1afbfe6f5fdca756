"""Addresses under /v1/, /v2/ … that do not exist: a problem in JSON, never a page.

To a live key what is of test mode alone does not exist either, by the same words.
"""

from typing import Final, NoReturn

from django.contrib.auth.models import AnonymousUser
from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import AuthenticationFailed, PermissionDenied
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.views import APIView

from lenders.keys import ApiKeyAuthentication, HasKey
from lenders.models import ApiKey
from verification.core.errors import NotFound

_TEST: Final = "test"


class PerhapsKey(ApiKeyAuthentication):
    """The key of a request, if it is good: its answer says the version of the API, as every answer
    to a key.
    """

    def authenticate(self, request: Request) -> tuple[AnonymousUser, ApiKey] | None:
        """An anonymous user and the key; None for a key that is not good."""
        try:
            return super().authenticate(request)
        except (AuthenticationFailed, PermissionDenied):
            return None


class Nowhere(BasePermission):
    """Refuses every request, whatever its method and body, which are not looked at."""

    def has_permission(self, request: Request, view: APIView) -> NoReturn:
        """Raises `NotFound`."""
        raise NotFound("there is no such address; see /docs")


class InTestMode(HasKey):
    """What is of test mode alone: to a key of any other it is nowhere, before its scopes are asked
    for.
    """

    def has_permission(self, request: Request, view: APIView) -> bool:
        """As of `HasKey`; raises `NotFound` for a key of live mode."""
        if isinstance(request.auth, ApiKey) and request.auth.mode != _TEST:
            return Nowhere().has_permission(request, view)
        return super().has_permission(request, view)


@extend_schema(exclude=True)
class Unknown(APIView):
    """No such address."""
