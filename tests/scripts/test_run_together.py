"""`make run`: all processes as one user, who can read every key. Live mode is refused before
anything is made.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

_ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("is_first", [True, False])
@pytest.mark.parametrize("live", ["1", "true", "TRUE", " yes ", "on"])
def test_live_mode_is_refused_before_anything_is_started(live: str, *, is_first: bool) -> None:
    asked = [sys.executable, "scripts/run_together.py", *(["--may-run"] if is_first else [])]
    environment = {**os.environ, "TULGA_MODES_LIVE": live}
    done = subprocess.run(
        asked, cwd=_ROOT, env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 1
    assert "each part runs as its own user, with its own keys" in done.stdout
    assert "started" not in done.stdout


@pytest.mark.parametrize("live", ["", "0", "false", "no"])
def test_without_live_mode_it_may_run(live: str) -> None:
    environment = {**os.environ, "TULGA_MODES_LIVE": live}
    asked = [sys.executable, "scripts/run_together.py", "--may-run"]
    assert (
        subprocess.run(asked, cwd=_ROOT, env=environment, timeout=60, check=False).returncode == 0
    )
