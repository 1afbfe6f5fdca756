"""A worker alone ends a verification, by checks or after people voted or attested."""

import re
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.models import Q
from django.utils import timezone

from lenders.resources import events
from tests import registered
from tests.verification.borrower.visits import NOW, browser, text
from tests.verification.checks_on_record import take_away, write_over
from tests.verification.log import owned_web
from tests.verification.log.judged import erase, findings, verify_legality
from tests.verification.log.rows import order_all, slip_in, tamper
from tests.verification.stories import reviewers
from tests.verification.stories.attesting_story import (
    CONFIRMED,
    LAW,
    attested,
    cleared,
    gates,
    paid,
    verified,
    visited,
)
from tests.verification.stories.conftest import Issued
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
from tests.verification.stories.story import (
    IIN,
    OTHER_IIN,
    Story,
    begin,
    decisions,
    in_parallel,
    later,
    lender,
    make_due,
    opening,
    order,
    signed,
    swept,
    verified_at_second_try,
    wait_until,
)
from verification import clock, tasks
from verification.access import answers, links, openings
from verification.case import contents, dossier, moving, policy, steps
from verification.case.moving import read
from verification.case.votes import Reviewer
from verification.core import almaty, profiles
from verification.core.errors import BadInput, Conflict, Misconfigured, NotFound
from verification.core.lender import LenderFacts
from verification.evidence import store, vault
from verification.models import (
    Attempt,
    AuditEntry,
    AuditPending,
    EvidenceItem,
    ReviewVote,
    Verification,
)
from verification.oversight import case_file
from verification.review import desk, voting
from verification.review.voting import ends_at, vote
from verification.stages.confirmation.policy import CONSENT_CURRENT as CURRENT
from verification.worker import sweep

pytestmark = pytest.mark.django_db(transaction=True)


# People decide what the checks left to them: two pass, one refuses, in time, for their lender.


@pytest.fixture
def story():
    """A case whose first stage is left to people."""
    return glanced("grey")


@pytest.mark.usefixtures("glances")
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


@pytest.mark.usefixtures("glances")
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
def test_a_reason_has_10_to_500_printable_characters(reason, is_good, story):
    if is_good:
        assert voted(story, passes=False, reason=reason) == "declined"
        return
    with pytest.raises(BadInput, match="a reason has") as caught:
        voted(story, reason=reason)
    assert (caught.value.code, story.row().status) == ("reason_malformed", "in_review")


@pytest.mark.usefixtures("glances")
def test_only_what_is_in_review_can_be_reviewed():
    asked = glanced(reference="A-1")
    declined = glanced("grey", of=asked.lender, reference="A-2", iin=OTHER_IIN)
    voted(declined, passes=False)
    canceled = glanced("grey", of=lender("Other", number=500))
    canceled.cancel()
    entries_before = AuditEntry.objects.count()
    for story, passes in product((asked, declined, canceled), (True, False)):
        with pytest.raises(Conflict) as caught:
            voted(story, passes=passes)
        assert caught.value.code == "not_in_review"
    assert AuditEntry.objects.count() == entries_before


@pytest.mark.usefixtures("glances")
@pytest.mark.parametrize(("is_swept", "passes"), [(False, True), (True, False)])
def test_a_late_review_writes_nothing_and_the_case_expires(is_swept, passes, story):
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


@pytest.mark.usefixtures("glances")
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


# Votes given one by one: the second pass of another person counts, one fail ends it, who had a
# part has no vote.


def written(story):
    """How much is on record, and how the case stands."""
    rows = (AuditEntry, ReviewVote, EvidenceItem)
    return [model.objects.count() for model in rows], story.row().status


def refused(story, **how):
    """The code that a vote is refused with; nothing is written."""
    registered.reviewer(how.get("person", "usr_0"), story.lender)
    before = written(story)
    with pytest.raises(Conflict) as caught:
        one_voted(story, **how)
    assert written(story) == before
    return caught.value.code


@pytest.mark.usefixtures("glances")
def test_one_pass_stands_and_the_second_of_another_person_verifies():
    story = glanced("clear", "grey", profile="KZ-2021-04")
    said = {"review.reason.1": "the ears are the same", "review.reason.2": "a mole on the chin"}
    assert one_voted(story, reason=said["review.reason.1"]) == "in_review"
    assert (judged(story).status, decisions(story)) == ("review", 0)
    assert one_voted(story, person="usr_1", reason=said["review.reason.2"]) == "verified"
    assert (story.row().code, story.row().passed_routes) == ("", ["eds"])
    assert (judged(story).status, judged(story).burnt, decisions(story)) == ("passed", False, 1)
    votes = [(vote.body["person"], vote.body["outcome"]) for vote in entries(story, "review.voted")]
    assert votes == [("usr_0", "passed"), ("usr_1", "passed")]
    assert len(entries(story, "attempt.reviewed")) == 1
    # A reason is sealed evidence: it is in no entry, and the regulator's case file names it alone.
    items = EvidenceItem.objects.filter(verification_id=story.id, kind__startswith="review.reason")
    key = contents.key_of(story.row())
    assert {item.kind: store.opening(key, item).plain.decode() for item in items} == said
    file = case_file.case_file(person_id="usr_9", verification_id=story.id)
    assert said.keys() <= {item.kind for item in file.evidence}
    assert [step.body["person"] for step in file.steps if step.type == "review.voted"] == [
        "usr_0",
        "usr_1",
    ]
    shown = str(file) + str(list(AuditEntry.objects.values_list("body", flat=True)))
    assert not [reason for reason in said.values() if reason in shown]
    told = events.events_after(lender_id=story.lender.pk, mode="test").data
    assert [event.type for event in told][-2:] == [
        "verification.in_review",
        "verification.verified",
    ]


