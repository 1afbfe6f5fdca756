"""Judges every file of a folder in a process that may use little time and memory, and prints what
came out as JSON.

Usage: python -m tests.verification.engines.faces.judge_files FOLDER MODELS SECONDS BYTES
For each file: the code of the refusal, or the numbers of the face.
"""

import json
import resource
import sys
from pathlib import Path

from verification.core.errors import Refused
from verification.engines.faces import backends
from verification.engines.faces.backends import Choice
from verification.engines.faces.image_gate import ImageLimits

LIMITS = ImageLimits(max_bytes=10 * 2**20, max_pixels=25_000_000)


def judge(content: bytes) -> str | list[float]:
    """The code of the refusal, or the numbers."""
    try:
        return [
            float(each) for each in backends.in_use().embed_file(content, limits=LIMITS).numbers
        ]
    except Refused as refusal:
        return refusal.code


def main(folder: Path, models: Path, *, seconds: int, octets: int) -> None:
    """Judges them in the order of their names."""
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    resource.setrlimit(resource.RLIMIT_AS, (octets, octets))
    backends.use(Choice(models=models))
    found = {path.name: judge(path.read_bytes()) for path in sorted(folder.iterdir())}
    json.dump({"found": found, "peak_bytes": _peak()}, sys.stdout)


def _peak() -> int:
    """The most memory this process ever had, bytes. `getrusage` would tell that of its parent
    process.
    """
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmHWM")).split()[1]) * 1024


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), seconds=int(sys.argv[3]), octets=int(sys.argv[4]))
