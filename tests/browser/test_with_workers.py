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
from tests.verification.stories.story import IIN, Story, begin

pytestmark = [pytest.mark.browser, pytest.mark.service, pytest.mark.django_db(transaction=True)]

_WORKER = "celery --app config.celery worker --concurrency 1 --queues looks,default,eds,faces"


@pytest.fixture(autouse=True)
def _product(
    sandbox: SandboxProcess, tls: LoopbackTls, tmp_path: Path, settings: Settings
) -> Iterator[None]:
    """A worker and a tick that ask the sandbox, in which the borrower is registered, and its
    NCALayer on a free port, which the pages are told.
    """
    settings.TULGA_ROUTES = camera_settings.TULGA_ROUTES
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
    state, place = ("--state-dir", str(tls.authority.parent)), ("--iin", IIN, "--port", "0")
    signer = ("insecure_sandbox.ncalayer", "--sandbox", sandbox.url, *state, *place)
    with ExitStack() as stack:
        for command in (_WORKER.split(), ("django", "tick"), signer):
            log = stack.enter_context(running(*command, folder=tmp_path, environment=environment))
        settings.TULGA_NCALAYER_URL = said(log, r"at (wss://127\.0\.0\.1:\d+),")
        yield


def test_who_signs_and_who_shows_their_face_are_verified_by_real_processes(
    launch: Launch, site: str, story: Story
) -> None:
    sign(launch, site, story)
    show_the_face(launch, site, begin(story.lender, "loan-2026-000124"))


def sign(launch: Launch, site: str, story: Story) -> None:
    """From the link to the decision's place in the log, by a signature."""
    tab = arrived(launch, site, story, language="ru")
    assert story.token not in tab.page.url
    chosen(tab, "ru", "eds")
    press(tab, "ru", "I agree")
    tab.until_heading(words("ru", QUESTION))
    press(tab, "ru", "No, I want this loan myself")
    tab.until_heading(words("ru", "Sign the statement"))
    press(tab, "ru", "Sign with NCALayer")
    tab.until_heading(words("ru", "Done: it is you"))
    assert story.token not in tab.page.content()
    assert tab.problems == []
    tab.until(lambda: place_in_log(story) is not None, "the decision's place in the log")
    events = lender_events.events_after(lender_id=story.lender.pk, mode="test").data
    decision = next(event.id for event in events if event.type == "verification.verified")
    proof = checkpoints.proof(lender_id=story.lender.pk, mode="test", event_id=decision)
    assert proof.startswith("c2sp.org/")


def place_in_log(story: Story) -> int | None:
    """Of the decision, once it has one."""
    answer = verifications.read(lender_id=story.lender.pk, mode="test", verification_id=story.id)
    index: int | None = answer["log_index"]
    return index


def show_the_face(launch: Launch, site: str, story: Story) -> None:
    """From the link to the end, by the camera."""
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
