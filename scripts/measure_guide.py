"""Measures the duration of the lender's guide: a fresh clone, `make sandbox` without a cache, and
each command.

python -m scripts.measure_guide        writes docs/evidence/guide.json, for the commit checked out
"""

import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from scripts.guide_blocks import ROOT, Part, parts
from tests.proofs import write_evidence

_START_SECONDS = 1800
_PART_SECONDS = 300
_READY = "serving at "


class GuideFailed(Exception):
    """A command of the guide failed; the text is its output."""


def main() -> int:
    """0 once the file is written."""
    with tempfile.TemporaryDirectory(prefix="guide-") as place:
        folder = Path(place)
        clone = folder / "tulga"
        subprocess.run(["git", "clone", "--quiet", str(ROOT), str(clone)], check=True)  # noqa: S607
        began = time.monotonic()
        serving = _start(clone, folder)
        try:
            seconds = {"start": time.monotonic() - began}
            for name, title in (("curl", "By curl"), ("client", "By the Python client")):
                seconds[name] = _play(parts()[title], clone, folder / name)
        finally:
            os.killpg(serving.pid, signal.SIGTERM)
            serving.wait(timeout=60)
    figures = {name: round(value, 1) for name, value in seconds.items()} | {
        "all": round(sum(seconds.values()), 1)
    }
    print(figures)
    content = {
        "failures": [],
        "figures": {
            "seconds": figures,
            "caches": "none",
            "cores_busy": round(os.getloadavg()[1], 1),
        },
    }
    print(write_evidence("guide", seed=0, found=content))
    return 0


def _start(clone: Path, folder: Path) -> subprocess.Popen[bytes]:
    """`make sandbox` in the clone, once it serves.

    Raises: `GuideFailed` if it ends, or takes half an hour.
    """
    transcript = folder / "sandbox.txt"
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith("TULGA_")
    }
    environment |= {"UV_CACHE_DIR": str(folder / "cache"), "PIP_NO_CACHE_DIR": "1"}
    with transcript.open("wb") as output:
        serving = subprocess.Popen(
            ["make", "sandbox"],  # noqa: S607
            cwd=clone,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    deadline = time.monotonic() + _START_SECONDS
    while _READY not in transcript.read_text(errors="replace"):
        if serving.poll() is not None or time.monotonic() > deadline:
            raise GuideFailed(transcript.read_text(errors="replace")[-3000:])
        time.sleep(0.1)
    return serving


def _play(part: Part, clone: Path, folder: Path) -> float:
    """Seconds of a part's commands in a folder of their own.

    Raises: `GuideFailed`.
    """
    folder.mkdir()
    for name, text in part.files.items():
        (folder / name).write_text(text, encoding="utf-8")
    began = time.monotonic()
    done = subprocess.run(
        [  # noqa: S607
            "bash",
            "-euo",
            "pipefail",
            "-c",
            f". {clone}/var/demo/developer.env\n{part.commands}",
        ],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=_PART_SECONDS,
        check=False,
    )
    if done.returncode:
        raise GuideFailed(done.stdout + done.stderr)
    return time.monotonic() - began


if __name__ == "__main__":
    sys.exit(main())
