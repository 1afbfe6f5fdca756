"""Where in a clip a capture is found, as the page would have cut it: a face at rest, and what the
engine sees done.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median

import cv2
import numpy as np

from tests.honest_people import filmed
from tests.honest_people.filmed import APART, Clip, Deed, Looked, Placing
from tests.liveness_attacks.people import measured
from verification.core import results
from verification.core.results import Step
from verification.engines.faces import backends
from verification.engines.liveness import gestures, policy
from verification.engines.liveness.gestures import Neutral
from verification.engines.liveness.landmarks import FaceMeasurement, FrameMeasurement
from verification.stages.live_capture.policy import REFERENCE

REST, COMMAND = 12, 23
"""Frames of the chain at rest and of a command: what the page sends."""
_FEWEST = 12  # what the gate of freshness needs to compare one command with another
# seconds from the showing of a command to the movement: half a second to read, a third to move
_BEFORE = 0.8
_OPEN = 0.6  # of the eyes as they mostly are: below it they are closing
_MOST_COMMANDS = 4
_NEVER = -1.0  # seconds
_PHOTOS = 20  # frames that are tried for the reference, the straightest first
_PHOTO_EYES = 120.0  # pixels
Times = tuple[float, ...]


@dataclass(frozen=True)
class Found:
    """A capture in a clip: of each command, the face at rest first, when its frames are taken,
    seconds.
    """

    clip: Clip
    placing: Placing
    steps: tuple[tuple[str, Times], ...]
    photo: tuple[Clip, Placing, float]
    """`photo`: clip and second of the reference."""

    @property
    def commands(self) -> tuple[str, ...]:
        """What is asked for, without the face at rest."""
        return tuple(command for command, _ in self.steps[1:])


def captures(every: Sequence[Clip], *, most: int | None = None) -> list[Found]:
    """One of each clip that has a face at rest and a command, at most so many.

    The reference is another clip's of the same person, where there is one.
    """
    found = list[Found]()
    for clip in every:
        steps = _steps(clip) if most is None or len(found) < most else ()
        if steps:
            others = [other for other in every if other.person == clip.person and other != clip]
            photo = _photo([(other, ()) for other in others] or [(clip, steps)])
            if photo is not None:
                found.append(Found(clip, _placing(clip, steps[0][1]), steps, photo))
    return found


def _steps(clip: Clip) -> tuple[tuple[str, Times], ...]:
    """The commands of which the engine sees the gesture; the people filmed were not asked for
    any.
    """
    looked = filmed.look(clip)
    rest = _rest(looked, clip.deeds)
    at_rest = None if rest is None else _neutral(looked.faces(rest[0], rest[-1]))
    if rest is None or at_rest is None:
        return ()
    chosen: dict[str, Times] = {}
    for at, deed in enumerate(clip.deeds):
        if deed.gesture and deed.gesture not in chosen and len(chosen) < _MOST_COMMANDS:
            others = [*clip.deeds[:at], *clip.deeds[at + 1 :]]
            times = _window(looked, deed, others, rest=rest, at_rest=at_rest)
            if times and _is_right(clip, deed.gesture, times, at_rest):
                chosen[deed.gesture] = times
    chosen |= _sought(looked, rest, chosen, at_rest)
    ordered = sorted(chosen.items(), key=lambda step: step[1][0])
    return (("look_straight", rest), *ordered) if ordered else ()


def _rest(looked: Looked, deeds: Iterable[Deed]) -> Times | None:
    """Where the head is held straightest, the mouth closed and the eyes open: two seconds, or
    one.
    """
    lids = np.array([min(frame.face.lids) for frame in looked.seen if frame.face])
    least = _OPEN * float(np.quantile(lids, 0.75))
    for length, fewest in ((APART * (REST - 1), REST), (1.0, 6)):
        best: list[tuple[float, float]] = []
        for begins in looked.seconds:
            ends = begins + length
            inside = looked.faces(begins - 0.01, ends + 0.01)
            is_free = all(deed.last + 0.1 < begins or ends < deed.first - 0.1 for deed in deeds)
            if is_free and ends <= looked.seconds[-1] and len(inside) >= fewest:
                away = [_askew(face) for face in inside]
                lids_there = [min(face.lids) for face in inside]
                is_open = float(np.quantile(lids_there, 0.2)) >= least
                if is_open and median(abs(face.turn) for face in inside) <= policy.NEUTRAL.turn:
                    best.append((median(away) + max(away) - min(away), begins))
        if best:
            begins = min(best)[1]
            return tuple(float(each) for each in np.linspace(begins, begins + length, REST))
    return None


def _neutral(faces: Sequence[FaceMeasurement]) -> Neutral:
    names = ("turn", "mouth", "right_eye", "left_eye", "pitch", "interocular")
    return Neutral(**{name: float(median(getattr(face, name) for face in faces)) for name in names})


def _askew(face: FaceMeasurement) -> float:
    away = gestures.away(face, turn=0.0, pitch=5.0, limits=policy.NEUTRAL)
    return away + face.mouth / policy.NEUTRAL.mouth


def _window(
    looked: Looked, deed: Deed, others: Iterable[Deed], *, rest: Times, at_rest: Neutral
) -> Times:
    """As the page takes them; closer together where somebody soon does something else."""
    others = list(others)
    before = [(each.last + deed.first) / 2 for each in others if each.last <= deed.first]
    after = [(deed.last + each.first) / 2 for each in others if each.first >= deed.last]
    before += [rest[-1] + APART] if rest[-1] <= deed.first + _BEFORE else []
    after += [rest[0] - APART] if rest[0] >= deed.last - _BEFORE else []
    latest = min([looked.seconds[-1], deed.last + _BEFORE, *after])
    # The table's times are to the tenth of a second at best: the movement says when it begins.
    earliest = max([0.0, *before])
    begins = max(earliest, _moves(looked, deed, at_rest) - _BEFORE)
    length = min(APART * (COMMAND - 1), max(latest - begins, 0.0))
    return _spread(looked.clip, begins, length)


def _moves(looked: Looked, deed: Deed, at_rest: Neutral) -> float:
    """When this gesture is a third of the way to its threshold, about where the table has it."""
    gesture = gestures.NAMED[deed.gesture]
    for at, frame in zip(looked.seconds, looked.seen, strict=True):
        if frame.face and deed.first - 1.0 <= at <= deed.last:
            (strong,) = gestures.strengths(gesture, [frame.face], at_rest)
            if strong >= gestures.limits(policy.GESTURES)[gesture] / 3:
                return at
    return deed.first


def _is_right(clip: Clip, name: str, times: Times, at_rest: Neutral) -> bool:
    small = (filmed.reduced(image)[0] for image in filmed.read(clip, times))
    judged = gestures.judge(
        gestures.NAMED[name],
        [measured(image) for image in small],
        at_rest=at_rest,
        thresholds=policy.GESTURES,
    )
    return judged.is_right


def _spread(clip: Clip, begins: float, length: float) -> Times:
    count = min(COMMAND, int(length * clip.rate))
    if count < _FEWEST:
        return ()
    return tuple(float(each) for each in np.linspace(begins, begins + length, count))


def _sought(
    looked: Looked, rest: Times, chosen: dict[str, Times], at_rest: Neutral
) -> dict[str, Times]:
    """Where the engine sees eyes close, so that one more command is there."""
    busy = [(rest[0], rest[-1]), *((times[0], times[-1]) for times in chosen.values())]
    busy += [(deed.first, deed.last) for deed in looked.clip.deeds]
    for length in (APART * (COMMAND - 1), APART * (_FEWEST - 1)):
        for begins in looked.seconds:
            ends = begins + length
            is_free = all(last < begins or ends < first for first, last in busy)
            if is_free and ends <= looked.seconds[-1]:
                frames = [FrameMeasurement(0, 0, face) for face in looked.faces(begins, ends)]
                judged = gestures.judge(
                    "blink", frames, at_rest=at_rest, thresholds=policy.GESTURES
                )
                if judged.is_right:
                    return {"blink": _spread(looked.clip, begins, length)}
    return {}


def _photo(
    sources: Sequence[tuple[Clip, Sequence[tuple[str, Times]]]],
) -> tuple[Clip, Placing, float] | None:
    """The straightest frame with open eyes that is none of the capture's, as a register would take
    it.
    """
    best: list[tuple[float, int, float]] = []
    for number, (clip, steps) in enumerate(sources):
        used = np.array([at for _, times in steps for at in times] or [_NEVER])
        looked = filmed.look(clip)
        for at, frame in zip(looked.seconds, looked.seen, strict=True):
            is_other = np.abs(used - at).min() > APART / 2
            if frame.face and is_other and min(frame.face.lids) > policy.NEUTRAL.eye:
                best.append((_askew(frame.face), number, at))
    for _, number, at in sorted(best)[:_PHOTOS]:
        photo = (sources[number][0], _placing(sources[number][0], (at,)), at)
        if not isinstance(results.measured(_opened, photo), Step):
            return photo
    return None


def photograph(photo: tuple[Clip, Placing, float]) -> bytes:
    """It as JPEG."""
    clip, placing, at = photo
    (image,) = filmed.read(clip, [at])
    written = cv2.imencode(
        ".jpg", filmed.cut(image, placing, _PHOTO_EYES)[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, 90]
    )
    return written[1].tobytes()


def _opened(photo: tuple[Clip, Placing, float]) -> None:
    backends.in_use().open(photograph(photo), limits=REFERENCE)


def _placing(clip: Clip, times: Sequence[float]) -> Placing:
    looked = filmed.look(clip)
    inside = looked.faces(times[0] - 0.1, times[-1] + 0.1)
    middle = [median(face.eyes[of] for face in inside) / looked.scale for of in range(2)]
    down = median((face.box[3] - face.box[1]) for face in inside) / looked.scale / 4
    eyes = median(face.interocular for face in inside) / looked.scale
    return Placing((middle[0], middle[1] + down), eyes, looked.size[0] > looked.size[1])
