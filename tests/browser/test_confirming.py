"""An employee attests at the desk, in a real browser: at a computer in Russian, with a phone in
Kazakh.
"""

import pytest

from tests.browser.steps import press, words
from tests.browser.tab import open_context, open_tab
from tests.browser.whole import whole
from tests.verification.review import desk
from tests.verification.stories.attesting_story import LAW, cleared, verified
from tests.verification.stories.insecure_glance import glances as glances
from tests.verification.stories.story import OTHER_IIN, lender
from verification import clock
from verification.core import almaty, profiles

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("glances"),
]


def _attest(tab, language, button, **typed):
    """Fills the form of this button, and sends it."""
    form = tab.page.locator(
        "form", has=tab.page.get_by_role("button", name=words(language, button))
    )
    for name, text in typed.items():
        form.locator(f"[name$={name}]").fill(text)
    press(tab, language, button)
    tab.until_heading(words(language, "To be confirmed"))


@pytest.mark.parametrize(
    ("size", "language"), [("phone", "kk"), ("desk", "ru"), whole("phone", "ru")]
)
def test_two_words_of_an_employee_let_the_money_leave(launch, site, monkeypatch, size, language):
    monkeypatch.setitem(profiles.PROFILES, LAW.id, LAW)
    of, name = lender("ТОО «МФО Первый кредит»"), f"{size}-{language}"
    story, other = verified(of, "loan-2026-000125"), verified(of, "loan-2026-000126", iin=OTHER_IIN)
    for one in (story, other):
        cleared(one)
    context = open_context(launch(), size=size, language=language, touch=size == "phone")
    cookies = {
        "sessionid": desk.at_desk(of).cookies["sessionid"].value,
        "django_language": language,
    }
    context.add_cookies(
        [{"name": key, "value": value, "url": site} for key, value in cookies.items()]
    )
    tab = open_tab(context, site=site, expected=("status of 422",))
    tab.page.goto(f"{site}/review/confirm/")
    tab.fits(f"confirm-list-{name}")
    told = words(language, "Attest for %(reference)s") % {"reference": "loan-2026-000125"}
    tab.page.get_by_role("link", name=told).click()
    tab.until_heading(told)
    tab.fits(f"confirm-case-{name}")
    press(tab, language, "Attest the confirmation")
    tab.until(lambda: tab.page.locator(".errorlist").count() == 2, "two mistakes")
    tab.look(f"confirm-mistake-{name}")
    tab.page.get_by_label(words(language, "In person, at our office")).check()
    _attest(tab, language, "Attest the confirmation", comment="қайта қол қойды, № 17")
    tab.look(f"confirm-kept-{name}")
    tab.page.get_by_role("link", name=told).click()
    tab.until_heading(told)
    day = almaty.day_of(clock.now()).isoformat()
    _attest(
        tab,
        language,
        "Attest the visit",
        day=day,
        place="Алматы, Абай 10",
        comment="жеке куәлігімен келді",
    )
    assert cleared(story).status == "issued"
    tab.page.goto(f"{site}/review/confirm/{story.id}/")
    tab.look(f"confirm-made-{name}")
