"""What a worker asks a bureau and a bank before the money leaves."""

import json
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

import pytest

from tests.insecure_sandbox.asked import register
from tests.lenders.api.clearing import PAID, ask, clean, cleared, consume, verified
from tests.lenders.api.insecure_payout import ADAPTERS, InsecurePayout, in_memory
from tests.lenders.api.renewing import report
from tests.lenders.samples import code
from tests.verification.log.judged import findings
from tests.verification.log.rows import order_all, tamper
from tests.verification.stories.story import begin, retry, wait_until
from verification import clock
from verification.case import contents, policy
from verification.core import profiles
from verification.core.almaty import day_of
from verification.evidence import store
from verification.log import signatures
from verification.models import AuditEntry, Clearance, EvidenceItem, Verification
from verification.payout import gates as answers
from verification.sources.asking import PAYOUT_SECONDS
from verification.stages.confirmation import policy as texts

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("trusted")]


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
    lender.save()


def gates(clearance):
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


LOAN = 15_000_000  # tiyn


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
    at = {
        gate["name"]: datetime.fromisoformat(gate["at"])
        for gate in clearance["gates"]
        if gate["at"]
    }
    asked = {one["source"]: one["at"] for one in played.asked}
    assert [one["source"] for one in played.asked] == ["account_owner", "stop_credit"]
    assert at["account_owner"] <= asked["account_owner"] < at["stop_credit"] <= asked["stop_credit"]
    row = Clearance.objects.get(pk=clearance["id"])
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
    assert gates(clearance)["cooling_off"] == expected
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
        gates(clearance)["stop_credit"],
        gates(clearance)["account_owner"],
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
