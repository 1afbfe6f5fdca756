"""Processes of pytest side by side: who runs when, how far they are, and what became of them.

As many as there are cores compute; beside them run those that mostly wait, for a browser or for
workers.
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from tests.servers import ServerMissing

ROOT = Path(__file__).resolve().parent.parent
CORES = int(os.environ.get("TEST_PROCESSES") or os.cpu_count() or 2)

_SECONDS = ROOT / "tests" / "seconds.json"
LONG = ROOT / "tests" / "long.json"  # by file, the tests that `make check` leaves out
LONG_CORE_SECONDS = 0.03
"""What a case of a test may take of a core, on the mean, and still run with every commit."""
LONG_CORE_SECONDS_OF_ALL = 1.0
"""What all its cases may take together: a thousand of a hundredth are as long as one of ten."""
_NEVER_LONG = (
    "tests/test_house_",
    "tests/test_import_rules",
    "tests/test_docs_evidence",
)  # what any commit may break
_UNKNOWN_SECONDS = 0.1  # of a file that took less, or that nobody has timed
_SILENCE_SECONDS = 600  # in which no test of a process ends: it hangs
_TELL_SECONDS = 10.0
_GIVES_WAY = 10  # nice
_FAILURES_SHOWN = 20


@dataclass(frozen=True, kw_only=True)
class Job:
    """One process of pytest. `environment` is asked when it starts, with the job's name: servers
    start as needed.

    waits: it mostly waits, and needs no core of its own. in_real_time: what it plays has to keep up
    with a clock, so the processes beside it give way.
    """

    leg: str
    name: str
    files: tuple[str, ...]
    arguments: tuple[str, ...]
    environment: Callable[[str], Mapping[str, str]]
    seed: str
    waits: bool = False
    in_real_time: bool = False


@dataclass(kw_only=True)
class Progress:
    """How far a job is. `fault` says why it did not run, or that pytest itself was not content."""

    job: Job
    total: int = 0
    under_way: str = ""
    changed: float = 0.0
    outcomes: dict[str, str] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    core: dict[str, float] = field(default_factory=dict)
    fault: str = ""
    told_bytes: int = 0

    def read(self, path: Path) -> None:
        """Take in what the process has told since. Read by two threads at once it is the same: a
        line counts once.
        """
        if not path.is_file():
            return
        start = self.told_bytes
        with path.open("rb") as file:
            file.seek(start)
            whole, newline, _ = file.read().rpartition(b"\n")
        self.told_bytes = start + len(whole + newline)
        for said in map(json.loads, whole.splitlines()):
            self.total = said.get("total", self.total)
            self.under_way = said.get("started", self.under_way)
            if "test" in said and said["test"] not in self.outcomes:
                self.outcomes[said["test"]] = said["outcome"]
                self.seconds[said["test"]] = said["seconds"]
                self.core[said["test"]] = said.get("core", 0.0)
                self.changed = time.monotonic()

    def failed(self) -> list[str]:
        """The tests that failed, in the order they ran."""
        return [name for name, outcome in self.outcomes.items() if outcome == "failed"]


def cut(files: Sequence[str], shards: int, leg: str) -> list[list[str]]:
    """The files in that many parts of about the same seconds.

    Neighbours stay together, for they share what is slow to make: nets, keys, a sandbox. So a
    folder is dealt in pieces of an eighth of a part, the longest piece first to the part that has
    least; and whole, if it has one running deployment for all its tests.
    """
    known = _known_seconds(leg)
    seconds = {path: known.get(path, _UNKNOWN_SECONDS) for path in sorted(files)}
    piece_seconds = sum(seconds.values()) / max(shards, 1) / 8
    pieces: list[list[str]] = []
    for path in seconds:
        last = pieces[-1] if pieces else []
        folder = Path(path).parent
        is_short = sum(seconds[one] for one in (*last, path)) <= piece_seconds
        if last and Path(last[0]).parent == folder and (is_short or _is_one(folder)):
            last.append(path)
        else:
            pieces.append([path])
    parts: list[tuple[float, list[str]]] = [(0.0, []) for _ in range(min(shards, len(pieces)))]
    for piece in sorted(pieces, key=lambda piece: (-sum(seconds[path] for path in piece), piece)):
        at = min(range(len(parts)), key=lambda at: parts[at][0])
        parts[at] = (parts[at][0] + sum(seconds[path] for path in piece), [*parts[at][1], *piece])
    return [sorted(part) for _, part in parts]


@cache
def _is_one(folder: Path) -> bool:
    """Whether the tests of a folder share what was made for the package."""
    common = ROOT / folder / "conftest.py"
    return common.is_file() and 'scope="package"' in common.read_text(encoding="utf-8")


def run(work: Sequence[Job], folder: Path) -> list[Progress]:
    """Run all jobs in this order and show how far they are; what each of them printed is shown when
    it failed.
    """
    began = time.monotonic()
    progress = {job.name: Progress(job=job, changed=began) for job in work}
    with ThreadPoolExecutor(CORES) as computing, ThreadPoolExecutor(CORES + 3) as waiting:
        running: set[Future[None]] = {
            (waiting if job.waits else computing).submit(_run_one, job, progress[job.name], folder)
            for job in work
        }
        try:
            _watch(running, list(progress.values()), folder)
        except KeyboardInterrupt:
            for pool in (computing, waiting):
                pool.shutdown(wait=False, cancel_futures=True)
            raise
    return list(progress.values())


def _watch(running: set[Future[None]], progress: list[Progress], folder: Path) -> None:
    began = told = time.monotonic()
    while running:
        running = wait(running, timeout=0.5).not_done
        for one in progress:
            one.read(folder / f"{one.job.name}.progress")
        if time.monotonic() > told + _TELL_SECONDS:
            told = time.monotonic()
            print(_line(progress, told - began), flush=True)


def conclude(
    ended: Sequence[Progress], wrong: Sequence[str] = (), *, seconds: float, seed: str
) -> int:
    """Print what became of each leg, and if it was not good, what repeats it. 0 only if all is
    good.

    wrong: what is wrong with the codes that all of them met together.
    """
    print(f"\nTests by leg, in {_clock(seconds)}:")
    for leg in dict.fromkeys(one.job.leg for one in ended):
        counts = _counts(one for one in ended if one.job.leg == leg)
        spent = sum(sum(one.seconds.values()) for one in ended if one.job.leg == leg)
        faults = [one.fault for one in ended if one.job.leg == leg and one.fault]
        words = f"{counts['passed']} passed, {counts['failed']} failed, {counts['skipped']} skipped"
        print(
            f"  {leg:10} {words} ({spent:.0f} s of"
            f" tests){''.join(f'   NOT GOOD: {fault}' for fault in faults)}"
        )
    counts = _counts(ended)
    print(
        f"{counts['passed']} passed, {counts['failed']} failed, {counts['skipped']} skipped",
        flush=True,
    )
    for fault in wrong:
        print(f"NOT GOOD: {fault}")
    bad = [one for one in ended if one.fault or one.failed()]
    for one in bad:
        # Without their cases, whose names a shell, make and pytest would each read in their own
        # way.
        tests = " ".join(
            list(dict.fromkeys(name.partition("[")[0] for name in one.failed()))[:_FAILURES_SHOWN]
        )
        print(
            f"Repeat with: make test LEG={one.job.leg} SEED={seed}"
            + (f' TESTS="{tests}"' if tests else "")
        )
    return 1 if bad or wrong or not counts["passed"] else 0


def keep_seconds(ended: Sequence[Progress]) -> None:
    """Write how long each file took, by leg; `cut` reads it."""
    kept: dict[str, dict[str, float]] = (
        json.loads(_SECONDS.read_text()) if _SECONDS.is_file() else {}
    )
    for leg in {one.job.leg for one in ended}:
        spent: Counter[str] = Counter()
        for one in ended:
            if one.job.leg == leg:
                for name, seconds in one.seconds.items():
                    spent[name.partition("::")[0]] += seconds  # type: ignore[assignment]
        kept[leg] = {
            path: round(seconds, 1) for path, seconds in sorted(spent.items()) if seconds >= 0.1
        }
    _SECONDS.write_text(json.dumps(kept, indent=0, sort_keys=True) + "\n")
    if {"sqlite", "postgresql"} <= {one.job.leg for one in ended}:
        LONG.write_text(json.dumps(_long(ended), indent=0, sort_keys=True) + "\n")


def _long(ended: Sequence[Progress]) -> dict[str, list[str]]:
    """By file, the tests that take more of a core than those of every commit may: on SQLite, or
    where they run.
    """
    spent = {
        name: core
        for leg in ("postgresql", "sqlite")
        for one in ended
        if one.job.leg == leg
        for name, core in one.core.items()
    }
    cases: dict[str, list[float]] = {}
    for name, core in spent.items():
        cases.setdefault(name.partition("[")[0], []).append(core)
    long = [
        name
        for name, cores in cases.items()
        if sum(cores) / len(cores) >= LONG_CORE_SECONDS or sum(cores) >= LONG_CORE_SECONDS_OF_ALL
    ]
    files: dict[str, list[str]] = {}
    for name in sorted(each for each in long if not each.startswith(_NEVER_LONG)):
        file, _, test = name.partition("::")
        files.setdefault(file, []).append(test)
    return files


def _run_one(job: Job, progress: Progress, folder: Path) -> None:
    log, told = folder / f"{job.name}.log", folder / f"{job.name}.progress"
    try:
        environment = dict(os.environ) | dict(job.environment(job.name))
    except ServerMissing as missing:
        progress.fault = f"did not run: {missing}"
        return
    environment |= {"TULGA_TEST_PROGRESS": str(told), "TULGA_PROOF_SEED": job.seed}
    place = ("--basetemp", str(folder / f"{job.name}.tmp"))
    options = [
        "-q",
        "-p",
        "tests.progress",
        f"--hypothesis-seed={job.seed}",
        *place,
        *job.arguments,
    ]
    command = [sys.executable, "-m", "pytest", *options, *job.files]
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        progress.changed = time.monotonic()
        if not job.in_real_time:
            os.setpriority(os.PRIO_PROCESS, process.pid, _GIVES_WAY)
        status = _wait(process, progress)
    progress.read(told)
    if status and not progress.failed() and not progress.fault:
        progress.fault = f"pytest ended with {status}" + (
            f" at {progress.under_way}" if progress.under_way else ""
        )
    if not progress.fault and not progress.outcomes:
        progress.fault = "ran no test"
    if progress.fault or progress.failed():
        print(
            f"\n── {job.name} failed:\n{log.read_text(encoding='utf-8', errors='replace')}",
            flush=True,
        )


def _wait(process: subprocess.Popen[bytes], progress: Progress) -> int:
    """The exit code. A process in which no test ends for minutes is made to say where it stands,
    and ended.
    """
    while True:
        try:
            return process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            if time.monotonic() < progress.changed + _SILENCE_SECONDS:
                continue
        progress.fault = (
            f"no test ended for {_SILENCE_SECONDS} s; under way was {progress.under_way}"
        )
        process.send_signal(
            signal.SIGABRT
        )  # pytest's fault handler prints the stack of every thread
        return process.wait()


def _line(progress: Sequence[Progress], seconds: float) -> str:
    """Which legs run, how far they are, what failed, and about what is left."""
    parts = []
    for leg in dict.fromkeys(one.job.leg for one in progress):
        of_leg = [one for one in progress if one.job.leg == leg]
        done, failed = (
            sum(len(one.outcomes) for one in of_leg),
            sum(len(one.failed()) for one in of_leg),
        )
        share = sum(_done(one) * _weight(one.job) for one in of_leg) / (
            sum(_weight(one.job) for one in of_leg) or 1
        )
        parts.append(f"{leg} {done} tests, {share:.0%}{f', {failed} FAILED' if failed else ''}")
    whole = sum(_weight(one.job) for one in progress)
    done_share = sum(_done(one) * _weight(one.job) for one in progress) / whole if whole else 0
    left = (
        f"about {_clock(seconds / done_share - seconds)} left" if done_share > 0.05 else "starting"
    )
    return f"{_clock(seconds)}  {' · '.join(parts)}   {left}"


def _done(one: Progress) -> float:
    """The share of a job that is over, by its number of tests; 1 for one that could not run."""
    if one.fault:
        return 1.0
    return len(one.outcomes) / one.total if one.total else 0.0


def _weight(job: Job) -> float:
    known = _known_seconds(job.leg)
    return sum(known.get(path.partition("::")[0], _UNKNOWN_SECONDS) for path in job.files)


@cache
def _known_seconds(leg: str) -> dict[str, float]:
    kept: Any = json.loads(_SECONDS.read_text()) if _SECONDS.is_file() else {}
    return dict(kept.get(leg, {}))


def _counts(ended: Any) -> Counter[str]:
    counts: Counter[str] = Counter()
    for one in ended:
        counts.update(one.outcomes.values())
        counts["failed"] += 1 if one.fault and not one.failed() else 0
    return counts


def _clock(seconds: float) -> str:
    return f"{int(seconds) // 60}:{int(seconds) % 60:02}"
