"""PostgreSQL, Redis and RabbitMQ of one test run: private, on free loopback ports, in one folder,
gone afterwards.

Whatever else listens on the usual ports is left alone, so two runs at once do not meet, and a
server that trusts everybody as superuser hides no missing grant.
"""

import os
import pwd
import random
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from threading import Lock
from types import TracebackType
from typing import Any
from urllib.parse import quote

import psycopg
import redis
from psycopg import sql

REDIS_DATABASES = 256
"""How many processes of pytest one Redis serves; more is no defect of Redis, only of this
number.
"""

PROCESS_ROLES = {process: f"tulga_{process}" for process in ("web", "worker", "tick", "sender")}
"""Beside the application's role, which most tests act as, a role for each process."""

_START_SECONDS = 180
_PACKAGES = {
    "postgres": "postgresql",
    "redis-server": "redis-server",
    "rabbitmq-server": "rabbitmq-server",
}
_PLACES = (
    "/usr/lib/postgresql/*/bin",
    "/usr/local/pgsql/bin",
    "/usr/lib/rabbitmq/bin",
    "/usr/sbin",
    "/opt/*/bin",
)


class ServerMissing(Exception):
    """A server's program is not on this machine, or did not start; the text says what to do."""


@dataclass(frozen=True, kw_only=True)
class Server:
    """A running server: what points a process of this name to its own place there, and how to end
    it.
    """

    places: Callable[[str], Mapping[str, str]]
    stop: Callable[[], None]


def missing_packages() -> list[str]:
    """Debian packages whose programs are not here."""
    return [package for program, package in _PACKAGES.items() if _find(program) is None]


class Servers:
    """The servers of one run: each starts when a process first needs it, all end together.

    Every process gets a database, a number (Redis) or a virtual host (RabbitMQ) of its own, however
    many there are.
    """

    def __init__(self, folder: Path, *, postgresql: Sequence[str] = ()) -> None:
        """`folder` is the run's own, and gone after it. `postgresql`: options, as of
        `start_postgresql`.
        """
        self._postgresql = postgresql
        self.folder, self._lock, self._stack = folder, Lock(), ExitStack()
        self._running: dict[str, Server | ServerMissing] = {}
        self._numbers: dict[str, int] = {}

    def __enter__(self) -> "Servers":
        """Nothing runs yet."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        """End what was started."""
        self._stack.close()

    def environment(self, process: str, *, broker: str) -> dict[str, str]:
        """What points this process to its own places; with a broker, PostgreSQL too. Raises
        `ServerMissing`.
        """
        found = {"TULGA_TEST_RUN_DIR": str(self.folder)}
        if broker != "filesystem":
            start = partial(start_postgresql, more=self._postgresql)
            found |= self._start("postgresql", start).places(process)
        return found | self.broker(process, broker)

    def broker(self, process: str, broker: str) -> dict[str, str]:
        """The process's own place at the broker alone."""
        if broker == "redis":
            return dict(self._start("redis", start_redis).places(str(self._number(process))))
        return (
            dict(self._start("rabbitmq", start_rabbitmq).places(process))
            if broker == "rabbitmq"
            else {}
        )

    def _start(self, name: str, start: Callable[[Path], Server]) -> Server:
        with self._lock:
            if name not in self._running:
                try:
                    self._running[name] = server = start(self.folder)
                    self._stack.callback(server.stop)
                except ServerMissing as missing:
                    self._running[name] = missing
            running = self._running[name]
        if isinstance(running, ServerMissing):
            raise running
        return running

    def _number(self, process: str) -> int:
        with self._lock:
            number = self._numbers.setdefault(process, len(self._numbers))
        if number >= REDIS_DATABASES:
            raise ServerMissing(
                f"Redis was started for {REDIS_DATABASES} processes, and there are more"
            )
        return number


