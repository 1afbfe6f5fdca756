"""A process that has imported everything once and then judges mutants, each in a fork of its own.

Usage: python scripts/run_mutants.py JOB RESULTS, from the root of a tree that is nobody's checkout.
JOB is JSON: `targets`, each of file, functions and tests, and `ids`, the mutants to judge. RESULTS
gets one line of JSON for each. A mutant is put in place by giving the function another code object,
so whoever imported the function has it too. What a module computes while it is imported is not
changed by it.
"""

import gc
import json
import os
import resource
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path
from types import FunctionType
from typing import Any, TextIO

import hypothesis
import pytest

_ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(_ROOT))
from scripts import mutants  # noqa: E402
from tests.fresh_database import copies  # noqa: E402

FAST = "not service and not browser and not proof"
# Of the CPU seconds the tests take without a mutant: a busy machine must not make a mutant look
# like an endless loop.
_CPU_TIMES, _CPU_MORE = 2, 4
_BASELINE_SECONDS = 300
_WALL_TIMES = 10  # of those CPU seconds, for a mutant that sleeps for ever
_MEMORY_BYTES = 2 * 2**30  # an endless loop that collects must not take the machine with it


class Runner:
    """A plugin of pytest that runs the collected tests once for each mutant, instead of once."""

    def __init__(self, job: dict[str, Any], results: TextIO) -> None:
        self._job, self._results, self._parent = job, results, os.getppid()
        self._failed = ""

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection(self) -> None:
        """Generated examples are the same for each mutant, and one that fails is not made
        smaller.
        """
        quick = (hypothesis.Phase.explicit, hypothesis.Phase.generate)
        hypothesis.settings.register_profile(
            "mutants", hypothesis.settings.get_profile("tulga"), derandomize=True, phases=quick
        )
        hypothesis.settings.load_profile("mutants")

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Judge all mutants of the job. First each selection without a mutant: it must pass."""
        if session.testsfailed:
            raise session.Interrupted("the selected tests cannot be collected")
        _make_database(session.items)
        if self._failed:
            raise pytest.UsageError(f"{self._failed} fails without a mutant")
        for target in self._job["targets"]:
            file = target["file"]
            items = [
                item for chosen in target["tests"] for item in session.items if _is_of(item, chosen)
            ]
            made = mutants.make(
                (_ROOT / file).read_text("utf-8"), file=file, functions=tuple(target["functions"])
            )
            mine = [mutant for mutant in made if mutant.id in self._job["ids"]]
            if mine:
                self._judge_all(target["name"], items, mine)
        return True

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Remember the test that failed last."""
        if report.failed:
            self._failed = report.nodeid

    def _judge_all(self, name: str, items: list[pytest.Item], mine: list[mutants.Mutant]) -> None:
        result, test, seconds = self._judge(items, None, limit=_BASELINE_SECONDS)
        self._tell(
            id=name, result=result, test=test, tests_run=len(items), seconds=round(seconds, 1)
        )
        if result != "survived":
            raise pytest.UsageError(
                f"the tests of {name} do not pass without a mutant: {result} {test}"
            )
        for mutant in mine:
            if os.getppid() != self._parent:
                raise KeyboardInterrupt  # whoever wanted to know is gone
            limit = round(_CPU_TIMES * seconds) + _CPU_MORE
            result, test, _ = self._judge(items, mutant, limit=limit)
            killer = [item for item in items if item.nodeid == test][:1]
            if killer and self._judge(killer, mutant, limit=limit)[0] == "survived":
                # A busy machine may have failed the test, not the mutant.
                result, test, _ = self._judge(items, mutant, limit=limit)
            self._tell(id=mutant.id, result=result, test=test)
        result, test, _ = self._judge(items, None, limit=_BASELINE_SECONDS)
        if result != "survived":
            raise pytest.UsageError(
                f"after the mutants of {name} its tests do not pass without: {result} {test}"
            )

    def _tell(self, **line: object) -> None:
        print(json.dumps(line, ensure_ascii=False), file=self._results, flush=True)

    def _judge(
        self, items: list[pytest.Item], mutant: mutants.Mutant | None, *, limit: int
    ) -> tuple[str, str, float]:
        """Survived, killed (and by which test) or timed out; and the CPU seconds it took."""
        reader, writer = os.pipe()
        child = os.fork()
        if child == 0:
            self._run_and_exit(items, mutant, limit=limit, writer=writer)
        os.close(writer)
        status, used = _wait(child, seconds=_WALL_TIMES * limit)
        with suppress(ProcessLookupError):
            os.killpg(child, signal.SIGKILL)  # what its tests had started
        with open(reader, encoding="utf-8") as told:
            test = told.read()
        is_late = os.WIFSIGNALED(status) and os.WTERMSIG(status) in (signal.SIGXCPU, signal.SIGKILL)
        result = "timed out" if is_late else "killed" if status else "survived"
        return result, test, used.ru_utime + used.ru_stime

    def _run_and_exit(
        self, items: list[pytest.Item], mutant: mutants.Mutant | None, *, limit: int, writer: int
    ) -> None:
        """In the fork: put the mutant in place, run until a test fails, and end at once."""
        status = 2
        try:
            os.setsid()
            resource.setrlimit(resource.RLIMIT_CPU, (limit, limit + 1))
            resource.setrlimit(resource.RLIMIT_DATA, (_MEMORY_BYTES, _MEMORY_BYTES))
            copies.renew()
            if mutant is not None:
                _put_in_place(mutant)
            self._run(items)
            os.write(writer, self._failed.encode())
            status = 1 if self._failed else 0
        finally:
            os._exit(status)

    def _run(self, items: list[pytest.Item]) -> None:
        for item, following in zip(items, [*items[1:], None], strict=True):
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
            if self._failed:
                return


