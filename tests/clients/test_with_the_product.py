"""Both clients, and the client's README, against the product over HTTP."""

import re
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from hashlib import sha256
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.conf import settings

from lenders import endpoints, keys, policy
from tests.clients.insecure_relay import relaying
from tests.clients.lender_side import (
    ACCOUNT,
    CONTRACT,
    QUICK,
    Seen,
    asked,
    root_file,
    verified,
)
from tests.lenders.log_of_lenders import pump, send_due
from tests.lenders.samples import opening
from tests.verification.stories.story import begin, order
from tulga import Client, Options, calls, checkpoints, errors, receipts
from tulga.fields import spell
from tulga.resources import ENDS, Payment
from tulga.webhooks import Verifier
from verification.core.scenarios import SCRIPTED
from verification.log import checkpoint

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("trusted")]


# Both clients against the product over HTTP: opened, listed, canceled, cleared, paid once,
# reported.


def test_a_request_is_spelled_as_it_is_documented():
    assert spell(asked()) == opening()


def test_printing_a_request_or_an_answer_shows_nothing_personal(client):
    shown = repr(
        (asked(), client.send(calls.open_verification(asked())), calls.open_verification(asked()))
    )
    for secret in ("990101100010", "Асан", "+77011234567", "045678912", ACCOUNT, "1899", "/v/#"):
        assert secret not in shown


def test_one_is_opened_read_and_canceled(client):
    opened = client.send(calls.open_verification(asked(metadata={"branch": "7"})))
    assert (opened.mode, opened.status, opened.metadata) == (
        "test",
        "requires_input",
        {"branch": "7"},
    )
    assert "#" in opened.url
    assert opened.link_expires_at > datetime.now(UTC)
    again = client.send(calls.open_verification(asked(metadata={"branch": "7"})))
    assert (again.id, again.url == opened.url) == (opened.id, False)
    assert client.send(calls.make_link(opened.id, sent_by="officer")).url not in (
        opened.url,
        again.url,
    )
    read = client.send(calls.get_verification(opened.id, with_checks=True))
    assert (read.id, read.checks, read.next_action.type) == (opened.id, (), "consent")
    assert client.send(calls.get_verification(opened.id)).checks is None
    assert client.send(calls.cancel_verification(opened.id)).status == "processing"
    with pytest.raises(errors.Conflict) as refused:
        client.send(calls.cancel_verification(opened.id))
    assert refused.value.code == "illegal_transition"
    order()
    assert client.send(calls.get_verification(opened.id)).status in ENDS


def test_lists_are_iterated_over_their_pages(client):
    opened = [
        client.send(calls.open_verification(asked(f"loan-{letter}"))).id for letter in "abcde"
    ]
    listed = client.pages(calls.list_verifications(limit=2))
    assert isinstance(listed, Iterator)
    assert [one.id for one in listed] == opened[::-1]
    since = datetime.now(UTC) - timedelta(hours=1)
    found = client.pages(
        calls.list_verifications(
            client_reference="loan-c", status="requires_input", created_from=since
        )
    )
    assert [one.id for one in found] == [opened[2]]
    assert (
        list(client.pages(calls.list_verifications(created_from=since + timedelta(hours=2)))) == []
    )
    order()
    events = list(client.pages(calls.list_events(limit=2)))
    assert [event.data.verification for event in events] == opened
    assert [event.lender_sequence for event in events] == [1, 2, 3, 4, 5]
    assert [event.id for event in client.pages(calls.list_events(after=3))] == [
        event.id for event in events[3:]
    ]


