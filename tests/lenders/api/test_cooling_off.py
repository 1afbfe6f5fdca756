"""The money of larger credits waits a day, and then leaves for a new consent alone: by the API, by
the borrower.
"""

import html
import json
from base64 import urlsafe_b64decode
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from django.test import Client
from django.urls import reverse

from tests.lenders.api.clearing import OTHER_CONTRACT, clean, consume
from tests.lenders.api.renewing import (
    DAY,
    agree,
    asked,
    asked_anew,
    consent,
    gate,
    half_a_day_ago,
    iin,
    link,
    report,
    story,
    to_question,
    to_renewal,
    verified,
    waited,
    waiting,
)
from tests.lenders.samples import code, faults
from tests.lenders.test_openapi import hold
from tests.verification.log.rows import tamper
from tests.verification.oversight import rows
from tests.verification.stories.story import begin, order, wait_until
from verification import clock, transactions
from verification.case import contents, moving
from verification.core import profiles
from verification.core.person import Renewal
from verification.log import signatures
from verification.log.legality import faults_of
from verification.models import AuditEntry, Verification
from verification.payout import clearances, renewals
from verification.stages.confirmation.policy import RENEWAL

__all__ = ["asked", "half_a_day_ago", "iin", "story", "waited"]

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("trusted")]


def is_lawful(*stories):
    """Nothing that stands on record of these was unlawful, and each row says what its entries
    say.
    """
    for each in stories:
        own = AuditEntry.objects.filter(verification_id=each.id).order_by("verification_sequence")
        assert list(faults_of(own)) == []
        assert clean(each) == []


def test_no_contract_no_money(api, story):
    assert gate(api, story) == ("refused", "contract_required")
    assert code(link(api, story)) == (409, "contract_required")


def test_the_money_waits_a_day_and_then_for_a_new_consent(api, story, asked, iin):
    answer = hold(report(api, story), "/v1/verifications/{verification_id}/contract", "post")
    until = datetime.fromisoformat(answer["contract"]["release_not_before"])
    assert until - datetime.fromisoformat(answer["contract"]["signed_at"]) < DAY + timedelta(
        seconds=5
    )
    status, refusal, waits = waiting(api, story)
    assert (status, refusal) == ("refused", "cooling_off")
    assert (
        timedelta(0) <= datetime.fromisoformat(waits) - until < timedelta(milliseconds=1)
    )  # it is told in whole ones
    early = link(api, story)
    assert code(early) == (409, "cooling_off")
    assert (
        timedelta(0)
        <= DAY - timedelta(seconds=int(early.headers["Retry-After"]))
        < timedelta(minutes=5)
    )
    wait_until(until)
    assert gate(api, story) == ("refused", "consent_renewal_required")
    renewal = asked_anew(api, story)
    told = api.get(f"/v1/verifications/{renewal.id}").json()
    assert (told["renews"], told["client_reference"]) == (story.id, "A-1")
    consent(renewal, asked)
    order()
    assert api.get(f"/v1/verifications/{renewal.id}").json()["status"] == "verified"
    receipt = api.get(f"/v1/verifications/{renewal.id}/receipt").json()["receipt"]
    assert json.loads(urlsafe_b64decode(receipt.split(".")[1] + "=="))["renews"] == story.id
    asked_for = api.post(
        f"/v1/verifications/{story.id}/clearances", {"contract_sha256": "c" * 64}
    ).json()
    story.work()
    assert consume(api, asked_for, iin=iin).status_code == 200
    order()
    events = api.get("/v1/events").json()["data"]
    assert {
        one["data"]["renews"] for one in events if one["data"]["verification"] == renewal.id
    } == {story.id}
    assert code(link(api, story)) == (409, "clearance_consumed")
    is_lawful(story, renewal)


def test_a_contract_of_yesterday_waits_from_the_report_on(api, lender, story):
    wait_until(clock.now() + DAY)
    told = report(api, story, at=clock.now() - DAY + timedelta(minutes=1)).json()["contract"]
    assert datetime.fromisoformat(told["release_not_before"]) > clock.now() + DAY - timedelta(
        minutes=1
    )
    assert gate(api, story)[1] == "cooling_off"


def test_a_contract_is_reported_once(api, story):
    at = clock.now()
    first = report(api, story, at=at).json()
    assert report(api, story, at=at).json() == first
    assert code(report(api, story, at=at + timedelta(seconds=1))) == (409, "contract_reported")
    assert code(report(api, story, at=at, contract_sha256=OTHER_CONTRACT)) == (
        409,
        "contract_reported",
    )
    other = api.post(
        f"/v1/verifications/{story.id}/clearances", {"contract_sha256": OTHER_CONTRACT}
    )
    assert code(other) == (409, "clearance_mismatch")
    assert AuditEntry.objects.filter(type="contract.reported").count() == 1


