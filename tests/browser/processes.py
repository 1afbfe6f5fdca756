"""Processes of the product and of the sandbox, beside the pages."""

import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
_SECONDS = 30.0


@contextmanager
def running(*command: str, folder: Path, environment: dict[str, str]) -> Iterator[Path]:
    """A process of the product until the block ends; gives the file of what it says."""
    log = folder / f"{command[0]}.log"
    with log.open("w") as target:
        process = subprocess.Popen(
            [sys.executable, "-m", *command],
            cwd=ROOT,
            env=environment,
            stdout=target,
            stderr=subprocess.STDOUT,
        )
    try:
        yield log
    finally:
        process.terminate()
        process.wait(_SECONDS)


def said(log: Path, pattern: str) -> str:
    """Waits until a process has said something of this form; gives what it said in the pattern's
    group.
    """
    deadline = time.monotonic() + _SECONDS
    while (found := re.search(pattern, log.read_text())) is None:
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.1)
    return found[1]
