"""Everything that is measured in one live capture, once: the checks of a route then judge the numbers one by one."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, lru_cache

from verification.core.errors import Refused
from verification.engines.faces import recognition
from verification.engines.liveness import (
    continuity,
    frames,
    freshness,
    gestures,
    landmarks,
    networks,
    planarity,
    policy,
)
from verification.engines.liveness.crops import Image
from verification.engines.liveness.landmarks import FrameMeasurement
from verification.engines.liveness.quality import flaws

Steps = tuple[tuple[str, tuple[bytes, ...]], ...]
"""The neutral step first, then the commands in order: the command's name and its JPEG frames."""


@dataclass(frozen=True)
class StepMeasurement:
    """One step: its pixels, what was measured in each frame, and the frame that is fit to be compared, if any."""

    command: str
    images: tuple[Image, ...]
    frames: tuple[FrameMeasurement, ...]
    best: int | None


@lru_cache(maxsize=2)
def measure(steps: Steps) -> tuple[StepMeasurement, ...]:
    """Decodes and measures every frame. Raises `Refused` with a `frame_…` code for one that is no camera frame."""
    loaded = _networks()
    measured = []
    for command, contents in steps:
        images = tuple(frames.decode(content, limits=policy.FRAMES) for content in contents)
        seen = tuple(landmarks.measure(image, networks=loaded) for image in images)
        measured.append(StepMeasurement(command, images, seen, _best(seen)))
    return tuple(measured)


def gesture_judgements(steps: Sequence[StepMeasurement]) -> list[gestures.StepJudgement]:
    """What each commanded step showed against the neutral one. Raises `Refused` if that shows no face at rest."""
    rest = gestures.neutral(steps[0].frames, limits=policy.NEUTRAL)
    wanted: dict[str, gestures.Gesture] = {name: name for name in gestures.GESTURES}
    return [
        gestures.judge(wanted[step.command], step.frames, rest=rest, thresholds=policy.GESTURES) for step in steps[1:]
    ]


def depth(steps: Sequence[StepMeasurement]) -> planarity.Planarity:
    """How far the face is from a plane, over both turns; None in it where there is no evidence."""
    turns = [step for step in steps if step.command in ("turn_left", "turn_right")]
    return planarity.together([_depth_of(step) for step in turns])


def freshness_of(steps: Sequence[StepMeasurement]) -> freshness.Freshness:
    """Frozen runs, repeated frames and noise over the whole capture."""
    return freshness.measure([image for step in steps for image in step.images], limits=policy.FRESHNESS)


def presence_of(steps: Sequence[StepMeasurement]) -> continuity.Presence:
    """How many faces the frames show."""
    return continuity.presence([frame for step in steps for frame in step.frames])


@lru_cache(maxsize=2)
def embeddings(steps: Steps) -> tuple[recognition.Embedding, ...]:
    """The face in the best frame of each step, the neutral one first. Raises `Refused` where a step has none."""
    found = []
    for step in measure(steps):
        if step.best is None:
            raise Refused("face_not_found", f"no frame of {step.command} is fit to be compared")
        found.append(recognition.embed(step.images[step.best]))
    return tuple(found)


def continuity_of(steps: Steps) -> continuity.Continuity:
    """Overlap of boxes within the steps, and the farthest face from the neutral one in the embedding's units."""
    first, *others = embeddings(steps)
    distances = [recognition.distance(first, [other]).value for other in others]
    return continuity.continuity([step.frames for step in measure(steps)], distances=distances)


def quality_flaws(steps: Sequence[StepMeasurement]) -> tuple[str, ...]:
    """The first flaw of each step that has no frame fit to be compared."""
    return tuple(_first_flaw(step) for step in steps if step.best is None)


def _first_flaw(step: StepMeasurement) -> str:
    found = [flaw for frame in step.frames for flaw in flaws(frame, limits=policy.QUALITY)]
    return found[0] if found else "no_face"


def _best(seen: Sequence[FrameMeasurement]) -> int | None:
    """The frame nearest to looking straight among those without a flaw: a turned face is a poor probe."""
    fit = [(abs(frame.face.turn), at) for at, frame in enumerate(seen) if frame.face and not _flaws(frame)]
    return min(fit)[1] if fit else None


def _flaws(frame: FrameMeasurement) -> tuple[str, ...]:
    return tuple(flaws(frame, limits=policy.QUALITY))


def _depth_of(step: StepMeasurement) -> planarity.Planarity:
    pairs = [
        (image, frame.face.mesh)
        for image, frame in zip(step.images, step.frames, strict=True)
        if frame.face is not None and frame.face.mesh is not None
    ]
    return planarity.measure([image for image, _ in pairs], [mesh for _, mesh in pairs], limits=policy.PLANARITY)


@cache
def _networks() -> networks.Networks:
    # Built at the first capture of a process, so after the worker has forked.
    return networks.load()
