"""A deployment of a test's own on one broker, with servers of its own, whatever the leg runs on."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.environment import prepare, quick_place
from tests.lenders.insecure_receiver import Receiver, listening
from tests.servers import Servers
from tests.service.deployment import Deployment

# It vacuums and analyses by itself here, as anywhere but in tests that are over before that helps.
_POSTGRESQL = ("autovacuum=on", "autovacuum_naptime=10s")
_CHOSEN = {
    "DATABASE_URL": "TULGA_TEST_DATABASE_URL",
    "MIGRATION_DATABASE_URL": "TULGA_TEST_MIGRATION_DATABASE_URL",
    "CELERY_BROKER_URL": "TULGA_TEST_BROKER_URL",
}


@contextmanager
def placed(
    kind: str, monkeypatch: pytest.MonkeyPatch, **more: str
) -> Iterator[tuple[Deployment, Path]]:
    """The deployment, started, and its folder. `more` replaces variables, such as the address of
    another broker.
    """
    prepare()
    with tempfile.TemporaryDirectory(
        prefix="tulga-place-", dir=quick_place(), ignore_cleanup_errors=True
    ) as name:
        folder = Path(name)
        folder.chmod(0o755)  # PostgreSQL's own user has to pass
        with Servers(folder, postgresql=_POSTGRESQL) as servers, listening(Receiver()) as receiver:
            found = servers.environment("place", broker=kind)
            for variable, source in _CHOSEN.items():
                monkeypatch.delenv(variable, raising=False)
                if source in found:
                    monkeypatch.setenv(variable, found[source])
            for variable, value in more.items():
                monkeypatch.setenv(variable, value)
            running = Deployment(folder / "var", receiver)
            try:
                running.start()
                yield running, folder
            finally:
                running.stop()
