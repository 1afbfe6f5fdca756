"""A reviewer reads words, not codes."""

from verification.core.reasons import REASONS
from verification.review import labels


def test_every_code_that_sends_a_case_to_people_has_words_at_the_desk() -> None:
    assert {code for code, reason in REASONS.items() if reason.review} - labels.WHY.keys() == set()


def test_every_remark_has_words_at_the_desk() -> None:
    assert {code for code, reason in REASONS.items() if reason.remark} == labels.REMARKS.keys()
