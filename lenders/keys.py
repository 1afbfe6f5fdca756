"""The lenders' API keys: issue, end, and authentication by `Authorization: Bearer
tlg_test_…|tlg_live_…`.

A key determines lender and mode. It is shown once, at its creation, and accepted in that header
only.
`request.auth` is the `ApiKey` with its lender loaded; `request.user` is anonymous, because users
are human.
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from ipaddress import ip_network
from typing import TYPE_CHECKING

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.db.models import Q
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import (
    AuthenticationFailed,
    NotAuthenticated,
    PermissionDenied,
    Throttled,
)
from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from lenders import policy, register
from lenders.models import ApiKey, Lender
from lenders.requests import NoQuery, read_query
from verification import clock, transactions
from verification.access import addresses, rates
from verification.case import stages
from verification.compiled import Compiled
from verification.core import almaty
from verification.core.errors import BadInput, Conflict, Misconfigured
from verification.core.ids import secret_digest
from verification.log.approvals import Approval

if TYPE_CHECKING:  # the framework's settings name this module while its views are being imported
    from rest_framework.views import APIView

MODES = ("test", "live")
MARK = "tlg"


@dataclass(frozen=True, repr=False)
class Issued:
    """A new key. `secret` is stored nowhere else: a lender who loses it needs another key."""

    key: ApiKey
    secret: str


def issue(
    lender: Lender,
    *,
    mode: str,
    scopes: Sequence[str] = policy.SCOPES,
    cidrs: Sequence[str] = (),
    days: int = policy.KEY_DAYS,
    approval: Approval | None = None,
) -> Issued:
    """A fresh key, on record.

    Raises: as `draft`; `Refused` (approval_invalid).
    """
    key = draft(lender, mode=mode, scopes=scopes, cidrs=cidrs, days=days)
    return Issued(key, put_secret(key, approval=approval))


def draft(
    lender: Lender,
    *,
    mode: str,
    scopes: Sequence[str] = policy.SCOPES,
    cidrs: Sequence[str] = (),
    days: int = policy.KEY_DAYS,
) -> ApiKey:
    """A key without a secret, not saved.

    Raises: `BadInput` for an unknown scope or network, `Misconfigured` if live mode is incomplete,
    or if the callers' addresses are unknown and the key is limited to networks.
    """
    if mode not in MODES:
        raise BadInput("a key is for test or live", code="mode_unknown")
    if cidrs and not _knows_addresses(mode):
        raise Misconfigured(
            "set TULGA_TRUSTED_PROXIES first: without it a proxy hides the lender's address"
        )
    if mode == "live" and not (settings.TULGA_MODES_LIVE and stages.live_is_complete()):
        raise Misconfigured(
            "this deployment has no complete live set of sources, anchors and keys: no live keys"
        )
    if mode == "live" and not lender.live_calendar:
        raise Misconfigured(
            "choose the lender's live calendar of profiles first: it has no default"
        )
    if unknown := sorted(set(scopes) - set(policy.SCOPES)):
        raise BadInput(
            f"unknown scopes {unknown}; there are {list(policy.SCOPES)}", code="scope_unknown"
        )
    try:
        networks = [str(ip_network(cidr)) for cidr in cidrs]
    except ValueError:
        raise BadInput(
            "a network is written like 203.0.113.0/24 or 2001:db8::/48", code="cidr_malformed"
        ) from None
    at = clock.now()
    return ApiKey(
        lender=lender,
        mode=mode,
        scopes=list(dict.fromkeys(scopes)),
        cidrs=networks,
        created_at=at,
        expires_at=at + timedelta(days=days),
    )


def put_secret(key: ApiKey, *, by: str = "", approval: Approval | None = None) -> str:
    """The secret of a drafted key, which is saved and stated with it.

    Raises: `Refused` (approval_invalid).
    """
    # A mark for secret scanners, and the mode, so that people do not confuse keys.
    secret = f"{MARK}_{key.mode}_{secrets.token_urlsafe(policy.KEY_BYTES)}"
    key.sha256 = secret_digest(secret).hex()
    key.shown = secret[: len(f"{MARK}_{key.mode}_") + policy.SHOWN_CHARACTERS]
    with transactions.writing():
        key.save(force_insert=True)
        register.keep_key(key, by=by, approval=approval)
    return secret


def retire(key: ApiKey, *, seconds: int = policy.ROTATION_SECONDS) -> datetime:
    """Lets a replaced key expire soon; returns when. A key that ends earlier is unchanged."""
    end = clock.now() + timedelta(seconds=seconds)
    with transactions.writing():
        register.lock(key)
        ApiKey.objects.filter(pk=key.pk, expires_at__gt=end).update(expires_at=end)
        key.refresh_from_db()
        register.keep_key(key)
    return key.expires_at


def revoke(key: ApiKey) -> bool:
    """Ends a key at once; False if it was revoked before."""
    with transactions.writing():
        valid = ApiKey.objects.filter(pk=key.pk, revoked_at=None)
        is_changed = valid.update(revoked_at=clock.now()) == 1
        key.refresh_from_db()
        register.keep_key(key)
    return is_changed


_BY_HASH = Compiled(lambda hashed: ApiKey.objects.select_related("lender").filter(sha256=hashed))


class ApiKeyAuthentication(BaseAuthentication):
    """Finds the key of the request. Without the header there is none; an invalid header gives
    401 with the reason.
    """

    def authenticate(self, request: Request) -> tuple[AnonymousUser, ApiKey] | None:
        """An anonymous user and the key; None without the header.

        Raises: `AuthenticationFailed`, `Throttled` in step 2, or `PermissionDenied` in step 3.
        """
        untrusted_header = request.headers.get("Authorization")
        if untrusted_header is None:
            return None
        # 1. The header follows RFC 6750, its scheme in any case; other ways of that standard are
        #    not accepted.
        scheme, _, secret = untrusted_header.partition(" ")
        # RFC 9110 §11.1: the name of a scheme is case-insensitive.
        if scheme.lower() != "bearer" or not secret.startswith(f"{MARK}_"):
            raise AuthenticationFailed(
                "send the header: Authorization: Bearer tlg_…", code="key_malformed"
            )
        # 2. The key is ours and valid. It is found by its hash, so no comparison leaks how near a
        #    guess was.
        at = clock.now()
        untrusted_address = str(request.META.get("REMOTE_ADDR", ""))
        with transactions.looking_up("api_key"):
            key = _BY_HASH.first(secret_digest(secret.strip()).hex())
        if key is not None:
            transactions.see(lender=key.lender_id)
            # Rows can be written without the key that signs entries.
            key = key if register.is_on_record(key) else None
        if key is None:
            _count_unknown(untrusted_address)
            raise AuthenticationFailed("there is no such key", code="key_unknown")
        if key.revoked_at is not None:
            raise AuthenticationFailed("this key was revoked", code="key_revoked")
        if key.expires_at <= at:
            raise AuthenticationFailed("this key has run out", code="key_expired")
        if key.mode == "live" and not settings.TULGA_MODES_LIVE:
            raise AuthenticationFailed("live mode is off here", code="mode_off")
        # 3. The caller is in one of its networks.
        if key.cidrs:
            _require_network(key, untrusted_address)
        # 4. Its use is recorded to the minute; conditionally, so that of many requests at once one
        #    writes.
        stale = at - timedelta(seconds=policy.LAST_USED_SECONDS)
        if key.last_used_at is None or key.last_used_at < stale:
            unnoted = ApiKey.objects.filter(
                Q(last_used_at=None) | Q(last_used_at__lt=stale), pk=key.pk
            )
            unnoted.update(last_used_at=at)
        return AnonymousUser(), key

    def authenticate_header(self, request: Request) -> str:
        """The challenge for a caller without a key."""
        return 'Bearer realm="tulga"'


def _require_network(key: ApiKey, address: str) -> None:
    """Raises: `PermissionDenied` for an address outside the key's networks, or an unknown one.

    The address of a named proxy is no caller's.
    """
    caller_address = addresses.read(address)
    if (
        caller_address is None
        or not _knows_addresses(key.mode)
        or addresses.is_in(caller_address, settings.TULGA_TRUSTED_PROXIES)
    ):
        raise PermissionDenied(
            "it is not known from where this key is used", code="address_unknown"
        )
    if not addresses.is_in(caller_address, [ip_network(cidr) for cidr in key.cidrs]):
        raise PermissionDenied(
            "this key may not be used from this address", code="address_not_allowed"
        )


def _knows_addresses(mode: str) -> bool:
    """Whether the callers' addresses are known: live mode has a proxy before it."""
    is_behind_proxy = mode == "live" or settings.SECURE_PROXY_SSL_HEADER is not None
    return bool(settings.TULGA_TRUSTED_PROXIES) or not is_behind_proxy


