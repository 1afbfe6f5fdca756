"""Every number the biometric route judges by. Reviewed 2026-11-24. Those of the capture were measured: see
docs/liveness-measurements.md and `verification/engines/liveness/policy.py`."""

from dataclasses import dataclass

from verification.core.live_capture import CaptureLimits
from verification.engines.faces.distances import Threshold
from verification.engines.faces.image_gate import ImageLimits
from verification.engines.faces.recognition import EMBEDDING
from verification.engines.liveness import policy as measured

CALIBRATION = "lfw-2026-11"
# A page's frames, bytes and milliseconds; seconds from "ready" to the last frame. liveness.md §4.
CAPTURE = CaptureLimits(frames_max=10, frame_max_bytes=40 * 1024, not_before_ms=250, window_ms=7000, seconds=90)
# faces.md §2, LFW, East-Asian cohort: FMR 4.7e-5 (4 events), FNMR .57 at 0.35; FMR 6.3e-2, FNMR .059 at 0.50.
MATCH, REVIEW = Threshold(EMBEDDING, 0.35, CALIBRATION), Threshold(EMBEDDING, 0.50, CALIBRATION)
# A portrait of a document is about 100 KB; faces.md §4 for pixels.
REFERENCE = ImageLimits(max_bytes=2 * 1024 * 1024, max_pixels=25_000_000)


@dataclass(frozen=True)
class BiometricPolicy:
    """What a live capture must be, and how near a face must be to its reference."""

    version: str = "biometric-2026-11"
    # Law O-23: the third failure is final.
    attempts: int = 3
    # From the order to "ready", seconds. Ours: time to find a room with light.
    ready_seconds: int = 15 * 60
    capture: CaptureLimits = CAPTURE
    # The page's window and what the network may add, seconds, by our clock. liveness.md §4: 7 s + 1.5 s.
    arrival_min_seconds: float = 0.25
    arrival_max_seconds: float = 8.5
    frames_min: int = measured.GESTURES.frames
    one_face_share: float = measured.ONE_FACE
    most_faces: int = measured.MOST_FACES
    frozen_run: int = measured.FROZEN_RUN
    repeated: int = measured.REPEATED
    noise: float = measured.NOISE
    planarity_ratio: float = measured.PLANARITY_RATIO
    planarity_residual: float = measured.PLANARITY_RESIDUAL
    overlap: float = measured.OVERLAP
    # The face of each step against the neutral one, in the embedding's units. faces.md §2: the edge of the review zone.
    same_face: Threshold = REVIEW
    match: Threshold = MATCH
    review: Threshold = REVIEW
    reference: ImageLimits = REFERENCE
    # How long the consent to look the photo up shall hold, seconds. Ours: as long as a verification lives.
    consent_seconds: int = 24 * 3600


POLICY = BiometricPolicy()
