"""Celery's edge: two bells. A task carries a mode or an id; everything else is in the rows."""

from celery import shared_task
from django.utils import timezone

from lenders import idempotency, webhooks


@shared_task(name="lenders.deliver")
def deliver(mode: str) -> None:
    """Turns new events into deliveries, rings for those that are due, and forgets old idempotency keys."""
    webhooks.pump(mode)
    webhooks.ring_due(mode)
    idempotency.purge(at=timezone.now())


@shared_task(name="lenders.post")
def post(delivery_id: str) -> None:
    """Sends one delivery, if it is still to be sent."""
    webhooks.post(delivery_id)
