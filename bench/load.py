"""The full cost of one verification, and the verifications per second of two cores.

`make bench PART=load` (PostgreSQL and Redis must be installed, or RabbitMQ for `--broker
rabbitmq`).
It starts a whole installation on loopback with the product's settings.
The demo's client plays borrowers page by page like a browser: link, consent, question, statement, a
signature (RSA), waiting, and the webhook at the lender.

Counted per verification, in two rounds: one borrower after another, then eight at once.
Then one round each of borrowers at a camera: biometric; live_face; four at once, because a capture
takes its time.

    CPU milliseconds by process, user and system, children included, from /proc: web, worker, tick,
        deliver, PostgreSQL (all its backends) and the broker. The sandbox and this client are
        listed separately, in no sum.
    Statements (pg_stat_statements): BEGIN, COMMIT, SET and set_config are listed separately.
    Commits (pg_stat_database): a statement outside a transaction is one.
    Entries of the log, updates of the verification's row, files and bytes of evidence.
    Bytes of the database after VACUUM; and once, the memory of the worker's largest child.

The idle load of the same processes is measured first and printed per second; it is not subtracted.
`--against FILE` prints each figure's ratio to an earlier result. `--keep NAME` writes
docs/evidence/NAME.json.
"""

import argparse
import json
import os
import re
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import psycopg
from played.installation import BROKERS, Installation, children, running

from insecure_sandbox import samples
from insecure_sandbox.camera import Camera, follow
from insecure_sandbox.demo.camera_scenes import up_to_the_camera
from insecure_sandbox.demo.processes import wait_until
from insecure_sandbox.demo.stage import Stage
from tests.proofs import conditions, write_evidence
from tests.service.played_page import FORGET, forgotten

COUNTED = ("web", "worker", "tick", "deliver", "postgresql", "broker")
_TICKS = os.sysconf("SC_CLK_TCK")
_APART = re.compile(r"\s*(BEGIN|COMMIT|ROLLBACK|SET|SELECT set_config)\b", re.IGNORECASE)
_IDLE_SECONDS = 20.0
_STATISTICS_SECONDS = 11.0  # an idle PostgreSQL backend reports its counts after ten

# A verification whose borrower is about to act: its id, and the act with the wait for its result.
Played = tuple[str, Callable[[], object]]
# Makes a borrower of this name, before the measurement; called, they arrive and are about to act.
Prepare = Callable[[str], Callable[[], Played]]


@dataclass(frozen=True, kw_only=True)
class Counters:
    """The totals since the start; `cpu` in seconds by process, `tables` in bytes, indexes
    included.
    """

    cpu: Mapping[str, float]
    tables: Mapping[str, int]
    statements: int
    transaction_statements: int
    commits: int
    entries: int
    updates: int
    files: int
    file_bytes: int
    database_bytes: int