@pytest.mark.usefixtures("glances")
@pytest.mark.parametrize("before", [0, 1])
def test_one_fail_refuses_whether_or_not_a_pass_stands(before, story):
    if before:
        one_voted(story)
    assert one_voted(story, person="usr_1", passes=False) == "declined"
    assert (story.row().code, judged(story).burnt) == ("review_refused", True)
    assert ReviewVote.objects.count() == before + 1


@pytest.mark.usefixtures("glances")
def test_a_person_votes_once_on_an_attempt(story):
    one_voted(story)
    for passes in (True, False):
        assert refused(story, passes=passes) == "already_voted"
    attempt = judged(story)
    with pytest.raises(IntegrityError), transaction.atomic():
        ReviewVote.objects.create(
            attempt=attempt, person="usr_0", passes=True, created_at=timezone.now()
        )


@pytest.mark.usefixtures("glances")
def test_the_same_people_may_vote_when_the_case_comes_to_them_again():
    story = glanced("grey", profile="KZ-2021-04")
    one_voted(story)
    one_voted(story, person="usr_1")
    see(story, "grey")
    assert story.row().status == "in_review"
    assert one_voted(story) == "in_review"
    assert one_voted(story, person="usr_1") == "verified"


@pytest.mark.usefixtures("glances")
def test_a_vote_after_one_that_stands_decides_and_no_person_votes_twice():
    story = glanced("clear", "grey", profile="KZ-2021-04")
    one_voted(story, person="usr_0")
    with pytest.raises(Conflict, match="may not vote"):
        one_voted(story, person="usr_0")
    assert one_voted(story, person="usr_1") == "verified"
    assert ReviewVote.objects.count() == 2


@pytest.mark.usefixtures("glances")
@pytest.mark.forges
def test_a_vote_needs_a_reason_a_case_of_its_lender_and_a_question_for_people(story):
    with pytest.raises(BadInput, match="a reason has"):
        one_voted(story, reason="too short")
    with pytest.raises(NotFound):
        one_voted(replace(story, lender=lender("Other", number=500)))
    write_over(judged(story), "glance.told", outcome="fail", code="bad_answer")
    assert refused(story) == "not_reviewable"


@pytest.mark.usefixtures("glances")
@pytest.mark.parametrize("passes", [True, False])
def test_the_sender_of_a_link_has_no_vote_and_others_have(passes):
    story = glanced()
    sender = people(story)[0]
    desk.send_link(reviewer=sender, verification_id=story.id)
    assert [entry.body.get("person") for entry in entries(story, "link.minted")] == ["usr_0"]
    see(story, "grey")
    assert refused(story, passes=passes) == "reviewer_sent_link"
    with pytest.raises(Conflict, match="may not vote"):
        voted(story, reviewers=people(story))
    assert one_voted(story, person="usr_1") == "in_review"


@pytest.mark.usefixtures("glances")
@pytest.mark.parametrize(
    ("sent_by", "code"),
    [("asel@lender.example", "reviewer_sent_link"), ("ivan@lender.example", ""), ("", "")],
)
def test_the_sender_of_a_link_named_by_the_lenders_machine_has_no_vote(sent_by, code):
    story = glanced()
    links.mint(lender_id=story.lender.pk, mode="test", verification_id=story.id, sent_by=sent_by)
    see(story, "grey")
    known_as = ("asel@lender.example",)
    if code:
        assert refused(story, known_as=known_as) == code
    else:
        assert one_voted(story, known_as=known_as) == "in_review"


@pytest.mark.usefixtures("glances")
@pytest.mark.parametrize(
    ("openers", "code"),
    [
        (["asel@lender.example"], "reviewer_opened_case"),
        ([" Asel@Lender.example "], "reviewer_opened_case"),
        (["АСЕЛЬ  Омарова"], "reviewer_opened_case"),
        (["Аи\u0306гуль Омарова"], "reviewer_opened_case"),  # letter and breve typed apart
        (["usr_0"], "reviewer_opened_case"),
        (["office 12"], ""),
        ([""], ""),
        # Each further opening of the case gives its opener a link.
        (["office 12", "asel@lender.example", ""], "reviewer_sent_link"),
    ],
)
def test_the_opener_of_a_case_has_no_vote(openers, code):
    of = lender()
    facts = LenderFacts(id=of.pk, name=of.name, bin=of.bin, phone=of.phone)
    for name in openers:
        openings.open_verification(
            lender=facts,
            mode="test",
            profile_id="KZ-2025-01",
            opening=replace(opening("A-1"), opened_by=name),
        )
    story = glanced("grey", of=of, reference="A-1")
    known_as = ("asel@lender.example", "Асель Омарова", "Айгуль Омарова", "")
    if code:
        assert refused(story, known_as=known_as) == code
    else:
        assert one_voted(story, known_as=known_as) == "in_review"
    assert "asel" not in str(list(AuditEntry.objects.values_list("body", flat=True)))


@pytest.mark.usefixtures("glances")
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


