"""A signed document says what signed entries say: whoever writes rows, or reseals by web's key, has
no other signed.
"""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from django.db.models import F

from tests.verification.log import owned_web
from tests.verification.stages.live_capture.captures import photo_answer
from tests.verification.stories.document_reading import documents_of, listed
from tests.verification.stories.insecure_capture import PORTRAIT, Script, at_commands, played, show
from tests.verification.stories.insecure_capture import script as script
from tests.verification.stories.insecure_glance import people, voted
from tests.verification.stories.story import IIN, OTHER_IIN, Story
from verification.case import contents
from verification.evidence import vault
from verification.models import Attempt, AuditEntry, EvidenceItem, Verification

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.forges]

MONTH = timedelta(days=30)


def capture(story: Story) -> Attempt:
    return Attempt.objects.select_related("verification").get(
        verification_id=story.id, stage="live_capture"
    )


def about_somebody_else(story: Story) -> None:
    row, key = story.row(), contents.key_of(story.row())
    place = vault.CASE
    content = key.unseal(bytes(row.sealed_case), **place).plain.replace(
        IIN.encode(), OTHER_IIN.encode()
    )
    Verification.objects.filter(pk=row.pk).update(sealed_case=key.seal(content, **place).data)


def test_a_document_is_about_whom_the_case_was_opened_for_or_there_is_none(script: Script) -> None:
    script.word = "grey"
    story = played()
    about_somebody_else(story)
    voted(story, passes=False, reviewers=people(story, 1))
    assert story.row().status == "declined"
    assert listed(story) == ()
    missing = AuditEntry.objects.get(verification_id=story.id, type="document.missing")
    assert missing.body["cause"] == "evidence_unreadable"


def a_photo_beside(story: Story) -> None:
    owned_web.plant(capture(story), "live_capture.photo", photo_answer(PORTRAIT))


def terms_beside(story: Story) -> None:
    owned_web.plant(
        capture(story), "live_capture.terms", b'{"v": 1, "facts": {}, "checks": [], "policy": {}}'
    )


def another_answer(story: Story) -> None:
    item = EvidenceItem.objects.select_related("verification").get(
        attempt=capture(story), kind="live_capture.1.frame.3"
    )
    owned_web.reseal(item, b"another picture")


@pytest.mark.parametrize(
    ("change", "unreadable"),
    [
        (a_photo_beside, []),
        (terms_beside, []),
        (another_answer, ["live_capture.1.frame.3"]),
    ],
)
def test_a_document_holds_what_entries_list_as_they_list_it(
    script: Script, change: Callable[[Story], None], unreadable: list[str]
) -> None:
    story = at_commands()
    show(story, commands=2)
    change(story)
    story.cancel()
    story.work()
    (document,) = documents_of(story)
    assert document["unreadable"] == unreadable
    assert (document["reference"]["status"], document["comparison"], document["policy"]) == (
        "none",
        None,
        None,
    )
    assert document["live_image"]["gates"] == []
    assert document["client_reference"] == "A-1"
    assert [one["stage"] for one in document["passed_before"]] == ["consent", "question"]


def test_the_time_of_a_reference_is_that_of_its_entry(script: Script) -> None:
    script.word = "grey"
    story = played()
    EvidenceItem.objects.filter(verification_id=story.id).update(created_at=F("created_at") - MONTH)
    voted(story, passes=False, reviewers=people(story, 1))
    (document,) = documents_of(story)
    assert datetime.fromisoformat(document["reference"]["at"]) >= story.row().created_at
