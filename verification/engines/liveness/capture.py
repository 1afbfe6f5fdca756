"""What the steps of one live capture say together; `pictures.measure` comes first."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from verification.core.errors import Refused
from verification.engines.faces import backends
from verification.engines.faces.backends import Look
from verification.engines.faces.embedding import Embedding, distance
from verification.engines.liveness import continuity, gestures, planarity, policy
from verification.engines.liveness.crops import measurable
from verification.engines.liveness.gestures import StepJudgement
from verification.engines.liveness.landmarks import FrameMeasurement, flaws
from verification.engines.liveness.pictures import StepMeasurement


def rest(frames: Sequence[FrameMeasurement]) -> gestures.Neutral:
    """The face at rest, in the frames of the neutral step. Raises `Refused` if they show none."""
    return gestures.neutral(frames, limits=policy.NEUTRAL)


def gesture_of(command: str, frames: Sequence[FrameMeasurement], *, at_rest: gestures.Neutral) -> StepJudgement:
    """What a commanded step showed against the face at rest."""
    return gestures.judge(gestures.NAMED[command], frames, rest=at_rest, thresholds=policy.GESTURES)


def gesture_judgements(steps: Sequence[StepMeasurement]) -> tuple[StepJudgement, ...]:
    """What each commanded step showed against the neutral one. Raises `Refused` if that shows no face at rest."""
    at_rest = rest(steps[0].numbers.frames)
    return tuple(gesture_of(step.command, step.numbers.frames, at_rest=at_rest) for step in steps[1:])


def depth(steps: Sequence[StepMeasurement]) -> planarity.Planarity:
    """How far the face is from a plane, over both turns; None in it where there is no evidence.

    Of a turn that was asked for again the last one counts.
    """
    turns = {step.command: step.numbers.depth for step in steps if step.numbers.depth is not None}
    return planarity.together(list(turns.values()))


def freshness_of(steps: Sequence[StepMeasurement]) -> continuity.Freshness:
    """Frozen runs, repeated frames and noise over the whole capture."""
    pictures = [image for step in steps for image in step.chain]
    with measurable():
        chain = continuity.freshness_of(
            [step.looked.trace for step in steps],
            frame=pictures.__getitem__,
            limits=policy.FRESHNESS,
        )
        stills = continuity.freshness([image for step in steps for image in step.stills], limits=policy.FRESHNESS)
    # Stills are taken so far apart that none is like the one before.
    repeated = chain.repeated + stills.repeated + max(0, stills.frozen_run - 1)
    return replace(chain, repeated=repeated)


def presence_of(steps: Sequence[StepMeasurement]) -> continuity.Presence:
    """How many faces the frames show: the worse of both streams, for either may show somebody else."""
    chain = continuity.presence(
        [frame for step in steps for frame in step.numbers.frames], limits=policy.SECOND_FACE_IN_CHAIN
    )
    stills = continuity.presence([frame for step in steps for frame in step.numbers.stills], limits=policy.SECOND_FACE)
    return continuity.Presence(min(chain.one_face, stills.one_face), max(chain.most, stills.most))


Looks = tuple[tuple[Look, ...], ...]
"""The face of each still, step by step."""


@dataclass(frozen=True)
class FrameIdentity:
    """Who one still shows, and how the head is held.

    step, place: which still. yaw, pitch: `FaceMeasurement.turn` (no unit) and `.pitch` (degrees). to_neutral,
    to_reference: distance to the best face at rest, and to the register's. None where nothing was there to measure.
    """

    step: int
    place: int
    yaw: float | None
    pitch: float | None
    to_neutral: float | None
    to_reference: float | None


def looks(steps: Sequence[StepMeasurement]) -> Looks:
    """The face of every still, also of those that no verdict is made of: any of them may be another person's.

    It is the one that was measured, or there are two: whoever acts beside a photograph that leaves the frame is seen by
    one detector, and the photograph by the other.
    """
    every = iter(backends.in_use().look_at_all([image for step in steps for image in step.stills]))
    found = []
    for step in steps:
        seen = []
        for frame in step.numbers.stills:
            look = next(every)
            # Two detectors may see two faces where each finds one: then the eyes of the one are not those of the other.
            if look.eyes is not None and frame.face is not None:
                apart = math.dist(look.eyes, frame.face.eyes)
                if apart > policy.SAME_EYES * (frame.face.box[2] - frame.face.box[0]):
                    look = Look(None, "multiple_faces")
            seen.append(look)
        found.append(tuple(seen))
    return tuple(found)


def probes(step: StepMeasurement, seen: Sequence[Look], *, most: int) -> tuple[tuple[int, Embedding], ...]:
    """Place and face of the best stills of a step, best first: turned and moving faces are poorer probes.

    Raises `Refused` where none is fit to be compared, or where a better one shows several faces.
    """
    # A face the matcher does not find, or finds too poor, is one probe fewer; a second person is no accident.
    if any(seen[at].code == "multiple_faces" for at in step.fit):
        raise Refused("multiple_faces", f"in a frame of {step.command}")
    found = [(at, face) for at in step.fit if (face := seen[at].face) is not None and not seen[at].code]
    if not found:
        code = next((seen[at].code for at in step.fit), "face_not_found")
        raise Refused(code, f"no frame of {step.command} is fit to be compared")
    return tuple(found[:most])


def best(steps: Sequence[StepMeasurement], seen: Looks) -> tuple[int | None, ...]:
    """Place of the still of each step that stands for it, the first of its probes; None where it has none."""
    return tuple(next((at for at in step.fit if not own[at].code), None) for step, own in zip(steps, seen, strict=True))


def embeddings(steps: Sequence[StepMeasurement], seen: Looks) -> tuple[Embedding, ...]:
    """The face in the best frame of each step, the neutral one first. Raises `Refused` where a step has none."""
    return tuple(probes(step, own, most=1)[0][1] for step, own in zip(steps, seen, strict=True))


def identities(
    steps: Sequence[StepMeasurement], seen: Looks, *, neutral: Embedding | None, known: Embedding | None
) -> tuple[FrameIdentity, ...]:
    """A row for each frame, in order."""
    rows = []
    for number, (step, own) in enumerate(zip(steps, seen, strict=True)):
        for place, (frame, look) in enumerate(zip(step.numbers.stills, own, strict=True)):
            apart = [
                None if look.face is None or other is None else distance(other, look.face).value
                for other in (neutral, known)
            ]
            pose = (None, None) if frame.face is None else (frame.face.turn, frame.face.pitch)
            rows.append(FrameIdentity(number, place, *pose, *apart))
    return tuple(rows)


def continuity_of(steps: Sequence[StepMeasurement], seen: Looks, faces: Sequence[Embedding]) -> continuity.Continuity:
    """Overlap of boxes within the steps, and the farthest distance of faces that must be one, in the embedding's units.

    Of the best face of each step to the first's, and of each still at rest to the chain at its moment: what was done is
    seen in the one, who it is in the other, and both are compared with their own face at rest. None where none of them
    has a face that is found in the chain as well.
    """
    first, *others = faces
    apart = [distance(first, other).value for other in others]
    beside = backends.in_use().look_at_all([steps[0].chain[at] for at in steps[0].sent.beside])
    joined = [
        distance(still.face, other.face).value
        for still, other in zip(seen[0], beside, strict=True)
        if still.face is not None and other.face is not None
    ]
    apart = apart + joined if joined else []
    return continuity.continuity([step.numbers.frames for step in steps], distances=apart)


def quality_flaws(steps: Sequence[StepMeasurement]) -> tuple[str, ...]:
    """The first flaw of each step that has no frame fit to be compared."""
    return tuple(
        next((flaw for frame in step.numbers.stills for flaw in flaws(frame, limits=policy.QUALITY)), "no_face")
        for step in steps
        if not step.fit
    )


def poorest(steps: Sequence[StepMeasurement]) -> dict[str, str]:
    """The poorest values among the steps' best frames: pixels between the eyes, light, sharpness."""
    best = [
        face for step in steps for face in [step.numbers.stills[at].face for at in step.fit[:1]] if face is not None
    ]
    if not best:
        return {}
    return {
        "interocular": f"{min(face.interocular for face in best):.0f}",
        "darkest": f"{min(face.luminance for face in best):.2f}",
        "brightest": f"{max(face.luminance for face in best):.2f}",
        "sharpness": f"{min(face.sharpness for face in best):.2f}",
    }
