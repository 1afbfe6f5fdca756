"""Where fewer than two people could vote, what checks leave to people fails at once, unburnt."""

import base64
import json
from dataclasses import replace

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from lenders.resources import events, verifications
from tests.verification.borrower.visits import NOW, browser, text
from tests.verification.stories import reviewers
from tests.verification.stories.insecure_glance import entries, glanced, judged, see
from tests.verification.stories.insecure_glance import glances as glances
from tests.verification.stories.story import (
    OTHER_IIN,
    Story,
    decisions,
    lender,
    opening,
    order,
    swept,
    wait_until,
)
from verification.access import links, openings
from verification.core.lender import LenderFacts
from verification.models import Attempt, Receipt
from verification.review.voting import ends_at
from verification.stages.confirmation.policy import CONSENT_CURRENT as CURRENT

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("glances")]

IN_VAIN = ("failed", "review_unavailable")


def stands(story):
    return story.row().status, story.row().code


def alone(*, number=2):
    """A lender of whose two people so many have left."""
    employer = lender()
    reviewers.leave(employer, number=number)
    return employer


def events_of(story):
    order()
    return [
        event.type for event in events.events_after(lender_id=story.lender.pk, mode="test").data
    ]


@pytest.mark.parametrize("number", [0, 1])
def test_with_fewer_than_two_it_fails_at_once_and_no_review_was_told(number):
    story = glanced("grey", of=alone(number=2 - number))
    assert (*stands(story), decisions(story)) == (*IN_VAIN, 1)
    assert events_of(story) == ["verification.created", "verification.failed"]
    assert story.row().in_review_since is None


def test_with_two_it_waits_for_them():
    story = glanced("grey", of=lender())
    assert stands(story) == ("in_review", "face_review")


def test_it_costs_no_attempt_and_the_log_says_why():
    story = glanced("grey", of=alone())
    assert (judged(story).status, judged(story).code, judged(story).burnt) == (
        "review",
        "face_review",
        False,
    )
    bodies = [
        (one.type, one.body["code"])
        for one in entries(story, "attempt.judged", "verification.failed")
    ][-2:]
    assert bodies == [
        ("attempt.judged", "face_review"),
        ("verification.failed", "review_unavailable"),
    ]
    assert entries(story, "attempt.judged")[-1].body["burnt"] is False
    assert entries(story, "verification.failed")[0].body["cause"] == "face_review"


def test_whoever_was_left_to_nobody_three_times_may_still_try():
    employer = alone()
    for number in range(3):
        assert stands(glanced("grey", of=employer, reference=f"A-{number}")) == IN_VAIN
    last = glanced(of=employer, reference="A-9", profile="KZ-2021-04")
    see(last, "clear")
    see(last, "clear")
    assert last.row().status == "verified"


def test_the_log_holds_it_for_lawful_and_its_rows_for_those_of_the_log():
    story = glanced("clear", "grey", of=alone())
    assert stands(story) == IN_VAIN
    order()
    call_command("audit_verify")
    Attempt.objects.filter(verification_id=story.id, status="review").update(burnt=True)
    with pytest.raises(CommandError, match="not what was signed"):
        call_command("audit_verify")


def test_its_receipt_says_what_its_lender_reads():
    story = glanced("grey", of=alone())
    order()
    answer = verifications.read(lender_id=story.lender.pk, mode="test", verification_id=story.id)
    payload = Receipt.objects.get(verification_id=story.id).jws.split(".")[1]
    receipt = json.loads(base64.urlsafe_b64decode(payload + "=="))
    assert (receipt["status"], receipt["code"]) == (answer["status"], answer["code"]) == IN_VAIN
    assert [one["outcome"] for one in receipt["attempts"]][-1] == "review"


def test_what_needs_no_people_goes_on_as_before():
    employer = alone()
    assert glanced("clear", "clear", of=employer, profile="KZ-2021-04").row().status == "verified"
    refused = glanced("wrong", of=employer, reference="A-2", iin=OTHER_IIN)
    assert (refused.row().status, refused.row().last_failure) == ("requires_input", "face_mismatch")
    assert Attempt.objects.filter(
        verification_id=refused.id, code="face_mismatch", burnt=True
    ).exists()


# Who counts


def opened_by(employer, name):
    facts = LenderFacts(id=employer.pk, name=employer.name, bin=employer.bin, phone=employer.phone)
    request = replace(opening("A-1"), opened_by=name)
    opened = openings.open_verification(
        lender=facts, mode="test", profile_id="KZ-2025-01", opening=request
    )
    return Story(employer, opened.verification_id, opened.token)


def at_glance(story):
    story.answer(agreed=True, version=CURRENT, language="ru")
    story.work()
    return story


def test_whoever_opened_the_case_is_not_among_the_two():
    employer = lender()
    story = at_glance(opened_by(employer, "reviewer  1"))
    see(story, "grey")
    assert stands(story) == IN_VAIN


def test_whoever_sent_its_link_is_not_among_the_two():
    employer = lender()
    story = glanced(of=employer)
    links.mint(lender_id=employer.pk, mode="test", verification_id=story.id, sent_by="Reviewer 0")
    see(story, "grey")
    assert stands(story) == IN_VAIN
    other = glanced(of=employer, reference="A-2", iin=OTHER_IIN)
    see(other, "grey")
    assert other.row().status == "in_review"


def test_nobody_of_another_lender_counts():
    employer, second = alone(), lender("Other", number=500)
    assert stands(glanced("grey", of=employer)) == IN_VAIN
    assert glanced("grey", of=second, reference="A-2").row().status == "in_review"


# Later


def test_whoever_comes_later_cannot_take_it_back():
    story = glanced("grey", of=alone())
    reviewers.come_back(story.lender)
    story.work()
    swept()
    assert stands(story) == IN_VAIN


def test_what_becomes_impossible_later_runs_out_as_before():
    story = glanced("grey")
    reviewers.leave(story.lender)
    story.work()
    assert story.row().status == "in_review"
    wait_until(ends_at(story.row()))
    swept()
    assert stands(story) == ("expired", "review_timeout")


def test_the_borrower_reads_that_it_is_not_their_fault_and_did_not_count():
    story = glanced(of=alone())
    client = browser(story)
    see(story, "grey")
    html = text(client.get(NOW))
    assert "Проверку не удалось завершить" in html
    assert "эта попытка не считается" in html
