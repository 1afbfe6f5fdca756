"""A clearance is told to be issued, and consumed, once the log has ordered that; one put back
orders nothing.
"""

import pytest

from tests.lenders.api.test_clearances import ask, clean, cleared, consume, refused, types, verified
from tests.verification.log.rows import tamper
from tests.verification.stories.story import order
from verification import tasks
from verification.models import AuditLeaf

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("trusted")]


def read(api, clearance):
    return api.get(f"/v1/clearances/{clearance['id']}").json()


def test_what_the_log_has_not_ordered_is_neither_told_nor_consumed(api, lender, issued):
    story = verified(lender, issued)
    asked = ask(api, story).json()
    tasks.advance(story.id)
    assert types(story) == ["clearance.requested", "clearance.issued"]
    assert read(api, asked) == asked
    refused(api, asked, "clearance_not_ready")
    order()
    assert read(api, asked)["status"] == "issued"
    assert consume(api, asked).status_code == 200
    assert clean(story) == []


def test_what_is_issued_again_waits_again(api, lender, issued):
    story = verified(lender, issued)
    cleared(api, story)
    again = ask(api, story).json()
    tasks.advance(story.id)
    refused(api, again, "clearance_not_ready")
    order()
    assert consume(api, again).status_code == 200


@pytest.mark.forges
def test_a_database_that_was_put_back_pays_nobody_a_second_time(api, lender, issued):
    """What was paid since its backup is forgotten in it; the head file knows that its log was
    longer.
    """
    story = verified(lender, issued)
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
    assert read(api, asked)["status"] == "processing"
    refused(api, asked, "clearance_not_ready")