@pytest.mark.usefixtures("glances")
@pytest.mark.service
def test_of_two_second_votes_at_once_exactly_one_completes():
    for number in range(5):
        story = glanced("clear", "grey", of=lender(number=number * 20 + 1), profile="KZ-2021-04")
        one_voted(story, person=f"usr_{number}c")
        barrier = threading.Barrier(2)

        def vote(which, story=story, barrier=barrier, number=number):
            barrier.wait()
            try:
                return one_voted(story, person=f"usr_{number}{which}", reason=f"{REASON} {which}")
            except Conflict as error:
                return error.code

        assert sorted(in_parallel(vote, 2)) == ["not_in_review", "verified"]
        assert (decisions(story), len(entries(story, "attempt.reviewed"))) == (1, 1)
        assert (
            len(entries(story, "review.voted"))
            == ReviewVote.objects.filter(attempt=judged(story)).count()
            == 2
        )


@pytest.mark.usefixtures("glances")
@pytest.mark.service
def test_of_one_persons_votes_at_once_one_stands():
    story = glanced("clear", "grey", profile="KZ-2021-04")
    registered.reviewer("usr_0", story.lender)
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
    raise AssertionError("no case waits")


@pytest.mark.usefixtures("glances")
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


# A review skips no check that people may not decide, and of whatever happens at once one thing
# takes effect.


CHANGES: dict[str, dict[str, dict[str, str] | None]] = {
    "a check failed": {"glance.told": {"outcome": "fail", "code": "bad_answer"}},
    "a check is missing": {"glance.told": None},
    "another was unclear": {
        "glance.told": {"outcome": "inconclusive", "code": "eds_revocation_unknown"}
    },
    "another needs a better picture": {
        "glance.told": {"outcome": "inconclusive", "code": "face_quality"}
    },
    "nothing is left to decide": {"glance.match": {"outcome": "pass", "code": ""}},
    "an unknown code": {"glance.match": {"code": "no_such_code"}},
    "an unknown outcome": {"glance.told": {"outcome": "error"}},
    "no check at all": {"glance.told": None, "glance.match": None},
}


@pytest.mark.usefixtures("glances")
@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.forges
def test_no_vote_is_taken_unless_everything_else_had_passed(change, story):
    attempt = judged(story)
    for name, written in CHANGES[change].items():
        if written is None:
            take_away(attempt, name)
        else:
            write_over(attempt, name, **written)
    with pytest.raises(Conflict) as caught:
        voted(story)
    assert (caught.value.code, story.row().status, judged(story).status) == (
        "not_reviewable",
        "in_review",
        "review",
    )
    with pytest.raises(Conflict) as caught:
        voted(story, passes=False)
    assert caught.value.code == "not_reviewable"


@pytest.mark.usefixtures("glances")
def test_a_route_that_is_gone_cannot_be_reviewed(settings, story):
    settings.TULGA_ROUTES = ["biometric"]
    with pytest.raises(Conflict, match="cannot decide this stage"):
        voted(story)


@pytest.mark.usefixtures("glances")
@pytest.mark.service
def test_a_review_and_a_cancel_at_once_leave_one_decision():
    story = glanced("clear", "grey", profile="KZ-2021-04")
    barrier = threading.Barrier(2)

    def act(which):
        barrier.wait()
        try:
            if which:
                return voted(story)
            return openings.cancel(lender_id=story.lender.pk, mode="test", verification_id=story.id)
        except Conflict as error:
            return error.code

    in_parallel(act, 2)
    assert decisions(story) == 1
    is_verified = story.row().status == "verified"
    # A cancel may come between the votes and the worker that weighs them.
    assert story.row().status in ("verified", "canceled")
    assert bool(entries(story, "attempt.reviewed")) == is_verified


# Where fewer than two people could vote, what checks leave to people fails at once, unburnt.
IN_VAIN = ("failed", "review_unavailable")


def stands(story):
    return story.row().status, story.row().code


def alone(*, number=2):
    """A lender of whose two people so many have left."""
    employer = lender()
    reviewers.leave(employer, number=number)
    return employer


@pytest.mark.usefixtures("glances")
@pytest.mark.parametrize("number", [0, 1])
def test_with_fewer_than_two_voters_it_fails_at_once_and_costs_no_attempt(number):
    story = glanced("grey", of=alone(number=2 - number))
    assert (*stands(story), decisions(story)) == (*IN_VAIN, 1)
    assert story.row().in_review_since is None
    assert (judged(story).status, judged(story).code, judged(story).burnt) == (
        "review",
        "face_review",
        False,
    )
    assert entries(story, "attempt.judged")[-1].body["burnt"] is False
    assert entries(story, "verification.failed")[0].body["cause"] == "face_review"
    order()
    told = events.events_after(lender_id=story.lender.pk, mode="test").data
    assert [event.type for event in told] == ["verification.created", "verification.failed"]


@pytest.mark.usefixtures("glances")
def test_a_case_without_voters_three_times_leaves_all_tries():
    employer = alone()
    for number in range(3):
        assert stands(glanced("grey", of=employer, reference=f"A-{number}")) == IN_VAIN
    last = glanced("clear", "clear", of=employer, reference="A-9", profile="KZ-2021-04")
    assert last.row().status == "verified"


@pytest.mark.usefixtures("glances")
def test_an_opener_is_not_among_the_two():
    employer = lender()
    facts = LenderFacts(id=employer.pk, name=employer.name, bin=employer.bin, phone=employer.phone)
    request = replace(opening("A-1"), opened_by="reviewer  1")
    openings.open_verification(lender=facts, mode="test", profile_id="KZ-2025-01", opening=request)
    assert stands(glanced("grey", of=employer)) == IN_VAIN


