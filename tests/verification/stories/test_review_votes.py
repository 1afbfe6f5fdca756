"""Votes given one by one: the second pass of another person counts, one fail ends it, who had a
part has no vote.
"""

import threading
from dataclasses import replace

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from tests.verification.checks_on_record import write_over
from tests.verification.stories.insecure_glance import (
    REASON,
    entries,
    glanced,
    judged,
    one_voted,
    people,
    see,
    voted,
)
from tests.verification.stories.insecure_glance import glances as glances
from tests.verification.stories.story import decisions, in_parallel, lender, opening
from verification.access import links, openings
from verification.case import contents, moving, policy
from verification.case.votes import Reviewer
from verification.core.errors import BadInput, Conflict, NotFound
from verification.core.lender import LenderFacts
from verification.evidence import store
from verification.log import sequencer
from verification.models import Attempt, AuditEntry, EvidenceItem, ReviewVote, Verification
from verification.review import desk

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("glances")]


def refused(story, **how):
    """The code a vote is refused with; nothing may have been written."""
    before = (
        AuditEntry.objects.count(),
        ReviewVote.objects.count(),
        EvidenceItem.objects.count(),
        story.row().status,
    )
    with pytest.raises(Conflict) as caught:
        one_voted(story, **how)
    after = (
        AuditEntry.objects.count(),
        ReviewVote.objects.count(),
        EvidenceItem.objects.count(),
        story.row().status,
    )
    assert after == before
    return caught.value.code


def reasons(story):
    items = EvidenceItem.objects.filter(verification_id=story.id, kind__startswith="review.reason")
    key = contents.key_of(story.row())
    return {item.kind: store.opening(key, item).plain.decode() for item in items}


def test_one_pass_stands_and_the_second_of_another_person_verifies():
    story = glanced("clear", "grey", profile="KZ-2021-04")
    assert one_voted(story, reason="the ears are the same") == "in_review"
    assert (story.row().status, judged(story).status, decisions(story)) == (
        "in_review",
        "review",
        0,
    )
    assert one_voted(story, person="usr_1", reason="the same mole on the chin") == "verified"
    assert (story.row().status, judged(story).status, decisions(story)) == ("verified", "passed", 1)
    votes = [
        (entry.body["person"], entry.body["outcome"]) for entry in entries(story, "review.voted")
    ]
    assert votes == [("usr_0", "passed"), ("usr_1", "passed")]
    assert len(entries(story, "attempt.reviewed")) == 1
    said = {
        "review.reason.1": "the ears are the same",
        "review.reason.2": "the same mole on the chin",
    }
    assert reasons(story) == said
    assert not any(
        word in str(list(AuditEntry.objects.values_list("body", flat=True)))
        for word in ("ears", "mole")
    )


@pytest.mark.parametrize("before", [0, 1])
def test_one_fail_refuses_whether_or_not_a_pass_stands(before):
    story = glanced("grey")
    if before:
        one_voted(story)
    assert one_voted(story, person="usr_1", passes=False) == "declined"
    assert (story.row().code, judged(story).burnt) == ("review_refused", True)
    assert ReviewVote.objects.count() == before + 1


def test_nobody_votes_twice_on_an_attempt():
    story = glanced("grey")
    one_voted(story)
    for passes in (True, False):
        assert refused(story, passes=passes) == "already_voted"
    attempt = judged(story)
    with pytest.raises(IntegrityError), transaction.atomic():
        ReviewVote.objects.create(
            attempt=attempt, person="usr_0", passes=True, created_at=timezone.now()
        )


def test_the_same_people_may_vote_when_the_case_comes_to_them_again():
    story = glanced("grey", profile="KZ-2021-04")
    one_voted(story)
    one_voted(story, person="usr_1")
    see(story, "grey")
    assert story.row().status == "in_review"
    assert one_voted(story) == "in_review"
    assert one_voted(story, person="usr_1") == "verified"


