"""Both clients against the product over HTTP: told by webhooks, and proved by receipts, heads and
proofs of the log.
"""

import time
from datetime import UTC, datetime, timedelta
from hashlib import sha256

import pytest
from django.conf import settings

from tests.clients.lender_side import ACCOUNT, root_file, verified
from tests.clients.seen import Seen
from tests.lenders.log_of_lenders import pump, send_due
from tests.verification.stories.story import begin, order
from tulga import calls, checkpoints, errors, receipts
from tulga.webhooks import Verifier
from verification.log import checkpoint

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("trusted")]


def test_a_receipt_is_verified_offline(client, lender, issued):
    story = begin(lender).to_statement()
    with pytest.raises(errors.Conflict) as early:
        client.send(calls.get_receipt(story.id))
    assert (early.value.code, early.value.retry_after) == ("receipt_not_ready", 1)
    story.sign(issued())
    story.work()
    answer, published = client.send(calls.get_receipt(story.id)), client.send(calls.get_keys())
    about = {"iin": "990101100010", "payout_account": ACCOUNT}
    told = receipts.verify(answer, published, root=root_file(), test=True, about=about)
    assert (told.verification, told.status, told.routes) == (story.id, "verified", ("eds",))
    with pytest.raises(errors.Refused, match="another iin"):
        receipts.verify(
            answer, published, root=root_file(), test=True, about={"iin": "990101100020"}
        )
    with pytest.raises(errors.Refused, match="test receipt"):
        receipts.verify(answer, published, root=root_file())
    with pytest.raises(errors.Refused):
        receipts.verify(
            answer.replace(b"verified", b"declined"), published, root=root_file(), test=True
        )


def test_a_webhook_is_verified_once_and_its_checkpoint_is_kept(client, lender, issued, receiver):
    made = client.send(
        calls.create_webhook_endpoint(receiver.url, events=("verification.verified",))
    )
    story = verified(lender, issued)
    pump()
    send_due()
    [came] = receiver.received
    verifier = Verifier(secrets=(made.secret,), public_key=made.public_key)
    is_new = Seen()
    told = verifier.verify(came.headers, came.body, now=time.time(), is_new=is_new)
    assert told.checkpoint is not None
    assert (told.type, told.data.verification, told.data.status) == (
        "verification.verified",
        story.id,
        "verified",
    )
    with pytest.raises(errors.Reused):
        verifier.verify(came.headers, came.body, now=time.time(), is_new=is_new)
    with pytest.raises(errors.Refused, match="too old"):
        verifier.verify(came.headers, came.body, now=time.time() + 301)
    with pytest.raises(errors.Refused, match="no v1 signature"):
        verifier.verify(came.headers, came.body + b" ", now=time.time())
    key = checkpoints.log_key(client.send(calls.get_keys()), mode="test", root=root_file())
    memory = checkpoints.Memory(key)
    head = memory.take(client.send(calls.get_checkpoint()))
    assert followed(client, memory, told.checkpoint, may_be_older=True).size <= head.size
    client.send(calls.cancel_verification(begin(lender, "A-2").id))
    order()
    newest = client.send(calls.get_checkpoint())
    with pytest.raises(errors.Refused, match="are one"):
        memory.take(newest)
    assert followed(client, memory, newest).size > head.size
    with pytest.raises(errors.Refused, match="shrunk"):
        memory.take(told.checkpoint)


def followed(client, memory, note, **more):
    """The checkpoint of a note, once the API has shown that the log goes on."""
    gap = memory.gap(note)
    return memory.take(note, client.send(calls.get_consistency(*gap)) if gap else None, **more)


def test_a_log_that_was_forked_is_found(client, lender):
    begin(lender)
    order()
    key = checkpoints.log_key(client.send(calls.get_keys()), mode="test", root=root_file())
    true = checkpoints.Memory(key)
    size = followed(client, true, client.send(calls.get_checkpoint())).size
    # The operator's own key has signed other logs of other sizes for this lender before.
    name = checkpoints.verify(true.note, key=key).origin
    own = checkpoint.SigningKey(name=name, seed=settings.TULGA_LOG_KEYS["test"])
    begin(lender, "A-2")
    order()
    newest = client.send(calls.get_checkpoint())
    for fork in (size - 1, size, size + 1, size + 2):
        note = checkpoint.sign(
            checkpoint.Checkpoint(own.name, fork, sha256(b"forked").digest()), key=own
        )
        with pytest.raises(errors.Refused, match="are one"):
            followed(client, checkpoints.Memory(key, note), newest)
    assert followed(client, checkpoints.Memory(key, true.note), newest).size > size


def test_an_event_is_proved(client, lender):
    begin(lender)
    order()
    [event] = client.pages(calls.list_events())
    proof = client.send(calls.get_proof(event.id))
    assert proof.startswith(f"c2sp.org/tlog-proof@v1\nindex {event.log_index}\n")
    key = checkpoints.log_key(client.send(calls.get_keys()), mode="test", root=root_file())
    assert checkpoints.verify(proof.partition("\n\n")[2], key=key).size > event.log_index


def test_endpoints_and_deliveries_are_managed(client, lender, receiver):
    made = client.send(calls.create_webhook_endpoint(receiver.url))
    assert made.secret not in repr(made)
    assert client.send(calls.get_webhook_endpoint(made.id)).events == ()
    assert [one.id for one in client.pages(calls.list_webhook_endpoints())] == [made.id]
    assert client.send(calls.rotate_webhook_secret(made.id)).secret != made.secret
    changed = client.send(calls.change_webhook_endpoint(made.id, events=("verification.created",)))
    assert (changed.events, changed.url) == (("verification.created",), receiver.url)
    tried = client.send(calls.test_webhook_endpoint(made.id))
    send_due()
    both = Verifier(
        secrets=(made.secret,), public_key=made.public_key
    )  # the secret before signs too
    told = both.verify(receiver.received[0].headers, receiver.received[0].body, now=time.time())
    assert (told.type, told.data.verification, told.lender_sequence) == (
        "endpoint.test",
        None,
        None,
    )
    found = client.pages(calls.list_deliveries(endpoint=made.id, status="delivered"))
    assert [(one.id, one.response.status) for one in found] == [(tried.id, 204)]
    begin(lender)
    order()
    pump()
    send_due()
    newest = next(client.pages(calls.list_deliveries(status="delivered")))
    again = client.send(calls.redeliver(newest.id))
    assert (again.redelivery_of, again.event) == (newest.id, newest.event)
    send_due()  # what waits is not sent twice
    now = datetime.now(UTC)
    done = client.send(
        calls.redeliver_range(now - timedelta(hours=1), now + timedelta(hours=1), endpoint=made.id)
    )
    assert (done.redelivered, done.has_more) == (1, False)
    assert client.send(calls.delete_webhook_endpoint(made.id)) is None
    with pytest.raises(errors.NotFound):
        client.send(calls.get_webhook_endpoint(made.id))
