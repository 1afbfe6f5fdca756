"""Whole captures of genuine people, composed of a clip's own frames, as the page would have sent
them.

The people followed no commands.
*Uncommanded*: a face at rest and the following frames, under the commands that they show most;
without shared frames.
*Commanded*: both turns and another gesture seen by eye, if a clip has them.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from itertools import permutations

import cv2
import numpy as np

from tools.capture_files import FIRST_MS, StepFiles
from tools.genuine.clips import STEP, Observed, Sender
from verification.core.errors import Refused
from verification.engines.liveness import gestures, pictures, policy
from verification.engines.liveness.frames import Image
from verification.engines.liveness.gestures import GESTURES, TURNS, Gesture, Neutral
from verification.engines.liveness.pictures import SentStep
from verification.stages.live_capture.dialogue import NEUTRAL
from verification.stages.live_capture.policy import CAPTURE

AT = datetime(2026, 11, 27, tzinfo=UTC)
REST = 12  # frames at rest: what the page sends
# frames of a command, at least: the freshness gate's minimum for a comparison
_SHORTEST = 12
_COMMANDS = 3
Windows = list[tuple[str, list[int]]]
"""Commands, the face at rest first, each with the frames of the clip."""


def uncommanded(film: Observed) -> list[Windows]:
    """With windows of a command's length; in a clip too short for that with shorter ones, or
    with two.
    """
    for count in (_COMMANDS, _COMMANDS - 1):
        for length in range(STEP, _SHORTEST - 1, -1):
            if windows := _one_after_another(film, count=count, length=length):
                return windows
    return []


def _one_after_another(film: Observed, *, count: int, length: int) -> list[Windows]:
    series, at = list[Windows](), 0
    while (start := _at_rest(film, at, without=frozenset())) is not None:
        starts = [start + REST + number * length for number in range(count)]
        at = starts[-1] + length
        if at > len(film.chain):
            break
        at_rest = list(range(start, start + REST))
        labelled = _name_windows(
            film, [list(range(first, first + length)) for first in starts], neutral(film, at_rest)
        )
        series.append(
            [
                (name, [film.places[at] for at in places])
                for name, places in [(NEUTRAL, at_rest), *labelled]
            ]
        )
    return series


def commanded(film: Observed) -> Iterator[Windows]:
    """Windows seen by eye; in one too short for the freshness gate, frames lie closer together."""
    takes: dict[str, list[tuple[int, int, str]]] = {}
    for first, last, shows in film.clip.windows:
        if shows is not None:
            takes.setdefault(shows if shows in TURNS else "other", []).append((first, last, shows))
    if {*TURNS, "other"} - {*takes}:
        return
    for number in range(max(map(len, takes.values()))):
        chosen = sorted(candidates[number % len(candidates)] for candidates in takes.values())
        inside = frozenset(at for first, last, _ in chosen for at in film.between(first, last))
        start = _at_rest(film, 0, without=inside)
        if start is None:
            return
        windows: Windows = [(NEUTRAL, list(film.places[start : start + REST]))]
        for first, last, gesture in chosen:
            begins = max(first, windows[-1][1][-1] + 1) if len(windows) > 1 else first
            places = [film.places[at] for at in film.between(begins, last)]
            if len(places) < _SHORTEST:
                places = np.linspace(begins, last, _SHORTEST).astype(int).tolist()
            windows.append((gesture, places))
        yield windows


def _at_rest(film: Observed, start: int, *, without: frozenset[int]) -> int | None:
    """The first chain frames from here on that the gate accepts as a face at rest."""
    for first in range(start, len(film.chain) - REST + 1):
        places = range(first, first + REST)
        if not without & {*places} and neutral(film, places) is not None:
            return first
    return None


def neutral(film: Observed, places: Sequence[int]) -> Neutral | None:
    """The face at rest in these frames of the chain; None if the gate refuses them."""
    try:
        return gestures.neutral([film.chain[at].frame for at in places], limits=policy.NEUTRAL)
    except Refused:
        return None


def _name_windows(film: Observed, windows: Sequence[list[int]], at_rest: Neutral | None) -> Windows:
    """Each window by the command that it shows most, no command twice."""
    limits, shares = gestures.limits(policy.GESTURES), []
    for places in windows:
        faces = [face for at in places if (face := film.chain[at].measured) is not None]
        strong = {
            gesture: max(gestures.strengths(gesture, faces, at_rest or film.rest))
            for gesture in GESTURES
        }
        shares.append(
            {gesture: _share(gesture, strong[gesture], limits[gesture]) for gesture in GESTURES}
        )
    best = max(
        permutations(GESTURES, len(windows)),
        key=lambda order: sum(
            share_of[gesture] for share_of, gesture in zip(shares, order, strict=True)
        ),
    )
    return list(zip(best, windows, strict=True))


def _share(gesture: Gesture, strength: float, limit: float) -> float:
    """Its strength relative to the threshold; a face as close as at rest has none."""
    least = 1.0 if gesture == "come_closer" else 0.0
    return min(1.0, (strength - least) / (limit - least))


def sent(images: Sequence[Image], windows: Windows, *, scale: float) -> list[StepFiles]:
    """The page's output for them; `scale`: how much closer the camera is."""
    sender, steps = Sender(), []
    for command, places in windows:
        stills = CAPTURE.rest_stills if command == NEUTRAL else CAPTURE.stills
        times = [round(FIRST_MS + at * CAPTURE.chain_ms) for at in range(len(places))]
        between = [number * len(places) // stills for number in range(stills)]
        steps.append(
            StepFiles(
                command,
                [
                    (times[at], sender.jpeg(images[place], "chain"))
                    for at, place in enumerate(places)
                ],
                [
                    (times[at], sender.jpeg(_nearer(images[places[at]], scale), "full"))
                    for at in between
                ],
            )
        )
    return steps


def photograph(
    film: Observed, images: Sequence[Image], *, without: set[int], scale: float
) -> bytes | None:
    """The frame outside these with the straightest face, as the register's photo; None without
    one.
    """
    straight = [
        (gestures.away(frame.measured, turn=0.0, pitch=0.0, limits=policy.NEUTRAL), place)
        for place, frame in zip(film.places, film.full, strict=True)
        if frame.measured is not None and place not in without
    ]
    if not straight:
        return None
    image = _nearer(images[min(straight)[1]], scale)[:, :, ::-1]
    return cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 90])[1].tobytes()


def prints(steps: Sequence[StepFiles]) -> dict[str, bytes]:
    """The features that recognise it later."""
    kept_prints = [
        SentStep(step.command, tuple(jpeg for _, jpeg in step.chain), (), (), ()) for step in steps
    ]
    return {
        f"live_capture.{at}.prints": pictures.look(step)[1].to_bytes()
        for at, step in enumerate(kept_prints)
    }


def _nearer(image: Image, scale: float) -> Image:
    if scale == 1.0:
        return image
    return np.asarray(
        cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC), dtype=np.uint8
    )