@pytest.mark.usefixtures("glances")
def test_a_sender_of_its_link_is_not_among_the_two():
    story = glanced()
    links.mint(
        lender_id=story.lender.pk, mode="test", verification_id=story.id, sent_by="Reviewer 0"
    )
    see(story, "grey")
    assert stands(story) == IN_VAIN


@pytest.mark.usefixtures("glances")
def test_what_becomes_impossible_later_runs_out_as_before(story):
    reviewers.leave(story.lender)
    story.work()
    assert story.row().status == "in_review"
    wait_until(ends_at(story.row()))
    swept()
    assert stands(story) == ("expired", "review_timeout")


@pytest.mark.usefixtures("glances")
def test_the_borrower_reads_that_it_is_not_their_fault_and_did_not_count():
    story = glanced(of=alone())
    client = browser(story)
    see(story, "grey")
    html = text(client.get(NOW))
    assert "Проверку не удалось завершить" in html
    assert "эта попытка не считается" in html


# What an employee attests lets the gates pass that ask for it; no other person's word, and no
# row, does.


@pytest.fixture
def _law(monkeypatch):
    monkeypatch.setitem(profiles.PROFILES, LAW.id, LAW)


def refused_word(story, expected, word=CONFIRMED, **other):
    registered.reviewer(other.get("person", "usr_1"), story.lender)
    before = AuditEntry.objects.count()
    with pytest.raises((Conflict, NotFound)) as caught:
        attested(story, word, **other)
    assert caught.value.code == expected
    assert AuditEntry.objects.count() == before


@pytest.mark.usefixtures("glances")
@pytest.mark.usefixtures("_law")
def test_the_word_is_an_entry_with_the_person_and_the_rest_is_sealed():
    story = verified(lender())
    attested(story, visited())
    attested(story)
    visit, age = entries(story, "attestation.made")
    said = {
        "what": "in_person_visit",
        "day": almaty.day_of(clock.now()).isoformat(),
        "person": "usr_1",
        "number": 1,
    }
    assert said.items() <= visit.body.items()
    assert {"what": "age_confirmation", "how": "in_person", "number": 2}.items() <= age.body.items()
    assert "Абай" not in str(
        [one.body for one in entries(story, "attestation.made", "evidence.kept")]
    )
    kept = EvidenceItem.objects.filter(verification_id=story.id, kind__startswith="attestation.")
    assert set(kept.values_list("kind", flat=True)) == {
        "attestation.place.1",
        "attestation.comment.1",
        "attestation.comment.2",
    }


@pytest.mark.usefixtures("glances")
@pytest.mark.usefixtures("_law")
@pytest.mark.parametrize(
    ("word", "pointer"),
    [
        (replace(CONFIRMED, what="anything"), "what"),
        (replace(CONFIRMED, how=""), "how"),
        (replace(CONFIRMED, how="by telephone"), "how"),
        (replace(CONFIRMED, comment="ok"), "comment"),
        (replace(CONFIRMED, comment="x" * 501), "comment"),
        (replace(CONFIRMED, comment="seen twice\x00 in the office"), "comment"),
        ("no day", "day"),
        ("tomorrow", "day"),
        ("two years ago", "day"),
        ("no place", "place"),
    ],
    ids=str,
)
def test_a_word_that_is_not_whole_is_none(word, pointer):
    today = almaty.day_of(clock.now())
    words = {
        "no day": lambda: visited(day=None),
        "tomorrow": lambda: visited(day=today + timedelta(days=1)),
        "two years ago": lambda: visited(day=today - timedelta(days=730)),
        "no place": lambda: visited(place=""),
    }
    story = verified(lender())
    with pytest.raises(BadInput) as caught:
        attested(story, words[word]() if isinstance(word, str) else word)
    assert (caught.value.code, caught.value.pointer) == ("attestation_malformed", pointer)
    assert entries(story, "attestation.made") == []


@pytest.mark.usefixtures("glances")
@pytest.mark.usefixtures("_law")
def test_nothing_is_attested_twice():
    story = verified(lender())
    attested(story)
    refused_word(story, "already_attested", replace(CONFIRMED, how="egov"), person="usr_2")
    attested(story, visited())
    refused_word(story, "already_attested", visited())


@pytest.mark.usefixtures("glances")
@pytest.mark.usefixtures("_law")
def test_of_many_at_once_one_word_stands():
    story = verified(lender())

    def attest(number):
        try:
            attested(story, person=f"usr_{number}")
        except Conflict as error:
            return error.code
        return ""

    assert sorted(in_parallel(attest, 8)) == ["", *["already_attested"] * 7]
    assert len(entries(story, "attestation.made")) == 1


@pytest.mark.usefixtures("glances")
@pytest.mark.usefixtures("_law")
@pytest.mark.parametrize("is_opener", [True, False])
def test_an_opener_or_sender_attests_nothing(is_opener):
    of = lender()
    if is_opener:
        story = verified(of, opened_by="asel@lender.example")
    else:
        story = glanced(of=of, profile="KZ-2021-04")
        links.mint(
            lender_id=of.pk, mode="test", verification_id=story.id, sent_by="asel@lender.example"
        )
        see(story, "clear")
        see(story, "clear")
    code = "reviewer_opened_case" if is_opener else "reviewer_sent_link"
    refused_word(story, code, known_as=(" Asel@Lender.example",))
    attested(story, known_as=("bolat@lender.example",))


