"""What the steps of one live capture say together; `pictures.measure` comes first.

Who it is, in `throughout`: 1 frames of the thin chain to compare: those that prove the gesture, every third one from a
place that nobody outside knows, and both sides of each joint over which corners were not followed or time is missing ·
2 the distance of each to the face at rest in the same stream, and from one to the next · 3 the least share of corners
over all other joints, and of those round the face over all.
Source: liveness.md §8; docs/liveness-measurements.md, "One person throughout".
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise
from statistics import median

import numpy as np

from verification.core.errors import Refused
from verification.engines.faces import backends
from verification.engines.faces.backends import Look
from verification.engines.faces.embedding import Embedding, distance
from verification.engines.faces.portrait import Portrait
from verification.engines.liveness import continuity, gestures, policy
from verification.engines.liveness.frames import measurable
from verification.engines.liveness.gestures import Neutral
from verification.engines.liveness.landmarks import flaws
from verification.engines.liveness.pictures import StepMeasurement


def freshness_of(steps: Sequence[StepMeasurement]) -> continuity.Freshness:
    """Frozen runs, repeated frames and noise over the whole capture."""
    frames, full = [image for step in steps for image in step.chain], [image for step in steps for image in step.stills]
    with measurable():
        traces, traced = [step.looked.trace for step in steps], [continuity.trace(full)]
        chain = continuity.freshness(traces, frame=frames.__getitem__, limits=policy.FRESHNESS)
        stills = continuity.freshness(traced, frame=full.__getitem__, limits=policy.FRESHNESS)
    # Stills are taken so far apart that none is like the one before.
    repeated = chain.repeated + stills.repeated + max(0, stills.frozen_run - 1)
    return replace(chain, repeated=repeated)


def quality(steps: Sequence[StepMeasurement]) -> tuple[tuple[str, ...], dict[str, str]]:
    """The first flaw of each step that has no frame fit to be compared; and the poorest values among the best frames of
    the others: pixels between the eyes, light, sharpness."""
    found = tuple(
        next((flaw for frame in step.numbers.stills for flaw in flaws(frame, limits=policy.QUALITY)), "no_face")
        for step in steps
        if not step.fit
    )
    best = [
        face for step in steps for face in [step.numbers.stills[at].face for at in step.fit[:1]] if face is not None
    ]
    if not best:
        return found, {}
    return found, {
        "interocular": f"{min(face.interocular for face in best):.0f}",
        "darkest": f"{min(face.luminance for face in best):.2f}",
        "brightest": f"{max(face.luminance for face in best):.2f}",
        "sharpness": f"{min(face.sharpness for face in best):.2f}",
    }


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


Probes = tuple[tuple[int, Embedding], ...]
"""Place and face of the best stills of a step, best first."""


def probes(steps: Sequence[StepMeasurement], seen: Looks, *, most: int) -> tuple[Probes, ...]:
    """The best stills of each step, at most so many: turned and moving faces are poorer probes.

    Raises `Refused` where a step has none that is fit to be compared, or where a better one shows several faces.
    """
    every = []
    for step, own in zip(steps, seen, strict=True):
        # A face the matcher does not find, or finds too poor, is one probe fewer; a second person is no accident.
        if any(own[at].code == "multiple_faces" for at in step.fit):
            raise Refused("multiple_faces", f"in a frame of {step.sent.command}")
        found = [(at, face) for at in step.fit if (face := own[at].face) is not None and not own[at].code]
        if not found:
            code = next((own[at].code for at in step.fit), "face_not_found")
            raise Refused(code, f"no frame of {step.sent.command} is fit to be compared")
        every.append(tuple(found[:most]))
    return tuple(every)


def best(steps: Sequence[StepMeasurement], seen: Looks) -> tuple[int | None, ...]:
    """Place of the still of each step that stands for it, the first of its probes; None where it has none."""
    return tuple(next((at for at in step.fit if not own[at].code), None) for step, own in zip(steps, seen, strict=True))


def identities(
    steps: Sequence[StepMeasurement], seen: Looks, *, neutral: Embedding | None, known: Embedding | None
) -> tuple[FrameIdentity, ...]:
    """A row for each still, in order, also where no verdict can be made."""
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


def continuity_of(steps: Sequence[StepMeasurement], seen: Looks, found: Sequence[Probes]) -> continuity.Continuity:
    """Overlap of boxes within the steps, and the farthest distance of faces that must be one, in the embedding's units.

    Of the best face of each step to the first's, and of each still at rest to the chain at its moment: what was done is
    seen in the one, who it is in the other, and both are compared with their own face at rest. None where none of them
    has a face that is found in the chain as well.
    """
    first, *others = (own[0][1] for own in found)
    apart = [distance(first, other).value for other in others]
    beside = backends.in_use().look_at_all([steps[0].chain[at] for at in steps[0].sent.beside])
    joined = [
        distance(still.face, other.face).value
        for still, other in zip(seen[0], beside, strict=True)
        if still.face is not None and other.face is not None
    ]
    apart = apart + joined if joined else []
    return continuity.continuity([step.numbers.frames for step in steps], distances=apart)


@dataclass(frozen=True)
class ChainIdentity:
    """Which compared frame of a chain it is, and whom it shows, as `FrameIdentity` has it."""

    step: int
    place: int
    to_neutral: float
    to_reference: float | None


@dataclass(frozen=True)
class Throughout:
    """Distances in the embedding's units to the face at rest, over all steps.

    `frames`: how many were compared. `farthest`: of any. `second`: in any step of all but one. `acting`: of any that
    proves a gesture; `acting_median`: the greatest median of those of a step; None where no gesture was proven.
    `next`: from one compared frame of a step to the next. `corners`: the least share that is still there, 0 … 1, where
    it counts; None where it nowhere does. `surroundings`: likewise round the face, where so much changed that it may be
    another place. `each`: every frame that was compared.

    To the register's face, None without one: of each step the median, at rest of all that were compared, else of those
    that prove its gesture. `to_reference`: that of the rest, or the gestures' median where it is more;
    `farthest_reference`: the greatest.
    """

    frames: int
    farthest: float
    second: float
    acting: float | None
    acting_median: float | None
    next: float | None
    corners: float | None
    surroundings: float | None
    to_reference: float | None
    farthest_reference: float | None
    each: tuple[ChainIdentity, ...]


def throughout(
    steps: Sequence[StepMeasurement], *, at_rest: Neutral, begins: int, known: Embedding | None
) -> Throughout:
    """What the chain says of who is there, and whether it is `known`; the neutral step comes first.

    `begins`: at which frame every third begins. Raises `Refused` with `liveness_face_missing` for a step in which no
    face can be compared.
    """
    away = partial(gestures.away, turn=at_rest.turn, pitch=at_rest.pitch, limits=policy.NEUTRAL)
    # `at_rest` was made of these frames, so one of them is the nearest to it.
    _, stillest = min((away(each.face), at) for at, each in enumerate(steps[0].numbers.frames) if each.face is not None)
    chosen = [_choose(step, at_rest if of else None, begins=begins + of) for of, step in enumerate(steps)]  # 1
    shown = list({(0, stillest): None} | {(of, at): None for of, each in enumerate(chosen) for at in each.compared})
    with measurable():  # of all steps at once, which costs the net less
        pictures = [(steps[of].chain[at], np.array(steps[of].looked.points[at]).reshape(5, 2)) for of, at in shown]
        found = backends.in_use().recogniser.embed_all([Portrait(*picture, 1.0) for picture in pictures])
    faces, own = dict(zip(shown, found, strict=True)), list[list[float]]()
    (acting, medians, onward), rows = [list[float]() for _ in range(3)], list[ChainIdentity]()
    for of, places in enumerate(chosen):  # 2
        apart = {at: distance(faces[0, stillest], faces[of, at]).value for at in places.compared}
        own.append(sorted(apart.values()))
        onward += [distance(faces[of, one], faces[of, other]).value for one, other in pairwise(places.compared)]
        proven = [apart[at] for at in places.proving if at in apart]
        acting, medians = acting + proven, medians + ([median(proven)] if proven else [])
        beside = [None if known is None else distance(known, faces[of, at]).value for at in apart]
        rows += [ChainIdentity(of, *pair, far) for pair, far in zip(apart.items(), beside, strict=True)]
    around = (share for step in steps for share in step.looked.surroundings if share is not None)
    return Throughout(
        frames=sum(map(len, own)),
        farthest=max(each[-1] for each in own),
        second=max(each[-2] if len(each) > 1 else each[-1] for each in own),
        acting=max(acting, default=None),
        acting_median=max(medians, default=None),
        next=max(onward, default=None),
        corners=min((share for each in chosen for share in each.joints), default=None),  # 3
        surroundings=min(around, default=None),
        **_to_reference(rows, chosen),
        each=tuple(rows),
    )


def _to_reference(rows: Sequence[ChainIdentity], chosen: Sequence["_Places"]) -> dict[str, float | None]:
    """Medians of frames at rest, and of those that prove each gesture: a turned head is farther, whoever it is."""
    far = {(row.step, row.place): row.to_reference for row in rows if row.to_reference is not None}
    own = [
        median(found)
        for of, places in enumerate(chosen)
        if (found := [far[of, at] for at in (places.proving if of else places.compared) if (of, at) in far])
    ]
    rest, work = own[:1], own[1:]
    most = max(rest + ([median(work)] if work else []), default=None)
    return {"to_reference": most, "farthest_reference": max(own, default=None)}


@dataclass(frozen=True)
class _Places:
    """Of a step's chain, in order, the frames to compare; those of them that prove its gesture, the strongest first.

    joints: the share of corners over each joint for which they vouch: they were followed, and no time is missing.
    """

    compared: list[int]
    proving: list[int]
    joints: list[float]


def _choose(step: StepMeasurement, at_rest: Neutral | None, *, begins: int) -> _Places:
    """at_rest: None for the step that shows it. Raises `Refused` where no frame to compare shows a face."""
    proving = []
    if at_rest is not None:
        there = [(at, face) for at, frame in enumerate(step.numbers.frames) if (face := frame.face) is not None]
        gesture = gestures.NAMED[step.sent.command]
        strong = gestures.strengths(gesture, [face for _, face in there], at_rest)
        least = gestures.limits(policy.GESTURES)[gesture]
        shown = [(value, at) for value, (at, _) in zip(strong, there, strict=True) if value >= least]
        proving = [at for _, at in sorted(shown, reverse=True)[: policy.THROUGHOUT.acting]]
    late = [after - before > policy.THROUGHOUT.apart_ms for before, after in pairwise(step.sent.taken)]
    told = enumerate(zip(step.looked.corners, late, strict=True))
    joints = {at: share for at, (share, is_late) in told if share is not None and not is_late}
    sides = {place for at in range(len(late)) if at not in joints for place in (at, at + 1)}
    every = range(begins % policy.THROUGHOUT.every, len(step.sent.chain), policy.THROUGHOUT.every)
    compared = [at for at in sorted({*proving, *sides, *every}) if step.looked.points[at] is not None]
    if not compared:
        raise Refused("liveness_face_missing", f"no face to compare in the chain of {step.sent.command}")
    return _Places(compared, proving, list(joints.values()))
