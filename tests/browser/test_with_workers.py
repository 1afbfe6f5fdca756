"""Two whole ways with nothing played by the test but the borrower: a worker, a tick, the sandbox,
its NCALayer, and a face before the camera.
"""

import os
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from pytest_django import Settings

from insecure_sandbox.install_trust import write_anchors
from insecure_sandbox.tls_certificate import LoopbackTls
from lenders.resources import checkpoints, verifications
from lenders.resources import events as lender_events
from tests.browser import camera_settings, scripted_camera
from tests.browser.camera_way import CAPTURE_SECONDS, FACE, QUESTION, captured, chosen
from tests.browser.capture_page import turned_on
from tests.browser.conftest import Launch
from tests.browser.processes import running, said
from tests.browser.steps import arrived, press, words
from tests.insecure_sandbox_process import SandboxProcess
from tests.verification.stories import camera_story
from tests.verification.stories.story import IIN, Story

pytestmark = [pytest.mark.browser, pytest.mark.service, pytest.mark.django_db(transaction=True)]

_WORKER = "celery --app config.celery worker --concurrency 1 --queues looks,default,eds,faces"


@pytest.fixture(autouse=True)
def _product(sandbox: SandboxProcess, tmp_path: Path) -> Iterator[None]:
    """A worker and a tick that ask the sandbox, in which the borrower is registered."""
    camera_story.register(sandbox)
    anchors = tmp_path / "anchors"
    write_anchors(sandbox.url, anchors)
    environment = dict(
        os.environ,
        TULGA_SANDBOX_URL=sandbox.url,
        TULGA_TEST_TRUST_ANCHORS=str(anchors),
        DJANGO_SETTINGS_MODULE=camera_settings.__name__,
        PYTHONUNBUFFERED="1",
    )
    with ExitStack() as stack:
        for command in (_WORKER, "django tick"):
            started = running(*command.split(), folder=tmp_path, environment=environment)
            stack.enter_context(started)
        yield


@pytest.fixture
def _ncalayer(
    sandbox: SandboxProcess, tls: LoopbackTls, tmp_path: Path, settings: Settings
) -> Iterator[None]:
    """The sandbox's NCALayer on a free port, which the pages are told."""
    state, place = ("--state-dir", str(tls.authority.parent)), ("--iin", IIN, "--port", "0")
    command = ("insecure_sandbox.ncalayer", "--sandbox", sandbox.url, *state, *place)
    with running(*command, folder=tmp_path, environment=dict(os.environ)) as log:
        settings.TULGA_NCALAYER_URL = said(log, r"at (wss://127\.0\.0\.1:\d+),")
        yield


@pytest.mark.usefixtures("_ncalayer")
def test_a_borrower_signs_and_is_verified_by_real_processes(
    launch: Launch, site: str, story: Story
) -> None:
    tab = arrived(launch, site, story, language="ru")
    assert story.token not in tab.page.url
    press(tab, "ru", "Continue")
    tab.until_heading(words("ru", "Your consent"))
    press(tab, "ru", "I agree")
    tab.until_heading(words("ru", QUESTION))
    press(tab, "ru", "No, I want this loan myself")
    tab.until_heading(words("ru", "Sign the statement"))
    press(tab, "ru", "Sign with NCALayer")
    tab.until_heading(words("ru", "Done: it is you"))
    assert story.token not in tab.page.content()
    assert tab.problems == []
    tab.until(lambda: _place_in_log(story) is not None, "the decision's place in the log")
    proof = checkpoints.proof(lender_id=story.lender.pk, mode="test", event_id=_decision(story))
    assert proof.startswith("c2sp.org/")


def _place_in_log(story: Story) -> int | None:
    answer = verifications.read(lender_id=story.lender.pk, mode="test", verification_id=story.id)
    index: int | None = answer["log_index"]
    return index


def _decision(story: Story) -> str:
    events = lender_events.events_after(lender_id=story.lender.pk, mode="test").data
    return next(event.id for event in events if event.type == "verification.verified")


@pytest.fixture
def _routes(settings: Settings) -> None:
    """Those that the worker knows, from the opening on."""
    settings.TULGA_ROUTES = camera_settings.TULGA_ROUTES


@pytest.mark.usefixtures("_routes")
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