def test_what_the_command_enters_counts_with_the_vote_that_stands_and_no_vote_is_entered_twice():
    story = glanced("clear", "grey", profile="KZ-2021-04")
    one_voted(story, person="usr_0")
    with pytest.raises(Conflict, match="may not vote"):
        voted(story)
    others = [Reviewer(person_id=f"usr_{n}", lender_id=story.lender.pk) for n in (1, 2)]
    assert voted(story, reviewers=others) == "verified"
    assert ReviewVote.objects.count() == 3


@pytest.mark.forges
def test_a_single_vote_is_held_to_everything_that_a_common_word_is():
    story = glanced("grey")
    with pytest.raises(BadInput, match="a reason has"):
        one_voted(story, reason="too short")
    with pytest.raises(NotFound):
        one_voted(replace(story, lender=lender("Other", number=500)))
    write_over(judged(story), "glance.told", outcome="fail", code="bad_answer")
    assert refused(story) == "not_reviewable"


def test_after_the_day_nobody_votes(monkeypatch):
    story = glanced("grey")
    one_voted(story)
    monkeypatch.setattr(policy, "REVIEW_SECONDS", -1)
    assert refused(story, person="usr_1") == "review_timeout"


# Who had a part in the case


@pytest.mark.parametrize("passes", [True, False])
def test_whoever_sent_a_link_has_no_vote_and_others_have(passes):
    story = glanced()
    sender = people(story)[0]
    desk.send_link(reviewer=sender, verification_id=story.id)
    assert [entry.body.get("person") for entry in entries(story, "link.minted")] == ["usr_0"]
    see(story, "grey")
    assert refused(story, passes=passes) == "reviewer_sent_link"
    with pytest.raises(Conflict, match="may not vote"):
        voted(story, reviewers=people(story))
    assert one_voted(story, person="usr_1") == "in_review"


def test_whom_the_lenders_machine_names_as_the_sender_has_no_vote():
    story = glanced()
    links.mint(
        lender_id=story.lender.pk,
        mode="test",
        verification_id=story.id,
        sent_by="asel@lender.example",
    )
    see(story, "grey")
    assert refused(story, known_as=("asel@lender.example",)) == "reviewer_sent_link"
    assert one_voted(story, known_as=("ivan@lender.example",)) == "in_review"


def test_a_link_that_the_lenders_machine_made_takes_nobodys_vote():
    story = glanced()
    links.mint(lender_id=story.lender.pk, mode="test", verification_id=story.id)
    see(story, "grey")
    assert one_voted(story) == "in_review"


@pytest.mark.parametrize(
    ("opened_by", "has_vote"),
    [
        ("asel@lender.example", False),
        (" Asel@Lender.example ", False),
        ("АСЕЛЬ  Омарова", False),
        ("Аи\u0306гуль Омарова", False),  # the letter and its breve typed apart
        ("usr_0", False),
        ("office 12", True),
        ("", True),
    ],
)
def test_whoever_opened_the_case_for_the_lender_has_no_vote(opened_by, has_vote):
    of = lender()
    facts = LenderFacts(id=of.pk, name=of.name, bin=of.bin, phone=of.phone)
    given = replace(opening("A-1"), opened_by=opened_by)
    opened = openings.open_verification(
        lender=facts, mode="test", profile_id="KZ-2025-01", opening=given
    )
    story = glanced("grey", of=of, reference="A-1")
    assert story.id == opened.verification_id
    known_as = ("asel@lender.example", "Асель Омарова", "Айгуль Омарова", "")
    if has_vote:
        assert one_voted(story, known_as=known_as) == "in_review"
    else:
        assert refused(story, known_as=known_as) == "reviewer_opened_case"


