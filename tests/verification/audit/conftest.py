"""What the tests of the log may ask for."""

import pytest

from tests.verification.audit.ordered import nine_ordered
from verification.models import AuditLeaf


@pytest.fixture
def log(transactional_db: None) -> list[AuditLeaf]:
    """Nine ordered entries and one that waits."""
    return nine_ordered()
