"""A backlog is worked off in turn, in a storm too."""

import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest

from insecure_sandbox.demo.processes import ROOT, wait_until
from tests.proofs import Figures
from tests.service.deployment import Deployment
from tests.service.placed import placed
from tests.service.test_storm import play

pytestmark = [pytest.mark.service, pytest.mark.proof("backlog"), pytest.mark.whole]


# A backlog is only work: it drains as fast as ever, and a kill charges what had begun.
#
# `make prove PART=backlog` plays 10 000 due rows on each broker, and test_backlog.py 300
# verifications. PostgreSQL stands behind Redis and RabbitMQ, SQLite behind the folder. In `make
# test` batches are worked off by tests/verification/stories/test_queue_faults.py and workers
# killed by tests/service/test_killed_batches.py and test_storm.py.


# Few are worked off in a quarter of a minute: over three seconds, as 500 take, the rate was 10 %
# off either way.
_ROWS, _FEW = 10_000, 2_000
_CHILDREN, _KILLS = 2, 20
# By its index: a look through all rows, five times a second, would be a part of what is measured.
_DUE = "SELECT COUNT(*) FROM verification_verification WHERE due_at IS NOT NULL"
_UNORDERED = "SELECT COUNT(*) FROM verification_auditpending"
_OWED = (
    "SELECT id, faults, lease_until, reserved_until FROM verification_verification WHERE step <> ''"
)


@pytest.fixture(scope="module", params=["redis", "filesystem", "rabbitmq"])
def place(request: pytest.FixtureRequest) -> Iterator[Deployment]:
    """A deployment of its own on this broker, without workers, and without a sender: its work is
    not the queue's.
    """
    with pytest.MonkeyPatch.context() as patch, placed(request.param, patch) as (running, _):
        running.staff(workers=0, ticks=1)
        running.processes.kill("deliver")
        yield running


def make_due(place: Deployment, first: int, count: int) -> None:
    """So many due rows, made by two processes if they are many."""
    half = count // 2 if count > _FEW // 2 else 0
    making = [
        subprocess.Popen(
            [
                *place.processes.environment,
                sys.executable,
                "-m",
                "tests.overload.due_rows",
                str(start),
                str(number),
            ],
            cwd=ROOT,
        )
        for start, number in ((first, half), (first + half, count - half))
        if number
    ]
    assert {process.wait() for process in making} == {0}


def drain(place: Deployment, rows: int) -> tuple[float, float]:
    """Starts a worker and waits until nothing is due; gives steps a second, and processor seconds a
    step.

    Both from a tenth of the way to nine tenths: starting and ending are not what is measured. Nor
    is what the tick owes the log for having opened so many at once: it has that in order before.
    """
    wait_until(
        lambda: place.rows(_UNORDERED)[0][0] == 0, what="the log to be in order", seconds=600
    )
    name = place.start_worker(children=_CHILDREN)
    wait_until(lambda: due(place) <= 0.9 * rows, what="the first tenth", seconds=120)
    began, cpu, left = time.monotonic(), cpu_seconds(place, name), due(place)
    wait_until(lambda: due(place) <= 0.1 * rows, what="nine tenths", seconds=1800)
    seconds, spent, done = (
        time.monotonic() - began,
        cpu_seconds(place, name) - cpu,
        left - due(place),
    )
    wait_until(lambda: due(place) == 0, what="the last row", seconds=120)
    place.kill_worker(name)
    return done / seconds, spent / done


def due(place: Deployment) -> int:
    return int(place.rows(_DUE)[0][0])


def cpu_seconds(place: Deployment, worker: str) -> float:
    """What the worker's processes have used, those that ended among them."""
    group, ticks = place.pid_of(worker), 0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            fields = stat.read_text().rpartition(")")[2].split()
            if int(fields[2]) == group:
                ticks += sum(int(word) for word in fields[11:15])
    return ticks / os.sysconf("SC_CLK_TCK")


def test_a_backlog_drains_at_the_unloaded_rate_and_rings_once_a_step(
    place: Deployment, proof_figures: Figures, request: pytest.FixtureRequest
) -> None:
    rows, few = _ROWS, _FEW
    make_due(place, 0, few)
    before = drain(place, few)
    make_due(place, few, rows)
    loaded = drain(place, rows)
    make_due(place, few + rows, few)
    after = drain(place, few)
    bells = (place.folder / "rung").stat().st_size  # by openings, by workers and by the tick
    unloaded = [(one + other) / 2 for one, other in zip(before, after, strict=True)]
    name = request.node.callspec.params["place"]
    proof_figures |= {
        f"{name}: rows": rows,
        f"{name}: steps a second, unloaded": round(unloaded[0], 1),
        f"{name}: steps a second, loaded": round(loaded[0], 1),
        f"{name}: processor milliseconds a step, unloaded": round(1000 * unloaded[1], 1),
        f"{name}: processor milliseconds a step, loaded": round(1000 * loaded[1], 1),
        f"{name}: rate loaded over unloaded": round(loaded[0] / unloaded[0], 3),
        f"{name}: bells a step": round(bells / (rows + 2 * few), 3),
    }
    assert bells <= 1.2 * (rows + 2 * few)
    wrong = (
        "SELECT COUNT(*) FROM verification_verification WHERE status <> 'declined' OR faults > 0"
    )
    assert place.rows(wrong)[0][0] == 0
    assert loaded[0] >= 0.9 * unloaded[0]


def test_a_worker_killed_with_a_full_batch_charges_what_it_had_begun_and_nothing_else(
    place: Deployment, proof_seed: int, proof_figures: Figures, request: pytest.FixtureRequest
) -> None:
    chance = random.Random(proof_seed)
    make_due(place, 10 * _ROWS, 60 * _KILLS)
    charged, reserved, before = 0, 0, dict[str, int]()
    for _ in range(_KILLS):
        left, name = due(place), place.start_worker(children=_CHILDREN)
        wait_until(partial(lambda left: due(place) < left, left), what="a step", seconds=60)
        time.sleep(chance.uniform(0, 0.3))
        place.kill_worker(name)
        owed = place.rows(_OWED)
        begun = {row_id: lease for row_id, count, lease, _ in owed if count > before.get(row_id, 0)}
        assert len(begun) <= _CHILDREN, "more steps were charged than there were children"
        assert all(begun.values()), "a row was charged before a worker had begun it"
        charged, before = charged + len(begun), {row_id: count for row_id, count, *_ in owed}
        reserved += sum(bool(hand and not lease) for _, _, lease, hand in owed)
    assert reserved > 0, "no batch was in hand"
    name = place.start_worker(children=_CHILDREN)
    wait_until(lambda: due(place) == 0, what="the rest", seconds=300)
    place.kill_worker(name)
    assert (
        place.rows("SELECT COUNT(*) FROM verification_verification WHERE status <> 'declined'")[0][
            0
        ]
        == 0
    )
    kind = request.node.callspec.params["place"]
    proof_figures |= {
        f"{kind}: kills of a whole worker": _KILLS,
        f"{kind}: steps begun and charged at them": charged,
        f"{kind}: reserved rows at them, none charged": reserved,
    }


# 300 verifications while workers and the broker are killed and a clock jumps: no one is lost or
# decided twice.
#
# Only in `make prove PART=backlog`; tests/service/test_storm.py is the storm of `make test`.


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
