"""The biometric route with nothing played by the test but the borrower: a worker, a tick, the
sandbox, a browser.
"""

import os
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from pytest_django import Settings

from tests.browser import camera_settings, scripted_camera
from tests.browser.camera_way import CAPTURE_SECONDS, FACE, QUESTION, captured, chosen, turned_on
from tests.browser.conftest import Launch
from tests.browser.processes import running
from tests.browser.steps import arrived, press, words
from tests.insecure_sandbox_process import SandboxProcess
from tests.verification.stories import camera_story
from tests.verification.stories.story import Story

pytestmark = [pytest.mark.browser, pytest.mark.service, pytest.mark.django_db(transaction=True)]


@pytest.fixture(autouse=True)
def _product(sandbox: SandboxProcess, tmp_path: Path, settings: Settings) -> Iterator[None]:
    """A worker for faces and a tick that ask the sandbox, in which the borrower is registered."""
    settings.TULGA_ROUTES = camera_settings.TULGA_ROUTES
    camera_story.register(sandbox)
    environment = dict(
        os.environ,
        TULGA_SANDBOX_URL=sandbox.url,
        DJANGO_SETTINGS_MODULE=camera_settings.__name__,
        PYTHONUNBUFFERED="1",
    )
    worker = (
        "celery",
        "--app",
        "config.celery",
        "worker",
        "--concurrency",
        "1",
        "--queues",
        "looks,default,eds,faces",
    )
    with ExitStack() as stack:
        for command in (worker, ("django", "tick")):
            stack.enter_context(running(*command, folder=tmp_path, environment=environment))
        yield


def test_a_borrower_shows_their_face_and_is_verified_by_real_processes(
    launch: Launch, site: str, story: Story
) -> None:
    language = "kk"
    tab = arrived(launch, site, story, language=language, size="phone", touch=True)
    scripted_camera.put(tab.page, upright=True)
    chosen(tab, language, "biometric")
    press(tab, language, "I agree")
    tab.until_heading(words(language, QUESTION), seconds=CAPTURE_SECONDS)
    press(tab, language, "No, I want this loan myself")
    tab.until_heading(words(language, FACE), seconds=CAPTURE_SECONDS)
    turned_on(tab, language)
    captured(tab, None, language)
    tab.until_heading(words(language, "Done: it is you"), seconds=CAPTURE_SECONDS)
    assert story.row().passed_routes == ["biometric"]
    assert tab.problems == []
