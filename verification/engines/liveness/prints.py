"""What may be kept of a capture so that it is known when it comes again, and how two captures are
compared.

A frame is told by two things that neither a crop nor a new compression changes much: the signs of
the low frequencies of the upright face, and how the head is held and the face moves. `laid`
compares two captures: 1 frames of one that move · 2 laid along the other at every place and speed ·
3 what is left of their movement. By these a replay is refused. A film that a hand moves, or that is
slanted or far slower, differs in them: its look, as `looks` has it, is compared beside, and sends
to people. `marks` of that look are what an index of all borrowers may hold under a key. Source:
docs/evidence/liveness_replays.json.
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
# Of a frame: turn, pitch, roll, mouth, right eye, left eye, x, y, eye distance; how many steps of
# each are one.
_STEPS = np.array([1e4, 1e2, 1e2, 1e4, 1e4, 1e4, 10, 10, 10])
_LARGEST = np.iinfo(np.int16).max
# What one unit of each is when movements are compared: some times what a new compression changes in
# the real clips. Place and size are told by the eye distance, so that no crop changes them.
_UNITS = np.array([0.06, 3.0, 2.0, 0.06, 0.07, 0.07, 0.04, 0.04, 0.04])
_MARKS, _CHOSEN = 12, 20  # marks a frame, numbers of the look in each
# Of each kind of mark its numbers: the same for everybody, for ever, or nothing is found again.
# NumPy may give other numbers for a seed in another version (NEP 19): a test holds the marks that
# come of these.
_CHANCE = np.random.default_rng(7)
_CHOICES = [
    np.sort(_CHANCE.choice(appearance.NUMBERS, _CHOSEN, replace=False)) for _ in range(_MARKS)
]
_SPEEDS = (0.5, 0.56, 0.625, 0.7, 0.8, 0.9, 1.0, 1.1, 1.25)
_BETWEEN = 0.25  # of a frame, how far apart the places are where a window is laid
Bits = NDArray[np.bool_]


@dataclass(frozen=True)
class Prints:
    """A row for each frame of a step that shows a face: `signs` (n, 224), `motion` (n, 9), as it
    was measured, and `looks` (n, 99).
    """

    signs: Bits
    motion: Floats
    looks: Floats

    def to_bytes(self) -> bytes:
        """145 bytes a frame, to be sealed: they are of a face."""
        # Big-endian on every machine: these bytes are kept.
        steps = np.clip(np.rint(self.motion * _STEPS), -_LARGEST, _LARGEST).astype(">i2")
        signs = np.packbits(self.signs, axis=1)
        return b"".join(
            (_FORMAT, signs.tobytes(), steps.tobytes(), appearance.to_bytes(self.looks))
        )


def from_bytes(stored: bytes) -> Prints:
    """What `to_bytes` wrote. Raises `ValueError` for anything else."""
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
    """Of the frames of one step. Only such as have a mesh."""
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
    """Of each frame, of so many kinds: signs of its look, which no similarity of the picture
    changes, and no speed.

    They tell of a face: only under a key may they stand anywhere.
    """
    bright = step.looks > 0
    columns = [np.packbits(bright[:, chosen], axis=1) for chosen in _CHOICES[:kinds]]
    return [
        frozenset(bytes([kind]) + signs[frame].tobytes() for kind, signs in enumerate(columns))
        for frame in range(len(bright))
    ]


def mirrored(prints: Prints) -> Prints:
    """The same step as a mirror shows it: whoever plays a film may turn it over."""
    # What is uneven from side to side changes its sign; so do the turn, the lean and the place, and
    # the eyes change.
    is_uneven = np.arange(1, _SIDE * _SIDE) % _SIDE % 2 == 1
    motion = prints.motion[:, [0, 1, 2, 3, 5, 4, 6, 7, 8]] * (-1, 1, -1, 1, 1, 1, -1, 1, 1)
    return Prints(prints.signs ^ is_uneven, motion, appearance.mirrored(prints.looks))


@dataclass(frozen=True)
class Laid:
    """A window of one capture, laid where it fits another best: of which step it is, how much moves
    in it, units² a frame, what is left of that, and how many signs of the face differ, the median.
    """

    step: int
    moving: float
    left: float
    signs: float


@dataclass(frozen=True)
class Windows:
    """Of one step, how many windows could be laid along another capture: all of them, and those
    that move.
    """

    whole: int
    moving: int


@dataclass(frozen=True)
class Alike:
    """How alike two captures are. marked: share of the frames of one with a mark of the other.
    windows: how many of the one move. fits: how many of those fit the other. fitting: their share
    in a step, the mean of all steps that have such; 0 without. So no step that is made long
    outweighs others. likeness: how alike they look, as `looks` says.
    """

    marked: float
    windows: int
    fits: int
    fitting: float
    likeness: float


@dataclass(frozen=True)
class AgainLimits:
    """When a capture is another one that comes again.

    window, stride: frames that are laid along the other capture, and how far apart they begin.
    moving: units² a frame, the least movement that tells anything. left, most_left, signs: how much
    of it, as a share and in units², and how many signs of the face may differ where a window fits.
    fits, fitting: how many must fit, and which share of those that move, step by step. many: from
    so many on people look, whatever their share. marked: which share of the frames must have a mark
    of the other. looks: how alike they may look.
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
        """Whether the one is the other, shown again."""
        return (
            likeness.fits >= self.fits
            and likeness.fitting >= self.fitting
            and likeness.marked >= self.marked
        )

    def resembles(self, likeness: Alike, *, by_look: bool = True) -> bool:
        """Whether it may be the other: by the share that fits, of how few windows ever, by many
        that fit, or by its look.
        """
        is_like = (
            likeness.fitting >= self.fitting or likeness.fits >= self.many
        ) and likeness.marked >= self.marked
        return is_like or (by_look and likeness.likeness >= self.looks.likeness)


