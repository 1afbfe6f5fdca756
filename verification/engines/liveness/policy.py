"""The numbers measured for live capture, each with unit and source. A route's policy names the sets it judges by.

Fixed on 2026-11-24 from the real clips of docs/liveness-measurements.md, before anything that makes frames existed.
"""

from dataclasses import dataclass

from verification.engines.liveness.continuity import FreshnessLimits, SecondFaceLimits
from verification.engines.liveness.frames import FrameLimits
from verification.engines.liveness.gestures import GestureThresholds, NeutralLimits
from verification.engines.liveness.hints import HintLimits
from verification.engines.liveness.landmarks import QualityLimits
from verification.engines.liveness.planarity import PlanarityLimits

FRAMES = FrameLimits(
    most_bytes=40 * 1024,  # a 640 × 480 frame of quality 0.8 is 25 … 35 KB
    most_side=640,  # pixels; cameras are asked for 640 × 480, and the page reduces what is larger
    least_side=160,  # pixels; below that an eye is 15 pixels wide and its lids cannot be told
)

NEUTRAL = NeutralLimits(
    frames=2,
    turn=0.20,  # talking faces stay within 0.18 of 0
    mouth=0.15,  # closed or smiling mouths ≤ 0.12
    eye=0.15,  # open eyes of the five people 0.30 … 0.41, of a smiling portrait 0.20; closed ones 0.05 … 0.15
    pitch=20.0,  # degrees; the five people at rest: -6 … 6
)

GESTURES = GestureThresholds(
    turn=0.35,  # turns reach 0.37 and 0.51, a turned photograph ≤ 0.29, faces that do not turn ≤ 0.17
    mouth=0.30,  # open 0.36 … 0.45, talking ≤ 0.23
    closure=0.50,  # blinks 0.63 … 0.85 and one half-blink 0.47; awake, winking and smiling eyes ≤ 0.34
    open_eyes=0.30,
    closer=1.25,  # without a command eye distances grow to 1.14
    approach=1.15,
    nod=12.0,  # degrees; without a command at most 7, but 15 in a turn, which contradicts
    nod_rest=0.5,
    held=2,
    contrary_turn=0.25,  # faces that do not turn stay within 0.17
    leftover=4,  # of 8 … 10 frames
    frames=6,  # of 8 … 10
)

PLANARITY = PlanarityLimits(
    evidence=0.04,  # of the eye distance: the design's limit; faces that do not turn mostly stay below it
    points=24,  # three times the 8 freedoms of a homography
)

SECOND_FACE = SecondFaceLimits(
    score=0.55,  # boxes on a pattern 0.51; second faces of 0.3 … 0.47 of the width 0.57 … 0.62, larger ones more
    share=0.25,  # of the likeliest face's width; smaller ones are mostly not found at all
    frames=2,  # one frame alone may be the detector's fault, two are somebody
)

# How far the eyes that the detector of gestures finds may be from those of the comparison's, in widths of the face:
# beyond it they look at two faces. 87 frames of five real people: at most 0.05, also where they turn.
SAME_EYES = 0.2

FRESHNESS = FreshnessLimits(frozen=0.05)  # grey levels; the same picture 0.0, real clips ≥ 0.31

QUALITY = QualityLimits(
    least_interocular=45.0,  # pixels; below it the clips reduced in size read as blurred
    most_width=0.75,  # share of the frame's width; a nearer face leaves the frame in a turn
    least_luminance=0.10,  # the darkest clip has 0.25; at 0.03 it still had a face and no detail
    most_luminance=0.85,  # the brightest clip has 0.65
    sharpness=0.12,  # real clips 0.16 … 0.76, the same blurred by 3 pixels 0.06 … 0.17
)

HINTS = HintLimits(
    # The page sends 320 pixels on the longer side, about 15 KB; a wide camera then gives 180 on the other.
    frames=FrameLimits(most_bytes=40 * 1024, most_side=640, least_side=90),
    eyes=QUALITY.least_interocular / 640,  # of the longer side: what makes a frame of 640 pixels fit to be compared
    most_width=0.60,  # of the picture's width; nearer, a face that comes closer by 1.25 leaves QUALITY.most_width
    most_aside=0.20,  # of the width or height, from the middle; beyond it a turned head is cut off
    most_lean=45.0,  # degrees; a head that leans so far is upright in a picture that lies on its side
    least_luminance=QUALITY.least_luminance,
    most_luminance=QUALITY.most_luminance,
)


@dataclass(frozen=True)
class GateLimits:
    """What the gates of a live capture compare with; a route's policy holds one."""

    # The page's window and what the network may add, seconds, by our clock. liveness.md §4: 250 ms, 7 s + 1.5 s.
    arrival_min_seconds: float = 0.25
    arrival_max_seconds: float = 8.5
    frames_min: int = GESTURES.frames
    one_face_share: float = 0.95  # share of frames with exactly one face, at least; real clips 1.0
    most_faces: int = 1  # in any frame
    frozen_run: int = 4  # frames, at most
    repeated: int = 0  # frames, at most
    noise: float = 0.05  # grey levels, more than
    planarity_ratio: float = (
        0.70  # at least, over both turns; live turns 0.58, 0.86, 0.97, flat paper ≤ 0.16, bent paper ≤ 0.55
    )
    planarity_residual: float = 0.028  # of the eye distance, at least: the two above, multiplied
    overlap: float = (
        0.30  # of consecutive boxes, at least: below it the detector itself counts two faces; real clips ≥ 0.81
    )


GATES = GateLimits()
