"""The broker only wakes workers: they find work without its message."""

import os
import signal
import time

import pytest

from insecure_sandbox.borrower import Browser
from insecure_sandbox.demo.lender import LenderApi
from insecure_sandbox.demo.processes import wait_until
from tests.servers import free_port
from tests.service import broker
from tests.service.deployment import Deployment

pytestmark = [pytest.mark.rabbitmq, pytest.mark.embedded, pytest.mark.service]

_FOUND_SECONDS = (
    15  # found within 2 s and judged in under one on a quiet machine; a busy one gets room
)

# A refusing broker was measured to cost a request 0.06 s on a quiet machine. Who asked it again and
# again would be ended by the web server after 30 s; a busy machine needs a few for whatever it
# does.
_PATIENCE_SECONDS = 20


@pytest.fixture
def deaf_url(deployment):
    """A web server whose broker is gone, over the same database; workers and tick have theirs."""
    url = f"http://127.0.0.1:{free_port()}"
    deployment.start_web("deaf-web", url=url, **broker.deaf_environment(deployment.folder))
    try:
        deployment.processes.wait_for(f"{url}/healthz", name="deaf-web")
        broker.deafen(deployment.folder)
        yield url
    finally:
        deployment.processes.kill("deaf-web")


def test_a_broker_that_is_down_at_commit_costs_neither_the_answer_nor_the_case(
    deployment: Deployment, deaf_url: str
) -> None:
    iin = deployment.stage.iin()
    credential = deployment.stage.credential(iin, family="rsa")
    since = time.monotonic()
    opened = LenderApi(deaf_url, deployment.api.key).open("broker-down", iin=iin, routes=["eds"])
    assert time.monotonic() - since < _PATIENCE_SECONDS
    browser = Browser(deaf_url)
    browser.follow(opened["url"])
    browser.agree()
    browser.sign(credential)
    browser.wait_for_judgement()
    assert deployment.api.read(opened["id"])["status"] == "verified"
    assert deployment.decisions(opened["id"]) == ["verification.verified"]
    heard = (deployment.folder / "logs" / "deaf-web.log").read_text()
    assert "worker message not delivered: " in heard, "the broker was not down"


def test_a_worker_that_starts_without_its_broker_finds_work_and_ends_when_told_to(
    deployment: Deployment,
) -> None:
    deployment.staff(workers=0, ticks=1)
    absent = f"redis://127.0.0.1:{free_port()}/0"
    name = deployment.start_worker(CELERY_BROKER_URL=absent)
    verification_id, browser, credential = deployment.borrow("broker-never-there")
    browser.sign(credential)
    since = time.monotonic()
    browser.wait_for_judgement()
    assert deployment.decisions(verification_id) == ["verification.verified"]
    assert time.monotonic() - since < _FOUND_SECONDS
    assert "Cannot connect to redis" in (deployment.folder / "logs" / f"{name}.log").read_text()
    os.kill(deployment.pid_of(name), signal.SIGTERM)
    wait_until(lambda: deployment.processes.ended() == [name], what="the worker to end", seconds=30)
    deployment.workers.remove(name)
    deployment.processes.forget(name)
