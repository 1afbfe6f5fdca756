"""Every number a live capture is judged by. Reviewed 2026-11-24. Those of the capture were
measured: docs/security/liveness.md, and `verification/engines/liveness/policy.py`.
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
    """What the page is asked for, what one part of an answer may hold, and how long the borrower
    has.

    Of each command it sends a thin chain, a frame every `chain_ms` whose shorter side has
    `chain_side` pixels and which takes at most `chain_bytes`, or over a slow line `slow_side` and
    `slow_bytes`. And few full frames of at most
    `still_bytes` and `still_side` pixels: `rest_stills` of the face at rest, `stills` of a command.
    `parts`: in how many posts, at most. `not_before_ms` to `window_ms`: when a command's frames are
    taken, from its showing on; the face at rest until `rest_ms`, and `late_ms` later a slow
    camera's last. `transfer_ms`: how long a part may be on its way, by our clock. `chain_max`,
    `stills_max`: in one part. `seconds`: from a command to the last frame of all.
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
# What somebody may say that they cannot do, and the commands that are not asked of them then; two
# always stay.
CANNOT = {"turn": TURNS, "blink": ("blink",), "open_mouth": ("open_mouth",)}
COMMANDS_MAX = 4
DRAWN_BITS = 32  # of the number that chooses the frames of a command which are compared
NONCE_BYTES, REQUEST_NONCE_BYTES = (
    32,
    8,
)  # of the key of the frames; enough that two attempts never share one
# How often a borrower whose face was not at rest is asked to look straight once more. Ours: no
# command was shown yet.
REST_REPEATS = 2
# How often a line may be lost in a capture, and by which code one ends that lost it once more.
# Ours.
LOST_MAX, LINE_LOST = 2, "liveness_line_lost"

# What registers are asked under the consent.
SERVICES: Final = ("photo",)
# 23 frames of a command and 12 at rest, of 5.5 KB, and 11 full ones of 14.5 KB: at most 732 KB of
# four commands, and 576 KB over a slow line; and five hints of 4 KB. A face is told from others
# better at 240 pixels than at 160: docs/decisions/0003-a-chain-of-240-pixels.md. A person has half
# a second to read and 3.75 s to follow; the way to us takes 6 s at most. Ours.
CAPTURE = CaptureLimits()


# A portrait of a document is about 100 KB; the pixels are those of a phone's camera. Ours.
REFERENCE = ImageLimits(max_bytes=2 * 1024 * 1024, max_pixels=25_000_000)


# From the order to "ready", seconds. Ours: time to find a room with light.
READY_SECONDS: Final = 15 * 60
# Law O-23: the third failure is final.
ATTEMPTS: Final = 3
# And how many captures of one person at one lender in a day may end in any way that costs none, for
# each tells what was seen. Ours: twice as many, for light is found. The sixth that ends by its
# picture or the line is for people.
UNBURNT_MAX: Final = 6

# Parts of the labels, in small letters, of software that hands a browser any picture as a camera's:
# the names that each product gives its device. The last three are Chromium's camera for tests,
# whose label is `fake_device_0`, or the path of the file it plays. Not what makers of laptops
# install, nor a bare "virtual". Ours, from the products' own texts; reviewed 2026-11.
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
    # Pictures a second: what programmes aim at. Ours.
    rates=(10.0, 15.0, 20.0, 24.0, 25.0, 30_000 / 1001, 30.0, 50.0, 60.0),
    # A command of 3.75 s at 15 a second has 56. A stream whose times a script counts is 0 µs off, a
    # canvas and Chromium's camera for tests 900 and more; no physical one was at hand. This and all
    # below: tools/measure_injection.py.
    pictures=60,
    off_us=2.0,  # times are rounded to whole microseconds
    events=60,  # one second of what browsers give at most. Ours
    shaken=3,  # real clips of a camera that stands: at most 1
    shift=1.0,  # pixels of the chain's 160 on the shorter side
    # of 32 genuine captures 0, shifted at random ≤ 5; of 48 that were played again 28 reach it
    returned=8,
    apart=6,  # pictures, one second of a chain
    alike=0.3,  # of the distance to the nearer neighbour
    # grey levels; a loop of a face that rests has 0.2 between two pictures of one moment
    moving=0.5,
)