@pytest.mark.parametrize(
    ("ahead", "expected"),
    [(timedelta(minutes=6), "signed_in_future"), (-timedelta(hours=1), "signed_before_verified")],
)
def test_no_contract_is_signed_when_it_cannot_be(api, story, ahead, expected):
    refused = report(api, story, at=clock.now() + ahead)
    assert (refused.status_code, faults(refused)) == (422, {("/signed_at", expected)})


def test_only_the_verified_have_a_contract(api, other_api, lender, story, iin):
    fresh = begin(lender, "B-1", iin=iin)
    assert code(report(api, fresh)) == (409, "not_verified")
    assert code(report(other_api, story)) == (404, "not_found")


def test_a_borrower_who_does_not_want_it_is_not_asked_again(api, waited):
    renewal = asked_anew(api, waited)
    agree(to_renewal(renewal), agreed=False)
    assert (renewal.row().status, renewal.row().code) == ("declined", "consent_declined")
    assert code(link(api, waited)) == (409, "consent_declined")
    assert gate(api, waited) == ("refused", "consent_declined")
    is_lawful(waited, renewal)


def test_a_borrower_who_is_told_what_to_press_is_not_asked_again(api, waited):
    renewal = to_question(asked_anew(api, waited))
    renewal.answer(somebody_tells_me=True)
    renewal.work()
    assert renewal.row().code == "coercion_reported"
    assert code(link(api, waited)) == (409, "consent_declined")


def test_an_open_one_gets_another_link_and_one_that_ended_without_a_word_a_successor(api, waited):
    first = asked_anew(api, waited)
    assert asked_anew(api, waited).id == first.id
    assert api.post(f"/v1/verifications/{first.id}/cancel").status_code == 200
    second = asked_anew(api, waited)
    assert second.id != first.id
    assert Verification.objects.filter(renews=waited.id).count() == 2
    order()
    is_lawful(waited, first, second)


def test_a_new_consent_is_good_for_nothing_else(api, waited, asked):
    renewal = asked_anew(api, waited)
    assert code(report(api, renewal)) == (409, "is_renewal")
    obligation = {"status": "opened", "at": clock.now().isoformat()}
    assert code(api.post(f"/v1/verifications/{renewal.id}/obligation", obligation)) == (
        409,
        "is_renewal",
    )
    consent(renewal, asked)
    order()
    assert code(
        api.post(f"/v1/verifications/{renewal.id}/clearances", {"contract_sha256": "c" * 64})
    ) == (
        409,
        "is_renewal",
    )
    assert code(link(api, renewal)) == (409, "illegal_transition")
    assert code(link(api, waited)) == (409, "consent_given")


def test_a_new_consent_is_not_what_a_repeated_opening_finds(api, lender, waited, iin):
    renewal = asked_anew(api, waited)
    fresh = begin(lender, "A-1", iin=iin)
    assert fresh.id != renewal.id
    assert fresh.row().renews_id is None
    assert api.get(f"/v1/verifications/{fresh.id}").json()["renews"] is None


def test_the_page_says_what_is_asked_for(api, waited):
    page = to_renewal(asked_anew(api, waited)).page()
    row = waited.row()
    times = [one.isoformat() for one in (row.contract_signed_at, row.release_not_before) if one]
    assert (page.amount, page.account_masked) == ("150000.00", "KZ86 •••• 0100")
    assert page.renewal == Renewal(waited.id, "c" * 64, *times)


def test_a_browser_is_shown_it_and_sends_the_answer(api, waited):
    renewal, browser = asked_anew(api, waited), Client()
    assert browser.post(reverse("borrower:link"), {"token": renewal.token}).status_code == 302
    to_renewal(renewal)
    shown = browser.get(reverse("borrower:now")).content.decode()
    assert RENEWAL.wordings[RENEWAL.current]["ru"] in shown
    assert "KZ86 •••• 0100" in shown
    assert reverse("borrower:elsewhere") not in shown
    answer = {
        "turn": renewal.turn().turn,
        "agreed": "false",
        "version": RENEWAL.current,
        "language": "ru",
    }
    browser.post(reverse("borrower:now"), answer)
    renewal.work()
    assert "Вы отказались от денег" in browser.get(reverse("borrower:now")).content.decode()


def test_a_disputed_consent_lets_no_money_out(api, waited, asked, iin):
    renewal = asked_anew(api, waited)
    consent(renewal, asked)
    issued = api.post(
        f"/v1/verifications/{waited.id}/clearances", {"contract_sha256": "c" * 64}
    ).json()
    waited.work()
    Verification.objects.filter(pk=renewal.id).update(disputed_at=clock.now())
    assert code(consume(api, issued, iin=iin)) == (409, "clearance_frozen")
    assert gate(api, waited) == ("refused", "clearance_frozen")


