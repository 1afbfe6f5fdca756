"""The page that a borrower sees while people look at what the log refused, and the operator's page
of it.
"""

import pytest

from tests.browser.conftest import Launch
from tests.browser.steps import arrived, press, words
from tests.browser.whole import whole
from tests.lenders.forged_ends import row_and_entry
from tests.verification.stories.story import Story, order
from verification.models import AuditEntry, AuditPending, Verification

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("trusted"),
]


@pytest.mark.parametrize(("language", "size"), [("kk", "phone"), whole("ru", "desk")])
def test_a_refused_entry_shows_that_we_are_checking(
    launch: Launch, site: str, story: Story, language: str, size: str
) -> None:
    tab = arrived(launch, site, story, language=language, size=size)
    press(tab, language, "Continue")
    tab.until_heading(words(language, "Your consent"))
    before = story.row()
    row_and_entry(story, "verified")
    tab.page.reload()
    tab.until_heading(words(language, "One moment"))
    order()
    tab.until_heading(words(language, "We are checking this"))
    tab.fits(f"checking-{language}-{size}")
    assert tab.page.get_by_role("button", name=words(language, "Continue")).count() == 0
    # Somebody repaired it: the page goes on by itself.
    forged = AuditEntry.objects.get(verification_id=story.id, type="verification.verified")
    AuditPending.objects.filter(pk=forged.pk).delete()
    Verification.objects.filter(pk=story.id).update(status=before.status, code="", finished_at=None)
    tab.until_heading(words(language, "Your consent"))
    assert tab.problems == []
