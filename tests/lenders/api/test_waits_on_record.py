"""What `audit_verify` says of reports and new consents that the door signed, and might not have."""

import copy
from datetime import timedelta

import pytest

from tests.lenders.api import renewing
from tests.lenders.api.renewing import DAY, asked_anew, report, verified
from tests.verification.log.rows import order_all
from tests.verification.stages.person.told import tell
from tests.verification.stories.story import wait_until
from verification import clock
from verification.log import related_cases
from verification.log.legality import faults_of
from verification.models import AuditEntry

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("trusted")]


@pytest.fixture
def played(api, lender, issued, trusted, sandbox, settings, monkeypatch):
    """The first verification and its new consent, which is open."""
    renewing.ask_at(sandbox, settings)
    renewing.go_by(lender, monkeypatch, 30)
    story = verified(lender, issued, tell(sandbox))
    report(api, story)
    renewing.gate(api, story)
    wait_until(clock.now() + DAY)
    return story, asked_anew(api, story)


def entries_of(story):
    found = AuditEntry.objects.filter(verification_id=story.id).select_related("leaf")
    return list(found.order_by("verification_sequence"))


def told(entries):
    return [(entry.type, fault[0]) for entry, fault in faults_of(entries)]


def changed(entries, entry_type, *, later=timedelta(0), **body):
    """The same course, but for the body and the time of its entry of this type."""
    course = [copy.copy(one) for one in entries]
    (one,) = (each for each in course if each.type == entry_type)
    one.body, one.at = {**one.body, **body}, one.at + later
    return course


def test_a_lawful_course_is_found_lawful(played):
    assert [told(entries_of(one)) for one in played] == [[], []]


def test_a_contract_is_reported_twice(played):
    first = entries_of(played[0])
    again = next(one for one in first if one.type == "contract.reported")
    assert told([*first, again]) == [("contract.reported", "illegal_move")]


def test_a_wait_counts_from_before_the_report(played):
    first = entries_of(played[0])
    earlier = (clock.now() - timedelta(days=3)).isoformat()
    assert told(changed(first, "contract.reported", release_from=earlier)) == [
        ("contract.reported", "illegal_time")
    ]


def test_a_new_consent_is_asked_for_too_soon(played):
    first = entries_of(played[0])
    soon = changed(first, "renewal.opened", later=-timedelta(minutes=5))
    assert told(soon) == [("renewal.opened", "illegal_time")]
    assert told(changed(first, "renewal.opened", profile="KZ-0000")) == [
        ("renewal.opened", "law_unknown")
    ]
    unsaid = [one for one in first if one.type != "contract.reported"]
    assert told(unsaid) == [("renewal.opened", "illegal_move")]


def test_a_report_on_what_was_not_verified(played):
    first = entries_of(played[0])
    for one in first:
        one.type = one.type.replace("verification.verified", "verification.canceled")
    assert {("contract.reported", "after_end"), ("renewal.opened", "after_end")} < set(told(first))


def test_a_law_of_new_consents_is_no_law_of_anything_else(played):
    child = entries_of(played[1])
    alone = [copy.copy(one) for one in child]
    alone[0].body = {name: value for name, value in alone[0].body.items() if name != "renews"}
    assert ("verification.created", "law_unknown") in told(alone)
    first = changed(entries_of(played[0]), "verification.created", renews=played[1].id)
    assert ("verification.created", "law_unknown") in told(first)


def test_a_new_consent_that_nobody_asked_for(played):
    order_all()
    child = entries_of(played[1])
    assert list(related_cases.verify_related("test", child, forged=())) == []
    child[0].body = {**child[0].body, "renews": played[1].id}
    (found,) = related_cases.verify_related("test", child, forged=())
    assert (found.code, found.entry) == ("illegal_move", child[0].pk)
