"""Whether one and the same face was there from the first frame to the last."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from verification.engines.liveness.detection import overlap
from verification.engines.liveness.landmarks import FrameMeasurement


@dataclass(frozen=True)
class Presence:
    """Faces over all frames: the share of frames with exactly one, and the most in any. No frames: share 0."""

    one_face: float
    most: int


@dataclass(frozen=True)
class Continuity:
    """`overlap`: least intersection over union of consecutive boxes. `distance`: greatest to the neutral face.

    Each is None when nothing was there to compare, which must not pass. The unit of the distance is the embedding's.
    """

    overlap: float | None
    distance: float | None


def presence(frames: Sequence[FrameMeasurement]) -> Presence:
    """How many faces the frames show."""
    if not frames:
        return Presence(0.0, 0)
    return Presence(sum(frame.faces == 1 for frame in frames) / len(frames), max(frame.faces for frame in frames))


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
