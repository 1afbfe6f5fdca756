"""One deployment for all tests of this folder: its processes start once."""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.environment import prepare
from tests.lenders.insecure_receiver import Receiver, listening
from tests.service.deployment import Deployment


@pytest.fixture(scope="package")
def _running() -> Iterator[Deployment]:
    place = TemporaryDirectory(prefix="service-", dir=prepare(), ignore_cleanup_errors=True)
    with place as folder, listening(Receiver()) as receiver:
        running = Deployment(Path(folder) / "var", receiver)
        try:
            running.start()
            yield running
            assert running.refused() == [], "a process lacks a right in the database"
        finally:
            running.stop()


@pytest.fixture
def deployment(_running: Deployment) -> Iterator[Deployment]:
    """The running deployment with one worker and one tick; what a test broke is mended after it."""
    _running.staff(workers=1, ticks=1)
    yield _running
    _running.mend()
    _running.receiver.script.clear()
    assert _running.last_words() == {}, "a process ended by itself"
