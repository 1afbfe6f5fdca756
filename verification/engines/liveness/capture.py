"""Everything that is measured in one live capture. `measure` comes first; the rest takes what it gives."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from verification.core.errors import Refused
from verification.engines.faces import backends
from verification.engines.faces.backends import Look
from verification.engines.faces.embedding import Embedding, distance
from verification.engines.liveness import continuity, frames, gestures, landmarks, networks, planarity, policy
from verification.engines.liveness.crops import Image, measurable
from verification.engines.liveness.landmarks import FrameMeasurement, flaws

Steps = tuple[tuple[str, tuple[bytes, ...]], ...]
"""The neutral step first, then the commands in order: the command's name and its JPEG frames."""


@dataclass(frozen=True)
class StepMeasurement:
    """One step: its pixels, and what was measured in each frame.

    `fit`: the frames that can be compared, those nearest to the face at rest first.
    """

    command: str
    images: tuple[Image, ...]
    frames: tuple[FrameMeasurement, ...]
    fit: tuple[int, ...]


def measure(steps: Steps) -> tuple[StepMeasurement, ...]:
    """Decodes and measures every frame. Raises `Refused` with a `frame_…` code for one that is no camera frame.

    1 decode all before one is measured, so that a frame that is none costs little; a camera keeps its size ·
    2 measure · 3 the pose at rest, straight into the camera where no face shows · 4 what is fit, nearest to it first.
    """
    # 1: nothing is measured before all of it is known to be frames, for measuring costs far more than decoding.
    pictures = [
        (command, tuple(frames.decode(content, limits=policy.FRAMES) for content in contents))
        for command, contents in steps
    ]
    if len({image.shape for _, images in pictures for image in images}) > 1:
        raise Refused("frame_size_changed", "the frames of a capture differ in size")
    loaded = networks.load()
    with measurable():  # 2
        seen = [
            (command, images, tuple(landmarks.measure(image, networks=loaded) for image in images))
            for command, images in pictures
        ]
    # 3: people hold a phone below their face, so "straight" is what they showed when asked to look straight.
    at_rest = [frame.face for frame in seen[0][2] if frame.face is not None] if seen else []
    turn = median(face.turn for face in at_rest) if at_rest else 0.0  # 3
    pitch = median(face.pitch for face in at_rest) if at_rest else 0.0
    measured = []
    for command, images, found in seen:
        away = [  # 4
            # A turned or bowed face is a poor probe. Each in units of what a face at rest may deviate, so that a ratio
            # and degrees may be added.
            (abs(face.turn - turn) / policy.NEUTRAL.turn + abs(face.pitch - pitch) / policy.NEUTRAL.pitch, at)
            for at, frame in enumerate(found)
            if (face := frame.face) and not flaws(frame, limits=policy.QUALITY)
        ]
        measured.append(StepMeasurement(command, images, found, tuple(at for _, at in sorted(away))))
    return tuple(measured)


def gesture_judgements(steps: Sequence[StepMeasurement]) -> tuple[gestures.StepJudgement, ...]:
    """What each commanded step showed against the neutral one. Raises `Refused` if that shows no face at rest."""
    rest = gestures.neutral(steps[0].frames, limits=policy.NEUTRAL)
    wanted: dict[str, gestures.Gesture] = {name: name for name in gestures.GESTURES}
    return tuple(
        gestures.judge(wanted[step.command], step.frames, rest=rest, thresholds=policy.GESTURES) for step in steps[1:]
    )


def depth(steps: Sequence[StepMeasurement]) -> planarity.Planarity:
    """How far the face is from a plane, over both turns; None in it where there is no evidence."""
    turns = []
    with measurable():
        for step in steps:
            if step.command in ("turn_left", "turn_right"):
                shown = [
                    (image, frame.face.mesh)
                    for image, frame in zip(step.images, step.frames, strict=True)
                    if frame.face is not None and frame.face.mesh is not None
                ]
                images, meshes = [image for image, _ in shown], [mesh for _, mesh in shown]
                turns.append(planarity.measure(images, meshes, limits=policy.PLANARITY))
        return planarity.together(turns)


def freshness_of(steps: Sequence[StepMeasurement]) -> continuity.Freshness:
    """Frozen runs, repeated frames and noise over the whole capture."""
    with measurable():
        return continuity.freshness([image for step in steps for image in step.images], limits=policy.FRESHNESS)


