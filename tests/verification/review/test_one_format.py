"""Days, times and sums at the desk are written as everywhere."""

import pytest
from django.conf import settings

from tests.verification import one_format
from tests.verification.review import desk
from tests.verification.stories.insecure_glance import glanced
from tests.verification.stories.insecure_glance import glances as glances
from verification.core import spelling

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("glances")]


@pytest.mark.parametrize("language", ["kk", "ru", "en"])
def test_days_times_and_sums_are_written_one_way(language):
    story = glanced("clear", "grey", profile="KZ-2021-04")
    client = desk.at_desk(story.lender)
    client.cookies[settings.LANGUAGE_COOKIE_NAME] = language
    shown = [
        client.get(desk.address(name, story)).content.decode() for name in ("queue", "open", "case")
    ]
    assert [fault for html in shown for fault in one_format.faults(html)] == []
    money = spelling.money("150000.00", "KZT", language=language).replace("\N{NO-BREAK SPACE}", " ")
    assert money in one_format.text(shown[-1])
