"""Runs `make check` and `make test` again and again; writes how each ended and how long it took.

Usage: python scripts/measure_runs.py --check 20 --test 3     writes docs/evidence/runs.json after
    every run

Times are wall-clock times, with everything installed and every cache warm. `load` is the machine's
load average of one minute at the start of the run. `loop_seconds` is the time of ten million rounds
of an empty calculation just before: it tells a busy or slow machine from a slow suite.
"""

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path

_ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(_ROOT))
from tests import legs, proofs  # noqa: E402

_ROUNDS = 10_000_000
_LAST_WORDS = (
    4  # lines of a run that are kept: the number of passed tests, and the repeat of a failure
)


def main() -> int:
    """Runs both targets as often as requested; 1 if any run was not green."""
    parser = argparse.ArgumentParser(description="Repeat the tiers of the test suite.")
    parser.add_argument("--check", type=int, default=0, metavar="TIMES")
    parser.add_argument("--test", type=int, default=0, metavar="TIMES")
    options = parser.parse_args()
    runs: dict[str, list[dict[str, object]]] = {"check": [], "test": []}
    failures: list[str] = []
    for target, times in (("check", options.check), ("test", options.test)):
        for number in range(1, times + 1):
            runs[target].append(run := _run(target))
            print(f"make {target}, {number} of {times}: {run}", flush=True)
            failures += [] if run["is_green"] else [f"make {target}, run {number}"]
            proofs.write_evidence(
                "runs",
                seed=int(legs.SEED),
                found={"failures": failures, "figures": _figures(runs), "runs": runs},
            )
    return 1 if failures else 0


def _run(target: str) -> dict[str, object]:
    load, loop_seconds, began = os.getloadavg()[0], _loop_seconds(), time.monotonic()
    done = subprocess.run(["make", target], cwd=_ROOT, capture_output=True, text=True, check=False)  # noqa: S607
    seconds = time.monotonic() - began
    summary = [
        line
        for line in done.stdout.splitlines()
        if " passed, " in line or line.startswith("Repeat")
    ]
    return {
        "seconds": round(seconds, 1),
        "load": round(load, 2),
        "loop_seconds": round(loop_seconds, 2),
        "is_green": not done.returncode,
        "said": summary[-_LAST_WORDS:],
    }


def _loop_seconds() -> float:
    began, total = time.monotonic(), 0
    for number in range(_ROUNDS):
        total += number * number % 7
    return time.monotonic() - began


def _figures(runs: dict[str, list[dict[str, object]]]) -> dict[str, float]:
    """Per target the number of runs and of green ones, and the least, middle and most seconds."""
    figures: dict[str, float] = {}
    for target, of_target in runs.items():
        seconds = sorted(float(str(run["seconds"])) for run in of_target)
        figures |= {
            f"{target}_runs": len(of_target),
            f"{target}_green": sum(bool(run["is_green"]) for run in of_target),
        }
        if seconds:
            figures |= {
                f"{target}_seconds_least": seconds[0],
                f"{target}_seconds_median": seconds[len(seconds) // 2],
                f"{target}_seconds_most": seconds[-1],
            }
    return figures


if __name__ == "__main__":
    sys.exit(main())
