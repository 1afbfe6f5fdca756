"""People decide what the checks left to them: two pass, one refuses, in time and for their own
lender.
"""

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from lenders.resources import events, verifications
from tests.verification.borrower.visits import NOW, browser, text
from tests.verification.stories.insecure_glance import (
    REASON,
    entries,
    glanced,
    judged,
    people,
    see,
    voted,
)
from tests.verification.stories.insecure_glance import glances as glances
from tests.verification.stories.story import OTHER_IIN, decisions, lender, swept, wait_until
from verification.access import openings
from verification.case import contents
from verification.case.voters import Reviewer
from verification.core.errors import BadInput, Conflict, NotFound
from verification.evidence import store
from verification.log import sequencer
from verification.models import Attempt, AuditEntry, EvidenceItem
from verification.oversight import case_file
from verification.review.voting import ends_at, review

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("glances")]


# What a review does


def test_a_pass_at_the_last_stage_of_what_suffices_verifies():
    story = glanced("clear", "grey", profile="KZ-2021-04")
    assert story.row().status == "in_review"
    assert voted(story) == "verified"
    assert (story.row().status, story.row().code, decisions(story)) == ("verified", "", 1)
    assert story.row().passed_routes == ["eds"]
    assert (judged(story).status, judged(story).code, judged(story).burnt) == ("passed", "", False)


def test_a_pass_goes_on_with_the_next_stage_which_sees_the_evidence():
    story = glanced("grey", profile="KZ-2021-04")
    assert voted(story) == "requires_input"
    assert story.page().page == "question"
    see(story, "clear")
    assert story.row().status == "verified"


def test_a_pass_goes_on_with_the_next_route_of_the_combination_and_alone_verifies_nothing():
    story = glanced("clear", "grey")
    assert voted(story) == "requires_input"
    row = story.row()
    assert (row.route, row.stage, row.passed_routes, decisions(story)) == (
        "biometric",
        "glance",
        ["eds"],
        0,
    )
    see(story, "clear")
    see(story, "grey")
    assert voted(story) == "verified"
    assert story.row().passed_routes == ["eds", "biometric"]


def test_one_fail_declines_and_burns():
    story = glanced("grey")
    assert voted(story, passes=False, reviewers=people(story, 1)) == "declined"
    assert (story.row().status, story.row().code, decisions(story)) == (
        "declined",
        "review_refused",
        1,
    )
    assert (judged(story).status, judged(story).code, judged(story).burnt) == (
        "failed",
        "review_refused",
        True,
    )


def test_a_refusal_counts_among_the_borrowers_tries_of_the_day():
    of = lender()
    for number in range(3):
        story = glanced("grey", of=of, reference=f"A-{number}")
        voted(story, passes=False)
    assert glanced(of=of, reference="A-9").row().code == "attempts_exhausted"


# What stays on record


def test_each_vote_is_one_entry_by_id_and_the_reason_is_sealed_evidence_only():
    story = glanced("grey")
    voted(story)
    attempt = Attempt.objects.get(verification_id=story.id, stage="glance")
    item = EvidenceItem.objects.get(attempt=attempt, kind="review.reason.1")
    votes = [
        (entry.body["person"], entry.body["outcome"]) for entry in entries(story, "review.voted")
    ]
    assert votes == [("usr_0", "passed"), ("usr_1", "passed")]
    kept = [one for entry in entries(story, "evidence.kept") for one in entry.body["evidence"]]
    assert store.leaf_list([item])[0] in kept
    assert store.opening(contents.key_of(story.row()), item).plain.decode() == REASON
    assert not any(
        "scar" in str(body) for body in AuditEntry.objects.values_list("body", flat=True)
    )


@pytest.mark.parametrize("passes", [True, False])
def test_the_log_and_the_rows_agree_after_a_review_and_not_after_a_change(passes):
    story = glanced("clear", "grey")
    voted(story, passes=passes)
    sequencer.order("test")
    call_command("audit_verify")
    Attempt.objects.filter(status="passed" if passes else "failed", stage="nod").update(
        status="review"
    )
    with pytest.raises(CommandError, match="not what was signed"):
        call_command("audit_verify")


def test_a_lender_is_told_of_the_review_and_the_decision_but_not_of_the_votes():
    story = glanced("clear", "grey", profile="KZ-2021-04")
    voted(story)
    sequencer.order("test")
    told = [
        event.type for event in events.events_after(lender_id=story.lender.pk, mode="test").data
    ]
    assert told[-2:] == ["verification.in_review", "verification.verified"]
    assert not {"review.voted", "attempt.reviewed"} & set(told)


def test_the_regulator_sees_votes_attempt_and_evidence_but_no_reason():
    story = glanced("grey")
    voted(story)
    file = case_file.case_file(person_id="usr_9", verification_id=story.id)
    assert [step.body["person"] for step in file.steps if step.type == "review.voted"] == [
        "usr_0",
        "usr_1",
    ]
    assert "review.reason.1" in [item.kind for item in file.evidence]
    assert "scar" not in str(file)