def _count_unknown(address: str) -> None:
    """Counts an unknown key of this network.

    Raises: `Throttled` above the limit. A known key from there is never counted.
    """
    name = addresses.keyed_network(address, purpose="lenders.keys")
    if rates.count(name, seconds=policy.RATE_SECONDS) > policy.UNKNOWN_KEYS:
        raise Throttled(wait=_seconds_left())


def _seconds_left() -> int:
    """Seconds until the next window."""
    return policy.RATE_SECONDS - int(clock.now().timestamp()) % policy.RATE_SECONDS


class HasKey(BasePermission):
    """A key must hold the view's scope for this method; a view without a scope refuses every
    key.
    """

    def has_permission(self, request: Request, view: "APIView") -> bool:
        """Whether there is a key at all.

        Raises: `PermissionDenied` and `ValidationError` in steps 1 and 2.
        """
        if not isinstance(request.auth, ApiKey):
            return False
        method = "GET" if request.method == "HEAD" else str(request.method)
        # A method that the view lacks is answered with 405.
        if method == "OPTIONS" or not hasattr(view, method.lower()):
            return True
        # 1. The key holds the scope.
        scope: str | None = getattr(view, "scopes", {}).get(method)
        if scope not in request.auth.scopes:
            raise PermissionDenied(f"this key lacks the scope {scope}", code="scope_missing")
        # 2. A changing request uses its body only: a query parameter would be ignored unseen.
        if method not in SAFE_METHODS and request.query_params:
            read_query(NoQuery, request.query_params)
        return True


