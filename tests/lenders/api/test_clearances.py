"""/v1/…/clearances as a lender's disbursement step meets it: asked for, consumed once, refused with
a code.
"""

from datetime import timedelta

import pytest

from lenders import keys
from tests.lenders.samples import Caller
from tests.lenders.test_openapi import hold
from tests.scenes import IS_OVER, staged
from tests.statements import statements
from tests.verification.log import root
from tests.verification.log.judged import erase
from tests.verification.log.looks import differences_of
from tests.verification.log.rows import order_all
from tests.verification.stories.destruction_story import dispute
from tests.verification.stories.story import at_statement, begin, order, wait_until
from verification import clock
from verification.core import certificates, profiles
from verification.models import AuditEntry, AuditLeaf, Clearance
from verification.payout import clearances

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("trusted")]

CONTRACT, OTHER_CONTRACT = "c" * 64, "d" * 64
PAID = {
    "amount": "150000.00",
    "iin": "990101100010",
    "contract_sha256": CONTRACT,
    "payout_account": "KZ86125KZT5004100100",
}
ASK, READ, CONSUME = (
    "/v1/verifications/{verification_id}/clearances",
    "/v1/clearances/{clearance_id}",
    "/consume",
)


def verified(lender, issued, reference="A-1", profile="KZ-2021-04"):
    def play():
        story = begin(lender, reference, profile=profile).to_statement()
        story.sign(issued())
        story.work()
        return story

    return staged(f"verified {lender.pk} {reference} {profile}", play, seconds=IS_OVER)


def ask(api, story, **more):
    return api.post(
        f"/v1/verifications/{story.id}/clearances", {"contract_sha256": CONTRACT, **more}
    )


def cleared(api, story):
    """An issued clearance."""
    asked = hold(ask(api, story), ASK, "post")
    assert (asked["status"], asked["amount_max"], asked["gates"]) == ("processing", "150000.00", [])
    story.work()
    return hold(api.get(f"/v1/clearances/{asked['id']}"), READ, "get")


def consume(api, clearance, *, key="", **other):
    return api.post(f"/v1/clearances/{clearance['id']}/consume", {**PAID, **other}, key=key)


def code(answer):
    return (answer.status_code, answer.json()["code"])


def refused(api, clearance, expected, **other):
    """Consuming is refused with this code, and nothing was spent or written."""
    before = AuditEntry.objects.count()
    assert code(consume(api, clearance, **other)) == (409, expected)
    assert not Clearance.objects.filter(status="consumed").exists()
    assert AuditEntry.objects.count() == before


def types(story):
    found = AuditEntry.objects.filter(verification_id=story.id, type__startswith="clearance.")
    return list(found.order_by("verification_sequence").values_list("type", flat=True))


def clean(story):
    return [one.code for one in differences_of(story.id)]


def test_money_leaves_once(api, lender, issued):
    story = verified(lender, issued)
    clearance = cleared(api, story)
    assert clearance["status"] == "issued"
    assert {gate["name"]: gate["status"] for gate in clearance["gates"]} == {
        **dict.fromkeys(("amount", "verification_age", "profile"), "passed"),
        **dict.fromkeys(
            ("age", "first_credit", "cooling_off", "stop_credit", "account_owner"), "not_evaluated"
        ),
    }
    spent = hold(consume(api, clearance, key="k-1"), READ + CONSUME, "post")
    assert (spent["status"], spent["amount"]) == ("consumed", "150000.00")
    again = consume(api, clearance, key="k-1")
    assert (again.status_code, again.json(), again.headers["Idempotent-Replayed"]) == (
        200,
        spent,
        "true",
    )
    assert code(consume(api, clearance, key="k-2")) == (409, "clearance_consumed")
    assert code(ask(api, story)) == (409, "clearance_consumed")
    order()
    assert types(story) == ["clearance.requested", "clearance.issued", "clearance.consumed"]
    told = [(one["type"], one["data"]) for one in api.get("/v1/events").json()["data"]][-2:]
    assert [one for one, _ in told] == ["clearance.issued", "clearance.consumed"]
    assert {(data["status"], data["clearance"]) for _, data in told} == {
        ("verified", clearance["id"])
    }
    assert clean(story) == []


def test_what_it_says_names_nobody(api, lender, issued):
    story = verified(lender, issued)
    consume(api, cleared(api, story))
    said = str(
        list(AuditEntry.objects.filter(verification_id=story.id).values_list("body", flat=True))
    )
    assert PAID["iin"] not in said
    assert PAID["payout_account"] not in said


@pytest.mark.parametrize(
    "other",
    [
        {"amount": "150000.01"},
        {"iin": "990101100020"},
        {"contract_sha256": OTHER_CONTRACT},
        {"payout_account": "KZ75125KZT1001300335"},
    ],
    ids=lambda other: next(iter(other)),
)
def test_it_is_for_nothing_else(api, lender, issued, other):
    story = verified(lender, issued)
    clearance = cleared(api, story)
    refused(api, clearance, "clearance_mismatch", **other)
    assert consume(api, clearance).status_code == 200


def test_less_may_leave_than_was_asked_for(api, lender, issued):
    clearance = cleared(api, verified(lender, issued))
    assert consume(api, clearance, amount="1.5").json()["amount"] == "1.50"


