"""/v1/test/clock: what is due of test verifications comes sooner, lawfully; nothing else moves."""

from datetime import timedelta

import pytest
from django.core.management import call_command

from tests.lenders.api.clearing import ask, cleared, consume
from tests.lenders.samples import code, faults
from tests.lenders.shapes import hold
from tests.verification.log.judged import differences_of, verify_legality
from tests.verification.log.rows import order_all
from tests.verification.stories.insecure_glance import glanced
from tests.verification.stories.insecure_glance import glances as glances
from tests.verification.stories.story import at_statement, begin, in_parallel, order, swept
from verification import clock, tasks
from verification.access.tokens import LINKS
from verification.case import policy
from verification.models import Access, Attempt, Clearance, Verification
from verification.worker import queue

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("trusted")]
CLOCK, DAY = "/v1/test/clock", 24 * 3600


def advance(api, seconds, **more):
    return hold(api.post(CLOCK, {"advance_seconds": seconds, **more}), CLOCK, "post")


def lawful():
    """The log is whole, each course of it lawful, and each row says what its entries say."""
    order_all()
    call_command("audit_verify")
    assert list(verify_legality("test")) == []


def due(verification_id):
    row = Verification.objects.get(pk=verification_id)
    attempts, links = (
        Attempt.objects.filter(verification=row),
        LINKS.rows.filter(verification=row),
    )
    until = [*attempts.values_list("expires_at"), *links.values_list("expires_at")]
    return [row.expires_at, *sorted(until), row.sequence]


def read(api, story):
    order()
    return api.get(f"/v1/verifications/{story.id}").json()


def test_an_advance_expires_a_verification(api, lender):
    story = begin(lender)
    hold(api.get(CLOCK), CLOCK, "get")
    assert advance(api, DAY - 60) == {"verifications": 1, "advanced_seconds": DAY - 60}
    swept()
    assert read(api, story)["status"] == "requires_input"
    assert advance(api, 60) == {"verifications": 1, "advanced_seconds": DAY}
    assert read(api, story)["status"] == "requires_input"  # the request ends nothing
    swept()
    order()
    assert (read(api, story)["status"], read(api, story)["code"]) == (
        "expired",
        "verification_expired",
    )
    assert [one["type"] for one in api.get("/v1/events").json()["data"]][
        -1
    ] == "verification.expired"
    assert api.get(CLOCK).json() == {"verifications": 0, "advanced_seconds": 0}
    lawful()


def test_an_advance_ends_the_wait_for_a_silent_borrower_and_for_reviewers(api, lender, glances):
    silent = glanced(of=lender, reference="A-1")
    reviewed = glanced("grey", of=lender, reference="A-2", iin="990101100020")
    assert read(api, reviewed)["status"] == "in_review"
    advance(api, 3600)
    swept()
    assert read(api, silent)["next_action"]["code"] == "abandoned"
    advance(api, DAY - 3600)
    swept()
    order()
    told = read(api, reviewed)
    assert (told["status"], told["code"]) == ("expired", "review_timeout")
    lawful()


def test_one_verification_or_the_lenders_own_of_test_mode_move(
    api, other_api, live, lender, other_lender
):
    mine, beside, other = begin(lender), begin(lender, "A-2"), begin(other_lender)
    of_live = begin(lender, "A-3")
    Verification.objects.filter(pk=of_live.id).update(mode="live")
    unmoved = [due(story.id) for story in (beside, other, of_live)]
    assert advance(api, 60, verification=mine.id)["verifications"] == 1
    assert [due(story.id) for story in (beside, other, of_live)] == unmoved
    advance(api, DAY - 60)
    assert [due(story.id) for story in (other, of_live)] == unmoved[1:]
    for caller, story in ((api, other), (api, of_live), (live, mine)):
        answer = caller.post(CLOCK, {"advance_seconds": 1, "verification": story.id})
        assert code(answer) == (404, "not_found")
    assert other_api.get(CLOCK).json()["advanced_seconds"] == 0
    swept()
    assert (mine.row().status, mine.row().advanced_seconds) == ("expired", DAY)
    ended = api.post(CLOCK, {"advance_seconds": 1, "verification": mine.id})
    assert code(ended) == (409, "illegal_transition")


def test_a_clearance_runs_out(api, story):
    first = cleared(api, story)
    advance(api, 15 * 60 - 30)
    assert api.get(f"/v1/clearances/{first['id']}").json()["status"] == "issued"
    advance(api, 60)
    assert code(consume(api, first)) == (409, "clearance_expired")
    second = cleared(api, story)
    assert consume(api, second).status_code == 200
    lawful()


