"""A law file of 2027 is taken while all runs: web and workers go by it, and the audit replays
across the change.
"""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
import urllib3

from insecure_sandbox.demo.lender import LenderApi
from insecure_sandbox.demo.processes import DemoFailed, wait_until
from tests.service.deployment import Deployment
from tests.service.simulated import cleared, contract_of, opened, played
from tests.verification import law_files
from verification.core import profiles
from verification.management.commands.make_keys import ROOT_KEY

pytestmark = pytest.mark.service

NAME, BIN = "KZ-2027-01", "150140000012"
LAW = law_files.profile(
    "KZ-2025-01",
    id=NAME,
    status="announced",
    since="2026-11-30",
    combinations=[["eds"]],  # as KZ-ASKS, which these processes ship
    cooling_off_over_mci=30,  # as KZ-WAIT
    cooling_off_hours=48,
    repeals=[name for name in profiles.PROFILES if name != "KZ-2021-04"],
)


def rules(deployment: Deployment) -> str:
    """The page of the web process that has run all the while."""
    return urllib3.request("GET", f"{deployment.url}/rules", timeout=10).data.decode()


def take(deployment: Deployment) -> None:
    """Signed beside the root, carried, taken, and a second time refused."""
    file = deployment.folder / "law-1.json"
    file.write_text(json.dumps(law_files.document(installation="localhost/log", profiles=[LAW])))
    deployment.processes.must(
        "sign_law", str(file), "--yes", "--root", str(deployment.folder / "keys" / ROOT_KEY)
    )
    signed = f"{file}.signed"
    assert "taken into the test and the live log" in deployment.processes.must("take_law", signed)
    refused = deployment.processes.manage("take_law", signed)
    assert (refused.returncode, "law_replayed" in refused.stderr) == (1, True)
    deployment.wait_for_log()


def clear_under(deployment: Deployment, api: LenderApi) -> dict[str, Any]:
    """A clearance of a case that this lender opened, web took and a worker judged by the
    profile.
    """
    made = opened(deployment, api, "eds")
    verified = played(api, made, "verified")
    assert (verified["status"], verified["profile"]["id"]) == ("verified", NAME)
    contract = {"signed_at": datetime.now(UTC).isoformat(), "contract_sha256": contract_of(made)}
    api.call("POST", f"/v1/verifications/{made}/contract", contract)
    return cleared(api, made)


def test_web_worker_and_audit_take_it_without_a_restart(deployment: Deployment) -> None:
    [worker] = deployment.workers
    # A test before this one may have started it just now.
    wait_until(lambda: deployment.pid_of(worker) > 0, what="the worker's process id", seconds=60)
    pid = deployment.pid_of(worker)
    under_way, browser, credential = deployment.borrow("over-the-change")
    assert NAME not in rules(deployment)
    with pytest.raises(DemoFailed, match="known profiles"):
        deployment.add_lender("Too Early Credit LLP", bin=BIN, profile=NAME)
    take(deployment)
    # 1 web shows it, and opens by it what a worker judges by it
    wait_until(lambda: NAME in rules(deployment), what="web to read its book", seconds=10)
    assert "01.01.2027" in rules(deployment)
    asked = clear_under(
        deployment, deployment.add_lender("Next Year Credit LLP", bin=BIN, profile=NAME)
    )
    assert (asked["status"], asked["code"], asked["profile"]) == ("refused", "cooling_off", NAME)
    # 2 what was under way ends by the law it was opened under
    browser.sign(credential)
    browser.wait_for_judgement()
    before = deployment.api.read(under_way)
    assert (before["status"], before["profile"]["id"]) == ("verified", "KZ-2021-04")
    # 3 the audit replays a log that spans the change
    deployment.wait_for_log()
    assert deployment.audit() == ""
    assert (deployment.workers, deployment.pid_of(worker)) == ([worker], pid)