def test_it_runs_out(api, lender, issued):
    story = verified(lender, issued)
    clearance = cleared(api, story)
    wait_until(clock.now() + timedelta(minutes=15))
    refused(api, clearance, "clearance_expired")
    assert consume(api, cleared(api, story)).status_code == 200


def test_a_gate_grows_too_old(api, lender, issued):
    story = verified(lender, issued)
    wait_until(clock.now() + timedelta(hours=72, minutes=-5))
    order()
    clearance = cleared(api, story)
    wait_until(clock.now() + timedelta(minutes=6))
    refused(api, clearance, "clearance_stale")
    again = cleared(api, story)
    assert (again["status"], again["code"]) == ("refused", "verification_too_old")
    refused(api, again, "clearance_refused")
    assert types(story)[-1] == "clearance.refused"
    assert clean(story) == []


def test_another_request_makes_the_one_before_void(api, lender, issued):
    story = verified(lender, issued)
    first = cleared(api, story)
    second = ask(api, story).json()
    refused(api, first, "clearance_superseded")
    refused(api, second, "clearance_not_ready")
    story.work()
    assert consume(api, second).status_code == 200
    assert clean(story) == []


def test_a_dispute_freezes_it(api, lender, issued):
    story = verified(lender, issued)
    clearance = cleared(api, story)
    dispute(story)
    refused(api, clearance, "clearance_frozen")
    assert code(ask(api, story)) == (409, "clearance_frozen")


def test_a_dispute_before_it_is_issued_refuses_it(api, lender, issued):
    story = verified(lender, issued)
    asked = ask(api, story).json()
    dispute(story)
    story.work()
    assert api.get(f"/v1/clearances/{asked['id']}").json()["code"] == "clearance_frozen"


def test_a_revoked_key_freezes_what_it_decided_and_is_unpaid(api, lender, issued):
    story = verified(lender, issued)
    clearance = cleared(api, story)
    order_all()
    index = AuditLeaf.objects.get(
        entry__verification_id=story.id, entry__type="verification.verified"
    ).leaf_index
    key = certificates.key_id(root.public("decision"))
    said = certificates.revocation(root.seed(), mode="test", key=key, from_index=index)
    assert clearances.revoke_key("test", key=key, from_index=index, signature=said) == [story.id]
    assert api.get(f"/v1/clearances/{clearance['id']}").json()["status"] == "frozen"
    refused(api, clearance, "clearance_frozen")
    assert types(story)[-1] == "clearance.frozen"
    order_all()
    assert "verification.key_revoked" in {
        one["type"] for one in api.get("/v1/events").json()["data"]
    }
    assert code(ask(api, story)) == (409, "not_verified")
    assert clean(story) == []
    clearances.revoke_key("test", key=key, from_index=index, signature=said)
    assert types(story).count("clearance.frozen") == 1


def test_only_what_is_told_to_be_verified_is_cleared(api, lender, issued):
    story = at_statement(lender)
    assert code(ask(api, story)) == (409, "not_verified")
    assert code(api.post(f"/v1/verifications/{story.id}x/clearances", {})) == (404, "not_found")


def test_who_was_erased_is_cleared_no_more(api, lender, issued):
    story = verified(lender, issued)
    waiting = ask(api, story).json()
    erase(story)
    story.work()
    told = hold(api.get(f"/v1/clearances/{waiting['id']}"), READ, "get")
    assert (told["status"], told["code"]) == ("refused", "verification_erased")
    assert code(ask(api, story)) == (409, "verification_erased")


def test_it_is_another_lenders_nothing(api, other_api, lender, issued):
    story = verified(lender, issued)
    clearance = cleared(api, story)
    assert code(ask(other_api, story)) == (404, "not_found")
    assert code(other_api.get(f"/v1/clearances/{clearance['id']}")) == (404, "not_found")
    assert code(consume(other_api, clearance)) == (404, "not_found")
    reader = Caller(
        keys.issue(lender, mode="test", scopes=["verifications:read", "verifications:write"]).secret
    )
    assert code(consume(reader, clearance)) == (403, "scope_missing")
    assert reader.get(f"/v1/clearances/{clearance['id']}").json()["status"] == "issued"


def test_somebody_names_the_contract(api, lender, issued):
    story = verified(lender, issued)
    answer = api.post(f"/v1/verifications/{story.id}/clearances", {})
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/contract_sha256")


@pytest.mark.parametrize(
    ("profile", "expected"),
    [
        ("KZ-2024-10", "profile_insufficient"),
        ("KZ-2025-09", "profile_insufficient"),
    ],
)
def test_the_stricter_law_wins(api, lender, issued, profile, expected):
    story = verified(lender, issued)
    lender.test_calendar = profiles.calendar_of(profile)
    lender.save()
    clearance = cleared(api, story)
    assert (clearance["status"], clearance["code"], clearance["profile"]) == (
        "refused",
        expected,
        profile,
    )
    assert clean(story) == []


def test_it_takes_as_many_statements_as_are_listed(api, lender, issued):
    story = verified(lender, issued)
    api.get("/v1/verifications", limit="1")  # the key's use is written down
    found = {}
    with statements() as sent:
        asked = ask(api, story).json()
    found["ask"] = len(sent)
    story.work()
    with statements() as sent:
        api.get(f"/v1/clearances/{asked['id']}")
    found["read"] = len(sent)
    with statements() as sent:
        assert consume(api, asked).status_code == 200
    found["consume"] = len(sent)
    assert found == {"ask": 14, "read": 3, "consume": 9}
