"""A distance belongs to the embedding that made it, and so does a threshold: the two are never mixed."""

from dataclasses import dataclass
from typing import Literal

from verification.core.errors import CalibrationMismatch

Zone = Literal["match", "review", "no_match"]


@dataclass(frozen=True)
class Distance:
    """How far two faces are apart, in the units of one embedding."""

    embedding: str
    value: float


@dataclass(frozen=True)
class Threshold:
    """A distance that means something for one embedding, and the calibration it comes from."""

    embedding: str
    value: float
    calibration: str

    def admits(self, distance: Distance) -> bool:
        """Whether a distance is this near. Raises `CalibrationMismatch` for that of another embedding."""
        if distance.embedding != self.embedding:
            raise CalibrationMismatch(f"{distance.embedding} is not judged by a threshold for {self.embedding}")
        return distance.value <= self.value


@dataclass(frozen=True)
class Zones:
    """Where a distance to the reference is a match, and up to where two people look. All of one embedding."""

    match: Threshold
    review: Threshold

    def of(self, distance: Distance) -> Zone:
        """The zone a distance lies in. Raises `CalibrationMismatch`; what is no number matches nobody."""
        if self.match.admits(distance):
            return "match"
        return "review" if self.review.admits(distance) else "no_match"
