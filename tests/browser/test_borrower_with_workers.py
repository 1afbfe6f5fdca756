"""The whole way with nothing played by the test but the borrower: a worker, a tick, the sandbox,
its NCALayer.
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
from tests.browser.conftest import Launch
from tests.browser.processes import running, said
from tests.browser.steps import arrived, press
from tests.insecure_sandbox_process import SandboxProcess
from tests.verification.stories.story import IIN, Story

pytestmark = [pytest.mark.browser, pytest.mark.service, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def product(
    sandbox: SandboxProcess, tls: LoopbackTls, tmp_path: Path, settings: Settings
) -> Iterator[None]:
    """A worker and a tick that ask the sandbox, and the sandbox's NCALayer on a free port, which
    the pages are told.
    """
    anchors = tmp_path / "anchors"
    write_anchors(sandbox.url, anchors)
    environment = dict(
        os.environ, TULGA_SANDBOX_URL=sandbox.url, TULGA_TEST_TRUST_ANCHORS=str(anchors)
    )
    signer = (
        "--sandbox",
        sandbox.url,
        "--state-dir",
        str(tls.authority.parent),
        "--iin",
        IIN,
        "--port",
        "0",
    )
    commands = (
        (
            "celery",
            "--app",
            "config.celery",
            "worker",
            "--concurrency",
            "1",
            "--queues",
            "default,eds",
        ),
        ("django", "tick", "--settings", os.environ["DJANGO_SETTINGS_MODULE"]),
        ("insecure_sandbox.ncalayer", *signer),
    )
    with ExitStack() as stack:
        for command in commands:
            log = stack.enter_context(running(*command, folder=tmp_path, environment=environment))
        settings.TULGA_NCALAYER_URL = said(log, r"at (wss://127\.0\.0\.1:\d+),")
        yield


@pytest.mark.usefixtures("product")
def test_a_borrower_signs_and_is_verified_by_real_processes(
    launch: Launch, site: str, story: Story
) -> None:
    tab = arrived(launch, site, story, language="ru")
    press(tab, "ru", "Continue")
    tab.until_heading("Ваше согласие")
    press(tab, "ru", "I agree")
    tab.until_heading("Вам по телефону подсказывают, что нажимать?")
    press(tab, "ru", "No, I want this loan myself")
    tab.until_heading("Подпишите заявление")
    press(tab, "ru", "Sign with NCALayer")
    tab.until_heading("Готово: личность подтверждена")
    assert tab.problems == []
    tab.until(lambda: _place_in_log(story) is not None, "the decision's place in the log")
    assert checkpoints.proof(
        lender_id=story.lender.pk, mode="test", event_id=_decision(story)
    ).startswith("c2sp.org/")


def _place_in_log(story: Story) -> int | None:
    answer = verifications.read(lender_id=story.lender.pk, mode="test", verification_id=story.id)
    index: int | None = answer["log_index"]
    return index


def _decision(story: Story) -> str:
    events = lender_events.events_after(lender_id=story.lender.pk, mode="test").data
    return next(event.id for event in events if event.type == "verification.verified")
