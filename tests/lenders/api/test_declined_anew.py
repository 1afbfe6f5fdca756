"""Who declines a new consent, or reports that somebody tells them what to press, lets no money out
any more.
"""

import pytest

from lenders import keys
from tests.lenders.api import renewing
from tests.lenders.api.renewing import (
    agree,
    asked,
    asked_anew,
    consent,
    gate,
    half_a_day_ago,
    iin,
    link,
    story,
    to_question,
    to_renewal,
    waited,
)
from tests.lenders.api.test_clearances import clean, code, consume, types
from tests.lenders.samples import Caller
from tests.verification.log.looks import verify_legality
from tests.verification.log.rows import order_all
from tests.verification.stories.story import in_parallel, order
from verification import clock, tasks, transactions
from verification.access import openings
from verification.case import moving
from verification.core.errors import Conflict
from verification.models import Clearance, Verification
from verification.payout import gates
from verification.stages.confirmation.policy import RENEWAL
from verification.worker import queue

__all__ = ["asked", "half_a_day_ago", "iin", "story", "waited"]

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("trusted")]


@pytest.fixture
def renewal(api, lender, waited, monkeypatch):
    """An open new consent, which the sum of the day does not ask for any more."""
    child = asked_anew(api, waited)
    renewing.go_by(lender, monkeypatch, renewing.OVER_MCI)
    return child


def says_no(child):
    """The borrower's answer, which waits for its judgement."""
    to_renewal(child).answer(agreed=False, version=RENEWAL.current, language="kk")


def says_somebody_tells(child):
    to_question(child).answer(somebody_tells_me=True)


WORDS = pytest.mark.parametrize(
    ("say", "said"), [(says_no, "consent_declined"), (says_somebody_tells, "coercion_reported")]
)


def issued_for(api, parent):
    clearance = api.post(
        f"/v1/verifications/{parent.id}/clearances", {"contract_sha256": "c" * 64}
    ).json()
    parent.work()
    assert api.get(f"/v1/clearances/{clearance['id']}").json()["status"] == "issued"
    return clearance


def declined(child, say):
    say(child)
    child.work()
    order()
    assert child.row().status == "declined"


@WORDS
def test_no_clearance_is_issued_whatever_the_sum(api, waited, renewal, say, said):
    declined(renewal, say)
    assert renewal.row().code == said
    assert gate(api, waited) == ("refused", "consent_declined")
    assert code(link(api, waited)) == (409, "consent_declined")
    order_all()
    assert clean(waited) == clean(renewal) == list(verify_legality("test")) == []


@WORDS
def test_what_was_issued_is_frozen(api, waited, renewal, iin, say, said):
    clearance = issued_for(api, waited)
    declined(renewal, say)
    assert renewal.row().code == said
    assert api.get(f"/v1/clearances/{clearance['id']}").json()["status"] == "frozen"
    assert code(consume(api, clearance, iin=iin)) == (409, "clearance_frozen")
    assert [one["type"] for one in api.get("/v1/events").json()["data"]].count(
        "clearance.frozen"
    ) == 1
    order_all()
    assert clean(waited) == clean(renewal) == list(verify_legality("test")) == []


def test_an_end_without_such_a_word_freezes_nothing(api, waited, renewal, iin):
    clearance = issued_for(api, waited)
    assert api.post(f"/v1/verifications/{renewal.id}/cancel").status_code == 200
    order()
    assert consume(api, clearance, iin=iin).status_code == 200


def test_a_no_while_the_gates_are_evaluated_refuses(api, waited, renewal, monkeypatch):
    genuine = gates.ask_outside

    def ask(*args, **named):
        declined(renewal, says_no)
        return genuine(*args, **named)

    monkeypatch.setattr(gates, "ask_outside", ask)
    assert gate(api, waited) == ("refused", "consent_declined")
    assert types(waited)[-2:] == ["clearance.requested", "clearance.refused"]


@pytest.mark.forges
def test_no_row_hides_that_it_was_declined(api, waited, renewal, iin):
    clearance = issued_for(api, waited)
    declined(renewal, says_no)
    Verification.objects.filter(pk=renewal.id).update(
        renews=None, status="requires_input", code="", stage="consent", finished_at=None
    )
    Clearance.objects.filter(pk=clearance["id"]).update(status="issued", frozen_at=None)
    assert code(consume(api, clearance, iin=iin)) == (409, "clearance_frozen")
    assert gate(api, waited) == ("refused", "consent_declined")
    assert code(link(api, waited)) == (409, "consent_declined")


@pytest.mark.forges
def test_the_audit_names_what_was_let_out_all_the_same(api, waited, renewal):
    """By whoever holds the keys of the processes."""
    clearance = issued_for(api, waited)
    body = {"clearance": clearance["id"], "amount": 1}
    order_all()
    assert list(verify_legality("test")) == []
    declined(renewal, says_no)
    with transactions.writing():
        moving.record(waited.row(), "clearance.consumed", at=clock.now(), body=body)
    order_all()
    details = [one.detail for one in verify_legality("test")]
    assert sum("declined it by a renewed consent" in one for one in details) == 1


@WORDS
def test_no_lender_cancels_an_answer_away(api, waited, renewal, say, said):
    say(renewal)
    answer = api.post(f"/v1/verifications/{renewal.id}/cancel")
    assert (code(answer), answer.headers["Retry-After"]) == ((409, "answer_not_judged"), "2")
    renewal.work()
    order()
    assert (renewal.row().status, renewal.row().code) == ("declined", said)
    assert code(link(api, waited)) == (409, "consent_declined")


def test_what_a_worker_holds_is_not_canceled_either(waited, renewal):
    says_no(renewal)
    assert queue.claim(renewal.id) is not None
    with pytest.raises(Conflict) as caught:
        openings.cancel(lender_id=waited.lender.pk, mode="test", verification_id=renewal.id)
    assert caught.value.code == "answer_not_judged"


def test_a_yes_is_judged_and_what_follows_may_be_canceled(api, renewal, asked):
    agree(to_renewal(renewal))
    assert api.post(f"/v1/verifications/{renewal.id}/cancel").status_code == 200


def test_a_consent_that_is_given_lets_the_money_out(api, waited, renewal, asked, iin):
    consent(renewal, asked)
    order()
    assert consume(api, issued_for(api, waited), iin=iin).status_code == 200
    assert types(waited)[-1] == "clearance.consumed"


@pytest.mark.service
def test_a_no_a_payment_and_another_link_at_once_have_one_order(api, lender, waited, renewal, iin):
    clearance = issued_for(api, waited)
    says_no(renewal)
    caller = Caller(keys.issue(lender, mode="test").secret)
    acts = (
        lambda: tasks.advance(renewal.id),
        lambda: consume(caller, clearance, iin=iin).status_code,
        lambda: link(caller, waited).status_code,
    )
    _, paid, linked = in_parallel(lambda which: acts[which](), 3)
    renewal.work()  # a link that was made in between has the step tried again
    assert renewal.row().code == "consent_declined"
    assert linked in (201, 409)
    assert (paid, types(waited)[-1]) in ((200, "clearance.consumed"), (409, "clearance.frozen"))
    order_all()
    assert clean(waited) == clean(renewal) == list(verify_legality("test")) == []
