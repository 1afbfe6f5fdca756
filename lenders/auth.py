"""Who calls: `Authorization: Bearer tlg_test_…|tlg_live_…` gives the key, and with it the lender and the mode.

`request.auth` is the `ApiKey`, its lender loaded; `request.user` is anonymous, for a user is only ever a human.
A key anywhere else than in that header is not looked for.
"""

from datetime import datetime
from ipaddress import ip_address, ip_network
from typing import TYPE_CHECKING

from django.contrib.auth.models import AnonymousUser
from django.utils import timezone
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed, NotAuthenticated, PermissionDenied
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from lenders import keys
from lenders.models import ApiKey

if TYPE_CHECKING:  # the framework's settings name this module while its views are being imported
    from rest_framework.views import APIView

_SCHEME = "bearer"


class ApiKeyAuthentication(BaseAuthentication):
    """Finds the key of the request. No header: nobody. A header that is of no use: 401 with the reason."""

    def authenticate(self, request: Request) -> tuple[AnonymousUser, ApiKey] | None:
        """Nobody, or an anonymous user and the key."""
        untrusted_header = request.headers.get("Authorization")
        if untrusted_header is None:
            return None
        at = timezone.now()
        key = _usable_key(untrusted_header, at=at)
        _require_network(key, str(request.META.get("REMOTE_ADDR", "")))
        keys.note_use(key, at=at)
        return AnonymousUser(), key

    def authenticate_header(self, request: Request) -> str:
        """What a caller without a key is told to send."""
        return 'Bearer realm="tulga"'


class HasKey(BasePermission):
    """The key must hold the scope that the view names for this method; a view that names none lets nobody in."""

    def has_permission(self, request: Request, view: "APIView") -> bool:
        """Whether there is a key at all; raises `PermissionDenied` if its scopes do not reach."""
        if not isinstance(request.auth, ApiKey):
            return False
        scopes: dict[str, str] = getattr(view, "scopes", {})
        method = "GET" if request.method == "HEAD" else str(request.method)
        # A method that the view does not have is answered with 405, not with a missing scope.
        if method == "OPTIONS" or not hasattr(view, method.lower()):
            return True
        if scopes.get(method) not in request.auth.scopes:
            raise PermissionDenied(f"this key lacks the scope {scopes.get(method)}", code="scope_missing")
        return True


def caller(request: Request) -> ApiKey:
    """The key of a request that got past `HasKey`; raises `NotAuthenticated` otherwise."""
    if not isinstance(request.auth, ApiKey):
        raise NotAuthenticated
    return request.auth


def _usable_key(untrusted_header: str, *, at: datetime) -> ApiKey:
    scheme, _, secret = untrusted_header.partition(" ")
    if scheme.lower() != _SCHEME or not secret.startswith(f"{keys.MARK}_"):
        raise AuthenticationFailed("send the header: Authorization: Bearer tlg_…", code="key_malformed")
    key = keys.find(secret.strip())
    if key is None:
        raise AuthenticationFailed("there is no such key", code="key_unknown")
    if key.revoked_at is not None:
        raise AuthenticationFailed("this key was revoked", code="key_revoked")
    if key.expires_at <= at:
        raise AuthenticationFailed("this key has run out", code="key_expired")
    return key


def _require_network(key: ApiKey, address: str) -> None:
    if not key.cidrs:
        return
    try:
        caller = ip_address(address)
    except ValueError:
        caller = None
    if caller is None or not any(caller in ip_network(cidr) for cidr in key.cidrs):
        raise PermissionDenied("this key may not be used from this address", code="address_not_allowed")
