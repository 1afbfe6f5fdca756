"""The money of larger credits waits a day, and then leaves for a new consent alone."""

import json
from base64 import urlsafe_b64decode
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from django.test import Client
from django.urls import reverse

from lenders import keys
from tests import registered
from tests.lenders.api import renewing
from tests.lenders.api.clearing import OTHER_CONTRACT, clean, consume, types
from tests.lenders.api.renewing import (
    DAY,
    agree,
    asked_anew,
    consent,
    gate,
    link,
    report,
    to_question,
    to_renewal,
    verified,
    waiting,
)
from tests.lenders.api.renewing import asked as asked
from tests.lenders.api.renewing import half_a_day_ago as half_a_day_ago
from tests.lenders.api.renewing import iin as iin
from tests.lenders.api.renewing import story as story
from tests.lenders.api.renewing import waited as waited
from tests.lenders.api.test_simulations import played as played
from tests.lenders.api.test_simulations import simulate
from tests.lenders.samples import Caller, code, faults
from tests.lenders.shapes import hold
from tests.verification.log.judged import findings, verify_legality
from tests.verification.log.rows import order_all, tamper
from tests.verification.oversight import rows
from tests.verification.review import desk
from tests.verification.stories.destruction_story import step, turn
from tests.verification.stories.purge_story import purged, sealed_rows, to_last_day
from tests.verification.stories.story import BORN, begin, in_parallel, order, wait_until
from verification import clock, tasks, transactions
from verification.access import erasures, hand_over, links
from verification.case import contents, moving
from verification.case.votes import Reviewer
from verification.core import almaty, profiles
from verification.core.errors import Conflict
from verification.core.person import Renewal
from verification.log import related_cases, signatures
from verification.log.legality import faults_of
from verification.models import AuditEntry, Clearance, Verification
from verification.payout import clearances, gates, renewals, reports
from verification.review import attesting
from verification.stages.confirmation.policy import RENEWAL
from verification.worker import queue, sweep
from verification.worker import run as advance_run

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("trusted")]


def is_lawful(*stories):
    """Nothing that stands on record of these was unlawful, and each row says what its entries
    say.
    """
    for each in stories:
        own = AuditEntry.objects.filter(verification_id=each.id).order_by("verification_sequence")
        assert list(faults_of(own)) == []
        assert clean(each) == []


def test_the_money_waits_a_day_and_then_for_a_new_consent(api, story, asked, iin):
    assert gate(api, story) == ("refused", "contract_required")
    assert code(link(api, story)) == (409, "contract_required")
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


def test_a_contract_is_reported_once(api, other_api, lender, story, iin):
    assert code(report(api, begin(lender, "B-1", iin=iin))) == (409, "not_verified")
    assert code(report(other_api, story)) == (404, "not_found")
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


def test_an_open_one_gets_another_link_and_one_that_ended_without_a_word_a_successor(
    api, lender, waited, iin
):
    first = asked_anew(api, waited)
    # An opening under the same reference is another case.
    assert begin(lender, "A-1", iin=iin).row().renews_id is None
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


