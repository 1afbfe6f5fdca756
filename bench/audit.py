"""How many entries a second `audit_verify` verifies, log, cases and evidence together, beside
another commit.

`make bench PART=audit`; `--against COMMIT` measures that commit on the same database, in turns with
this tree. The database is an SQLite file in memory with cases that the product verified by a
signature. Each measurement is one process that runs the command as an operator does, timed from its
first statement to its last; the best of the rounds counts, and a finding ends the bench. A line
`ratio N.NNx` compares entries a second.
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
from tempfile import TemporaryDirectory

_ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(_ROOT))  # run as a file, so that `make bench` takes any here

import django

from verification.management.commands.make_keys import make_missing

_FOLDER = TemporaryDirectory(prefix="tulga-bench-", dir="/dev/shm")
_KEYS = Path(_FOLDER.name, "keys")
make_missing(_KEYS, made_by="operator")
os.environ.update(
    TULGA_VAR_DIR=_FOLDER.name,
    TULGA_KEYS_DIR=str(_KEYS),
    TULGA_PROCESS="every",  # this one is web, worker and tick in turn
    DATABASE_URL=f"sqlite:///{_FOLDER.name}/bench.sqlite3",
    DJANGO_SETTINGS_MODULE="config.settings",
    TULGA_LOG_LEVEL="ERROR",
)
django.setup()

from django.conf import settings
from django.core.management import call_command

from insecure_sandbox.authority import create_authority, issue
from tests.verification.stories.conftest import crl_of, trust
from tests.verification.stories.insecure_revocation import InsecureRevocation
from tests.verification.stories.story import Story, lender, opening
from verification import tasks
from verification.access import commands
from verification.core.ids import Iin, check_digit
from verification.core.lender import LenderFacts
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
    """Play, measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--cases", type=int, default=420)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--processes", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--against", metavar="COMMIT", default="")
    asked = parser.parse_args()
    call_command("migrate", verbosity=0)
    play(asked.cases)
    entries = AuditLeaf.objects.filter(log=_LOG).count()
    trees = {"this tree": _ROOT} | (
        {asked.against: tree_of(asked.against)} if asked.against else {}
    )
    print(f"{asked.cases} cases by signature, {entries} entries; load {os.getloadavg()[0]:.1f}")
    for processes in asked.processes:
        best = in_turns(trees, processes=processes, rounds=asked.rounds)
        for name, seconds in best.items():
            print(
                f"{f'{name}, {processes} processes':36} {entries / seconds:8.0f} entries a second"
            )
        if asked.against:
            print(
                f"{f'{processes} processes':36} ratio"
                f" {best[asked.against] / best['this tree']:.2f}x"
            )


def play(cases: int) -> None:
    """Cases that borrowers went through by their signature, ordered as the tick does."""
    at = datetime.now(UTC)
    authority = create_authority("gost512", at=at - timedelta(days=30))
    trust({"gost512": authority}, settings, Path(_FOLDER.name, "anchors"))  # type: ignore[arg-type]
    InsecureRevocation.lists = {"gost512": (crl_of(authority),)}
    InsecureRevocation.faults = InsecureRevocation.asked = 0
    bench_lender = lender()
    facts = LenderFacts(
        id=bench_lender.pk, name=bench_lender.name, bin=bench_lender.bin, phone=bench_lender.phone
    )
    for number in range(cases):
        iin = iin_of(number)
        asked = opening(f"bench-{number}", iin=iin, routes=("eds",))
        opened = commands.open_verification(
            lender=facts, mode=_LOG, profile_id="KZ-2021-04", opening=asked
        )
        story = Story(bench_lender, opened.verification_id, opened.token)
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


def work(story: Story) -> None:
    """What a worker does until nothing is due."""
    while story.row().step:
        tasks.advance(story.id)


def iin_of(number: int) -> str:
    """A personal number of one person each."""
    while (last := check_digit(eleven := f"9901011{number:04}")) == "x":
        number += 5000
    return str(Iin.parse(eleven + last).value)


def tree_of(commit: str) -> Path:
    """The files of a commit, in a folder of their own."""
    folder = Path(_FOLDER.name, "tree")
    git = shutil.which("git") or "git"
    packed = subprocess.run(
        [git, "archive", commit], cwd=_ROOT, check=True, capture_output=True
    ).stdout
    with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
        archive.extractall(folder, filter="data")
    return folder


def in_turns(trees: Mapping[str, Path], *, processes: int, rounds: int) -> dict[str, float]:
    """The least seconds of each tree, which take turns."""
    best = dict.fromkeys(trees, float("inf"))
    for _ in range(rounds):
        for name, tree in trees.items():
            best[name] = min(best[name], seconds_of(tree, processes=processes))
    return best


def seconds_of(tree: Path, *, processes: int) -> float:
    """What one run of the command takes, without the start of its process."""
    program = _MEASURED.replace("PROCESSES", str(processes))
    told = subprocess.run(
        [sys.executable, "-c", program], cwd=tree, check=False, capture_output=True, text=True
    )
    if told.returncode:
        raise SystemExit(f"audit_verify ends with an error:\n{told.stderr[-2000:]}")
    return float(json.loads(told.stdout.splitlines()[-1]))


if __name__ == "__main__":
    main()
