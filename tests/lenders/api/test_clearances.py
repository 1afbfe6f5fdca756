"""Clearances as a disbursement step meets them, and what a bureau and a bank are asked first."""

import json
from dataclasses import replace
from datetime import date, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import IntegrityError, connection

from lenders import keys
from tests import registered
from tests.insecure_sandbox.asked import register
from tests.lenders.api import renewing
from tests.lenders.api.clearing import (
    CONSUME,
    CONTRACT,
    OTHER_CONTRACT,
    PAID,
    READ,
    ask,
    clean,
    cleared,
    consume,
    contract_of,
    read,
    refused,
    types,
    verified,
)
from tests.lenders.api.insecure_payout import ADAPTERS, InsecurePayout, in_memory
from tests.lenders.api.renewing import report
from tests.lenders.samples import Caller, code, faults, opening
from tests.lenders.shapes import hold
from tests.statements import statements
from tests.verification.log import root
from tests.verification.log.judged import erase, findings, verify_legality
from tests.verification.log.rows import order_all, tamper
from tests.verification.stories.destruction_story import dispute
from tests.verification.stories.story import (
    Story,
    at_statement,
    begin,
    in_parallel,
    order,
    retry,
    wait_until,
)
from verification import clock, tasks, transactions
from verification.case import contents, freezing, moving, policy
from verification.core import almaty, certificates, profiles
from verification.core.almaty import day_of
from verification.evidence import store
from verification.log import signatures, verify_cases
from verification.log.verify import verify_log
from verification.models import AuditEntry, AuditLeaf, Clearance, EvidenceItem, Verification
from verification.payout import clearances, gates
from verification.payout import gates as answers
from verification.sources.asking import PAYOUT_SECONDS
from verification.stages.confirmation import policy as texts
from verification.worker import clearing

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("trusted")]


# /v1/…/clearances as a disbursement step meets it: asked for, consumed once, or refused.


def test_money_leaves_once(api, story, clearance):
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
    entries = AuditEntry.objects.filter(verification_id=story.id)
    said = str(list(entries.values_list("body", flat=True)))
    assert CONTRACT in said
    assert not [secret for secret in (PAID["iin"], PAID["payout_account"]) if secret in said]


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
def test_it_is_for_nothing_else(api, other, story, clearance):
    refused(api, clearance, "clearance_mismatch", **other)
    assert consume(api, clearance, amount="1.5").json()["amount"] == "1.50"


def test_a_gate_grows_too_old(api, story):
    wait_until(clock.now() + timedelta(hours=72, minutes=-5))
    order()
    clearance = cleared(api, story)
    wait_until(clock.now() + timedelta(minutes=6))
    refused(api, clearance, "clearance_stale")
    again = cleared(api, story)
    assert read(api, again) == ("refused", "verification_too_old")
    refused(api, again, "clearance_refused")
    assert types(story)[-1] == "clearance.refused"
    assert clean(story) == []


def test_another_request_makes_the_one_before_void(api, story):
    first = cleared(api, story)
    second = ask(api, story).json()
    refused(api, first, "clearance_superseded")
    refused(api, second, "clearance_not_ready")
    story.work()
    assert consume(api, second).status_code == 200
    assert clean(story) == []


def test_a_dispute_freezes_what_is_issued_and_refuses_what_is_not(api, lender, issued):
    story, waiting = verified(lender, issued), verified(lender, issued, "B-1")
    clearance, asked = cleared(api, story), ask(api, waiting).json()
    for disputed in (story, waiting):
        dispute(disputed)
    refused(api, clearance, "clearance_frozen")
    assert code(ask(api, story)) == (409, "clearance_frozen")
    waiting.work()
    assert read(api, asked) == ("refused", "clearance_frozen")


def test_a_revoked_key_freezes_what_it_decided_and_is_unpaid(api, story, clearance):
    order_all()
    index = AuditLeaf.objects.get(
        entry__verification_id=story.id, entry__type="verification.verified"
    ).leaf_index
    key = certificates.key_id(root.public("decision"))
    said = certificates.revocation(root.seed(), mode="test", key=key, from_index=index)
    assert clearances.revoke_key("test", key=key, from_index=index, signature=said) == [story.id]
    assert read(api, clearance)[0] == "frozen"
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
    answer = api.post(f"/v1/verifications/{verified(lender, issued).id}/clearances", {})
    assert (answer.status_code, faults(answer)) == (422, {("/contract_sha256", "required")})
    story = at_statement(lender, "B-1")
    assert code(ask(api, story)) == (409, "not_verified")
    assert code(api.post(f"/v1/verifications/{story.id}x/clearances", {})) == (404, "not_found")


