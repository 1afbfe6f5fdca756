"""A revocation counts by the root's signature, although its place in the queue was taken away."""

import pytest
from django.db import connection

from tests.lenders.api.clearing import ask, cleared, consume, refused, types, verified
from tests.lenders.samples import code
from tests.verification.log import root
from tests.verification.log.rows import order_all
from verification import transactions
from verification.core import certificates, events
from verification.log import keys, log, sequencer
from verification.log.verify import verify_log
from verification.models import AuditEntry, AuditLeaf, AuditPending
from verification.payout import clearances

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("trusted"),
    pytest.mark.forges,
]

PAYMENTS = 20


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


def queue(entry):
    """And waits again."""
    with connection.cursor() as cursor:
        statement = "INSERT INTO verification_auditpending (entry_id, refused) VALUES (%s, %s)"
        cursor.execute(statement, [entry.pk, False])


@pytest.mark.parametrize("revoked_from", ["verification.verified", "clearance.issued"])
def test_no_clearance_of_a_key_is_consumed_while_its_revocation_is_out_of_the_queue(
    api, lender, issued, revoked_from
):
    story = verified(lender, issued)
    clearance = cleared(api, story)
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
    queue(entry)
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


def test_what_is_refused_by_the_log_for_any_reason_revokes_as_well(api, lender, issued):
    story = verified(lender, issued)
    clearance = cleared(api, story)
    order_all()
    entry = put_on_record(index_of(story, "clearance.issued"))
    AuditPending.objects.filter(entry=entry).update(refused=True)
    refused(api, clearance, "clearance_frozen")


def test_a_revocation_that_lost_its_place_in_the_queue_waits_again(api, lender, issued):
    story = verified(lender, issued)
    order_all()
    entry = put_on_record(index_of(story, "verification.verified"))
    unqueue(entry)
    order_all()
    assert not AuditLeaf.objects.filter(entry=entry).exists()
    sequencer.ask_again("test")
    order_all()
    assert AuditLeaf.objects.filter(entry=entry).exists()


def test_a_revocation_of_somebody_else_revokes_nothing_and_waits_for_nothing(api, lender, issued):
    story = verified(lender, issued)
    clearance = cleared(api, story)
    order_all()
    body = revocation(0) | {"from_index": 1}
    AuditEntry.objects.create(log="test", type=events.REVOKED, at=story.row().created_at, body=body)
    assert keys.revoked("test") == {}
    sequencer.ask_again("test")
    assert not AuditPending.objects.exists()
    assert consume(api, clearance).status_code == 200


def test_a_revocation_stands_before_what_it_makes_void_however_late_it_came(api, lender, issued):
    story = verified(lender, issued)
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
    # What the key signs from then on is refused, and counts for nobody.
    story.work()
    issue = AuditEntry.objects.filter(verification_id=story.id, type=events.CLEARED).first()
    assert issue is None or AuditPending.objects.get(entry=issue).refused