def test_money_leaves_once(client, lender, issued):
    story = verified(lender, issued)
    clearance = client.send(calls.ask_for_clearance(story.id, contract_sha256=CONTRACT))
    assert (clearance.status, clearance.amount_max, clearance.gates) == (
        "processing",
        Decimal("150000.00"),
        (),
    )
    story.work()
    clearance = client.send(calls.get_clearance(clearance.id))
    assert (clearance.status, {gate.name for gate in clearance.gates} >= {"amount", "profile"}) == (
        "issued",
        True,
    )
    elsewhere = "KZ75125KZT1001300335"
    payment = Payment(
        amount=Decimal("150000.00"),
        iin="990101100010",
        contract_sha256=CONTRACT,
        payout_account=elsewhere,
    )
    with pytest.raises(errors.Conflict) as refused:
        client.send(calls.consume_clearance(clearance.id, payment))
    assert refused.value.code == "clearance_mismatch"
    call = calls.consume_clearance(
        clearance.id,
        Payment(
            amount=Decimal(150000),
            iin="990101100010",
            contract_sha256=CONTRACT,
            payout_account=ACCOUNT,
        ),
    )
    paid = client.send(call)
    assert (paid.status, paid.amount) == ("consumed", Decimal("150000.00"))
    assert client.send(call) == paid
    with pytest.raises(errors.Conflict) as refused:
        client.send(calls.consume_clearance(clearance.id, payment))
    assert refused.value.code == "clearance_consumed"


PATIENT = Options(tries=6, first=0.01)


@pytest.fixture
def cleared(live_server, lender, issued):
    """A clearance that may be consumed, and the key of its lender."""
    story, key = verified(lender, issued), keys.issue(lender, mode="test").secret
    with Client(live_server.url, key, QUICK) as client:
        clearance = client.send(calls.ask_for_clearance(story.id, contract_sha256=CONTRACT))
        story.work()
        assert client.send(calls.get_clearance(clearance.id)).status == "issued"
    return clearance.id, key


PAYMENT = Payment(
    amount=Decimal("150000.00"),
    iin="990101100010",
    contract_sha256=CONTRACT,
    payout_account=ACCOUNT,
)


@pytest.mark.parametrize("losses", [1, 3])
def test_a_payment_whose_answer_is_lost_is_paid_once(live_server, cleared, losses):
    clearance, key = cleared
    with relaying(live_server.url) as relay, Client(relay.url, key, PATIENT) as client:
        relay.losses = losses
        answer = client.answer(calls.consume_clearance(clearance, PAYMENT))
        assert (answer.content.status, answer.content.amount) == ("consumed", Decimal("150000.00"))
        assert (answer.headers.is_replayed, answer.headers.tries) == (True, losses + 1)
        assert relay.lost == losses
        consumed = client.send(calls.get_clearance(clearance))
    assert consumed == answer.content
    order()
    assert consumptions(live_server.url, key) == [clearance]


def test_a_process_that_dies_after_it_consumed_asks_again_by_its_key_and_pays_once(
    live_server, cleared
):
    clearance, key = cleared
    call = calls.consume_clearance(clearance, PAYMENT, key=f"pay-{clearance}")
    with relaying(live_server.url) as relay, Client(relay.url, key, Options(tries=1)) as client:
        relay.losses = 1
        with pytest.raises(errors.Unreachable) as died:
            client.send(call)
        assert died.value.may_be_done
    with Client(live_server.url, key, QUICK) as client:
        again = client.answer(calls.consume_clearance(clearance, PAYMENT, key=f"pay-{clearance}"))
        assert (again.content.status, again.headers.is_replayed) == ("consumed", True)
        with pytest.raises(errors.Conflict) as refused:
            client.send(calls.consume_clearance(clearance, PAYMENT, key="another"))
        assert (refused.value.code, refused.value.may_be_done) == ("clearance_consumed", False)
    order()
    assert consumptions(live_server.url, key) == [clearance]


def consumptions(url, key):
    """The clearance of each consumption that the log tells."""
    with Client(url, key, QUICK) as client:
        events = client.pages(calls.list_events())
        return [event.data.clearance for event in events if event.type == "clearance.consumed"]


def test_an_answer_of_the_product_shows_its_headers(live_server, lender):
    with Client(live_server.url, keys.issue(lender, mode="test").secret, QUICK) as client:
        headers = client.answer(calls.list_events()).headers
        assert (headers.status, headers.version) == (200, calls.VERSION)
        assert headers.request_id
        assert (headers.rate.limit, headers.rate.remaining is None) == (
            policy.RATE_REQUESTS,
            False,
        )
        with pytest.raises(errors.NotFound) as refused:
            client.send(calls.get_clearance("clr_none"))
        assert refused.value.headers.request_id == refused.value.request_id


