"""Addresses under /v1/, /v2/ … that do not exist: a problem in JSON, never a page.

For a live key, test mode's addresses do not exist either, in the same words.
"""

from typing import Final, NoReturn

from django.contrib.auth.models import AnonymousUser
from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import AuthenticationFailed, PermissionDenied, Throttled
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.views import APIView

from lenders.keys import ApiKeyAuthentication, HasKey
from lenders.models import ApiKey
from verification.core.errors import NotFound

_TEST: Final = "test"


class PerhapsKey(ApiKeyAuthentication):
    """The key of a request, if valid: its answer states the API's version, as every answer to a
    key.
    """

    def authenticate(self, request: Request) -> tuple[AnonymousUser, ApiKey] | None:
        """An anonymous user and the key; None for an invalid key."""
        try:
            return super().authenticate(request)
        except (AuthenticationFailed, PermissionDenied, Throttled):
            return None


class Nowhere(BasePermission):
    """Refuses every request, whatever its method and body."""

    def has_permission(self, request: Request, view: APIView) -> NoReturn:
        """Raises: `NotFound`."""
        raise NotFound("there is no such address; see /docs")


class InTestMode(HasKey):
    """Test mode only: for a live key the address does not exist, before its scopes are checked."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        """As `HasKey`.

        Raises: `NotFound` for a live key.
        """
        if isinstance(request.auth, ApiKey) and request.auth.mode != _TEST:
            return Nowhere().has_permission(request, view)
        return super().has_permission(request, view)


@extend_schema(exclude=True)
class Unknown(APIView):
    """No such address."""
