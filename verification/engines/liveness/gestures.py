"""Whether the frames of one step show the commanded gesture and nothing that contradicts it.

1 one series of numbers for each gesture, frame by frame, relative to the neutral face · 2 the commanded gesture must
show · 3 no gesture that contradicts it may show. What the previous command left in the first frames is forgiven, for a
person sees the next command only after it was revealed.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Literal

from verification.core.errors import Refused
from verification.engines.liveness.landmarks import FaceMeasurement, FrameMeasurement

Gesture = Literal["turn_left", "turn_right", "blink", "open_mouth", "come_closer", "nod"]
GESTURES: tuple[Gesture, ...] = ("turn_left", "turn_right", "blink", "open_mouth", "come_closer", "nod")

# A blink contradicts nothing, for everybody blinks; heads dip while they turn or lean, so a nod contradicts neither.
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
    """What a face may do in the frames all steps are compared with.

    `frames`: at least so many with a face. `turn`, `mouth`: at most. `eye`: each at least so open. `pitch`: degrees, at
    most up or down.
    """

    frames: int
    turn: float
    mouth: float
    eye: float
    pitch: float


@dataclass(frozen=True)
class GestureThresholds:
    """From which number a gesture shows; units as in `FaceMeasurement`.

    `turn`: change from neutral. `mouth`: absolute. `closure`: 1 - opening over neutral opening, both eyes' mean; in
    another frame of the step it must be at most `open_eyes`. `closer`: eye distance over neutral; and over the least
    in the step at least `approach`. `nod`: degrees down from neutral, with a frame before and after at most
    `nod_rest` of it. `held`: frames a turn, an open mouth and a nearer face must last. `contrary_turn`: from which
    change a turn contradicts. `leftover`: first frames forgiven. `frames`: with a face, at least so many.
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
    """What a step showed. `value` is the strongest number of the commanded gesture, None without enough frames."""

    gesture: Gesture
    fired: bool
    value: float | None
    threshold: float
    contradictions: tuple[Gesture, ...]

    @property
    def is_right(self) -> bool:
        """Did the commanded gesture show, and nothing against it?"""
        return self.fired and not self.contradictions


def neutral(frames: Sequence[FrameMeasurement], *, limits: NeutralLimits) -> Neutral:
    """The face at rest. Raises `Refused` when the frames are too few or the face is turned, speaking or asleep."""
    faces = [frame.face for frame in frames if frame.face is not None]
    if len(faces) < limits.frames:
        raise Refused("liveness_neutral_missing", "too few frames with a face before the first command")
    rest = Neutral(
        turn=median(face.turn for face in faces),
        mouth=median(face.mouth for face in faces),
        right_eye=median(face.right_eye for face in faces),
        left_eye=median(face.left_eye for face in faces),
        pitch=median(face.pitch for face in faces),
        interocular=median(face.interocular for face in faces),
    )
    open_eyes = min(rest.right_eye, rest.left_eye) >= limits.eye
    straight = abs(rest.turn) <= limits.turn and abs(rest.pitch) <= limits.pitch
    if not (open_eyes and straight and rest.mouth <= limits.mouth):
        raise Refused("liveness_neutral_unfit", "before the first command the face was turned, open-mouthed or asleep")
    return rest


def judge(
    gesture: Gesture, frames: Sequence[FrameMeasurement], *, rest: Neutral, thresholds: GestureThresholds
) -> StepJudgement:
    """The step judged for one commanded gesture. Too few faces show nothing, so they pass nothing."""
    faces = [frame.face for frame in frames if frame.face is not None]
    threshold = _threshold(gesture, thresholds)
    if len(faces) < thresholds.frames:
        return StepJudgement(gesture, False, None, threshold, ())
    series = {each: strengths(each, faces, rest) for each in GESTURES}  # 1
    fired = _shows(gesture, series[gesture], thresholds)  # 2
    against = tuple(each for each in _CONTRADICTING[gesture] if _contradicts(each, series[each], thresholds))  # 3
    return StepJudgement(gesture, fired, max(series[gesture]), threshold, against)


def strengths(gesture: Gesture, faces: Sequence[FaceMeasurement], rest: Neutral) -> list[float]:
    """The strength of one gesture in each face; a threshold of `GestureThresholds` says from where on it shows."""
    match gesture:
        case "turn_left":
            return [face.turn - rest.turn for face in faces]
        case "turn_right":
            return [rest.turn - face.turn for face in faces]
        case "blink":
            return [1 - (face.right_eye / rest.right_eye + face.left_eye / rest.left_eye) / 2 for face in faces]
        case "open_mouth":
            return [face.mouth for face in faces]
        case "come_closer":
            return [face.interocular / rest.interocular for face in faces]
        case "nod":
            return [rest.pitch - face.pitch for face in faces]


def _threshold(gesture: Gesture, thresholds: GestureThresholds) -> float:
    return {
        "turn_left": thresholds.turn,
        "turn_right": thresholds.turn,
        "blink": thresholds.closure,
        "open_mouth": thresholds.mouth,
        "come_closer": thresholds.closer,
        "nod": thresholds.nod,
    }[gesture]


def _shows(gesture: Gesture, series: Sequence[float], thresholds: GestureThresholds) -> bool:
    threshold = _threshold(gesture, thresholds)
    if gesture == "blink":
        # Closed eyes alone are a sleeper's or a mask's: in the same step they must have been open too.
        return max(series) >= threshold and min(series) <= thresholds.open_eyes
    if gesture == "nod":
        return max(series) >= threshold and _returns(series, thresholds.nod_rest)
    if gesture == "come_closer" and max(series) < thresholds.approach * min(series):
        return False
    return sum(value >= threshold for value in series) >= thresholds.held


def _returns(series: Sequence[float], rest: float) -> bool:
    lowest = series.index(max(series))
    limit = rest * series[lowest]
    return any(value <= limit for value in series[:lowest]) and any(value <= limit for value in series[lowest:])


def _contradicts(gesture: Gesture, series: Sequence[float], thresholds: GestureThresholds) -> bool:
    if gesture == "come_closer":
        # Who came closer for an earlier command need not go back: only coming closer now contradicts.
        return any(value >= thresholds.closer * series[0] for value in series)
    is_turn = gesture in ("turn_left", "turn_right")
    limit = thresholds.contrary_turn if is_turn else _threshold(gesture, thresholds)
    shown = [value >= limit for value in series]
    begun = next((at for at, each in enumerate(shown) if not each), len(shown))
    return any(shown[min(begun, thresholds.leftover) :])
