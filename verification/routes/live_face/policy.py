"""Every number the route of code and live face judges by. Reviewed 2026-11-24. Those of the capture were measured: see
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
class LiveFacePolicy:
    """How the person, their phone and their face must be shown. Times in seconds unless said otherwise."""

    version: str = "live-face-2026-11"
    # The person. Ours: time to find one's document; api.md §1: three tries.
    person_seconds: int = 15 * 60
    person_attempts: int = 3
    # How long the consent to be looked up shall hold. Ours: as long as a verification lives.
    consent_seconds: int = 24 * 3600
    # How long the state's message may stay unanswered after the borrower's own answer. Ours: an SMS comes in minutes.
    consent_wait_seconds: int = 600
    # Characters of a document's number. law.md §3: nine digits on an identity card; a passport has a letter more.
    document_number_max: int = 20
    # Where the day of judgement is told. law.md §3: one zone for the whole country.
    time_zone: str = "Asia/Almaty"
    # The code. liveness.md §4, ASVS 5 §6.5, NIST SP 800-63B §5.1.3.
    code_attempts: int = 1
    code_digits: int = 6
    code_key_bytes: int = 32
    code_seconds: int = 300
    guesses: int = 5
    resends: int = 3
    resend_after_seconds: int = 30
    # Codes a day to one number, over all lenders. liveness.md §4.
    codes_a_day: int = 10
    # The face. Law O-23: the third failure is final.
    commands_attempts: int = 3
    # From the order to "ready". Ours: time to find a room with light.
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


POLICY = LiveFacePolicy()