@pytest.mark.forges
def test_no_row_makes_a_consent(api, lender, issued, waited, iin):
    """Of whoever may write rows: a verification that was done for something else is made out to be
    one.
    """
    other = verified(lender, issued, iin, "B-1")
    own = waited.row()
    Verification.objects.filter(pk=other.id).update(
        renews=waited.id,
        profile_id="KZ-2025-09-renewal",
        passed_routes=["renewal"],
        created_at=own.release_not_before,
    )
    assert gate(api, waited)[1] == "consent_renewal_required"
    assert "row_differs" in clean(other)


@pytest.mark.forges
def test_a_consent_to_another_loan_lets_no_money_out(api, lender, issued, story, asked, iin):
    """That to the first loan is made out by its row to be one to the second."""
    other = verified(lender, issued, iin, "B-1")
    assert {report(api, one).status_code for one in (story, other)} == {200}
    assert gate(api, story) == ("refused", "cooling_off")
    wait_until(clock.now() + DAY)
    own = asked_anew(api, story)
    consent(own, asked)
    Verification.objects.filter(pk=own.id).update(renews=other.id)
    assert gate(api, other)[1] == "consent_renewal_required"
    # Whoever holds web's key may even say that the second loan asked for it.
    with transactions.writing():
        moving.record(
            other.row(),
            "renewal.opened",
            at=clock.now(),
            body={"renewal": own.id, "profile": "KZ-TEST"},
        )
    assert gate(api, other)[1] == "consent_renewal_required"
    assert gate(api, story)[0] == "issued"  # its entries say whose it is


def test_where_no_law_asks_nothing_waits(api, lender, story):
    lender.test_calendar = profiles.calendar_of("KZ-2021-04")
    lender.save()
    assert report(api, story).json()["contract"]["release_not_before"] is None
    assert gate(api, story) == ("issued", None)
    assert code(link(api, story)) == (409, "illegal_transition")


@pytest.mark.forges
def test_what_rests_on_a_consent_that_does_not_count_any_more_is_frozen(api, waited, asked, iin):
    renewal = asked_anew(api, waited)
    consent(renewal, asked)
    clearance = api.post(
        f"/v1/verifications/{waited.id}/clearances", {"contract_sha256": "c" * 64}
    ).json()
    waited.work()
    decision = AuditEntry.objects.get(verification_id=renewal.id, type="verification.verified")
    issued_entry = AuditEntry.objects.get(verification_id=waited.id, type="clearance.issued")
    assert issued_entry.body["renewal"] == decision.pk
    tamper(
        (
            "UPDATE verification_auditentry SET body = %s WHERE id = %s",
            ['{"code": ""}', decision.pk],
        )
    )
    assert code(consume(api, clearance, iin=iin)) == (409, "clearance_frozen")
    clearances.freeze_unsound("test")
    assert api.get(f"/v1/clearances/{clearance['id']}").json()["status"] == "frozen"


def test_a_regulator_finds_each_case_by_the_other(api, waited):
    renewal = asked_anew(api, waited)
    reader = rows.signed_in(rows.person("regulator"))
    first, second = (
        reader.get(reverse("oversight:case", args=[one.id])).content.decode()
        for one in (waited, renewal)
    )
    assert "Contract signed, as the lender reported" in first
    assert "Where the money has to wait, until" in first
    assert f'"renewal": "{renewal.id}"' in html.unescape(first)
    assert reverse("oversight:case", args=[waited.id]) in second
    assert "New consent to the loan of" in second


def test_a_consent_counts_for_its_person_loan_lender_purpose_and_contract_alone(api, waited, asked):
    renewal = asked_anew(api, waited)
    consent(renewal, asked)
    row, said = waited.row(), signatures.sound_of(waited.row())
    case, contract = contents.read(row, contents.key_of(row)).case, clearances.reported(said)
    assert contract is not None
    own = renewals.find_consent(row, case, said, contract)
    assert own is not None
    assert own.begun_at == renewal.row().created_at
    others = (
        replace(case, loan=replace(case.loan, amount="150000.01")),
        replace(case, person=replace(case.person, surname="ИНАКОВ")),
        replace(case, lender=replace(case.lender, bin="150140000002")),
        replace(case, purpose="another"),
    )
    assert [renewals.find_consent(row, other, said, contract) for other in others] == [None] * len(
        others
    )
    assert (
        renewals.find_consent(row, case, said, replace(contract, contract=OTHER_CONTRACT)) is None
    )
