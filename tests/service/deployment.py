"""A whole Tulga of real processes on loopback: sandbox, gunicorn, Celery workers, ticks, a sender,
and a lender.
"""

import json
import re
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import urllib3

from insecure_sandbox.borrower import Browser
from insecure_sandbox.credential import Credential
from insecure_sandbox.demo import reviewers
from insecure_sandbox.demo.lender import LenderApi
from insecure_sandbox.demo.processes import BIN, Processes, wait_until
from insecure_sandbox.demo.stage import Stage
from insecure_sandbox.install_trust import write_anchors
from tests.lenders.insecure_receiver import Receiver
from tests.servers import free_port
from tests.service import broker, database
from verification.core.events import DECISIONS
from verification.management.commands.make_keys import make_missing

_KEY = re.compile(r"tlg_test_[A-Za-z0-9_-]+")
OWN_BIN = "120340000014"


class Deployment:
    """Its folder, its ports, its processes; `api` and `stage` play the lender and the borrowers."""

    def __init__(self, folder: Path, receiver: Receiver) -> None:
        """Starts nothing yet. `receiver`: the lender's endpoint for webhooks."""
        self.folder, self.receiver = folder, receiver
        self.url, self.sandbox = (
            f"http://localhost:{free_port()}",
            f"http://127.0.0.1:{free_port()}",
        )
        self.developers_receiver = f"http://127.0.0.1:{free_port()}/webhooks"
        self.processes = Processes(environment=self._environment(), logs=folder / "logs")
        self.workers: list[str] = []
        self.ticks: list[str] = []
        self._started = 0
        self.api: LenderApi
        self.stage: Stage

    def start(self) -> None:
        """Sets up as an operator does, and hires one worker, one tick and one sender."""
        make_missing(self.folder / "keys", made_by="operator")
        sandbox_port = self.sandbox.rpartition(":")[2]
        state = str(self.folder.parent / f"{self.folder.name}-sandbox")
        command = [
            sys.executable,
            "-m",
            "insecure_sandbox",
            "--port",
            sandbox_port,
            "--state",
            state,
        ]
        self.processes.start("sandbox", command)
        database.make()
        self.processes.must("migrate", "--verbosity=0")
        self.processes.must("grant_process_roles")
        # And the one role of all, as which tests read and write rows.
        shared = {**self._environment(), **database.environment(), "TULGA_PROCESS_ROLES": ""}
        Processes(environment=shared, logs=self.folder / "logs").must("grant_process_roles")
        self.start_web("web", url=self.url)
        broker.take_messages(self.folder)
        self.staff(workers=1, ticks=1)
        self.start_sender("deliver")
        self.processes.wait_for(f"{self.sandbox}/ca/anchors.json", name="sandbox")
        write_anchors(self.sandbox, self.folder / "anchors" / "test")
        self.processes.wait_for(f"{self.url}/healthz", name="web")
        self.api = self.add_lender("Sandbox Credit LLP", bin=OWN_BIN, has_reviewers=True)
        self.stage = Stage(
            self.api, self.url, self.sandbox, self.processes, start_worker=lambda: None
        )
        self.api.call("POST", "/v1/webhook-endpoints", {"url": self.receiver.url})

    def stop(self) -> None:
        """Ends what it started, whatever of it has ended already, and removes its database."""
        try:
            for name in {*self.workers, *self.ticks} - set(self.processes.ended()):
                self.processes.kill(name)
        finally:
            self.processes.stop()
            database.drop()

    def start_web(self, name: str, *, url: str, **more: str) -> None:
        """One more gunicorn, with more in its environment; every address it is asked for is written
        down.
        """
        variables = [f"{variable}={value}" for variable, value in more.items()]
        asked = ["--access-logfile", str(self.folder / "logs" / f"{name}-addresses.log")]
        written = ["--access-logformat", "%(r)s %(f)s"]
        bind = ["--bind", url.removeprefix("http://")]
        self.processes.start(
            name,
            [
                "env",
                *variables,
                str(BIN / "gunicorn"),
                "--config",
                "config/gunicorn_settings.py",
                *bind,
                *asked,
                *written,
            ],
        )

    def staff(self, *, workers: int, ticks: int) -> None:
        """Starts or kills workers and ticks until there are so many of them."""
        for present, wanted, start in (
            (self.workers, workers, self.start_worker),
            (self.ticks, ticks, self._start_tick),
        ):
            while len(present) > wanted:
                self.processes.kill(present.pop())
            while len(present) < wanted:
                start()

    def start_sender(self, name: str, **more: str) -> None:
        """One more process that tells lenders, with more in its environment."""
        of_sender = database.as_process("sender") | more
        variables = [f"{variable}={value}" for variable, value in of_sender.items()]
        self.processes.start(name, ["env", *variables, sys.executable, "manage.py", "deliver"])

    def add_lender(
        self, name: str, *, bin: str, profile: str = "KZ-2021-04", has_reviewers: bool = False
    ) -> LenderApi:
        """One more lender, under this law; its server. profile: empty for today's law."""
        law = ("--profile", profile) if profile else ()
        said = self.processes.must(
            "add_lender", name, "--bin", bin, "--phone", "+77270000044", *law
        )
        if has_reviewers:
            reviewers.add(self.processes, said, sandbox=self.sandbox, domain=f"{bin}.example")
        return LenderApi(self.url, _KEY.findall(said)[0])

    def last_words(self) -> dict[str, str]:
        """What those that ended by themselves wrote last."""
        logs = {name: self.folder / "logs" / f"{name}.log" for name in self.processes.ended()}
        return {name: "\n".join(log.read_text().splitlines()[-12:]) for name, log in logs.items()}

    def refused(self) -> list[str]:
        """What the processes wrote of statements that their roles may not do."""
        logs = (self.folder / "logs").glob("*.log")
        lines = (line for log in logs for line in log.read_text(errors="replace").splitlines())
        return [line for line in lines if "ProgrammingError" in line or "denied for" in line]

    def start_worker(self, *, children: int = 1, **more: str) -> str:
        """One more worker with a pool of one child or more, with more in its environment; gives its
        name.
        """
        name = self._name("worker")
        of_worker = database.as_process("worker") | more
        command = ["env", *(f"{variable}={value}" for variable, value in of_worker.items())]
        command += [sys.executable, "-m", "celery", "-A", "config", "worker", "-n", f"{name}@%h"]
        command.append(f"--concurrency={children}")
        pid = ["--pidfile", str(self._pid_file(name))]
        self.processes.start(
            name, [*command, *pid, "--loglevel=DEBUG", "--without-gossip", "--without-mingle"]
        )
        self.workers.append(name)
        return name

    def kill_worker(self, name: str) -> None:
        """SIGKILL to a worker and its child at once."""
        self.workers.remove(name)
        self.processes.kill(name)

    def pid_of(self, name: str) -> int:
        """The process id of a worker, which is also that of its group; 0 until it is written."""
        file = self._pid_file(name)
        return int(file.read_text() or 0) if file.exists() else 0

    def children_of(self, name: str) -> list[int]:
        """The process ids of a worker's pool: one, or none for a moment at its start or after a
        kill.
        """
        if not self._pid_file(name).is_file():
            return []
        parent = Path(f"/proc/{self.pid_of(name)}")
        # By thread, for a child that replaces another is not forked by the main one.
        children = [
            int(child)
            for each in parent.glob("task/*/children")
            for child in each.read_text().split()
        ]
        # A program that it runs at its start, as Python does to name the platform, is no child of
        # the pool.
        program = _program(self.pid_of(name))
        return [child for child in children if program and _program(child) == program]

    def script_fault(self, kind: str, *, times: int = 1) -> None:
        """The next answers for a revocation list go wrong in this way."""
        # The responders fail all the while, so that the list is what it depends on.
        for fault in (
            {"source": "ocsp", "kind": "http_500", "times": 1000},
            {"source": "crl", "kind": kind, "times": times},
        ):
            assert (
                urllib3.request("POST", f"{self.sandbox}/faults", json=fault, timeout=10).status
                == 201
            )

    def mend(self) -> None:
        """The sandbox behaves again."""
        urllib3.request("DELETE", f"{self.sandbox}/faults", timeout=10)

    def is_fault_taken(self) -> bool:
        """Whether somebody has run into what was scripted."""
        waiting = urllib3.request("GET", f"{self.sandbox}/faults", timeout=10).json()["waiting"]
        return all(fault["source"] != "crl" for fault in waiting)

    def borrow(self, name: str) -> tuple[str, Browser, Credential]:
        """A verification whose borrower stands before the statement, and the borrower's own key."""
        iin = self.stage.iin()
        credential = self.stage.credential(iin, family="rsa")
        opened, browser = self.stage.borrow(name, iin)
        return opened["id"], browser, credential

    def rows(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        """What a SELECT gives."""
        return database.rows(self.folder, statement, *values)

    def entries(self, verification_id: str) -> list[str]:
        """The types of all entries about a verification, in its order."""
        ordered = (
            "SELECT type FROM verification_auditentry WHERE verification_id = %s ORDER BY"
            " verification_sequence"
        )
        return [entry_type for (entry_type,) in self.rows(ordered, verification_id)]

    def said(self, verification_id: str, entry_type: str, word: str) -> list[Any]:
        """What the entries of a type about a verification say under a word."""
        bodies = (
            "SELECT body FROM verification_auditentry WHERE verification_id = %s AND type = %s"
            " ORDER BY id"
        )
        found = [body for (body,) in self.rows(bodies, verification_id, entry_type)]
        return [(body if isinstance(body, dict) else json.loads(body))[word] for body in found]

    def causes(self, verification_id: str) -> list[str]:
        """Why steps of a verification faulted."""
        return self.said(verification_id, "step.faulted", "cause")

    def decisions(self, verification_id: str) -> list[str]:
        """The entries that decided a verification."""
        return [
            entry_type for entry_type in self.entries(verification_id) if entry_type in DECISIONS
        ]

    def burnt(self, verification_id: str) -> int:
        """How many attempts of it were counted against the borrower."""
        counted = "SELECT COUNT(*) FROM verification_attempt WHERE verification_id = %s AND burnt"
        return int(self.rows(counted, verification_id)[0][0])

    def events(self) -> list[dict[str, Any]]:
        """What the lender may read of the log."""
        return events_of(self.api)

    def received(self) -> dict[str, set[bytes]]:
        """The bodies that came to the lender's endpoint, by `webhook-id`."""
        came: dict[str, set[bytes]] = {}
        for request in list(self.receiver.received):
            came.setdefault(request.headers["webhook-id"], set()).add(request.body)
        return came

    def wait_for_log(self) -> None:
        """Until every entry has its place in the log."""
        # The live log is not kept here: what was taken of the law waits in it.
        waiting = (
            "SELECT COUNT(*) FROM verification_auditpending JOIN verification_auditentry "
            "ON verification_auditentry.id = entry_id WHERE log = 'test'"
        )
        wait_until(lambda: self.rows(waiting)[0][0] == 0, what="the log to be ordered", seconds=30)

    def audit(self) -> str:
        """Empty if the whole log verifies and some judgements come out the same, else what is
        wrong.
        """
        done = self.processes.manage("audit_verify", "--replay", "5")
        if done.returncode == 0:
            return ""
        if done.returncode != 1:
            return done.stdout + done.stderr
        # Captures by one face are many here: tests/service/test_lines.py has their words forgotten,
        # and that is named. And some workers give up at the second try, so that no test waits for
        # five leases.
        expected = (
            "words of words of attempt",
            "judgements drawn",
            "it failed after 2 tries, and has 5",
        )
        return "\n".join(
            line for line in done.stdout.splitlines() if not any(part in line for part in expected)
        )

    def _environment(self) -> dict[str, str]:
        own = {
            "DJANGO_SETTINGS_MODULE": "tests.service.quick_settings",
            "TULGA_VAR_DIR": str(self.folder),
            "TULGA_KEYS_DIR": str(self.folder / "keys"),
            "TULGA_PROCESS": "",
            "TULGA_EVIDENCE_DIR": str(self.folder / "evidence"),
            "TULGA_LOG_HEAD_DIR": str(self.folder / "log_head"),
            "TULGA_PUBLIC_URL": self.url,
            "TULGA_SANDBOX_URL": self.sandbox,
            "TULGA_WEBHOOK_TEST_HOSTS": ",".join(
                (self.receiver.authority, urlsplit(self.developers_receiver).netloc)
            ),
            "TULGA_LOG_LEVEL": "DEBUG",
        }
        # Commands act at the door, as web does; other processes name their role.
        of_web = database.environment() | database.roles() | database.as_process("web")
        return own | of_web | broker.environment(self.folder)

    def _start_tick(self) -> None:
        name = self._name("tick")
        of_tick = database.as_process("tick")
        variables = [f"{variable}={value}" for variable, value in of_tick.items()]
        self.processes.start(name, ["env", *variables, sys.executable, "manage.py", "tick"])
        self.ticks.append(name)

    def _name(self, kind: str) -> str:
        self._started += 1
        return f"{kind}-{self._started}"

    def _pid_file(self, name: str) -> Path:
        return self.folder / f"{name}.pid"


def events_of(api: LenderApi) -> list[dict[str, Any]]:
    """What this lender may read of the log."""
    found: list[dict[str, Any]] = []
    page: dict[str, Any] = {"next": 0, "has_more": True}
    while page["has_more"]:
        page = api.call("GET", f"/v1/events?limit=100&after={page['next']}")
        found += page["data"]
    return found


def _program(pid: int) -> str:
    """The file that a process runs; empty when it is gone."""
    try:
        return str(Path(f"/proc/{pid}/exe").readlink())
    except OSError:
        return ""
