"""300 verifications while workers and the broker are killed and a clock jumps: no one is lost or
decided twice.

Only in `make prove PART=backlog`; tests/service/test_storm.py is the storm of `make test`.
"""

import json
import random
import shutil
import signal
import socket
import subprocess
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from insecure_sandbox.demo.processes import wait_until
from tests.proofs import Figures
from tests.service.deployment import Deployment
from tests.service.placed import placed
from tests.service.test_storm import play

pytestmark = [pytest.mark.service, pytest.mark.proof("backlog"), pytest.mark.whole]

_VERIFICATIONS, _AT_ONCE = 300, 8
_PAUSE_SECONDS = (5.0, 10.0)  # between two faults; a worker starts in five on a busy machine
_NOTICED_SECONDS = (
    4  # the clock is measured every second, and what had been handed out before may still begin
)
_CLOCK_SETTINGS = "tests.overload.insecure_clock_settings"
_HANDED = "step handed to the pool"


class Broker:
    """A Redis that keeps nothing, at one address however often it is killed."""

    def __init__(self) -> None:
        """Starts it."""
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self._port = probe.getsockname()[1]
        self.url = f"redis://127.0.0.1:{self._port}/0"
        self.start()

    def start(self) -> None:
        """An empty one."""
        program = shutil.which("redis-server") or "redis-server"
        command = [
            program,
            "--port",
            str(self._port),
            "--bind",
            "127.0.0.1",
            "--save",
            "",
            "--appendonly",
            "no",
        ]
        self._process = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL
        )

    def kill(self) -> None:
        """Whatever it held is gone."""
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()


def disturb(
    place: Deployment,
    broker: Broker,
    log: Path,
    off: Path,
    *,
    chance: random.Random,
    over: threading.Event,
) -> dict[str, int]:
    """Kills workers and the broker at random; gives how often. Once that log shows work, its
    worker's clock jumps.
    """
    done = {"kills of a worker": 0, "kills of the broker": 0}
    while not over.wait(chance.uniform(*_PAUSE_SECONDS)):
        if chance.random() < 0.7:
            # The oldest; the other has had time to start.
            place.kill_worker(place.workers[0])
            place.start_worker()
            done["kills of a worker"] += 1
        else:
            broker.kill()
            over.wait(chance.uniform(0, 3))
            broker.start()
            done["kills of the broker"] += 1
        if not off.exists() and _HANDED in log.read_text():
            off.touch()
    if not off.exists():
        off.touch()  # in a short storm that worker may have been handed nothing before the end
    return done


def handed_after(log: Path, moment: datetime) -> int:
    """How many steps a worker handed to its pool after this moment."""
    lines = [line for line in log.read_text().splitlines() if _HANDED in line]
    return sum(datetime.fromisoformat(json.loads(line)["time"]) > moment for line in lines)


def play_all(
    place: Deployment, broker: Broker, log: Path, off: Path, *, number: int, chance: random.Random
) -> tuple[dict[str, list[str]], dict[str, int]]:
    """Plays them, every tenth an impostor; gives the decisions on each in order, and how often what
    was disturbed.
    """
    iins = [place.stage.iin() for _ in range(number)]
    thief, over = place.stage.iin(), threading.Event()

    def play_one(position: int) -> str:
        iin = iins[position]
        return play(
            place, f"storm-{position}", iin=iin, signer=thief if position % 10 == 9 else iin
        )

    with ThreadPoolExecutor(max_workers=_AT_ONCE + 1) as pool:
        disturbing = pool.submit(disturb, place, broker, log, off, chance=chance, over=over)
        try:
            played = list(pool.map(play_one, range(number)))
        finally:
            over.set()
    return {
        verification_id: place.decisions(verification_id) for verification_id in played
    }, disturbing.result()


def test_nothing_is_lost_or_decided_twice_while_workers_broker_and_a_clock_fail(
    monkeypatch: pytest.MonkeyPatch, proof_seed: int, proof_figures: Figures
) -> None:
    broker, chance, number = Broker(), random.Random(proof_seed), _VERIFICATIONS
    try:
        with placed("redis", monkeypatch, CELERY_BROKER_URL=broker.url) as (place, folder):
            off = folder / "clock-is-off"
            place.staff(workers=2, ticks=1)
            wrong = place.start_worker(DJANGO_SETTINGS_MODULE=_CLOCK_SETTINGS, CLOCK_OFF=str(off))
            place.workers.remove(wrong)  # it is never killed
            log = folder / "var" / "logs" / f"{wrong}.log"
            decided, faults = play_all(place, broker, log, off, number=number, chance=chance)
            wait_until(
                lambda: "No step is claimed" in log.read_text(),
                what="the clock to be noticed",
                seconds=20,
            )
            noticed = datetime.fromtimestamp(off.stat().st_mtime, UTC) + timedelta(
                seconds=_NOTICED_SECONDS
            )
            claimed = handed_after(log, noticed)
            place.wait_for_log()
            assert place.audit() == ""
            place.workers.append(wrong)
    finally:
        broker.kill()
    verdicts = list(decided.values())
    found = {
        "lost": sum(not decisions for decisions in verdicts),
        "decided twice": sum(len(decisions) > 1 for decisions in verdicts),
        "impostors verified": sum(
            decisions == ["verification.verified"] for decisions in verdicts[9::10]
        ),
        "steps taken by the worker with the wrong clock": claimed,
    }
    failed = sum(decisions == ["verification.failed"] for decisions in verdicts)
    more = {
        "verifications": number,
        "ended in failed by five kills of one step": failed,
        **faults,
        **found,
    }
    proof_figures |= {f"storm: {name}": count for name, count in more.items()}
    assert found == dict.fromkeys(found, 0)
    assert verdicts.count(["verification.verified"]) >= 0.8 * number
