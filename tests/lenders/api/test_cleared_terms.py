"""Clearances, new consents and words of employees that the right key signed, and might not; and who
is shown them.
"""

from datetime import timedelta

import pytest
from django.urls import reverse

from tests.lenders.api import renewing
from tests.lenders.api.clearing import clean, consume
from tests.lenders.api.renewing import (
    asked,
    asked_anew,
    consent,
    half_a_day_ago,
    iin,
    report,
    story,
    waited,
)
from tests.verification.log.looks import verify_legality
from tests.verification.oversight import rows
from tests.verification.review import desk
from tests.verification.stories.story import order, wait_until
from verification import clock, transactions
from verification.case import moving
from verification.case.votes import Reviewer
from verification.core.errors import Conflict
from verification.log import related_cases
from verification.log.legality import faults_of
from verification.models import AuditEntry, Clearance, Verification
from verification.review import attesting

__all__ = ["asked", "half_a_day_ago", "iin", "story", "waited"]
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("trusted")]
WORD = attesting.Attestation(what="age_confirmation", how="in_person", comment="signed again here")


def cleared(api, story):
    told = api.post(
        f"/v1/verifications/{story.id}/clearances", {"contract_sha256": "c" * 64}
    ).json()
    story.work()
    return told


def entries_of(story):
    found = AuditEntry.objects.filter(verification_id=story.id).select_related("leaf")
    return list(found.order_by("verification_sequence"))


def found():
    order()
    return [
        (one.code, AuditEntry.objects.get(pk=one.entry).type) for one in verify_legality("test")
    ]


@pytest.mark.forges
def test_money_that_the_doors_key_let_out_too_much_and_too_late(api, lender, monkeypatch, story):
    renewing.go_by(lender, monkeypatch, 50)
    report(api, story)
    told = cleared(api, story)
    wait_until(clock.now() + timedelta(days=20))
    at, amount = clock.now(), 10**12
    with transactions.writing():
        row = Verification.objects.select_for_update().get(pk=story.id)
        moving.record(
            row, "clearance.consumed", at=at, body={"clearance": told["id"], "amount": amount}
        )
        Clearance.objects.filter(pk=told["id"]).update(
            status="consumed", consumed_at=at, amount_tiyn=amount
        )
    assert found() == [
        ("terms_differ", "clearance.consumed"),
        ("illegal_time", "clearance.consumed"),
    ]
    assert clean(story) == []


def test_money_leaves_by_the_new_consent_that_was_given(api, waited, asked, iin):
    child = asked_anew(api, waited)
    consent(child, asked)
    order()
    assert consume(api, cleared(api, waited), iin=iin).status_code == 200
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


def test_who_sent_the_first_link_to_the_new_consent_attests_nothing(api, lender, waited):
    user = desk.reviewer(lender)
    assert (
        api.post(f"/v1/verifications/{waited.id}/link", {"sent_by": user.email}).status_code == 201
    )
    with pytest.raises(Conflict) as caught:
        attested(user, waited)
    assert caught.value.code == "reviewer_sent_link"
    attested(desk.reviewer(lender, 2), waited)
    assert found() == []


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
    # Whoever holds the door's key can sign it all the same.
    monkeypatch.setattr("verification.case.votes.part_of", lambda *_, **__: "")
    attested(user, waited)
    assert found() == [("illegal_move", "attestation.made")]


def test_who_opened_a_new_consent_by_its_entry_is_a_sender(api, waited):
    asked_anew(api, waited)
    attested(desk.reviewer(waited.lender), waited)
    course = entries_of(waited)
    (word,) = (one for one in course if one.type == "attestation.made")
    (opened,) = (one for one in course if one.type == "renewal.opened")
    opened.body = {**opened.body, "person": word.body["person"]}
    assert [fault for _, (fault, _) in faults_of(course)] == ["illegal_move"]


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


def test_a_new_consent_is_counted_apart(api, waited, asked):
    consent(asked_anew(api, waited), asked)
    shown = rows.signed_in(rows.person("regulator")).get(reverse("oversight:counts") + "?mode=test")
    outcome, route, _, anew = shown.context["charts"]
    assert [chart.total for chart in (outcome, route, anew)] == [1, 1, 1]
    assert {one.key: one.total for one in anew.series if one.total} == {"verified": 1}