@pytest.mark.usefixtures("glances")
@pytest.mark.usefixtures("_law")
def test_only_what_is_verified_of_the_own_lender_and_not_paid_is_attested():
    of = lender()
    waiting, story = (
        glanced(of=of, reference="A-3", profile="KZ-2021-04", iin="990101100030"),
        verified(of),
    )
    refused_word(waiting, "not_verified")
    refused_word(story, "not_found", lender_id=lender("Other", number=500).pk)
    paid(story)
    refused_word(story, "clearance_consumed")


@pytest.mark.usefixtures("glances")
@pytest.mark.usefixtures("_law")
@pytest.mark.forges
def test_nothing_is_attested_of_what_is_disputed_or_erased():
    story = verified(lender())
    Verification.objects.filter(pk=story.id).update(disputed_at=clock.now())
    refused_word(story, "clearance_frozen")
    Verification.objects.filter(pk=story.id).update(disputed_at=None)
    erase(story)
    refused_word(story, "verification_erased")


# Who has come before


@pytest.mark.usefixtures("glances")
@pytest.mark.usefixtures("_law")
def test_a_visit_counts_for_the_next_credit_and_a_confirmation_does_not(monkeypatch):
    monkeypatch.setattr(policy, "EARLIER_OPENED", 2)
    of = lender()
    first = verified(of)
    attested(first, visited())
    attested(first)
    for number in range(3):  # however much else was attested since
        attested(verified(of, f"S-{number}", amount="50000.00"))
    told = gates(cleared(verified(of, "A-2")))
    assert (told["first_credit"], told["age"][0]) == (
        ("passed", "desk"),
        "age_confirmation_required",
    )


@pytest.mark.usefixtures("glances")
@pytest.mark.usefixtures("_law")
def test_only_an_own_visit_or_a_paid_credit_over_75_mci_counts():
    of = lender()
    cleared(verified(of, "cleared and not paid"), profile="KZ-2021-04")
    paid(verified(of, "of 75 MCI", amount="324375.00"), amount="324375.00")
    attested(verified(of, "of another person", iin=OTHER_IIN), visited())
    attested(verified(lender("Other", number=500)), visited(), person="usr_2")
    erased = verified(of, "erased")
    attested(erased, visited())
    erase(erased, is_back=True)
    assert gates(cleared(verified(of, "A-1")))["first_credit"][0] == "in_person_required"
    paid(verified(of, "over 75 MCI", amount="324375.01"), amount="324375.01")
    assert gates(cleared(verified(of, "A-2")))["first_credit"][0] == "passed"


@pytest.mark.usefixtures("glances")
@pytest.mark.usefixtures("_law")
def test_no_row_makes_another_persons_visit_or_credit_this_ones():
    of = lender()
    came, story = verified(of, iin=OTHER_IIN), verified(of, "A-2")
    attested(came, visited())
    moved = (
        "UPDATE verification_verification SET borrower_index = (SELECT one.borrower_index FROM"
        " verification_verification one WHERE one.id = %s) WHERE id = %s"
    )
    tamper((moved, (story.id, came.id)))
    assert came.row().borrower_index == story.row().borrower_index
    assert gates(cleared(story))["first_credit"][0] == "in_person_required"


@pytest.mark.usefixtures("glances")
@pytest.mark.usefixtures("_law")
@pytest.mark.forges
def test_an_unsigned_word_does_not_count():
    of = lender()
    story = verified(of)
    attested(story)
    body = {"what": "in_person_visit", "day": "2026-11-01", "person": "usr_1", "number": 1}
    AuditEntry.objects.create(
        log="test",
        type="attestation.made",
        at=clock.now(),
        verification_id=story.id,
        lender_id=of.pk,
        body=body,
    )
    assert cleared(story).code == "clearance_frozen"


@pytest.mark.usefixtures("glances")
@pytest.mark.usefixtures("_law")
@pytest.mark.forges
@pytest.mark.parametrize(
    "body", [[], {}, {"amount": "much"}, {"amount": 10**12, "clearance": "clr_1"}], ids=str
)
@pytest.mark.parametrize("year", [2020, 2026])
def test_an_unsigned_payment_neither_counts_nor_hinders(body, year):
    of = lender()
    first, story = verified(of), verified(of, "A-2")
    AuditEntry.objects.create(
        log="test",
        type="clearance.consumed",
        at=clock.now().replace(year=year),
        verification_id=first.id,
        lender_id=of.pk,
        body=body,
    )
    attested(story)
    assert gates(cleared(story))["first_credit"][0] == "in_person_required"


# A worker alone ends a verification, by signed entries; no row that says otherwise decides.


_PRODUCT = Path(__file__).resolve().parents[3]
_DECIDING = re.compile(r"end\(history, Status\.|\"verification.in_review\", at=")
OTHER_REASON = "the ears and the mole are the same"


@pytest.fixture
def case_story():
    """A case whose borrower is asked for consent."""
    return begin(lender())


def test_no_other_file_moves_a_verification_to_its_end() -> None:
    files = [
        path
        for app in ("verification", "lenders", "people", "config")
        for path in (_PRODUCT / app).rglob("*.py")
    ]
    found = {path.name for path in files if _DECIDING.search(path.read_text("utf-8"))}
    assert found == {"run.py", "judge.py"}


@pytest.mark.parametrize("is_in_review", [False, True])
def test_the_tick_ends_nothing_and_a_worker_does(glances, is_in_review):
    case_story = glanced("grey") if is_in_review else begin(lender())
    before = case_story.row().status
    wait_until(case_story.row().created_at + timedelta(seconds=policy.VERIFICATION_SECONDS + 60))
    for _ in range(2):
        sweep.run_round()
    row = case_story.row()
    assert (row.status, row.step, decisions(case_story)) == (before, steps.EXPIRE, 0)
    case_story.work()
    assert (case_story.row().status, case_story.row().step, decisions(case_story)) == (
        "expired",
        "",
        1,
    )


