"""Every number of the live capture. Reviewed 2026-11-24.

The capture's numbers were measured: see docs/security/liveness.md and
`verification/engines/liveness/policy.py`.
"""

from dataclasses import dataclass, field
from typing import Final

from verification.engines.faces import backends
from verification.engines.faces.embedding import Threshold, Zones
from verification.engines.faces.image_gate import ImageLimits
from verification.engines.liveness import passive
from verification.engines.liveness.gestures import TURNS as TURNS
from verification.engines.liveness.hints import HintLimits
from verification.engines.liveness.injection import InjectionLimits
from verification.engines.liveness.passive_description import PassiveLimits
from verification.engines.liveness.policy import (
    AGAIN,
    CHAIN,
    FRAMES,
    GATES,
    GUIDED_EYES,
    HINTS,
    GateLimits,
)
from verification.engines.liveness.prints import AgainLimits


@dataclass(frozen=True)
class CaptureLimits:
    """What the page sends, what one part may hold, and the borrower's time.

    For each command the page sends a thin chain and a few full frames.
    chain_ms, chain_side, chain_bytes: interval, shorter side and maximum size of a chain frame.
    slow_side, slow_bytes: the same over a slow line.
    still_bytes, still_side: maximum size of a full frame, bytes and pixels.
    rest_stills, stills: full frames of the face at rest, and of a command.
    parts: maximum number of posts.
    not_before_ms to window_ms: when a command's frames are taken, from its showing.
    rest_ms: the end for the face at rest. late_ms: the extra time of a slow camera's last frame.
    transfer_ms: maximum transfer of a part, by our clock.
    chain_max, stills_max: in one part.
    seconds: from a command to the last frame of all.
    """

    chain_ms: int = 167
    chain_side: int = 240
    chain_bytes: int = 5_500
    slow_side: int = 160
    slow_bytes: int = 4_000
    still_side: int = 640
    still_bytes: int = 14_500
    rest_stills: int = 3
    stills: int = 2
    parts: int = 2
    not_before_ms: int = 250
    window_ms: int = 4_250
    rest_ms: int = 2_500
    late_ms: int = 500
    transfer_ms: int = 6_000
    chain_max: int = 40
    stills_max: int = 4
    chain_most_bytes: int = CHAIN.most_bytes
    still_most_bytes: int = FRAMES.most_bytes
    seconds: int = 120


# Every order has both turns and one or two of the others. Ours.
OTHERS = ("blink", "open_mouth", "come_closer", "nod")
# What a borrower may be unable to do, and the commands that are then left out; two always remain.
CANNOT = {"turn": TURNS, "blink": ("blink",), "open_mouth": ("open_mouth",)}
COMMANDS_MAX = 4
DRAWN_BITS = 32  # of the number that selects a command's compared frames
NONCE_BYTES, REQUEST_NONCE_BYTES = (
    32,
    8,
)  # of the key of the frames; enough that no two attempts share one
# How often a face that is not at rest is asked to look straight again. Ours: no command was shown
# yet.
REST_REPEATS = 2
# How often a line may be lost in a capture, and the code of one loss more. Ours.
LOST_MAX, LINE_LOST = 2, "liveness_line_lost"

# The look-ups under the consent.
SERVICES: Final = ("photo",)
# 23 frames of a command and 12 at rest have 5.5 KB each, and 11 full ones 14.5 KB. That is at most
# 732 KB for four commands, and 576 KB over a slow line; and five hints of 4 KB. Faces are
# distinguished better at 240 pixels than at 160. A person has half a second to read and 3.75 s to
# follow; the transfer takes at most 6 s. docs/decisions/0003-a-chain-of-240-pixels.md
CAPTURE = CaptureLimits()


# A portrait of a document is about 100 KB; the pixels are those of a phone's camera. Ours.
REFERENCE = ImageLimits(max_bytes=2 * 1024 * 1024, max_pixels=25_000_000)


# From the order to "ready", seconds. Ours: time to find a room with light.
READY_SECONDS: Final = 15 * 60
# Law O-23: the third failure is final.
ATTEMPTS: Final = 3
# Maximum free captures of one person at one lender in a day: each reveals what was seen. Ours:
# twice the attempts, because light can be improved. The sixth that ends by its picture or line goes
# to review.
UNBURNT_MAX: Final = 6

# Parts of labels, in lower case, of software that presents any picture as a camera: the device
# names of each product. The last three are Chromium's test camera, whose label is `fake_device_0`
# or its file's path. Labels of laptop makers, and a bare "virtual", are absent. Ours, from the
# products' texts; reviewed 2026-11.
VIRTUAL_CAMERAS: Final = (
    *(
        "obs virtual camera",
        "obs-camera",
        "obs camera",
        "streamlabs",
        "manycam",
        "splitcam",
        "snap camera",
        "xsplit",
    ),
    *(
        "e2esoft",
        "vcam",
        "altercam",
        "webcammax",
        "sparkocam",
        "fake webcam",
        "camtwist",
        "mmhmm",
        "chromacam",
    ),
    *(
        "v4l2loopback",
        "dummy video device",
        "akvcam",
        "webcamoid",
        "unity video capture",
        "ndi webcam",
        "vmix video",
    ),
    *("droidcam", "iriun", "epoccam", "camo studio", "reincubate camo"),
    *("fake_device", ".y4m", ".mjpeg"),
)
INJECTION = InjectionLimits(
    virtual_cameras=VIRTUAL_CAMERAS,
    # Pictures a second that programs typically produce. Ours.
    rates=(10.0, 15.0, 20.0, 24.0, 25.0, 30_000 / 1001, 30.0, 50.0, 60.0),
    # A command of 3.75 s at 15 a second has 56. A scripted stream is 0 µs off, a canvas and
    # Chromium's test camera 900 and more; no physical camera was available. This and all below:
    # tools/measure_injection.py.
    pictures=60,
    off_us=2.0,  # times are rounded to whole microseconds
    events=60,  # one second at a browser's maximum rate. Ours
    shaken=3,  # real clips of a fixed camera: at most 1
    shift=1.0,  # pixels of the chain's 160 on the shorter side
    # of 32 genuine captures 0, shifted at random ≤ 5; of 48 that were played again 28 reach it
    returned=8,
    apart=6,  # of 32 genuine captures 0, shifted at random ≤ 5; of 48 replayed ones 28 reach it
    alike=0.3,  # of the distance to the nearer neighbour
    # grey levels; a looped face at rest has 0.2 between two pictures of one moment
    moving=0.5,
)


