"""What the faces of different gestures have in common beyond the face at rest, in people of whom each is one person.

Captures are put together by chance, of a clip's own frames: a face at rest, and two to four windows of a command's
length in which different gestures reach their thresholds, whatever the person was doing. None overlaps another.
"""

from collections.abc import Iterator, Sequence
from itertools import combinations

import numpy as np

from scripts.genuine import Figures, spread
from scripts.genuine.clips import STEP, Observed
from verification.core.errors import Refused
from verification.engines.faces.embedding import Embedding, common_distance, distance, mean
from verification.engines.liveness import gestures, policy
from verification.engines.liveness.gestures import GESTURES, Neutral
from verification.engines.liveness.policy import GATES, THROUGHOUT

_REST = 12  # frames at rest: what the page sends
_RESTS, _CAPTURES = 25, 60  # of a clip, faces at rest; and of each of them, captures that are tried
_FEW = 4  # faces at rest within the commands: with fewer the one moment at the beginning is most of what is known
Window = tuple[int, list[int]]
"""Where a gesture's window begins, and its strongest frames."""


def measure(clips: Sequence[Observed]) -> Figures:
    """By person: of captures whose acting medians pass, the common distance, and how many are beyond its limit."""
    told: dict[str, list[tuple[int, float]]] = {}
    for each in clips:
        told.setdefault(each.clip.person, []).extend(_captures(each, np.random.default_rng(1)))
    found: Figures = {"limit": GATES.common, "people": sum(bool(own) for own in told.values()), "few": _FEW}
    for person, own in told.items():
        for name, least in (("all", 0), ("often_at_rest", _FEW)):
            far = [value for rests, value in own if rests >= least]
            found[f"{person}_{name}"] = spread(far) | {"beyond": sum(value > GATES.common for value in far)}
    return found


def _captures(each: Observed, chance: np.random.Generator) -> Iterator[tuple[int, float]]:
    """Of each capture: how many faces of its commands are at rest, and the common distance."""
    starts = [at for at in range(0, len(each.places) - _REST, _REST // 2) if _neutral(each, at) is not None]
    for start in chance.permutation(starts)[:_RESTS].tolist():
        rest = _neutral(each, start)
        if rest is None or len(shown := _shown(each, rest, without=range(start, start + _REST))) < 2:
            continue
        for _ in range(_CAPTURES):
            names = chance.permutation(sorted(shown))[: chance.integers(3, 5)].tolist()
            chosen = [shown[name][int(chance.integers(len(shown[name])))] for name in names]
            if all(abs(one - other) >= STEP for (one, _), (other, _) in combinations(chosen, 2)):
                yield from _judged(each, start, rest, chosen)


def _judged(each: Observed, start: int, rest: Neutral, chosen: Sequence[Window]) -> Iterator[tuple[int, float]]:
    def is_near(at: int) -> bool:
        face = each.chain[at].measured
        if face is None:
            return False
        return gestures.away(face, turn=rest.turn, pitch=rest.pitch, limits=policy.NEUTRAL) <= THROUGHOUT.near

    def faces(places: Sequence[int]) -> list[Embedding]:
        return [face for at in places if (face := each.by_mesh[at]) is not None]

    every = THROUGHOUT.every
    proving = [faces(places) for _, places in chosen]
    quiet = faces([at for at in range(start, start + _REST, every) if is_near(at)])
    between = faces(
        [at for first, own in chosen for at in range(first, first + STEP, every) if at not in own and is_near(at)]
    )
    if quiet and all(proving):
        far = [float(np.median([distance(quiet[0], face).value for face in own])) for own in proving]
        if max(far) <= GATES.acting_median:
            yield len(between), common_distance(mean([*quiet, *between]), [mean(own) for own in proving])


def _neutral(each: Observed, start: int) -> Neutral | None:
    frames = [each.chain[at].frame for at in range(start, start + _REST)]
    try:
        return gestures.neutral(frames, limits=policy.NEUTRAL) if all(frame.face for frame in frames) else None
    except Refused:
        return None


def _shown(each: Observed, rest: Neutral, *, without: range) -> dict[str, list[Window]]:
    """By gesture, the windows that reach its threshold."""
    limits, found = gestures.limits(policy.GESTURES), dict[str, list[Window]]()
    for first in range(0, len(each.chain) - STEP, THROUGHOUT.every):
        seen = [(at, face) for at in range(first, first + STEP) if (face := each.chain[at].measured) is not None]
        if len(seen) < _REST or {*without} & {*range(first, first + STEP)}:
            continue
        for name in GESTURES:
            strong = zip(gestures.strengths(name, [face for _, face in seen], rest), seen, strict=True)
            best = sorted(((value, at) for value, (at, _) in strong if value >= limits[name]), reverse=True)
            if best:
                found.setdefault(name, []).append((first, [at for _, at in best[: THROUGHOUT.acting]]))
    return found
