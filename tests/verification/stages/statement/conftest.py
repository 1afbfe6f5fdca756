"""The authorities of the workflow's tests, and one signed statement as evidence."""

import pytest

from tests.verification.stages.statement.answered_case import Given
from tests.verification.stories.conftest import authorities, issued

__all__ = ("authorities", "issued")


@pytest.fixture(params=["gost512", "rsa"])
def family(request):
    """Each family in turn."""
    return request.param


@pytest.fixture
def signed(authorities, issued, family):
    """See `Given`."""
    return Given(authorities[family], issued(family))