class KeyRate(BaseThrottle):
    """Fixed windows of a minute for each key; the framework makes one instance per request."""

    _seconds_left = 0

    def allow_request(self, request: Request, view: "APIView") -> bool:
        """Counts this request; False once the window is full."""
        if request.auth is None:
            return True
        self._seconds_left = _seconds_left()
        used = rates.count(request.auth.pk, seconds=policy.RATE_SECONDS)
        # Named as in the first drafts of draft-ietf-httpapi-ratelimit-headers; the reset is in
        # seconds from now.
        view.headers["RateLimit-Limit"] = str(policy.RATE_REQUESTS)
        view.headers["RateLimit-Remaining"] = str(max(0, policy.RATE_REQUESTS - used))
        view.headers["RateLimit-Reset"] = str(self._seconds_left)
        return used <= policy.RATE_REQUESTS

    def wait(self) -> float:
        """Seconds until the next window."""
        return float(self._seconds_left)


def caller(request: Request) -> ApiKey:
    """The key of a request that passed `HasKey`.

    Raises: `NotAuthenticated` otherwise.
    """
    if not isinstance(request.auth, ApiKey):
        raise NotAuthenticated
    return request.auth


def law_of(key: ApiKey, *, at: datetime) -> str:
    """The id of the lender's legal profile at a time.

    Raises: `Conflict` before its calendar begins.
    """
    calendar, today = (
        key.lender.test_calendar if key.mode == "test" else key.lender.live_calendar,
        almaty.day_of(at),
    )
    begun = [term for term in calendar if date.fromisoformat(term["from"]) <= today]
    if not begun:
        raise Conflict(
            "your calendar of legal profiles has none for today", code="profile_not_held"
        )
    return str(begun[-1]["profile"])
