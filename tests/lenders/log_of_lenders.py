"""Makes things happen in the log, and does what a sender's rounds would do."""

import asyncio
from typing import Any

from django.utils import timezone

from lenders import deliveries, policy, sender
from lenders.models import Delivery
from tests.lenders.samples import Caller, opening
from verification.log import sequencer

MODE = "test"


def happen(api: Caller, number: int = 1) -> None:
    """So many verifications are opened and ordered in the log."""
    for n in range(number):
        api.post("/v1/verifications", opening(client_reference=f"loan-{n}"))
    sequencer.order(MODE)


def pump() -> int:
    """Makes deliveries of all that endpoints have not had yet; gives how many there are more."""
    before = Delivery.objects.count()
    while deliveries.pump()[1]:
        pass
    return Delivery.objects.count() - before


def wait_to_be_sent(api: Caller, number: int = 1) -> None:
    """So many events happen, and wait as deliveries."""
    happen(api, number)
    pump()


def take(*, room: int = policy.SENDER_IN_FLIGHT, failing_room: int | None = None) -> list[Delivery]:
    """What a sender would post now."""
    return deliveries.reserve(
        room=room, failing_room=room if failing_room is None else failing_room
    )


def send_due() -> None:
    """Rounds as a sender's, until nothing is due; but each waits for its posts, and all in this
    thread.
    """

    async def post(taken: list[Delivery]) -> list[sender.Sent]:
        return list(await asyncio.gather(*map(sender.send, taken)))

    while taken := take():
        deliveries.record_outcomes(asyncio.run(post(taken)))


def make_due(**where: Any) -> None:
    """The waiting is over, of deliveries and of their endpoints."""
    for delivery in Delivery.objects.filter(status="pending", **where).select_related("endpoint"):
        Delivery.objects.filter(pk=delivery.pk).update(due_at=timezone.now())
        delivery.endpoint.paused_until = None
        delivery.endpoint.save(update_fields=["paused_until"])
