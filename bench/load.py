"""What one verification costs, everything counted, and how many a second two cores carry.

`make bench PART=load` (PostgreSQL and Redis must be installed, or RabbitMQ for `--broker rabbitmq`). It starts a whole
installation on loopback with the product's own settings and plays borrowers with the demo's client, page by page as a
browser would: link, consent, question, statement, a signature (RSA), waiting, and the webhook at the lender's end.

Counted for each verification, in two rounds (one borrower after another; eight at once):
    CPU milliseconds by process, user and system, children included, from /proc: web, worker, tick, deliver, PostgreSQL
        (all its backends) and the broker. The sandbox and this client stand beside them, in no sum.
    Statements (pg_stat_statements; BEGIN, COMMIT, SET and set_config stand apart), commits (pg_stat_database; a
        statement outside of a transaction is one), entries of the log, updates of the verification's row, files and
        bytes of evidence, bytes of the database after VACUUM.
What the same processes spend while nobody borrows is measured first and printed by the second; it is not taken off.
`--against FILE` prints each figure's ratio to an earlier result. `--keep NAME` writes docs/evidence/NAME.json.
"""

import argparse
import json
import os
import re
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg
from psycopg import sql

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # run as a file, so that `make bench` takes any file here

from insecure_sandbox.demo.lender import LenderApi
from insecure_sandbox.demo.processes import Processes, free_port, wait_until
from insecure_sandbox.demo.stage import Stage
from insecure_sandbox.install_trust import write_anchors
from scripts import run_together
from tests.lenders.insecure_receiver import Receiver, listening
from tests.proofs import write_evidence
from tests.servers import start_postgresql, start_rabbitmq, start_redis
from verification.management.commands.make_keys import make_missing

COUNTED = ("web", "worker", "tick", "deliver", "postgresql", "broker")
BROKERS = {"redis": start_redis, "rabbitmq": start_rabbitmq}
_TICKS = os.sysconf("SC_CLK_TCK")
_APART = re.compile(r"\s*(BEGIN|COMMIT|ROLLBACK|SET|SELECT set_config)\b", re.IGNORECASE)
KEY = re.compile(r"tlg_test_[A-Za-z0-9_-]+")
_IDLE_SECONDS = 20.0
_STATISTICS_SECONDS = 11.0  # an idle backend of PostgreSQL hands in its counts after ten


@dataclass
class Installation:
    """A running one: its lender and borrowers, its lender's endpoint, and where its rows and its evidence are."""

    stage: Stage
    receiver: Receiver
    evidence: Path
    root_url: str
    processes: dict[str, int]


@dataclass(frozen=True, kw_only=True)
class Counters:
    """What has been spent since everything began; `cpu` in seconds by process, `tables` in bytes, indexes included."""

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
    """Measure, print and keep."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=24, help="verifications a round")
    parser.add_argument("--broker", choices=sorted(BROKERS), default="redis")
    parser.add_argument("--against", type=Path, help="an earlier evidence, to print each figure's ratio to it")
    parser.add_argument("--keep", metavar="NAME", help="write docs/evidence/NAME.json")
    asked = parser.parse_args()
    with TemporaryDirectory(prefix="tulga-bench-") as folder, running(Path(folder), asked.broker) as installation:
        found = measure(installation, cases=asked.cases)
    show(found, json.loads(asked.against.read_text())["figures"] if asked.against else {})
    if asked.keep:
        write_evidence(asked.keep, seed=0, found={"failures": [], "broker": asked.broker, "figures": found})


def measure(installation: Installation, *, cases: int) -> dict[str, dict[str, float]]:
    """The rounds, each figure for one verification, `idle` for one second."""
    play(installation, "warm-up", cases=4, at_once=2)
    before = count(installation)
    time.sleep(_IDLE_SECONDS)
    found = {"idle": per(_IDLE_SECONDS + _STATISTICS_SECONDS, before, count(installation))}
    for name, at_once in (("one after another", 1), ("eight at once", 8)):
        before = count(installation)
        decided = play(installation, name, cases=cases, at_once=at_once)
        found[name] = per(cases, before, count(installation)) | decided
    return found


def play(installation: Installation, name: str, *, cases: int, at_once: int) -> dict[str, float]:
    """Plays so many borrowers, each to the webhook; gives seconds from signature to page, and the rate."""
    iins = [installation.stage.iin() for _ in range(cases)]
    keys = [installation.stage.credential(iin, family="rsa") for iin in iins]

    def one(number: int) -> tuple[str, float]:
        opened, browser = installation.stage.borrow(f"{name.replace(' ', '-')}-{number}", iins[number])
        began = time.monotonic()
        browser.sign(keys[number])
        browser.wait_for_judgement()
        return opened["id"], time.monotonic() - began

    began = time.monotonic()
    with ThreadPoolExecutor(at_once) as pool:
        played = list(pool.map(one, range(cases)))
    rate = cases / (time.monotonic() - began)
    wait_until(lambda: {case for case, _ in played} <= told(installation), what="every webhook", seconds=60)
    waited = sorted(seconds for _, seconds in played)
    return {
        "decided_p50_seconds": waited[len(waited) // 2],
        "decided_p95_seconds": waited[int(len(waited) * 0.95)],
        "verifications_per_second": rate,
    }


def told(installation: Installation) -> set[str]:
    """Verifications that the lender's endpoint was told to be verified."""
    bodies = [json.loads(request.body) for request in list(installation.receiver.received)]
    return {body["data"]["id"] for body in bodies if body["type"] == "verification.verified"}


