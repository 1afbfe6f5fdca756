"""What a worker asks a bureau and a bank before the money leaves: when, by what right, and what
comes of it.
"""

from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest

from tests.lenders.api.clearing import (
    CONTRACT,
    PAID,
    ask,
    clean,
    cleared,
    consume,
    types,
    verified,
)
from tests.lenders.api.insecure_payout import InsecurePayout, in_memory
from tests.lenders.api.payout_story import ASKING, gates, kept, under
from tests.lenders.api.renewing import report
from tests.lenders.samples import code
from tests.verification.log.rows import tamper
from tests.verification.stories.story import make_due, wait_until
from verification import clock
from verification.case import contents, policy
from verification.core import profiles
from verification.core.almaty import day_of
from verification.log import signatures
from verification.models import AuditEntry, Clearance, EvidenceItem, Verification
from verification.payout import gates as answers
from verification.sources.asking import PAYOUT_SECONDS
from verification.stages.confirmation import policy as texts

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("trusted")]

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


def test_who_goes_on_hanging_is_told_of_in_minutes(api, lender, issued, asking, played):
    story = verified(lender, issued)
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
    api, lender, issued, asking, played
):
    story = verified(lender, issued)
    clearance = cleared(api, story)
    wait_until(clock.now() + timedelta(seconds=60))
    assert code(consume(api, clearance)) == (409, "clearance_stale")
    again = cleared(api, story)
    assert consume(api, again).status_code == 200
    ids = [one["request_id"] for one in played.asked]
    assert len(set(ids)) == len(ids) == 4
    assert not any(PAID["iin"] in one or PAID["payout_account"] in one for one in ids)


def test_an_answer_is_as_old_as_its_question(api, lender, issued, asking, played):
    story = verified(lender, issued)
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


def test_a_retry_asks_anew(api, lender, issued, asking, played):
    story = verified(lender, issued)
    played.faults = 1
    asked = ask(api, story).json()
    story.work()
    make_due(story)
    story.work()
    assert consume(api, asked).status_code == 200
    ids = [(one["source"], one["request_id"]) for one in played.asked]
    assert [source for source, _ in ids] == ["account_owner", "account_owner", "stop_credit"]
    assert len({name for _, name in ids}) == 3


def test_no_web_request_asks_anybody(api, lender, issued, asking, played):
    story = verified(lender, issued)
    asked = ask(api, story).json()
    api.get(f"/v1/clearances/{asked['id']}")
    assert code(consume(api, asked)) == (409, "clearance_not_ready")
    assert played.asked == []
    story.work()
    assert len(played.asked) == 2
    assert consume(api, asked).status_code == 200
    api.get("/v1/events")
    assert len(played.asked) == 2


def test_each_question_names_what_the_borrower_agreed_to(api, lender, issued, asking, played):
    story = verified(lender, issued)
    cleared(api, story)
    (basis,) = {one["basis"] for one in played.asked}
    assert (basis.version, basis.language) == (texts.CONSENT.current, "ru")
    assert basis.text_sha256 == texts.CONSENT.sha256(texts.CONSENT.current, "ru")
    opened = AuditEntry.objects.get(verification_id=story.id, type="verification.created")
    assert opened.at <= datetime.fromisoformat(basis.at) <= played.asked[0]["at"]


def test_nobody_is_asked_where_the_text_does_not_name_them(
    api, lender, issued, asking, played, monkeypatch
):
    story = verified(lender, issued)
    monkeypatch.setattr(texts, "NAMES_PAYOUT", frozenset())
    clearance = cleared(api, story)
    assert (clearance["status"], clearance["code"]) == ("refused", "payout_consent_missing")
    assert gates(clearance)["account_owner"] == "payout_consent_missing"
    assert (played.asked, kept(story, "clearance.refused")) == ([], {})


def test_nobody_is_asked_where_the_yes_cannot_be_read(api, lender, issued, asking, played):
    story = verified(lender, issued)
    given = EvidenceItem.objects.get(verification_id=story.id, kind="consent.answer")
    tamper(
        (
            "UPDATE verification_evidenceitem SET commitment = %s WHERE id = %s",
            [bytes(32), given.pk],
        )
    )
    assert cleared(api, story)["code"] == "payout_consent_missing"
    assert played.asked == []


