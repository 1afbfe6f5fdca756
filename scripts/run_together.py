"""Runs web, worker, tick and deliver together: for a developer's machine or a small server. Ctrl-C
ends all.

If one ends, all do. A larger installation runs several of each under its own supervisor: see the
operator's guide.
"""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import FrameType

_ROOT = Path(__file__).resolve().parent.parent
_BIN = Path(sys.executable).parent
_STOP_SECONDS = 30  # a worker finishes its step: above the step's hard limit

PARTS = {
    "web": [str(_BIN / "gunicorn"), "--config", "config/gunicorn_settings.py"],
    "worker": [
        str(_BIN / "celery"),
        "-A",
        "config",
        "worker",
        "--concurrency=2",
        "--without-gossip",
        "--without-mingle",
    ],
    "tick": [sys.executable, "manage.py", "tick"],
    "deliver": [sys.executable, "manage.py", "deliver"],
}


class _Stopped(Exception):
    """A signal asked us to end."""


def main() -> int:
    """Starts all parts and waits. 0 after a signal, 1 when a part ended by itself."""
    if os.environ.get("TULGA_MODES_LIVE", "").strip().lower() in ("1", "true", "yes", "on"):
        print(
            "In live mode each part runs as its own user, with its own keys: see"
            " docs/operator/install.md.",
            flush=True,
        )
        return 1
    if "--may-run" in sys.argv[1:]:
        return 0
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _stop)
    running: dict[str, subprocess.Popen[bytes]] = {}
    try:
        for name, command in PARTS.items():
            # Each part is a group of its own, so that Ctrl-C reaches it through us, once and in
            # order.
            running[name] = subprocess.Popen(
                command, cwd=_ROOT, stdin=subprocess.DEVNULL, start_new_session=True
            )
            print(f"→ {name} started (process {running[name].pid})", flush=True)
        return _wait(running)
    except _Stopped:
        print("→ ending: steps that have begun are finished first", flush=True)
        return 0
    finally:
        _end(running)


def _wait(running: dict[str, subprocess.Popen[bytes]]) -> int:
    while True:
        for name, process in running.items():
            if process.poll() is not None:
                print(
                    f"→ {name} ended by itself with {process.returncode}: ending the others",
                    flush=True,
                )
                return 1
        time.sleep(0.5)


def _end(running: dict[str, subprocess.Popen[bytes]]) -> None:
    for process in running.values():
        if process.poll() is None:
            process.terminate()
    deadline = time.monotonic() + _STOP_SECONDS
    for process in running.values():
        try:
            process.wait(timeout=max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _stop(number: int, frame: FrameType | None) -> None:
    raise _Stopped


if __name__ == "__main__":
    sys.exit(main())
