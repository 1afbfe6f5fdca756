"""A lender lists and downloads its documents; each download is on record, and erasing leaves that
they existed.
"""

import json

import pytest

from tests.entries import body_of
from tests.verification.log.judged import erase
from tests.verification.stories import story as story_module
from tests.verification.stories.document_reading import download, listed
from tests.verification.stories.insecure_capture import at_commands, played, show
from tests.verification.stories.insecure_capture import script as script
from tests.verification.stories.insecure_glance import voted
from verification.core.answers import PHOTO_SOURCES
from verification.core.errors import Conflict, NotFound
from verification.evidence import vault
from verification.log import sequencer
from verification.log.verify import verify_log
from verification.models import Attempt, AuditEntry, EvidenceItem, Verification

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_stage_without_a_capture_has_none(script):
    story = at_commands()
    consent = Attempt.objects.get(verification_id=story.id, stage="consent")
    assert listed(story) == ()
    with pytest.raises(NotFound):
        download(story, consent.pk)


def test_an_attempt_under_way_or_in_review_says_that_it_is_too_soon(script):
    story = at_commands()
    attempt = Attempt.objects.get(verification_id=story.id, stage="live_capture")
    for _ in range(2):
        with pytest.raises(Conflict) as refused:
            download(story, attempt.pk)
        assert refused.value.code == "document_not_ready"
        script.word = "grey"
        if story.row().status != "in_review":
            show(story)
            story.work()
    voted(story)
    assert download(story, attempt.pk)


def test_each_download_is_one_entry_with_the_key_and_no_event_of_the_case(script):
    story = played()
    sequence = story.row().sequence
    (view,) = listed(story)
    assert download(story, view.attempt_id) == download(story, view.attempt_id)
    one, other = AuditEntry.objects.filter(type="document.read")
    assert body_of(one) == body_of(other)
    assert body_of(one) == {
        "v": 1,
        "verification": story.id,
        "attempt": view.attempt_id,
        "document": view.id,
        "key": "key_a",
    }
    assert (one.verification_id, one.lender_id, story.row().sequence) == (
        None,
        story.lender.pk,
        sequence,
    )


def test_a_document_is_handed_out_once_the_log_has_ordered_what_it_says(script, monkeypatch):
    with monkeypatch.context() as unordered:
        unordered.setattr(story_module, "order", lambda: None)
        story = played()
    attempt_id = (
        Attempt.objects.filter(verification_id=story.id, stage="live_capture").latest("turn").pk
    )
    assert story.row().status == "verified"
    assert listed(story) == ()
    with pytest.raises(Conflict) as refused:
        download(story, attempt_id)
    assert refused.value.code == "document_not_ready"
    sequencer.order("test")
    assert [one.outcome for one in listed(story)] == ["passed"]
    assert download(story, attempt_id)


@pytest.mark.parametrize("status", ["declined", "canceled", "failed"])
def test_no_document_is_handed_out_of_one_that_a_row_alone_ends(script, status):
    script.word = "wrong"
    story = played()
    (before,) = listed(story)
    assert story.row().status == "requires_input"
    Verification.objects.filter(pk=story.id).update(status=status)
    assert listed(story) == ()
    with pytest.raises(Conflict) as refused:
        download(story, before.attempt_id)
    assert refused.value.code == "document_not_ready"


def test_once_erased_the_log_still_proves_that_it_existed(script):
    story = played()
    (before,) = listed(story)
    document = download(story, before.attempt_id)
    erase(story)
    with pytest.raises(Conflict) as refused:
        download(story, before.attempt_id)
    assert refused.value.code == "document_erased"
    (after,) = listed(story)
    assert (after.is_erased, after.sha256, after.salt, after.commitment) == (
        True,
        None,
        None,
        before.commitment,
    )
    logged = AuditEntry.objects.filter(verification_id=story.id, type="evidence.kept")
    (said,) = (
        one
        for entry in logged
        for one in entry.body["evidence"]
        if one["kind"] == "live_capture.document"
    )
    # Who kept the document and its salt can show that it is the one in the log.
    assert said["commitment"] == vault.commitment(bytes.fromhex(before.salt), document)
    sequencer.order("test")
    assert list(verify_log("test")) == []


def test_a_reference_comes_from_a_register_and_there_is_no_other_way_in(script, client):
    """Law O-21: no answer of the borrower and no request of the lender can bring a reference."""
    story = at_commands()
    portrait = {"photo": "AAAA", "reference": "AAAA", "live_capture.photo": "AAAA"}
    story.answer(ready=True, **portrait)
    answered = EvidenceItem.objects.filter(verification_id=story.id).values_list("kind", flat=True)
    assert not [kind for kind in answered if "photo" in kind or "reference" in kind]
    assert PHOTO_SOURCES == ("STATE", "PROVIDER")
    described = client.get("/openapi.json").json()
    taken = [
        media
        for item in described["paths"].values()
        for operation in item.values()
        for media in operation.get("requestBody", {}).get("content", {})
    ]
    assert set(taken) == {"application/json"}
    asked = json.dumps(
        {name: described["components"]["schemas"][name] for name in ("VerificationRequest",)}
    )
    assert not [
        word
        for word in ("photo", "image", "portrait", "reference_sample", "binary")
        if word in asked
    ]
