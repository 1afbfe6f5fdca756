"""Frames of a portrait that does what it is told, painted once for a machine: they are the same
each time.

They lie in var/samples/painted/, named by all that has a say in them, and are painted anew where
any of it changed.
"""

import io
import json
from functools import cache
from hashlib import sha256
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Final

import numpy as np
from PIL import Image

from insecure_sandbox import samples, warp

_ROOT: Final = Path(__file__).resolve().parent.parent
_PAINTERS: Final = (
    "insecure_sandbox/warp*.py",
    "verification/engines/liveness/*.py",
    "requirements/runtime.txt",
)
_FOLDER: Final = samples.SAMPLES / "painted"
_LENGTH_BYTES: Final = 4  # before each frame in a file


@cache
def painted(portrait: Path, gesture: warp.Play, count: int, *, seed: int) -> tuple[bytes, ...]:
    """`count` frames of the gesture by the person of this portrait, as JPEG."""
    said = json.dumps(
        [sha256(portrait.read_bytes()).hexdigest(), _painters(), gesture, count, seed]
    )
    kept = _FOLDER / sha256(said.encode()).hexdigest()
    if kept.is_file():
        return _apart(kept.read_bytes())
    frames = tuple(_puppet(portrait).play(gesture, count, seed=seed))
    write_aside(
        kept, b"".join(len(frame).to_bytes(_LENGTH_BYTES, "big") + frame for frame in frames)
    )
    return frames


def write_aside(path: Path, content: bytes) -> None:
    """Writes a file aside and moves it, so that a process beside never reads half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with NamedTemporaryFile(dir=path.parent, delete=False) as aside:
        aside.write(content)
    Path(aside.name).replace(path)


@cache
def _puppet(portrait: Path) -> warp.Puppet:
    return warp.Puppet(np.asarray(Image.open(portrait).convert("RGB"), dtype=np.uint8))


@cache
def _painters() -> str:
    """What the frames depend on besides the portrait: our own code, and the locked versions of what
    it calls.
    """
    files = sorted(path for pattern in _PAINTERS for path in _ROOT.glob(pattern))
    return sha256(b"".join(path.read_bytes() for path in files)).hexdigest()


def _apart(content: bytes) -> tuple[bytes, ...]:
    reader, frames = io.BytesIO(content), []
    while length := reader.read(_LENGTH_BYTES):
        frames.append(reader.read(int.from_bytes(length, "big")))
    return tuple(frames)
