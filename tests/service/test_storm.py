"""Many borrowers at once while workers and a sender are killed: all end, each is decided once and
told.

No impostor is verified. Ten of them in `make test`, thirty in `make prove PART=storm`.
"""

import random
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest

from insecure_sandbox.demo.processes import wait_until
from lenders import policy
from tests.service.deployment import Deployment

pytestmark = pytest.mark.service

_SIZES = [(8, 2, 2), pytest.param(26, 4, 6, marks=(pytest.mark.proof("storm"), pytest.mark.whole))]
_PAUSE_SECONDS = (1.0, 2.5)  # between two kills


def play(deployment: Deployment, name: str, *, iin: str, signer: str) -> str:
    """One borrower, who signs with `signer`'s key as often as may be."""
    credential = deployment.stage.credential(signer, family="rsa")
    opened, browser = deployment.stage.borrow(name, iin)
    browser.sign(credential)
    while browser.wait_for_judgement() == "statement":
        browser.sign(credential)
    return str(opened["id"])


def kill_at_random(
    deployment: Deployment, chance: random.Random, over: threading.Event, *, most: int
) -> int:
    """Kills one worker after another, each replaced at once, and one of two senders between; gives
    how many workers.
    """
    kills = 0
    while kills < most and not over.wait(chance.uniform(*_PAUSE_SECONDS)):
        deployment.kill_worker(chance.choice(deployment.workers))
        deployment.start_worker()
        kills += 1
        if kills == most // 2:
            deployment.processes.kill("another-sender")
    return kills


@pytest.mark.parametrize(("borrowers", "impostors", "kills"), _SIZES)
def test_verifications_under_random_kills_all_end_and_each_is_decided_once(
    deployment, proof_seed, borrowers, impostors, kills
):
    deployment.staff(workers=2, ticks=2)
    deployment.start_sender("another-sender")
    iins = [deployment.stage.iin() for _ in range(borrowers + impostors)]
    thief, over = deployment.stage.iin(), threading.Event()

    def play_one(number: int) -> str:
        iin = iins[number]
        return play(
            deployment, f"storm-{number}", iin=iin, signer=iin if number < borrowers else thief
        )

    with ThreadPoolExecutor(max_workers=11) as pool:
        killing = pool.submit(
            kill_at_random, deployment, random.Random(proof_seed), over, most=kills
        )
        try:
            played = list(pool.map(play_one, range(len(iins))))
        finally:
            over.set()
    assert killing.result() >= kills // 2
    decided = {verification_id: deployment.decisions(verification_id) for verification_id in played}
    assert {len(decisions) for decisions in decided.values()} == {1}, decided
    honest = [decided[verification_id][0] for verification_id in played[:borrowers]]
    # Five kills in a row of one step end in `failed`; anything else would be a judgement that is
    # wrong.
    assert set(honest) <= {"verification.verified", "verification.failed"}
    assert honest.count("verification.verified") > borrowers // 2
    assert "verification.verified" not in {
        decided[verification_id][0] for verification_id in played[borrowers:]
    }
    deployment.wait_for_log()
    assert deployment.audit() == ""
    mine = {
        event["id"] for event in deployment.events() if event["data"]["verification"] in decided
    }
    wait_until(lambda: mine <= set(deployment.received()), what="every webhook", seconds=40)
    assert {len(bodies) for bodies in deployment.received().values()} == {1}, (
        "a copy of an event differs from another"
    )
    posts = Counter(request.headers["webhook-id"] for request in list(deployment.receiver.received))
    again = sum(posts[event] - 1 for event in mine)
    assert again <= policy.IN_FLIGHT, "more was told twice than the killed sender had in hand"
