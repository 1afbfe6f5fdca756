"""The translations as the pages read them: compiled from what stands in the catalogues now."""

import pytest

from tests.verification.borrower import catalogues
from tests.verification.stories.story import Story, begin, lender


@pytest.fixture(scope="session", autouse=True)
def _compiled() -> None:
    catalogues.compile_changed()


@pytest.fixture
def story() -> Story:
    """A verification that waits for its borrower."""
    return begin(lender())
