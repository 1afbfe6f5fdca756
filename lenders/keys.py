"""Issues and revokes the lenders' API keys. A key is shown once, when it is made."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from ipaddress import ip_network

from django.conf import settings
from django.db.models import Q
from django.utils import timezone

from lenders import policy
from lenders.models import ApiKey, Lender
from verification.core.errors import BadInput, Misconfigured
from verification.workflow import readiness

MODES = ("test", "live")
MARK = "tlg"


@dataclass(frozen=True)
class Issued:
    """A new key. `secret` is nowhere else: whoever loses it needs another key."""

    key: ApiKey
    secret: str


def issue(
    lender: Lender,
    *,
    mode: str,
    scopes: Sequence[str] = policy.SCOPES,
    cidrs: Sequence[str] = (),
    days: int = policy.KEY_DAYS,
) -> Issued:
    """A fresh key. Raises `BadInput` for a scope or network that is none, `Misconfigured` where live is incomplete."""
    _require_mode(lender, mode)
    if unknown := sorted(set(scopes) - set(policy.SCOPES)):
        raise BadInput(f"unknown scopes {unknown}; there are {list(policy.SCOPES)}", code="scope_unknown")
    secret = f"{MARK}_{mode}_{secrets.token_urlsafe(policy.KEY_BYTES)}"
    at = timezone.now()
    key = ApiKey.objects.create(
        lender=lender,
        mode=mode,
        sha256=digest(secret),
        shown=secret[: len(f"{MARK}_{mode}_") + policy.SHOWN_CHARACTERS],
        scopes=list(dict.fromkeys(scopes)),
        cidrs=[_network(cidr) for cidr in cidrs],
        created_at=at,
        expires_at=at + timedelta(days=days),
    )
    return Issued(key, secret)


def retire(key: ApiKey, *, seconds: int = policy.ROTATION_SECONDS) -> datetime:
    """Lets a replaced key run out soon; gives when. A key that ends earlier anyway is left as it is."""
    end = timezone.now() + timedelta(seconds=seconds)
    ApiKey.objects.filter(pk=key.pk, expires_at__gt=end).update(expires_at=end)
    key.refresh_from_db(fields=["expires_at"])
    return key.expires_at


def revoke(key: ApiKey) -> bool:
    """Ends a key at once; False if it was revoked before."""
    return ApiKey.objects.filter(pk=key.pk, revoked_at=None).update(revoked_at=timezone.now()) == 1


def find(secret: str) -> ApiKey | None:
    """The key of this secret, whatever its state. Found by its hash, so no comparison leaks how near a guess was."""
    return ApiKey.objects.select_related("lender").filter(sha256=digest(secret)).first()


def note_use(key: ApiKey, *, at: datetime) -> None:
    """Remembers that a key is in use, to the minute."""
    stale = at - timedelta(seconds=policy.LAST_USED_SECONDS)
    if key.last_used_at is None or key.last_used_at < stale:
        # Conditional, so that of many requests in the same minute one writes.
        unnoted = ApiKey.objects.filter(Q(last_used_at=None) | Q(last_used_at__lt=stale), pk=key.pk)
        unnoted.update(last_used_at=at)


def digest(secret: str) -> str:
    """SHA-256 of a key, in hex."""
    return sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def _require_mode(lender: Lender, mode: str) -> None:
    if mode not in MODES:
        raise BadInput("a key is for test or live", code="mode_unknown")
    if mode == "test":
        return
    if not settings.TULGA_MODES_LIVE or not readiness.live_is_complete():
        raise Misconfigured("this deployment has no complete live set of sources, anchors and keys: no live keys")
    if not lender.live_profile:
        raise Misconfigured("choose the lender's live profile first: it is never taken for granted")


def _network(cidr: str) -> str:
    try:
        return str(ip_network(cidr))
    except ValueError:
        raise BadInput("a network is written like 203.0.113.0/24 or 2001:db8::/48", code="cidr_malformed") from None
