"""Every number the biometric route judges by. Reviewed 2026-11-24. Those of the capture were measured: see
docs/liveness-measurements.md and `verification/engines/liveness/policy.py`."""

from dataclasses import dataclass

from verification.core.live_capture import CaptureLimits
from verification.engines.faces import backends
from verification.engines.faces.distances import Threshold, Zones
from verification.engines.faces.image_gate import ImageLimits
from verification.engines.liveness.hints import HintLimits
from verification.engines.liveness.policy import GATES, HINTS, GateLimits

# A page's frames, bytes and milliseconds; seconds from "ready" to the last frame. liveness.md §4.
CAPTURE = CaptureLimits(frames_max=10, frame_max_bytes=40 * 1024, not_before_ms=250, window_ms=7000, seconds=90)
# Of the calibration in use. The shipped one, LFW, East-Asian cohort: match ≤ 0.26, FMR 4.7e-5 (4 events), FNMR .472;
# review ≤ 0.37, FMR 7.8e-2, FNMR .039. faces.md §2.
ZONES = backends.zones_in_use()
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
    gates: GateLimits = GATES
    hints: HintLimits = HINTS
    # The face of each step against the neutral one, in the embedding's units. faces.md §2: the edge of the review zone.
    same_face: Threshold = ZONES.review
    zones: Zones = ZONES
    reference: ImageLimits = REFERENCE
    # The largest loan, KZT, without a detector of presentation attacks. liveness.md §4; 75 MCI of 2025, law.md S10.
    unaided_max: int = 294_900
    # How long the consent to look the photo up shall hold, seconds. Ours: as long as a verification lives.
    consent_seconds: int = 24 * 3600
    # How long after the last frames a person may take to answer the state's message, seconds. Ours: a slow SMS, read.
    consent_wait_seconds: int = 10 * 60


POLICY = BiometricPolicy()
