"""A person withdraws the consent, or asks for erasure, at any moment of a case."""

import pytest

from tests.verification.log.judged import differences_of, findings
from tests.verification.stories.purge_story import purged
from tests.verification.stories.story import (
    Story,
    at_statement,
    begin,
    in_parallel,
    lender,
    order,
    signed,
)
from verification.access import erasures
from verification.core.errors import Conflict, NotFound
from verification.models import Attempt, AuditEntry, Receipt

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("trusted")]


def entries(story: Story, entry_type: str) -> list[AuditEntry]:
    return list(AuditEntry.objects.filter(verification_id=story.id, type=entry_type))


def is_clean(story: Story) -> bool:
    order()
    return findings() == [] and differences_of(story.id) == []


def test_a_withdrawal_ends_an_open_case_once_and_a_worker_signs_its_receipt():
    story = at_statement()
    for _ in range(2):
        erasures.withdraw(story.id)
    row = story.row()
    assert (row.status, row.code, row.step) == ("canceled", "consent_withdrawn", "document")
    [entry] = entries(story, "consent.withdrawn")
    assert row.consent_withdrawn_at == entry.at
    assert (entry.body["asked_by"], entry.body["effect"]) == ("person", "ends")
    story.work()
    assert Receipt.objects.filter(verification=row).exists()
    assert is_clean(story)


def test_an_answer_that_waits_for_its_judgement_is_lost(issued):
    story = signed(issued)
    assert story.row().step == "judge"
    erasures.withdraw(story.id)
    story.work()
    [attempt] = Attempt.objects.filter(verification_id=story.id, stage="statement")
    assert (attempt.status, attempt.burnt) == ("lapsed", False)
    assert entries(story, "verification.verified") == []
    assert is_clean(story)


def test_a_request_of_a_person_waits_for_the_end_and_stands_beside_the_lenders(issued):
    story = at_statement()
    with pytest.raises(Conflict):
        erasures.request_of_person(story.id)
    story.sign_to_end(issued())
    for _ in range(2):
        erasures.request(lender_id=story.lender.pk, mode="test", verification_id=story.id)
        erasures.request_of_person(story.id)
    kind = "verification.redaction_requested"
    assert [entry.body["asked_by"] for entry in entries(story, kind)] == ["lender", "person"]
    assert is_clean(story)


def test_after_the_erasure_nothing_more_is_recorded(issued):
    story = at_statement()
    story.sign_to_end(issued())
    purged(story)
    erasures.request_of_person(story.id)
    erasures.withdraw(story.id)
    assert entries(story, "consent.withdrawn") == []
    assert entries(story, "verification.redaction_requested") == []


def test_an_unknown_case_is_not_found():
    for act in (erasures.request_of_person, erasures.withdraw):
        with pytest.raises(NotFound):
            act("ver_00000000000000000000000000")


def test_of_many_withdrawals_at_once_one_counts():
    story = begin(lender())
    in_parallel(lambda _: erasures.withdraw(story.id), 8)
    story.work()
    assert len(entries(story, "consent.withdrawn")) == 1
    assert is_clean(story)
