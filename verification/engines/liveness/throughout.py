"""One person throughout: whose face the thin chain shows, in the frames that prove a gesture and between them.

1 frames to compare: those that prove the gesture, every third one from a place that nobody outside knows, and both
sides of each joint over which corners were not followed or time is missing · 2 the distance of each to the face at rest
in the same stream, and from one to the next · 3 the least share of corners over all other joints, and of those round
the face over all.
Source: liveness.md §8; docs/liveness-measurements.md, "One person throughout".
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from statistics import median

import numpy as np

from verification.core.errors import Refused
from verification.engines.faces import backends
from verification.engines.faces.embedding import Embedding, distance
from verification.engines.faces.portrait import Portrait
from verification.engines.liveness import gestures, policy
from verification.engines.liveness.crops import measurable
from verification.engines.liveness.gestures import Neutral
from verification.engines.liveness.pictures import StepMeasurement


@dataclass(frozen=True)
class Throughout:
    """Distances in the embedding's units to the face at rest, over all steps.

    `frames`: how many were compared. `farthest`: of any. `second`: in any step of all but one. `acting`: of any that
    proves a gesture; `acting_median`: the greatest median of those of a step; None where no gesture was proven.
    `next`: from one compared frame of a step to the next. `corners`: the least share that is still there, 0 … 1, where
    it counts; None where it nowhere does. `surroundings`: likewise round the face, where so much changed that it may be
    another place.
    """

    frames: int
    farthest: float
    second: float
    acting: float | None
    acting_median: float | None
    next: float | None
    corners: float | None
    surroundings: float | None


def measure(steps: Sequence[StepMeasurement], *, at_rest: Neutral, begins: int) -> Throughout:
    """What the chain says of who is there; the neutral step comes first. `begins`: at which frame every third begins.

    Raises `Refused` with `liveness_face_missing` for a step in which no face can be compared.
    """
    away = partial(gestures.away, turn=at_rest.turn, pitch=at_rest.pitch, limits=policy.NEUTRAL)
    # `at_rest` was made of these frames, so one of them is the nearest to it.
    _, stillest = min((away(each.face), at) for at, each in enumerate(steps[0].numbers.frames) if each.face is not None)
    chosen = [_choose(step, at_rest if number else None, begins=begins + number) for number, step in enumerate(steps)]
    faces = _faces(steps, [{*chosen[0].compared, stillest}, *(each.compared for each in chosen[1:])])
    rest, own = faces[0][stillest], list[list[float]]()
    acting, medians, onward, joints, around = [list[float]() for _ in range(5)]
    for step, places, there in zip(steps, chosen, faces, strict=True):
        corners = enumerate(step.looked.corners)
        joints += [each for at, each in corners if each is not None and at not in places.loose]
        around += [each for each in step.looked.surroundings if each is not None]
        apart = {at: distance(rest, there[at]).value for at in places.compared}
        own.append(sorted(apart.values()))
        onward += [distance(there[one], there[other]).value for one, other in pairwise(places.compared)]
        if shown := [apart[at] for at in places.proving if at in apart]:
            acting += shown
            medians.append(median(shown))
    return Throughout(
        frames=sum(map(len, own)),
        farthest=max(each[-1] for each in own),
        second=max(each[-2] if len(each) > 1 else each[-1] for each in own),
        acting=max(acting, default=None),
        acting_median=max(medians, default=None),
        next=max(onward, default=None),
        corners=min(joints, default=None),
        surroundings=min(around, default=None),
    )


@dataclass(frozen=True)
class _Places:
    """Of a step's chain, in order, the frames to compare; those of them that prove its gesture, the strongest first.

    loose: joints, each by its first frame, that corners do not vouch for: none was followed, or time is missing.
    """

    compared: list[int]
    proving: list[int]
    loose: frozenset[int]


def _choose(step: StepMeasurement, at_rest: Neutral | None, *, begins: int) -> _Places:
    """at_rest: None for the step that shows it. Raises `Refused` where no frame to compare shows a face."""
    proving = []
    if at_rest is not None:
        there = [(at, face) for at, frame in enumerate(step.numbers.frames) if (face := frame.face) is not None]
        gesture = gestures.NAMED[step.command]
        strong = gestures.strengths(gesture, [face for _, face in there], at_rest)
        least = gestures.limits(policy.GESTURES)[gesture]
        shown = [(value, at) for value, (at, _) in zip(strong, there, strict=True) if value >= least]
        proving = [at for _, at in sorted(shown, reverse=True)[: policy.THROUGHOUT.acting]]
    late = [after - before > policy.THROUGHOUT.apart_ms for before, after in pairwise(step.sent.taken)]
    joints = enumerate(zip(step.looked.corners, late, strict=True))
    loose = frozenset(at for at, (share, is_late) in joints if share is None or is_late)
    sides = {place for at in loose for place in (at, at + 1)}
    every = range(begins % policy.THROUGHOUT.every, len(step.sent.chain), policy.THROUGHOUT.every)
    compared = [at for at in sorted({*proving, *sides, *every}) if step.looked.points[at] is not None]
    if not compared:
        raise Refused("liveness_face_missing", f"no face to compare in the chain of {step.command}")
    return _Places(compared, proving, loose)


def _faces(steps: Sequence[StepMeasurement], places: Sequence[Collection[int]]) -> list[dict[int, Embedding]]:
    """The face at each of these places, step by step; all at once, which costs the net less."""
    shown = [(step, at) for step, own in zip(steps, places, strict=True) for at in own]
    with measurable():
        portraits = [
            Portrait(step.chain[at], np.array(step.looked.points[at]).reshape(5, 2), 1.0) for step, at in shown
        ]
        found = iter(backends.in_use().recogniser.embed_all(portraits))
    return [{at: next(found) for at in own} for own in places]
