"""The translations as the pages read them: compiled from what stands in the catalogues now."""

import pytest

from tests.verification.borrower import catalogues


@pytest.fixture(scope="session", autouse=True)
def _compiled() -> None:
    catalogues.compile_changed()