def test_who_was_erased_is_cleared_no_more(api, story):
    waiting = ask(api, story).json()
    erase(story, is_back=True)
    story.work()
    assert read(api, waiting)[0] == "refused"  # its step is due before the erasure
    assert code(ask(api, story)) == (409, "verification_erased")


def test_it_is_another_lenders_nothing(other_api, lender, story, clearance):
    assert code(ask(other_api, story)) == (404, "not_found")
    assert code(other_api.get(f"/v1/clearances/{clearance['id']}")) == (404, "not_found")
    assert code(consume(other_api, clearance)) == (404, "not_found")
    reader = Caller(
        keys.issue(lender, mode="test", scopes=["verifications:read", "verifications:write"]).secret
    )
    assert code(consume(reader, clearance)) == (403, "scope_missing")
    assert reader.get(f"/v1/clearances/{clearance['id']}").json()["status"] == "issued"


def test_it_takes_as_many_statements_as_are_listed(api, story):
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
    assert found == {"ask": 16, "read": 4, "consume": 11}


# A clearance is told to be issued, and consumed, once the log has ordered that; one put back
# orders nothing.


def test_what_the_log_has_not_ordered_is_neither_told_nor_consumed(api, story):
    asked = ask(api, story).json()
    tasks.advance(story.id)
    assert types(story) == ["clearance.requested", "clearance.issued"]
    assert read(api, asked)[0] == "processing"
    refused(api, asked, "clearance_not_ready")
    order()
    assert read(api, asked)[0] == "issued"
    assert consume(api, asked).status_code == 200
    assert clean(story) == []


@pytest.mark.forges
def test_a_database_that_was_put_back_pays_no_second_time(api, story):
    """What was paid since its backup is forgotten in it; the head file knows that its log was
    longer.
    """
    before, size = story.row().sequence, AuditLeaf.objects.count()
    consume(api, cleared(api, story))
    order()
    said_since = (
        "DELETE FROM verification_auditentry WHERE verification_id = %s AND verification_sequence"
        " > %s"
    )
    tamper(
        ("DELETE FROM verification_auditpending", []),
        ("DELETE FROM verification_auditleaf WHERE leaf_index >= %s", [size]),
        ("DELETE FROM verification_auditcheckpoint WHERE size > %s", [size]),
        ("UPDATE verification_audithead SET size = %s", [size]),
        ("DELETE FROM verification_clearance", []),
        (said_since, [story.id, before]),
        ("UPDATE verification_verification SET sequence = %s WHERE id = %s", [before, story.id]),
    )
    asked = ask(api, story).json()
    story.work()
    assert types(story) == ["clearance.requested", "clearance.issued"]
    assert read(api, asked)[0] == "processing"
    refused(api, asked, "clearance_not_ready")


# Many present one clearance at once: one of them is paid.
_WHOLE = (pytest.mark.proof("clearances"), pytest.mark.whole)


@pytest.mark.embedded
def test_of_many_at_once_one_is_paid(api, lender, issued):
    for round_ in range(3):
        story = verified(lender, issued, f"R-{round_}")
        found = at_once(16, lender, cleared(api, story, contract_sha256=contract_of(round_)))
        assert sorted(found, key=str) == [(200, None)] + [(409, "clearance_consumed")] * 15
        assert types(story).count("clearance.consumed") == 1


@pytest.mark.service
@pytest.mark.parametrize("rounds", [2, pytest.param(20, marks=_WHOLE)])
def test_of_64_at_once_again_and_again_one_each_is_paid(api, lender, issued, rounds, story):
    for round_ in range(rounds):
        if round_:
            story = verified(lender, issued, f"R-{round_}")
        found = at_once(64, lender, cleared(api, story, contract_sha256=contract_of(round_)))
        assert sorted(found, key=str) == [(200, None)] + [(409, "clearance_consumed")] * 63
        assert types(story).count("clearance.consumed") == 1
        assert Clearance.objects.filter(verification_id=story.id, status="consumed").count() == 1


# Many present two clearances of one contract at once: one of them all is paid.
@pytest.mark.embedded
def test_of_two_verifications_of_a_contract_one_is_paid(api, lender, issued):
    for round_ in range(3):
        race(16, api, lender, issued, round_)


@pytest.mark.service
@pytest.mark.parametrize("rounds", [2, pytest.param(20, marks=_WHOLE)])
def test_of_two_verifications_and_64_at_once_one_is_paid(api, lender, issued, rounds):
    for round_ in range(rounds):
        race(64, api, lender, issued, round_)


