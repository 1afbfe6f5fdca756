"""Starts a PostgreSQL of its own and asks the hot queries in a process of their own; see `python -m
tests.growth`.
"""

import json
import os
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tests.growth import database
from tests.servers import start_postgresql

_ROOT = Path(__file__).resolve().parents[2]


def ask(*, verifications: int, times: int = 3) -> dict[str, Any]:
    """What was found with so many verifications; each question is timed so often."""
    with ExitStack() as ending:
        folder = Path(
            ending.enter_context(
                TemporaryDirectory(prefix="tulga-growth-", ignore_cleanup_errors=True)
            )
        )
        folder.chmod(0o755)  # PostgreSQL may run as another user
        server = start_postgresql(folder, more=("shared_buffers=512MB", "jit=off"))
        ending.callback(server.stop)
        variables = {
            name: value for name, value in os.environ.items() if not name.startswith("TULGA_TEST_")
        }
        variables |= {**server.places("growth"), "DJANGO_SETTINGS_MODULE": "tests.settings"}
        database.make(variables)
        call = [sys.executable, "-m", "tests.growth", str(verifications), str(times)]
        done = subprocess.run(
            call, cwd=_ROOT, env=variables, capture_output=True, text=True, check=False
        )
    if done.returncode:
        raise RuntimeError(done.stderr[-4000:])
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found
