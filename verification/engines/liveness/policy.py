"""The numbers measured for live capture, each with unit and source. A route's policy names the sets it judges by.

Fixed on 2026-11-24 from the real clips of docs/liveness-measurements.md, before anything that makes frames existed.
"""

from verification.engines.liveness.frames import FrameLimits
from verification.engines.liveness.freshness import FreshnessLimits
from verification.engines.liveness.gestures import GestureThresholds, NeutralLimits
from verification.engines.liveness.planarity import PlanarityLimits

FRAMES = FrameLimits(
    most_bytes=40 * 1024,  # a 640 × 480 frame of quality 0.8 is 25 … 35 KB
    most_side=1280,  # pixels; cameras are asked for 640 × 480
    least_side=160,  # pixels; below that an eye is 15 pixels wide and its lids cannot be told
)

NEUTRAL = NeutralLimits(
    frames=2,
    turn=0.20,  # talking faces stay within 0.18 of 0
    mouth=0.15,  # closed or smiling mouths ≤ 0.12
    eye=0.20,  # open eyes of the five people: 0.31 … 0.39
    pitch=20.0,  # degrees; the five people at rest: -13 … 6
)

GESTURES = GestureThresholds(
    turn=0.35,  # turns reach 0.40 and 0.48, a turned photograph ≤ 0.29, talking ≤ 0.18
    mouth=0.30,  # open 0.31 … 0.47, talking ≤ 0.21
    closure=0.50,  # blinks 0.53 … 0.86, eyes in talk, smile and turn ≤ 0.36
    open_eyes=0.30,
    closer=1.25,  # without a command eye distances stay within 1.18
    approach=1.15,
    nod=12.0,  # degrees; without a command at most 8, but 14 in a turn, which contradicts
    nod_rest=0.5,
    held=2,
    contrary_turn=0.25,  # faces that do not turn stay within 0.18
    leftover=4,  # of 8 … 10 frames
    frames=6,  # of 8 … 10
)

PLANARITY = PlanarityLimits(
    evidence=0.04,  # of the eye distance: ten times the residual of a face at rest
    points=24,  # three times the freedoms of a homography, two numbers a point
)
PLANARITY_RATIO = 0.70  # at least; live turns 0.86 … 1.05, flat paper ≤ 0.12, bent paper ≤ 0.50
PLANARITY_RESIDUAL = 0.028  # of the eye distance, at least: the two above, multiplied

FRESHNESS = FreshnessLimits(frozen=0.05)
