"""What `audit_verify` says of clearances that worker and door signed, and might not have."""

import copy

import pytest

from tests.lenders.api.test_clearances import ask, cleared, consume, verified
from verification.log.legality import faults_of
from verification.models import AuditEntry

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("trusted")]


@pytest.fixture
def entries(api, lender, issued):
    """Two clearances of one verification, the first void, the second consumed."""
    story = verified(lender, issued)
    cleared(api, story)
    second = ask(api, story).json()
    story.work()
    consume(api, second)
    return list(
        AuditEntry.objects.filter(verification_id=story.id).order_by("verification_sequence")
    )


def told(entries):
    return [(entry.type, fault[0]) for entry, fault in faults_of(entries)]


def test_a_lawful_course_is_found_lawful(entries):
    assert told(entries) == []


def test_money_left_twice(entries):
    assert told([*entries, entries[-1]]) == [("clearance.consumed", "illegal_move")]


def test_what_was_void_was_consumed(entries):
    other = copy.copy(entries[-1])
    first = next(entry for entry in entries if entry.type == "clearance.requested")
    other.body = {**other.body, "clearance": first.body["clearance"]}
    assert told([*entries[:-1], other]) == [("clearance.consumed", "illegal_move")]


def test_what_nobody_issued_was_consumed(entries):
    left = [entry for entry in entries if entry.type != "clearance.issued"]
    assert told(left) == [("clearance.consumed", "illegal_move")]


def test_money_left_for_what_was_not_verified(entries):
    for entry in entries:
        entry.type = entry.type.replace("verification.verified", "verification.canceled")
    assert {("clearance.issued", "after_end"), ("clearance.consumed", "after_end")} < set(
        told(entries)
    )
