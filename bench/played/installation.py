"""A whole installation on loopback with the product's settings, for bench/load.py and
bench/burst.py.

PostgreSQL and Redis must be installed, or RabbitMQ.
"""

import os
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
from psycopg import sql

from insecure_sandbox.demo import reviewers
from insecure_sandbox.demo.lender import LenderApi
from insecure_sandbox.demo.processes import Processes, free_port
from insecure_sandbox.demo.stage import Stage
from insecure_sandbox.install_trust import write_anchors
from played import ROOT
from scripts import run_together
from tests.lenders.insecure_receiver import Receiver, listening
from tests.servers import start_postgresql, start_rabbitmq, start_redis
from verification.management.commands.make_keys import make_missing

# As an operator runs it: autovacuum and analyse are part of the cost.
_POSTGRESQL = (
    "shared_preload_libraries=pg_stat_statements",
    "autovacuum=on",
    "autovacuum_naptime=10s",
)
BROKERS = {"redis": start_redis, "rabbitmq": start_rabbitmq}
LENDER_BIN = "120340000014"
KEY = re.compile(r"tlg_test_[A-Za-z0-9_-]+")


@dataclass
class Installation:
    """A running installation: its lender and borrowers, its lender's endpoint, and the places of
    its rows and evidence.
    """

    stage: Stage
    receiver: Receiver
    evidence: Path
    root_url: str
    processes: dict[str, int]


@contextmanager
def running(folder: Path, broker: str) -> Iterator[Installation]:
    """A whole installation with the product's settings, as an operator sets it up; removed
    afterwards.
    """
    folder.chmod(0o755)  # PostgreSQL may run as another user
    with ExitStack() as ending, listening(Receiver()) as receiver:
        database = start_postgresql(folder, more=_POSTGRESQL)
        ending.callback(database.stop)
        ringing = BROKERS[broker](folder)
        ending.callback(ringing.stop)
        addresses = {**database.places("bench"), **ringing.places("0")}
        variables = environment(folder, receiver, addresses)
        processes = Processes(environment=variables, logs=folder / "logs")
        ending.callback(processes.stop)
        yield set_up(folder, processes, receiver, variables)


def environment(folder: Path, receiver: Receiver, addresses: Mapping[str, str]) -> dict[str, str]:
    """The environment that directs every process to this installation."""
    return {
        "DATABASE_URL": addresses["TULGA_TEST_DATABASE_URL"],
        "MIGRATION_DATABASE_URL": addresses["TULGA_TEST_MIGRATION_DATABASE_URL"],
        "CELERY_BROKER_URL": addresses["TULGA_TEST_BROKER_URL"],
        "TULGA_VAR_DIR": str(folder / "var"),
        "TULGA_FACE_MODELS_DIR": str(ROOT / "var" / "models"),
        "TULGA_PUBLIC_URL": f"http://localhost:{free_port(8480)}",
        "TULGA_SANDBOX_URL": f"http://127.0.0.1:{free_port(8490)}",
        "TULGA_WEBHOOK_TEST_HOSTS": receiver.authority,
        "TULGA_MODES_LIVE": "0",
    }


def set_up(
    folder: Path, processes: Processes, receiver: Receiver, variables: Mapping[str, str]
) -> Installation:
    """Tables, keys, every process, one lender with one endpoint."""
    root_url, web = make_database(variables["DATABASE_URL"]), variables["TULGA_PUBLIC_URL"]
    sandbox, var = variables["TULGA_SANDBOX_URL"], folder / "var"
    make_missing(var / "keys", made_by="operator")
    for manage in ("migrate", "grant_process_roles"):
        processes.must(manage, "--verbosity=0")
    state = ["--port", sandbox.rpartition(":")[2], "--state", str(folder / "sandbox")]
    processes.start("sandbox", [sys.executable, "-m", "insecure_sandbox", *state])
    processes.wait_for(f"{sandbox}/ca/anchors.json", name="sandbox")
    write_anchors(sandbox, var / "anchors" / "test")
    for name, command in run_together.PARTS.items():
        bind = ["--bind", web.removeprefix("http://")] if name == "web" else []
        processes.start(name, [*command, *bind])
    processes.wait_for(f"{web}/healthz", name="web")
    facts = ("--bin", LENDER_BIN, "--phone", "+77270000044", "--profile", "KZ-2021-04")
    added = processes.must("add_lender", "Bench Credit LLP", *facts)
    api = LenderApi(web, KEY.findall(added)[0])
    reviewers.add(processes, added, sandbox=sandbox, domain="bench.example")
    api.call("POST", "/v1/webhook-endpoints", {"url": receiver.url})
    stage = Stage(api, web, sandbox, processes, start_worker=lambda: None)
    return Installation(stage, receiver, var / "evidence", root_url, identify(run_together.PARTS))


def make_database(address: str) -> str:
    """Makes the application's database with the extension that counts statements; returns the
    superuser's address.
    """
    parts = urlsplit(address)
    root = parts._replace(netloc=f"tulga_root@127.0.0.1:{parts.port}")
    name = sql.Identifier(parts.path.lstrip("/"))
    with psycopg.connect(
        urlunsplit(root._replace(path="/postgres")), autocommit=True
    ) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {} OWNER tulga_owner").format(name))
    with psycopg.connect(urlunsplit(root), autocommit=True) as connection:
        connection.execute("CREATE EXTENSION pg_stat_statements")
    return urlunsplit(root)


def identify(parts: Iterable[str]) -> dict[str, int]:
    """The ids of our child processes by name: the product's, PostgreSQL, the broker and the
    sandbox.
    """
    marks = {
        "postgresql": "postgres",
        "broker": "redis-server|rabbitmq",
        "sandbox": "insecure_sandbox",
    }
    marks |= {
        "web": "gunicorn",
        "worker": "celery",
        "tick": r"manage\.py\0tick",
        "deliver": r"manage\.py\0deliver",
    }
    commands = {
        child: Path(f"/proc/{child}/cmdline").read_text() for child in children(os.getpid())
    }
    by_name = {
        name: [child for child, command in commands.items() if re.search(mark, command)]
        for name, mark in marks.items()
    }
    missing = {name for name in {"postgresql", "broker", "sandbox", *parts} if not by_name[name]}
    if missing:
        raise SystemExit(f"these processes are not there: {', '.join(sorted(missing))}")
    return {name: ids[0] for name, ids in by_name.items() if ids}


def children(process: int) -> list[int]:
    """The ids of a process's children, whichever of its threads forked them."""
    threads = Path(f"/proc/{process}/task").glob("*/children")
    return [int(child) for thread in threads for child in thread.read_text().split()]