def race(number, api, lender, issued, round_):
    """Half of the consumers present one clearance, half the other: one pays, and all others learn
    why not.
    """
    stories = [verified(lender, issued, f"{place}-{round_}") for place in "RS"]
    named = {"contract_sha256": contract_of(round_)}
    both = [cleared(api, story, **named) for story in stories]
    found = at_once(number, lender, *both)
    rows = {row.pk: row for row in Clearance.objects.filter(**named)}
    paid = [clearance["id"] for clearance in both if rows[clearance["id"]].status == "consumed"]
    assert len(paid) == 1
    for place, clearance in enumerate(both):
        is_paid, own = clearance["id"] in paid, found[place::2]
        assert own.count((200, None)) == int(is_paid)
        assert {answer for answer in own if answer[0] != 200} == {
            (409, "clearance_consumed" if is_paid else "contract_paid")
        }
        row = rows[clearance["id"]]
        assert is_paid or (row.status, row.consumed_at, row.amount_tiyn) == ("issued", None, None)
        assert types(stories[place])[2:] == (["clearance.consumed"] if is_paid else [])
        assert clean(stories[place]) == []


def at_once(number, lender, *presented):
    """The answers to so many consumers, who present these clearances in turn."""
    secret = keys.issue(lender, mode="test").secret

    def pay(number):
        clearance = presented[number % len(presented)]
        has_key = number // len(presented) % 2
        key = f"{clearance['id']}-{number}" if has_key else ""
        named = {"contract_sha256": clearance["contract_sha256"]}
        return code(consume(Caller(secret), clearance, key=key, **named))

    return in_parallel(pay, number, threads=number)


# A contract is paid once, whatever number of verifications it has.


def test_a_contract_is_paid_once(api, lender, issued, story, clearance):
    other, later = verified(lender, issued, "B-1"), verified(lender, issued, "C-1")
    waiting = cleared(api, other)
    assert consume(api, clearance).status_code == 200
    entries = AuditEntry.objects.count()
    for key in ("", "k-1", "k-1"):
        assert code(consume(api, waiting, key=key)) == (409, "contract_paid")
    assert code(ask(api, other)) == code(ask(api, later)) == (409, "contract_paid")
    assert (AuditEntry.objects.count(), read(api, waiting)[0]) == (entries, "issued")
    assert code(consume(api, clearance)) == code(ask(api, story)) == (409, "clearance_consumed")
    assert clean(other) == clean(later) == []
    next_loan = cleared(api, other, contract_sha256=OTHER_CONTRACT)
    assert consume(api, next_loan, contract_sha256=OTHER_CONTRACT).status_code == 200
    order_all()
    assert list(verify_legality("test")) == []


def test_a_paid_contract_outlives_its_clearances(api, lender, issued, clearance):
    waiting = cleared(api, verified(lender, issued, "B-1"))
    consume(api, clearance)
    wait_until(clock.now() + timedelta(minutes=16))
    assert code(consume(api, waiting)) == (409, "contract_paid")
    assert code(ask(api, verified(lender, issued, "C-1"))) == (409, "contract_paid")


def test_the_same_contract_of_another_lender_is_another_contract(
    api, other_api, other_lender, issued, clearance
):
    others = cleared(other_api, verified(other_lender, issued))
    assert consume(api, clearance).status_code == 200
    assert consume(other_api, others).status_code == 200
    order_all()
    assert list(verify_legality("test")) == []


def test_the_database_keeps_a_second_payout_of_a_contract_out(api, lender, issued, clearance):
    waiting = cleared(api, verified(lender, issued, "B-1"))
    consume(api, clearance)
    second = "UPDATE verification_clearance SET status = 'consumed' WHERE id = %s"
    with pytest.raises(IntegrityError), connection.cursor() as cursor:
        cursor.execute(second, [waiting["id"]])
    assert read(api, waiting)[0] == "issued"


@pytest.mark.forges
@pytest.mark.parametrize(
    "changed", [{"status": "superseded", "consumed_at": None, "amount_tiyn": None}, {"status": ""}]
)
def test_no_row_hides_that_the_contract_is_paid(api, lender, issued, clearance, changed):
    waiting = cleared(api, verified(lender, issued, "B-1"))
    consume(api, clearance)
    Clearance.objects.filter(pk=clearance["id"]).update(**changed)
    refused(api, waiting, "contract_paid")
    assert code(ask(api, verified(lender, issued, "C-1"))) == (409, "contract_paid")


@pytest.mark.forges
def test_a_payout_without_a_signature_pays_no_contract(api, lender, issued, story, clearance):
    other = verified(lender, issued, "B-1")
    forged = {"clearance": cleared(api, other)["id"], "amount": 1}
    AuditEntry.objects.create(
        log="test",
        type="clearance.consumed",
        at=clock.now(),
        verification_id=other.id,
        lender_id=lender.pk,
        body=forged,
    )
    assert consume(api, clearance).status_code == 200


