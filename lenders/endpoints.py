"""Webhook endpoints: permitted addresses, signatures, creation, change and end. Secrets are shown
once and stored sealed.

A lender chooses an address, so it is parsed strictly: https, one plain spelling of the host,
without user, fragment, blanks or breaks.
`verification.outbound` checks the resolved addresses at each call.
In test mode, hosts that the operator lists may be private and without TLS.

Messages are signed as in Standard Webhooks: `v1` is HMAC-SHA256 with a shared secret, `v1a` Ed25519
with our own key.
Source: the Standard Webhooks specification, "Signature scheme".
"""

import hmac
import re
import secrets
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Final
from urllib.parse import urlsplit, urlunsplit

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.conf import settings
from django.db import models

from lenders import policy, register
from lenders.models import Delivery, Lender, WebhookEndpoint
from lenders.parsing import WEBHOOK_URL, holds_personal_number
from lenders.resources import events as lender_events
from verification import clock, outbound, transactions
from verification.access import openings
from verification.core.errors import BadInput, Conflict, NotFound
from verification.core.ids import new_id
from verification.core.opening import URL_MAX
from verification.evidence import vault
from verification.outbound.addresses import is_public

_VISIBLE_URL = re.compile(WEBHOOK_URL)
_NAME = re.compile(
    r"(?=.{4,253}$)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
)
# A last label that some parser takes for a part of an IPv4 address (WHATWG URL, "ends in a
# number").
_NUMBER_LIKE = re.compile(r"[0-9]+|0x[0-9a-f]*")
_WELL_KNOWN_PORTS = 1024
_refusal: Final = partial(BadInput, code="webhook_url_refused", pointer="/url")


@dataclass(frozen=True, kw_only=True)
class Target:
    """A webhook's address in canonical form. `is_listed`: the operator permits it in tests
    although it is private.
    """

    url: str
    is_listed: bool


def read_address(url: str, *, mode: str) -> Target:
    """The address as it will be called.

    Raises: `BadInput` (webhook_url_refused) for a forbidden address.
    """
    if not _VISIBLE_URL.fullmatch(url) or len(url) > URL_MAX:
        raise _refusal(
            "an address has no blanks, breaks, backslashes, fragment or letters beyond ASCII"
        )
    try:
        parts = urlsplit(url)
        host, port = (parts.hostname or ""), parts.port
    except ValueError:
        raise _refusal("the address cannot be read") from None
    if parts.username is not None or parts.password is not None or "@" in parts.netloc:
        raise _refusal("an address names no user")
    if parts.scheme not in ("http", "https") or port == 0 or holds_personal_number(url):
        raise _refusal("an https address without personal numbers is expected")
    port = port or (443 if parts.scheme == "https" else 80)
    is_listed = mode == "test" and f"{host}:{port}" in settings.TULGA_WEBHOOK_TEST_HOSTS
    if not is_listed:
        if parts.scheme != "https":
            raise _refusal("only https is called")
        if port != 443 and port < _WELL_KNOWN_PORTS:
            raise _refusal("below 1024 only port 443 is called")
        if ":" in host or _NUMBER_LIKE.fullmatch(host.rpartition(".")[2]):
            # An IP address must be in canonical form: 127.1, 0x7f.1 and 2130706433 are not.
            if not is_public(host):
                raise _refusal("this address is not public, or not written as four decimal numbers")
        elif not _NAME.fullmatch(host):
            raise _refusal("a full host name is expected")
    # Rebuilt from the checked parts, so that the next parser can find no other host in it.
    netloc = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    address = urlunsplit((parts.scheme, netloc, parts.path or "/", parts.query, ""))
    try:
        return Target(url=outbound.canonical_url(address), is_listed=is_listed)
    except ValueError:
        raise _refusal("this host name has no spelling in the DNS") from None


def new_secret() -> bytes:
    """A fresh shared secret."""
    return secrets.token_bytes(policy.SECRET_BYTES)