def test_the_tick_lapses_no_dialogue_and_a_worker_does(case_story):
    attempt = Attempt.objects.get(verification_id=case_story.id)
    wait_until(attempt.expires_at)
    sweep.run_round()
    attempt.refresh_from_db()
    assert (case_story.row().step, attempt.status) == (steps.LAPSE, "open")
    case_story.work()
    attempt.refresh_from_db()
    assert attempt.status == "lapsed"


PUT_BACK: dict[str, tuple[Any, dict[str, Any], str]] = {
    "the time of the whole": (Verification, {"expires_at": later(-60)}, steps.EXPIRE),
    "the time of an attempt": (Attempt, {"expires_at": later(-60)}, steps.LAPSE),
    "the time of its reviewers": (
        Verification,
        {"in_review_since": later(-25 * 3600)},
        steps.EXPIRE,
    ),
    "that it is the borrower's": (
        Verification,
        {"status": "requires_input", "expires_at": later(-60)},
        steps.EXPIRE,
    ),
    "that it is in review": (
        Verification,
        {"status": "in_review", "in_review_since": later(-9e4)},
        steps.EXPIRE,
    ),
}


@pytest.mark.parametrize("name", PUT_BACK)
def test_what_is_put_back_once_a_worker_has_acted_made_it_do_nothing(glances, name):
    model, columns, step = PUT_BACK[name]
    case_story = (
        glanced("grey") if "reviewers" in name else begin(lender(), profile="KZ-2021-04", iin=IIN)
    )
    if "reviewers" not in name:
        answers.choose_route(verification_id=case_story.id, route="eds")
    rows: Any = (
        model.objects.filter(pk=case_story.id)
        if model is Verification
        else model.objects.filter(verification=case_story.id)
    )
    before = rows.values(*columns).get()
    status = case_story.row().status
    rows.update(**columns)
    sweep.run_round()
    assert case_story.row().step == step
    case_story.work()
    rows.update(**before)
    assert (case_story.row().status, case_story.row().step, decisions(case_story)) == (
        status,
        "",
        0,
    )
    assert not AuditEntry.objects.filter(type="step.faulted").exists()


@pytest.mark.parametrize(("votes", "status"), [((True, True), "verified"), ((False,), "declined")])
def test_the_desk_ends_nothing_and_a_worker_does(glances, votes, status):
    case_story = glanced("clear", "grey", profile="KZ-2021-04")
    for passes, person in zip(votes, people(case_story), strict=False):
        is_decided = vote(
            verification_id=case_story.id, reviewer=person, passes=passes, reason=OTHER_REASON
        )
    assert is_decided
    assert (case_story.row().status, case_story.row().step, decisions(case_story)) == (
        "in_review",
        steps.WEIGH,
        0,
    )
    assert not AuditEntry.objects.filter(type="attempt.reviewed").exists()
    case_story.work()
    assert AuditEntry.objects.get(type="attempt.reviewed").body["outcome"] == (
        "passed" if all(votes) else "failed"
    )
    assert case_story.row().status == status


@pytest.mark.parametrize("step", [steps.LAPSE, steps.EXPIRE, steps.STOP, steps.WEIGH])
def test_a_step_that_somebody_else_wrote_down_ends_nothing(step, case_story):
    Verification.objects.filter(pk=case_story.id).update(
        step=step, queue="default", due_at=later(-1)
    )
    case_story.work()
    assert (case_story.row().status, case_story.row().step, decisions(case_story)) == (
        "requires_input",
        "",
        0,
    )
    assert Attempt.objects.get(verification_id=case_story.id).status == "open"


@pytest.mark.parametrize(
    "columns",
    [
        {"combinations": [["eds"]]},
        {"combinations": [["eds"]], "combination": ["eds"]},
        {"combinations": [["eds"]], "combination": ["eds"], "profile_id": "KZ-2021-04"},
        {
            "combinations": [["eds"]],
            "profile_id": "KZ-2021-04",
            "profile_sha256": profiles.get("KZ-2021-04").sha256,
        },
        {"passed_routes": ["biometric"]},
    ],
)
def test_no_column_of_an_open_case_makes_less_suffice_than_its_law(glances, columns):
    case_story = glanced(profile="KZ-2025-01")
    Verification.objects.filter(pk=case_story.id).update(**columns)
    with pytest.raises(BadInput, match="not offered"):
        answers.choose_route(verification_id=case_story.id, route="biometric")
    see(case_story, "clear")
    see(case_story, "clear") if case_story.page().page == "question" else None
    assert case_story.row().status != "verified"
    assert not AuditEntry.objects.filter(type="verification.verified").exists()


@pytest.mark.parametrize("chosen", [["eds"], ["biometric", "eds"], []])
def test_a_combination_that_somebody_wrote_into_the_row_leads_nowhere(glances, chosen):
    case_story = glanced(profile="KZ-2025-01")
    Verification.objects.filter(pk=case_story.id).update(combination=chosen)
    for _ in range(2):
        see(case_story, "clear")
    assert (case_story.row().route, case_story.row().combination) == (
        "biometric",
        ["eds", "biometric"],
    )
    assert not AuditEntry.objects.filter(type="step.faulted").exists()