@pytest.mark.forges
@pytest.mark.parametrize("page", [1, 100])
def test_the_audit_names_a_contract_that_was_paid_twice(
    api, lender, issued, monkeypatch, page, story, clearance
):
    """By an attacker who holds the keys of the processes."""
    monkeypatch.setattr(verify_cases, "_PAGE", page)
    other = verified(lender, issued, "B-1")
    waiting = cleared(api, other)
    assert consume(api, clearance).status_code == 200
    order_all()
    assert list(verify_legality("test")) == []
    with transactions.writing():
        body = {"clearance": waiting["id"], "amount": 1}
        moving.record(other.row(), "clearance.consumed", at=clock.now(), body=body)
    order_all()
    first, forged = AuditEntry.objects.filter(type="clearance.consumed").order_by(
        "leaf__leaf_index"
    )
    (named,) = (one for one in verify_log("test") if one.code == "contract_paid_twice")
    assert (named.entry, named.leaf_index) == (forged.pk, forged.leaf.leaf_index)
    assert first.pk in named.detail
    assert story.id in named.detail


# No row lets money out, or lets it out once more: what may be consumed is what signed entries
# say.


@pytest.mark.forges
def test_a_row_that_is_set_back_lets_no_money_out_a_second_time(api, story, clearance):
    assert consume(api, clearance).status_code == 200
    Clearance.objects.update(status="issued", consumed_at=None, amount_tiyn=None)
    refused(api, clearance, "clearance_frozen")


@pytest.mark.forges
def test_a_row_revives_no_clearance_that_is_void(api, lender, story):
    first, second = cleared(api, story), cleared(api, story)
    Clearance.objects.filter(pk=second["id"]).update(status="superseded")
    Clearance.objects.filter(pk=first["id"]).update(status="issued")
    refused(api, first, "clearance_frozen")
    lender.test_calendar = profiles.calendar_of("KZ-2024-10")
    registered.saved(lender)
    third = cleared(api, story)
    assert third["status"] == "refused"
    for one in (second, third):
        Clearance.objects.filter(verification_id=story.id).update(status="superseded")
        Clearance.objects.filter(pk=one["id"]).update(
            status="issued",
            expires_at=clock.now() + timedelta(hours=1),
            fresh_until=clock.now() + timedelta(hours=1),
        )
        assert consume(api, one).status_code == 409
    assert "clearance.consumed" not in types(story)


@pytest.mark.forges
def test_a_row_revives_no_clearance_that_is_frozen(api, story, clearance):
    with transactions.writing():
        freezing.freeze(story.row(), at=clock.now())
    refused(api, clearance, "clearance_frozen")
    Clearance.objects.filter(pk=clearance["id"]).update(status="issued", frozen_at=None)
    refused(api, clearance, "clearance_frozen")
    assert set(clean(story)) == {"row_differs"}


def test_a_row_alone_lets_no_money_out(api, lender, issued):
    story, other = verified(lender, issued), verified(lender, issued, "B-1")
    clearance, asked = cleared(api, story), ask(api, other).json()
    told = Clearance.objects.get(pk=clearance["id"])
    Clearance.objects.filter(pk=asked["id"]).update(
        status=told.status,
        issued_at=told.issued_at,
        expires_at=told.expires_at,
        fresh_until=told.fresh_until,
        gates=told.gates,
        iin_index=clearances.index(asked["id"], "iin", PAID["iin"])[0],
        account_index=clearances.index(asked["id"], "account", PAID["payout_account"])[0],
    )
    refused(api, asked, "clearance_frozen")
    assert set(clean(other)) == {"row_differs"}
    tamper(
        (
            "UPDATE verification_clearance SET cap_tiyn = cap_tiyn * 10 WHERE id = %s",
            [clearance["id"]],
        )
    )
    refused(api, clearance, "clearance_frozen", amount="1500000.00")
    assert clean(story) == ["row_differs"]
    assert consume(api, clearance).status_code == 200


# By which profile a clearance is judged: the lender's of the day, and in live mode the law's
# too.


def test_the_lenders_profile_is_that_of_the_day(api, lender, story):
    today = almaty.day_of(clock.now())
    lender.test_calendar = [
        *profiles.calendar_of("KZ-2021-04"),
        {"from": (today + timedelta(days=1)).isoformat(), "profile": "KZ-2026-01"},
    ]
    registered.saved(lender)
    assert ask(api, story).json()["profile"] == "KZ-2021-04"
    lender.test_calendar[1]["from"] = today.isoformat()
    registered.saved(lender)
    assert cleared(api, story)["profile"] == "KZ-2026-01"
    lender.test_calendar = [{"from": "2099-01-01", "profile": "KZ-2021-04"}]
    registered.saved(lender)
    assert code(ask(api, story)) == (409, "profile_not_held")
    assert code(api.post("/v1/verifications", opening())) == (409, "profile_not_held")


