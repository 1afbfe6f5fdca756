"""The pictures of a capture as files: a manifest with its folder, and a video."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import cv2

from insecure_sandbox import warp
from tests.painted import painted
from tests.verification.stages.live_capture import insecure_captures
from tests.verification.stages.live_capture.captures import APART_MS, stills_of, thin
from tools.capture_files import SCHEMA

ORDER = ("look_straight", "turn_right", "blink", "turn_left")
FIRST_MS = 500
RATE = 8  # frames a second of the video
COUNT = 3 * RATE  # frames of each command in it

Frames = Mapping[str, Sequence[bytes]]


def played(portrait: Path, *, order: Sequence[str] = ORDER, count: int = 12) -> Frames:
    """The frames of every command, played by the person of this portrait."""
    return {command: painted(portrait, _play(command), count, seed=1) for command in order}


def write(folder: Path, frames: Frames, *, reference: Path | None = None) -> Path:
    """The manifest of a capture with these frames, which lie beside it."""
    steps: list[dict[str, Any]] = []
    for number, (command, of) in enumerate(frames.items()):
        listed: dict[str, list[dict[str, object]]] = {"frames": [], "stills": []}
        for at, jpeg in enumerate(of):
            kinds = {"frames": thin(jpeg)} | (
                {"stills": jpeg} if at in stills_of(of, 2 if number else 3) else {}
            )
            for kind, content in kinds.items():
                name = f"{number}/{kind}-{at}.jpg"
                (folder / name).parent.mkdir(exist_ok=True)
                (folder / name).write_bytes(content)
                listed[kind].append({"at_ms": FIRST_MS + APART_MS * at, "file": name})
        steps.append({"command": command, **listed})
    manifest: dict[str, object] = {"schema": SCHEMA, "steps": steps}
    if reference is not None:
        (folder / "reference.jpg").write_bytes(reference.read_bytes())
        manifest["reference"] = "reference.jpg"
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder / "manifest.json"


def film(path: Path, frames: Frames) -> str:
    """These frames one after the other as a video, and how its commands are said on the command
    line.
    """
    pictures = [
        insecure_captures.pixels(jpeg)[:, :, ::-1].copy() for of in frames.values() for jpeg in of
    ]
    height, width = pictures[0].shape[:2]
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), RATE, (width, height))
    for picture in pictures:
        writer.write(picture)
    writer.release()
    seconds = COUNT / RATE
    return ",".join(
        f"{name}:{seconds * at:g}-{seconds * (at + 1):g}" for at, name in enumerate(frames)
    )


def _play(command: str) -> warp.Play:
    return "neutral" if command == "look_straight" else cast("warp.Play", command)
