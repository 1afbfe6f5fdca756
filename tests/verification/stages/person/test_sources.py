"""Whatever a register or the gateway does: tried again, then `failed`; no attempt burnt, no one
verified.
"""

from typing import Any

import pytest
from django.conf import settings

from tests.verification.stages.person.test_story import DOCUMENT, guess, to_code, to_person
from tests.verification.stages.person.told import codes
from tests.verification.stories import camera_story as camera
from tests.verification.stories.story import BORN, make_due
from verification.case import policy
from verification.models import Attempt, AuditEntry

pytestmark = [
    pytest.mark.service,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("seen_once"),
]

KINDS = ("silent", "http_500", "garbage", "oversize")
# A photo in each way, for it is the longest answer; of the others one that does not come and one
# that does.
BROKEN = [("photo", kind) for kind in KINDS]
BROKEN += [
    ("consent", "silent"),
    ("consent", "garbage"),
    ("person", "silent"),
    ("person", "oversize"),
]
BROKEN += [("phone", "http_500"), ("phone", "garbage"), ("sms", "silent"), ("sms", "http_500")]


@pytest.fixture(autouse=True)
def _mended(asked):
    yield
    asked.mend()


def break_down(asked, source, kind):
    # One that says nothing is not waited for long; whatever answers has its time, on a busy machine
    # too.
    adapters: Any = settings.TULGA_SOURCES["test"]
    for adapter in adapters.values():
        adapter["options"]["seconds"] = 0.7 if kind in ("silent", "slow") else 10.0
    asked.post("/faults", source=source, kind=kind, times=100)


def try_until_it_ends(story):
    for _ in range(policy.FAULTS_MAX):
        make_due(story)
        story.work()


@pytest.mark.parametrize(("source", "kind"), BROKEN)
def test_a_source_that_stays_like_this_ends_in_failed_and_burns_nothing(asked, source, kind):
    if source == "photo":
        story = to_code(asked)
        guess(story, codes(asked)[-1])
        break_down(asked, source, kind)
        camera.free(story)
    else:
        story = to_person(asked)
        break_down(asked, source, kind)
        story.answer(document_number=DOCUMENT, **BORN)
    try_until_it_ends(story)
    assert (story.row().status, story.row().code) == ("failed", "retries_exhausted")
    assert not Attempt.objects.filter(burnt=True).exists()
    assert AuditEntry.objects.filter(type="step.faulted").count() == policy.FAULTS_MAX


@pytest.mark.parametrize("kind", ["silent", "garbage"])
def test_an_owner_who_cannot_be_told_when_the_code_comes_back_ends_in_failed(asked, kind):
    story = to_code(asked)
    break_down(asked, "phone", kind)
    guess(story, codes(asked)[-1])
    try_until_it_ends(story)
    assert (story.row().status, story.row().code) == ("failed", "retries_exhausted")
    assert not Attempt.objects.filter(burnt=True).exists()
