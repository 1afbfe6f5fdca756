"""Whether the frames of one step show the commanded gesture and nothing that contradicts it.

1 one series of numbers for each gesture, frame by frame, relative to the neutral face · 2 the
commanded gesture must show · 3 no gesture that contradicts it may show. What the previous command
left in the first frames is forgiven, for a person sees the next command only after it was revealed.
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

# A blink contradicts nothing, for everybody blinks; heads dip while they turn or lean, so a nod
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
    """What a face may do in the frames all steps are compared with.

    `frames`: at least so many with a face. `turn`, `mouth`: at most. `eye`, `shut`: both together
    at least so open, and either. `lids`: later, of what each was open then, at least. `pitch`:
    degrees, at most up or down.
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
    """From which number a gesture shows; units as in `FaceMeasurement`.

    `turn`: change from neutral. `mouth`: absolute. `closure`: 1 - opening over neutral opening,
    both eyes' mean; in another frame of the step it must be at most `open_eyes`. `closer`: eye
    distance over neutral; and over the least in the step at least `approach`. `nod`: degrees down
    from neutral, with a frame before and after at most `nod_rest` of it. `held`: frames a turn, an
    open mouth and a nearer face must last. `contrary_turn`: from which change a turn contradicts.
    `leftover`: first frames forgiven. `frames`: with a face, at least so many.
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
    """What a step showed. `value` is the strongest number of the commanded gesture, None without
    enough frames.
    """

    gesture: Gesture
    fired: bool
    value: float | None
    threshold: float
    contradictions: tuple[Gesture, ...]

    @property
    def is_right(self) -> bool:
        """Did the commanded gesture show, and nothing against it?"""
        return self.fired and not self.contradictions


def neutral(
    frames: Sequence[FrameMeasurement],
    *,
    limits: NeutralLimits,
    full: Sequence[FrameMeasurement] = (),
) -> Neutral:
    """The face at rest. Raises `Refused` when the frames are too few or the face is turned,
    speaking or asleep.

    full: full frames of the same moments. Whether the eyes are open is judged in them alone where
    they show any: in so small a picture as the chain's the lids of a narrow eye are a pixel or two
    apart.
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
    # Of two eyes one may lie in the dark, and its lids look nearer together than they are.
    open_eyes = fmean(lids) >= limits.eye and min(lids) >= limits.shut
    straight = abs(averages.turn) <= limits.turn and abs(averages.pitch) <= limits.pitch
    if not (open_eyes and straight and averages.mouth <= limits.mouth):
        raise Refused(
            "liveness_neutral_unfit",
            "before the first command the face was turned, open-mouthed or asleep",
        )
    return averages


def away(face: FaceMeasurement, *, turn: float, pitch: float, limits: NeutralLimits) -> float:
    """How far a face is held from a pose, in units of what a face at rest may deviate: so ratio and
    degrees add.
    """
    return abs(face.turn - turn) / limits.turn + abs(face.pitch - pitch) / limits.pitch


def is_at_rest(
    face: FaceMeasurement, at_rest: Neutral, *, limits: NeutralLimits, near: float
) -> bool:
    """Whether a face is held about as the one at rest, its mouth closed and its eyes open. `near`:
    as `away` says.
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
    """The step judged for one commanded gesture. Too few faces show nothing, so they pass
    nothing.
    """
    faces = [frame.face for frame in frames if frame.face is not None]
    least = limits(thresholds)
    if len(faces) < thresholds.frames:
        return StepJudgement(gesture, False, None, least[gesture], ())
    # 1: every gesture is measured, for what was not asked for must not show either.
    series = {name: strengths(name, faces, at_rest) for name in GESTURES}
    # 2: a command that was not followed is the borrower's to repeat, whatever else they did.
    asked_series, strongest = series[gesture], max(series[gesture])
    if gesture == "blink":
        # Closed eyes alone are a sleeper's or a mask's: in the same step they must have been open
        # too.
        fired = strongest >= least[gesture] and min(asked_series) <= thresholds.open_eyes
    elif gesture == "nod":
        # A head that stays down is bowed: before and after its lowest frame it must have been up.
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
    # 3: somebody who does everything, or a recording of it, follows every command and contradicts
    # each.
    for contradicting in _CONTRADICTING[gesture]:
        if contradicting == "come_closer":
            # Who came closer for an earlier command need not go back: only coming closer now
            # contradicts.
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
            # What shows from the first frame on is the previous command's, as long as it may be
            # forgiven.
            begun = next((at for at, name in enumerate(is_shown) if not name), len(is_shown))
            is_shown = is_shown[min(begun, thresholds.leftover) :]
        if any(is_shown):
            against.append(contradicting)
    return StepJudgement(gesture, fired, strongest, least[gesture], tuple(against))


def limits(thresholds: GestureThresholds) -> dict[Gesture, float]:
    """From which strength on each gesture shows."""
    return {
        "turn_left": thresholds.turn,
        "turn_right": thresholds.turn,
        "blink": thresholds.closure,
        "open_mouth": thresholds.mouth,
        "come_closer": thresholds.closer,
        "nod": thresholds.nod,
    }


def strengths(gesture: Gesture, faces: Sequence[FaceMeasurement], at_rest: Neutral) -> list[float]:
    """The strength of one gesture in each face; a threshold of `GestureThresholds` says from where
    on it shows.
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
