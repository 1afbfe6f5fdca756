"""Signatures in folders, by the test authorities of the workflow."""

import pytest

from tests.tools.commands.eds_folder import Files
from tests.verification.stories.conftest import authorities, issued, trusted

__all__ = ("authorities", "issued", "trusted")


@pytest.fixture(params=["gost512", "rsa"])
def family(request):
    return request.param


@pytest.fixture
def files(tmp_path, authorities, issued, family):
    """Everything in order: the borrower's own signature."""
    found = Files(tmp_path, authorities[family])
    found.sign(issued(family))
    return found


@pytest.fixture
def gost(tmp_path, authorities):
    """The files of one family, with no signature yet."""
    return Files(tmp_path, authorities["gost512"])
