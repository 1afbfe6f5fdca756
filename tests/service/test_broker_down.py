"""The broker is only a doorbell: what nobody heard, the sweep rings again."""

import time

import pytest

from insecure_sandbox.demo.borrower import Browser
from insecure_sandbox.demo.lender import LenderApi
from insecure_sandbox.demo.processes import free_port
from tests.service import broker
from tests.service.deployment import Deployment

pytestmark = pytest.mark.service

_PATIENCE_SECONDS = 5  # of a lender; a refusing broker was measured to cost a request 0.06 s on a quiet machine


@pytest.fixture
def deaf_url(deployment):
    """A web server whose broker is gone, over the same database; workers and tick have theirs."""
    url = f"http://127.0.0.1:{free_port(0)}"
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
    assert "doorbell not heard: verification.advance" in heard, "the broker was not down"
