"""What SQL of the application's role hides or moves: a case's lender, a revocation's place."""

from contextlib import contextmanager

import pytest
from django.db import connection

from tests.lenders.api.clearing import (
    CONTRACT,
    PAID,
    ask,
    cleared,
    consume,
    refused,
    types,
    verified,
)
from tests.lenders.samples import code
from tests.verification.log import root
from tests.verification.log.rows import order_all
from tests.verification.stories.attesting_story import CONFIRMED
from tests.verification.stories.story import begin
from verification import clock, transactions
from verification.case import moving
from verification.case.votes import Reviewer
from verification.core import certificates, events
from verification.core.errors import Conflict, NotFound
from verification.log import keys, log, sequencer
from verification.log.verify import verify_log
from verification.models import AuditEntry, AuditLeaf, AuditPending
from verification.payout import clearances
from verification.review import attesting, desk

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("trusted")]
PAYMENTS = 20
TABLES = ("verification_verification", "verification_clearance", "verification_attempt")


@contextmanager
def moved(story, lender):
    """SQL of the application's role: all rows of the case name this lender, and then the first
    again.
    """
    move(story, lender.pk)
    try:
        yield
    finally:
        move(story, story.lender.pk)


def move(story, lender_id):
    for table in TABLES:
        key = "id" if table == TABLES[0] else "verification_id"
        with connection.cursor() as cursor:
            statement = f"UPDATE {table} SET lender_id = %s WHERE {key} = %s"  # noqa: S608
            cursor.execute(statement, [lender_id, story.id])


def acts(case, clearance=""):
    """What a lender may ask for of a case, by name: the method, the address, the body."""
    of_case = f"/v1/verifications/{case}"
    signing = {"signed_at": clock.now().isoformat(), "contract_sha256": CONTRACT}
    opened = {"status": "opened", "at": clock.now().isoformat()}
    return {
        "consume": ("post", f"/v1/clearances/{clearance}/consume", PAID),
        "ask": ("post", f"{of_case}/clearances", {"contract_sha256": CONTRACT}),
        "cancel": ("post", f"{of_case}/cancel", {}),
        "link": ("post", f"{of_case}/link", {}),
        "contract": ("post", f"{of_case}/contract", signing),
        "obligation": ("post", f"{of_case}/obligation", opened),
        "clock": ("post", "/v1/test/clock", {"advance_seconds": 60, "verification": case}),
        "simulate": ("post", f"/v1/test/verifications/{case}/simulate", {"scenario": "verified"}),
        "documents": ("get", f"{of_case}/documents", None),
        "document": ("get", f"{of_case}/documents/att_{'a' * 26}", None),
        "statement": ("get", f"{of_case}/statement", None),
        "signature": ("get", f"{of_case}/signature", None),
        "receipt": ("get", f"{of_case}/receipt", None),
    }


def act(caller, method, address, body):
    return caller.get(address) if method == "get" else caller.post(address, body)


@pytest.mark.parametrize("name", acts(""))
def test_no_act_of_another_lender_is_done_while_rows_name_it(
    api, other_api, lender, other_lender, issued, name
):
    is_open = name in ("cancel", "link", "clock", "simulate")
    story = begin(lender) if is_open else verified(lender, issued)
    clearance = "" if is_open else cleared(api, story)["id"]
    order_all()
    before = AuditEntry.objects.count()
    for _ in range(PAYMENTS if name == "consume" else 1):
        with moved(story, other_lender):
            answer = act(other_api, *acts(story.id, clearance)[name])
        assert code(answer) == (404, "not_found")
        assert b"990101100010" not in answer.content
    assert AuditEntry.objects.count() == before
    if name == "consume":
        assert consume(api, {"id": clearance}).status_code == 200
    assert list(verify_log("test")) == []


def test_no_person_of_another_lender_acts_while_rows_name_it(lender, other_lender, issued):
    case, waiting = verified(lender, issued), begin(lender, "B-1")
    reviewer = Reviewer("usr_" + "a" * 26, other_lender.pk)
    order_all()
    before = AuditEntry.objects.count()
    with moved(case, other_lender), pytest.raises(NotFound):
        attesting.look(reviewer=reviewer, verification_id=case.id)
    with moved(case, other_lender), pytest.raises(NotFound):
        attesting.attest(verification_id=case.id, reviewer=reviewer, word=CONFIRMED)
    with moved(waiting, other_lender), pytest.raises(NotFound):
        desk.send_link(reviewer=reviewer, verification_id=waiting.id)
    assert AuditEntry.objects.count() == before


