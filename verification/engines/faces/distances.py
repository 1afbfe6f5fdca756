"""A distance belongs to the embedding that made it, and so does a threshold: the two are never mixed."""

from dataclasses import dataclass

from verification.core.errors import Misconfigured


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
        """Whether a distance is this near. Raises `Misconfigured` across embeddings: 0.35 of one is 0.5 of another."""
        if distance.embedding != self.embedding:
            raise Misconfigured(f"{distance.embedding} is not judged by a threshold for {self.embedding}")
        return distance.value <= self.value
