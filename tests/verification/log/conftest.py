"""What the tests of the log may ask for."""

import pytest

from tests.scenes import staged
from tests.verification.log.ordered import nine_ordered, without_law
from tests.verification.stories.conftest import authorities, issued, trusted
from verification.models import AuditLeaf

__all__ = ("authorities", "issued", "trusted")


@pytest.fixture
def log(transactional_db: None, monkeypatch: pytest.MonkeyPatch) -> list[AuditLeaf]:
    """Nine ordered entries and one that waits."""
    without_law(monkeypatch)
    return staged("nine_ordered", nine_ordered)
