"""SIGKILL in the middle of a step: nothing is lost, and the next worker decides once."""

import os
import signal
import time
from collections.abc import Callable

import pytest
from PIL import Image

from insecure_sandbox.demo.processes import wait_until
from tests.service.deployment import Deployment

pytestmark = pytest.mark.service
# By its name: who imports it dies of the first face.
DEADLY_SETTINGS = "tests.service.insecure_deadly_settings"
SLOW_SETTINGS = "tests.service.insecure_slow_settings"

_STEP = "SELECT step, fence FROM verification_verification WHERE id = %s"


def play_killed(
    deployment: Deployment,
    name: str,
    *,
    kill: Callable[[], object],
    take_over: Callable[[], object],
) -> None:
    """A borrower signs; the worker is killed while it reads the slow revocation list; somebody
    takes over.
    """
    verification_id, browser, credential = deployment.borrow(name)
    deployment.script_fault("slow")
    browser.sign(credential)
    wait_until(deployment.is_fault_taken, what="the worker to ask for the list", seconds=20)
    kill()
    [(step, fence)] = deployment.rows(_STEP, verification_id)
    assert step == "judge", "the kill came before or after the step"
    assert fence
    assert deployment.api.read(verification_id)["status"] == "processing"
    take_over()
    browser.wait_for_judgement(seconds=150)
    assert deployment.api.read(verification_id)["status"] == "verified"
    assert deployment.decisions(verification_id) == ["verification.verified"]
    # The killed worker released nothing: the next one to claim it recorded that, and finished it.
    assert deployment.causes(verification_id) == ["worker_lost"]
    assert deployment.burnt(verification_id) == 0
    deployment.wait_for_log()
    assert deployment.audit() == ""
    events = {
        event["id"]
        for event in deployment.events()
        if event["data"]["verification"] == verification_id
    }
    wait_until(lambda: events <= set(deployment.received()), what="the webhooks", seconds=20)


@pytest.mark.rabbitmq
@pytest.mark.embedded
def test_a_worker_killed_with_its_children_loses_nothing_and_another_one_decides_once(deployment):
    [worker] = deployment.workers
    play_killed(
        deployment,
        "killed",
        kill=lambda: deployment.kill_worker(worker),
        take_over=deployment.start_worker,
    )
    assert deployment.workers != [worker]


@pytest.mark.rabbitmq
@pytest.mark.embedded
def test_a_pool_child_killed_alone_loses_nothing_and_the_next_child_decides_once(deployment):
    [worker] = deployment.workers
    wait_until(lambda: deployment.children_of(worker), what="the worker's child", seconds=30)
    [child] = deployment.children_of(worker)

    def wait_for_another() -> None:
        wait_until(
            lambda: deployment.children_of(worker) not in ([], [child]),
            what="another child",
            seconds=20,
        )

    play_killed(
        deployment,
        "orphaned",
        kill=lambda: os.kill(child, signal.SIGKILL),
        take_over=wait_for_another,
    )
    assert deployment.workers == [worker]


def test_a_worker_that_was_stopped_past_its_lease_writes_nothing_when_it_goes_on(deployment):
    verification_id, browser, credential = deployment.borrow("frozen")
    [worker] = deployment.workers
    deployment.script_fault("slow")
    browser.sign(credential)
    wait_until(deployment.is_fault_taken, what="the worker to ask for the list", seconds=20)
    group = deployment.pid_of(worker)
    os.killpg(group, signal.SIGSTOP)
    try:
        deployment.start_worker()
        browser.wait_for_judgement(seconds=150)
        before = deployment.entries(verification_id)
    finally:
        os.killpg(group, signal.SIGCONT)
    time.sleep(2)
    assert before[-1] == "verification.verified"
    assert deployment.entries(verification_id) == before


@pytest.mark.parametrize(
    ("settings", "stubborn", "causes"),
    [
        (DEADLY_SETTINGS, "", ["worker_lost"] * 2),
        (SLOW_SETTINGS, "", None),
        (SLOW_SETTINGS, "1", None),
    ],
    ids=["kills", "soft", "hard"],
)
def test_a_picture_that_ends_or_holds_its_worker_fails_its_own_verification_and_no_other(
    deployment, tmp_path, settings, stubborn, causes
):
    photo = tmp_path / "photo.jpg"
    Image.new("RGB", (320, 240), "teal").save(photo)
    deployment.staff(workers=0, ticks=1)
    worker = deployment.start_worker(DJANGO_SETTINGS_MODULE=settings, STUBBORN=stubborn)
    wait_until(lambda: deployment.children_of(worker), what="the worker's child", seconds=30)
    first = deployment.children_of(worker)
    opened, bad = deployment.stage.arrive(
        "bad", deployment.stage.person(photo), routes=("biometric",)
    )
    bad.agree()
    if causes:
        wait_until(
            lambda: deployment.children_of(worker) not in ([], first),
            what="the child to die",
            seconds=20,
        )
    verification_id, browser, credential = deployment.borrow("beside")
    browser.sign(credential)
    browser.wait_for_judgement(seconds=150)
    assert deployment.api.read(verification_id)["status"] == "verified"
    wait_until(
        lambda: deployment.api.read(opened["id"])["status"] == "failed", what="the end", seconds=60
    )
    assert deployment.api.read(opened["id"])["code"] == "retries_exhausted"
    assert causes in (None, deployment.causes(opened["id"]))
    assert deployment.burnt(opened["id"]) == 0
    # A step that heeds its soft limit costs no child; one that does not costs its own.
    assert (deployment.children_of(worker) == first) is not bool(stubborn or causes)
    assert deployment.workers == [worker]
    deployment.kill_worker(worker)
