"""Joint measurements over the steps of one live capture, after `pictures.measure`. Identity: see
`throughout`.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from verification.core.errors import Refused
from verification.engines.faces import backends
from verification.engines.faces.backends import Look
from verification.engines.faces.embedding import Embedding, distance
from verification.engines.liveness import continuity, policy
from verification.engines.liveness.frames import measurable
from verification.engines.liveness.landmarks import flaws
from verification.engines.liveness.pictures import StepMeasurement


def freshness_of(steps: Sequence[StepMeasurement]) -> continuity.Freshness:
    """Frozen runs, repeated frames and noise over the whole capture."""
    frames, full = (
        [image for step in steps for image in step.chain],
        [image for step in steps for image in step.stills],
    )
    with measurable():
        traces, traced = [step.looked.trace for step in steps], [continuity.trace(full)]
        chain = continuity.freshness(traces, frame=frames.__getitem__, limits=policy.FRESHNESS)
        stills = continuity.freshness(traced, frame=full.__getitem__, limits=policy.FRESHNESS)
    # Stills are far apart in time, so consecutive ones always differ.
    repeated = chain.repeated + stills.repeated + max(0, stills.frozen_run - 1)
    return replace(chain, repeated=repeated)


def quality(steps: Sequence[StepMeasurement]) -> tuple[tuple[str, ...], dict[str, str]]:
    """The first flaw of each step without a comparable frame, and the poorest values of the others'
    best frames.

    Values: pixels between the eyes, light, sharpness.
    """
    words_found = tuple(
        next(
            (flaw for frame in step.numbers.stills for flaw in flaws(frame, limits=policy.QUALITY)),
            "no_face",
        )
        for step in steps
        if not step.fit
    )
    best = [
        face
        for step in steps
        for face in [step.numbers.stills[at].face for at in step.fit[:1]]
        if face is not None
    ]
    if not best:
        return words_found, {}
    return words_found, {
        "interocular": f"{min(face.interocular for face in best):.0f}",
        "darkest": f"{min(face.luminance for face in best):.2f}",
        "brightest": f"{max(face.luminance for face in best):.2f}",
        "sharpness": f"{min(face.sharpness for face in best):.2f}",
    }


Looks = tuple[tuple[Look, ...], ...]
"""The face of each still, step by step."""


@dataclass(frozen=True)
class FrameIdentity:
    """The person in one still, and the pose.

    step, place: of the still.
    yaw, pitch: `FaceMeasurement.turn` (no unit) and `.pitch` (degrees).
    to_neutral, to_reference: distance to the best face at rest, and to the register's. None without
    a measurement.
    """

    step: int
    place: int
    yaw: float | None
    pitch: float | None
    to_neutral: float | None
    to_reference: float | None


def looks(steps: Sequence[StepMeasurement]) -> Looks:
    """The face of every still, including those outside the verdict: any may show another person.

    It is the measured face, or there are two. If a person acts beside a photograph at the frame's
    edge, one detector may see the person and the other the photograph.
    """
    every = iter(backends.in_use().look_at_all([image for step in steps for image in step.stills]))
    looked_steps = []
    for step in steps:
        stills_looks = []
        for frame in step.numbers.stills:
            look = next(every)
            # Two detectors may each find another face: then their eyes differ.
            if look.eyes is not None and frame.face is not None:
                apart = math.dist(look.eyes, frame.face.eyes)
                if apart > policy.SAME_EYES * (frame.face.box[2] - frame.face.box[0]):
                    look = Look(None, "multiple_faces")
            stills_looks.append(look)
        looked_steps.append(tuple(stills_looks))
    return tuple(looked_steps)


Probes = tuple[tuple[int, Embedding], ...]
"""Place and face of the best stills of a step, best first."""


def probes(steps: Sequence[StepMeasurement], looked: Looks, *, most: int) -> tuple[Probes, ...]:
    """The best stills of each step, up to a limit: turned and moving faces are poorer probes.

    Raises: `Refused` if a step has none fit for comparison, or if a better one shows several faces.
    """
    every = []
    for step, step_looks in zip(steps, looked, strict=True):
        # A missing or poor face costs one probe; a second person is no accident.
        if any(step_looks[at].code == "multiple_faces" for at in step.fit):
            raise Refused("multiple_faces", f"in a frame of {step.sent.command}")
        candidates = [
            (at, face)
            for at in step.fit
            if (face := step_looks[at].face) is not None and not step_looks[at].code
        ]
        if not candidates:
            code = next((step_looks[at].code for at in step.fit), "face_not_found")
            raise Refused(code, f"no frame of {step.sent.command} is fit to be compared")
        every.append(tuple(candidates[:most]))
    return tuple(every)


def best(steps: Sequence[StepMeasurement], looked: Looks) -> tuple[int | None, ...]:
    """The index of each step's representative still, the first of its probes; None without one."""
    return tuple(
        next((at for at in step.fit if not step_looks[at].code), None)
        for step, step_looks in zip(steps, looked, strict=True)
    )


def identities(
    steps: Sequence[StepMeasurement],
    looked: Looks,
    *,
    neutral: Embedding | None,
    reference: Embedding | None,
) -> tuple[FrameIdentity, ...]:
    """A row for each still, in order, even if no verdict is possible."""
    rows = []
    for number, (step, step_looks) in enumerate(zip(steps, looked, strict=True)):
        for place, (frame, look) in enumerate(zip(step.numbers.stills, step_looks, strict=True)):
            apart = [
                None
                if look.face is None or template is None
                else distance(template, look.face).value
                for template in (neutral, reference)
            ]
            pose = (None, None) if frame.face is None else (frame.face.turn, frame.face.pitch)
            rows.append(FrameIdentity(number, place, *pose, *apart))
    return tuple(rows)


def continuity_of(
    steps: Sequence[StepMeasurement], looked: Looks, probed: Sequence[Probes]
) -> continuity.Continuity:
    """Overlap of boxes within the steps, and the largest distance of faces that must be one, in the
    embedding's units.

    Compares the best face of each step with the first's, and each still at rest with the chain at
    its moment.
    The chain shows the gesture and the stills show the person, so both are compared with their own
    face at rest.
    None if none of them has a face in the chain as well.
    """
    first, *following = (step_probes[0][1] for step_probes in probed)
    apart = [distance(first, embedding).value for embedding in following]
    chain_looks = backends.in_use().look_at_all([steps[0].chain[at] for at in steps[0].sent.beside])
    joined = [
        distance(still.face, embedding.face).value
        for still, embedding in zip(looked[0], chain_looks, strict=True)
        if still.face is not None and embedding.face is not None
    ]
    apart = apart + joined if joined else []
    return continuity.continuity([step.numbers.frames for step in steps], distances=apart)