def test_a_clearance_that_was_put_forward_while_its_gates_were_asked_is_none(
    api, monkeypatch, story
):
    asked_for = ask(api, story).json()

    def late(verification):
        advance(api, 600)
        return require_fence(verification)

    require_fence = queue.require_fence
    monkeypatch.setattr(queue, "require_fence", late)
    tasks.advance(story.id)
    monkeypatch.undo()
    told = api.get(f"/v1/clearances/{asked_for['id']}").json()
    assert (told["status"], told["code"]) == ("refused", "gates_unavailable")
    lawful()


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        ({}, ("/advance_seconds", "required")),
        ({"advance_seconds": 0}, ("/advance_seconds", "out_of_range")),
        ({"advance_seconds": -60}, ("/advance_seconds", "out_of_range")),
        ({"advance_seconds": 7 * DAY + 1}, ("/advance_seconds", "out_of_range")),
        ({"advance_seconds": True}, ("/advance_seconds", "type_wrong")),
        ({"advance_seconds": "60"}, ("/advance_seconds", "type_wrong")),
        ({"advance_seconds": 60, "verification": "A-1"}, ("/verification", "id_malformed")),
        ({"advance_seconds": 60, "lender": "x"}, ("/lender", "unknown_field")),
    ],
)
def test_what_it_is_not_told(api, lender, body, fault):
    before = due(begin(lender).id)
    answer = api.post(CLOCK, body)
    assert (answer.status_code, faults(answer)) == (422, {fault})
    assert due(Verification.objects.get().pk) == before


def test_no_more_than_so_many_and_so_far(api, lender, monkeypatch):
    story, other = begin(lender), begin(lender, "A-2")
    monkeypatch.setattr(policy, "CLOCK_VERIFICATIONS_MAX", 1)
    assert code(api.post(CLOCK, {"advance_seconds": 60})) == (409, "test_clock_limit")
    assert (story.row().advanced_seconds, other.row().advanced_seconds) == (0, 0)
    advance(api, 60, verification=story.id)
    monkeypatch.setattr(policy, "CLOCK_SECONDS_MAX", 100)
    assert code(api.post(CLOCK, {"advance_seconds": 41, "verification": story.id})) == (
        409,
        "test_clock_limit",
    )
    advance(api, 40, verification=story.id)
    assert story.row().advanced_seconds == 100


def test_an_answer_that_came_in_time_is_judged_and_no_end_is_made(api, lender, issued):
    """The borrower has answered, and it is for us to judge: a clock takes nothing away from
    them.
    """
    story = at_statement(lender)
    story.sign(issued())
    assert story.row().step == "judge"
    advance(api, 2 * DAY)
    swept()
    assert story.row().status == "processing"
    story.work()
    assert read(api, story)["status"] == "verified"
    lawful()


def test_a_worker_that_is_under_way_writes_what_it_found(api, lender, issued, monkeypatch):
    """The clock is put forward between a worker's claim and its result."""
    story = begin(lender)
    story.answer(agreed=True, version=story.page().data["version"], language="ru")
    claim = queue.claim

    def claimed(verification_id):
        found = claim(verification_id)
        advance(api, 600)
        return found

    monkeypatch.setattr(queue, "claim", claimed)
    tasks.advance(story.id)
    monkeypatch.undo()
    assert story.page().page == "question"
    lawful()


def test_many_at_once_each_count_and_cross_a_worker(api, lender, issued):
    """Advanced from many sides while a worker judges: each counts once, and nothing is lost or
    unlawful.
    """
    story = at_statement(lender)
    story.sign(issued())

    def one(number):
        if number == 3:
            tasks.advance(story.id)
            return 200
        return api.post(CLOCK, {"advance_seconds": 60}).status_code

    assert in_parallel(one, 8) == [200] * 8
    story.work()
    assert (story.row().status, story.row().advanced_seconds) == ("verified", 7 * 60)
    lawful()


# What a test clock puts forward stands in the log: a replay counts with it, and what moves
# without it is told.


@pytest.mark.forges
@pytest.mark.parametrize(
    ("table", "column"),
    [
        (Verification, "expires_at"),
        (Attempt, "expires_at"),
        (Access, "expires_at"),
        (Clearance, "expires_at"),
        (Clearance, "fresh_until"),
    ],
)
def test_a_row_that_moves_without_an_entry_is_told(api, table, column, story):
    cleared(api, story)
    advance(api, 60)
    lawful()
    rows = table.objects.filter(**{"pk" if table is Verification else "verification": story.id})
    row = rows.first()
    moved = getattr(row, column) - timedelta(seconds=1)
    table.objects.filter(pk=row.pk).update(**{column: moved})
    assert [finding.field for finding in differences_of(story.id)] == [column]


def test_a_step_that_is_due_later_is_due_sooner(api, lender):
    first, second = begin(lender), begin(lender, "A-2")
    for story in (first, second):
        story.answer(agreed=True, version=story.page().data["version"], language="ru")
    late = clock.now() + timedelta(seconds=300)
    Verification.objects.filter(pk=second.id).update(due_at=late)
    advance(api, 60)
    assert second.row().due_at == late - timedelta(seconds=60)
    assert queue.claim(first.id) is not None
    kept = first.row().due_at
    advance(api, 60)
    assert first.row().due_at == kept