def test_in_live_mode_the_law_of_the_day_of_issue_joins(api, monkeypatch, story):
    asked = ask(api, story).json()
    found = profiles.binding
    monkeypatch.setattr(
        profiles, "binding", lambda held, *, mode, at: found(held, mode="live", at=at)
    )
    story.work()
    assert read(api, asked) == ("refused", "profile_insufficient")


@pytest.mark.parametrize("is_another_day", [True, False])
def test_no_clearance_is_issued_under_another_law_or_day_than_was_asked_for(
    api, monkeypatch, is_another_day, story
):
    """The log judges what is issued by the law of the request."""
    asked = ask(api, story).json()
    if is_another_day:
        tomorrow = SimpleNamespace(now=lambda: clock.now() + timedelta(days=1))
        monkeypatch.setattr(clearing, "clock", tomorrow)
    else:
        taken = replace(profiles.get("KZ-2021-04"), id="KZ-TEST")
        monkeypatch.setattr(profiles, "binding", lambda held, *, mode, at: taken)
    story.work()
    assert read(api, asked) == ("refused", "gates_unavailable")
    assert clean(story) == []


# What a lender gave one person on one day in Almaty, or may give yet: what the cooling-off
# looks at.
LOAN = 15_000_000  # tiyn


def of_day(story):
    row = story.row()
    case, at = contents.read(row, contents.key_of(row)).case, clock.now()
    return gates.most_credit_of_days(row, case.person.iin.value, days=[almaty.day_of(at)], at=at)


def test_what_was_paid_and_what_may_be_paid_counts(api, lender, other_lender, issued):
    first, second, others = (
        verified(lender, issued),
        verified(lender, issued, "B-1"),
        verified(other_lender, issued),
    )
    assert of_day(second) == 0
    clearance = cleared(api, first)
    assert (of_day(second), of_day(first), of_day(others)) == (LOAN, 0, 0)
    assert consume(api, clearance, amount="1.00").status_code == 200
    assert of_day(second) == LOAN


def test_what_ran_out_and_what_was_paid_yesterday_does_not(api, lender, issued):
    first, second = verified(lender, issued), verified(lender, issued, "B-1")
    assert consume(api, cleared(api, first)).status_code == 200
    third = verified(lender, issued, "C-1")
    cleared(api, third, contract_sha256=OTHER_CONTRACT)
    assert of_day(second) == 2 * LOAN
    tomorrow = almaty.day_of(clock.now()) + timedelta(days=1)
    wait_until(datetime(tomorrow.year, tomorrow.month, tomorrow.day, 1, tzinfo=almaty.ZONE))
    assert of_day(second) == 0


def test_a_reported_contract_counts_on_its_own_day_and_on_that_of_the_report(api, lender, issued):
    first, second, signed = verified(lender, issued), verified(lender, issued, "B-1"), clock.now()
    tomorrow = almaty.day_of(signed) + timedelta(days=1)
    wait_until(almaty.begins(tomorrow))
    body = {"signed_at": signed.isoformat(), "contract_sha256": "c" * 64}
    assert api.post(f"/v1/verifications/{first.id}/contract", body).status_code == 200
    row, at = second.row(), clock.now()
    sums = [
        gates.most_credit_of_days(
            row, "990101100010", days=[tomorrow + timedelta(days=number)], at=at
        )
        for number in (-1, 0, 1)
    ]
    assert sums == [LOAN, LOAN, 0]


# A loan whose contract was named when it was opened: its money leaves by that contract alone.


@pytest.fixture
def named(api, lender, issued):
    """Verified for this contract."""
    opened = api.post("/v1/verifications", opening(loan__contract_sha256=CONTRACT)).json()
    story = Story(lender, opened["id"], opened["url"].partition("#")[2]).to_statement()
    story.sign_to_end(issued(surname="АСАНОВ", given_name="АСАН"))
    return story


def test_it_need_not_be_named_again(api, named):
    asked = api.post(f"/v1/verifications/{named.id}/clearances", {}).json()
    assert asked["contract_sha256"] == CONTRACT
    named.work()
    refused(api, asked, "clearance_mismatch", contract_sha256=OTHER_CONTRACT)
    assert consume(api, asked).status_code == 200
    assert clean(named) == []


def test_another_is_neither_asked_for_nor_reported(api, named):
    assert code(ask(api, named, contract_sha256=OTHER_CONTRACT)) == (409, "clearance_mismatch")
    assert code(renewing.report(api, named, contract_sha256=OTHER_CONTRACT)) == (
        409,
        "clearance_mismatch",
    )
    assert not AuditEntry.objects.filter(
        type__in=("clearance.requested", "contract.reported")
    ).exists()
    assert renewing.report(api, named).status_code == 200