def compare(first: Sequence[Prints], second: Sequence[Prints], *, limits: AgainLimits) -> Alike:
    """How alike this capture is to another one, as it stands or in a mirror, whichever is more;
    each step by step.
    """
    marks_of_second = frozenset[bytes]().union(*(mark for step in second for mark in marks(step)))
    # Both ways at once, the mirrored steps behind the others: what they are laid along is cut into
    # windows once.
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
    """How many windows of a step can be compared with any other capture."""
    parts = _windows([step], window=limits.window, stride=limits.stride)
    return Windows(len(parts), sum(much >= limits.moving for *_, much in parts))


def laid(
    first: Sequence[Prints], second: Sequence[Prints], *, window: int, stride: int, moving: float
) -> list[Laid]:
    """Each window of the other capture that moves, within its steps, laid along the one."""
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
        # A billionth more, for else rounding could lose the last place.
        starts = np.arange(0, len(along) - 1 - steps[-1] + 1e-9, _BETWEEN)
        if not len(starts):
            continue
        places = starts[:, None] + steps
        before = np.clip(np.floor(places).astype(int), 0, len(along) - 2)
        share = (places - before)[..., None]
        rows = along[before] * (1 - share) + along[before + 1] * share
        rows = (rows - rows.mean(axis=1, keepdims=True)).reshape(len(starts), -1)
        # |a - b|² = |a|² - 2ab + |b|², of all pairs by one product; rounding may leave a little
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
    """Each window within a step: of which, where it is, its movement about its own middle, and how
    much that is, units² a frame.
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
    """The movement of a whole capture in units, against no crop and no size of the picture."""
    rows = np.concatenate([step.motion for step in steps])
    eyes = np.maximum(rows[:, 8], 1.0)
    scale = float(np.median(eyes)) if len(eyes) else 1.0
    # The logarithm of a size: nearer by a tenth, and farther by a tenth, count alike.
    features = np.column_stack([rows[:, :6], rows[:, 6:8] / scale, np.log(eyes / scale)])
    return np.asarray(features / _UNITS, dtype=np.float64)