def test_a_step_written_by_an_attacker_weighs_no_votes_that_do_not_suffice(glances):
    case_story = glanced("clear", "grey", profile="KZ-2021-04")
    vote(
        verification_id=case_story.id,
        reviewer=people(case_story)[0],
        passes=True,
        reason=OTHER_REASON,
    )
    Verification.objects.filter(pk=case_story.id).update(
        step=steps.WEIGH, queue="default", due_at=later(-1)
    )
    case_story.work()
    assert (case_story.row().status, case_story.row().step, decisions(case_story)) == (
        "in_review",
        "",
        0,
    )


@pytest.mark.forges
def test_a_law_that_no_release_can_read_decides_nothing(glances, monkeypatch):
    case_story = glanced(profile="KZ-2021-04")
    other = glanced(of=case_story.lender, reference="A-2", iin=OTHER_IIN, profile="KZ-2021-04")
    case_story.answer(sees="clear")
    turn = other.page().turn
    changed = replace(profiles.get("KZ-2021-04"), replaced_max=1)
    monkeypatch.setitem(profiles.PROFILES, "KZ-2021-04", changed)
    for _ in range(2):
        case_story.work()
        make_due(case_story)
    assert (case_story.row().status, case_story.row().faults, decisions(case_story)) == (
        "processing",
        2,
        0,
    )
    with pytest.raises(Misconfigured):
        other.answer_turn(turn, {"sees": "clear"})
    assert (other.row().turn, decisions(other)) == (turn, 0)


def test_a_round_that_listed_a_row_before_its_answer_came_overwrites_no_step(case_story):
    due = Q(status="requires_input", expires_at__lte=later(-1))
    Verification.objects.filter(pk=case_story.id).update(
        status="processing", step=steps.JUDGE, expires_at=later(-5)
    )
    assert sweep._owe(steps.EXPIRE, "default", due, case_story.id, at=later(0)) == 0
    assert case_story.row().step == steps.JUDGE


def test_votes_that_fault_for_long_end_by_time(glances):
    case_story = glanced("clear", "grey", profile="KZ-2021-04")
    ends = voting.ends_at(case_story.row())
    owed = {"step": steps.WEIGH, "queue": "default", "due_at": ends + timedelta(days=1)}
    Verification.objects.filter(pk=case_story.id).update(**owed)
    wait_until(ends + timedelta(seconds=60))
    sweep.run_round()
    assert case_story.row().step == steps.WEIGH
    wait_until(ends + timedelta(seconds=3660))
    sweep.run_round()
    assert case_story.row().step == steps.WEIGH  # no worker has tried yet: the votes came in time
    Verification.objects.filter(pk=case_story.id).update(faults=1)
    sweep.run_round()
    case_story.work()
    assert (case_story.row().status, case_story.row().code) == ("expired", "review_timeout")


@pytest.mark.forges
def test_routes_that_only_entries_of_somebody_else_call_passed_are_none(glances):
    case_story = glanced("clear", profile="KZ-2025-01")
    assert (case_story.row().route, case_story.row().passed_routes) == ("eds", [])
    genuine = AuditEntry.objects.get(
        verification_id=case_story.id, type="attempt.judged", body__stage="glance"
    )
    for number, stage in enumerate(("question", "nod")):
        body = {
            "v": 1,
            "attempt": "att_none",
            "route": "biometric",
            "stage": stage,
            "outcome": "passed",
            "checks": [],
        }
        slip_in(genuine, verification_sequence=900 + number, body=body)
    AuditPending.objects.filter(entry__verification_sequence__gte=900).delete()
    Verification.objects.filter(pk=case_story.id).update(passed_routes=["biometric"])
    case_story.reply(somebody_tells_me=False)
    assert (case_story.row().status, case_story.row().step) == (
        "processing",
        steps.JUDGE,
    )  # no judge follows such entries
    assert not AuditEntry.objects.filter(
        verification_id=case_story.id, type="verification.verified"
    ).exists()


@pytest.mark.forges
def test_a_case_that_is_set_before_its_last_stage_passes_nothing_by_it(glances):
    case_story = begin(lender(), profile="KZ-2021-04", iin=IIN)
    answers.choose_route(verification_id=case_story.id, route="eds")
    Attempt.objects.filter(verification_id=case_story.id).update(status="void")
    owed = {"stage": "nod", "step": steps.OPEN, "queue": "default", "due_at": later(-1)}
    Verification.objects.filter(pk=case_story.id).update(**owed)
    case_story.work()
    assert (case_story.row().status, case_story.row().step) == ("requires_input", "")
    assert not AuditEntry.objects.filter(type="verification.verified").exists()


# What the replay says of a time that a review does not move, and what a changed row does not
# lead to.


@pytest.mark.usefixtures("glances")
def test_what_people_passed_runs_out_when_its_own_time_is_over():
    case_story = glanced()
    clock._state.offset += timedelta(minutes=4)
    see(case_story, "grey")
    voted(case_story)
    wait_until(case_story.row().expires_at)
    swept()
    swept()
    assert (case_story.row().status, findings()) == ("expired", [])


@pytest.mark.usefixtures("glances")
@pytest.mark.parametrize(
    "columns", [{"combination": []}, {"combination": ["biometric"]}, {"passed_routes": ["eds"]}]
)
def test_what_a_row_says_of_routes_declines_no_borrower(columns):
    case_story = glanced("clear")
    case_story.reply(somebody_tells_me=False)
    case_story.answer(sees="clear")
    Verification.objects.filter(pk=case_story.id).update(**columns)
    case_story.work()
    order_all()
    assert (case_story.row().route, findings()) == ("biometric", [])


