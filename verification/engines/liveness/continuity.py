"""Whether one and the same face was there from the first frame to the last."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from verification.engines.liveness.detection import Box, overlap
from verification.engines.liveness.landmarks import FrameMeasurement


@dataclass(frozen=True)
class SecondFaceLimits:
    """When a face beside the likeliest one is believed: the detector sees one in a pattern now and then.

    In one frame alone: `score`, at least, and `share` of the likeliest face's width, at least. Fainter ones: in at
    least so many `frames` of a capture.
    """

    score: float
    share: float
    frames: int


@dataclass(frozen=True)
class Presence:
    """Believed faces over all frames: the share of frames with exactly one, and the most in any. No frames: share 0."""

    one_face: float
    most: int


@dataclass(frozen=True)
class Continuity:
    """`overlap`: least intersection over union of consecutive boxes. `distance`: greatest to the neutral face.

    Each is None when nothing was there to compare, which must not pass. The unit of the distance is the embedding's.
    """

    overlap: float | None
    distance: float | None


def presence(frames: Sequence[FrameMeasurement], *, limits: SecondFaceLimits) -> Presence:
    """How many faces the frames show."""
    if not frames:
        return Presence(0.0, 0)
    faint = [_faint(frame, limits) for frame in frames]
    if sum(each > 0 for each in faint) >= limits.frames:
        faint = [0] * len(frames)
    faces = [frame.faces - each for frame, each in zip(frames, faint, strict=True)]
    return Presence(sum(each == 1 for each in faces) / len(faces), max(faces))


def continuity(steps: Sequence[Sequence[FrameMeasurement]], *, distances: Sequence[float]) -> Continuity:
    """The weakest link within the steps and over them.

    Boxes are compared within a step only: between two steps the page waits for an answer, and people move. There the
    `distances` hold, which the face engine measures from the best frame of each step to the neutral one.
    """
    overlaps = [
        overlap(before.face.box, after.face.box)
        for step in steps
        for before, after in pairwise(step)
        if before.face is not None and after.face is not None
    ]
    return Continuity(min(overlaps, default=None), max(distances, default=None))


def _faint(frame: FrameMeasurement, limits: SecondFaceLimits) -> int:
    """How many faces beside the likeliest one are not believed in this frame alone."""
    if frame.face is None:
        return 0
    least = limits.share * _width(frame.face.box)
    return sum(other.score < limits.score or _width(other.box) < least for other in frame.others)


def _width(box: Box) -> float:
    return box[2] - box[0]
