"""Every number a live capture is judged by. Reviewed 2026-11-24. Those of the capture were measured: see
docs/liveness-measurements.md and `verification/engines/liveness/policy.py`."""

from dataclasses import dataclass, field
from typing import Final

from verification.engines.faces import backends
from verification.engines.faces.embedding import Threshold, Zones
from verification.engines.faces.image_gate import ImageLimits
from verification.engines.liveness.hints import HintLimits
from verification.engines.liveness.policy import GATES, HINTS, GateLimits


@dataclass(frozen=True)
class CaptureLimits:
    """What one answer may hold, and how long the borrower has. Times in seconds unless said otherwise."""

    frames_max: int
    frame_max_bytes: int
    not_before_ms: int
    window_ms: int
    seconds: int


# What a consent must allow to be asked: one of this stage alone, and one that the stage `person` obtained for all.
OWN_SERVICES: Final = ("photo",)
EARLIER_SERVICES: Final = ("person", "phone", "photo")
# A page's frames, bytes and milliseconds; seconds from "ready" to the last frame. liveness.md §4.
CAPTURE = CaptureLimits(frames_max=10, frame_max_bytes=40 * 1024, not_before_ms=250, window_ms=7000, seconds=90)


# A portrait of a document is about 100 KB; faces.md §4 for pixels.
REFERENCE = ImageLimits(max_bytes=2 * 1024 * 1024, max_pixels=25_000_000)


# From the order to "ready", seconds. Ours: time to find a room with light.
READY_SECONDS: Final = 15 * 60
# Law O-23: the third failure is final.
ATTEMPTS: Final = 3
# How long the consent to look the photo up shall hold, seconds. Ours: as long as a verification lives.
CONSENT_SECONDS: Final = 24 * 3600
# How long after the last frames a person may take to answer the state's message, seconds. Ours: a slow SMS, read.
CONSENT_WAIT_SECONDS: Final = 10 * 60


@dataclass(frozen=True)
class FairLimits:
    """Beyond which a picture that is good enough could still be much better, as `capture.poorest` tells it.

    `eyes`: pixels between them. Luminances: 0 … 1. `sharpness`: as in `FaceMeasurement`.
    """

    eyes: float = 70.0  # OFIQ's own middle of good and poor; the gate is at 45
    darkest: float = 0.25  # the darkest real clip; the gate is at 0.10
    brightest: float = 0.65  # the brightest real clip; the gate is at 0.85
    sharpness: float = 0.16  # the least sharp real clip; the gate is at 0.12


@dataclass(frozen=True)
class LiveCapturePolicy:
    """What a live capture must be, and how near a face must be to its reference.

    Made when it is judged by: its zones are those of the calibration that is in use then, and without one it raises
    `Misconfigured`. Made while modules are imported it would have those of another backend.
    """

    version: str = "live-capture-2026-11"
    attempts: int = ATTEMPTS
    ready_seconds: int = READY_SECONDS
    capture: CaptureLimits = CAPTURE
    gates: GateLimits = GATES
    hints: HintLimits = HINTS
    # The face of each step against the neutral one, in the embedding's units. faces.md §2: the edge of the review zone.
    same_face: Threshold = field(default_factory=lambda: backends.zones_in_use().review)
    # The shipped calibration's, LFW, East-Asian cohort: match ≤ 1.00, FMR 1.0e-4 (20 events), FNMR .043; review ≤ 1.08,
    # FMR 8.4e-4, FNMR .009. faces.md §7.
    zones: Zones = field(default_factory=backends.zones_in_use)
    # How many of the best frames at rest the verdict is the upper median of: their single distances, so that the zones
    # of single pictures judge it, with an FMR of at most twice theirs. faces.md §7.
    match_frames: int = 5
    # Before two people look, whoever has spent no attempt is asked once more for a better picture. It counts as an
    # attempt, so a lender has at most `attempts` captures of a person in a day: a stranger who passed every gate of
    # each would match in one of them with a chance of at most 2 × 3 × the FMR of a single picture, 6.2e-4 by the
    # East-Asian cohort.
    asks_again: bool = True
    fair: FairLimits = FairLimits()
    reference: ImageLimits = REFERENCE
    # The largest loan, KZT, without a detector of presentation attacks. liveness.md §4; 75 MCI of 2025, law.md S10.
    unaided_max: int = 294_900
    consent_seconds: int = CONSENT_SECONDS
    consent_wait_seconds: int = CONSENT_WAIT_SECONDS
