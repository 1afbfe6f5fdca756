"""Writes docs/evidence/coverage.json: which share of each package's statements the suite runs,
child processes too.

Usage: python scripts/measure_coverage.py [TARGET …]      runs these targets of make, suite-main
           without a name
       python scripts/measure_coverage.py --of FOLDER     reads what such a run left in a folder
       add --against OLD.json to end with 1 where a package is covered less than it was

A package is a folder two deep (`verification.access`), a module of the top level counts to its
own folder. What is counted are statements as coverage.py sees them, migrations left out. A figure
goes with its targets: compare like with like.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

from coverage import Coverage

_ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(_ROOT))
from tests import proofs  # noqa: E402

_PRODUCT = ("config", "operators", "lenders", "people", "verification", "tools")
_NOISE = 0.5  # percentage points: threads and timing take another branch now and then
_CONFIGURATION = """[run]
parallel = true
source = {product}
omit = */migrations/*
data_file = {folder}/.coverage
"""


def main() -> int:
    """Run or read, write, compare. 1 where less is covered than before or a test failed."""
    parser = argparse.ArgumentParser(description="Measure which statements the tests run.")
    parser.add_argument("targets", nargs="*", metavar="TARGET")
    parser.add_argument("--of", type=Path, metavar="FOLDER", help="read what a run left there")
    parser.add_argument("--against", type=Path, metavar="OLD.json")
    parser.add_argument("--part", default="coverage", help="the name of the evidence")
    options = parser.parse_args()
    failed = 0
    with tempfile.TemporaryDirectory(prefix="tulga-coverage-") as place:
        folder = options.of or Path(place)
        if not options.of:
            failed = _run(folder, options.targets or ["suite-main"])
        figures = _figures(folder)
    proofs.write_evidence(options.part, seed=0, found={"failures": [], "figures": figures})
    return failed or (
        _compare(figures, json.loads(options.against.read_text())["figures"])
        if options.against
        else 0
    )


def _run(folder: Path, targets: list[str]) -> int:
    """The targets, each Python process of them measured: coverage.py starts in every one that finds
    this variable.
    """
    configuration = folder / "coverage.ini"
    configuration.write_text(_CONFIGURATION.format(product=",".join(_PRODUCT), folder=folder))
    environment = dict(os.environ, COVERAGE_PROCESS_START=str(configuration))
    command = ["make", *targets]
    return 1 if subprocess.run(command, cwd=_ROOT, env=environment, check=False).returncode else 0


def _figures(folder: Path) -> dict[str, Any]:
    """Statements, missing ones and the share of each package, and of all."""
    coverage = Coverage(
        data_file=str(folder / ".coverage"), config_file=False, omit=["*/migrations/*"]
    )
    coverage.combine([str(folder)], keep=True)
    statements: Counter[str] = Counter()
    missing: Counter[str] = Counter()
    for path in sorted(path for name in _PRODUCT for path in (_ROOT / name).rglob("*.py")):
        if "migrations" in path.parts:
            continue
        _, lines, _, not_run, _ = coverage.analysis2(str(path))
        for package in (".".join(path.relative_to(_ROOT).parent.parts[:2]), "all"):
            statements[package] += len(lines)
            missing[package] += len(not_run)
    return {
        package: {
            "statements": statements[package],
            "missing": missing[package],
            "percent": round(100 * (1 - missing[package] / statements[package]), 2),
        }
        for package in sorted(statements)
        if statements[package]
    }


def _compare(now: dict[str, Any], earlier: dict[str, Any]) -> int:
    """Name each package that is covered less than it was, beyond what chance moves."""
    lower = [
        name
        for name in now
        if name in earlier and now[name]["percent"] < earlier[name]["percent"] - _NOISE
    ]
    for name in lower:
        print(
            f"{name}: {now[name]['percent']} % of the statements, before"
            f" {earlier[name]['percent']} %"
        )
    return 1 if lower else 0


if __name__ == "__main__":
    sys.exit(main())
