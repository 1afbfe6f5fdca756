"""Lenders that hang are noise: another lender's webhooks come at once all the same, and steps take
as long as ever.

The product's own numbers hold for the sender here. Whole: 100 endpoints of 10 lenders never answer,
and have a hundred messages each to begin with, on SQLite and on PostgreSQL. Another lender's
webhooks are timed from the call that makes the event to their arrival, and steps from the
borrower's signature to the decision, in turn while the noise is on and while nothing is sent to
those who hang. `make test` has a few webhooks come beside four endpoints that hang, on SQLite.
"""

import json
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
from tests.service.placed import placed
from verification.core.ids import check_digit

pytestmark = [pytest.mark.service, pytest.mark.proof("noise")]

P99_SECONDS = 2.0
STEPS_WITHIN = 0.10
_POST_SECONDS = 15
_BINS = (
    eleven + check_digit(eleven)
    for eleven in map(str, count(12054000000))
    if check_digit(eleven) != "x"
)
_NEVER = "2100-01-01 00:00:00"
_HANGS = "url LIKE '%%/hang/%%'"
_THEIRS = f"endpoint_id IN (SELECT id FROM lenders_webhookendpoint WHERE {_HANGS})"  # noqa: S608
_TURN = f"UPDATE lenders_webhookendpoint SET failures = 0, paused_until = %s WHERE {_HANGS}"  # noqa: S608
_AGAIN = f"UPDATE lenders_delivery SET due_at = created_at, tries = 0 WHERE status = 'pending' AND {_THEIRS}"  # noqa: E501, S608
_HANGING = (
    f"SELECT COUNT(*) FROM lenders_delivery WHERE lease_until > CURRENT_TIMESTAMP AND {_THEIRS}"  # noqa: S608
)
_JUDGED = (
    "SELECT type, at FROM verification_auditentry WHERE verification_id = %s ORDER BY"
    " verification_sequence"
)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.whole)])
def place(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Deployment]:
    """A running deployment on this database."""
    if request.param == "sqlite":
        yield request.getfixturevalue("deployment")
        return
    with placed("redis", monkeypatch) as (running, _):
        yield running


@pytest.fixture
def noisy(place: Deployment, proof_scale: float) -> Iterator[Deployment]:
    """The deployment with a sender of the product's numbers, and with endpoints that hang; they are
    ended after it.
    """
    lenders, endpoints, events = (max(2, round(whole * proof_scale)) for whole in (10, 10, 10))
    place.processes.kill("deliver")
    made: list[tuple[LenderApi, str]] = []
    for number in range(lenders):
        api = place.add_lender(f"Hanging {number} LLP", bin=next(_BINS))
        for endpoint in range(endpoints):
            url = f"http://{place.receiver.authority}/hang/{number}/{endpoint}"
            made.append((api, api.call("POST", "/v1/webhook-endpoints", {"url": url})["id"]))
        for event in range(events):
            api.open(f"hang-{number}-{event}", iin=place.stage.iin(), routes=["eds"])
    before = place.receiver.hung
    place.start_sender("deliver", DJANGO_SETTINGS_MODULE="config.settings")
    wait_until(
        lambda: place.receiver.hung >= before + lenders,
        what="every hanging lender to be told",
        seconds=30,
    )
    yield place
    for api, endpoint_id in made:
        api.call("DELETE", f"/v1/webhook-endpoints/{endpoint_id}")
    place.processes.kill("deliver")
    place.start_sender("deliver")


def test_another_lenders_webhooks_come_at_once(
    noisy: Deployment, proof_scale: float, proof_figures: Figures, request: pytest.FixtureRequest
) -> None:
    number = max(4, round(200 * proof_scale))
    called: dict[str, float] = {}
    for turn in range(number):
        at = time.monotonic()
        called[noisy.api.open(f"noise-{turn}", iin=noisy.stage.iin(), routes=["eds"])["id"]] = at
        time.sleep(0.25)

    def waited() -> dict[str, float]:
        came: dict[str, float] = {}
        for received in list(noisy.receiver.received):
            verification_id = json.loads(received.body)["data"]["verification"]
            if verification_id in called:
                came.setdefault(verification_id, received.at - called[verification_id])
        return came

    wait_until(lambda: len(waited()) == number, what="every webhook", seconds=_POST_SECONDS)
    seconds = sorted(waited().values())
    kind = request.node.callspec.params["place"]
    proof_figures |= {
        f"{kind}: webhooks": number,
        f"{kind}: posts that hung": noisy.receiver.hung,
        f"{kind}: webhook p50, seconds": round(statistics.median(seconds), 2),
        f"{kind}: webhook p99, seconds": round(seconds[max(0, round(0.99 * number) - 1)], 2),
        f"{kind}: webhook longest, seconds": round(seconds[-1], 2),
    }
    if proof_scale == 1:
        assert seconds[round(0.99 * number) - 1] <= P99_SECONDS
    assert seconds[-1] < _POST_SECONDS / 2, "it waited for somebody who hangs"


@pytest.mark.whole
def test_steps_take_as_long_beside_the_noise(
    noisy: Deployment, proof_figures: Figures, request: pytest.FixtureRequest
) -> None:
    blocks, each = 12, 5
    took: dict[bool, list[float]] = {False: [], True: []}
    for block in range(blocks):
        # The order changes, so that a machine that grows slower or faster does so for both.
        for is_on in (False, True) if block % 2 else (True, False):
            turn_noise(noisy, is_on=is_on)
            took[is_on] += [
                judged(noisy, f"steps-{block}-{is_on}-{number}") for number in range(each)
            ]
    ratio = statistics.median(took[True]) / statistics.median(took[False])
    kind = request.node.callspec.params["place"]
    proof_figures |= {
        f"{kind}: judgements beside the noise, and as many without it": blocks * each,
        f"{kind}: judgement p50 without the noise, seconds": round(
            statistics.median(took[False]), 3
        ),
        f"{kind}: judgement p50 beside the noise, seconds": round(statistics.median(took[True]), 3),
        f"{kind}: ratio": round(ratio, 3),
    }
    assert abs(ratio - 1) <= STEPS_WITHIN


def turn_noise(deployment: Deployment, *, is_on: bool) -> None:
    """Sends to those who hang as if none of them had failed before, or leaves them alone until
    nothing hangs.
    """
    hung = deployment.receiver.hung
    if is_on:
        database.write(deployment.folder, _AGAIN)
    database.write(deployment.folder, _TURN, None if is_on else _NEVER)
    if is_on:
        wait_until(lambda: deployment.receiver.hung > hung, what="a post that hangs", seconds=30)
    else:
        wait_until(
            lambda: deployment.rows(_HANGING)[0][0] == 0,
            what="the last post that hangs",
            seconds=90,
        )


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