def test_a_contract_and_an_obligation_are_reported(client, lender, issued):
    story = verified(lender, issued)
    signed_at = datetime.now(UTC)
    call = calls.report_contract(story.id, signed_at, contract_sha256=CONTRACT)
    contract = client.send(call).contract
    assert abs(contract.signed_at - signed_at) < timedelta(milliseconds=1)
    assert contract.release_not_before is None
    with pytest.raises(errors.Conflict) as refused:
        client.send(
            calls.report_contract(
                story.id, signed_at + timedelta(seconds=1), contract_sha256=CONTRACT
            )
        )
    assert refused.value.code == "contract_reported"
    opened_at = datetime.now(UTC)
    told = client.send(calls.report_obligation(story.id, "opened", opened_at)).retention
    assert (told.until, told.obligation_closed_at) == (None, None)
    assert abs(told.obligation_opened_at - opened_at) < timedelta(milliseconds=1)
    told = client.send(calls.report_obligation(story.id, "closed", datetime.now(UTC))).retention
    assert told.until > datetime.now(UTC) + timedelta(days=5 * 365)


# Both clients against the product over HTTP: told by webhooks, and proved by receipts, heads and
# proofs of the log.


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


# The client's README does what it says: its blocks are run word for word against the product.


README = Path(__file__).resolve().parents[2] / "clients" / "python" / "README.md"
IIN_OF_README = next(iter(SCRIPTED))
BLOCKS = re.findall(r"^```python\n(.*?)^```$", README.read_text("utf-8"), re.MULTILINE | re.DOTALL)


def played(url: str, key: str, *, receiver: str) -> dict[str, Any]:
    """The names that its blocks make, the lender's endpoint on loopback."""
    names: dict[str, Any] = {"url": url, "key": key}
    for block in BLOCKS:
        exec(  # noqa: S102
            compile(block.replace("https://lender.example/tulga", receiver), README.name, "exec"),
            names,
        )
    return names


def test_it_plays_from_an_opening_to_a_receipt(live_server, lender, issued, receiver):
    names = played(live_server.url, keys.issue(lender, mode="test").secret, receiver=receiver.url)
    assert "#" in names["borrower_goes_to"]
    story = begin(lender, "loan-2", iin=IIN_OF_README).to_statement()
    story.sign(issued(iin=IIN_OF_README))
    story.work()
    pump()
    send_due()
    assert endpoints.of_lender(lender, mode="test").count() == 1
    is_new = Seen()
    said = [names["receive"](one.headers, one.body, is_new) for one in receiver.received * 2]
    assert said == [204] * len(said)
    assert len(is_new) == len(said) // 2 > 0
    assert names["receive"](receiver.received[0].headers, b"{}", is_new) == 400
    # While it waits the worker evaluates the gates.
    names["time"] = SimpleNamespace(sleep=lambda seconds: story.work())
    clearance, payment = names["clear"](story.id, CONTRACT, datetime.now(UTC))
    assert payment.payout_account == "KZ86125KZT5004100100"
    bank: dict[str, Payment] = {}

    def transfer(ordered: Payment, reference: str) -> None:
        assert bank.setdefault(reference, ordered) == ordered

    def dying(ordered: Payment, reference: str) -> None:
        raise SystemExit

    with pytest.raises(SystemExit):
        names["pay"](clearance, payment, dying)
    names["pay"](clearance, payment, transfer)
    names["pay"](clearance, payment, transfer)
    assert bank == {clearance: payment}
    root = (settings.TULGA_KEYS_DIR / "public" / "root.pub").read_bytes()
    status, answer = names["keep"](story.id, root, IIN_OF_README)
    assert (status, b'"receipt"' in answer) == ("verified", True)
    note = names["look"](root, "")
    assert names["look"](root, note) == note
