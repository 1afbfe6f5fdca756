"""A running sandbox, and the product that asks it."""

import pytest
from pytest_django import Settings

from config.settings import TULGA_SANDBOX_URL, TULGA_SOURCES
from tests.insecure_sandbox_process import SandboxProcess

ASKED = ("person_registry", "photo_registry", "phone_registry", "consent", "sms")


@pytest.fixture
def asked(sandbox: SandboxProcess, settings: Settings) -> SandboxProcess:
    """The sandbox whose registers, consents and messages the test set uses; only this route is
    installed.
    """
    settings.TULGA_SOURCES = {"test": {name: moved(name, to=sandbox.url) for name in ASKED}}
    settings.TULGA_ROUTES = ["live_face"]
    return sandbox


def moved(name: str, *, to: str) -> dict[str, object]:
    """The settings of a source of the test set, asked at this sandbox."""
    entry = TULGA_SOURCES["test"][name]
    url = str(entry["options"]["url"]).replace(TULGA_SANDBOX_URL, to)  # type: ignore[index]
    return {"adapter": entry["adapter"], "options": {"url": url, "seconds": 6.0}}
