"""Storable features that recognise a capture later, and the comparison of two captures.

A crop or a new compression hardly changes two features of a frame: the signs of the upright face's
low frequencies, and the pose and movement of the face.
`laid` compares two captures:
1. Moving frames of one.
2. Placed along the other at every position and speed.
3. The rest of their movement.

These refuse a replay. A film moved by hand, slanted or far slower differs in them.
Its look (see `looks`) is compared too, and leads to review.
`marks` of that look may enter a keyed index of all borrowers.
Source: docs/evidence/genuine.json, replays.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from verification.engines.faces.portrait import ARCFACE, Portrait
from verification.engines.liveness import looks as appearance
from verification.engines.liveness.frames import Floats, Image
from verification.engines.liveness.landmarks import FaceMeasurement, five_points
from verification.engines.liveness.looks import LooksLimits

SIGNS = 224  # of the lowest frequencies of the face, 15 each way but the mean
_SIDE, _CUT, _REDUCED = 15, 112, 64
_FORMAT = b"\x02"
# Of a frame: turn, pitch, roll, mouth, right eye, left eye, x, y, eye distance; storage steps per
# unit.
_STEPS = np.array([1e4, 1e2, 1e2, 1e4, 1e4, 1e4, 10, 10, 10])
_LARGEST = np.iinfo(np.int16).max
# The unit of each in a comparison of movements: a multiple of a new compression's effect in the
# real clips. Place and size are relative to the eye distance, so a crop does not change them.
_UNITS = np.array([0.06, 3.0, 2.0, 0.06, 0.07, 0.07, 0.04, 0.04, 0.04])
_MARKS, _CHOSEN = 12, 20  # marks a frame, numbers of the look in each
# The numbers of each kind of mark: constant for ever, or old marks are lost. NumPy may give other
# numbers for a seed in another version (NEP 19): a test pins the resulting marks.
_CHANCE = np.random.default_rng(7)
_CHOICES = [
    np.sort(_CHANCE.choice(appearance.NUMBERS, _CHOSEN, replace=False)) for _ in range(_MARKS)
]
_SPEEDS = (0.5, 0.56, 0.625, 0.7, 0.8, 0.9, 1.0, 1.1, 1.25)
_BETWEEN = 0.25  # of a frame, the interval of a window's positions
Bits = NDArray[np.bool_]


@dataclass(frozen=True)
class Prints:
    """A row for each frame of a step with a face: `signs` (n, 224), `motion` (n, 9), as
    measured, and `looks` (n, 99).
    """

    signs: Bits
    motion: Floats
    looks: Floats

    def to_bytes(self) -> bytes:
        """145 bytes a frame, to be sealed, because they describe a face."""
        # Big-endian on every machine, because these bytes are stored.
        steps = np.clip(np.rint(self.motion * _STEPS), -_LARGEST, _LARGEST).astype(">i2")
        signs = np.packbits(self.signs, axis=1)
        return b"".join(
            (_FORMAT, signs.tobytes(), steps.tobytes(), appearance.to_bytes(self.looks))
        )


def from_bytes(stored: bytes) -> Prints:
    """The prints from `to_bytes`.

    Raises: `ValueError` for anything else.
    """
    frame_bytes = SIGNS // 8 + 2 * len(_STEPS) + appearance.NUMBERS
    count, remainder = divmod(len(stored) - 1, frame_bytes)
    if stored[:1] != _FORMAT or remainder:
        raise ValueError("prints that are not whole")
    ends = 1 + count * SIGNS // 8
    signs = np.unpackbits(
        np.frombuffer(stored[1:ends], np.uint8).reshape(count, SIGNS // 8), axis=1
    )
    tail = ends + count * 2 * len(_STEPS)
    steps = np.frombuffer(stored[ends:tail], ">i2").reshape(count, len(_STEPS))
    return Prints(signs.astype(bool), steps / _STEPS, appearance.from_bytes(stored[tail:]))


def prints_of(frames: Sequence[tuple[Image, FaceMeasurement]]) -> Prints:
    """Prints of the frames of one step that have a mesh."""
    lows, motion, looks = [], [], list[Floats]()
    for image, face in frames:
        if face.mesh is not None:
            cut = Portrait(image, five_points(face.mesh), 1.0).cut(ARCFACE, side=_CUT)
            small = cv2.resize(
                cv2.cvtColor(cut, cv2.COLOR_RGB2GRAY),
                (_REDUCED, _REDUCED),
                interpolation=cv2.INTER_AREA,
            )
            grey = np.asarray(small, dtype=np.uint8)
            looks.append(appearance.look(grey))
            lows.append(cv2.dct(grey.astype(np.float32))[:_SIDE, :_SIDE].ravel()[1:])
            pose = face.turn, face.pitch, face.roll, face.mouth, *face.lids
            motion.append((*pose, *face.eyes, face.interocular))
    rows, low = (
        np.array(motion, dtype=np.float64).reshape(-1, len(_STEPS)),
        np.array(lows).reshape(-1, SIGNS),
    )
    ordered, middle = (
        np.sort(low, axis=1),
        SIGNS // 2,
    )  # even; NumPy's own median takes 15 times as long
    signs = low > (ordered[:, middle - 1 : middle] + ordered[:, middle : middle + 1]) / 2
    return Prints(signs, rows, np.array(looks, dtype=np.float64).reshape(-1, appearance.NUMBERS))


def marks(step: Prints, *, kinds: int = _MARKS) -> list[frozenset[bytes]]:
    """Marks of each frame, of so many kinds: signs of its look, independent of a similarity of the
    picture and of speed.

    They describe a face: store them only under a key.
    """
    bright = step.looks > 0
    columns = [np.packbits(bright[:, chosen], axis=1) for chosen in _CHOICES[:kinds]]
    return [
        frozenset(bytes([kind]) + signs[frame].tobytes() for kind, signs in enumerate(columns))
        for frame in range(len(bright))
    ]


def mirrored(prints: Prints) -> Prints:
    """The same step in a mirror: a replay may be mirrored."""
    # Horizontally odd frequencies change their sign; so do turn, lean and place, and the eyes swap.
    is_uneven = np.arange(1, _SIDE * _SIDE) % _SIDE % 2 == 1
    motion = prints.motion[:, [0, 1, 2, 3, 5, 4, 6, 7, 8]] * (-1, 1, -1, 1, 1, 1, -1, 1, 1)
    return Prints(prints.signs ^ is_uneven, motion, appearance.mirrored(prints.looks))


@dataclass(frozen=True)
class Laid:
    """A window of one capture at its best position in another.

    Its step, its movement in units² a frame, the rest of that, and the median number of differing
    face signs.
    """

    step: int
    moving: float
    left: float
    signs: float


@dataclass(frozen=True)
class Windows:
    """The windows of one step that can be compared: all of them, and those that move."""

    whole: int
    moving: int


@dataclass(frozen=True)
class Alike:
    """Similarity of two captures.

    marked: share of one's frames with a mark of the other.
    windows: moving ones of the one. fits: those that fit the other.
    fitting: their share in a step, the mean over steps with moving windows; 0 without. So a long
    step does not dominate.
    likeness: of their looks, per `looks`.
    """

    marked: float
    windows: int
    fits: int
    fitting: float
    likeness: float


@dataclass(frozen=True)
class AgainLimits:
    """When a capture is a repetition of another one.

    window, stride: frames placed along the other capture, and their interval.
    moving: units² a frame, the least informative movement.
    left, most_left, signs: of a fitting window: the largest rest, as a share and in units², and the
    differing face signs.
    fits, fitting: how many must fit, and their share among moving ones, step by step.
    many: from which number on people review, whatever the share.
    marked: the share of frames that must have a mark of the other.
    looks: the limits of similar looks.
    """

    window: int
    stride: int
    moving: float
    left: float
    most_left: float
    signs: int
    fits: int
    fitting: float
    many: int
    marked: float
    looks: LooksLimits

    def finds(self, likeness: Alike) -> bool:
        """Whether one is the other, repeated."""
        return (
            likeness.fits >= self.fits
            and likeness.fitting >= self.fitting
            and likeness.marked >= self.marked
        )

    def resembles(self, likeness: Alike, *, by_look: bool = True) -> bool:
        """Whether it may be the other: by the share of any fitting windows, by many that fit, or
        by its look.
        """
        is_like = (
            likeness.fitting >= self.fitting or likeness.fits >= self.many
        ) and likeness.marked >= self.marked
        return is_like or (by_look and likeness.likeness >= self.looks.likeness)


def compare(first: Sequence[Prints], second: Sequence[Prints], *, limits: AgainLimits) -> Alike:
    """Similarity of this capture to another one, plain or mirrored, whichever is more; step by
    step.
    """
    marks_of_second = frozenset[bytes]().union(*(mark for step in second for mark in marks(step)))
    # Both ways at once, mirrored steps last: the other capture is cut into windows once.
    both = [*first, *(mirrored(step) for step in first)]
    marked = [[bool(step_marks & marks_of_second) for step_marks in marks(step)] for step in both]
    windows_laid = laid(
        second, both, window=limits.window, stride=limits.stride, moving=limits.moving
    )
    ways, rows = [], [[step.looks for step in capture] for capture in (first, second)]
    likeness = appearance.likeness(*rows, limits=limits.looks)
    for begin in (0, len(first)):
        of_way = [window for window in windows_laid if begin <= window.step < begin + len(first)]
        fitting: dict[int, list[bool]] = {}
        for window in of_way:
            fits = (
                window.left <= min(limits.left * window.moving, limits.most_left)
                and window.signs <= limits.signs
            )
            fitting.setdefault(window.step, []).append(fits)
        share = sum(sum(prints_of) / len(prints_of) for prints_of in fitting.values()) / max(
            1, len(fitting)
        )
        flags_seen = [window for step in marked[begin : begin + len(first)] for window in step]
        ways.append(
            Alike(
                sum(flags_seen) / max(1, len(flags_seen)),
                len(of_way),
                sum(map(sum, fitting.values())),
                share,
                likeness,
            )
        )
    return max(
        ways, key=lambda way: (limits.finds(way), limits.resembles(way), way.fitting, way.marked)
    )


def windows(step: Prints, *, limits: AgainLimits) -> Windows:
    """How many windows of a step can be compared with other captures."""
    parts = _windows([step], window=limits.window, stride=limits.stride)
    return Windows(len(parts), sum(much >= limits.moving for *_, much in parts))


def laid(
    first: Sequence[Prints], second: Sequence[Prints], *, window: int, stride: int, moving: float
) -> list[Laid]:
    """Each moving window of the other capture, within its steps, placed along the one."""
    if not first or not second:
        return []
    along, signs = _motion(first), np.concatenate([step.signs for step in first])
    second_signs = np.concatenate([step.signs for step in second])
    judged = [
        part_of_second
        for part_of_second in _windows(second, window=window, stride=stride)
        if part_of_second[-1] >= moving
    ]
    if not judged or len(along) < 2:
        return []
    moved = np.stack([rows.ravel() for _, _, rows, _ in judged])
    best = [(np.inf, np.zeros(window, dtype=np.intp))] * len(judged)
    for speed in _SPEEDS:
        steps = np.arange(window) * speed
        # A small excess, because rounding could lose the last position.
        starts = np.arange(0, len(along) - 1 - steps[-1] + 1e-9, _BETWEEN)
        if not len(starts):
            continue
        places = starts[:, None] + steps
        before = np.clip(np.floor(places).astype(int), 0, len(along) - 2)
        share = (places - before)[..., None]
        rows = along[before] * (1 - share) + along[before + 1] * share
        rows = (rows - rows.mean(axis=1, keepdims=True)).reshape(len(starts), -1)
        # |a - b|² = |a|² - 2ab + |b|², for all pairs by one product; rounding may give slightly
        # less than 0.
        left = (rows**2).sum(axis=1)[:, None] - 2 * rows @ moved.T + (moved**2).sum(axis=1)
        for number, row in enumerate(left.argmin(axis=0)):
            if left[row, number] < best[number][0]:
                best[number] = float(left[row, number]), np.rint(places[row]).astype(int)
    return [
        Laid(
            step,
            much,
            max(0.0, left) / window,
            float(np.median((signs[places] != second_signs[part]).sum(axis=1))),
        )
        for (step, part, _, much), (left, places) in zip(judged, best, strict=True)
    ]


def _windows(
    steps: Sequence[Prints], *, window: int, stride: int
) -> list[tuple[int, slice, Floats, float]]:
    """Each window within a step: its step, position, movement about its mean, and amount of
    movement, units² a frame.
    """
    motion, parts, at = _motion(steps), [], 0
    for number, step in enumerate(steps):
        for begin in range(at, at + len(step.signs) - window + 1, stride):
            rows = motion[begin : begin + window] - motion[begin : begin + window].mean(axis=0)
            parts.append(
                (number, slice(begin, begin + window), rows, float((rows**2).sum(axis=1).mean()))
            )
        at += len(step.signs)
    return parts


def _motion(steps: Sequence[Prints]) -> Floats:
    """The movement of a whole capture in units, independent of crop and size."""
    rows = np.concatenate([step.motion for step in steps])
    eyes = np.maximum(rows[:, 8], 1.0)
    scale = float(np.median(eyes)) if len(eyes) else 1.0
    # The logarithm of a size: a tenth closer and a tenth farther count alike.
    features = np.column_stack([rows[:, :6], rows[:, 6:8] / scale, np.log(eyes / scale)])
    return np.asarray(features / _UNITS, dtype=np.float64)