def test_a_door_that_says_another_gets_nothing_issued(api, named, monkeypatch):
    """An attacker who owns web signs the request; the case that the borrower was verified for is
    sealed.
    """
    with monkeypatch.context() as owned:
        owned.setattr(clearances, "contract_of", lambda *_, **__: OTHER_CONTRACT)
        asked = ask(api, named).json()
    named.work(rounds=2)
    assert asked["contract_sha256"] == OTHER_CONTRACT
    refused(api, asked, "clearance_not_ready", contract_sha256=OTHER_CONTRACT)
    assert types(named) == ["clearance.requested"]
    again = ask(api, named).json()
    named.work()
    assert consume(api, again).status_code == 200


# What a worker asks a bureau and a bank before the money leaves.


# A law that asks a bureau and a bank before the money leaves, and what then is on record.


LAW = "KZ-TEST"
ASKING = replace(
    profiles.get("KZ-2021-04"),
    id=LAW,
    stop_credit_max_age_seconds=60,
    account_owner_max_age_seconds=15 * 60,
)


def under(lender, monkeypatch, **asked):
    """From now on the lender goes by a law that asks, with these numbers."""
    monkeypatch.setitem(profiles.PROFILES, LAW, replace(ASKING, **asked))
    lender.test_calendar = profiles.calendar_of(LAW)
    registered.saved(lender)


def asked_gates(clearance):
    """What each gate said: why it refuses, or its status."""
    return {gate["name"]: gate["code"] or gate["status"] for gate in clearance["gates"]}


def kept(story, entry_type="clearance.issued"):
    """What was answered, by kind, as the newest entry of a type lists it and evidence holds it."""
    listed = (
        AuditEntry.objects.filter(verification_id=story.id, type=entry_type)
        .latest("verification_sequence")
        .body
    )
    key = contents.key_of(story.row())
    items = [EvidenceItem.objects.get(pk=one["id"]) for one in listed.get("evidence", ())]
    return {item.kind: json.loads(store.opening(key, item).plain) for item in items}


# What a worker asks a bureau and a bank before the money leaves, and what comes of it.


@pytest.fixture
def asking(lender, monkeypatch):
    """The lender's law asks a bureau and a bank."""
    under(lender, monkeypatch)


@pytest.fixture
def played(settings):
    """All three are played in memory."""
    InsecurePayout.reset()
    settings.TULGA_SOURCES["test"] |= in_memory()
    yield InsecurePayout
    InsecurePayout.reset()


def test_who_goes_on_hanging_is_told_of_in_minutes(api, asking, played, story):
    played.faults = 1000
    asked = ask(api, story).json()
    begun = clock.now()
    for _ in range(20):
        story.work()
        row = story.row()
        if not row.step:
            break
        wait_until(row.due_at)
    told = api.get(f"/v1/clearances/{asked['id']}").json()
    assert (told["status"], told["code"]) == ("refused", "gates_unavailable")
    waited = (clock.now() - begun).total_seconds()
    assert policy.CLEARANCE_ASKED_SECONDS <= waited < policy.CLEARANCE_ASKED_SECONDS + 120
    assert clean(story) == []


def test_a_refusal_of_all_credits_is_asked_for_as_the_money_leaves(
    api, asking, played, story, clearance
):
    wait_until(clock.now() + timedelta(seconds=60))
    assert code(consume(api, clearance)) == (409, "clearance_stale")
    again = cleared(api, story)
    assert consume(api, again).status_code == 200
    ids = [one["request_id"] for one in played.asked]
    assert len(set(ids)) == len(ids) == 4
    assert not any(PAID["iin"] in one or PAID["payout_account"] in one for one in ids)


def test_an_answer_is_as_old_as_its_question(api, asking, played, story):
    played.before = lambda: wait_until(clock.now() + timedelta(seconds=5))
    clearance = cleared(api, story)
    row = Clearance.objects.get(pk=clearance["id"])
    at = {gate["name"]: datetime.fromisoformat(gate["at"]) for gate in row.gates if gate["at"]}
    asked = {one["source"]: one["at"] for one in played.asked}
    assert [one["source"] for one in played.asked] == ["account_owner", "stop_credit"]
    assert at["account_owner"] <= asked["account_owner"] < at["stop_credit"] <= asked["stop_credit"]
    assert row.fresh_until == at["stop_credit"] + timedelta(seconds=60)


def test_a_retry_asks_anew(api, asking, played, story):
    played.faults = 1
    asked = ask(api, story).json()
    story.work()
    retry(story)
    assert consume(api, asked).status_code == 200
    ids = [(one["source"], one["request_id"]) for one in played.asked]
    assert [source for source, _ in ids] == ["account_owner", "account_owner", "stop_credit"]
    assert len({name for _, name in ids}) == 3


