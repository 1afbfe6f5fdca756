"""What a lender reads of a blocked case: a skeleton, or all that an open obligation rests on."""

import pytest

from tests.lenders.api.clearing import CONTRACT, clean, cleared, consume, read, types
from tests.lenders.samples import IIN, code
from tests.lenders.shapes import hold
from tests.verification.log.judged import findings
from tests.verification.stories.purge_story import purged
from tests.verification.stories.story import begin, order
from verification import clock, transactions
from verification.access import erasures
from verification.artifacts import reading
from verification.case import contents, moving
from verification.core.errors import Conflict
from verification.models import AuditEntry, Clearance
from verification.worker import lending

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("trusted")]

ONE = "/v1/verifications/{verification_id}"
FILES = ("statement", "signature")
GONE = ("client_reference", "purpose", "locale", "opened_by", "metadata", "last_failure")


def told(api, story):
    return hold(api.get(f"/v1/verifications/{story.id}?expand=checks"), ONE, "get")


def opened(api, story):
    """Which of its signed files answer."""
    return {
        name: api.get(f"/v1/verifications/{story.id}/{name}").status_code == 200 for name in FILES
    }


def report(api, story, status):
    at = clock.now().isoformat()
    return api.post(f"/v1/verifications/{story.id}/obligation", {"status": status, "at": at})


def test_a_withdrawn_case_is_a_skeleton_which_says_why_and_until_when(api, lender):
    story = begin(lender, "B-1", iin=IIN).to_statement()
    erasures.withdraw(story.id)
    story.work()
    body = told(api, story)
    assert (body["status"], body["code"]) == ("canceled", "consent_withdrawn")
    assert [body[name] for name in GONE] == [None] * len(GONE)
    assert "checks" not in body
    [entry] = AuditEntry.objects.filter(verification_id=story.id, type="consent.withdrawn")
    assert body["blocked"] == {
        "since": body["finished_at"],
        "asked_by": "person",
        "answer_due_at": body["blocked"]["answer_due_at"],
        "kept_until": body["retention"]["until"],
    }
    assert entry.body["due"][:23] == body["blocked"]["answer_due_at"][:23]
    events = api.get("/v1/events?limit=100").json()["data"][-2:]
    assert [(event["type"], event["data"]["status"]) for event in events] == [
        ("consent.withdrawn", None),
        ("verification.canceled", "canceled"),
    ]


def test_a_persons_request_is_told_by_an_event_and_closes_what_no_payout_may_use(api, lender):
    story = begin(lender, "B-1", iin=IIN).to_statement()
    story.cancel()
    assert told(api, story)["blocked"] is None
    erasures.request_of_person(story.id)
    order()
    body = told(api, story)
    assert (body["blocked"]["asked_by"], body["client_reference"]) == ("person", None)
    assert body["retention"]["requested_at"] == body["blocked"]["since"]
    events = [event["type"] for event in api.get("/v1/events?limit=100").json()["data"]]
    assert events[-1] == "verification.redaction_requested"


def test_a_withdrawal_freezes_a_live_clearance_and_bars_the_next(api, story):
    clearance = cleared(api, story)
    erasures.withdraw(story.id)
    assert read(api, clearance) == ("frozen", None)
    assert code(consume(api, clearance)) == (409, "clearance_frozen")
    asked = api.post(f"/v1/verifications/{story.id}/clearances", {"contract_sha256": CONTRACT})
    assert code(asked) == (409, "processing_blocked")
    signed = {"signed_at": clock.now().isoformat(), "contract_sha256": CONTRACT}
    answer = api.post(f"/v1/verifications/{story.id}/contract", signed)
    assert code(answer) == (409, "processing_blocked")
    assert types(story)[-1] == "clearance.frozen"
    order()
    assert (findings(), clean(story)) == ([], [])


def test_a_clearance_that_is_being_weighed_is_refused_after_the_withdrawal(api, story):
    asked = api.post(f"/v1/verifications/{story.id}/clearances", {"contract_sha256": CONTRACT})
    erasures.withdraw(story.id)
    story.work()
    assert read(api, asked.json()) == ("refused", "clearance_frozen")
    order()
    assert (findings(), clean(story)) == ([], [])


def test_a_request_leaves_a_payout_that_may_still_come(api, story):
    erasures.request_of_person(story.id)
    body = told(api, story)
    assert (body["blocked"]["asked_by"], body["client_reference"]) == ("person", "A-1")
    assert opened(api, story) == dict.fromkeys(FILES, True)
    assert consume(api, cleared(api, story)).status_code == 200
    order()
    assert findings() == []


def test_what_an_open_obligation_rests_on_stays_readable_until_it_is_closed(api, story):
    consume(api, cleared(api, story))
    erasures.withdraw(story.id)
    erasures.request_of_person(story.id)
    for status in ("", "opened"):
        if status:
            assert report(api, story, status).status_code == 200
        body = told(api, story)
        assert (body["blocked"]["asked_by"], body["client_reference"]) == ("person", "A-1")
        assert body["checks"]
        assert opened(api, story) == dict.fromkeys(FILES, True)
        assert api.get(f"/v1/verifications/{story.id}/receipt").json()["openings"]
    assert Clearance.objects.get(verification_id=story.id).status == "consumed"
    assert report(api, story, "closed").status_code == 200
    assert [told(api, story)[name] for name in GONE] == [None] * len(GONE)
    assert opened(api, story) == dict.fromkeys(FILES, False)
    for name in (*FILES, "documents"):
        answer = api.get(f"/v1/verifications/{story.id}/{name}")
        assert code(answer) == (409, "processing_blocked")
    receipt = api.get(f"/v1/verifications/{story.id}/receipt").json()
    assert (receipt["openings"], bool(receipt["receipt"])) == (None, True)
    order()
    assert findings() == []


def test_an_obligation_paid_past_us_after_a_withdrawal_is_recorded_and_opens_the_case(api, story):
    erasures.withdraw(story.id)
    assert told(api, story)["client_reference"] is None
    assert report(api, story, "opened").status_code == 200
    assert told(api, story)["client_reference"] == "A-1"


def test_a_worker_lends_nothing_of_a_blocked_case_though_web_signed_the_request(api, lender, story):
    """As after a break-in into web, whose key signs the request of a reading."""
    key = lender.keys.first()
    row = contents.of_any_lender(story.id)
    history = moving.read_sound(row)
    claim = next(claim for claim in history.claims() if claim.kind.endswith("statement.signature"))
    body = {"verification": story.id, "attempt": claim.attempt, "document": claim.id}
    body |= {"key": key.pk, "what": "signature"}
    request = AuditEntry(type="document.read", lender_id=lender.pk, body=body, log="test")
    request.at = clock.now()
    assert len(list(lending._lawful(history, [request]))) == 1
    erasures.withdraw(story.id)
    assert list(lending._lawful(moving.read_sound(row), [request])) == []


def test_a_block_moves_no_day_of_the_erasure(api, story):
    until = told(api, story)["retention"]["until"]
    erasures.withdraw(story.id)
    erasures.request_of_person(story.id)
    assert told(api, story)["retention"]["until"] == until
    purged(story)
    assert story.row().redacted_at is not None
    assert findings() == []


def test_a_download_of_the_borrower_is_refused(story):
    erasures.withdraw(story.id)
    with pytest.raises(Conflict) as refused, transactions.writing():
        reading.read_for_borrower(verification_id=story.id, file="signature", session="0" * 64)
    assert refused.value.code == "processing_blocked"
