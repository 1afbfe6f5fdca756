"""The cost of a verification by camera outside the models: the same instructions each time, in one
process.

`make bench PART=capture` (PostgreSQL and Redis must be installed).
bench/played/replay.py plays borrower, web, worker, tick and sender in turn.
Each verification takes the biometric route page by page over WSGI, with parts and frames as
static/borrower/pictures.js sends them, both turns and two other commands.
A worker's step runs where a held request would wait for it; tick and the sender have a round at the
end.
The clock only advances by the page's waits, so polling of processes does not count.
Memory is kept and returned as in a worker's child.
The features of earlier captures are deleted before each. A capture that a gate refuses is played
but not counted, because a warped portrait does not always match itself.
Output, after one warm-up, the least of so many:

    CPU milliseconds of web, worker, tick and sender (by turn), and of PostgreSQL's backends.
    `nets` is the part of these inside onnxruntime's and LiteRT's inference; `not_nets` is the rest.
    Statements (with foreign key checks), commits, and runs of nets, per verification.

`--facts FILE` writes the facts of every judgement, to compare two versions. `--profile TURN`
profiles one turn.
`--keep FILE` writes the figures, `--against FILE` prints ratios to stored ones.
"""

import argparse
import json
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from played import ROOT
from played.installation import environment, make_database

from insecure_sandbox.demo.processes import Processes
from insecure_sandbox.install_trust import write_anchors
from tests.lenders.insecure_receiver import Receiver, listening
from tests.servers import start_postgresql, start_redis
from verification.management.commands.make_keys import make_missing


def main() -> None:
    """Sets up, replays, prints."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--cases", type=int, default=10)
    parser.add_argument("--facts", type=Path)
    parser.add_argument("--profile", choices=("web", "worker", "tick", "deliver"))
    parser.add_argument("--keep", type=Path)
    parser.add_argument("--against", type=Path)
    arguments = parser.parse_args()
    earlier = json.loads(arguments.against.read_text()) if arguments.against else {}
    with TemporaryDirectory(prefix="tulga-bench-") as folder, listening(Receiver()) as receiver:
        figures = replayed(Path(folder), receiver, arguments)
    for name, value in figures.items():
        ratio = f"   {value / earlier[name]:.2f}x of {earlier[name]}" if earlier.get(name) else ""
        print(f"{name:28} {value:10.1f}{ratio}")
    if arguments.keep:
        arguments.keep.write_text(json.dumps(figures, indent=1) + "\n")


def replayed(folder: Path, receiver: Receiver, arguments: argparse.Namespace) -> dict[str, float]:
    """Servers, tables, keys and the sandbox; then the replay in a process of its own."""
    folder.chmod(0o755)  # PostgreSQL may run as another user
    database = start_postgresql(folder, more=["shared_preload_libraries=pg_stat_statements"])
    broker = start_redis(folder)
    variables = environment(folder, receiver, {**database.places("capture"), **broker.places("0")})
    processes, sandbox = (
        Processes(environment=variables, logs=folder / "logs"),
        variables["TULGA_SANDBOX_URL"],
    )
    try:
        root_url = make_database(variables["DATABASE_URL"])
        make_missing(folder / "var" / "keys", made_by="operator")
        for manage in ("migrate", "grant_process_roles"):
            processes.must(manage, "--verbosity=0")
        state = ["--port", sandbox.rpartition(":")[2], "--state", str(folder / "sandbox")]
        processes.start("sandbox", [sys.executable, "-m", "insecure_sandbox", *state])
        processes.wait_for(f"{sandbox}/ca/anchors.json", name="sandbox")
        write_anchors(sandbox, folder / "var" / "anchors" / "test")
        report = folder / "told.json"
        command = [
            root_url,
            receiver.url,
            str(arguments.cases),
            str(report),
            str(arguments.facts or ""),
            arguments.profile or "",
        ]
        replay = [
            *processes.environment,
            sys.executable,
            str(ROOT / "bench" / "played" / "replay.py"),
            *command,
        ]
        subprocess.run(replay, cwd=ROOT, check=True)
        figures: dict[str, float] = json.loads(report.read_text())
        return figures
    finally:
        processes.stop()
        broker.stop()
        database.stop()


if __name__ == "__main__":
    main()
