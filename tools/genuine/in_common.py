"""What faces of different gestures have in common beyond the face at rest, and how far rests lie
apart, in genuine people.

Captures are composed at random of a clip's own frames: a face at rest, and two to four windows of a
command's length.
In the windows different gestures reach their thresholds, whatever the person did.
They do not overlap, but captures of one clip share frames: they are not independent, and a clip is
minutes long.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from tools.genuine import Figures, spread
from tools.genuine.captures import REST, neutral
from tools.genuine.clips import STEP, Observed
from verification.engines.faces.embedding import Embedding, distance
from verification.engines.liveness import gestures, policy
from verification.engines.liveness.gestures import GESTURES, TURNS, Gesture, Neutral
from verification.engines.liveness.policy import GATES, THROUGHOUT
from verification.engines.liveness.throughout import by_means

_RESTS, _CAPTURES = 25, 80  # of a clip, faces at rest; and captures tried with each
_MOST = 2  # commands besides both turns
Window = tuple[int, list[int], set[int]]
"""The start of a gesture's window, its strongest frames, and all frames with it."""


@dataclass(frozen=True)
class _Told:
    """Of one capture: whether it has both turns, its gestures' distance, their common part, and
    the rests' distance.
    """

    has_turns: bool
    acting: float
    common: float
    resting: float | None


def measure(clips: Sequence[Observed]) -> Figures:
    """By person, of captures whose acting medians pass: both distances, and how many exceed their
    limits.

    The default net's faces match at 1.00, so its shares are distances.
    """
    outcomes: dict[str, list[_Told]] = {}
    for film in clips:
        outcomes.setdefault(film.clip.person, []).extend(_captures(film, np.random.default_rng(1)))
    outcomes = {person: captures for person, captures in outcomes.items() if captures}
    figures: Figures = {
        "people": len(outcomes),
        "limits": {"common": GATES.common, "resting": GATES.resting},
    }
    for person, captures in outcomes.items():
        resting = [capture.resting for capture in captures if capture.resting is not None]
        figures[person] = {
            "captures": len(captures),
            "acting_median": spread([capture.acting for capture in captures]),
            "both_turns": _beyond(
                [capture.common for capture in captures if capture.has_turns], GATES.common
            ),
            "other": _beyond(
                [capture.common for capture in captures if not capture.has_turns],
                GATES.common,
            ),
            "resting": _beyond(resting, GATES.resting),
        }
    return figures


def _beyond(values: Sequence[float], limit: float) -> Figures:
    return {**spread(values), "beyond": sum(value > limit for value in values)}


def _captures(film: Observed, chance: np.random.Generator) -> Iterator[_Told]:
    starts = range(0, len(film.places) - REST, REST // 2)
    rests = {
        at: neutral
        for at in starts
        if (neutral := _neutral(film, range(at, at + REST))) is not None
    }
    for start in chance.permutation(list(rests))[:_RESTS].tolist():
        neutral = rests[start]
        if len(windows := _reached(film, neutral, without=range(start, start + REST))) < 2:
            continue
        for _ in range(_CAPTURES):
            turns = [name for name in TURNS if name in windows]
            non_turns = chance.permutation([name for name in windows if name not in TURNS])
            names = [*turns, *non_turns[: chance.integers(1, _MOST + 1)]]
            chosen = [windows[name][int(chance.integers(len(windows[name])))] for name in names]
            if all(
                abs(first - second) >= STEP for (first, *_), (second, *_) in combinations(chosen, 2)
            ):
                yield from _judged(
                    film,
                    start,
                    neutral,
                    chosen,
                    begins=int(chance.integers(3)),
                    is_whole=len(turns) > 1,
                )


def _judged(
    film: Observed,
    start: int,
    neutral: Neutral,
    chosen: Sequence[Window],
    *,
    begins: int,
    is_whole: bool,
) -> Iterator[_Told]:
    def faces(places: Sequence[int]) -> list[Embedding]:
        return [face for at in places if (face := film.by_mesh[at]) is not None]

    def is_at_rest(at: int) -> bool:
        face = film.chain[at].measured
        return face is not None and gestures.is_at_rest(
            face, neutral, limits=policy.NEUTRAL, near=THROUGHOUT.near
        )

    every, proving = THROUGHOUT.every, [faces(places) for _, places, _ in chosen]
    first = faces(range(start + begins, start + REST, every))
    places = [
        at
        for begin, _, strongest in chosen
        for at in range(begin + begins, begin + STEP, every)
        if at not in strongest
    ]
    later = faces([at for at in places if is_at_rest(at)])
    if first and len(proving) > 1 and all(proving):
        far = [
            float(np.median([distance(first[0], face).value for face in strongest]))
            for strongest in proving
        ]
        if max(far) <= GATES.acting_median:
            means = by_means(first, later, proving)
            yield _Told(is_whole, max(far), means["common"] or 0.0, means["resting"])


def _neutral(film: Observed, places: Sequence[int]) -> Neutral | None:
    return neutral(film, places) if all(film.chain[at].measured for at in places) else None


def _reached(film: Observed, neutral: Neutral, *, without: range) -> dict[Gesture, list[Window]]:
    """By gesture, the windows that reach its threshold."""
    limits, by_gesture = gestures.limits(policy.GESTURES), dict[Gesture, list[Window]]()
    for first in range(0, len(film.chain) - STEP, THROUGHOUT.every):
        faces = [
            (at, face)
            for at in range(first, first + STEP)
            if (face := film.chain[at].measured) is not None
        ]
        if len(faces) < REST or {*without} & {*range(first, first + STEP)}:
            continue
        for name in GESTURES:
            strong = zip(
                gestures.strengths(name, [face for _, face in faces], neutral), faces, strict=True
            )
            best = sorted(
                ((value, at) for value, (at, _) in strong if value >= limits[name]), reverse=True
            )
            if best:
                strongest = [at for _, at in best[: THROUGHOUT.acting]]
                by_gesture.setdefault(name, []).append((first, strongest, {at for _, at in best}))
    return by_gesture
