"""A lender asks that personal data be erased; and what is answered of a case once they are."""

import re

import pytest
from django.urls import reverse

from lenders import keys, policy
from lenders.urls import urlpatterns
from tests.lenders.api.clearing import cleared, consume
from tests.lenders.samples import IIN, Caller, code
from tests.lenders.shapes import hold
from tests.verification.log.judged import findings
from tests.verification.oversight import rows
from tests.verification.review import desk
from tests.verification.stories.destruction_story import turn
from tests.verification.stories.purge_story import purged, sealed_rows
from tests.verification.stories.story import begin, order
from verification import clock
from verification.models import AuditEntry

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("trusted")]

REDACT = "/v1/verifications/{verification_id}/redact"
ONE = "/v1/verifications/{verification_id}"


def redact(api, story, **more):
    return api.post(f"/v1/verifications/{story.id}/redact", **more)


def years_later(lender):
    """The lender's server, with a key of that time."""
    return Caller(keys.issue(lender, mode="test", scopes=policy.SCOPES).secret)


def requests(story):
    kind = "verification.redaction_requested"
    return list(AuditEntry.objects.filter(verification_id=story.id, type=kind))


def test_a_request_is_recorded_once_and_answered_with_the_day_of_the_erasure(
    api, other_api, lender, story
):
    assert code(redact(api, begin(lender, "B-1", iin=IIN))) == (409, "illegal_transition")
    assert code(redact(other_api, story)) == (404, "not_found")
    first = redact(api, story)
    told = hold(first, REDACT, "post")["retention"]
    assert told["until"] == api.get(f"/v1/verifications/{story.id}").json()["retention"]["until"]
    [entry] = requests(story)
    assert entry.body["asked_by"] == "lender"
    assert (told["requested_at"][:23], told["answer_due_at"][:23]) == (
        entry.at.isoformat()[:23],
        entry.body["due"][:23],
    )
    turn(24)
    assert redact(api, story).json()["retention"] == told
    assert len(requests(story)) == 1
    assert len(sealed_rows(story)) == 9
    order()
    assert findings() == []
    purged(story)
    last = redact(years_later(lender), story)
    assert last.json()["retention"]["until"] is None
    assert last.json()["redacted_at"] is not None
    assert len(requests(story)) == 1


def test_every_address_of_an_erased_case_answers(api, lender, story):
    clearance = cleared(api, story)
    consume(api, clearance)
    order()
    before = api.get(f"/v1/verifications/{story.id}?expand=checks").json()
    purged(story)
    api = years_later(lender)
    after = hold(api.get(f"/v1/verifications/{story.id}?expand=checks"), ONE, "get")
    gone = ("client_reference", "purpose", "locale", "opened_by", "metadata")
    assert {after.pop(name) for name in gone} == {None}
    moved = ("retention", "redacted_at", "sequence", "checks", *gone)
    kept = [name for name in before if name not in moved]
    assert [after[name] for name in kept] == [before[name] for name in kept]
    assert [(one["name"], one["outcome"]) for one in after["checks"]] == [
        (one["name"], one["outcome"]) for one in before["checks"]
    ]
    assert {one["score"] for one in after["checks"]} == {None}
    assert api.get("/v1/verifications").json()["data"][0]["id"] == story.id
    assert api.get("/v1/verifications?client_reference=A-1").json()["data"] == []
    [event] = [
        one
        for one in api.get("/v1/events?limit=100").json()["data"]
        if one["type"] == "verification.redacted"
    ]
    assert (event["data"]["verification"], event["data"]["client_reference"]) == (story.id, None)
    # Each address below it, by each method: an answer, and no fault of ours.
    below = {
        match[1]
        for pattern in urlpatterns
        if (match := re.search(r"<slug:verification_id>/(\w[^<]*)$", str(pattern.pattern)))
    }
    assert {"receipt", "documents", "redact", "obligation"} <= below
    bodies = {
        "obligation": {"status": "opened", "at": clock.now().isoformat()},
        "contract": {"signed_at": clock.now().isoformat(), "contract_sha256": "c" * 64},
        "clearances": {"contract_sha256": "c" * 64},
        "simulate": {"scenario": "verified"},
    }
    said = {}
    for name in below:
        folder = "test/verifications" if name == "simulate" else "verifications"
        place = f"/v1/{folder}/{story.id}/{name}"
        answers = {"GET": api.get(place), "POST": api.post(place, bodies.get(name, {}))}
        for method, answer in answers.items():
            said[method, name] = answer.status_code, answer.json().get("code")
    assert said["GET", "receipt"] == said["GET", "documents"] == (200, None)
    assert said["GET", "statement"] == said["GET", "signature"] == (410, "document_erased")
    assert said["POST", "redact"] == (200, None)
    for name in ("contract", "clearances", "obligation"):
        assert said["POST", name] == (409, "verification_erased")
    assert {status for status, _ in said.values()} <= {200, 404, 405, 409, 410}
    paid = hold(
        api.get(f"/v1/clearances/{clearance['id']}"), "/v1/clearances/{clearance_id}", "get"
    )
    assert paid["status"] == "consumed"
    assert api.get("/v1/clearances").json()["data"][0]["id"] == clearance["id"]
    proof = api.get(f"/v1/log/proof?event={event['id']}")
    assert proof.status_code == 200


def test_pages_of_an_erased_case_answer(lender, story):
    purged(story)
    regulator = rows.signed_in(rows.person("regulator"))
    for name in ("case", "proof", "leaf"):
        answer = regulator.get(reverse(f"oversight:{name}", args=[story.id]))
        assert answer.status_code == 200
        if name == "case":
            assert "Personal data erased" in answer.content.decode()
    reviewer = desk.at_desk(lender)
    for name in ("review:case", "review:confirmation"):
        answer = reviewer.get(reverse(name, args=[story.id]))
        assert answer.status_code in (200, 404, 409), name
