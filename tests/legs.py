"""`make test`: every leg of the test suite, and at the end how many tests each of them ran.

    sqlite     all tests but the next leg's, on SQLite and the filesystem broker
    workers    a browser, a worker and a tick together, the same way, in a process of its own
    redis      the tests that touch rows, a broker or worker processes, on PostgreSQL and Redis
    rabbitmq   of these the ones with a broker or worker processes, on PostgreSQL and RabbitMQ
A leg that could not run has failed.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

from tests.servers import Server, ServerMissing, missing_packages, start_postgresql, start_rabbitmq, start_redis

_ROOT = Path(__file__).resolve().parent.parent
_PYTEST = [sys.executable, "-m", "pytest", "-q", "-n", os.environ.get("TEST_PROCESSES", "2"), "--dist", "loadfile"]
_ROWS_ONLY = ("--rows-only", "-m", "not browser and not proof")
_BROKER_ONLY = ("-m", "service and not browser and not proof")


@dataclass(frozen=True)
class Leg:
    """One run of the suite: the servers it needs and what it selects."""

    name: str
    servers: tuple[Callable[[Path], Server], ...]
    selection: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What became of a leg. `fault` says why it did not run, or that pytest itself was not content."""

    passed: int = 0
    failed: int = 0
    skipped: int = 0
    fault: str = ""

    def is_good(self) -> bool:
        """Whether the leg ran, and nothing in it failed."""
        return not self.fault and self.failed == 0 and self.passed > 0


LEGS = (
    Leg("sqlite", (), ("--ignore-glob=*_with_workers.py",)),
    Leg("workers", (), tuple(str(path) for path in sorted(_ROOT.glob("tests/browser/*_with_workers.py")))),
    Leg("redis", (start_postgresql, start_redis), _ROWS_ONLY),
    Leg("rabbitmq", (start_postgresql, start_rabbitmq), _BROKER_ONLY),
)


def main(names: list[str]) -> int:
    """Run the legs of these names, or all; 0 only if each of them ran and is good."""
    _install_what_is_missing()
    environment = dict(os.environ, TULGA_PROOF_SEED=os.environ.get("TULGA_PROOF_SEED") or seed_of_commit())
    outcomes = {leg.name: _run(leg, environment) for leg in LEGS if leg.name in names or not names}
    print(f"\nTests by leg (seed {environment['TULGA_PROOF_SEED']}):")
    for name, outcome in outcomes.items():
        words = f"{outcome.passed} passed, {outcome.failed} failed, {outcome.skipped} skipped"
        print(f"  {name:10} {words}{f'   NOT GOOD: {outcome.fault}' if outcome.fault else ''}")
    total = [sum(getattr(outcome, word) for outcome in outcomes.values()) for word in ("passed", "failed", "skipped")]
    print("{} passed, {} failed, {} skipped".format(*total), flush=True)
    return 0 if outcomes and all(outcome.is_good() for outcome in outcomes.values()) else 1


def seed_of_commit() -> str:
    """A number from the commit's hash, so that every commit tries another sample; 0 outside of a repository."""
    if shutil.which("git") is None:
        return "0"
    call = ["git", "rev-parse", "--verify", "--quiet", "HEAD"]
    commit = subprocess.run(call, cwd=_ROOT, capture_output=True, text=True, check=False).stdout.strip()
    return str(int(commit[:8], 16)) if commit else "0"


def _run(leg: Leg, environment: dict[str, str]) -> Outcome:
    print(f"\n── leg {leg.name}", flush=True)
    with ExitStack() as stack:
        folder = Path(
            stack.enter_context(tempfile.TemporaryDirectory(prefix="tulga-servers-", ignore_cleanup_errors=True))
        )
        folder.chmod(0o755)  # PostgreSQL's own user has to pass
        chosen: dict[str, str] = {}
        try:
            for start in leg.servers:
                server = start(folder)
                stack.callback(server.stop)
                chosen |= server.environment
        except ServerMissing as missing:
            print(missing, flush=True)
            return Outcome(failed=1, fault="did not run")
        report = folder / "report.xml"
        seed = f"--hypothesis-seed={environment['TULGA_PROOF_SEED']}"
        command = [*_PYTEST, *leg.selection, seed, f"--junitxml={report}"]
        status = subprocess.run(command, cwd=_ROOT, env=environment | chosen, check=False).returncode
        return _read(report, status)


def _read(report: Path, status: int) -> Outcome:
    """Count from pytest's own report. A run that ended badly without a failed test counts as one."""
    if not report.is_file():
        return Outcome(failed=1, fault=f"pytest left no report (exit {status})")
    suites = list(ElementTree.parse(report).getroot().iter("testsuite"))  # noqa: S314  # written by our own pytest
    tests, failures, errors, skipped = (
        sum(int(suite.get(word, "0")) for suite in suites) for word in ("tests", "failures", "errors", "skipped")
    )
    failed = failures + errors
    passed = max(tests - failed - skipped, 0)
    if passed == 0:
        return Outcome(failed=failed or 1, skipped=skipped, fault="ran no test")
    if status and not failed:
        return Outcome(passed=passed, failed=1, skipped=skipped, fault=f"pytest ended with {status}")
    return Outcome(passed=passed, failed=failed, skipped=skipped)


def _install_what_is_missing() -> None:
    """Install Debian's packages where we may, else say what to type. Who misses one says so later."""
    wanted = missing_packages() + ([] if shutil.which("chromium") else ["chromium"])
    if not wanted:
        return
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        print(
            f"Missing on this machine: {' '.join(wanted)}. On Debian: sudo apt install {' '.join(wanted)}", flush=True
        )
        return
    print(f"Installing with apt: {' '.join(wanted)}", flush=True)
    quiet = dict(os.environ, DEBIAN_FRONTEND="noninteractive")
    for call in (["update", "-qq"], ["install", "-qq", "-y", "--no-install-recommends", *wanted]):
        done = subprocess.run(
            ["apt-get", *call], env=quiet, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, check=False
        )
        if done.returncode:
            print(f"apt-get {call[0]} failed: going on without", flush=True)
            return


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