def _is_of(item: pytest.Item, chosen: str) -> bool:
    """Whether a test is of the chosen file, or is the chosen one."""
    return item.nodeid == chosen or item.nodeid.startswith((f"{chosen}::", f"{chosen}["))


def _make_database(items: list[pytest.Item]) -> None:
    """Run one test that has a database, so that forks find it made, and leave nothing of the test
    but that.
    """
    # The plainest of them: a sandbox that all forks shared would remember for one what another told
    # it.
    first = min(
        (item for item in items if item.get_closest_marker("django_db")),
        key=lambda item: len(getattr(item, "fixturenames", ())),
    )
    # With a next test elsewhere the session's fixtures stay, and the module's go.
    elsewhere = next(item for item in items if item.path.parent != first.path.parent)
    first.config.hook.pytest_runtest_protocol(item=first, nextitem=elsewhere)
    copies.renew()


def _wait(child: int, *, seconds: int) -> tuple[int, resource.struct_rusage]:
    deadline = time.monotonic() + seconds
    while True:
        ended, status, used = os.wait4(child, os.WNOHANG)
        if ended:
            return status, used
        if time.monotonic() > deadline:
            os.kill(child, signal.SIGKILL)
        time.sleep(0.01)


def _put_in_place(mutant: mutants.Mutant) -> None:
    """Give the function its changed code, wherever it was imported to."""
    filename = str(_ROOT / mutant.file)
    place = [
        one
        for one in gc.get_objects()
        if isinstance(one, FunctionType)
        and one.__code__.co_filename == filename
        and one.__code__.co_qualname == mutant.function
    ]
    if not place:
        raise LookupError(f"no function {mutant.function} of {mutant.file} is imported")
    for function in place:
        function.__code__ = mutant.code(filename)


def main(job_path: str, results_path: str) -> int:
    """Judge the mutants of a job; pytest's exit status."""
    job = json.loads(Path(job_path).read_text(encoding="utf-8"))
    tests = dict.fromkeys(path for target in job["targets"] for path in target["tests"])
    options = [
        "-q",
        "-s",
        "-m",
        FAST,
        "-p",
        "no:cacheprovider",
        "-o",
        "tmp_path_retention_policy=failed",
    ]
    with open(results_path, "w", encoding="utf-8") as results:
        return int(pytest.main([*options, *tests], plugins=[Runner(job, results)]))


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