def per(parts: float, before: Counters, after: Counters) -> dict[str, float]:
    """What was spent between the two, by this many parts; CPU in milliseconds, `cpu` its sum without the sandbox."""
    spent = {f"cpu_{name}": 1000 * (after.cpu[name] - cpu) / parts for name, cpu in before.cpu.items()}
    spent["cpu"] = sum(spent[f"cpu_{name}"] for name in COUNTED if f"cpu_{name}" in spent)
    first, last = asdict(before), asdict(after)
    grown = {f"bytes_{name}": (size - before.tables[name]) / parts for name, size in after.tables.items()}
    spent |= {name: size for name, size in grown.items() if size}
    return spent | {name: (last[name] - first[name]) / parts for name in first if name not in ("cpu", "tables")}


def count(installation: Installation) -> Counters:
    """Everything as it stands. Waits until PostgreSQL's backends have handed in their counts."""
    cpu = {name: processor_seconds(process) for name, process in installation.processes.items()}
    time.sleep(_STATISTICS_SECONDS)
    with psycopg.connect(installation.root_url, autocommit=True) as root:

        def ask(statement: bytes) -> Any:
            return root.execute(statement).fetchall()

        root.execute("VACUUM")
        calls = ask(b"SELECT query, calls FROM pg_stat_statements WHERE userid = 'tulga_app'::regrole")
        apart = sum(times for query, times in calls if _APART.match(query))
        files = [path.stat().st_size for path in installation.evidence.rglob("*") if path.is_file()]
        table = b"SELECT n_tup_upd FROM pg_stat_user_tables WHERE relname = 'verification_verification'"
        sizes = b"SELECT relname, pg_total_relation_size(relid) FROM pg_stat_user_tables"
        return Counters(
            cpu=cpu,
            tables=dict(ask(sizes)),
            statements=sum(times for _, times in calls) - apart,
            transaction_statements=apart,
            commits=ask(b"SELECT xact_commit FROM pg_stat_database WHERE datname = current_database()")[0][0],
            entries=ask(b"SELECT count(*) FROM verification_auditentry")[0][0],
            updates=ask(table)[0][0],
            files=len(files),
            file_bytes=sum(files),
            database_bytes=ask(b"SELECT pg_database_size(current_database())")[0][0],
        )


def processor_seconds(process: int) -> float:
    """User and system time of a process and all below it, those that ended and were waited for included."""
    words = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    own = sum(int(word) for word in words[11:15]) / _TICKS  # utime, stime, cutime, cstime: proc_pid_stat(5)
    return own + sum(processor_seconds(child) for child in children(process))


def children(process: int) -> list[int]:
    """The ids of a process's children, whichever of its threads forked them."""
    threads = Path(f"/proc/{process}/task").glob("*/children")
    return [int(child) for thread in threads for child in thread.read_text().split()]


@contextmanager
def running(folder: Path, broker: str) -> Iterator[Installation]:
    """A whole installation with the product's own settings, as an operator sets it up; gone afterwards."""
    folder.chmod(0o755)  # PostgreSQL may run as another user
    with ExitStack() as ending, listening(Receiver()) as receiver:
        database = start_postgresql(folder, more=("shared_preload_libraries=pg_stat_statements",))
        ending.callback(database.stop)
        ringing = BROKERS[broker](folder)
        ending.callback(ringing.stop)
        addresses = {**database.places("bench"), **ringing.places("0")}
        variables = environment(folder, receiver, addresses)
        processes = Processes(environment=variables, logs=folder / "logs")
        ending.callback(processes.stop)
        yield set_up(folder, processes, receiver, variables)


