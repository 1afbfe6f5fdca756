"""What no page tells: which datum the registers did not confirm, a reported caller, what refused a
capture.

Identity, comparison and liveness share one sentence, between attempts and at the end. An attacker
must not learn which of them refused him. What an honest borrower can do better is told as before.
"""

import re

import pytest
from django.utils import translation

from tests.verification.borrower.pages import made
from tests.verification.borrower.test_endings import SPOKEN, ended, shown
from tests.verification.borrower.visits import NOW, browser, text
from tests.verification.stories.insecure_glance import SAID, glanced, see
from tests.verification.stories.insecure_glance import glances as glances
from tests.verification.stories.story import lender
from verification.core.codes import ENDINGS, NOT_CONFIRMED, REASONS, UNFINISHED, UNPROVEN
from verification.core.results import Failed

IDENTITY = ("liveness_face_changed", "liveness_face_jumped", "liveness_face_missing")
COMPARISON = ("face_mismatch", "face_again")
LIVENESS = (
    *(
        "liveness_order_differs",
        "liveness_frame_unbound",
        "liveness_frame_early",
        "liveness_frame_unreadable",
    ),
    *("liveness_frame_seen_before", "liveness_capture_replayed", "liveness_frame_frozen"),
    *("liveness_frame_repeated", "liveness_frame_noiseless"),
)
ALIKE = (*IDENTITY, *COMPARISON, *LIVENESS)
ADVICE = {
    "command": "liveness_command_missed",
    "rest": "liveness_not_at_rest",
    "dark": "face_too_dark",
    "bright": "face_too_bright",
    "uneven": "face_light_uneven",
    "light before people": "face_again_light",
    "distance": "face_too_small",
    "distance before people": "face_again_near",
    "second face": "multiple_faces",
    "mask": "liveness_face_masked",
}
"""What an honest borrower can do better, by one of its codes."""


def test_only_three_endings_are_shared_so_that_they_tell_nothing():
    of_registers = {
        *(
            "registry_mismatch",
            "person_unknown",
            "name_mismatch",
            "birth_date_differs",
            "person_deceased",
        ),
        *("document_invalid", "document_expired", "phone_owner_mismatch"),
    }
    assert {code for code, ending in ENDINGS.items() if ending == NOT_CONFIRMED} == of_registers
    ours = {
        code
        for code in REASONS
        if REASONS[code].borrower_message == REASONS["check_missing"].borrower_message
    }
    assert {code for code, ending in ENDINGS.items() if ending == UNFINISHED} == ours
    assert "coercion_reported" in ours
    assert {code for code, ending in ENDINGS.items() if ending == UNPROVEN} == set(ALIKE)
    # Another family is told by its own words, and the codes of a family by the same.
    sentences = {ending.happened for ending in ENDINGS.values()}
    assert len(sentences) == len(set(ENDINGS.values()))


def test_no_other_code_is_told_by_the_sentence_of_a_capture_that_proved_nothing():
    sentence = REASONS["face_mismatch"].borrower_message
    assert {code for code, one in REASONS.items() if one.borrower_message == sentence} == set(ALIKE)


@pytest.mark.parametrize("language", SPOKEN)
def test_which_of_them_refused_a_capture_no_last_page_tells(language):
    pages = {ended(language, "declined", "attempts_exhausted", code) for code in ALIKE}
    assert len(pages) == 1
    with translation.override(language):
        assert translation.gettext(UNPROVEN.happened) in pages.pop()


@pytest.mark.parametrize("language", SPOKEN)
@pytest.mark.parametrize("page", ["commands", "resume", "choose_route", "question"])
def test_which_of_them_refused_a_capture_no_page_between_attempts_tells(language, page):
    assert (
        len({shown(language, made(page, notice=code, attempt=2, attempts=3)) for code in ALIKE})
        == 1
    )


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("glances")
def test_a_browser_is_answered_alike_whichever_of_them_refused(monkeypatch):
    answers = set()
    refusals = ("liveness_face_changed", "face_mismatch", "liveness_frame_frozen")
    for number, code in enumerate(refusals, start=1):
        monkeypatch.setitem(SAID, code, lambda check, code=code: Failed(check, code))
        story = glanced(code, of=lender(number=10 * number))
        client = browser(story)
        see(story, code)
        between = text(client.get("/v/now/state/"))
        see(story, code)
        assert (story.row().code, story.row().last_failure) == ("attempts_exhausted", code)
        html, state = text(client.get(NOW)), text(client.get("/v/now/state/"))
        for token in (r'(value|nonce)="[\w+/=-]{16,}"', r"\d{4}(-\d{3}){3}"):
            html = re.sub(token, "", html)
        answers.add((between, html, state))
    assert len(answers) == 1


@pytest.mark.parametrize("language", SPOKEN)
def test_what_can_be_done_better_keeps_its_own_sentence(language):
    with translation.override(language):
        sentences = [
            translation.gettext(REASONS[code].borrower_message)
            for code in (*ADVICE.values(), ALIKE[0])
        ]
    assert len(set(sentences)) == len(sentences)


@pytest.mark.parametrize("language", SPOKEN)
def test_and_its_own_last_page(language):
    """The picture's are one family: light, distance and a mask."""
    families = {code: ENDINGS[code] for code in (*ADVICE.values(), ALIKE[0])}
    assert len(set(families.values())) == 4
    pages = {ended(language, "declined", "attempts_exhausted", code) for code in families}
    assert len(pages) == 4


def test_the_lender_is_told_each_code_by_words_of_its_own():
    details = [REASONS[code].lender_detail for code in ALIKE]
    assert len(set(details)) == len(ALIKE)
