"""`/readyz` names each part that is dead, and recovers with it."""

import json
import os
import signal

import pytest
import urllib3

from insecure_sandbox.demo.processes import wait_until
from tests.servers import free_port
from tests.service import broker, database
from tests.service.deployment import Deployment

pytestmark = pytest.mark.service

_SECONDS = 40


def unready(deployment: Deployment, url: str = "") -> set[str]:
    """The parts that are not ready, by a question on loopback; `ready` if the answer is a 503."""
    answer = urllib3.request(
        "GET", f"{url or deployment.url}/readyz", retries=False, timeout=urllib3.Timeout(30)
    )
    report = answer.json()
    assert (answer.status == 200) == report.pop("ready")
    report |= {f"route {name}": route for name, route in report.pop("routes").items()}
    return {name for name, part in report.items() if not part["ready"]} | (
        set() if answer.status == 200 else {"503"}
    )


def comes_to(deployment: Deployment, parts: set[str], url: str = "") -> None:
    """Waits until exactly these parts are named."""
    what = f"{parts or 'readiness'}"
    wait_until(lambda: unready(deployment, url) == parts, what=what, seconds=_SECONDS)


@pytest.fixture(autouse=True)
def _ready(deployment: Deployment) -> None:
    comes_to(deployment, set())


def test_without_tick_it_says_so_and_with_another_it_is_ready_again(deployment: Deployment) -> None:
    deployment.staff(workers=1, ticks=0)
    comes_to(deployment, {"tick", "503"})
    deployment.staff(workers=1, ticks=1)
    comes_to(deployment, set())


def test_without_workers_it_says_so_and_with_another_it_is_ready_again(
    deployment: Deployment,
) -> None:
    deployment.staff(workers=0, ticks=1)
    comes_to(deployment, {"worker", "503"})
    deployment.staff(workers=1, ticks=1)
    comes_to(deployment, set())


def test_a_worker_that_hangs_is_one_that_is_dead(deployment: Deployment) -> None:
    pid = deployment.pid_of(deployment.workers[0])
    os.kill(pid, signal.SIGSTOP)
    try:
        comes_to(deployment, {"worker", "503"})
    finally:
        os.kill(pid, signal.SIGCONT)
    comes_to(deployment, set())


def test_without_a_sender_it_says_so_without_a_503(deployment: Deployment) -> None:
    deployment.processes.kill("deliver")
    comes_to(deployment, {"webhooks"})
    deployment.start_sender("deliver")
    comes_to(deployment, set())


def test_an_evidence_folder_that_is_away_is_named_and_ready_again(deployment: Deployment) -> None:
    folder = deployment.folder / "evidence"
    away = folder.with_name("evidence-away")
    folder.mkdir(exist_ok=True)
    folder.rename(away)
    folder.touch()
    try:
        wait_until(
            lambda: unready(deployment) >= {"store", "503"}, what="the store", seconds=_SECONDS
        )
        comes_to(deployment, {"store", "worker", "503"})
        log = (deployment.folder / "logs" / f"{deployment.workers[0]}.log").read_text()
        assert log.count(f"no file can be stored in {folder}") == 1
    finally:
        folder.unlink()
        away.rename(folder)
    comes_to(deployment, set())


def test_a_head_folder_that_is_away_is_named_by_tick(deployment: Deployment) -> None:
    folder = deployment.folder / "log_head"
    away = folder.with_name("log_head-away")
    folder.rename(away)
    folder.touch()
    try:
        comes_to(deployment, {"tick", "503"})
        log = (deployment.folder / "logs" / f"{deployment.ticks[0]}.log").read_text()
        assert log.count(f"no file can be stored in {folder}") == 1
    finally:
        folder.unlink()
        away.rename(folder)
    comes_to(deployment, set())


def test_a_broker_that_is_away_is_named(deployment: Deployment) -> None:
    url = deployment.url.rpartition(":")[0] + ":" + str(free_port())
    # A folder of its own: other tests leave theirs without one.
    folder = deployment.folder / "ready"
    deployment.start_web("deaf-web", url=url, **broker.deaf_environment(folder))
    try:
        deployment.processes.wait_for(f"{url}/healthz", name="deaf-web")
        broker.deafen(folder)
        comes_to(deployment, {"broker", "503"}, url)
    finally:
        deployment.processes.kill("deaf-web")


@pytest.mark.skipif(database.is_postgresql(), reason="the file of the embedded set-up")
@pytest.mark.embedded
def test_a_database_that_is_away_is_named_with_all_that_it_knows(deployment: Deployment) -> None:
    url = deployment.url.rpartition(":")[0] + ":" + str(free_port())
    address = f"postgresql://tulga@127.0.0.1:{free_port()}/absent"
    deployment.start_web("blind-web", url=url, DATABASE_URL=address)
    try:
        deployment.processes.wait_for(f"{url}/healthz", name="blind-web")
        named = {"database", "tick", "worker", "log", "webhooks", "frames", "503"}
        comes_to(deployment, named, url)
    finally:
        deployment.processes.kill("blind-web")


def test_the_log_says_once_with_which_settings_each_kind_of_process_started(
    deployment: Deployment,
) -> None:
    asked = "SELECT type, body FROM verification_auditentry WHERE type IN (%s, %s)"

    def stated() -> list[str]:
        bodies = deployment.rows(asked, "actor.process", "actor.source")
        read = [body if isinstance(body, dict) else json.loads(body) for _, body in bodies]
        return sorted(f"{body['actor']} {body['version']}" for body in read)

    processes = [f"process_{name} 1" for name in ("sender", "tick", "web", "worker")]
    wait_until(lambda: set(stated()) >= set(processes), what="every statement", seconds=_SECONDS)
    before = stated()
    assert "src_person_registry 1" in before
    deployment.staff(workers=2, ticks=2)
    comes_to(deployment, set())
    assert stated() == before
    assert deployment.audit() == ""
    deployment.staff(workers=1, ticks=1)