def environment(folder: Path, receiver: Receiver, addresses: Mapping[str, str]) -> dict[str, str]:
    """What points every process to this installation."""
    return {
        "DATABASE_URL": addresses["TULGA_TEST_DATABASE_URL"],
        "MIGRATION_DATABASE_URL": addresses["TULGA_TEST_MIGRATION_DATABASE_URL"],
        "CELERY_BROKER_URL": addresses["TULGA_TEST_BROKER_URL"],
        "TULGA_VAR_DIR": str(folder / "var"),
        "TULGA_FACE_MODELS_DIR": str(ROOT / "var" / "models"),
        "TULGA_PUBLIC_URL": f"http://127.0.0.1:{free_port(8480)}",
        "TULGA_SANDBOX_URL": f"http://127.0.0.1:{free_port(8490)}",
        "TULGA_WEBHOOK_TEST_HOSTS": receiver.authority,
        "TULGA_MODES_LIVE": "0",
    }


def set_up(folder: Path, processes: Processes, receiver: Receiver, variables: Mapping[str, str]) -> Installation:
    """Tables, keys, every process, one lender with one endpoint."""
    root_url, web = make_database(variables["DATABASE_URL"]), variables["TULGA_PUBLIC_URL"]
    sandbox, var = variables["TULGA_SANDBOX_URL"], folder / "var"
    make_missing(var / "keys", made_by="operator")
    for manage in ("migrate", "grant_application_role"):
        processes.must(manage, "--verbosity=0")
    state = ["--port", sandbox.rpartition(":")[2], "--state", str(folder / "sandbox")]
    processes.start("sandbox", [sys.executable, "-m", "insecure_sandbox", *state])
    processes.wait_for(f"{sandbox}/ca/anchors.json", name="sandbox")
    write_anchors(sandbox, var / "anchors" / "test")
    for name, command in run_together.PARTS.items():
        bind = ["--bind", web.removeprefix("http://")] if name == "web" else []
        processes.start(name, [*command, *bind])
    processes.wait_for(f"{web}/healthz", name="web")
    api = LenderApi(web, KEY.findall(processes.must("add_lender", "Bench Credit LLP", "--bin", "120340000014"))[0])
    api.call("POST", "/v1/webhook-endpoints", {"url": receiver.url})
    stage = Stage(api, web, sandbox, processes, start_worker=lambda: None)
    return Installation(stage, receiver, var / "evidence", root_url, identify(run_together.PARTS))


def make_database(address: str) -> str:
    """Makes the application's database with the extension that counts statements; gives the superuser's address."""
    parts = urlsplit(address)
    root = parts._replace(netloc=f"tulga_root@127.0.0.1:{parts.port}")
    name = sql.Identifier(parts.path.lstrip("/"))
    with psycopg.connect(urlunsplit(root._replace(path="/postgres")), autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {} OWNER tulga_owner").format(name))
    with psycopg.connect(urlunsplit(root), autocommit=True) as connection:
        connection.execute("CREATE EXTENSION pg_stat_statements")
    return urlunsplit(root)


def identify(parts: Iterable[str]) -> dict[str, int]:
    """The ids of our child processes by name: the product's, PostgreSQL, the broker and the sandbox."""
    marks = {"postgresql": "postgres", "broker": "redis-server|rabbitmq", "sandbox": "insecure_sandbox"}
    marks |= {"web": "gunicorn", "worker": "celery", "tick": r"manage\.py\0tick", "deliver": r"manage\.py\0deliver"}
    own = {child: Path(f"/proc/{child}/cmdline").read_text() for child in children(os.getpid())}
    found = {name: [child for child, words in own.items() if re.search(mark, words)] for name, mark in marks.items()}
    missing = {name for name in {"postgresql", "broker", "sandbox", *parts} if not found[name]}
    if missing:
        raise SystemExit(f"these processes are not there: {', '.join(sorted(missing))}")
    return {name: ids[0] for name, ids in found.items() if ids}


def show(found: Mapping[str, Mapping[str, float]], against: Mapping[str, Mapping[str, float]]) -> None:
    """Each figure of each round on its line, with its ratio to an earlier one."""
    for name, figures in found.items():
        print(f"{name} ({'a second' if name == 'idle' else 'a verification'})")
        for figure, value in sorted(figures.items()):
            earlier = against.get(name, {}).get(figure)
            ratio = f"   ratio {value / earlier:.2f}x" if earlier else ""
            print(f"  {figure:28} {value:12.2f}{ratio}")


if __name__ == "__main__":
    main()
