"""What each part of a measurement costs a frame, in processor time of one thread."""

from collections.abc import Callable, Sequence
from itertools import pairwise
from time import process_time
from typing import TypeVar

import cv2
import numpy as np

from tools.genuine import Figures
from tools.genuine.clips import Observed, Seen
from tools.genuine.continuity import corners, joint
from verification.engines.faces import backends, detection
from verification.engines.faces.portrait import ARCFACE, Portrait
from verification.engines.liveness import frames, landmarks, networks, policy, prints
from verification.engines.liveness.landmarks import five_points

_FRAMES, _ROUNDS = 60, 3
Each = TypeVar("Each")


def measure(clips: Sequence[Observed]) -> Figures:
    """Milliseconds a frame, the least of three rounds over sixty frames of all clips, by stream."""
    found: Figures = {}
    for stream in ("chain", "full"):
        seen = [one for each in clips for one in getattr(each, stream)]
        chosen = [seen[at] for at in np.linspace(0, len(seen) - 1, _FRAMES).astype(int)]
        found[stream] = {name: _least(chosen, each) for name, each in _parts(stream).items()}
    chain = [one for one in clips[0].chain if one.measured][:_FRAMES]
    found["corners_of_the_face"] = _least(list(pairwise(chain)), lambda pair: corners(*pair))
    found["joint"] = _least(list(pairwise(chain)), lambda pair: joint(*pair))
    rows = [(one.image, one.measured) for one in chain if one.measured]
    found["prints"] = round(_least([rows], prints.prints_of) / len(rows), 3)
    found["words"] = round(_least([prints.prints_of(rows)], prints.marks) / len(rows), 3)
    cuts = [Portrait(one.image, five_points(one.mesh), 1.0).cut(ARCFACE, side=112) for one in chain]
    net = backends.in_use().recogniser.net  # type: ignore[attr-defined]  # of the default backend
    for size in (1, 4, 16):
        groups = [cuts[at : at + size] for at in range(0, len(cuts) - size + 1, size)]
        found[f"embed_{size}_at_once"] = round(_least(groups, net.rows) / size, 3)
    return found


def _parts(stream: str) -> dict[str, Callable[[Seen], object]]:
    backend, loaded = backends.in_use(), networks.load()
    if (eye := loaded.eye) is None:
        raise TypeError("the eye model is measured, too")
    limits = policy.CHAIN if stream == "chain" else policy.FRAMES
    jpegs: dict[int, bytes] = {}

    def decode(seen: Seen) -> object:
        if id(seen) not in jpegs:
            made = cv2.imencode(".jpg", seen.image[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, 60])[1]
            jpegs[id(seen)] = made.tobytes()
        return frames.decode(jpegs[id(seen)], limits=limits)

    return {
        "decode": decode,
        "find": lambda seen: landmarks.detect(seen.image, network=loaded.detection),
        "find_mesh_and_eyes": lambda seen: landmarks.measure(seen.image, networks=loaded),
        "one_eye": lambda seen: eye.run(np.zeros((eye.side, eye.side, 3), np.float32)),
        "mesh_net": lambda seen: loaded.mesh.run(
            np.zeros((loaded.mesh.side, loaded.mesh.side, 3), np.float32)
        ),
        "yunet": lambda seen: detection.locate(seen.image, yunet=backend.yunet, is_frame=True),
        "look": lambda seen: backend.look_at_all([seen.image]),
        "cut_and_embed": lambda seen: backend.embed(
            Portrait(seen.image, five_points(seen.mesh), 1.0)
        ),
    }


def _least(chosen: Sequence[Each], what: Callable[[Each], object]) -> float:
    rounds = []
    for _ in range(_ROUNDS):
        start = process_time()
        for each in chosen:
            what(each)
        rounds.append(1000 * (process_time() - start) / len(chosen))
    return round(min(rounds[1:]), 3)
