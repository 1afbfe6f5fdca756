"""Downloads the documents of a story as its lender would, and holds each against the schema."""

import json
from base64 import urlsafe_b64decode

from tests.verification.core.document_samples import valid
from verification.artifacts import reading as artifacts


def listed(story):
    return artifacts.list_documents(
        lender_id=story.lender.pk, mode="test", verification_id=story.id
    )


def download(story, attempt_id):
    return artifacts.read_document(
        lender_id=story.lender.pk,
        mode="test",
        verification_id=story.id,
        attempt_id=attempt_id,
        key_id="key_a",
    )


def read(signed):
    payload = json.loads(signed)["payload"]
    return valid(urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))


def documents_of(story):
    return [read(download(story, one.attempt_id)) for one in listed(story)]


def endings(story):
    """Of each document: outcome, code and who decided."""
    results = [document["result"] for document in documents_of(story)]
    return [(result["outcome"], result["code"], result["decided_by"]) for result in results]
