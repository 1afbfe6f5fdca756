"""Signs of pictures injected in place of a camera's: the browser's data on its camera, and repeated
pictures.

All data but the pictures are the client's claim.
So a sign is a reason for review, its absence proves nothing, and no data here make a capture pass.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from verification.core.errors import BadInput
from verification.engines.liveness.frames import Image

# W3C Media Capture and Streams, VideoFacingModeEnum; empty if the camera states none.
FACING = ("", "user", "environment", "left", "right")
LABEL_MAX = 200  # characters
_NUMBER_MAX = 1_000_000_000
_SHORTER = 160  # pixels of a chain's shorter side, in which shifts are measured
_SIZE = 32, 24  # pixels of the small greys that are compared
_STRIP = (
    1 / 6,
    1 / 2,
)  # of the width at either side, of the height from above: beside the head, above the shoulders
_TEXTURE = 4.0  # grey levels of deviation: a plain wall shows no movement. Ours
_RESPONSE = 0.3  # of a phase correlation, 0 … 1: below it the peak is ambiguous. Ours
Grey = NDArray[np.float32]


@dataclass(frozen=True)
class Told:
    """A page's data with one part of a command, unverified. Empty and 0 if absent.

    label, facing, width, height: of the video track, by the browser.
    pictures, span_us, shortest_us, longest_us: the camera's pictures since the command was shown,
    the time from first to last by the pictures' own clock, and the extremes of one picture's time.
    events, moved: of the phone's motion sensor, their number, and the widest range of an axis in
    mm/s².
    """

    label: str = ""
    facing: str = ""
    width: int = 0
    height: int = 0
    pictures: int = 0
    span_us: int = 0
    shortest_us: int = 0
    longest_us: int = 0
    events: int = 0
    moved: int = 0


_TEXTS = {"label": LABEL_MAX, "facing": max(map(len, FACING))}
_NAMES = frozenset(vars(Told()))


@dataclass(frozen=True)
class Injection:
    """The findings in numbers, without the label.

    virtual: the listed name inside a label.
    cameras: how many different ones.
    facing: as stated.
    pictures, off_us: pictures with a camera clock, and its largest deviation from exact steps of a
    usual rate; None without a clock.
    events, moved: as in `Told`, over the capture.
    shaken: how often the background moved as a whole while a sensor reported no movement.
    returned: pictures of a movement that came back later.
    """

    virtual: str
    cameras: int
    facing: str
    pictures: int
    off_us: float | None
    events: int
    moved: int
    shaken: int
    returned: int


@dataclass(frozen=True)
class InjectionLimits:
    """The number from which each signal is raised.

    virtual_cameras: parts of labels of software that presents any picture as a camera's, in lower
    case.
    rates: pictures a second that such software produces.
    pictures, off_us: least number, and largest deviation from exact steps.
    events, shaken: least number of equal sensor events, and of movements of the background by
    `shift` pixels.
    returned: least number of pictures that came back, two in a row, at least `apart` pictures
    later. They are no farther away than `alike` times their nearer neighbour, which must be
    `moving` grey levels away.
    """

    virtual_cameras: tuple[str, ...]
    rates: tuple[float, ...]
    pictures: int
    off_us: float
    events: int
    shaken: int
    shift: float
    returned: int
    apart: int
    alike: float
    moving: float

    def raised(self, injection: Injection) -> tuple[str, ...]:
        """The names of the signals. None of them proves an injection."""
        # A phone's sensor clock also stamps its pictures, and may be as exact as a program's.
        is_exact = (
            injection.off_us is not None
            and injection.off_us <= self.off_us
            and not injection.facing
        )
        is_still = (
            injection.facing == "user" and injection.events >= self.events and injection.moved == 0
        )
        signals = {
            "virtual_camera": bool(injection.virtual),
            "regular_frames": is_exact and injection.pictures >= self.pictures,
            "still_phone": is_still and injection.shaken >= self.shaken,
            "near_duplicates": injection.returned >= self.returned,
            "camera_changed": injection.cameras > 1,
        }
        return tuple(name for name, is_raised in signals.items() if is_raised)


def read(untrusted: Any) -> dict[str, str | int]:
    """A page's data on its camera in storable form; empty without data.

    Raises: `BadInput`.
    """
    if untrusted is None:
        return {}
    if not isinstance(untrusted, dict) or untrusted.keys() - _NAMES:
        raise BadInput("of a camera few things are told", code="bad_answer", pointer="/camera")
    for name, value in untrusted.items():
        if name in _TEXTS:
            is_good = (
                isinstance(value, str)
                and len(value) <= _TEXTS[name]
                and (name != "facing" or value in FACING)
            )
        else:
            is_good = (
                type(value) is int and 0 <= value <= _NUMBER_MAX
            )  # JSON's true is an int in Python
        if not is_good:
            raise BadInput(
                "not as a page tells it of its camera", code="bad_answer", pointer=f"/camera/{name}"
            )
    return dict(untrusted)


def injection_of(
    chains: Sequence[Sequence[Image]],
    reported: Sequence[Sequence[Told]],
    *,
    limits: InjectionLimits,
) -> Injection:
    """Findings in the thin chains of a capture, step by step, and in the data of each part."""
    every = [part for parts in reported for part in parts]
    last = [parts[-1] for parts in reported if parts]  # its numbers cover the whole command
    clocks = [part for part in last if part.pictures]
    # The picture times of a program: exact, or cut or rounded to micro- or milliseconds.
    exact = [1e6 / rate for rate in limits.rates] if clocks else []
    steps = exact + [
        unit * cut(digest / unit)
        for digest in exact
        for unit in (1, 1000)
        for cut in (np.floor, np.ceil)
    ]
    apart = [
        max(
            max(
                abs(part.span_us - part.pictures * step),
                abs(part.shortest_us - step),
                abs(part.longest_us - step),
            )
            for part in clocks
        )
        for step in steps
    ]
    moved = max((part.moved for part in last), default=0)
    still = chains if moved == 0 and any(part.events for part in last) else ()
    labels = {part.label.casefold() for part in every}
    # A phone that is turned and turned back is the same one.
    cameras = {
        (part.label, part.facing, *sorted((part.width, part.height)))
        for part in every
        if part.width
    }
    return Injection(
        virtual=next(
            (name for name in limits.virtual_cameras if any(name in label for label in labels)), ""
        ),
        cameras=len(cameras),
        facing=", ".join(sorted({part.facing for part in every if part.width})),
        pictures=sum(part.pictures for part in clocks),
        off_us=min(map(float, apart), default=None),
        events=sum(part.events for part in last),
        moved=moved,
        shaken=sum(_shaken(chain, shift=limits.shift) for chain in still),
        returned=_returned(chains, limits=limits),
    )


def _shaken(chain: Sequence[Image], *, shift: float) -> int:
    """How often the background moved as one, by so many pixels of 160, from one picture of a step
    to the next.

    Both sides of the picture must show it, and agree to half of it: a person before a fixed camera
    does not move both.
    """
    sides = []
    shift *= min(chain[0].shape[:2]) / _SHORTER if chain else 1.0
    for image in chain:
        grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY).astype(np.float32)
        wide, high = round(grey.shape[1] * _STRIP[0]), round(grey.shape[0] * _STRIP[1])
        sides.append((grey[:high, :wide], grey[:high, -wide:]))
    shaken = 0
    for before, after in pairwise(sides):
        moves = []
        for first, second in zip(before, after, strict=True):
            if min(first.std(), second.std()) < _TEXTURE:
                break
            # Faded out to the borders: a Fourier transform treats a picture as periodic, and would
            # find its edges.
            window = cv2.createHanningWindow((first.shape[1], first.shape[0]), cv2.CV_32F)
            move, response = cv2.phaseCorrelate(
                np.ascontiguousarray(first), np.ascontiguousarray(second), window
            )
            if response < _RESPONSE:
                break
            moves.append(np.asarray(move))
        if len(moves) == 2:
            least = min(float(np.linalg.norm(move)) for move in moves)
            shaken += least >= shift and float(np.linalg.norm(moves[0] - moves[1])) <= least / 2
    return shaken


def _returned(chains: Sequence[Sequence[Image]], *, limits: InjectionLimits) -> int:
    """How many pictures of a movement come back later, or came before, with their next or previous
    one.

    A single one can occur: a head or hand that moves back and forth returns to its place. Two in a
    row are a recording.
    """
    small = [
        cv2.resize(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), _SIZE, interpolation=cv2.INTER_AREA)
        for chain in chains
        for image in chain
    ]
    if not small:
        return 0
    every = np.stack(small).astype(np.float32).reshape(len(small), -1)
    apart = np.zeros((len(every), len(every)), np.float32)
    for at, picture in enumerate(every):
        apart[at, at:] = apart[at:, at] = np.abs(every[at:] - picture).mean(axis=1)
    # The first and last of a step have one neighbour: their movement is unknown.
    sizes = [len(chain) for chain in chains]
    inner = [
        at
        for size, end in zip(sizes, accumulate(sizes), strict=True)
        for at in range(end - size + 1, end - 1)
    ]
    near = np.zeros(apart.shape, dtype=np.bool_)
    for at in inner:
        neighbour = min(apart[at, at - 1], apart[at, at + 1])
        near[at] = (neighbour >= limits.moving) & (apart[at] <= limits.alike * neighbour)
        near[at, max(0, at - limits.apart + 1) : at + limits.apart] = False
    forward, backward = near[:-1, :-1] & near[1:, 1:], near[:-1, 1:] & near[1:, :-1]
    follows = (forward | backward).any(axis=1)
    return int((np.append(follows, False) | np.append(False, follows)).sum())
