"""The processes of the demo: sandbox, web, worker, tick, deliver, on free loopback ports; their
output in files.
"""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO, Any

import urllib3

from insecure_sandbox.borrower import PlayFailed
from insecure_sandbox.demo.progress import say

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent
_READY_SECONDS = 90.0
_STOP_SECONDS = 10.0


class DemoFailed(PlayFailed):
    """The demo cannot go on; the text says why and what to do."""


def free_port(preferred: int) -> int:
    """The wanted loopback port, or a free one if it is in use. Another process may take it."""
    with hold_port(preferred) as held:
        free: int = held.getsockname()[1]
        return free


def hold_port(preferred: int) -> socket.socket:
    """The wanted loopback port, or a free one if it is in use; ours while the socket is open.

    It listens, because two processes may share a port that only one of them has bound.
    """
    for port in (preferred, 0):
        if _is_served_over_ipv6(port):
            continue
        held = socket.socket()
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            held.bind(("127.0.0.1", port))
            held.listen()
        except OSError:
            held.close()
            continue
        return held
    raise DemoFailed("no free port on the loopback address")


def _is_served_over_ipv6(port: int) -> bool:
    """Whether another program serves this port at ::1, where `localhost` may lead first."""
    try:
        socket.create_connection(("::1", port), timeout=1).close()
    except OSError:
        return False
    return True


class Processes:
    """Starts, kills and ends the demo's own processes, each a group of its own."""

    def __init__(self, *, environment: dict[str, str], logs: Path) -> None:
        """`environment`: for all of them; `logs` gets one file each."""
        # `env` sets these before it executes the command; the rest is inherited.
        self.environment = ["env", *(f"{name}={value}" for name, value in environment.items())]
        self._logs = logs
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        logs.mkdir(parents=True, exist_ok=True)

    def start(
        self, name: str, command: Sequence[str], *, listening: socket.socket | None = None
    ) -> None:
        """Starts one under a name. listening: a socket that it serves from now on."""
        with self._log(name) as output:
            self._running[name] = subprocess.Popen(  # noqa: S603
                [*self.environment, *command],
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                pass_fds=() if listening is None else (listening.fileno(),),
            )
        if listening is not None:
            listening.close()
        say(
            f"{name} started (process {self._running[name].pid}, output in {self._logs / name}.log)"
        )

    def kill(self, name: str) -> None:
        """SIGKILL to the whole group, without any warning."""
        process = self._running.pop(name)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def signal(self, name: str, number: signal.Signals) -> None:
        """A signal to the whole group."""
        os.killpg(self._running[name].pid, number)

    def manage(
        self, *arguments: str, database: Path | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Runs a management command to its end and returns its output; on another SQLite file if
        named.
        """
        variables = [f"DATABASE_URL=sqlite:///{database}"] if database else []
        return subprocess.run(  # noqa: S603
            [*self.environment, *variables, sys.executable, "manage.py", *arguments],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )

    def must(self, *arguments: str) -> str:
        """The output of a management command that must succeed.

        Raises: `DemoFailed` with its output.
        """
        done = self.manage(*arguments)
        if done.returncode != 0:
            raise DemoFailed(
                f"manage.py {' '.join(arguments[:2])} failed:\n{done.stdout}{done.stderr}"
            )
        return done.stdout

    def wait_for(self, url: str, *, name: str) -> None:
        """Waits until an address answers.

        Raises: `DemoFailed` if the process ends first, or never answers.
        """
        wait_until(
            lambda: self._answers(url, name=name), what=f"{name} at {url}", seconds=_READY_SECONDS
        )

    def ended(self) -> list[str]:
        """Names of processes that ended by themselves."""
        return [name for name, process in self._running.items() if process.poll() is not None]

    def forget(self, name: str) -> None:
        """Drops one that ended on purpose."""
        del self._running[name]

    def stop(self) -> None:
        """Ends all: by a signal first, killed after a while."""
        for process in self._running.values():
            if process.poll() is None:
                process.terminate()
        deadline = time.monotonic() + _STOP_SECONDS
        for process in self._running.values():
            try:
                process.wait(timeout=max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()

    def _answers(self, url: str, *, name: str) -> bool:
        if self._running[name].poll() is not None:
            raise DemoFailed(f"{name} ended by itself; see {self._logs / name}.log")
        try:
            return urllib3.request("GET", url, timeout=2, retries=False).status < 500
        except urllib3.exceptions.HTTPError:
            return False

    def _log(self, name: str) -> IO[Any]:
        return (self._logs / f"{name}.log").open("ab")


def wait_until(is_so: Callable[[], bool], *, what: str, seconds: float) -> None:
    """Polls until true.

    Raises: `DemoFailed` after the time.
    """
    deadline = time.monotonic() + seconds
    while not is_so():
        if time.monotonic() > deadline:
            raise DemoFailed(f"waited {seconds:.0f} s in vain for {what}")
        time.sleep(0.2)
