"""Which day a contract belongs to, and what many at once make of it."""

from datetime import datetime, timedelta

import pytest

from lenders import keys
from tests.lenders.api import renewing
from tests.lenders.api.renewing import (
    DAY,
    agree,
    asked,
    asked_anew,
    gate,
    half_a_day_ago,
    iin,
    link,
    report,
    story,
    to_renewal,
    verified,
    waited,
)
from tests.lenders.api.test_clearances import code
from tests.lenders.samples import Caller
from tests.verification.stories.story import BORN, in_parallel, wait_until
from verification import clock
from verification.access import hand_over, links
from verification.core import almaty
from verification.core.errors import Conflict
from verification.models import AuditEntry, Verification

__all__ = ["asked", "half_a_day_ago", "iin", "story", "waited"]

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("trusted")]


def test_what_one_person_gets_on_one_day_is_summed(api, lender, issued, story, iin, monkeypatch):
    renewing.go_by(lender, monkeypatch, renewing.OVER_MCI)
    assert report(api, story).status_code == 200
    assert gate(api, story)[0] == "issued"
    second = verified(lender, issued, iin, "B-1")
    assert report(api, second).status_code == 200
    assert gate(api, second) == ("refused", "cooling_off")


def test_before_and_after_midnight_in_almaty_are_two_days(
    api, lender, issued, story, iin, monkeypatch
):
    renewing.go_by(lender, monkeypatch, renewing.OVER_MCI)
    second = verified(lender, issued, iin, "B-1")
    midnight = almaty.begins(almaty.day_of(clock.now()) + timedelta(days=1))
    wait_until(midnight - timedelta(minutes=1))
    assert report(api, story).status_code == 200
    wait_until(midnight + timedelta(minutes=1))
    assert report(api, second).status_code == 200
    assert gate(api, second)[0] == "issued"


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


def test_of_many_links_at_once_all_lead_to_one_new_consent(api, lender, waited):
    secret = keys.issue(lender, mode="test").secret
    found = in_parallel(lambda _: link(Caller(secret), waited).json()["renewal"], 12)
    assert found == [found[0]] * 12
    assert Verification.objects.filter(renews=waited.id).count() == 1
    assert AuditEntry.objects.filter(type="renewal.opened").count() == 1


def test_of_many_reports_at_once_one_is_on_record(api, lender, story):
    secret, at = keys.issue(lender, mode="test").secret, clock.now()
    found = in_parallel(
        lambda number: (
            report(Caller(secret), story, at=at + timedelta(seconds=number % 2)).status_code
        ),
        12,
    )
    assert sorted(found) == [200] * 6 + [409] * 6
    assert AuditEntry.objects.filter(type="contract.reported").count() == 1


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


def test_a_contract_is_reported_until_the_last_moment(api, story):
    wait_until(story.row().finished_at + timedelta(hours=48, seconds=-30))
    assert report(api, story).status_code == 200


def test_the_time_of_the_decision_as_we_tell_it_is_no_time_before_it(
    api, lender, issued, iin, story
):
    second = verified(lender, issued, iin, "B-1")
    of_told = datetime.fromisoformat(api.get(f"/v1/verifications/{story.id}").json()["finished_at"])
    assert of_told.microsecond % 1000 == 0
    assert report(api, story, at=of_told).status_code == 200
    decided = second.row().finished_at
    assert decided is not None
    early = report(api, second, at=decided - timedelta(seconds=1)).json()
    assert early["errors"][0]["code"] == "signed_before_verified"
    assert report(api, second, at=decided.replace(microsecond=0)).status_code == 200


def spend(story):
    """The borrower names a document that is not theirs until no attempt is left."""
    agree(to_renewal(story))
    while story.row().status == "requires_input":
        story.answer(document_number="999999999", **BORN)
        story.work()
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


def test_nobody_is_asked_anew_for_what_was_verified_too_long_ago(api, waited):
    wait_until(waited.row().finished_at + timedelta(hours=72))
    refused = link(api, waited)
    assert (refused.status_code, refused.json()["code"]) == (409, "verification_too_old")
    assert not Verification.objects.filter(renews=waited.id).exists()


def test_nobody_is_asked_anew_whose_money_does_not_wait(api, lender, monkeypatch, story):
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
