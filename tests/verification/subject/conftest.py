"""A test authority whose signatures are trusted, and compiled translations."""

import pytest

from tests.verification.borrower import catalogues
from tests.verification.stories.conftest import authorities, issued, trusted

__all__ = ("authorities", "issued", "trusted")


@pytest.fixture(scope="session", autouse=True)
def _compiled() -> None:
    catalogues.compile_changed()