def main() -> None:
    """Measures, prints and stores."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--cases", type=int, default=24, help="verifications by a signature, one after another"
    )
    parser.add_argument("--many", type=int, default=24, help="the same, eight at once")
    parser.add_argument(
        "--camera-cases", type=int, default=8, help="verifications before the camera, a round"
    )
    parser.add_argument("--broker", choices=sorted(BROKERS), default="redis")
    parser.add_argument(
        "--against", type=Path, help="an earlier evidence, to print each figure's ratio to it"
    )
    parser.add_argument("--keep", metavar="NAME", help="write docs/evidence/NAME.json")
    arguments = parser.parse_args()
    with (
        TemporaryDirectory(prefix="tulga-bench-") as folder,
        running(Path(folder), arguments.broker) as installation,
    ):
        figures = measure(
            installation,
            cases=arguments.cases,
            many=arguments.many,
            camera_cases=arguments.camera_cases,
        )
    show(figures, json.loads(arguments.against.read_text())["figures"] if arguments.against else {})
    if arguments.keep:
        header = {
            "conditions": conditions(database="postgresql"),
            "failures": [],
            "broker": arguments.broker,
        }
        write_evidence(arguments.keep, seed=0, found=header | {"figures": figures})


def measure(
    installation: Installation, *, cases: int, many: int, camera_cases: int
) -> dict[str, dict[str, float]]:
    """The rounds, each figure per verification, `idle` per second."""
    by_key = partial(signer, installation.stage)
    play(installation, "warm-up", by_key, cases=4, at_once=2)
    start = count(installation)
    time.sleep(_IDLE_SECONDS)
    figures = {"idle": per(_IDLE_SECONDS + _STATISTICS_SECONDS, start, count(installation))}
    rounds: list[tuple[str, Prepare, int, int]] = [("one after another", by_key, cases, 1)]
    rounds.append(("eight at once", by_key, many, 8))
    # All borrowers at the camera are one portrait, and its films are similar: delete their
    # features.
    with (
        painting() as camera,
        psycopg.connect(installation.root_url, autocommit=True) as root,
        forgotten(partial(root.execute, FORGET.encode())),
    ):
        for route in ("biometric", "live_face"):
            by_face = partial(poser, installation.stage, camera, route)
            play(installation, f"warm-up {route}", by_face, cases=1, at_once=1)
            rounds.append((f"{route}, four at once", by_face, camera_cases, 4))
        for name, prepare, number, at_once in rounds:
            start = count(installation)
            decided = play(installation, name, prepare, cases=number, at_once=at_once)
            figures[name] = per(number, start, count(installation)) | decided
            figures[name]["worker_child_megabytes"] = largest_child(
                installation.processes["worker"]
            )
    return {
        name: {figure: round(value, 2) for figure, value in values.items()}
        for name, values in figures.items()
    }


@contextmanager
def painting() -> Iterator[Camera]:
    """A camera on the sample portrait, with all its frames painted in advance."""
    camera = Camera(samples.fetch() / "obama3.jpg")
    try:
        camera.wait()
        yield camera
    finally:
        camera.stop()


def signer(stage: Stage, name: str, *, seconds: float = 120) -> Callable[[], Played]:
    """A borrower with their own key (RSA), who comes by the link, signs, and waits at most so
    long.
    """
    iin = stage.iin()
    key = stage.credential(iin, family="rsa")

    def come() -> Played:
        opened, browser = stage.borrow(name, iin)

        def sign() -> None:
            browser.sign(key)
            browser.wait_for_judgement(seconds=seconds)

        return opened["id"], sign

    return come


def poser(stage: Stage, camera: Camera, route: str, name: str) -> Callable[[], Played]:
    """A borrower at the camera, who follows the commands; for `live_face` with data and a code
    before it.
    """
    iin = stage.person(samples.fetch() / "obama.jpg")

    def come() -> Played:
        if route == "live_face":
            opened, browser = up_to_the_camera(stage, name, iin)
        else:
            opened, browser = stage.arrive(name, iin, routes=(route,))
            browser.agree()
        return opened["id"], partial(follow, browser, camera)

    return come


def play(
    installation: Installation, name: str, prepare: Prepare, *, cases: int, at_once: int
) -> dict[str, float]:
    """Plays so many borrowers, each to the webhook; returns seconds from their last act to the
    page, and the rate.

    At the camera the commands, some twenty seconds, are part of those.
    """
    borrowers = [
        prepare(f"{name.replace(' ', '-').replace(',', '')}-{number}") for number in range(cases)
    ]

    def one(come: Callable[[], Played]) -> tuple[str, float]:
        verification_id, act = come()
        began = time.monotonic()
        act()
        return verification_id, time.monotonic() - began

    began = time.monotonic()
    with ThreadPoolExecutor(at_once) as pool:
        played = list(pool.map(one, borrowers))
    rate = cases / (time.monotonic() - began)
    wait_until(
        lambda: {case for case, _ in played} <= told(installation), what="every webhook", seconds=60
    )
    waited = sorted(seconds for _, seconds in played)
    return {
        "decided_p50_seconds": waited[len(waited) // 2],
        "decided_p95_seconds": waited[int(len(waited) * 0.95)],
        "verifications_per_second": rate,
    }


def told(installation: Installation) -> set[str]:
    """Verifications reported as verified to the lender's endpoint."""
    bodies = [json.loads(request.body) for request in list(installation.receiver.received)]
    return {
        body["data"]["verification"] for body in bodies if body["type"] == "verification.verified"
    }


