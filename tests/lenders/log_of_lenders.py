"""Makes things happen in the log, and does what rings would make workers do."""

from typing import Any

from django.utils import timezone

from lenders import webhooks
from lenders.models import Delivery
from tests.lenders.samples import Caller, opening
from verification.audit import sequencer

MODE = "test"


def happen(api: Caller, number: int = 1) -> None:
    """So many verifications are opened and ordered in the log."""
    for n in range(number):
        api.post("/v1/verifications", opening(client_reference=f"loan-{n}"))
    sequencer.order(MODE)


def send_due() -> None:
    """Does what rings would make workers do, until nothing is due."""
    while True:
        due = webhooks._due(timezone.now()).values_list("pk", flat=True)
        if not due:
            return
        for delivery_id in list(due):
            webhooks.post(delivery_id)


def make_due(**where: Any) -> None:
    Delivery.objects.filter(status="pending", **where).update(due_at=timezone.now(), rung_until=None)
