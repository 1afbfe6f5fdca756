"""People decide what the checks left to them: two pass, one refuses, in time, for their lender."""

import threading
from dataclasses import replace
from itertools import product

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from lenders.resources import events
from tests.verification.borrower.visits import NOW, browser, text
from tests.verification.checks_on_record import take_away, write_over
from tests.verification.stories import reviewers
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
    OTHER_IIN,
    decisions,
    in_parallel,
    lender,
    opening,
    order,
    swept,
    wait_until,
)
from verification.access import links, openings
from verification.case import contents, moving
from verification.case.votes import Reviewer
from verification.core.errors import BadInput, Conflict, NotFound
from verification.core.lender import LenderFacts
from verification.evidence import store
from verification.models import Attempt, AuditEntry, EvidenceItem, ReviewVote, Verification
from verification.oversight import case_file
from verification.review import desk
from verification.review.voting import ends_at

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("glances")]


@pytest.fixture
def story():
    """A case whose first stage is left to people."""
    return glanced("grey")


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
def test_a_pass_needs_two_different_people_and_a_fail_one(passes, ids, code, story):
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
def test_a_reason_has_10_to_500_printable_characters(reason, is_good, story):
    if is_good:
        assert voted(story, passes=False, reason=reason) == "declined"
        return
    with pytest.raises(BadInput, match="a reason has") as caught:
        voted(story, reason=reason)
    assert (caught.value.code, story.row().status) == ("reason_malformed", "in_review")


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
    before = written(story)
    with pytest.raises(Conflict) as caught:
        one_voted(story, **how)
    assert written(story) == before
    return caught.value.code


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


@pytest.mark.parametrize("before", [0, 1])
def test_one_fail_refuses_whether_or_not_a_pass_stands(before, story):
    if before:
        one_voted(story)
    assert one_voted(story, person="usr_1", passes=False) == "declined"
    assert (story.row().code, judged(story).burnt) == ("review_refused", True)
    assert ReviewVote.objects.count() == before + 1


def test_a_person_votes_once_on_an_attempt(story):
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
def test_a_single_vote_is_held_to_everything_that_a_common_word_is(story):
    with pytest.raises(BadInput, match="a reason has"):
        one_voted(story, reason="too short")
    with pytest.raises(NotFound):
        one_voted(replace(story, lender=lender("Other", number=500)))
    write_over(judged(story), "glance.told", outcome="fail", code="bad_answer")
    assert refused(story) == "not_reviewable"


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
    raise AssertionError("no case waits")


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


def test_a_route_that_is_gone_cannot_be_reviewed(settings, story):
    settings.TULGA_ROUTES = ["biometric"]
    with pytest.raises(Conflict, match="cannot decide this stage"):
        voted(story)


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


def test_a_case_without_voters_three_times_leaves_all_tries():
    employer = alone()
    for number in range(3):
        assert stands(glanced("grey", of=employer, reference=f"A-{number}")) == IN_VAIN
    last = glanced("clear", "clear", of=employer, reference="A-9", profile="KZ-2021-04")
    assert last.row().status == "verified"


def test_an_opener_is_not_among_the_two():
    employer = lender()
    facts = LenderFacts(id=employer.pk, name=employer.name, bin=employer.bin, phone=employer.phone)
    request = replace(opening("A-1"), opened_by="reviewer  1")
    openings.open_verification(lender=facts, mode="test", profile_id="KZ-2025-01", opening=request)
    assert stands(glanced("grey", of=employer)) == IN_VAIN


def test_a_sender_of_its_link_is_not_among_the_two():
    story = glanced()
    links.mint(
        lender_id=story.lender.pk, mode="test", verification_id=story.id, sent_by="Reviewer 0"
    )
    see(story, "grey")
    assert stands(story) == IN_VAIN


def test_what_becomes_impossible_later_runs_out_as_before(story):
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