def per(parts: float, start: Counters, end: Counters) -> dict[str, float]:
    """The difference of the two, divided by so many; CPU in milliseconds, `cpu` its sum without
    the sandbox.
    """
    spent = {f"cpu_{name}": 1000 * (end.cpu[name] - cpu) / parts for name, cpu in start.cpu.items()}
    spent["cpu"] = sum(spent[f"cpu_{name}"] for name in COUNTED if f"cpu_{name}" in spent)
    first, last = asdict(start), asdict(end)
    grown = {
        f"bytes_{name}": (size - start.tables[name]) / parts for name, size in end.tables.items()
    }
    spent |= {name: size for name, size in grown.items() if size}
    return spent | {
        name: (last[name] - first[name]) / parts for name in first if name not in ("cpu", "tables")
    }


def count(installation: Installation) -> Counters:
    """The present totals. Waits until PostgreSQL's backends have reported their counts."""
    cpu = {name: processor_seconds(process) for name, process in installation.processes.items()}
    time.sleep(_STATISTICS_SECONDS)
    with psycopg.connect(installation.root_url, autocommit=True) as root:

        def ask(statement: bytes) -> Any:
            return root.execute(statement).fetchall()

        root.execute("VACUUM")
        calls = ask(
            b"SELECT query, calls FROM pg_stat_statements WHERE userid = 'tulga_app'::regrole"
        )
        apart = sum(times for query, times in calls if _APART.match(query))
        files = [path.stat().st_size for path in installation.evidence.rglob("*") if path.is_file()]
        table = (
            b"SELECT n_tup_upd FROM pg_stat_user_tables WHERE relname = 'verification_verification'"
        )
        sizes = b"SELECT relname, pg_total_relation_size(relid) FROM pg_stat_user_tables"
        return Counters(
            cpu=cpu,
            tables=dict(ask(sizes)),
            statements=sum(times for _, times in calls) - apart,
            transaction_statements=apart,
            commits=ask(
                b"SELECT xact_commit FROM pg_stat_database WHERE datname = current_database()"
            )[0][0],
            entries=ask(b"SELECT count(*) FROM verification_auditentry")[0][0],
            updates=ask(table)[0][0],
            files=len(files),
            file_bytes=sum(files),
            database_bytes=ask(b"SELECT pg_database_size(current_database())")[0][0],
        )


def largest_child(process: int) -> float:
    """Memory of a process's largest child, megabytes, with shared pages."""
    pages = [
        int(Path(f"/proc/{child}/statm").read_text().split()[1]) for child in children(process)
    ]
    return max(pages) * os.sysconf("SC_PAGE_SIZE") / 1e6


def processor_seconds(process: int) -> float:
    """User and system time of a process and all its descendants, including those that ended and
    were waited for.
    """
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    ticks = (
        sum(int(word) for word in fields[11:15]) / _TICKS
    )  # utime, stime, cutime, cstime: proc_pid_stat(5)
    return ticks + sum(processor_seconds(child) for child in children(process))


def show(
    rounds: Mapping[str, Mapping[str, float]], against: Mapping[str, Mapping[str, float]]
) -> None:
    """Each figure of each round on its line, with its ratio to an earlier one."""
    for name, figures in rounds.items():
        print(f"{name} ({'a second' if name == 'idle' else 'a verification'})")
        for figure, value in sorted(figures.items()):
            earlier = against.get(name, {}).get(figure)
            ratio = f"   ratio {value / earlier:.2f}x" if earlier else ""
            print(f"  {figure:28} {value:12.2f}{ratio}")


if __name__ == "__main__":
    main()