def presence_of(steps: Sequence[StepMeasurement]) -> continuity.Presence:
    """How many faces the frames show."""
    return continuity.presence([frame for step in steps for frame in step.frames], limits=policy.SECOND_FACE)


Looks = tuple[tuple[Look, ...], ...]
"""The face of each frame, step by step."""


@dataclass(frozen=True)
class FrameIdentity:
    """Who one frame shows, and how the head is held.

    step, place: which frame. yaw, pitch: `FaceMeasurement.turn` (no unit) and `.pitch` (degrees). to_neutral,
    to_reference: distance to the best face at rest, and to the register's. None where nothing was there to measure.
    """

    step: int
    place: int
    yaw: float | None
    pitch: float | None
    to_neutral: float | None
    to_reference: float | None


def looks(steps: Sequence[StepMeasurement]) -> Looks:
    """The face of every frame, also of those that no verdict is made of: any of them may be another person's.

    It is the one that was measured, or there are two: whoever acts beside a photograph that leaves the frame is seen by
    one detector, and the photograph by the other.
    """
    backend, eyes = backends.in_use(), [*landmarks.RIGHT_EYE, *landmarks.LEFT_EYE]
    found = []
    for step in steps:
        seen = []
        for image, frame in zip(step.images, step.frames, strict=True):
            look = backend.look(image)
            # Two detectors may see two faces where each finds one: then the eyes of the one are not those of the other.
            if look.eyes is not None and frame.face is not None and frame.face.mesh is not None:
                apart = math.dist(look.eyes, frame.face.mesh[eyes, :2].mean(axis=0))
                if apart > policy.SAME_EYES * (frame.face.box[2] - frame.face.box[0]):
                    look = Look(None, "multiple_faces")
            seen.append(look)
        found.append(tuple(seen))
    return tuple(found)


def probes(step: StepMeasurement, seen: Sequence[Look], *, most: int) -> tuple[tuple[int, Embedding], ...]:
    """Place and face of the best frames of a step, best first: turned and moving faces are poorer probes.

    Raises `Refused` where none is fit to be compared, or where a better one shows several faces.
    """
    found: list[tuple[int, Embedding]] = []
    for at in step.fit:
        # A face the matcher does not find, or finds too poor, is one probe fewer; a second person is no accident.
        if (look := seen[at]).code == "multiple_faces":
            raise Refused(look.code, f"in a frame of {step.command}")
        if look.face is not None and not look.code and len(found) < most:
            found.append((at, look.face))
    if not found:
        code = next((seen[at].code for at in step.fit), "face_not_found")
        raise Refused(code, f"no frame of {step.command} is fit to be compared")
    return tuple(found)


def embeddings(steps: Sequence[StepMeasurement], seen: Looks) -> tuple[Embedding, ...]:
    """The face in the best frame of each step, the neutral one first. Raises `Refused` where a step has none."""
    return tuple(probes(step, own, most=1)[0][1] for step, own in zip(steps, seen, strict=True))


def identities(
    steps: Sequence[StepMeasurement], seen: Looks, *, neutral: Embedding | None, known: Embedding | None
) -> tuple[FrameIdentity, ...]:
    """A row for each frame, in order."""
    rows = []
    for number, (step, own) in enumerate(zip(steps, seen, strict=True)):
        for place, (frame, look) in enumerate(zip(step.frames, own, strict=True)):
            apart = [
                None if look.face is None or other is None else distance(other, look.face).value
                for other in (neutral, known)
            ]
            pose = (None, None) if frame.face is None else (frame.face.turn, frame.face.pitch)
            rows.append(FrameIdentity(number, place, *pose, *apart))
    return tuple(rows)


def continuity_of(steps: Sequence[StepMeasurement], faces: Sequence[Embedding]) -> continuity.Continuity:
    """Overlap of boxes within the steps, and the farthest of the `embeddings` from the first, in their units."""
    first, *others = faces
    distances = [distance(first, other).value for other in others]
    return continuity.continuity([step.frames for step in steps], distances=distances)


def quality_flaws(steps: Sequence[StepMeasurement]) -> tuple[str, ...]:
    """The first flaw of each step that has no frame fit to be compared."""
    return tuple(
        next((flaw for frame in step.frames for flaw in flaws(frame, limits=policy.QUALITY)), "no_face")
        for step in steps
        if not step.fit
    )


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
