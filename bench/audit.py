"""Entries per second that `audit_verify` verifies, log, cases and evidence together, compared with
another commit.

`make bench PART=audit`; `--against COMMIT` measures that commit on the same database, in turns with
this tree.
The database is an SQLite file in memory with cases that the product verified by a signature.
Each measurement is one process that runs the command like an operator, timed from its first
statement to its last.
The best of the rounds counts, and a finding ends the bench. `ratio N.NNx` compares entries per
second.
"""

import argparse
import io
import json
import os
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

from played import ROOT
from played.in_memory import FOLDER, begin, iin_of, new_lender, trusted_authority, work

from insecure_sandbox.authority import issue
from verification.log import sequencer
from verification.models import AuditLeaf, Verification
from verification.stages.confirmation.policy import CONSENT_CURRENT as CURRENT

_MEASURED = """
import io, json, time
import django
django.setup()
from django.core.management import call_command
import verification.management.commands.audit_verify
began = time.perf_counter()
call_command("audit_verify", processes=PROCESSES, stdout=io.StringIO())
print(json.dumps(time.perf_counter() - began))
"""
_LOG = "test"


def main() -> None:
    """Plays, measures and prints."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--cases", type=int, default=420)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--processes", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--against", metavar="COMMIT", default="")
    arguments = parser.parse_args()
    play(arguments.cases)
    entries = AuditLeaf.objects.filter(log=_LOG).count()
    trees = {"this tree": ROOT} | (
        {arguments.against: tree_of(arguments.against)} if arguments.against else {}
    )
    print(f"{arguments.cases} cases by signature, {entries} entries; load {os.getloadavg()[0]:.1f}")
    for processes in arguments.processes:
        best = in_turns(trees, processes=processes, rounds=arguments.rounds)
        for name, seconds in best.items():
            print(
                f"{f'{name}, {processes} processes':36} {entries / seconds:8.0f} entries a second"
            )
        if arguments.against:
            print(
                f"{f'{processes} processes':36} ratio"
                f" {best[arguments.against] / best['this tree']:.2f}x"
            )


def play(cases: int) -> None:
    """Cases that borrowers completed by signature, ordered as tick does."""
    authority, lender = trusted_authority("gost512"), new_lender()
    for number in range(cases):
        iin = iin_of(number)
        story = begin(lender, f"bench-{number}", iin=iin)
        story.answer(agreed=True, version=CURRENT, language="ru")
        work(story)
        story.answer(somebody_tells_me=False)
        work(story)
        day_before = datetime.now(UTC) - timedelta(days=1)
        story.sign(issue(authority, iin=iin, at=day_before, surname="ТЕСТОВ", given_name="ТЕСТ"))
        work(story)
    while sequencer.order(_LOG):
        pass
    if Verification.objects.exclude(status="verified").exists():
        raise SystemExit("a case of the bench is not verified")


def tree_of(commit: str) -> Path:
    """The files of a commit, in a folder of their own."""
    folder = FOLDER / "tree"
    git = shutil.which("git") or "git"
    packed = subprocess.run(
        [git, "archive", commit], cwd=ROOT, check=True, capture_output=True
    ).stdout
    with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
        archive.extractall(folder, filter="data")
    return folder


def in_turns(trees: Mapping[str, Path], *, processes: int, rounds: int) -> dict[str, float]:
    """The least seconds of each tree, in turns."""
    best = dict.fromkeys(trees, float("inf"))
    for _ in range(rounds):
        for name, tree in trees.items():
            best[name] = min(best[name], seconds_of(tree, processes=processes))
    return best


def seconds_of(tree: Path, *, processes: int) -> float:
    """The duration of one run of the command, without its process's start."""
    program = _MEASURED.replace("PROCESSES", str(processes))
    finished = subprocess.run(
        [sys.executable, "-c", program], cwd=tree, check=False, capture_output=True, text=True
    )
    if finished.returncode:
        raise SystemExit(f"audit_verify ends with an error:\n{finished.stderr[-2000:]}")
    return float(json.loads(finished.stdout.splitlines()[-1]))


if __name__ == "__main__":
    main()
