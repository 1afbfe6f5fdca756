"""A verification's key, under which evidence is kept."""

import pytest

from tests.verification.evidence.rows import add_key
from verification.evidence.vault import Key


@pytest.fixture
def key(db: None) -> Key:
    """The kept key of a new verification."""
    return add_key()
