"""Prints what the live capture measures of each real clip, whole and in windows with a gesture.

Usage: python -m tools.measure_liveness_clips FOLDER, the folder with the real clips
"""

import sys
from pathlib import Path

import cv2
import numpy as np

from tests.verification.engines.liveness.clips import WINDOWS, Clip, read_clip
from verification.engines.liveness import (
    continuity,
    gestures,
    landmarks,
    networks,
    planarity,
    policy,
)
from verification.engines.liveness.frames import Image
from verification.engines.liveness.networks import Networks


def main(folder: Path) -> None:
    """Two tables in Markdown: all frames of each clip, then each window cut by gesture."""
    loaded = networks.load()
    rests = {}
    print(
        "| clip | turn to the left | mouth | closure of the eyes | eye distance | looks down |"
        " sharpness | light |"
    )
    for clip in Clip:
        rests[clip] = _neutral(read_clip(folder, clip, *clip.rest, count=3), loaded)
        print(
            _ranges(
                clip,
                read_clip(folder, clip, 0, clip.frames - 1, count=clip.frames // 4),
                rests[clip],
                loaded,
            )
        )
    print(
        "\n\n| clip | frames | shows |", " | ".join(gestures.GESTURES), "| plane | moved | noise |"
    )
    for window in WINDOWS:
        images = read_clip(folder, window.clip, window.first, window.last, count=10)
        name = f"{window.clip.name} | {window.first}–{window.last} | {window.shows or 'nothing'}"
        print(_window(name, images, rests[window.clip], loaded))


def _neutral(images: list[Image], loaded: Networks) -> gestures.Neutral:
    frames = [landmarks.measure(image, networks=loaded) for image in images]
    return gestures.neutral(frames, limits=policy.NEUTRAL)


def _ranges(clip: Clip, images: list[Image], neutral: gestures.Neutral, loaded: Networks) -> str:
    faces = [face for image in images if (face := landmarks.measure(image, networks=loaded).face)]
    series = {gesture: gestures.strengths(gesture, faces, neutral) for gesture in gestures.GESTURES}
    cells = [
        series["turn_left"],
        series["open_mouth"],
        series["blink"],
        series["come_closer"],
        series["nod"],
    ]
    cells += [[face.sharpness for face in faces], [face.luminance for face in faces]]
    spans = " | ".join(f"{min(values):.2f} … {max(values):.2f}" for values in cells)
    return f"| {clip.name} | {spans} |"


def _window(name: str, images: list[Image], neutral: gestures.Neutral, loaded: Networks) -> str:
    frames = [landmarks.measure(image, networks=loaded) for image in images]
    cells = []
    for gesture in gestures.GESTURES:
        step = gestures.judge(gesture, frames, at_rest=neutral, thresholds=policy.GESTURES)
        mark = "**" if step.is_right else ""
        cells.append(f"{mark}{step.value or np.nan:.2f}{mark}")
    meshes = [
        frame.face.mesh
        for frame in frames
        if frame.face is not None and frame.face.mesh is not None
    ]
    depth = planarity.measure(images, meshes, limits=policy.PLANARITY)
    fresh = continuity.freshness(
        [continuity.trace(images)], frame=images.__getitem__, limits=policy.FRESHNESS
    )
    ratio = "none" if depth.ratio is None else f"{depth.ratio:.2f}"
    return f"| {name} | {' | '.join(cells)} | {ratio} | {depth.moved:.3f} | {fresh.noise:.2f} |"


if __name__ == "__main__":
    cv2.setNumThreads(1)
    main(Path(sys.argv[1]))
