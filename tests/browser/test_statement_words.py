"""The borrower reads and signs the statement in the language the page speaks, and keeps what they
signed.
"""

from pathlib import Path

import pytest

from tests.browser.conftest import Desk, Issued, Launch
from tests.browser.steps import arrived, at_the_statement, go_on, press, words, worked
from tests.verification.stories.story import Story
from verification.core.statement_text import read

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("trusted"),
]


def test_the_statement_follows_the_pages_language_by_a_button_and_both_files_are_kept(
    launch: Launch, site: str, story: Story, desk: Desk, issued: Issued, tmp_path: Path
) -> None:
    tab = at_the_statement(arrived(launch, site, story, language="ru"), story, "ru")
    shown = tab.page.locator("main").inner_text()
    assert "Я лично прошу предоставить мне этот микрокредит" in shown
    assert tab.page.locator("pre.exact[lang=ru]").text_content() == story.statement().decode()
    tab.page.locator("form.languages button[value=kk]").click()
    tab.until_heading(words("kk", "Sign the statement"))
    assert (
        "Я лично прошу предоставить мне этот микрокредит" in tab.page.locator("main").inner_text()
    )
    tab.look()
    press(tab, "kk", "Show the statement in English")
    tab.until_heading(words("kk", "One moment"))
    worked(tab, story, "kk", "Sign the statement")
    assert "Осы қарызды осы шарттармен өзім сұраймын" in tab.page.locator("main").inner_text()
    tab.look()
    statement = story.statement()
    assert read(statement)["language"] == "kk"
    with desk.ncalayer(issued("rsa")):
        tab.page.reload()
        go_on(tab, story, "kk", "Sign with NCALayer", "Done: it is you")
    tab.look()
    for name, begins in (
        ("Download the statement", statement),
        ("Download the signature", b"-----BEGIN CMS-----"),
    ):
        with tab.page.expect_download() as download:
            tab.page.get_by_role("link", name=words("kk", name), exact=True).click()
        kept = tmp_path / name
        download.value.save_as(kept)
        assert kept.read_bytes().startswith(begins)
