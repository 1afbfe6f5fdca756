"""No row lets money out, or lets it out once more: what may be consumed is what signed entries
say.
"""

from datetime import timedelta

import pytest

from tests.lenders.api.test_clearances import (
    PAID,
    ask,
    clean,
    cleared,
    code,
    consume,
    refused,
    types,
    verified,
)
from tests.verification.log.rows import tamper
from verification import clock, transactions
from verification.case import moving
from verification.core import profiles
from verification.models import Clearance
from verification.payout import clearances

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("trusted")]


@pytest.mark.forges
def test_a_row_that_is_set_back_lets_no_money_out_a_second_time(api, lender, issued):
    story = verified(lender, issued)
    clearance = cleared(api, story)
    assert consume(api, clearance).status_code == 200
    Clearance.objects.update(status="issued", consumed_at=None, amount_tiyn=None)
    refused(api, clearance, "clearance_frozen")


@pytest.mark.forges
def test_a_row_revives_no_clearance_that_is_void(api, lender, issued):
    story = verified(lender, issued)
    first, second = cleared(api, story), cleared(api, story)
    Clearance.objects.filter(pk=second["id"]).update(status="superseded")
    Clearance.objects.filter(pk=first["id"]).update(status="issued")
    refused(api, first, "clearance_frozen")
    lender.test_calendar = profiles.calendar_of("KZ-2024-10")
    lender.save()
    third = cleared(api, story)
    assert third["status"] == "refused"
    for one in (second, third):
        Clearance.objects.filter(verification_id=story.id).update(status="superseded")
        Clearance.objects.filter(pk=one["id"]).update(
            status="issued",
            expires_at=clock.now() + timedelta(hours=1),
            fresh_until=clock.now() + timedelta(hours=1),
        )
        assert consume(api, one).status_code == 409
    assert "clearance.consumed" not in types(story)


@pytest.mark.forges
def test_a_row_revives_no_clearance_that_is_frozen(api, lender, issued):
    story = verified(lender, issued)
    clearance = cleared(api, story)
    with transactions.writing():
        clearances.freeze(story.row(), at=clock.now())
    refused(api, clearance, "clearance_frozen")
    Clearance.objects.filter(pk=clearance["id"]).update(status="issued", frozen_at=None)
    refused(api, clearance, "clearance_frozen")
    assert set(clean(story)) == {"row_differs"}


@pytest.mark.forges
def test_a_dispute_on_record_holds_without_its_column(api, lender, issued):
    story = verified(lender, issued)
    clearance, waiting = cleared(api, story), verified(lender, issued, "B-1")
    asked = ask(api, waiting).json()
    for one in (story, waiting):
        with transactions.writing():
            moving.record(one.row(), "verification.disputed", at=clock.now())
        assert one.row().disputed_at is None
    refused(api, clearance, "clearance_frozen")
    assert code(ask(api, story)) == (409, "clearance_frozen")
    waiting.work()
    told = api.get(f"/v1/clearances/{asked['id']}").json()
    assert (told["status"], told["code"]) == ("refused", "clearance_frozen")


def test_a_row_alone_lets_no_money_out(api, lender, issued):
    story, other = verified(lender, issued), verified(lender, issued, "B-1")
    clearance, asked = cleared(api, story), ask(api, other).json()
    told = Clearance.objects.get(pk=clearance["id"])
    Clearance.objects.filter(pk=asked["id"]).update(
        status=told.status,
        issued_at=told.issued_at,
        expires_at=told.expires_at,
        fresh_until=told.fresh_until,
        gates=told.gates,
        iin_index=clearances.index(asked["id"], "iin", PAID["iin"])[0],
        account_index=clearances.index(asked["id"], "account", PAID["payout_account"])[0],
    )
    refused(api, asked, "clearance_frozen")
    assert set(clean(other)) == {"row_differs"}
    tamper(
        (
            "UPDATE verification_clearance SET cap_tiyn = cap_tiyn * 10 WHERE id = %s",
            [clearance["id"]],
        )
    )
    refused(api, clearance, "clearance_frozen", amount="1500000.00")
    assert clean(story) == ["row_differs"]
    assert consume(api, clearance).status_code == 200