# Who, and with what words


@pytest.mark.parametrize(
    ("passes", "ids", "code"),
    [
        (True, ("usr_1",), "reviewers_too_few"),
        (True, (), "reviewers_too_few"),
        (False, (), "reviewers_too_few"),
        (True, ("usr_1", "usr_1"), "reviewer_repeated"),
        (True, ("usr_1", "usr_2", "usr_1"), "reviewer_repeated"),
    ],
)
def test_a_pass_needs_two_different_people_and_a_fail_one(passes, ids, code):
    story = glanced("grey")
    reviewers = [Reviewer(person_id=one, lender_id=story.lender.pk) for one in ids]
    with pytest.raises(BadInput) as caught:
        voted(story, passes=passes, reviewers=reviewers)
    assert (caught.value.code, story.row().status) == (code, "in_review")


@pytest.mark.parametrize(
    ("reason", "is_good"),
    [
        ("x" * 9, False),
        ("x" * 10, True),
        ("x" * 500, True),
        ("x" * 501, False),
        (f"{'x' * 9}    ", False),
        (" " * 20, False),
        ("two lines\nof a reason", False),
        ("a bell \x07 in a reason", False),
        ("  себебі: суреті анық емес \n", True),
    ],
)
def test_a_reason_has_10_to_500_printable_characters(reason, is_good):
    story = glanced("grey")
    if is_good:
        assert voted(story, passes=False, reason=reason) == "declined"
        return
    with pytest.raises(BadInput, match="a reason has") as caught:
        voted(story, reason=reason)
    assert (caught.value.code, story.row().status) == ("reason_malformed", "in_review")


def test_people_of_another_lender_find_no_such_verification():
    story = glanced("grey")
    own, other = (
        people(story)[0],
        Reviewer(person_id="usr_9", lender_id=lender("Other", number=500).pk),
    )
    for reviewers in ([own, other], [Reviewer(person_id="usr_8", lender_id="")]):
        with pytest.raises(NotFound):
            voted(story, passes=False, reviewers=reviewers)
    with pytest.raises(NotFound):
        review(verification_id="ver_none", passes=False, reviewers=[own], reason=REASON)
    assert story.row().status == "in_review"


# When


def test_only_what_is_in_review_can_be_reviewed():
    open_one = glanced(reference="A-1")
    with pytest.raises(Conflict, match="not in review") as caught:
        voted(open_one)
    assert caught.value.code == "not_in_review"
    done = glanced("grey", of=open_one.lender, reference="A-2", iin=OTHER_IIN)
    voted(done, passes=False)
    count = AuditEntry.objects.count()
    for passes in (True, False):
        with pytest.raises(Conflict, match="not in review"):
            voted(done, passes=passes)
    assert (AuditEntry.objects.count(), decisions(done)) == (count, 1)


@pytest.mark.parametrize("is_swept", [False, True])
@pytest.mark.parametrize("passes", [False, True])
def test_a_late_review_writes_nothing_and_the_case_expires(is_swept, passes):
    story = glanced("grey")
    wait_until(ends_at(story.row()))
    if is_swept:
        swept()
    count = AuditEntry.objects.filter(verification_id=story.id).count()
    with pytest.raises(Conflict) as caught:
        voted(story, passes=passes)
    assert caught.value.code == ("not_in_review" if is_swept else "review_timeout")
    assert AuditEntry.objects.filter(verification_id=story.id).count() == count
    swept()
    assert (story.row().status, story.row().code, decisions(story)) == (
        "expired",
        "review_timeout",
        1,
    )


def test_a_canceled_case_cannot_be_reviewed():
    story = glanced("grey")
    openings.cancel(lender_id=story.lender.pk, mode="test", verification_id=story.id)
    with pytest.raises(Conflict, match="not in review"):
        voted(story)


# What others are shown


def test_the_borrower_and_the_lender_see_a_review_and_no_question():
    story = glanced("grey")
    answer = verifications.read(lender_id=story.lender.pk, mode="test", verification_id=story.id)
    assert (answer["status"], answer["code"], answer["next_action"]) == (
        "in_review",
        "face_review",
        None,
    )
    assert (story.page().status, story.page().code) == ("in_review", "face_review")


@pytest.mark.parametrize(
    ("language", "hours"), [("ru", "24 часов"), ("kk", "24 сағат"), ("en", "24 hours")]
)
def test_the_borrowers_page_says_that_people_look_and_not_that_it_is_over(language, hours):
    client = browser(glanced("grey"))
    client.cookies["django_language"] = language
    shown = text(client.get(NOW))
    title = shown[shown.index("<title>") : shown.index("</title>")]
    assert hours in shown
    assert shown[shown.index("<h1>") + 4 : shown.index("</h1>")] in title
