"""/v1/test/clock: what is due of test verifications comes sooner, by the way it always comes;
nothing else moves.
"""

from datetime import timedelta

import pytest
from django.core.management import call_command

from lenders import keys
from tests.lenders.api.clearing import CONTRACT, ask, cleared, consume, verified
from tests.lenders.samples import Caller, code, faults, opening
from tests.lenders.test_openapi import hold
from tests.verification.log.looks import verify_legality
from tests.verification.log.rows import order_all
from tests.verification.stories.insecure_glance import glanced
from tests.verification.stories.insecure_glance import glances as glances
from tests.verification.stories.story import at_statement, begin, in_parallel, order, swept
from verification import clock, tasks
from verification.access.tokens import LINKS
from verification.case import policy
from verification.models import Attempt, AuditEntry, Verification
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


def test_nobody_waits_for_a_verification_to_expire(api, lender):
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


def test_nobody_waits_for_a_silent_borrower(api, lender):
    story = at_statement(lender)
    advance(api, 3600)
    swept()
    assert story.row().last_failure == "abandoned"
    assert read(api, story)["next_action"]["code"] == "abandoned"
    lawful()


def test_nobody_waits_for_reviewers(api, lender, glances):
    story = glanced("grey", of=lender)
    assert read(api, story)["status"] == "in_review"
    advance(api, DAY)
    swept()
    order()
    assert (read(api, story)["status"], read(api, story)["code"]) == ("expired", "review_timeout")
    lawful()


def test_a_link_runs_out(api):
    opened = api.post("/v1/verifications", opening()).json()
    advance(api, 30 * 60)
    times = LINKS.rows.values_list("expires_at", "created_at")
    expires_at, created_at = times.get(verification=opened["id"])
    assert expires_at is not None
    assert abs(expires_at - created_at) < timedelta(seconds=5)
    fresh = api.post(f"/v1/verifications/{opened['id']}/link").json()
    advance(api, 60)
    assert fresh["url"] != opened["url"]
    lawful()


def test_a_clearance_runs_out(api, lender, issued):
    story = verified(lender, issued)
    first = cleared(api, story)
    advance(api, 15 * 60 - 30)
    assert api.get(f"/v1/clearances/{first['id']}").json()["status"] == "issued"
    advance(api, 60)
    assert code(consume(api, first)) == (409, "clearance_expired")
    second = cleared(api, story)
    assert consume(api, second).status_code == 200
    lawful()


def test_a_verdict_grows_too_old(api, lender, issued):
    story = verified(lender, issued)
    advance(api, 3 * DAY)
    asked_for = ask(api, story).json()
    story.work()
    told = api.get(f"/v1/clearances/{asked_for['id']}").json()
    assert (told["status"], told["code"]) == ("refused", "verification_too_old")
    signed = {"signed_at": clock.now().isoformat(), "contract_sha256": CONTRACT}
    assert code(api.post(f"/v1/verifications/{story.id}/contract", signed)) == (
        409,
        "verification_too_old",
    )
    lawful()


def test_a_clearance_that_was_put_forward_while_its_gates_were_asked_is_none(
    api, lender, issued, monkeypatch
):
    story = verified(lender, issued)
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


def test_nobody_elses_moves(api, other_api, lender, other_lender):
    mine, other, live = begin(lender), begin(other_lender), begin(lender, "A-2")
    Verification.objects.filter(pk=live.id).update(mode="live")
    before = due(other.id), due(live.id)
    advance(api, DAY)
    assert (due(other.id), due(live.id)) == before
    assert code(api.post(CLOCK, {"advance_seconds": 1, "verification": other.id})) == (
        404,
        "not_found",
    )
    assert code(api.post(CLOCK, {"advance_seconds": 1, "verification": live.id})) == (
        404,
        "not_found",
    )
    assert other_api.get(CLOCK).json()["advanced_seconds"] == 0
    assert Verification.objects.get(pk=mine.id).advanced_seconds == DAY
    assert list(
        AuditEntry.objects.filter(type="test_clock.advanced").values_list("verification_id")
    ) == [(mine.id,)]


def test_a_live_key_has_no_clock(lender):
    story = begin(lender)
    before = due(story.id)
    issued = keys.issue(lender, mode="test")
    issued.key.mode = "live"
    issued.key.save()
    live = Caller(issued.secret)
    assert code(live.get(CLOCK)) == (404, "not_found")
    assert code(live.post(CLOCK, {"advance_seconds": 60})) == (404, "not_found")
    assert code(live.post(CLOCK, {"advance_seconds": 60, "verification": story.id})) == (
        404,
        "not_found",
    )
    assert due(story.id) == before


def test_one_alone(api, lender):
    first, second = begin(lender), begin(lender, "A-2")
    before = due(second.id)
    assert advance(api, DAY, verification=first.id)["verifications"] == 1
    assert due(second.id) == before
    swept()
    assert (first.row().status, second.row().status) == ("expired", "requires_input")
    assert code(api.post(CLOCK, {"advance_seconds": 1, "verification": first.id})) == (
        409,
        "illegal_transition",
    )


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


def test_a_repeat_moves_nothing_twice(api, lender):
    story = begin(lender)
    first = api.post(CLOCK, {"advance_seconds": 60}, key="k-1")
    again = api.post(CLOCK, {"advance_seconds": 60}, key="k-1")
    assert (again.json(), again.headers["Idempotent-Replayed"]) == (first.json(), "true")
    assert code(api.post(CLOCK, {"advance_seconds": 61}, key="k-1")) == (
        422,
        "idempotency_key_reused",
    )
    assert story.row().advanced_seconds == 60


def test_a_key_that_may_only_read_advances_nothing(lender):
    story = begin(lender)
    reader = Caller(keys.issue(lender, mode="test", scopes=["verifications:read"]).secret)
    assert reader.get(CLOCK).status_code == 200
    assert code(reader.post(CLOCK, {"advance_seconds": 60})) == (403, "scope_missing")
    assert story.row().advanced_seconds == 0


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
    advance(api, DAY)
    swept()
    assert story.row().status == "expired"
    lawful()


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


def test_money_leaves_once_while_the_clock_is_put_forward(api, lender, issued):
    story = verified(lender, issued)
    clearance = cleared(api, story)

    def one(number):
        return (
            consume(api, clearance).status_code if number % 2 else advance(api, 60)["verifications"]
        )

    done = in_parallel(one, 8)
    assert done[1::2].count(200) == 1
    assert story.row().advanced_seconds == 4 * 60
    lawful()