def spell_secret(secret: bytes) -> str:
    """A secret in the lender's form: `whsec_` and base64."""
    return f"whsec_{b64encode(secret).decode()}"


def new_signing_key() -> tuple[bytes, str]:
    """A fresh Ed25519 key of one endpoint: the seed, which stays here, and the public key in the
    lender's form.
    """
    seed = secrets.token_bytes(32)
    public = Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()
    return seed, f"whpk_{b64encode(public).decode()}"


def sign(
    *, message_id: str, timestamp: int, body: bytes, shared_secrets: Sequence[bytes], seed: bytes
) -> dict[str, str]:
    """The three headers of a message. `timestamp`: seconds since 1970. Each shared secret gives
    one `v1`.
    """
    # Id and time are signed with the body, or an old body could be sent under a new id.
    signed = f"{message_id}.{timestamp}.".encode() + body
    # A message may carry several signatures, separated by blanks; one valid one suffices, as in a
    # rotation.
    signatures = [("v1", hmac.digest(secret, signed, "sha256")) for secret in shared_secrets]
    signatures.append(("v1a", Ed25519PrivateKey.from_private_bytes(seed).sign(signed)))
    signature_header = " ".join(
        f"{scheme},{b64encode(signature).decode()}" for scheme, signature in signatures
    )
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": signature_header,
    }


def create(
    lender: Lender, *, mode: str, url: str, events: Sequence[str], by: str = ""
) -> tuple[WebhookEndpoint, str]:
    """A fresh endpoint and its secret. It gets events from now on; earlier ones are in the list of
    events.

    Raises: `BadInput` for a forbidden address, `Conflict` for too many endpoints.
    """
    read_address(url, mode=mode)
    with transactions.writing():
        # The lender's row is the lock: of many at once, none misses the others.
        Lender.objects.select_for_update().get(pk=lender.pk)
        if of_lender(lender, mode=mode).count() >= policy.ENDPOINTS_MAX:
            raise Conflict(f"at most {policy.ENDPOINTS_MAX} endpoints", code="endpoint_limit")
        endpoint_id, secret = new_id("whe"), new_secret()
        seed, public_key = new_signing_key()
        endpoint = WebhookEndpoint.objects.create(
            id=endpoint_id,
            lender=lender,
            mode=mode,
            url=url,
            events=list(events),
            sealed_secret=vault.seal_for_sender(secret_scope(endpoint_id), secret),
            sealed_signing_key=vault.seal_for_sender(signing_key_scope(endpoint_id), seed),
            public_key=public_key,
            cursor=lender_events.last_sequence(lender_id=lender.pk, mode=mode),
            created_at=clock.now(),
        )
        register.keep_endpoint(endpoint, by=by)
    return endpoint, spell_secret(secret)


def of_lender(lender: Lender, *, mode: str) -> models.QuerySet[WebhookEndpoint]:
    """A lender's endpoints in a mode, oldest first."""
    return WebhookEndpoint.objects.filter(lender=lender, mode=mode, deleted_at=None).order_by(
        "created_at", "id"
    )


def get(lender: Lender, *, mode: str, endpoint_id: str) -> WebhookEndpoint:
    """One of a lender's endpoints.

    Raises: `NotFound` if absent or another lender's.
    """
    endpoint = of_lender(lender, mode=mode).filter(pk=endpoint_id).first()
    if endpoint is None:
        raise NotFound("no such endpoint")
    return endpoint


def change(
    endpoint: WebhookEndpoint,
    *,
    url: str | None = None,
    events: Sequence[str] | None = None,
    enabled: bool | None = None,
    by: str = "",
) -> None:
    """Changes the given fields. Enabling clears the flag; the pump then delivers the missed
    events.
    """
    columns: dict[str, object] = {}
    if url is not None:
        read_address(url, mode=endpoint.mode)
        columns |= {
            "url": url,
            "failures": 0,
            "paused_until": None,
        }  # failures of another address do not count
    if events is not None:
        columns["events"] = list(events)
    if enabled is True:
        # The cursor stays: events of the meantime are sent when it is enabled again.
        columns |= {"disabled_at": None, "disabled_reason": "", "failures": 0, "paused_until": None}
    with transactions.writing():
        register.lock(endpoint)
        if columns:
            WebhookEndpoint.objects.filter(pk=endpoint.pk, deleted_at=None).update(**columns)
        if enabled is False:
            disable(endpoint, reason="by_lender", at=clock.now())
        endpoint.refresh_from_db()
        register.keep_endpoint(endpoint, by=by)