def test_nobody_is_asked_what_no_law_asks(api, lender, issued, played):
    clearance = cleared(api, verified(lender, issued))
    assert (clearance["status"], played.asked) == ("issued", [])


@pytest.mark.parametrize("missing", ["stop_credit", "account_owner"])
def test_whom_nobody_plays_refuses_at_once(api, lender, issued, asking, played, settings, missing):
    del settings.TULGA_SOURCES["test"][missing]
    story = verified(lender, issued)
    clearance = cleared(api, story)
    assert (clearance["status"], clearance["code"]) == ("refused", f"{missing}_unavailable")
    assert len(kept(story, "clearance.refused")) == 1


def test_a_source_that_cannot_be_built_is_no_missing_one(
    api, lender, issued, asking, played, settings
):
    settings.TULGA_SOURCES["test"]["stop_credit"] = {
        "adapter": "verification.sources.nowhere.HttpNobody"
    }
    assert cleared(api, verified(lender, issued))["status"] == "processing"


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


def test_of_several_days_the_most_counts(lender, issued, played, settings):
    story = verified(lender, issued)
    row = Verification.objects.select_related("key").get(pk=story.id)
    law, case = (
        replace(ASKING, cooling_off_over_mci=75, cooling_off_hours=24),
        contents.read(row, contents.key_of(row)).case,
    )
    days = {date(2026, 11, 28), date(2026, 11, 27)}
    played.lent = {date(2026, 11, 27): "700", date(2026, 11, 28): "500"}
    told = answers.ask_outside(
        row,
        case,
        (law,),
        sound=signatures.sound_of(row),
        clearance_id="clr_test_of_two_days",
        days=days,
    )
    assert told.others_tiyn == 700
    assert [one["source"] for one in played.asked] == [
        "credit_bureau",
        "account_owner",
        "stop_credit",
    ]
    assert "clearance.credit_bureau" in told.raw
    del settings.TULGA_SOURCES["test"]["credit_bureau"]
    assert (
        answers.ask_outside(
            row,
            case,
            (law,),
            sound=signatures.sound_of(row),
            clearance_id="clr_test_of_none",
            days=days,
        ).others_tiyn
        is None
    )


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


def test_a_step_is_not_kept_longer_than_it_may_take(api, lender, issued, asking, played):
    story = verified(lender, issued)
    played.before = lambda: wait_until(clock.now() + timedelta(seconds=policy.INQUIRIES_SECONDS))
    assert cleared(api, story)["status"] == "processing"
    assert [one["source"] for one in played.asked] == ["account_owner"]


def test_without_a_bureau_the_lenders_own_credits_count(
    api, lender, issued, played, monkeypatch, settings
):
    under(lender, monkeypatch, cooling_off_over_mci=75, cooling_off_hours=24)
    del settings.TULGA_SOURCES["test"]["credit_bureau"]
    story = verified(lender, issued)
    assert report(api, story).status_code == 200
    assert gates(cleared(api, story))["cooling_off"] == "passed"
    assert [one["source"] for one in played.asked] == ["account_owner", "stop_credit"]


def test_evidence_that_an_entry_lists_must_be_there(api, lender, issued, asking, played):
    story = verified(lender, issued)
    cleared(api, story)
    item = EvidenceItem.objects.get(verification_id=story.id, kind="clearance.stop_credit")
    tamper(
        ("UPDATE verification_evidenceitem SET kind = 'clearance.other' WHERE id = %s", [item.pk])
    )
    assert "row_differs" in clean(story)
    tamper(("DELETE FROM verification_evidenceitem WHERE id = %s", [item.pk]))
    assert "row_missing" in clean(story)


def test_what_is_on_record_names_nobody(api, lender, issued, asking, played):
    story = verified(lender, issued)
    cleared(api, story)
    said = str(
        list(AuditEntry.objects.filter(verification_id=story.id).values_list("body", flat=True))
    )
    assert types(story) == ["clearance.requested", "clearance.issued"]
    assert PAID["iin"] not in said
    assert PAID["payout_account"] not in said
    assert CONTRACT in said
