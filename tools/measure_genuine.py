"""Measures genuine captures, and writes docs/evidence/genuine.json.

Usage: python -m tools.measure_genuine [--portraits FOLDER] [--only PART…] FOLDER…
The folders have the real clips of tools/genuine/clips.py, which names their sources.
Missing clips are left out and named.
`--portraits`: photographs of people, two of each in sequence.
`--only`: measure some parts again, and keep the other results.
"""

import argparse
import json
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path
from statistics import median
from time import process_time
from typing import TypeVar

import cv2
import numpy as np

from tests.proofs import write_evidence
from tools.genuine import (
    Figures,
    clips,
    continuity,
    gestures,
    identity,
    in_common,
    masks,
    refusals,
    replays,
    seams,
)
from tools.genuine.clips import Observed, Seen
from tools.genuine.continuity import corners, joint
from verification.engines.faces import backends, detection
from verification.engines.faces.portrait import ARCFACE, Portrait
from verification.engines.liveness import frames, landmarks, networks, policy, prints
from verification.engines.liveness.landmarks import five_points

_FRAMES, _ROUNDS = 60, 3
Each = TypeVar("Each")


def measure_cost(clips: Sequence[Observed]) -> Figures:
    """Milliseconds per frame, the least of three rounds over sixty frames of all clips, by
    stream.
    """
    figures: Figures = {}
    for stream in ("chain", "full"):
        views = [view for film in clips for view in getattr(film, stream)]
        chosen = [views[at] for at in np.linspace(0, len(views) - 1, _FRAMES).astype(int)]
        figures[stream] = {name: _least(chosen, part) for name, part in _parts(stream).items()}
    chain = [view for view in clips[0].chain if view.measured][:_FRAMES]
    figures["corners_of_the_face"] = _least(list(pairwise(chain)), lambda pair: corners(*pair))
    figures["joint"] = _least(list(pairwise(chain)), lambda pair: joint(*pair))
    rows = [(view.image, view.measured) for view in chain if view.measured]
    figures["prints"] = round(_least([rows], prints.prints_of) / len(rows), 3)
    figures["words"] = round(_least([prints.prints_of(rows)], prints.marks) / len(rows), 3)
    cuts = [
        Portrait(view.image, five_points(view.mesh), 1.0).cut(ARCFACE, side=112) for view in chain
    ]
    net = backends.in_use().recogniser.net  # type: ignore[attr-defined]  # of the default backend
    for size in (1, 4, 16):
        groups = [cuts[at : at + size] for at in range(0, len(cuts) - size + 1, size)]
        figures[f"embed_{size}_at_once"] = round(_least(groups, net.rows) / size, 3)
    return figures


def _parts(stream: str) -> dict[str, Callable[[Seen], object]]:
    backend, loaded = backends.in_use(), networks.load()
    if (eye := loaded.eye) is None:
        raise TypeError("the eye model is measured, too")
    limits = policy.CHAIN if stream == "chain" else policy.FRAMES
    jpegs: dict[int, bytes] = {}

    def decode(frame: Seen) -> object:
        if id(frame) not in jpegs:
            encoded = cv2.imencode(".jpg", frame.image[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, 60])[
                1
            ]
            jpegs[id(frame)] = encoded.tobytes()
        return frames.decode(jpegs[id(frame)], limits=limits)

    return {
        "decode": decode,
        "find": lambda view: landmarks.detect(view.image, network=loaded.detection),
        "find_mesh_and_eyes": lambda view: landmarks.measure(view.image, networks=loaded),
        "one_eye": lambda view: eye.run(np.zeros((eye.side, eye.side, 3), np.float32)),
        "mesh_net": lambda view: loaded.mesh.run(
            np.zeros((loaded.mesh.side, loaded.mesh.side, 3), np.float32)
        ),
        "yunet": lambda view: detection.locate(view.image, yunet=backend.yunet, is_frame=True),
        "look": lambda view: backend.look_at_all([view.image]),
        "cut_and_embed": lambda view: backend.embed(
            Portrait(view.image, five_points(view.mesh), 1.0)
        ),
    }


def _least(chosen: Sequence[Each], part: Callable[[Each], object]) -> float:
    rounds = []
    for _ in range(_ROUNDS):
        start = process_time()
        for element in chosen:
            part(element)
        rounds.append(1000 * (process_time() - start) / len(chosen))
    return round(min(rounds[1:]), 3)


_KEPT = Path(__file__).resolve().parent.parent / "docs" / "evidence" / "genuine.json"


def main() -> None:
    """Measures every clip once, then each part."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--portraits", type=Path)
    parser.add_argument("--only", nargs="+", default=())
    arguments = parser.parse_args()
    there = [
        (folder, clip)
        for clip in clips.CLIPS
        for folder in arguments.folders
        if (folder / clip.file).is_file()
    ]
    observed = []
    for folder, clip in there:
        observed.append(clips.observe(folder, clip))
        print(clip.name, len(observed[-1].places), flush=True)
    portraits = clips.portraits_of(arguments.portraits) if arguments.portraits else []
    parts: dict[str, Callable[[], Figures]] = {
        "identity": lambda: identity.measure(observed, portraits),
        "in_common": lambda: in_common.measure(observed),
        "continuity": lambda: continuity.measure(observed),
        "seams": lambda: seams.measure(observed),
        "gestures": lambda: gestures.measure(observed),
        "masks": lambda: masks.measure(observed, portraits),
        "refusals": lambda: refusals.measure(observed, arguments.folders),
        "replays": lambda: replays.measure(observed, arguments.folders),
        "cost": lambda: measure_cost(observed),
    }
    figures: Figures = (
        json.loads(_KEPT.read_text(encoding="utf-8"))["figures"] if arguments.only else {}
    )
    if not arguments.only:
        figures["clips"] = _clips(
            observed,
            missing=[
                clip.file for clip in clips.CLIPS if clip not in [present for _, present in there]
            ],
        )
    for name, measure in parts.items():
        if not arguments.only or name in arguments.only:
            figures[name] = measure()
            print(name, flush=True)
    print(write_evidence("genuine", seed=0, found={"failures": [], "figures": figures}))


def _clips(observed: Sequence[clips.Observed], *, missing: Sequence[str]) -> Figures:
    sizes = [size for film in observed for size in film.sizes]
    return {
        "clips": len(observed),
        "people": len({film.clip.person for film in observed}),
        "frames": len(sizes),
        "seconds": {
            film.clip.name: round(film.places[-1] / film.clip.rate, 1) for film in observed
        },
        "missing": list(missing),
        "chain_bytes_p50": median(sizes),
    }


if __name__ == "__main__":
    cv2.setNumThreads(1)
    backends.use(backends.Choice(models=Path("var/models")))
    main()