@dataclass(frozen=True)
class FairLimits:
    """Beyond these an acceptable picture could still be much better; `capture.quality` says so.

    eyes: pixels between them. Luminances: 0 … 1. sharpness: as in `FaceMeasurement`.
    """

    eyes: float = GUIDED_EYES  # the gate is at 45
    darkest: float = 0.25  # the darkest real clip; the gate is at 0.10
    brightest: float = 0.65  # the brightest real clip; the gate is at 0.85
    sharpness: float = 0.16  # the least sharp real clip; the gate is at 0.12


@dataclass(frozen=True)
class LiveCapturePolicy:
    """Requirements on a live capture, and the maximum distance of a face to its reference.

    Create it at the judgement: its zones come from the calibration in use then. At import time it
    could have those of another backend.

    Raises: `Misconfigured` without a calibration.
    """

    version: str = "live-capture-2026-11"
    attempts: int = ATTEMPTS
    ready_seconds: int = READY_SECONDS
    capture: CaptureLimits = CAPTURE
    gates: GateLimits = GATES
    # Minimum frames a second of the chain in any step. A slower line or camera goes to review and
    # never gets a lower limit, or an attacker who cuts would claim a slow one.
    # tools/measure_chain.py: cuts show from 5 on;
    # the page takes 6, and a busy phone may miss some.
    chain_rate_min: float = 4.5
    chain_gap_max: float = 1.0  # maximum seconds without a frame: a busy phone may miss five
    # Minimum windows of each command that are comparable with another capture; of a turn, windows
    # with movement.
    # One takes 12 frames with a face: the page's 23 have 3, the 16 at the least rate above have 1.
    # Of the 3 at least 2 move in every turn of the model, all in the real ones; in a blink perhaps
    # none.
    # docs/security/liveness.md.
    windows_min: int = 1
    # How far a part may arrive before its frames were taken, seconds: the page counts from receipt
    # of the command.
    # Ours: two clocks that count the same second do not differ by more.
    clocks_apart_seconds: float = 0.25
    # Captures of one person at one lender in a day that a lost line may end; then people review.
    # Ours.
    lost_captures_max: int = 3
    unburnt_captures_max: int = UNBURNT_MAX
    commands_min: int = 3  # visible as asked, at least. Law: O-22
    must_show: tuple[str, ...] = (
        TURNS  # must be visible: an unrelated video shows one turn in ten. Ours
    )
    again: AgainLimits = AGAIN
    hints: HintLimits = HINTS
    # The face of each step against the neutral one, in the embedding's units: the edge of
    # review. docs/operator/faces.md#nets-and-thresholds
    same_face: Threshold = field(default_factory=lambda: backends.zones_in_use().review)
    # The same in the thin chain: a frame that proves a gesture must be no farther than matching
    # faces.
    same_actor: Threshold = field(default_factory=lambda: backends.zones_in_use().match)
    # The shipped calibration's, LFW, East-Asian cohort: match ≤ 1.00, FMR 1.0e-4 (20 events), FNMR
    # .043; review ≤ 1.08, FMR 8.4e-4, FNMR .009. docs/operator/faces.md#error-rates
    zones: Zones = field(default_factory=backends.zones_in_use)
    # The verdict is the upper median of so many best frames at rest: single distances, which zones
    # of single pictures judge, with an FMR of at most twice theirs.
    # docs/operator/faces.md#how-a-capture-is-judged
    match_frames: int = 5
    # Before review, a borrower without a spent attempt gets one more request for a better picture.
    # It counts as an attempt, so a lender has at most `attempts` captures of a person in a day.
    # If a stranger passes every gate of each, one of them matches with a chance of at most six
    # times the FMR of a single picture. By the East-Asian cohort that is 6.2e-4.
    asks_again: bool = True
    fair: FairLimits = FairLimits()
    reference: ImageLimits = REFERENCE
    # The largest loan, KZT, without a certified attack detector's bona fide. Ours: 75 MCI of
    # 2025, above which the law asks for a visit.
    unaided_max: int = 294_900
    # The operator's attack detector; None if it is not installed.
    passive: PassiveLimits | None = field(default_factory=passive.limits_in_use)
    # The largest loan, KZT, for a capture on a phone that took over by a code; above it people
    # review. Ours: 25 MCI of 2025, a third of the sum above.
    handed_over_max: int = 98_300
    injection: InjectionLimits = INJECTION