def rotate_secret(endpoint: WebhookEndpoint, *, by: str = "") -> str:
    """A new secret; the previous one also signs for a day.

    Raises: `Conflict` if two rotate at once.
    """
    secret = new_secret()
    # Compared with the secret that was read: otherwise one of two rotations would end the other's
    # unseen.
    unchanged = WebhookEndpoint.objects.filter(
        pk=endpoint.pk, sealed_secret=bytes(endpoint.sealed_secret)
    )
    with transactions.writing():
        register.lock(endpoint)
        changed = unchanged.update(
            sealed_secret=vault.seal_for_sender(secret_scope(endpoint.pk), secret),
            sealed_previous_secret=bytes(endpoint.sealed_secret),
            previous_secret_until=clock.now() + timedelta(seconds=policy.SECRET_OVERLAP_SECONDS),
        )
        if changed != 1:
            raise Conflict("the secret was rotated by another request")
        endpoint.refresh_from_db()
        register.keep_endpoint(endpoint, by=by)
    return spell_secret(secret)


def delete(endpoint: WebhookEndpoint, *, by: str = "") -> None:
    """Ends an endpoint for good: no message is sent any more, its deliveries stay on record."""
    at = clock.now()
    with transactions.writing():
        WebhookEndpoint.objects.filter(pk=endpoint.pk, deleted_at=None).update(deleted_at=at)
        Delivery.objects.filter(endpoint=endpoint, status="pending").update(
            status="canceled", finished_at=at
        )
        endpoint.refresh_from_db()
        register.keep_endpoint(endpoint, by=by)


def disable(endpoint: WebhookEndpoint, *, reason: str, at: datetime) -> None:
    """Flags an endpoint and records that, once. Its events stay listed."""
    with transactions.writing():
        awake = WebhookEndpoint.objects.filter(pk=endpoint.pk, disabled_at=None, deleted_at=None)
        if awake.update(disabled_at=at, disabled_reason=reason) == 1:
            openings.record_endpoint_disabled(
                lender_id=endpoint.lender_id, mode=endpoint.mode, endpoint_id=endpoint.pk
            )


def signed_headers(delivery: Delivery, *, at: datetime) -> dict[str, str]:
    """The headers of one try of a delivery; its endpoint's secrets stay in here.

    Raises: `EvidenceUnreadable`.
    """
    endpoint = delivery.endpoint
    sealed = [bytes(endpoint.sealed_secret)]
    if endpoint.previous_secret_until is not None and endpoint.previous_secret_until > at:
        sealed.append(bytes(endpoint.sealed_previous_secret or b""))
    # The id is the event's: it stays the same over tries and redeliveries, so the lender can drop
    # repetitions.
    return sign(
        message_id=delivery.event_id,
        # Of this try, not of the event: a receiver refuses messages older than some minutes
        # (Standard Webhooks, replay attacks).
        timestamp=int(at.timestamp()),
        body=bytes(delivery.body),
        shared_secrets=[
            vault.unseal_for_sender(secret_scope(endpoint.pk), secret) for secret in sealed
        ],
        seed=vault.unseal_for_sender(
            signing_key_scope(endpoint.pk), bytes(endpoint.sealed_signing_key)
        ),
    )


def secret_scope(endpoint_id: str) -> str:
    """The place of a shared secret: it opens nowhere else."""
    return f"webhook-secret:{endpoint_id}"


def signing_key_scope(endpoint_id: str) -> str:
    """The place of a signing key."""
    return f"webhook-signing-key:{endpoint_id}"
