"""Borrowers who sign or are looked at, beside the lenders."""

import pytest

from tests.lenders.api.clearing import cleared, verified
from tests.verification.stories.conftest import authorities, issued, trusted
from tests.verification.stories.insecure_capture import script


@pytest.fixture
def story(lender, issued):
    """A borrower who is told to be verified."""
    return verified(lender, issued)


@pytest.fixture
def clearance(api, story):
    """An issued clearance of the story."""
    return cleared(api, story)


__all__ = ("authorities", "issued", "script", "trusted")
