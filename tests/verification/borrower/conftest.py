"""The translations as the pages read them: compiled from what stands in the catalogues now."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from tests.verification.borrower import catalogues
from tests.verification.borrower.pages import made
from tests.verification.borrower.visits import browser
from tests.verification.stories.conftest import authorities, issued, trusted
from tests.verification.stories.story import Story, at_statement, begin, lender
from verification.access import open_page as pages
from verification.access.open_page import BorrowerPage

__all__ = ("authorities", "issued", "trusted")


@pytest.fixture(scope="session", autouse=True)
def _compiled() -> None:
    catalogues.compile_changed()


@pytest.fixture
def story() -> Story:
    """A verification that waits for its borrower."""
    return begin(lender())


@pytest.fixture
def signer(trusted: object) -> Story:
    """A verification at its statement, whose signature the workflow trusts."""
    return at_statement()


@pytest.fixture
def signing(signer: Story) -> Client:
    """The browser of the borrower who is about to sign."""
    return browser(signer)


@pytest.fixture
def client(story: Story) -> Client:
    """The borrower's browser, which has opened its link."""
    return browser(story)


@pytest.fixture
def shows(monkeypatch: pytest.MonkeyPatch) -> Callable[..., BorrowerPage]:
    """Makes the open page one made by hand."""

    def show(page: str, **changes: Any) -> BorrowerPage:
        open_page = made(page, **changes)

        def given(*_: object, **__: object) -> BorrowerPage:
            return open_page

        for name in ("borrower_page", "borrower_turn", "page_of", "turn_of"):
            monkeypatch.setattr(pages, name, given)
        return open_page

    return show
