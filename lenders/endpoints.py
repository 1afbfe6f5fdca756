"""Makes, changes and ends webhook endpoints. Secrets are shown once and kept sealed."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import models

from lenders import addresses, policy, signing
from lenders.models import Delivery, Lender, WebhookEndpoint
from lenders.resources import events as lender_events
from lenders.versions import NEWEST
from verification import clock, transactions
from verification.access import openings
from verification.core.errors import Conflict, NotFound
from verification.core.ids import new_id
from verification.evidence import sealing


def create(
    lender: Lender, *, mode: str, url: str, events: Sequence[str], version: str = NEWEST
) -> tuple[WebhookEndpoint, str]:
    """A fresh endpoint and its secret. It is told what happens from now on; what was before is in
    the list of events.

    `version`: of the API, by which its messages are spelled.
    Raises `BadInput` for an address that may not be called, `Conflict` when there are too many.
    """
    addresses.read(url, mode=mode)
    with transactions.writing():
        # The lender's row is the lock: of many at once none sees the others' missing.
        Lender.objects.select_for_update().get(pk=lender.pk)
        if of_lender(lender, mode=mode).count() >= policy.ENDPOINTS_MAX:
            raise Conflict(f"at most {policy.ENDPOINTS_MAX} endpoints", code="endpoint_limit")
        endpoint_id, secret = new_id("whe"), signing.new_secret()
        seed, public_key = signing.new_signing_key()
        endpoint = WebhookEndpoint.objects.create(
            id=endpoint_id,
            lender=lender,
            mode=mode,
            url=url,
            version=version,
            events=list(events),
            sealed_secret=sealing.seal_for_sender(secret_scope(endpoint_id), secret),
            sealed_signing_key=sealing.seal_for_sender(signing_key_scope(endpoint_id), seed),
            public_key=public_key,
            cursor=lender_events.last_sequence(lender_id=lender.pk, mode=mode),
            created_at=clock.now(),
        )
    return endpoint, signing.spell_secret(secret)


def of_lender(lender: Lender, *, mode: str) -> models.QuerySet[WebhookEndpoint]:
    """A lender's endpoints in a mode, oldest first."""
    return WebhookEndpoint.objects.filter(lender=lender, mode=mode, deleted_at=None).order_by(
        "created_at", "id"
    )


def get(lender: Lender, *, mode: str, endpoint_id: str) -> WebhookEndpoint:
    """One of a lender's endpoints; raises `NotFound` for none or another's."""
    endpoint = of_lender(lender, mode=mode).filter(pk=endpoint_id).first()
    if endpoint is None:
        raise NotFound("no such endpoint")
    return endpoint


def change(
    endpoint: WebhookEndpoint,
    *,
    url: str | None = None,
    events: Sequence[str] | None = None,
    version: str | None = None,
    enabled: bool | None = None,
) -> None:
    """Changes what is given. Enabling clears the flag; the pump then makes up for what was
    missed.
    """
    columns: dict[str, object] = {}
    if url is not None:
        addresses.read(url, mode=endpoint.mode)
        columns |= {
            "url": url,
            "failures": 0,
            "paused_until": None,
        }  # what another address did says nothing of it
    if events is not None:
        columns["events"] = list(events)
    if version is not None:
        columns["version"] = version  # of messages that are made from now on
    if enabled is True:
        # The cursor stays where it was: what happened meanwhile is sent when it is awake again.
        columns |= {"disabled_at": None, "disabled_reason": "", "failures": 0, "paused_until": None}
    if columns:
        WebhookEndpoint.objects.filter(pk=endpoint.pk, deleted_at=None).update(**columns)
    if enabled is False:
        disable(endpoint, reason="by_lender", at=clock.now())
    endpoint.refresh_from_db()


def rotate_secret(endpoint: WebhookEndpoint) -> str:
    """A new secret; the one before signs too for a day. Raises `Conflict` if two rotate at once."""
    secret = signing.new_secret()
    # Compared with the secret that was read: of two rotations at once one would else end the
    # other's unseen.
    unchanged = WebhookEndpoint.objects.filter(
        pk=endpoint.pk, sealed_secret=bytes(endpoint.sealed_secret)
    )
    changed = unchanged.update(
        sealed_secret=sealing.seal_for_sender(secret_scope(endpoint.pk), secret),
        sealed_previous_secret=bytes(endpoint.sealed_secret),
        previous_secret_until=clock.now() + timedelta(seconds=policy.SECRET_OVERLAP_SECONDS),
    )
    if changed != 1:
        raise Conflict("the secret was rotated by another request")
    endpoint.refresh_from_db()
    return signing.spell_secret(secret)


def delete(endpoint: WebhookEndpoint) -> None:
    """Ends an endpoint for good: nothing is sent any more, its deliveries stay on record."""
    at = clock.now()
    with transactions.writing():
        WebhookEndpoint.objects.filter(pk=endpoint.pk, deleted_at=None).update(deleted_at=at)
        Delivery.objects.filter(endpoint=endpoint, status="pending").update(
            status="canceled", finished_at=at
        )


def disable(endpoint: WebhookEndpoint, *, reason: str, at: datetime) -> None:
    """Flags an endpoint and puts that on record, once. Its events stay listed."""
    with transactions.writing():
        awake = WebhookEndpoint.objects.filter(pk=endpoint.pk, disabled_at=None, deleted_at=None)
        if awake.update(disabled_at=at, disabled_reason=reason) == 1:
            openings.record_endpoint_disabled(
                lender_id=endpoint.lender_id, mode=endpoint.mode, endpoint_id=endpoint.pk
            )


def signed_headers(delivery: Delivery, *, at: datetime) -> dict[str, str]:
    """The headers of one try of a delivery; its endpoint's secrets stay in here. Raises
    `EvidenceUnreadable`.
    """
    endpoint = delivery.endpoint
    sealed = [bytes(endpoint.sealed_secret)]
    if endpoint.previous_secret_until is not None and endpoint.previous_secret_until > at:
        sealed.append(bytes(endpoint.sealed_previous_secret or b""))
    # The id is the event's: it stays the same over tries and redeliveries, so the lender can drop
    # what it has.
    return signing.headers(
        message_id=delivery.event_id,
        # Of this try, not of the event: a receiver refuses what is older than some minutes
        # (Standard Webhooks, replay attacks).
        timestamp=int(at.timestamp()),
        body=bytes(delivery.body),
        shared_secrets=[
            sealing.unseal_for_sender(secret_scope(endpoint.pk), one) for one in sealed
        ],
        seed=sealing.unseal_for_sender(
            signing_key_scope(endpoint.pk), bytes(endpoint.sealed_signing_key)
        ),
    )


def secret_scope(endpoint_id: str) -> str:
    """Where a shared secret belongs: it opens nowhere else."""
    return f"webhook-secret:{endpoint_id}"


def signing_key_scope(endpoint_id: str) -> str:
    """Where a signing key belongs."""
    return f"webhook-signing-key:{endpoint_id}"
