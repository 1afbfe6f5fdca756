"""Who is told what, where several gates refuse a capture: the borrower one sentence, all others
every gate.
"""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import translation

from lenders import keys
from tests.lenders.samples import Caller
from tests.verification.borrower.visits import NOW, browser, text
from tests.verification.oversight import rows
from tests.verification.review import desk
from tests.verification.stories.insecure_capture import Script, played, show
from tests.verification.stories.insecure_capture import script as script
from tests.verification.stories.story import Story
from verification.borrower import wording
from verification.core.codes import REASONS

pytestmark = pytest.mark.django_db(transaction=True)

GATE, MATCH = "multiple_faces", "face_mismatch"


@pytest.fixture
def story(script: Script) -> Story:
    """A capture that a gate and the comparison refused."""
    script.gate, script.word = GATE, "wrong"
    return played()


def exact(shown: str) -> list[bool]:
    """Whether what is shown names each of the refusals, and says what it is."""
    return [
        words in shown for code in (GATE, MATCH) for words in (code, REASONS[code].lender_detail)
    ]


@pytest.mark.parametrize("language", ["kk", "ru", "en"])
def test_the_borrower_reads_of_what_kind_it_was_and_what_to_do(story: Story, language: str) -> None:
    client = browser(story)
    client.cookies["django_language"] = language
    shown = text(client.get(NOW))
    with translation.override(language):
        assert wording.sentence(GATE) in shown
        assert wording.sentence(MATCH) not in shown
    for secret in (GATE, MATCH, "face.one_face", "face.match", "0.9", "0.8", "0.35"):
        assert secret not in shown


def test_the_lender_is_told_every_gate_with_its_code_and_value(story: Story) -> None:
    api = Caller(keys.issue(story.lender, mode="test").secret)
    told = api.get(f"/v1/verifications/{story.id}", expand="checks").json()
    refused: list[dict[str, Any]] = [one for one in told["checks"] if one["outcome"] == "fail"]
    assert [(one["name"], one["code"], one["score"]) for one in refused] == [
        ("face.one_face", GATE, 0.4),
        ("face.match", MATCH, 0.8),
    ]
    assert [one["lender_detail"] for one in refused] == [
        REASONS[code].lender_detail for code in (GATE, MATCH)
    ]
    assert told["last_failure"] == GATE


def test_the_regulator_reads_every_gate_on_the_page_of_the_case(story: Story) -> None:
    reader: Client = rows.signed_in(rows.person("regulator"))
    shown = text(reader.get(reverse("oversight:case", kwargs={"verification_id": story.id})))
    assert all(exact(shown))


def test_reviewers_read_by_which_gates_earlier_attempts_did_not_pass(
    story: Story, script: Script
) -> None:
    script.gate, script.word = "", "grey"
    show(story)
    story.work()
    assert story.row().status == "in_review"
    shown = text(desk.at_desk(story.lender).get(desk.address("case", story)))
    assert all(exact(shown))
    before = shown.partition('id="before"')[2].partition("</section>")[0]
    assert before.count("<code>") == 2


def test_where_no_attempt_failed_reviewers_read_of_none(script: Script) -> None:
    script.word = "grey"
    story = played()
    assert 'id="before"' not in text(desk.at_desk(story.lender).get(desk.address("case", story)))