def test_no_web_request_asks_anybody(api, asking, played, story):
    asked = ask(api, story).json()
    api.get(f"/v1/clearances/{asked['id']}")
    assert code(consume(api, asked)) == (409, "clearance_not_ready")
    assert played.asked == []
    story.work()
    assert len(played.asked) == 2
    assert consume(api, asked).status_code == 200
    api.get("/v1/events")
    assert len(played.asked) == 2


def test_each_question_names_what_the_borrower_agreed_to(api, asking, played, story):
    cleared(api, story)
    (basis,) = {one["basis"] for one in played.asked}
    assert (basis.version, basis.language) == (texts.CONSENT.current, "ru")
    assert basis.text_sha256 == texts.CONSENT.sha256(texts.CONSENT.current, "ru")
    opened = AuditEntry.objects.get(verification_id=story.id, type="verification.created")
    assert opened.at <= datetime.fromisoformat(basis.at) <= played.asked[0]["at"]


@pytest.mark.parametrize("is_readable", [True, False])
def test_no_source_is_asked_where_the_text_does_not_name_it_or_cannot_be_read(
    api, asking, played, monkeypatch, is_readable, story
):
    if is_readable:
        monkeypatch.setattr(texts, "NAMES_PAYOUT", frozenset())
    else:
        given = EvidenceItem.objects.get(verification_id=story.id, kind="consent.answer")
        change = "UPDATE verification_evidenceitem SET commitment = %s WHERE id = %s"
        tamper((change, [bytes(32), given.pk]))
    clearance = cleared(api, story)
    assert (clearance["status"], clearance["code"]) == ("refused", "payout_consent_missing")
    assert (played.asked, kept(story, "clearance.refused")) == ([], {})


@pytest.mark.parametrize("missing", ["stop_credit", "account_owner"])
def test_a_source_that_is_not_played_refuses_at_once(
    api, lender, issued, asking, played, settings, missing
):
    del settings.TULGA_SOURCES["test"][missing]
    story = verified(lender, issued)
    clearance = cleared(api, story)
    assert (clearance["status"], clearance["code"]) == ("refused", f"{missing}_unavailable")
    assert len(kept(story, "clearance.refused")) == 1
    settings.TULGA_SOURCES["test"][missing] = {"adapter": "verification.sources.nowhere.Absent"}
    assert cleared(api, story)["status"] == "processing", "what cannot be built is not missing"


@pytest.mark.parametrize(("over", "expected"), [(0, "passed"), (1, "cooling_off")])
def test_what_others_lent_that_day_counts(api, lender, issued, played, monkeypatch, over, expected):
    under(lender, monkeypatch, cooling_off_over_mci=75, cooling_off_hours=24)
    limit = profiles.mci_tenge(75, on=day_of(clock.now())) * 100
    played.lent = {day_of(clock.now()): str(limit - LOAN + over)}
    story = verified(lender, issued)
    assert report(api, story).status_code == 200
    clearance = cleared(api, story)
    assert asked_gates(clearance)["cooling_off"] == expected
    answers = kept(story, "clearance.issued" if not over else "clearance.refused")
    assert answers["clearance.credit_bureau"]["credits"] == {
        day_of(clock.now()).isoformat(): str(limit - LOAN + over)
    }
    assert clean(story) == []


def test_of_several_days_the_most_counts(played, settings, story):
    row = Verification.objects.select_related("key").get(pk=story.id)
    law = replace(ASKING, cooling_off_over_mci=75, cooling_off_hours=24)
    case, sound = contents.read(row, contents.key_of(row)).case, signatures.sound_of(row)
    days = {date(2026, 11, 28), date(2026, 11, 27)}
    played.lent = {date(2026, 11, 27): "700", date(2026, 11, 28): "500"}
    asked: dict[str, Any] = {"sound": sound, "clearance_id": "clr_test_of_two_days", "days": days}
    told = answers.ask_outside(row, case, (law,), **asked)
    assert told.others_tiyn == 700
    assert "clearance.credit_bureau" in told.raw
    sources = ["credit_bureau", "account_owner", "stop_credit"]
    assert [question["source"] for question in played.asked] == sources
    del settings.TULGA_SOURCES["test"]["credit_bureau"]
    assert answers.ask_outside(row, case, (law,), **asked).others_tiyn is None


def test_who_answers_within_its_limit_always_leads_to_a_clearance(
    api, lender, issued, played, monkeypatch
):
    under(lender, monkeypatch, cooling_off_over_mci=75, cooling_off_hours=24)
    story = verified(lender, issued)
    assert report(api, story).status_code == 200
    wait_until(clock.now() + timedelta(hours=24))  # the contract's day and today are two
    played.before = lambda: wait_until(clock.now() + timedelta(seconds=PAYOUT_SECONDS))
    assert cleared(api, story)["status"] == "issued"
    assert len(played.asked) == 3


