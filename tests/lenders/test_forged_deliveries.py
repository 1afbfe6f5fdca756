"""A message that whoever writes rows put among those to be sent is not sent: the sender asks the
log first.
"""

import json
from collections.abc import Callable
from typing import Any

import pytest

from lenders import deliveries, sender
from lenders.models import Delivery, WebhookEndpoint
from tests.lenders.log_of_lenders import happen, pump
from tests.lenders.samples import Caller
from verification.log import checkpoint, keys
from verification.log.checkpoint import Checkpoint

pytestmark = pytest.mark.django_db(transaction=True)


def _says(verified: Delivery, **more: Any) -> bytes:
    said = json.loads(bytes(verified.body))
    data = said["data"] | {"status": "verified"}
    return deliveries.spell_body(said | {"type": "verification.verified", "data": data} | more)


def _with_checkpoint(verified: Delivery, change: Callable[[str], str | None]) -> bytes:
    said = json.loads(bytes(verified.body))
    return deliveries.spell_body(said | {"checkpoint": change(said["checkpoint"])})


def _signed_before(note: str) -> str:
    """A checkpoint of the log itself, from before the event."""
    key = keys.signing_key("test")
    assert note.startswith(f"{key.name}\n2\n")
    return checkpoint.sign(Checkpoint(key.name, 0, bytes(32)), key=key)


@pytest.mark.parametrize(
    "forge",
    [
        lambda one: {"body": _says(one)},
        lambda one: {"body": _says(one), "type": "verification.verified"},
        lambda one: {"body": _says(one), "type": "endpoint.test"},
        lambda one: {"body": _says(one, type="endpoint.test"), "type": "endpoint.test"},
        lambda one: {"body": _says(one), "type": "verification.verified", "event_id": "evt_none"},
        lambda one: {"body": _with_checkpoint(one, lambda note: None)},
        lambda one: {"body": _with_checkpoint(one, lambda note: note.replace("/test", "/live"))},
        lambda one: {"body": _with_checkpoint(one, lambda note: note.replace("\n2\n", "\n3\n"))},
        lambda one: {"body": _with_checkpoint(one, lambda note: _signed_before(note))},
        lambda one: {"body": b"{}"},
        lambda one: {"body": b"\xff"},
        lambda one: {"mode": "live"},
    ],
)
def test_a_delivery_that_somebody_wrote_is_not_sent(
    api: Caller, endpoint: WebhookEndpoint, forge: Callable[[Delivery], dict[str, Any]]
) -> None:
    happen(api)
    pump()
    genuine_one = Delivery.objects.get()
    forged = Delivery.objects.get()
    for name, value in forge(genuine_one).items():
        setattr(forged, name, value)
    forged.pk, forged.redelivery_of = "dlv_forged", genuine_one.pk
    forged.save(force_insert=True)
    taken, _ = sender.Rounds().work([], room=9, failing_room=9)
    assert [one.pk for one in taken] == [genuine_one.pk]
    put_off = Delivery.objects.get(pk="dlv_forged")
    assert (put_off.status, put_off.failure in ("", "internal")) == ("pending", True)
    assert WebhookEndpoint.objects.get().failures == 0
