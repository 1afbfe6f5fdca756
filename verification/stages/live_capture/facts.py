"""What is known of a live capture when it is judged: the stage's facts."""

from collections.abc import Mapping
from dataclasses import dataclass

from verification.core.results import Step
from verification.engines.liveness.capture import FrameIdentity
from verification.engines.liveness.continuity import Continuity as Continuity
from verification.engines.liveness.continuity import Freshness, Presence
from verification.engines.liveness.gestures import StepJudgement
from verification.engines.liveness.injection import Injection
from verification.engines.liveness.passive import PassiveScores
from verification.engines.liveness.pictures import StepNumbers
from verification.engines.liveness.planarity import Planarity
from verification.engines.liveness.throughout import Throughout as Throughout
from verification.stages.live_capture.kept import ComparedAll


@dataclass(frozen=True)
class Sent:
    """What came for the order: of each step its command, and how many frames its chain has and how
    many are full.

    `soonest`, `earliest`, `latest`: seconds from a showing to the first part, and by the page's
    clock to the first and the last frame; over all steps the least, the least, the most.
    `transfer`, `ahead`: longest and shortest way of a part; below 0 it came before it was taken.
    `rate`, `gap`: frames a second, of the slowest chain, and the longest time without one. The
    rest: see `kept`.
    """

    order: tuple[str, ...]
    without: tuple[str, ...]
    replaced_max: int
    commands: tuple[str, ...]
    chain: tuple[int, ...]
    stills: tuple[int, ...]
    soonest: float
    earliest: float
    latest: float
    transfer: float
    ahead: float
    rate: float
    gap: float
    missed: int
    lost: int
    by_line: bool
    lost_before: int
    unburnt_before: int
    is_bound: bool
    presented_before: bool
    compared: ComparedAll


@dataclass(frozen=True)
class Shown:
    """What the frames show. `flaws`: the first of each step without a frame fit to be compared.

    `continuity`: of the full frames; `throughout`: of the thin chain. `poorest`: pixels between the
    eyes, light and sharpness, each of the steps' best stills. `numbers`: of all frames.
    """

    freshness: Freshness
    presence: Presence
    flaws: tuple[str, ...]
    poorest: Mapping[str, str]
    gestures: tuple[StepJudgement, ...] | Step
    depth: Planarity
    continuity: Continuity | Step
    throughout: Throughout | Step
    numbers: tuple[StepNumbers, ...]


@dataclass(frozen=True)
class Match:
    """Distances to the reference, in the embedding's units: upper medians of the best frames at
    rest and of the best of each command, and the farthest. `rest_frames`: places in the first step
    of those compared, best first.
    """

    at_rest: float
    at_work: float
    farthest: float
    rest_frames: tuple[int, ...]


@dataclass(frozen=True)
class LiveCaptureFacts:
    """All that a live capture is judged by.

    `best`: kinds of the full frames that stand for the steps, which are kept when others are
    destroyed. `identity`: whom each still shows, in which pose. `left`: attempts, with this one.
    `models`: SHA-256 of those that find and measure faces. `embedding`, `recognition`: units and
        net of the distances.
    `passive`: what a detector of presentation attacks says; None where none is installed, or
        nothing was measured.
    """

    sent: Sent | Step
    shown: Shown | Step
    match: Match | Step
    injection: Injection | Step
    best: tuple[str, ...]
    identity: tuple[FrameIdentity, ...]
    left: int | None
    handed_over: bool
    amount: str
    currency: str
    models: Mapping[str, str]
    embedding: str
    recognition: Mapping[str, str]
    passive: PassiveScores | None = None
