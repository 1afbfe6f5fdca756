"""What the sandbox's bureau and bank say over HTTP, rightly and wrongly, and what a clearance comes
to by it.
"""

import pytest

from tests.insecure_sandbox.asked import register
from tests.lenders.api.clearing import PAID, clean, cleared, consume
from tests.lenders.api.insecure_payout import ADAPTERS
from tests.lenders.api.payout_story import gates, kept, under
from tests.lenders.samples import code
from tests.verification.log.judged import findings
from tests.verification.log.rows import order_all, tamper
from tests.verification.stories.story import begin, make_due
from verification.models import EvidenceItem

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("trusted")]


@pytest.fixture
def asking(lender, monkeypatch):
    """The lender's law asks a bureau and a bank."""
    under(lender, monkeypatch)


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
    story.sign(issued(iin=iin))
    story.work()
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
        ({"accounts": []}, "account_owner_mismatch"),
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
        ("account_owner", "other_person"),
        ("stop_credit", "garbage"),
        ("account_owner", "oversize"),
        ("stop_credit", "http_500"),
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
    make_due(story)
    story.work()
    assert consume(api, clearance, iin=iin).status_code == 200
    assert clean(story) == []