def start_postgresql(folder: Path, *, more: Sequence[str] = ()) -> Server:
    """A cluster whose owner role may make databases and whose application role may not. Raises
    `ServerMissing`.

    `more`: options of PostgreSQL beside those of every test, as `name=value`.
    """
    port, data, user = free_port(), folder / "postgresql", _unprivileged_user()
    data.mkdir()
    if user:
        shutil.chown(data, user["user"])
    initdb = [
        _program("initdb"),
        "-D",
        str(data),
        "-U",
        "tulga_root",
        "-A",
        "trust",
        "-E",
        "UTF8",
        "--no-sync",
    ]
    _run(initdb, **user)
    # What is lost with the machine is no loss here, so nothing waits for the disk.
    options = [
        "max_connections=400",
        "fsync=off",
        "synchronous_commit=off",
        "full_page_writes=off",
        "autovacuum=off",
        "jit=off",
    ]
    options += [f"unix_socket_directories={data}", *more]
    command = [_program("postgres"), "-D", str(data), "-h", "127.0.0.1", "-p", str(port)]
    process = _spawn(
        [*command, *(word for option in options for word in ("-c", option))], folder, **user
    )
    root = f"postgresql://tulga_root@127.0.0.1:{port}/postgres"
    _wait(
        lambda: psycopg.connect(root, connect_timeout=1).close(), process, psycopg.OperationalError
    )
    _make_roles(root)
    # By its socket in the folder: a statement over the loopback takes half as much again of a core,
    # and twice as long.
    place = f"{quote(str(data), safe='')}:{port}"
    return Server(
        places=lambda name: {
            "TULGA_TEST_DATABASE_URL": f"postgresql://tulga_app@{place}/tulga_test_{name}",
            "TULGA_TEST_MIGRATION_DATABASE_URL": (
                f"postgresql://tulga_owner@{place}/tulga_test_{name}"
            ),
        },
        stop=lambda: _end(process, signal.SIGINT),  # which does not wait for clients to leave
    )


def start_redis(folder: Path) -> Server:
    """A Redis that keeps nothing on disk, with a number for each process. Raises
    `ServerMissing`.
    """
    port = free_port()
    command = [
        _program("redis-server"),
        "--port",
        str(port),
        "--bind",
        "127.0.0.1",
        "--dir",
        str(folder),
    ]
    process = _spawn(
        [*command, "--save", "", "--appendonly", "no", "--databases", str(REDIS_DATABASES)], folder
    )
    _wait(lambda: redis.Redis(port=port).ping(), process, redis.ConnectionError)
    return Server(
        places=lambda number: {"TULGA_TEST_BROKER_URL": f"redis://127.0.0.1:{port}/{number}"},
        stop=lambda: _end(process),
    )


def start_rabbitmq(folder: Path) -> Server:
    """A RabbitMQ node that makes a virtual host for each process that asks. Raises
    `ServerMissing`.
    """
    home, port = folder / "rabbitmq", free_port()
    home.mkdir()
    (home / "plugins").write_text("[].")
    environment = dict(os.environ) | _rabbitmq_environment(home, port)
    process = _spawn([_program("rabbitmq-server")], home, environment)
    control = _program("rabbitmqctl")

    def command(*words: str) -> None:
        _run([control, "--quiet", *words], environment)

    def places(name: str) -> dict[str, str]:
        command("add_vhost", name)
        command("set_permissions", "-p", name, "guest", ".*", ".*", ".*")
        return {"TULGA_TEST_BROKER_URL": f"amqp://guest:guest@127.0.0.1:{port}/{name}"}

    def stop() -> None:
        command("stop")
        _end(process)

    _wait(lambda: command("await_startup", "--timeout", "60"), process, ServerMissing)
    return Server(places=places, stop=stop)


def _rabbitmq_environment(home: Path, port: int) -> dict[str, str]:
    loopback = "-kernel inet_dist_use_interface {127,0,0,1}"
    return {
        "HOME": str(home),  # the node's secret lies here
        "RABBITMQ_NODENAME": f"tulga-test-{port}@localhost",
        "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
        "RABBITMQ_NODE_PORT": str(port),
        "RABBITMQ_DIST_PORT": str(free_port()),
        "RABBITMQ_MNESIA_BASE": str(home / "data"),
        "RABBITMQ_LOGS": str(home / "node.log"),
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(home / "plugins"),
        "RABBITMQ_PID_FILE": str(home / "pid"),
        "RABBITMQ_CONFIG_FILE": str(home / "none"),
        "RABBITMQ_CONF_ENV_FILE": str(home / "none"),
        "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": loopback,
    }