# An attempt is judged by what signed entries list: what a row says otherwise is refused or not
# read.


def attempts(case_story: Story, stage: str) -> list[Attempt]:
    found = Attempt.objects.filter(verification_id=case_story.id, stage=stage).select_related(
        "verification"
    )
    return list(found.order_by("turn"))


def item(case_story: Story, kind: str) -> EvidenceItem:
    return EvidenceItem.objects.select_related("verification").get(
        verification_id=case_story.id, kind=kind
    )


def resealed(case_story: Story) -> None:
    owned_web.reseal(item(case_story, "statement.text"), b'{"purpose": "another"}')


def renamed(case_story: Story) -> None:
    EvidenceItem.objects.filter(pk=item(case_story, "statement.signature").pk).update(
        kind="statement.other"
    )


def moved(case_story: Story) -> None:
    consent = attempts(case_story, "consent")[0]
    EvidenceItem.objects.filter(pk=item(case_story, "statement.signature").pk).update(
        attempt=consent
    )


def deleted(case_story: Story) -> None:
    item(case_story, "question.answer").delete()


def replaced(case_story: Story) -> None:
    """A row of web's own in the place of what the borrower gave, and an entry of the door's that
    lists it.
    """
    row = item(case_story, "statement.signature")
    row.delete()
    [attempt] = attempts(case_story, "statement")
    owned_web.keep(attempt, owned_web.plant(attempt, "statement.signature", b"another"))


def another_case(case_story: Story) -> None:
    """The case resealed, for a loan to somebody else."""
    row, key = case_story.row(), contents.key_of(case_story.row())
    place = vault.CASE
    content = key.unseal(bytes(row.sealed_case), **place).plain.replace(
        IIN.encode(), OTHER_IIN.encode()
    )
    Verification.objects.filter(pk=row.pk).update(sealed_case=key.seal(content, **place).data)


@pytest.mark.usefixtures("trusted")
@pytest.mark.forges
@pytest.mark.parametrize(
    "change",
    [another_case, resealed, renamed, moved, deleted, replaced],
)
def test_evidence_that_is_not_as_its_entry_says_is_never_judged(
    issued: Issued, change: Callable[[Story], None]
) -> None:
    case_story = signed(issued)
    change(case_story)
    for number in range(1, policy.FAULTS_MAX + 1):
        case_story.work()
        fault = (
            AuditEntry.objects.filter(verification_id=case_story.id, type="step.faulted")
            .order_by("at")
            .last()
        )
        assert fault is not None
        assert (fault.body["cause"], fault.body["faults"]) == ("evidence_unreadable", number)
        make_due(case_story)
    assert (case_story.row().status, decisions(case_story)) == ("failed", 1)
    assert not AuditEntry.objects.filter(
        verification_id=case_story.id, type="attempt.judged", body__stage="statement"
    )


@pytest.mark.usefixtures("trusted")
@pytest.mark.forges
def test_a_row_that_named_another_log_while_a_worker_had_its_step_led_to_nothing(
    case_story: Story,
) -> None:
    """Other sources would be asked: a sandbox's registers, for a live case."""
    case_story.answer(agreed=True, version=CURRENT, language="ru")
    Verification.objects.filter(pk=case_story.id).update(mode="live")
    tasks.advance(case_story.id)
    Verification.objects.filter(pk=case_story.id).update(mode="test")
    entries = AuditEntry.objects.filter(verification_id=case_story.id)
    assert not entries.filter(type="attempt.judged").exists()
    assert [entry.body["cause"] for entry in entries.filter(type="step.faulted")] == [
        "entries_unsound"
    ]


@pytest.mark.usefixtures("trusted")
def test_a_row_that_named_another_law_while_a_worker_had_its_step_changed_nothing() -> None:
    case_story, other = begin(lender()), profiles.get("KZ-2024-10")
    case_story.answer(agreed=True, version=CURRENT, language="ru")
    honest = case_story.row()
    rows = Verification.objects.filter(pk=case_story.id)
    rows.update(profile_id=other.id, profile_sha256=other.sha256)
    tasks.advance(case_story.id)
    entries = AuditEntry.objects.filter(verification_id=case_story.id)
    opened, judged = (
        entries.filter(type=f"attempt.{name}").earliest("at") for name in ("opened", "judged")
    )
    assert (judged.body["outcome"], judged.body["release"]) == ("passed", opened.body["release"])
    assert (case_story.row().profile_id, case_story.row().profile_sha256) == (
        honest.profile_id,
        honest.profile_sha256,
    )


@pytest.mark.usefixtures("trusted")
def test_of_a_stage_that_is_begun_again_the_earlier_pass_is_no_evidence(issued: Issued) -> None:
    case_story = verified_at_second_try(issued)
    [consent] = attempts(case_story, "consent")
    history = read(case_story.row())
    first = history.state.attempts[consent.pk]
    history.state = history.state.put(
        "att_later", replace(first, is_passed=False, evidence=frozenset())
    )
    found = {
        claim.kind.partition(".")[0] for claim in dossier.on_record(history, "att_later").evidence
    }
    assert found == {"question", "statement", "shared"}
    assert not list(verify_legality("test"))


def test_who_was_stopped_is_not_canceled_meanwhile():
    case_story = begin(lender())
    Verification.objects.filter(pk=case_story.id).update(
        step=steps.STOP, queue="default", due_at=later(60)
    )
    with pytest.raises(Conflict):
        openings.cancel(lender_id=case_story.lender.pk, mode="test", verification_id=case_story.id)
