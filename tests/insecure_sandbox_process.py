"""The sandbox as it really runs: a process of its own on a free port of loopback."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import urllib3

from insecure_sandbox.keys import FOLDER_VARIABLE
from tests.environment import RSA_KEYS

REPOSITORY = Path(__file__).resolve().parent.parent

_STOP_SECONDS = 10.0
_numbers = count(1)


@dataclass(frozen=True)
class SandboxProcess:
    """A running sandbox: `url` without a trailing slash, and its state directory."""

    url: str
    state: Path
    process: subprocess.Popen[str]

    def stop(self) -> int:
        """Ends the process as an operator would; gives its exit code."""
        self.process.terminate()
        return self.process.wait(_STOP_SECONDS)

    def post(self, path: str, **fields: object) -> dict[str, Any]:
        """The answer to a POST that must succeed."""
        response = urllib3.request("POST", self.url + path, json=fields, timeout=30.0)
        assert response.status in (200, 201), response.data
        answer: dict[str, Any] = response.json()
        return answer

    def get(self, path: str) -> bytes:
        """The body of a GET that must succeed."""
        response = urllib3.request("GET", self.url + path, timeout=30.0)
        assert response.status == 200, response.data
        return response.data

    def mend(self) -> None:
        """Forgets every scripted fault."""
        urllib3.request("DELETE", self.url + "/faults", timeout=30.0)


def start_sandbox(state: Path) -> SandboxProcess:
    """Starts one over `state` on a free port and waits until it has said where it listens."""
    command = [sys.executable, "-m", "insecure_sandbox", "--state", str(state), "--port", "0"]
    environment = os.environ | {FOLDER_VARIABLE: str(RSA_KEYS / f"sandbox-{next(_numbers)}")}
    with (state.parent / f"{state.name}.log").open("a") as log:
        process = subprocess.Popen(
            command, cwd=REPOSITORY, env=environment, stdout=subprocess.PIPE, stderr=log, text=True
        )
    assert process.stdout is not None
    announced = process.stdout.readline()
    assert announced.startswith("insecure sandbox at http://"), announced
    return SandboxProcess(announced.split()[-1], state, process)


@contextmanager
def running_sandbox(state: Path) -> Iterator[SandboxProcess]:
    """One of the test's own; it ends with the block, whatever happens in it."""
    running = start_sandbox(state)
    try:
        yield running
    finally:
        running.stop()


@pytest.fixture(scope="session")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxProcess]:
    """One sandbox for the whole process of pytest. Script faults with `post("/faults", …)`;
    `mend()` when done.
    """
    with running_sandbox(tmp_path_factory.mktemp("sandbox") / "state") as running:
        yield running
