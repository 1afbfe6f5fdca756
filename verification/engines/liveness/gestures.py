"""Whether the frames of one step show the commanded gesture without contradiction.

1. One series of numbers per gesture, frame by frame, relative to the neutral face.
2. The commanded gesture must be visible.
3. No contradicting gesture may be visible.

Leftovers of the previous command in the first frames are permitted, because people see a command
only after it appears.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, median
from typing import Literal

from verification.core.errors import Refused
from verification.engines.liveness.landmarks import FaceMeasurement, FrameMeasurement

Gesture = Literal["turn_left", "turn_right", "blink", "open_mouth", "come_closer", "nod"]
GESTURES: tuple[Gesture, ...] = (
    "turn_left",
    "turn_right",
    "blink",
    "open_mouth",
    "come_closer",
    "nod",
)
NAMED: dict[str, Gesture] = {name: name for name in GESTURES}
TURNS: tuple[Gesture, ...] = ("turn_left", "turn_right")

# A blink contradicts nothing, because everybody blinks; heads dip in turns and leans, so a nod
# contradicts neither.
_CONTRADICTING: dict[Gesture, tuple[Gesture, ...]] = {
    "turn_left": ("turn_right", "open_mouth", "come_closer"),
    "turn_right": ("turn_left", "open_mouth", "come_closer"),
    "blink": ("turn_left", "turn_right", "open_mouth", "come_closer", "nod"),
    "open_mouth": ("turn_left", "turn_right", "come_closer", "nod"),
    "come_closer": ("turn_left", "turn_right", "open_mouth"),
    "nod": ("turn_left", "turn_right", "open_mouth", "come_closer"),
}


@dataclass(frozen=True)
class NeutralLimits:
    """Limits of the face at rest, with which all steps are compared.

    frames: least number with a face.
    turn, mouth: maximum.
    eye, shut: least opening of both eyes together, and of either.
    lids: later, the least share of each eye's opening then.
    pitch: degrees, maximum up or down.
    """

    frames: int
    turn: float
    mouth: float
    eye: float
    shut: float
    lids: float
    pitch: float


@dataclass(frozen=True)
class GestureThresholds:
    """From which number a gesture is visible; units as in `FaceMeasurement`.

    turn: change from neutral.
    mouth: absolute.
    closure: 1 - opening over neutral opening, both eyes' mean; another frame of the step must have
    at most `open_eyes`.
    closer: eye distance over neutral; and over the least in the step at least `approach`.
    nod: degrees down from neutral, with a frame before and after at most `nod_rest` of it.
    held: frames that a turn, an open mouth and a nearer face must last.
    contrary_turn: the change from which a turn contradicts.
    leftover: first frames permitted.
    frames: least number with a face.
    """

    turn: float
    mouth: float
    closure: float
    open_eyes: float
    closer: float
    approach: float
    nod: float
    nod_rest: float
    held: int
    contrary_turn: float
    leftover: int
    frames: int


@dataclass(frozen=True)
class Neutral:
    """The face at rest, looking at the camera: medians, units as in `FaceMeasurement`."""

    turn: float
    mouth: float
    right_eye: float
    left_eye: float
    pitch: float
    interocular: float


@dataclass(frozen=True)
class StepJudgement:
    """The result of a step. `value` is the strongest number of the commanded gesture, None
    without enough frames.
    """

    gesture: Gesture
    fired: bool
    value: float | None
    threshold: float
    contradictions: tuple[Gesture, ...]

    @property
    def is_right(self) -> bool:
        """Whether the commanded gesture is visible without contradiction."""
        return self.fired and not self.contradictions


def neutral(
    frames: Sequence[FrameMeasurement],
    *,
    limits: NeutralLimits,
    full: Sequence[FrameMeasurement] = (),
) -> Neutral:
    """The face at rest.

    full: full frames of the same moments. They alone decide whether the eyes are open, if they show
    any: in the chain's small pictures the lids of a narrow eye are a pixel or two apart.

    Raises: `Refused` for too few frames, or if the face is turned, speaking or asleep.
    """
    faces = [frame.face for frame in frames if frame.face is not None]
    # All later numbers are relative to these: the median of a few frames is no rest.
    if len(faces) < limits.frames:
        raise Refused(
            "liveness_neutral_missing", "too few frames with a face before the first command"
        )
    averages = Neutral(
        turn=median(face.turn for face in faces),
        mouth=median(face.mouth for face in faces),
        right_eye=median(face.lids[0] for face in faces),
        left_eye=median(face.lids[1] for face in faces),
        pitch=median(face.pitch for face in faces),
        interocular=median(face.interocular for face in faces),
    )
    lids_of_frames = [
        frame.face.lids
        for frame in full
        if frame.face is not None and frame.face.right_eye is not None
    ]
    lids = [median(values) for values in zip(*lids_of_frames, strict=True)] or [
        averages.right_eye,
        averages.left_eye,
    ]
    # One eye may lie in the dark, where its lids look closer than they are.
    open_eyes = fmean(lids) >= limits.eye and min(lids) >= limits.shut
    straight = abs(averages.turn) <= limits.turn and abs(averages.pitch) <= limits.pitch
    if not (open_eyes and straight and averages.mouth <= limits.mouth):
        raise Refused(
            "liveness_neutral_unfit",
            "before the first command the face was turned, open-mouthed or asleep",
        )
    return averages


def away(face: FaceMeasurement, *, turn: float, pitch: float, limits: NeutralLimits) -> float:
    """The distance of a face from a pose, in units of the permitted deviation at rest: ratios
    and degrees add.
    """
    return abs(face.turn - turn) / limits.turn + abs(face.pitch - pitch) / limits.pitch


def is_at_rest(
    face: FaceMeasurement, at_rest: Neutral, *, limits: NeutralLimits, near: float
) -> bool:
    """Whether a face is about in the pose at rest, mouth closed and eyes open. `near`: in units
    of `away`.
    """
    is_held = away(face, turn=at_rest.turn, pitch=at_rest.pitch, limits=limits) <= near
    right, left = face.lids
    is_awake = right >= limits.lids * at_rest.right_eye and left >= limits.lids * at_rest.left_eye
    return is_held and face.mouth <= limits.mouth and is_awake


def judge(
    gesture: Gesture,
    frames: Sequence[FrameMeasurement],
    *,
    at_rest: Neutral,
    thresholds: GestureThresholds,
) -> StepJudgement:
    """The judgement of a step for one commanded gesture. Too few faces pass nothing."""
    faces = [frame.face for frame in frames if frame.face is not None]
    least = limits(thresholds)
    if len(faces) < thresholds.frames:
        return StepJudgement(gesture, False, None, least[gesture], ())
    # 1: measure every gesture, because the others must not be visible.
    series = {name: strengths(name, faces, at_rest) for name in GESTURES}
    # 2: a missed command is the borrower's to repeat, whatever else they did.
    asked_series, strongest = series[gesture], max(series[gesture])
    if gesture == "blink":
        # Closed eyes alone can be a sleeper's or a mask's: the same step must also show them open.
        fired = strongest >= least[gesture] and min(asked_series) <= thresholds.open_eyes
    elif gesture == "nod":
        # A head that stays down is bowed: it must be up before and after its lowest frame.
        lowest, is_up = (
            asked_series.index(strongest),
            [value <= thresholds.nod_rest * strongest for value in asked_series],
        )
        fired = strongest >= least[gesture] and any(is_up[:lowest]) and any(is_up[lowest:])
    else:
        stayed = gesture == "come_closer" and strongest < thresholds.approach * min(asked_series)
        fired = (
            not stayed and sum(value >= least[gesture] for value in asked_series) >= thresholds.held
        )
    against = []
    # 3: an actor of all gestures, or a recording, follows every command and contradicts each.
    for contradicting in _CONTRADICTING[gesture]:
        if contradicting == "come_closer":
            # A face may stay close after an earlier command: only coming closer now contradicts.
            is_shown = [
                value >= thresholds.closer * series[contradicting][0]
                for value in series[contradicting]
            ]
        else:
            limit = (
                thresholds.contrary_turn
                if contradicting in ("turn_left", "turn_right")
                else least[contradicting]
            )
            is_shown = [value >= limit for value in series[contradicting]]
            # A gesture visible from the first frame on belongs to the previous command, up to the
            # permitted frames.
            begun = next((at for at, name in enumerate(is_shown) if not name), len(is_shown))
            is_shown = is_shown[min(begun, thresholds.leftover) :]
        if any(is_shown):
            against.append(contradicting)
    return StepJudgement(gesture, fired, strongest, least[gesture], tuple(against))


def limits(thresholds: GestureThresholds) -> dict[Gesture, float]:
    """The strength from which each gesture is visible."""
    return {
        "turn_left": thresholds.turn,
        "turn_right": thresholds.turn,
        "blink": thresholds.closure,
        "open_mouth": thresholds.mouth,
        "come_closer": thresholds.closer,
        "nod": thresholds.nod,
    }


def strengths(gesture: Gesture, faces: Sequence[FaceMeasurement], at_rest: Neutral) -> list[float]:
    """The strength of one gesture in each face; `GestureThresholds` says from which on it is
    visible.
    """
    match gesture:
        case "turn_left":
            return [face.turn - at_rest.turn for face in faces]
        case "turn_right":
            return [at_rest.turn - face.turn for face in faces]
        case "blink":
            lids = [face.lids for face in faces]
            return [
                1 - (right / at_rest.right_eye + left / at_rest.left_eye) / 2
                for right, left in lids
            ]
        case "open_mouth":
            return [face.mouth for face in faces]
        case "come_closer":
            return [face.interocular / at_rest.interocular for face in faces]
        case "nod":
            return [at_rest.pitch - face.pitch for face in faces]