def test_a_browser_is_shown_it_and_sends_the_answer(api, waited):
    renewal, browser = asked_anew(api, waited), Client(headers={"accept-language": "ru"})
    peeked = browser.post("/v/peek/", {"token": renewal.token}).json()
    assert peeked == {"lender": waited.lender.name, "asks": "renewal", "is_test": True}
    assert browser.post(reverse("borrower:link"), {"token": renewal.token}).status_code == 302
    page = to_renewal(renewal).page()
    row = waited.row()
    times = [moment.isoformat() for moment in (row.contract_signed_at, row.release_not_before)]
    assert page.renewal == Renewal(waited.id, "c" * 64, *times)
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
    """By an attacker who writes rows: a verification that was done for something else is made out
    to be one.
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
    # An attacker with web's key may even say that the second loan asked for it.
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
    registered.saved(lender)
    assert report(api, story).json()["contract"]["release_not_before"] is None
    assert gate(api, story) == ("issued", None)
    assert code(link(api, story)) == (409, "illegal_transition")


def told_waits(api, story):
    """Until when the money waits, as the verification and its newest clearance tell it."""
    told = api.get(f"/v1/verifications/{story.id}").json()["contract"]["release_not_before"]
    [newest] = api.get("/v1/clearances", limit="1").json()["data"]
    return told, [one["release_not_before"] for one in newest["gates"]]


def test_where_the_credits_of_the_day_are_small_no_wait_is_told(api, lender, story, monkeypatch):
    renewing.go_by(lender, monkeypatch, renewing.OVER_MCI)
    assert report(api, story).json()["contract"]["release_not_before"] is None
    assert gate(api, story) == ("issued", None)
    assert told_waits(api, story) == (None, [None] * 8)
    assert code(link(api, story)) == (409, "renewal_not_due")
    is_lawful(story)


def test_another_credit_of_the_day_makes_a_wait_told(api, lender, issued, iin, monkeypatch, story):
    renewing.go_by(lender, monkeypatch, renewing.OVER_MCI)
    other = verified(lender, issued, iin, "B-1")
    assert report(api, other, contract_sha256=OTHER_CONTRACT).json()["contract"] is not None
    assert report(api, story).json()["contract"]["release_not_before"] is not None
    waits = waiting(api, story)
    assert waits[:2] == ("refused", "cooling_off")
    told, of_gates = told_waits(api, story)
    assert told in of_gates
    # The other was reported first, and learns of the wait by its gate.
    place = f"/v1/verifications/{other.id}"
    assert api.get(place).json()["contract"]["release_not_before"] is None
    api.post(f"{place}/clearances", {"contract_sha256": OTHER_CONTRACT})
    other.work()
    told, of_gates = told_waits(api, other)
    assert told is not None
    assert told in of_gates
    is_lawful(story, other)


def test_once_the_wait_is_over_and_the_consent_given_no_wait_is_told(api, waited, asked):
    renewal = asked_anew(api, waited)
    assert told_waits(api, waited)[0] is not None
    consent(renewal, asked)
    order()
    assert gate(api, waited) == ("issued", None)
    assert told_waits(api, waited) == (None, [None] * 8)
    is_lawful(waited)


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


# Which day a contract belongs to, and what many at once make of it.


def test_what_one_person_gets_on_one_day_is_summed(api, lender, issued, story, iin, monkeypatch):
    renewing.go_by(lender, monkeypatch, renewing.OVER_MCI)
    assert report(api, story).status_code == 200
    assert gate(api, story)[0] == "issued"
    second = verified(lender, issued, iin, "B-1")
    assert report(api, second).status_code == 200
    assert gate(api, second) == ("refused", "cooling_off")


def test_a_time_of_yesterday_takes_no_contract_out_of_today(
    api, lender, issued, story, iin, monkeypatch
):
    renewing.go_by(lender, monkeypatch, renewing.OVER_MCI)
    second, signed = verified(lender, issued, iin, "B-1"), clock.now()
    midnight = almaty.begins(almaty.day_of(clock.now()) + timedelta(days=1))
    wait_until(midnight)
    assert report(api, story, at=signed).status_code == 200
    assert report(api, second).status_code == 200
    assert gate(api, second)[1] == "cooling_off"


def test_a_contract_is_not_reported_when_its_money_could_not_leave_any_more(
    api, lender, issued, story, iin
):
    second = verified(lender, issued, iin, "B-1")
    at = clock.now()
    assert report(api, second, at=at).status_code == 200
    wait_until(story.row().finished_at + timedelta(hours=48))
    refused = report(api, story)
    assert (refused.status_code, refused.json()["code"]) == (409, "verification_too_old")
    assert story.row().contract_signed_at is None
    assert not AuditEntry.objects.filter(
        verification_id=story.id, type="contract.reported"
    ).exists()
    assert report(api, second, at=at).status_code == 200  # the same report again
    decided = second.row().finished_at
    assert decided is not None
    wait_until(decided + timedelta(hours=72))
    assert code(link(api, second)) == (409, "verification_too_old")
    assert not Verification.objects.filter(renews=second.id).exists()


def test_of_many_links_and_reports_at_once_one_is_on_record(api, lender, story):
    secret, at = keys.issue(lender, mode="test").secret, clock.now()
    reported = in_parallel(
        lambda number: (
            report(Caller(secret), story, at=at + timedelta(seconds=number % 2)).status_code
        ),
        12,
    )
    assert sorted(reported) == [200] * 6 + [409] * 6
    assert AuditEntry.objects.filter(type="contract.reported").count() == 1
    assert gate(api, story) == ("refused", "cooling_off")
    wait_until(clock.now() + DAY)
    found = in_parallel(lambda _: link(Caller(secret), story).json()["renewal"], 12)
    assert found == [found[0]] * 12
    assert Verification.objects.filter(renews=story.id).count() == 1
    assert AuditEntry.objects.filter(type="renewal.opened").count() == 1


def spend(story):
    """The borrower names a document that is not theirs until no attempt is left."""
    agree(to_renewal(story))
    while story.row().status == "requires_input":
        story.reply(document_number="999999999", **BORN)
    assert story.row().code == "attempts_exhausted"


def test_no_new_consent_is_opened_while_no_attempt_is_left(api, waited, asked):
    spent = asked_anew(api, waited)
    spend(spent)
    for _ in range(2):
        refused = link(api, waited)
        assert (refused.status_code, refused.json()["code"]) == (409, "attempts_exhausted")
    wait = int(refused.headers["Retry-After"])
    assert 0 < wait <= 24 * 3600 + 1
    assert Verification.objects.filter(renews=waited.id).count() == 1
    wait_until(clock.now() + timedelta(seconds=wait - 10))
    assert link(api, waited).json()["code"] == "attempts_exhausted"
    wait_until(clock.now() + timedelta(seconds=11))
    again = asked_anew(api, waited)
    assert again.id != spent.id
    agree(to_renewal(again))
    assert (again.row().status, again.row().stage) == ("requires_input", "person")


def test_no_new_consent_is_asked_for_money_that_does_not_wait(api, lender, monkeypatch, story):
    renewing.go_by(lender, monkeypatch, renewing.OVER_MCI)
    assert report(api, story).status_code == 200
    wait_until(clock.now() + DAY)
    assert code(link(api, story)) == (409, "renewal_not_due")
    assert gate(api, story)[0] == "issued"
    assert code(link(api, story)) == (409, "renewal_not_due")


def test_a_new_consent_is_handed_over_to_no_phone_that_scans_a_code(api, waited):
    session = links.redeem(untrusted_token=asked_anew(api, waited).token)
    with pytest.raises(Conflict, match="cannot be handed over"):
        hand_over.mint(untrusted_session=session)


# Who declines a new consent, or reports that somebody tells them what to press, lets no money
# out any more.


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


@pytest.fixture
def clearance(api, waited, renewal):
    """Issued while a new consent is open."""
    return issued_for(api, waited)


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
def test_what_was_issued_is_frozen(api, waited, renewal, iin, say, said, clearance):
    declined(renewal, say)
    assert renewal.row().code == said
    assert api.get(f"/v1/clearances/{clearance['id']}").json()["status"] == "frozen"
    assert code(consume(api, clearance, iin=iin)) == (409, "clearance_frozen")
    assert [one["type"] for one in api.get("/v1/events").json()["data"]].count(
        "clearance.frozen"
    ) == 1
    order_all()
    assert clean(waited) == clean(renewal) == list(verify_legality("test")) == []


def test_an_end_without_such_a_word_freezes_nothing(api, waited, renewal, iin, clearance):
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
def test_no_row_hides_that_it_was_declined(api, waited, renewal, iin, clearance):
    declined(renewal, says_no)
    Verification.objects.filter(pk=renewal.id).update(
        renews=None, status="requires_input", code="", stage="consent", finished_at=None
    )
    Clearance.objects.filter(pk=clearance["id"]).update(status="issued", frozen_at=None)
    assert code(consume(api, clearance, iin=iin)) == (409, "clearance_frozen")
    assert gate(api, waited) == ("refused", "consent_declined")
    assert code(link(api, waited)) == (409, "consent_declined")


@pytest.mark.forges
def test_the_audit_names_what_was_let_out_all_the_same(waited, renewal, clearance):
    """By an attacker with the keys of the processes."""
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
    judging = queue.claim(renewal.id)
    assert judging is not None, "no cancel comes through while a worker has it"
    answer = api.post(f"/v1/verifications/{renewal.id}/cancel")
    assert (code(answer), answer.headers["Retry-After"]) == ((409, "answer_not_judged"), "2")
    advance_run.run(judging)
    renewal.work()
    order()
    assert (renewal.row().status, renewal.row().code) == ("declined", said)
    assert code(link(api, waited)) == (409, "consent_declined")


@pytest.mark.service
def test_a_no_a_payment_and_another_link_at_once_have_one_order(
    lender, waited, renewal, iin, clearance
):
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


# Clearances, new consents and words of employees that the right key signed, and might not; and
# who is shown them.
WORD = attesting.Attestation(what="age_confirmation", how="in_person", comment="signed again here")


def entries_of(story):
    found = AuditEntry.objects.filter(verification_id=story.id).select_related("leaf")
    return list(found.order_by("verification_sequence"))


def found():
    order()
    return [
        (one.code, AuditEntry.objects.get(pk=one.entry).type) for one in verify_legality("test")
    ]


def test_money_leaves_by_the_new_consent_that_was_given(api, waited, asked, iin):
    child = asked_anew(api, waited)
    consent(child, asked)
    order()
    assert consume(api, issued_for(api, waited), iin=iin).status_code == 200
    assert found() == []
    course = entries_of(waited)
    issued = next(one for one in course if one.type == "clearance.issued")
    assert issued.body["renewal"]
    decided = next(one for one in course if one.type == "verification.verified")
    for other in (decided.pk, "evt_0"):
        issued.body = {**issued.body, "renewal": other}
        (fault,) = related_cases.verify_related("test", course, forged=())
        assert (fault.code, fault.entry) == ("terms_differ", issued.pk)
    issued.body = {name: said for name, said in issued.body.items() if name != "renewal"}
    assert [fault for _, (fault, _) in faults_of(course)] == ["gates_missing"]


def attested(user, story):
    reviewer = Reviewer(
        person_id=str(user.pk), lender_id=story.lender.pk, known_as=(user.email, user.full_name)
    )
    attesting.attest(verification_id=story.id, reviewer=reviewer, word=WORD)


def test_who_sent_a_later_link_to_the_new_consent_attests_nothing(api, lender, waited, monkeypatch):
    child = asked_anew(api, waited)
    client = desk.at_desk(lender)
    assert client.post(reverse("review:link", args=[child.id])).status_code == 201
    user = desk.who(lender)
    with pytest.raises(Conflict) as caught:
        attested(user, waited)
    assert caught.value.code == "reviewer_sent_link"
    assert (
        client.post(reverse("review:attest", args=[waited.id, WORD.what]), FORM).status_code != 302
    )
    assert not AuditEntry.objects.filter(type="attestation.made").exists()
    # An attacker with the door's key can sign it all the same.
    monkeypatch.setattr("verification.case.votes.part_of", lambda *_, **__: "")
    attested(user, waited)
    assert found() == [("illegal_move", "attestation.made")]


FORM = {"age_confirmation-how": "in_person", "age_confirmation-comment": "signed again here"}


def test_a_new_consent_is_never_to_be_confirmed_at_the_desk(api, lender, waited, asked):
    child = asked_anew(api, waited)
    consent(child, asked)
    order()
    shown = desk.at_desk(lender).post(reverse("review:to_confirm"), {"reference": "A-1"})
    assert [line.row.verification_id for line in shown.context["found"]] == [waited.id]


def test_a_regulator_goes_from_a_loan_to_its_new_consent_and_back(api, waited, asked):
    child = asked_anew(api, waited)
    regulator = rows.signed_in(rows.person("regulator"))
    anew, of = "New consent to this loan", "New consent to the loan of"
    for one, other, words in ((waited, child, anew), (child, waited, of)):
        shown = regulator.get(reverse("oversight:case", args=[one.id])).content.decode()
        assert words in shown
        assert f'<a href="{reverse("oversight:case", args=[other.id])}">{other.id}</a>' in shown


def test_a_new_consent_is_played_by_its_own_scenarios(api, waited, played):
    assert code(simulate(api, waited.id, scenario="verified")) == (409, "illegal_transition")
    renewal = asked_anew(api, waited)
    assert faults(simulate(api, renewal.id, scenario="eds_revoked")) == {
        ("/scenario", "scenario_not_on_route")
    }
    answer = simulate(api, renewal.id, scenario="verified")
    assert (answer.status_code, answer.json()["route"]) == (202, "renewal")
    assert [(play.verification_id, play.routes) for play in played] == [(renewal.id, ("renewal",))]
    # The person and the account are those of the loan.
    assert played[0].subject["iin"]
    assert played[0].account


def test_a_new_consent_that_no_case_asked_for_is_named(api, waited):
    child = asked_anew(api, waited)
    order_all()
    course = entries_of(child)
    assert list(related_cases.verify_related("test", course, forged=())) == []
    course[0].body = {**course[0].body, "renews": child.id}
    (fault,) = related_cases.verify_related("test", course, forged=())
    assert (fault.code, fault.entry) == ("illegal_move", course[0].pk)


# Of a loan that waited, what was said before and after the wait is kept together.


def test_a_renewed_consent_is_kept_as_long_as_the_obligation_that_rests_on_it(
    api, lender, story, asked, iin
):
    report(api, story)
    assert waiting(api, story)[1] == "cooling_off"
    wait_until(clock.now() + DAY)
    assert gate(api, story) == ("refused", "consent_renewal_required")
    renewal = asked_anew(api, story)
    consent(renewal, asked)
    order()
    body = {"status": "opened", "at": clock.now().isoformat()}
    assert api.post(f"/v1/verifications/{story.id}/obligation", body).status_code == 200
    to_last_day(renewal)
    sweep.run_round()
    assert step(renewal)
    row = renewal.row()
    assert (row.redacted_at, row.step) == (None, "purge")
    assert row.due_at is not None
    assert (row.due_at - clock.now()).days in (29, 30)
    reports.report_obligation(
        lender_id=lender.pk, mode="test", verification_id=story.id, status="closed", at=clock.now()
    )
    order()
    until = story.row().kept_until
    turn(24 * 31)
    assert step(renewal)
    assert (renewal.row().redacted_at, renewal.row().due_at) == (None, until)
    purged(story)
    assert step(renewal)
    assert step(renewal)
    assert sealed_rows(story) == sealed_rows(renewal) == set()
    order()
    assert findings() == []


@pytest.mark.parametrize("which", ["the loan's case", "the renewed consent"])
def test_a_withdrawal_concerns_the_loan_and_ends_its_open_renewal(api, waited, asked, iin, which):
    story = waited
    renewal = asked_anew(api, story)
    erasures.withdraw(story.id if which == "the loan's case" else renewal.id)
    renewal.work()
    assert (renewal.row().status, renewal.row().code) == ("canceled", "consent_withdrawn")
    assert story.row().consent_withdrawn_at is not None
    assert code(link(api, story)) == (409, "processing_blocked")
    answer = api.post(f"/v1/verifications/{story.id}/clearances", {"contract_sha256": "c" * 64})
    assert code(answer) == (409, "processing_blocked")
    order()
    is_lawful(story, renewal)


def test_a_given_renewal_that_is_withdrawn_pays_nothing(api, waited, asked, iin):
    story = waited
    renewal = asked_anew(api, story)
    consent(renewal, asked)
    order()
    clearance = api.post(
        f"/v1/verifications/{story.id}/clearances", {"contract_sha256": "c" * 64}
    ).json()
    story.work()
    erasures.withdraw(renewal.id)
    assert code(consume(api, clearance, iin=iin)) == (409, "clearance_frozen")
    order()
    is_lawful(story, renewal)