def test_a_step_is_not_kept_longer_than_it_may_take(api, asking, played, story):
    played.before = lambda: wait_until(clock.now() + timedelta(seconds=policy.INQUIRIES_SECONDS))
    assert cleared(api, story)["status"] == "processing"
    assert [one["source"] for one in played.asked] == ["account_owner"]


# What the sandbox's bureau and bank say over HTTP, rightly and wrongly, and what a clearance
# comes to by it.


@pytest.fixture
def at_sandbox(settings, sandbox):
    """All three are asked over HTTP, and waited for a second."""
    for name, kind in zip(
        ADAPTERS, ("HttpStopCredit", "HttpAccountOwner", "HttpCreditBureau"), strict=True
    ):
        options = {"url": f"{sandbox.url}/{name}", "seconds": 1.0}
        adapter = {"adapter": f"verification.sources.{name}.{kind}", "options": options}
        settings.TULGA_SOURCES["test"][name] = adapter
    yield sandbox
    sandbox.mend()


def verified_as(lender, issued, iin):
    story = begin(lender, iin=iin).to_statement()
    story.sign_to_end(issued(iin=iin))
    return story


def test_money_leaves_once_both_have_said_yes(api, lender, issued, asking, at_sandbox):
    iin = register(at_sandbox)
    story = verified_as(lender, issued, iin)
    clearance = cleared(api, story)
    assert (
        clearance["status"],
        asked_gates(clearance)["stop_credit"],
        asked_gates(clearance)["account_owner"],
    ) == (
        "issued",
        "passed",
        "passed",
    )
    said = {gate["name"]: gate for gate in clearance["gates"]}
    assert [said[name]["source"] for name in ("stop_credit", "account_owner")] == [
        "stop_credit",
        "account_owner",
    ]
    answers = kept(story)
    assert answers["clearance.stop_credit"].items() >= {"iin": iin, "status": "not_refused"}.items()
    assert answers["clearance.account_owner"]["account"] == PAID["payout_account"]
    assert clean(story) == []
    assert consume(api, clearance, iin=iin).status_code == 200
    assert clean(story) == []


def test_the_whole_audit_finds_the_answers_and_what_was_done_to_them(
    api, lender, issued, asking, at_sandbox
):
    story = verified_as(lender, issued, register(at_sandbox))
    cleared(api, story)
    order_all()
    assert findings() == []
    item = EvidenceItem.objects.get(verification_id=story.id, kind="clearance.stop_credit")
    tamper(
        ("UPDATE verification_evidenceitem SET commitment = %s WHERE id = %s", [bytes(32), item.pk])
    )
    assert "evidence_differs" in {one["code"] for one in findings()}


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ({"refuses_credits": True}, "stop_credit"),
        ({"accounts": ["KZ75125KZT1001300335"]}, "account_owner_mismatch"),
    ],
)
def test_a_no_refuses_and_is_kept(api, lender, issued, asking, at_sandbox, told, expected):
    iin = register(at_sandbox, **told)
    story = verified_as(lender, issued, iin)
    clearance = cleared(api, story)
    assert (clearance["status"], clearance["code"]) == ("refused", expected)
    assert set(kept(story, "clearance.refused")) == {
        "clearance.stop_credit",
        "clearance.account_owner",
    }
    assert code(consume(api, clearance, iin=iin)) == (409, "clearance_refused")
    assert clean(story) == []


@pytest.mark.parametrize(
    ("source", "kind"),
    [
        ("stop_credit", "other_request"),
        ("stop_credit", "other_person"),
        ("account_owner", "other_account"),
        ("stop_credit", "garbage"),
        pytest.param("stop_credit", "silent", marks=pytest.mark.service),
        pytest.param("account_owner", "slow", marks=pytest.mark.service),
    ],
)
def test_who_lies_or_hangs_delays_and_lets_nothing_out(
    api, lender, issued, asking, at_sandbox, source, kind
):
    iin = register(at_sandbox)
    story = verified_as(lender, issued, iin)
    at_sandbox.post("/faults", source=source, kind=kind, times=1)
    clearance = cleared(api, story)
    assert (clearance["status"], clearance["gates"]) == ("processing", [])
    assert code(consume(api, clearance, iin=iin)) == (409, "clearance_not_ready")
    assert not EvidenceItem.objects.filter(
        verification_id=story.id, kind__startswith="clearance."
    ).exists()
    retry(story)
    assert consume(api, clearance, iin=iin).status_code == 200
    assert clean(story) == []