@dataclass(frozen=True)
class FairLimits:
    """Beyond which a picture that is good enough could still be much better, as `capture.quality`
    tells it.

    `eyes`: pixels between them. Luminances: 0 … 1. `sharpness`: as in `FaceMeasurement`.
    """

    eyes: float = GUIDED_EYES  # the gate is at 45
    darkest: float = 0.25  # the darkest real clip; the gate is at 0.10
    brightest: float = 0.65  # the brightest real clip; the gate is at 0.85
    sharpness: float = 0.16  # the least sharp real clip; the gate is at 0.12


@dataclass(frozen=True)
class LiveCapturePolicy:
    """What a live capture must be, and how near a face must be to its reference.

    Made when it is judged by: its zones are those of the calibration that is in use then, and
    without one it raises `Misconfigured`. Made while modules are imported it would have those of
    another backend.
    """

    version: str = "live-capture-2026-11"
    attempts: int = ATTEMPTS
    ready_seconds: int = READY_SECONDS
    capture: CaptureLimits = CAPTURE
    gates: GateLimits = GATES
    # Frames a second of the chain in any step, at least: a line or a camera below it is for people,
    # never for fewer frames, or whoever cuts would claim a slow one. tools/measure_chain.py: cuts
    # show from 5 on; the page takes 6, and a busy phone may miss some.
    chain_rate_min: float = 4.5
    chain_gap_max: float = 1.0  # seconds without a frame, at most: a busy phone may miss five
    # Windows of each command, at least, that can be compared with another capture; of a turn, such
    # as move as well. One takes 12 frames with a face: the page's 23 have 3, the 16 at the least
    # rate above have 1. Of the 3 at least 2 move in every turn of the model, all in the real ones;
    # in a blink perhaps none. docs/evidence/liveness_replays.json.
    windows_min: int = 1
    # How far a part may come before its frames were taken, seconds: the page counts from when it
    # heard of the command. Ours: two clocks that count the same second do not differ by more.
    clocks_apart_seconds: float = 0.25
    # How many captures of one person at one lender in a day may end because the line was lost; then
    # people look. Ours.
    lost_captures_max: int = 3
    unburnt_captures_max: int = UNBURNT_MAX
    commands_min: int = 3  # shown as asked, at least. law.md O-22
    must_show: tuple[str, ...] = (
        TURNS  # whatever else was missed: an unrelated video shows one turn in ten. Ours
    )
    again: AgainLimits = AGAIN
    hints: HintLimits = HINTS
    # The face of each step against the neutral one, in the embedding's units: the edge of the
    # review zone. docs/operator/faces.md#nets-and-thresholds
    same_face: Threshold = field(default_factory=lambda: backends.zones_in_use().review)
    # The same in the thin chain, where a frame that proves a gesture must be no farther than faces
    # that match.
    same_actor: Threshold = field(default_factory=lambda: backends.zones_in_use().match)
    # The shipped calibration's, LFW, East-Asian cohort: match ≤ 1.00, FMR 1.0e-4 (20 events), FNMR
    # .043; review ≤ 1.08, FMR 8.4e-4, FNMR .009. docs/operator/faces.md#error-rates
    zones: Zones = field(default_factory=backends.zones_in_use)
    # How many of the best frames at rest the verdict is the upper median of: their single
    # distances, so that the zones of single pictures judge it, with an FMR of at most twice theirs.
    # docs/operator/faces.md#how-a-capture-is-judged
    match_frames: int = 5
    # Before two people look, whoever has spent no attempt is asked once more for a better picture.
    # It counts as an attempt, so a lender has at most `attempts` captures of a person in a day: a
    # stranger who passed every gate of each would match in one of them with a chance of at most 2 ×
    # 3 × the FMR of a single picture, 6.2e-4 by the East-Asian cohort.
    asks_again: bool = True
    fair: FairLimits = FairLimits()
    reference: ImageLimits = REFERENCE
    # The largest loan, KZT, without a certified detector of presentation attacks that says bona
    # fide. Ours: 75 MCI of 2025, above which the law asks for a visit.
    unaided_max: int = 294_900
    # Of the operator's detector of presentation attacks; None where none is installed.
    passive: PassiveLimits | None = field(default_factory=passive.limits_in_use)
    # The largest loan, KZT, that a capture may verify at a phone that took the session over by a
    # code; above it people look. Ours: 25 MCI of 2025, a third of the sum above.
    handed_over_max: int = 98_300
    injection: InjectionLimits = INJECTION
