"""Lenders that hang are noise: another lender's webhooks come at once all the same, and steps take as long as ever.

The product's own numbers hold for the sender here. Whole: 100 endpoints of 10 lenders never answer, and have a hundred
messages each to begin with. Another lender's webhooks are timed from the call that makes the event to their arrival,
and steps from the borrower's signature to the decision, in pairs: one while no sender runs, one beside the noise.
"""

import json
import signal
import statistics
import time
from collections.abc import Iterator
from datetime import datetime
from itertools import count
from typing import Any

import pytest

from insecure_sandbox.demo.lender import LenderApi
from insecure_sandbox.demo.processes import wait_until
from tests.proofs import Figures
from tests.service import database
from tests.service.deployment import Deployment
from verification.core.ids import check_digit

pytestmark = [pytest.mark.service, pytest.mark.proof("noise")]

P99_SECONDS = 2.0
STEPS_WITHIN = 0.10
_POST_SECONDS = 15
_BINS = (eleven + check_digit(eleven) for eleven in map(str, count(12054000000)) if check_digit(eleven) != "x")
_JUDGED = "SELECT type, at FROM verification_auditentry WHERE verification_id = %s ORDER BY verification_sequence"


@pytest.fixture
def noisy(deployment: Deployment, proof_scale: float) -> Iterator[Deployment]:
    """The deployment with a sender of the product's numbers, and with endpoints that hang; they are ended after it."""
    lenders, endpoints, events = (max(2, round(whole * proof_scale)) for whole in (10, 10, 10))
    deployment.processes.kill("deliver")
    made: list[tuple[LenderApi, str]] = []
    for number in range(lenders):
        api = deployment.add_lender(f"Hanging {number} LLP", bin=next(_BINS))
        for endpoint in range(endpoints):
            url = f"http://{deployment.receiver.authority}/hang/{number}/{endpoint}"
            made.append((api, api.call("POST", "/v1/webhook-endpoints", {"url": url})["id"]))
        for event in range(events):
            api.open(f"hang-{number}-{event}", iin=deployment.stage.iin(), routes=["eds"])
    deployment.start_sender("deliver", DJANGO_SETTINGS_MODULE="config.settings")
    wait_until(lambda: deployment.receiver.hung >= lenders, what="every hanging lender to be told", seconds=30)
    yield deployment
    for api, endpoint_id in made:
        api.call("DELETE", f"/v1/webhook-endpoints/{endpoint_id}")
    deployment.processes.kill("deliver")
    deployment.start_sender("deliver")


def test_another_lenders_webhooks_come_at_once(noisy: Deployment, proof_scale: float, proof_figures: Figures) -> None:
    number = max(4, round(200 * proof_scale))
    called: dict[str, float] = {}
    for turn in range(number):
        at = time.monotonic()
        called[noisy.api.open(f"noise-{turn}", iin=noisy.stage.iin(), routes=["eds"])["id"]] = at
        time.sleep(0.25)

    def waited() -> dict[str, float]:
        came: dict[str, float] = {}
        for request in list(noisy.receiver.received):
            verification_id = json.loads(request.body)["data"]["id"]
            if verification_id in called:
                came.setdefault(verification_id, request.at - called[verification_id])
        return came

    wait_until(lambda: len(waited()) == number, what="every webhook", seconds=_POST_SECONDS)
    seconds = sorted(waited().values())
    proof_figures["webhooks"] = number
    proof_figures["posts that hung"] = noisy.receiver.hung
    proof_figures["webhook p50, seconds"] = round(statistics.median(seconds), 2)
    proof_figures["webhook p99, seconds"] = round(seconds[max(0, round(0.99 * number) - 1)], 2)
    proof_figures["webhook longest, seconds"] = round(seconds[-1], 2)
    if proof_scale == 1:
        assert seconds[round(0.99 * number) - 1] <= P99_SECONDS
    assert seconds[-1] < _POST_SECONDS / 2, "it waited for somebody who hangs"


def test_steps_take_as_long_beside_the_noise(noisy: Deployment, proof_scale: float, proof_figures: Figures) -> None:
    pairs = max(2, round(60 * proof_scale))
    took: dict[bool, list[float]] = {False: [], True: []}
    for pair in range(pairs):
        # The order changes, so that a machine that grows slower or faster does so for both.
        for beside in (False, True) if pair % 2 else (True, False):
            if beside:
                noisy.processes.signal("deliver", signal.SIGCONT)
            else:
                pause_sender(noisy)
            took[beside].append(judged(noisy, f"steps-{pair}-{beside}"))
    noisy.processes.signal("deliver", signal.SIGCONT)
    ratio = statistics.median(took[True]) / statistics.median(took[False])
    proof_figures["pairs of judgements"] = pairs
    proof_figures["judgement p50 without a sender, seconds"] = round(statistics.median(took[False]), 3)
    proof_figures["judgement p50 beside the noise, seconds"] = round(statistics.median(took[True]), 3)
    proof_figures["ratio"] = round(ratio, 3)
    if proof_scale == 1:
        assert abs(ratio - 1) <= STEPS_WITHIN
    assert ratio < 5, "a step waited for a lender"


def pause_sender(deployment: Deployment) -> None:
    """Stops the sender between two of its transactions: stopped within one, it would hold the lock of all writers."""
    for _ in range(50):
        deployment.processes.signal("deliver", signal.SIGSTOP)
        if database.can_write(deployment.folder, seconds=2):
            return
        deployment.processes.signal("deliver", signal.SIGCONT)
    raise AssertionError("the sender holds the write lock all the time")


def judged(deployment: Deployment, name: str) -> float:
    """Seconds from a borrower's signature to the decision on it."""
    verification_id, browser, credential = deployment.borrow(name)
    browser.sign(credential)
    browser.wait_for_judgement(seconds=60)
    entries = deployment.rows(_JUDGED, verification_id)
    assert entries[-1][0] == "verification.verified"
    signed = [at for entry_type, at in entries if entry_type == "attempt.answered"][-1]
    return (moment(entries[-1][1]) - moment(signed)).total_seconds()


def moment(at: Any) -> datetime:
    """SQLite keeps times as text."""
    return at if isinstance(at, datetime) else datetime.fromisoformat(at)
