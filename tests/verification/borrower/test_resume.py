"""What the page says on which a borrower goes on: why the step closed, and what may be done now."""

import pytest
from django.utils import translation
from django.utils.translation import gettext

from tests.verification.borrower.pages import made
from tests.verification.borrower.test_endings import SPOKEN, is_in, shown
from verification.course.policy import HINDRANCES


@pytest.mark.parametrize("language", SPOKEN)
@pytest.mark.parametrize("code", sorted(HINDRANCES - {"borrower_busy"}))
def test_a_days_number_that_is_used_up_is_told_as_that_and_never_as_a_borrower_who_fell_silent(
    language, code
):
    html = shown(language, made("resume", notice=code))
    is_in(
        language,
        html,
        "Nothing is lost, and no attempt was used up. You may come back to this page later.",
    )
    with translation.override(language):
        assert gettext("Go on where you stopped") not in html
