"""Everything that is measured in one live capture, once: the checks of a route then judge the numbers one by one."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from statistics import median

from verification.core.errors import Refused
from verification.engines.faces import embedding, recognition
from verification.engines.faces.embedding import Embedding
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
from verification.engines.liveness.geometry import measurable
from verification.engines.liveness.landmarks import FaceMeasurement, FrameMeasurement
from verification.engines.liveness.latest import Latest, Steps
from verification.engines.liveness.quality import flaws

_LATEST = Latest()
forget = _LATEST.forget
"""Lets go of the pixels and embeddings of the capture that was measured last; whoever judged it calls this."""


@dataclass(frozen=True)
class StepMeasurement:
    """One step: its pixels, and what was measured in each frame.

    `fit`: the frames that can be compared, those nearest to the face at rest first.
    """

    command: str
    images: tuple[Image, ...]
    frames: tuple[FrameMeasurement, ...]
    fit: tuple[int, ...]


@_LATEST.once
def measure(steps: Steps) -> tuple[StepMeasurement, ...]:
    """Decodes and measures every frame. Raises `Refused` with a `frame_…` code for one that is no camera frame.

    All are decoded before one is measured, so that a frame that is none costs little. A camera keeps its size.
    """
    pictures = [
        (command, tuple(frames.decode(content, limits=policy.FRAMES) for content in contents))
        for command, contents in steps
    ]
    if len({image.shape for _, images in pictures for image in images}) > 1:
        raise Refused("frame_size_changed", "the frames of a capture differ in size")
    loaded = _networks()
    with measurable():
        seen = [
            (command, images, tuple(landmarks.measure(image, networks=loaded) for image in images))
            for command, images in pictures
        ]
    rest = _pose(seen[0][2]) if seen else (0.0, 0.0)
    return tuple(StepMeasurement(command, images, found, _fit(found, rest)) for command, images, found in seen)


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
    with measurable():
        return planarity.together([_depth_of(step) for step in turns])


def freshness_of(steps: Sequence[StepMeasurement]) -> freshness.Freshness:
    """Frozen runs, repeated frames and noise over the whole capture."""
    with measurable():
        return freshness.measure([image for step in steps for image in step.images], limits=policy.FRESHNESS)


def presence_of(steps: Sequence[StepMeasurement]) -> continuity.Presence:
    """How many faces the frames show."""
    return continuity.presence([frame for step in steps for frame in step.frames], limits=policy.SECOND_FACE)


@_LATEST.once
def embeddings(steps: Steps) -> tuple[Embedding, ...]:
    """The face in the best frame of each step, the neutral one first. Raises `Refused` where a step has none."""
    found = []
    for step in measure(steps):
        if not step.fit:
            raise Refused("face_not_found", f"no frame of {step.command} is fit to be compared")
        found.append(recognition.embed(step.images[step.fit[0]]))
    return tuple(found)


@_LATEST.once
def rest_probes(steps: Steps) -> tuple[tuple[int, Embedding], ...]:
    """Place and face of several frames of the neutral step, best first: turned and moving faces are poorer probes.

    Raises `Refused` where none is fit, or where one shows several faces.
    """
    neutral = measure(steps)[0]
    found = [(at, _embedded(neutral.images[at])) for at in neutral.fit[: policy.REST_FRAMES]]
    probes = tuple((at, face) for at, face in found if face is not None)
    if not probes:
        raise Refused("face_not_found", "no frame of the face at rest is fit to be compared")
    return probes


def continuity_of(steps: Steps) -> continuity.Continuity:
    """Overlap of boxes within the steps, and the farthest face from the neutral one in the embedding's units."""
    first, *others = embeddings(steps)
    distances = [embedding.distance(first, [other]).value for other in others]
    return continuity.continuity([step.frames for step in measure(steps)], distances=distances)


def quality_flaws(steps: Sequence[StepMeasurement]) -> tuple[str, ...]:
    """The first flaw of each step that has no frame fit to be compared."""
    return tuple(_first_flaw(step) for step in steps if not step.fit)


def poorest(steps: Sequence[StepMeasurement]) -> dict[str, str]:
    """The poorest values among the steps' best frames: pixels between the eyes, light, sharpness."""
    best = [face for step in steps for face in [step.frames[at].face for at in step.fit[:1]] if face is not None]
    if not best:
        return {}
    return {
        "interocular": f"{min(face.interocular for face in best):.0f}",
        "darkest": f"{min(face.luminance for face in best):.2f}",
        "brightest": f"{max(face.luminance for face in best):.2f}",
        "sharpness": f"{min(face.sharpness for face in best):.2f}",
    }


def _first_flaw(step: StepMeasurement) -> str:
    found = [flaw for frame in step.frames for flaw in flaws(frame, limits=policy.QUALITY)]
    return found[0] if found else "no_face"


def _embedded(image: Image) -> Embedding | None:
    """The face of one of several frames; None where the matcher does not find it, or finds it too poor."""
    try:
        return recognition.embed(image)
    except Refused as refusal:
        if refusal.code == "multiple_faces":
            raise
        return None


def _fit(seen: Sequence[FrameMeasurement], rest: tuple[float, float]) -> tuple[int, ...]:
    """The frames without a flaw, those nearest to the pose at rest first: a turned or bowed face is a poor probe."""
    away = [(_away(frame.face, rest), at) for at, frame in enumerate(seen) if frame.face and not _flaws(frame)]
    return tuple(at for _, at in sorted(away))


def _pose(seen: Sequence[FrameMeasurement]) -> tuple[float, float]:
    """Turn and pitch of the face at rest; straight into the camera where there is none."""
    faces = [frame.face for frame in seen if frame.face is not None]
    return (median(face.turn for face in faces), median(face.pitch for face in faces)) if faces else (0.0, 0.0)


def _away(face: FaceMeasurement, rest: tuple[float, float]) -> float:
    # Each in units of what a face at rest may deviate, so that a ratio and degrees may be added.
    return abs(face.turn - rest[0]) / policy.NEUTRAL.turn + abs(face.pitch - rest[1]) / policy.NEUTRAL.pitch


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