def _make_roles(address: str) -> None:
    with psycopg.connect(address, autocommit=True) as root:
        root.execute("CREATE ROLE tulga_owner LOGIN CREATEDB")
        for role in ("tulga_app", *PROCESS_ROLES.values()):
            root.execute(sql.SQL("CREATE ROLE {} LOGIN").format(sql.Identifier(role)))
        # To drop a database is to end what still runs in it, another role's sessions and the
        # server's own workers too.
        root.execute("GRANT pg_signal_backend TO tulga_owner")
        if (
            root.info.server_version >= 150_000
        ):  # else each test that commits gets a copy, which takes longer
            root.execute("GRANT SET ON PARAMETER session_replication_role TO tulga_owner")


def _unprivileged_user() -> dict[str, Any]:
    """For `subprocess`: who runs PostgreSQL, which refuses to run as root; nothing where we are
    somebody else already.

    No program changes the user: it would stand between our signals and the server, which then
        outlives its run.
    """
    if os.geteuid() != 0:
        return {}
    for name in ("postgres", "nobody"):
        with suppress(KeyError):
            found = pwd.getpwnam(name)
            return {"user": found.pw_uid, "group": found.pw_gid, "extra_groups": []}
    raise ServerMissing("PostgreSQL does not run as root: run the tests as another user")


def _program(name: str) -> str:
    found = _find(name)
    if found is None:
        package = _PACKAGES.get(name, "postgresql" if name == "initdb" else "rabbitmq-server")
        raise ServerMissing(f"{name} is not installed: sudo apt install {package}")
    return found


def _find(name: str) -> str | None:
    # The plain programs first: Debian's wrappers in /usr/sbin change the user and so lose our
    # settings.
    for place in _PLACES:
        for folder in sorted(Path("/").glob(place.lstrip("/")), reverse=True):
            if os.access(folder / name, os.X_OK):
                return str(folder / name)
    return shutil.which(name)


def free_port() -> int:
    """A free port that the system gives to no process that asks for any: a server binds seconds
    after its port is chosen.

    Below the range of <https://www.kernel.org/doc/html/latest/networking/ip-sysctl.html>,
    `ip_local_port_range`. Two runs at once choose by chance, and hardly ever the same.
    """
    for port in random.sample(range(20_000, 32_000), 100):
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise ServerMissing("a hundred ports of loopback are taken")


def _spawn(
    command: list[str], folder: Path, environment: Mapping[str, str] | None = None, **user: Any
) -> subprocess.Popen[bytes]:
    with (folder / f"{Path(command[0]).name}.out").open("wb") as out:
        return subprocess.Popen(
            command,
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            start_new_session=True,
            **user,
        )


def _run(command: list[str], environment: Mapping[str, str] | None = None, **user: Any) -> None:
    limits: dict[str, Any] = {"timeout": _START_SECONDS, "check": False}
    done = subprocess.run(
        command, env=environment, capture_output=True, text=True, **limits, **user
    )
    if done.returncode:
        raise ServerMissing(
            f"{' '.join(command)} failed: {done.stderr.strip() or done.stdout.strip()}"
        )


def _wait(
    ask: Callable[[], object], process: subprocess.Popen[bytes], not_yet: type[Exception]
) -> None:
    """Ask until there is an answer. Raises `ServerMissing` when the process has ended or the time
    is over.
    """
    deadline = time.monotonic() + _START_SECONDS
    while True:
        try:
            ask()
            return
        except not_yet as error:
            if process.poll() is not None or time.monotonic() > deadline:
                raise ServerMissing(f"{process.args!r} did not start: {error}") from error
            time.sleep(0.1)


def _end(process: subprocess.Popen[bytes], how: signal.Signals = signal.SIGTERM) -> None:
    process.send_signal(how)
    try:
        process.wait(timeout=10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