@pytest.mark.parametrize("is_put_back", [True, False])
def test_no_entry_names_another_lender_than_the_first(lender, other_lender, is_put_back):
    story = begin(lender)
    before = AuditEntry.objects.count()
    with moved(story, other_lender):
        row = story.row()
        if is_put_back:
            move(story, lender.pk)
        with pytest.raises(Conflict), transactions.writing():
            moving.record(row, "link.minted", at=clock.now())
    assert AuditEntry.objects.count() == before


# A revocation counts by the root's signature, although its place in the queue was taken away.


def decision_key():
    return certificates.key_id(root.public("decision"))


def index_of(story, entry_type):
    named = AuditLeaf.objects.filter(entry__verification_id=story.id, entry__type=entry_type)
    return named.get().leaf_index


def revocation(index):
    """What the root says of the decision key."""
    signature = certificates.revocation(
        root.seed(), mode="test", key=decision_key(), from_index=index
    )
    return {"key": decision_key(), "from_index": index, "revocation": signature}


def put_on_record(index):
    """The first thing that `revoke` does."""
    with transactions.writing():
        return log.append(log="test", type=events.REVOKED, body=revocation(index))


def unqueue(entry):
    """SQL of the application's role: the entry waits no more."""
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM verification_auditpending WHERE entry_id = %s", [entry.pk])


@pytest.mark.forges
@pytest.mark.parametrize("revoked_from", ["verification.verified", "clearance.issued"])
def test_no_clearance_of_a_key_is_consumed_while_its_revocation_is_out_of_the_queue(
    api, revoked_from, story, clearance
):
    order_all()
    entry = put_on_record(index_of(story, revoked_from))
    unqueue(entry)
    assert not AuditLeaf.objects.filter(entry=entry).exists()
    for _ in range(PAYMENTS):
        refused(api, clearance, "clearance_frozen")
    assert "clearance.consumed" not in types(story)
    findings = [(finding.code, finding.entry) for finding in verify_log("test")]
    assert ("entry_lost", entry.pk) in findings
    assert "key_revoked" in {finding_code for finding_code, _ in findings}
    sequencer.ask_again("test")  # what lost its place in the queue waits again
    AuditPending.objects.filter(entry=entry).update(refused=True)
    refused(api, clearance, "clearance_frozen")
    AuditPending.objects.filter(entry=entry).update(refused=False)
    order_all()
    refused(api, clearance, "clearance_frozen")
    assert "entry_lost" not in {finding.code for finding in verify_log("test")}
    # The command goes on where it was, and what may be paid by that key is frozen.
    body = revocation(index_of(story, revoked_from))
    clearances.revoke_key(
        "test", key=body["key"], from_index=body["from_index"], signature=body["revocation"]
    )
    assert types(story)[-1] == "clearance.frozen"
    assert AuditEntry.objects.filter(type=events.REVOKED).count() == 1


@pytest.mark.forges
def test_a_revocation_of_somebody_else_revokes_nothing_and_waits_for_nothing(api, story, clearance):
    order_all()
    body = revocation(0) | {"from_index": 1}
    AuditEntry.objects.create(log="test", type=events.REVOKED, at=story.row().created_at, body=body)
    assert keys.revoked("test") == {}
    sequencer.ask_again("test")
    assert not AuditPending.objects.exists()
    assert consume(api, clearance).status_code == 200


@pytest.mark.forges
def test_a_revocation_stands_before_what_it_makes_void_however_late_it_came(api, story):
    order_all()
    size = AuditLeaf.objects.count()
    ask(api, story)
    story_entries = AuditEntry.objects.filter(verification_id=story.id, leaf=None)
    assert [entry.type for entry in story_entries] == ["clearance.requested"]
    entry = put_on_record(size)
    sequencer.order("test", limit=1)
    assert AuditLeaf.objects.get(leaf_index=size).entry_id == entry.pk
    order_all()
    assert code(ask(api, story))[0] == 202
    # What the key signs from then on is refused, and counts nowhere.
    story.work()
    issue = AuditEntry.objects.filter(verification_id=story.id, type=events.CLEARED).first()
    assert issue is None or AuditPending.objects.get(entry=issue).refused
