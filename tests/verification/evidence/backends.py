"""Where evidence lies: each test is asked of our own storage and of Django's, with all of it in
files.
"""

from pathlib import Path

import pytest
from django.conf import settings as django_settings
from pytest_django import Settings

from verification.evidence import policy

ORIGINAL = b"IIN 850101300123, signed"
BACKENDS = {
    "ours": "verification.evidence.durable_files.DurableFileSystemStorage",
    "Django's": "django.core.files.storage.FileSystemStorage",
}


@pytest.fixture(autouse=True, params=BACKENDS)
def _backend(request: pytest.FixtureRequest, settings: Settings) -> None:
    """The product's own storage, and any other of Django's storage API."""
    evidence = dict(settings.STORAGES["evidence"], BACKEND=BACKENDS[request.param])
    settings.STORAGES = dict(settings.STORAGES, evidence=evidence)


@pytest.fixture(autouse=True)
def _all_in_files(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is little lies in a file too, but for tests of where it lies."""
    if "little" not in request.fixturenames:
        monkeypatch.setattr(policy, "INLINE_BYTES", 0)


@pytest.fixture
def little() -> None:
    """What is little stays in its row."""


def files() -> dict[str, bytes]:
    """All that lies there, by name."""
    root = Path(django_settings.TULGA_EVIDENCE_DIR)
    return {path.name: path.read_bytes() for path in root.rglob("*") if path.is_file()}


def path_of(name: str) -> Path:
    """Where a file of this name lies."""
    return Path(django_settings.TULGA_EVIDENCE_DIR) / name[:2] / name


__all__ = ("ORIGINAL", "_all_in_files", "_backend", "files", "little", "path_of")
