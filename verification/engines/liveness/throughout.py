"""The person throughout a live capture, by its thin chain; `pictures.measure` comes first.

1. Select frames: those that prove the gesture, every third one from a random offset drawn after
   arrival, and both sides of each joint without followed corners or with missing time.
2. Measure each one's distance to the face at rest in the same stream, and to the next.
3. Take the least share of corners over all other joints, and of those around the face over all.
4. Measure what the faces of different gestures have in common beyond the face at rest. Gestures
   lead different ways from it, but another person lies in one direction.
5. Measure the distance of the face at rest between gestures from that of the first step.
6. Separately, take the frames on the way to a gesture and back. For some people a turned or bowed
   face is far from its own rest. So deep frames prove a gesture, and frames on the way prove a
   person.

Source: docs/evidence/genuine.json, identity.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from statistics import median

import numpy as np

from verification.core.errors import Refused
from verification.engines.faces import backends
from verification.engines.faces.embedding import Embedding, common_distance, distance, mean
from verification.engines.faces.portrait import Portrait
from verification.engines.liveness import gestures, policy
from verification.engines.liveness.frames import measurable
from verification.engines.liveness.gestures import Gesture, Neutral
from verification.engines.liveness.landmarks import FrameMeasurement
from verification.engines.liveness.pictures import StepMeasurement


@dataclass(frozen=True)
class ChainIdentity:
    """A compared frame of a chain, and its person, as in `FrameIdentity`."""

    step: int
    place: int
    to_neutral: float
    to_reference: float | None


@dataclass(frozen=True)
class Throughout:
    """Distances in the embedding's units to the face at rest, over all steps.

    frames: how many were compared.
    farthest: of any. second: in any step of all but one.
    acting: of any that proves a gesture. acting_median: the greatest median of those of a step;
    None without a proven gesture.
    next: from one compared frame of a step to the next.
    corners: the least share that persists, 0 … 1, where it counts; None if it never does.
    surroundings: likewise around the face, where enough changed for another place.
    common: of the faces of different gestures, beyond the face at rest; None of fewer than two.
    resting: from the mean face of the first step to the mean of the commands' frames at rest; None
    without such.
    each: every compared frame. way: see `Way`.
    jumps: each joint that keeps fewer corners than any genuine face without a fast turn: its share,
    and the distance of the faces on both sides.
    to_reference: to the register's face, None without one. Of each step the median, at rest of all
    compared frames, else of those that prove its gesture; the rest's, or the gestures' median if
    larger.
    farthest_reference: the greatest.
    """

    frames: int
    farthest: float
    second: float
    acting: float | None
    acting_median: float | None
    next: float | None
    corners: float | None
    surroundings: float | None
    common: float | None
    resting: float | None
    to_reference: float | None
    farthest_reference: float | None
    each: tuple[ChainIdentity, ...]
    way: "Way"
    jumps: tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class Way:
    """Frames close enough to the pose at rest to identify the person.

    `gestures` of all steps pass through them. Frames beyond are deep.
    frames: the fewest of a step with deep ones; None without such a step.
    median: the greatest of a step's distances to the face at rest. second: in any step of all but
    one. farthest: of any.
    acting: the greatest median of those that prove a gesture, None if all such are deep.
    to_reference: to the register's face, as in `Throughout`.
    deep_median, deep: of deep frames, the greatest median of a step, and the farthest; None
    without.
    """

    frames: int | None
    median: float
    second: float
    farthest: float
    acting: float | None
    to_reference: float | None
    deep_median: float | None
    deep: float | None


def throughout(
    steps: Sequence[StepMeasurement], *, at_rest: Neutral, reference: Embedding | None
) -> Throughout:
    """The persons in the chain, and whether the person is `known`; neutral step first, every third
    frame from an offset on.

    Raises: `Refused` with `liveness_face_missing` for a step without a comparable face.
    """
    away = partial(gestures.away, turn=at_rest.turn, pitch=at_rest.pitch, limits=policy.NEUTRAL)
    # `at_rest` is the mean of these frames, so one of them is the nearest to it.
    _, stillest = min(
        (away(item.face), at)
        for at, item in enumerate(steps[0].numbers.frames)
        if item.face is not None
    )
    chosen = [_choose(step, at_rest if number else None) for number, step in enumerate(steps)]  # 1
    frames_used = list(
        {(0, stillest): None}
        | {(number, at): None for number, item in enumerate(chosen) for at in item.every}
    )
    with measurable():  # of all steps at once, which is cheaper
        pictures = [
            (steps[number].chain[at], np.array(steps[number].looked.points[at]).reshape(5, 2))
            for number, at in frames_used
        ]
        embeddings = backends.in_use().recogniser.embed_all(
            [Portrait(*picture, 1.0) for picture in pictures]
        )
    faces, distances = dict(zip(frames_used, embeddings, strict=True)), list[list[float]]()
    (acting, medians, onward), rows = [list[float]() for _ in range(3)], list[ChainIdentity]()
    for number, places in enumerate(chosen):  # 2
        apart = {at: distance(faces[0, stillest], faces[number, at]).value for at in places.every}
        distances.append(sorted(apart.values()))
        onward += [
            distance(faces[number, first], faces[number, second]).value
            for first, second in pairwise(places.compared)
        ]
        proven = [apart[at] for at in places.proving if at in apart]
        acting, medians = acting + proven, medians + ([median(proven)] if proven else [])
        to_reference = [
            None if reference is None else distance(reference, faces[number, at]).value
            for at in apart
        ]
        rows += [
            ChainIdentity(number, *pair, far)
            for pair, far in zip(apart.items(), to_reference, strict=True)
        ]
    return Throughout(
        frames=sum(map(len, distances)),
        farthest=max(item[-1] for item in distances),
        second=max(item[-2] if len(item) > 1 else item[-1] for item in distances),
        acting=max(acting, default=None),
        acting_median=max(medians, default=None),
        next=max(onward, default=None),
        **_shares(steps, chosen),  # 3
        **_between(steps, chosen, faces, at_rest),  # 4, 5
        **_to_reference(rows, chosen),
        each=tuple(rows),
        way=_way(steps, chosen, rows, at_rest),  # 6
        jumps=tuple(_jumps(chosen, faces)),
    )


def _shares(
    steps: Sequence[StepMeasurement], chosen: Sequence["_Places"]
) -> dict[str, float | None]:
    around = (share for step in steps for share in step.looked.surroundings if share is not None)
    joints = (share for places in chosen for share in places.joints)
    return {"corners": min(joints, default=None), "surroundings": min(around, default=None)}


def _way(
    steps: Sequence[StepMeasurement],
    chosen: Sequence["_Places"],
    rows: Sequence[ChainIdentity],
    at_rest: Neutral,
) -> Way:
    near, deep, to_known, proven = (dict[int, list[float]]() for _ in range(4))
    for row in rows:
        is_near = _is_on_the_way(steps[row.step].numbers.frames[row.place], at_rest)
        (near if is_near else deep).setdefault(row.step, []).append(row.to_neutral)
        if is_near and row.to_reference is not None:
            to_known.setdefault(row.step, []).append(row.to_reference)
        if is_near and row.place in chosen[row.step].proving:
            proven.setdefault(row.step, []).append(row.to_neutral)
    if not near:
        raise Refused("liveness_face_missing", "no face is held as at rest")
    second = (sorted(distances)[-2:][0] for distances in near.values())
    return Way(
        frames=min((len(near.get(number, ())) for number in deep), default=None),
        median=max(map(median, near.values())),
        second=max(second),
        farthest=max(far for distances in near.values() for far in distances),
        acting=max(map(median, proven.values()), default=None),
        to_reference=_rest_or_work(
            [median(distances) for _, distances in sorted(to_known.items())]
        ),
        deep_median=max(map(median, deep.values()), default=None),
        deep=max((far for distances in deep.values() for far in distances), default=None),
    )


def _is_on_the_way(frame: FrameMeasurement, at_rest: Neutral) -> bool:
    limits, face = policy.THROUGHOUT, frame.face
    if face is None:
        return False
    aside, bowed = abs(face.turn - at_rest.turn), abs(face.pitch - at_rest.pitch)
    return aside <= limits.way_turn and bowed <= limits.way_nod


def _jumps(
    chosen: Sequence["_Places"], faces: Mapping[tuple[int, int], Embedding]
) -> Iterator[tuple[float, float]]:
    for number, places in enumerate(chosen):
        for at, share in places.weak.items():
            if (number, at) in faces and (number, at + 1) in faces:
                yield share, distance(faces[number, at], faces[number, at + 1]).value


def _between(
    steps: Sequence[StepMeasurement],
    chosen: Sequence["_Places"],
    faces: Mapping[tuple[int, int], Embedding],
    at_rest: Neutral,
) -> dict[str, float | None]:
    """4 and 5. One moment at rest has random parts in common, so the base is the mean of all
    moments.
    """
    first, later, acting = list[Embedding](), list[Embedding](), dict[Gesture, list[Embedding]]()
    for (number, at), face in faces.items():
        face_seen = steps[number].numbers.frames[at].face
        if at in chosen[number].more:
            continue
        if number == 0:
            first.append(face)
        elif at in chosen[number].proving:
            acting.setdefault(gestures.NAMED[steps[number].sent.command], []).append(face)
        elif at in chosen[number].shown or face_seen is None:
            continue
        elif gestures.is_at_rest(
            face_seen, at_rest, limits=policy.NEUTRAL, near=policy.THROUGHOUT.near
        ):
            later.append(face)
    return by_means(first, later, list(acting.values()))


def by_means(
    first: Sequence[Embedding], later: Sequence[Embedding], acting: Sequence[Sequence[Embedding]]
) -> dict[str, float | None]:
    """`common` and `resting` of faces at rest in the first step and later, and of those that
    prove each gesture.
    """
    apart = mean(first).numbers - mean(later).numbers if later else None
    gestured = [mean(embeddings) for embeddings in acting]
    return {
        "common": common_distance(mean([*first, *later]), gestured) if len(gestured) > 1 else None,
        "resting": None if apart is None else float(np.linalg.norm(apart)),
    }


def _to_reference(
    rows: Sequence[ChainIdentity], chosen: Sequence["_Places"]
) -> dict[str, float | None]:
    """Medians of frames at rest, and of those that prove each gesture: a turned head is farther
    for everyone.
    """
    far = {(row.step, row.place): row.to_reference for row in rows if row.to_reference is not None}
    distances = [
        median(to_frames)
        for number, places in enumerate(chosen)
        if (
            to_frames := [
                far[number, at]
                for at in (places.proving if number else places.compared)
                if (number, at) in far
            ]
        )
    ]
    return {
        "to_reference": _rest_or_work(distances),
        "farthest_reference": max(distances, default=None),
    }


def _rest_or_work(medians: Sequence[float]) -> float | None:
    """The rest's distance, which comes first, or the commands' median if larger."""
    resting, work = medians[:1], medians[1:]
    return max([*resting, *([median(work)] if work else [])], default=None)


@dataclass(frozen=True)
class _Places:
    """Frames of a step's chain to compare, in order; those that prove its gesture, strongest first;
    all that show it.

    joints: the share of corners over each joint with followed corners and without missing time.
    weak: of those, joints with too few corners, by the preceding position.
    more: further compared frames: both sides of such a joint, and those on the way next to deep
    ones. They are outside the means of 4 and 5 and outside `next`, whose limits were measured
    without them.
    """

    compared: list[int]
    proving: list[int]
    shown: frozenset[int]
    joints: list[float]
    weak: Mapping[int, float]
    more: list[int]

    @property
    def every(self) -> list[int]:
        """All compared frames, in order."""
        return sorted({*self.compared, *self.more})


def _choose(step: StepMeasurement, at_rest: Neutral | None) -> _Places:
    """at_rest: None for the step that shows it.

    Raises: `Refused` without a comparable face.
    """
    candidates = list[tuple[float, int]]()
    if at_rest is not None:
        there = [
            (at, face)
            for at, frame in enumerate(step.numbers.frames)
            if (face := frame.face) is not None
        ]
        gesture = gestures.NAMED[step.sent.command]
        strong = gestures.strengths(gesture, [face for _, face in there], at_rest)
        least = gestures.limits(policy.GESTURES)[gesture]
        candidates = [
            (value, at) for value, (at, _) in zip(strong, there, strict=True) if value >= least
        ]
    proving = [at for _, at in sorted(candidates, reverse=True)[: policy.THROUGHOUT.acting]]
    late = [
        after - before > policy.THROUGHOUT.apart_ms for before, after in pairwise(step.sent.taken)
    ]
    corner_lates = enumerate(zip(step.looked.corners, late, strict=True))
    joints = {
        at: share for at, (share, is_late) in corner_lates if share is not None and not is_late
    }
    weak = {at: share for at, share in joints.items() if not share >= policy.GATES.corners}
    sides = {place for at in range(len(late)) if at not in joints for place in (at, at + 1)}
    every = range(
        step.sent.drawn % policy.THROUGHOUT.every, len(step.sent.chain), policy.THROUGHOUT.every
    )
    compared = [
        at for at in sorted({*proving, *sides, *every}) if step.looked.points[at] is not None
    ]
    way = set() if at_rest is None else _alongside(step, at_rest)
    besides = way | {place for at in weak for place in (at, at + 1)}
    more = [at for at in sorted(besides - {*compared}) if step.looked.points[at] is not None]
    if not compared:
        raise Refused(
            "liveness_face_missing", f"no face to compare in the chain of {step.sent.command}"
        )
    return _Places(
        compared, proving, frozenset(at for _, at in candidates), list(joints.values()), weak, more
    )


def _alongside(step: StepMeasurement, at_rest: Neutral) -> set[int]:
    """Frames on the way next to deep ones: before, and after."""
    near = [_is_on_the_way(frame, at_rest) for frame in step.numbers.frames]
    deep = [
        at
        for at, frame in enumerate(step.numbers.frames)
        if frame.face is not None and not near[at]
    ]
    reach = range(-policy.THROUGHOUT.way, policy.THROUGHOUT.way + 1)
    return {
        at + aside
        for at in deep
        for aside in reach
        if 0 <= at + aside < len(near) and near[at + aside]
    }
