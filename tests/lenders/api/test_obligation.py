"""POST /v1/verifications/{id}/obligation: what starts and stops the retention clock."""

from datetime import timedelta

import pytest

from lenders import keys
from tests.lenders.api.clearing import clean, cleared, consume, verified
from tests.lenders.samples import Caller, code
from tests.lenders.shapes import hold
from tests.verification.log.judged import verify_legality
from tests.verification.log.rows import tamper
from tests.verification.oversight import rows
from tests.verification.stories.story import begin, in_parallel, order
from verification import clock
from verification.core import almaty
from verification.models import AuditEntry, Verification

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("trusted")]

PATH = "/v1/verifications/{verification_id}/obligation"


def tell(api, story, status="opened", at=None, *, key=""):
    body = {"status": status, "at": (at or clock.now()).isoformat()}
    return api.post(f"/v1/verifications/{story.id}/obligation", body, key=key)


def told(story):
    found = AuditEntry.objects.filter(verification_id=story.id, type__startswith="obligation.")
    return list(found.order_by("verification_sequence").values_list("type", "body__at"))


def five_years(moment):
    day = almaty.day_of(moment)
    return almaty.begins(day.replace(year=day.year + 5) + timedelta(days=1))


def test_the_clock_starts_and_stops(api, story):
    consume(api, cleared(api, story))
    before = api.get(f"/v1/verifications/{story.id}").json()["retention"]
    assert before["obligation_opened_at"] is None
    assert before["until"].startswith(five_years(story.row().created_at).isoformat()[:19])
    opened = clock.now()
    answer = hold(tell(api, story, at=opened), PATH, "post")
    assert (answer["retention"]["until"], answer["retention"]["obligation_closed_at"]) == (
        None,
        None,
    )
    closed = clock.now()
    answer = hold(tell(api, story, "closed", closed), PATH, "post")["retention"]
    assert answer["until"].startswith(five_years(closed).isoformat()[:19])
    assert told(story) == [
        ("obligation.opened", opened.isoformat()),
        ("obligation.closed", closed.isoformat()),
    ]
    order()
    assert [*clean(story), *verify_legality("test")] == []


def test_the_same_word_again_changes_nothing_and_another_is_refused(api, lender, issued):
    story, at = verified(lender, issued), clock.now()
    assert code(tell(api, story, "closed", at)) == (409, "obligation_not_opened")
    assert [tell(api, story, at=at).status_code for _ in range(2)] == [200, 200]
    later = at + timedelta(milliseconds=1)
    assert code(tell(api, story, at=later)) == (409, "obligation_opened")
    assert tell(api, story, "closed", later).status_code == 200
    assert tell(api, story, "closed", later).status_code == 200
    assert code(tell(api, story, "closed", clock.now())) == (409, "obligation_closed")
    assert tell(api, story, at=at).status_code == 200
    assert len(told(story)) == 2


@pytest.mark.parametrize("is_whole_seconds", [True, False])
def test_the_time_of_the_decision_may_come_back_cut(api, is_whole_seconds, story):
    told = api.get(f"/v1/verifications/{story.id}").json()["finished_at"]
    if is_whole_seconds:
        told = story.row().finished_at.replace(microsecond=0).isoformat()
    body = {"status": "opened", "at": told}
    assert api.post(f"/v1/verifications/{story.id}/obligation", body).status_code == 200
    order()
    assert [*clean(story), *verify_legality("test")] == []


def test_a_time_that_cannot_be_is_refused(api, story):
    decided = story.row().finished_at
    for at, expected in (
        (decided - timedelta(seconds=1), "obligation_before_decision"),
        (clock.now() + timedelta(minutes=6), "obligation_in_future"),
    ):
        answer = tell(api, story, at=at).json()
        assert (answer["errors"][0]["code"], answer["errors"][0]["pointer"]) == (expected, "/at")
    opened = clock.now()
    tell(api, story, at=opened)
    answer = tell(api, story, "closed", opened - timedelta(milliseconds=1)).json()
    assert answer["errors"][0]["code"] == "obligation_before_opening"
    assert len(told(story)) == 1
    assert tell(api, story, "closed", clock.now() + timedelta(minutes=4)).status_code == 200


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"status": "opened"},
        {"status": "paid", "at": "2026-11-28T10:00:00Z"},
        {"status": "opened", "at": "yesterday"},
        {"status": "opened", "at": "2026-11-28"},
        {"status": "opened", "at": "2026-11-28T10:00:00Z", "amount": "1"},
    ],
    ids=str,
)
def test_what_cannot_be_read_is_bad_input(api, body, story):
    assert code(api.post(f"/v1/verifications/{story.id}/obligation", body)) == (422, "bad_input")
    assert told(story) == []


def test_of_many_at_once_one_word_is_written(api, lender, issued):
    story, now = verified(lender, issued), clock.now()
    secret = keys.issue(lender, mode="test").secret

    def send(number):
        return code(tell(Caller(secret), story, at=now + timedelta(milliseconds=number)))

    found = sorted(in_parallel(send, 8), key=str)
    assert found == [(200, None)] + [(409, "obligation_opened")] * 7
    assert len(told(story)) == 1


def test_only_of_ones_own_that_is_verified(api, other_api, lender, issued):
    waiting, story = begin(lender, "A-9"), verified(lender, issued)
    assert code(tell(api, waiting)) == (409, "not_verified")
    waiting.cancel()
    assert code(tell(api, waiting)) == (409, "not_verified")
    assert code(tell(other_api, story)) == (404, "not_found")
    reader = Caller(
        keys.issue(lender, mode="test", scopes=["verifications:read", "verifications:write"]).secret
    )
    assert code(tell(reader, story)) == (403, "scope_missing")
    assert told(story) == told(waiting) == []


def test_what_was_paid_past_us_is_taken_too(api, story):
    assert tell(api, story).status_code == 200
    order()
    reader = rows.signed_in(rows.person("regulator"))
    page = f"/oversight/cases/{story.id}/"
    shown = reader.get(page).content.decode()
    assert "no clearance was used" in shown
    assert "five years after the obligation has ended" in shown
    consume(api, cleared(api, story))
    tell(api, story, "closed")
    shown = reader.get(page).content.decode()
    assert "no clearance was used" not in shown
    assert f"{almaty.day_of(five_years(story.row().obligation_closed_at)):%d.%m.%Y}" in shown


@pytest.mark.forges
def test_a_row_that_says_otherwise_is_named_and_decides_nothing(api, story):
    Verification.objects.filter(pk=story.id).update(obligation_opened_at=story.row().finished_at)
    assert clean(story) == ["row_differs"]
    assert code(tell(api, story, "closed")) == (409, "obligation_not_opened")
    assert tell(api, story).status_code == 200
    assert clean(story) == []
    tamper(
        (
            "UPDATE verification_verification SET obligation_opened_at = NULL WHERE id = %s",
            (story.id,),
        )
    )
    assert clean(story) == ["row_differs"]
