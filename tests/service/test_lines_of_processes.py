"""What the processes write about their work: a line for each step, round, delivery and refusal."""

import json
import re
from pathlib import Path

import pytest
import urllib3

from insecure_sandbox.borrower import Browser
from insecure_sandbox.demo.processes import BIN, Processes, wait_until
from tests.servers import free_port
from tests.service.deployment import Deployment
from tests.service.test_personal_data import found_in, planted
from verification.management.commands.make_keys import make_missing

pytestmark = pytest.mark.service

_STEP = re.compile(r"step (\w+) of (ver_\w+): (\w+)( [\w.]+)?, \d+ ms")
_DELIVERY = re.compile(r"webhook (dlv_\w+): (\d{3}|\w+), \d+ ms")


def lines(log: Path) -> list[dict[str, str]]:
    """The JSON lines of a process."""
    return [json.loads(line) for line in log.read_text().splitlines() if line.startswith("{")]


def test_a_verification_leaves_a_line_for_each_step_round_and_delivery_and_no_personal_data(
    deployment: Deployment,
) -> None:
    iin = deployment.stage.iin()
    credential = deployment.stage.credential(iin, family="rsa")
    body = planted(iin) | {"client_reference": "lines"}
    opened = deployment.api.call("POST", "/v1/verifications", body)
    browser = Browser(deployment.url)
    browser.follow(opened["url"])
    browser.agree()
    browser.statement()
    browser.sign(credential)
    browser.wait_for_judgement(seconds=60)
    deployment.wait_for_log()
    logs = deployment.folder / "logs"
    told = (
        "SELECT id, status FROM lenders_delivery WHERE event_id IN"
        " (SELECT id FROM verification_auditentry WHERE verification_id = %s)"
    )
    wait_until(
        lambda: {status for _, status in deployment.rows(told, opened["id"])} == {"delivered"},
        what="every delivery",
        seconds=30,
    )

    def of(name: str, pattern: str) -> list[str]:
        return [
            line["message"]
            for line in lines(logs / f"{name}.log")
            if line["level"] == "INFO" and line["message"].startswith(pattern)
        ]

    steps = [
        _STEP.fullmatch(message)
        for name in deployment.workers
        for message in of(name, "step ")
        if opened["id"] in message
    ]
    assert all(steps)
    assert [step[1] for step in steps if step].count("judge") >= 3
    assert steps[-1] is not None
    assert steps[-1][3] == "verified"
    rounds = [message for name in deployment.ticks for message in of(name, "round: ")]
    assert rounds
    assert all(re.fullmatch(r"round: [1-9]\d* done, \d+ ms", message) for message in rounds)
    rows = {row_id for row_id, _ in deployment.rows(told, opened["id"])}

    def named() -> set[str]:
        """The deliveries with a line, which is written after the row."""
        deliveries = [_DELIVERY.fullmatch(message) for message in of("deliver", "webhook ")]
        assert all(deliveries)
        return {delivery[1] for delivery in deliveries if delivery}

    wait_until(lambda: rows <= named(), what="a line of every delivery", seconds=30)
    for name in (*deployment.workers, *deployment.ticks, "deliver", "web"):
        assert found_in((logs / f"{name}.log").read_text(), iin) == set()


@pytest.mark.parametrize("path", ["/v1/verifications", "/people/"])
def test_a_request_without_a_database_leaves_one_line_with_its_id_and_no_places(
    path: str, tmp_path: Path
) -> None:
    make_missing(tmp_path / "keys", made_by="operator")
    url = f"http://127.0.0.1:{free_port()}"
    environment = {
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "TULGA_VAR_DIR": str(tmp_path),
        "TULGA_KEYS_DIR": str(tmp_path / "keys"),
        "TULGA_EVIDENCE_DIR": str(tmp_path / "evidence"),
        "TULGA_PROCESS": "",
        "TULGA_WEB_WORKERS": "1",
        "TULGA_PUBLIC_URL": url,
        "DATABASE_URL": f"postgresql://tulga@127.0.0.1:{free_port()}/absent",
        "TULGA_LOG_LEVEL": "INFO",
    }
    processes = Processes(environment=environment, logs=tmp_path / "logs")
    bind = ["--bind", url.removeprefix("http://")]
    command = [str(BIN / "gunicorn"), "--config", "config/gunicorn_settings.py", *bind]
    processes.start("web", command)
    try:
        processes.wait_for(f"{url}/healthz", name="web")
        headers = {
            "Authorization": f"Bearer tlg_test_{'x' * 43}",
            "Cookie": f"sessionid={'a' * 32}",
        }
        for request_id in ("the-first-one", "the-second-one"):
            sent = headers | {"X-Request-Id": request_id}
            answer = urllib3.request("GET", url + path, headers=sent, timeout=60, retries=False)
            assert (answer.status, answer.headers["Retry-After"]) == (503, "2")
        log = lines(tmp_path / "logs" / "web.log")
        # The first request also says that the clock and the law could not be asked.
        first, second = (
            [line for line in log if line.get("request_id") == request_id]
            for request_id in ("the-first-one", "the-second-one")
        )
        assert len(first) <= 3
        assert len(second) == 1
        assert not any("exception" in line for line in first + second)
        assert len([line for line in log if line["logger"] == "django.request"]) <= 2
    finally:
        processes.stop()