def test_whoever_opened_it_again_and_got_its_link_has_no_vote_either():
    of = lender()
    facts = LenderFacts(id=of.pk, name=of.name, bin=of.bin, phone=of.phone)
    for name in ("office 12", "asel@lender.example", ""):
        given = replace(opening("A-1"), opened_by=name)
        openings.open_verification(
            lender=facts, mode="test", profile_id="KZ-2025-01", opening=given
        )
    story = glanced("grey", of=of, reference="A-1")
    assert refused(story, known_as=(" Asel@Lender.example",)) == "reviewer_sent_link"
    assert "asel" not in str(list(AuditEntry.objects.values_list("body", flat=True)))
    assert one_voted(story, person="usr_1", known_as=("ivan@lender.example", "")) == "in_review"


def test_no_link_is_sent_in_review_by_another_lender_or_after_the_end():
    story = glanced()
    foreign = Reviewer(person_id="usr_9", lender_id=lender("Other", number=500).pk)
    with pytest.raises(NotFound):
        desk.send_link(reviewer=foreign, verification_id=story.id)
    see(story, "grey")
    for status in ("in_review", "declined"):
        assert story.row().status == status
        with pytest.raises(Conflict) as caught:
            desk.send_link(reviewer=people(story)[0], verification_id=story.id)
        assert caught.value.code == "illegal_transition"
        if status == "in_review":
            one_voted(story, passes=False)


# What stays on record


def test_the_log_and_the_votes_agree_and_not_after_a_vote_was_slipped_in():
    story = glanced("grey")
    one_voted(story)
    sequencer.order("test")
    call_command("audit_verify")
    ReviewVote.objects.create(
        attempt=judged(story), person="usr_9", passes=True, created_at=timezone.now()
    )
    with pytest.raises(CommandError, match="not what was signed"):
        call_command("audit_verify")


# At the same time


@pytest.mark.service
def test_of_two_second_votes_at_once_exactly_one_completes():
    for number in range(5):
        story = glanced("clear", "grey", of=lender(number=number * 20 + 1), profile="KZ-2021-04")
        one_voted(story)
        barrier = threading.Barrier(2)

        def vote(which, story=story, barrier=barrier):
            barrier.wait()
            try:
                return one_voted(story, person=f"usr_{which + 1}", reason=f"{REASON} {which}")
            except Conflict as error:
                return error.code

        assert sorted(in_parallel(vote, 2)) == ["not_in_review", "verified"]
        assert (decisions(story), len(entries(story, "attempt.reviewed"))) == (1, 1)
        assert (
            len(entries(story, "review.voted"))
            == ReviewVote.objects.filter(attempt=judged(story)).count()
            == 2
        )


@pytest.mark.service
def test_of_one_persons_votes_at_once_one_stands():
    story = glanced("clear", "grey", profile="KZ-2021-04")
    barrier = threading.Barrier(8)

    def vote(_):
        barrier.wait()
        try:
            return one_voted(story)
        except Conflict as error:
            return error.code

    assert sorted(in_parallel(vote, 8)) == [*["already_voted"] * 7, "in_review"]
    assert Verification.objects.get(pk=story.id).status == "in_review"
    assert Attempt.objects.filter(status="passed", stage="nod").count() == 0


def _until_another_waits_for_us():
    with connection.cursor() as cursor:
        for _ in range(100_000):
            cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
            if cursor.fetchone() != (0,):
                return
    raise AssertionError("nobody waits")


@pytest.mark.service
@pytest.mark.forges
def test_no_link_is_sent_while_the_case_comes_to_the_reviewers():
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has one writer and no row locks")
    story, is_held = glanced(), threading.Event()

    def act(which):
        if which == 0:
            with transaction.atomic():
                row = Verification.objects.select_for_update().get(pk=story.id)
                is_held.set()
                _until_another_waits_for_us()
                moving.write(row, status="in_review", in_review_since=timezone.now())
            return "in_review"
        is_held.wait()
        try:
            return desk.send_link(reviewer=people(story)[0], verification_id=story.id)
        except Conflict as error:
            return error.code

    assert in_parallel(act, 2) == ["in_review", "illegal_transition"]
    assert not AuditEntry.objects.filter(type="link.minted", body__person="usr_0").exists()
