"""Both clients against the product over HTTP: opened, listed, canceled, cleared, paid once,
reported.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from tests.clients.lender_side import ACCOUNT, CONTRACT, asked, verified
from tests.lenders.samples import opening
from tests.verification.stories.story import order
from tulga import calls, errors
from tulga.fields import spell
from tulga.resources import ENDS, Payment

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("trusted")]


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
